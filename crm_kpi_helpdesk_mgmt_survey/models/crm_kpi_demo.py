# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging
import time
from random import Random

from odoo import api, fields, models

from odoo.addons.crm_kpi.models.demo.crm_kpi_demo import SILENT

_logger = logging.getLogger(__name__)

KPIS = ("ces", "ces_mean", "survey_response_rate")
#: As GOALS of crm_kpi.
TICKET_SURVEY_GOALS = (("company", "month", 2, "ces", "at_least", (0.7,)),)


class CrmKpiDemo(models.AbstractModel):
    _inherit = "crm.kpi.demo"

    @api.model
    def _load_ticket_surveys(self):
        """Load once; called by the demo data file, after the tickets are there."""
        if self._known("ticket_survey_0") or not self._known("ticket_0"):
            return
        start = time.monotonic()
        # superuser: called while the module is installed, for the whole company
        self = self.with_context(**SILENT).sudo()
        survey = self.env.ref("crm_kpi_survey.survey_ces")
        count = self._survey_history("ticket_survey", list(self._ticket_requests(survey)))
        self.env.ref("helpdesk_mgmt.helpdesk_ticket_stage_done").kpi_survey_id = survey
        kpis = self.env["crm.kpi"]._by_code(KPIS)
        # months that are locked by now were computed without these answers
        known = [("kpi_id", "in", kpis._with_components().ids)]
        self.env["crm.kpi.value"].search(known).unlink()
        self.env["crm.kpi.computation"].search(known).unlink()
        self._refresh_story(kpis)
        goals = self._make_goals(TICKET_SURVEY_GOALS, {"company": [{}]})
        _logger.info(
            "KPI demo data: surveys on %s tickets, %s goals in %.0f s",
            count, len(goals), time.monotonic() - start,
        )  # fmt: skip

    @api.model
    def _ticket_requests(self, survey):
        """Was it easy? The more often customers had to come back, the less."""
        random = Random(49)  # noqa: S311  (a story, no secret)
        now = fields.Datetime.now().replace(minute=0, second=0, microsecond=0)
        names = self.env["ir.model.data"].search(
            [("module", "=", "__crm_kpi_demo__"), ("name", "=like", "ticket\\_%")]
        )
        tickets = self.env["helpdesk.ticket"].browse(sorted(names.mapped("res_id")))
        for ticket in tickets.filtered(lambda t: t.kpi_first_resolved_date and t.partner_id):
            if random.random() > 0.5:
                continue
            asked = ticket.kpi_first_resolved_date
            answer = random.gauss(6.1 - 0.9 * ticket.kpi_effort_touches, 1.1)
            answered = self._answered(random, 0.4, asked, now)
            yield (
                survey, ticket.partner_id, ticket, asked, answered,
                max(1, min(7, round(answer))),
            )  # fmt: skip
