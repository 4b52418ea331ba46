# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.crm_kpi.conversations.addresses import bare_address

from .survey_question import METRICS, SCALES


class CrmKpiSurveyAnswer(models.Model):
    """A survey answer that counts in a KPI.

    The survey is finished and not a test, the answer is on the scale of the KPI, and neither
    participant nor customer is one of our companies or employees. The rows are read from the
    surveys and not stored, so that later changes of questions, participations and contacts
    need no update here.
    """

    _name = "crm.kpi.survey.answer"
    _description = "KPI: answer of a survey"
    _kpi_measurable = True
    _auto = False
    _order = "date desc, id desc"
    _rec_name = "question_id"
    _depends = {
        "survey.question": ["kpi_metric"],
        "survey.user_input.line": [
            "user_input_id",
            "question_id",
            "skipped",
            "answer_type",
            "value_scale",
            "value_numerical_box",
        ],
        "survey.user_input": [
            "survey_id",
            "state",
            "test_entry",
            "end_datetime",
            "partner_id",
            "email",
            "kpi_res_model",
            "kpi_res_id",
            "kpi_partner_id",
            "kpi_user_id",
            "kpi_team_id",
            "kpi_company_id",
            "kpi_reseller_id",
        ],
        "res.company": ["partner_id"],
        "res.users": ["partner_id", "share"],
    }

    date = fields.Datetime("Answered on", readonly=True)
    metric = fields.Selection(METRICS, "KPI", readonly=True)
    value = fields.Float("Answer", readonly=True, aggregator="avg", digits=(16, 1))
    score = fields.Float(
        readonly=True,
        aggregator="avg",
        digits=(16, 1),
        help="Its average is the KPI. Net promoter score: 100 for 9 and 10, −100 for 0 to 6, "
        "0 between. Customer effort: 100 for 5 to 7, else 0. Satisfaction: 100 for 4 and 5, "
        "else 0.",
    )
    replaced_date = fields.Datetime(
        "Replaced on",
        readonly=True,
        help="When the participant answered the same survey again. In a period with both "
        "answers, only the last one counts.",
    )
    survey_id = fields.Many2one("survey.survey", readonly=True)
    question_id = fields.Many2one("survey.question", readonly=True)
    user_input_id = fields.Many2one("survey.user_input", "Participation", readonly=True)
    respondent_id = fields.Many2one("res.partner", "Participant", readonly=True)
    email = fields.Char(readonly=True)
    res_model = fields.Char("Model it was sent for", readonly=True)
    res_id = fields.Many2oneReference("Sent for", model_field="res_model", readonly=True)
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True)
    user_id = fields.Many2one("res.users", "Salesperson", readonly=True)
    team_id = fields.Many2one("crm.team", "Sales Team", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    reseller_id = fields.Many2one("res.partner", readonly=True)

    @property
    def _table_query(self):
        external = self.env["sale.order"]._kpi_external_condition
        return SQL(
            """
            WITH scale (metric, lowest, highest) AS (VALUES %(scales)s),
            answer AS (
                SELECT l.id, l.user_input_id, l.question_id, i.survey_id, q.kpi_metric AS metric,
                       CASE l.answer_type WHEN 'scale' THEN l.value_scale
                                          WHEN 'numerical_box' THEN l.value_numerical_box
                       END::float8 AS value,
                       COALESCE(i.end_datetime, i.create_date) AS date,
                       i.partner_id AS respondent_id, i.email,
                       i.kpi_res_model AS res_model, i.kpi_res_id AS res_id,
                       i.kpi_partner_id AS partner_id, i.kpi_user_id AS user_id,
                       i.kpi_team_id AS team_id, i.kpi_company_id AS company_id,
                       i.kpi_reseller_id AS reseller_id,
                       -- the contact, else the mail address, else each participation
                       COALESCE('p' || i.partner_id,
                                %(address)s, 'i' || i.id) AS respondent
                  FROM survey_user_input_line l
                  JOIN survey_question q ON q.id = l.question_id AND q.kpi_metric IS NOT NULL
                  JOIN survey_user_input i ON i.id = l.user_input_id
                 WHERE l.skipped IS NOT TRUE AND i.state = 'done' AND i.test_entry IS NOT TRUE
                   AND (i.partner_id IS NULL OR %(external_respondent)s)
                   AND (i.kpi_partner_id IS NULL OR %(external_customer)s)
            )
            SELECT a.id, a.user_input_id, a.question_id, a.survey_id, a.metric, a.value, a.date,
                   a.respondent_id, a.email, a.res_model, a.res_id, a.partner_id, a.user_id,
                   a.team_id, a.company_id, a.reseller_id,
                   CASE a.metric
                       WHEN 'nps' THEN CASE WHEN a.value >= 9 THEN 100
                                            WHEN a.value <= 6 THEN -100 ELSE 0 END
                       WHEN 'ces' THEN CASE WHEN a.value >= 5 THEN 100 ELSE 0 END
                       WHEN 'csat' THEN CASE WHEN a.value >= 4 THEN 100 ELSE 0 END
                   END::float8 AS score,
                   lead(a.date) OVER (
                       PARTITION BY a.company_id, a.survey_id, a.metric, a.respondent
                       ORDER BY a.date, a.user_input_id, a.id) AS replaced_date
              FROM answer a
              JOIN scale s ON s.metric = a.metric AND a.value BETWEEN s.lowest AND s.highest
            """,
            address=bare_address(SQL("i.email")),
            scales=SQL(", ").join(
                SQL("(%s, %s, %s)", metric, lowest, highest)
                for metric, (lowest, highest) in SCALES.items()
            ),
            external_respondent=external(SQL("i.partner_id")),
            external_customer=external(SQL("i.kpi_partner_id")),
        )

    @api.depends("metric", "value")
    def _compute_display_name(self):
        metrics = dict(self._fields["metric"]._description_selection(self.env))
        for answer in self:
            answer.display_name = f"{metrics.get(answer.metric)}: {answer.value:g}"

    def action_open_record(self):
        """Open the record that the survey was sent for, under the rights of the user."""
        self.ensure_one()
        return self.env[self.res_model].browse(self.res_id).get_formview_action()
