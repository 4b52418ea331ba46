# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging
import time
from datetime import timedelta
from random import Random

from odoo import api, fields, models

from odoo.addons.crm_kpi.models.demo.crm_kpi_demo import SILENT

_logger = logging.getLogger(__name__)

MONTHS = 18
#: Codes of what is computed from surveys.
KPIS = (
    "nps", "ces", "ces_mean", "csat_survey_score", "csat_survey_mean", "survey_response_rate",
)  # fmt: skip
#: As GOALS of crm_kpi.
SURVEY_GOALS = (
    ("company", "month", 2, "nps", "at_least", (30.0,)),
    ("company", "quarter", 1, "csat_survey_score", "at_least", (0.8,)),
    ("company", "quarter", 1, "survey_response_rate", "at_least", (0.4,)),
    ("team", "quarter", 1, "nps", "at_least", (30.0,)),
)
REASONS = (
    "Friendly people and short ways.",
    "The delivery came a week late.",
    "Good quality for the price.",
    "I had to ask three times for the invoice.",
    "Always reachable.",
)


class CrmKpiDemo(models.AbstractModel):
    _inherit = "crm.kpi.demo"

    @api.model
    def _load_surveys(self):
        """Load once; called by the demo data file, after customers and orders are there."""
        if self._known("survey_input_0") or not self._known("customer_0"):
            return
        start = time.monotonic()
        # superuser: called while the module is installed, for the whole company
        self = self.with_context(**SILENT).sudo()
        random = Random(47)  # noqa: S311  (a story, no secret)
        requests = [*self._nps_requests(random), *self._order_requests(random)]
        count = self._survey_history("survey_input", requests)
        self._refresh_story(self.env["crm.kpi"]._by_code(KPIS))
        teams = self.env["crm.team"].browse(
            [team.id for n in range(9) if (team := self._known(f"team_{n}"))]
        )
        goals = self._make_goals(
            SURVEY_GOALS, {"company": [{}], "team": [{"team_id": team.id} for team in teams]}
        )
        _logger.info(
            "KPI demo data: %s survey requests, %s goals in %.0f s",
            count, len(goals), time.monotonic() - start,
        )  # fmt: skip

    @api.model
    def _demo_customers(self):
        names = self.env["ir.model.data"].search(
            [("module", "=", "__crm_kpi_demo__"), ("name", "=like", "customer\\_%")]
        )
        return self.env["res.partner"].browse(sorted(names.mapped("res_id")))

    @api.model
    def _nps_requests(self, random):
        """Twice a year every customer is asked whether he would recommend the dealer; now and
        then somebody uses the public link."""
        now = fields.Datetime.now().replace(minute=0, second=0, microsecond=0)
        begin = now - timedelta(days=30.4 * MONTHS)
        survey = self.env.ref("crm_kpi_survey.survey_nps")
        for customer in self._demo_customers():
            mood = random.gauss(0, 1)
            asked = max(begin, customer.create_date) + timedelta(days=random.uniform(10, 180))
            while asked < now:
                contact = (customer.child_ids[:1] or customer) if random.random() < 0.96 else None
                # the dealer gets better over time
                grade = 8.0 + mood + (asked - begin).days / 600
                answer = round(max(0, min(10, random.gauss(grade, 1.6))))
                yield survey, contact, None, asked, self._answered(random, 0.5, asked, now), answer
                asked += timedelta(days=random.uniform(150, 210))

    @api.model
    def _order_requests(self, random):
        """After many orders: was it easy, or, are you satisfied."""
        now = fields.Datetime.now().replace(minute=0, second=0, microsecond=0)
        orders = self.env["sale.order"].search(
            [
                ("partner_id", "child_of", self._demo_customers().ids),
                ("state", "=", "sale"),
                ("date_order", ">=", now - timedelta(days=30.4 * MONTHS)),
                ("date_order", "<", now - timedelta(days=4)),
            ],
            order="date_order, id",
        )
        skill = {user: random.gauss(0, 0.35) for user in orders.user_id.sorted("login")}
        ces, csat = (self.env.ref(f"crm_kpi_survey.survey_{name}") for name in ("ces", "csat"))
        for order in orders:
            if random.random() > 0.5:
                continue
            asked = order.date_order + timedelta(days=random.uniform(2, 4))
            grade = random.gauss(0, 1) + skill.get(order.user_id, 0)
            if random.random() < 0.5:
                survey, answer = ces, max(1, min(7, round(5.4 + 1.3 * grade)))
            else:
                survey, answer = csat, max(1, min(5, round(4.2 + 0.8 * grade)))
            answered = self._answered(random, 0.45, asked, now)
            yield survey, order.partner_id, order, asked, answered, answer

    @api.model
    def _answered(self, random, share, asked, now):
        """Moment of the answer to a request, ``None`` where there is none (yet)."""
        answered = asked + timedelta(days=min(13, random.lognormvariate(0.3, 1)))
        return answered if random.random() < share and answered < now else None

    @api.model
    def _survey_history(self, name, requests):
        """Participations with their answers.

        :param name: external identifier of the first of them
        :param requests: list of ``(survey, participant or None, record or None, asked,
            answered or None, answer)``
        """
        random = Random(48)  # noqa: S311  (a story, no secret)
        requests = [r for r in requests if r[1] or r[4]]  # nobody knows who came and left
        requests.sort(key=lambda request: request[3])
        questions = {survey: survey.question_ids for survey, *_rest in requests}
        inputs = self.env["survey.user_input"].create(
            [
                {
                    "survey_id": survey.id,
                    "partner_id": partner and partner.id,
                    "email": partner and partner.email,
                    "kpi_res_model": record and record._name,
                    "kpi_res_id": record and record.id,
                    "state": "done" if answered else "new",
                    "start_datetime": answered and answered - timedelta(minutes=2),
                    "end_datetime": answered,
                    "predefined_question_ids": questions[survey].ids,
                }
                for survey, partner, record, _asked, answered, _answer in requests
            ]
        )
        lines = []
        for input_, (survey, _partner, _record, _asked, answered, answer) in zip(
            inputs, requests, strict=True
        ):
            if not answered:
                continue
            scale, text = questions[survey].sorted("sequence")
            reason = random.choice(REASONS) if random.random() < 0.3 else None
            lines += [
                {
                    "user_input_id": input_.id,
                    "question_id": scale.id,
                    "answer_type": "scale",
                    "value_scale": answer,
                },
                {
                    "user_input_id": input_.id,
                    "question_id": text.id,
                    "answer_type": reason and "text_box",
                    "value_text_box": reason,
                    "skipped": not reason,
                },
            ]
        self.env["survey.user_input.line"].create(lines)
        asked_on = [
            asked if partner else answered for _s, partner, _r, asked, answered, _a in requests
        ]
        self._set_columns(inputs, {"create_date": ("timestamp", asked_on)})
        self._name_records(name, inputs[:1])
        return len(inputs)
