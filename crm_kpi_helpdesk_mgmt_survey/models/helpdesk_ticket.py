# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.crm_kpi.fields import NullableFloat


class HelpdeskTicket(models.Model):
    _inherit = "helpdesk.ticket"

    kpi_ces = NullableFloat(
        "Customer effort (1–7)",
        readonly=True,
        copy=False,
        aggregator="avg",
        digits=(16, 0),
        help="Last answer of the customer to the effort question of a survey sent for this "
        "ticket: 7 is easy, 1 is hard. Empty without an answer.",
    )
    kpi_answer_count = fields.Integer("Survey answers", compute="_compute_kpi_answer_count")

    def _compute_kpi_answer_count(self):
        counts = dict(
            self.env["crm.kpi.survey.answer"]._read_group(
                [("res_model", "=", self._name), ("res_id", "in", self.ids)],
                ["res_id"],
                ["__count"],
            )
        )
        for ticket in self:
            ticket.kpi_answer_count = counts.get(ticket.id, 0)

    def action_kpi_survey_answers(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "crm_kpi_survey.crm_kpi_survey_answer_action"
        )
        action["domain"] = [("res_model", "=", self._name), ("res_id", "=", self.id)]
        action["context"] = {}
        return action

    # --- sending ---

    def write(self, vals):
        before = {ticket: ticket.stage_id for ticket in self}
        result = super().write(vals)
        # also when a change of team makes the ORM choose another stage
        entered = self.filtered(lambda ticket: ticket.stage_id != before[ticket])
        entered._kpi_send_stage_survey()
        return result

    def _kpi_send_stage_survey(self):
        # superuser: agents may be allowed to read neither stages nor surveys
        for ticket in self.sudo():
            survey = ticket.stage_id.kpi_survey_id
            if survey and ticket.active and not ticket.duplicate_id:
                survey._kpi_invite(ticket, email=ticket.partner_email)

    # --- answers ---

    @api.model
    def _kpi_derive_records(self, ids):
        result = super()._kpi_derive_records(ids)
        self._kpi_update(
            ["kpi_ces"],
            SQL(
                """
                WITH last AS (
                    SELECT DISTINCT ON (a.res_id) a.res_id, a.value
                      FROM (%(answers)s) AS a
                     WHERE a.res_model = %(model)s AND a.res_id = ANY(%(ids)s)
                       AND a.metric = 'ces'
                  ORDER BY a.res_id, a.date DESC, a.id DESC
                )
                SELECT t.id, l.value AS kpi_ces
                  FROM helpdesk_ticket t
             LEFT JOIN last l ON l.res_id = t.id
                 WHERE t.id = ANY(%(ids)s)
                """,
                answers=self.env["crm.kpi.survey.answer"]._table_query,
                model=self._name,
                ids=list(ids),
            ),
        )
        return result
