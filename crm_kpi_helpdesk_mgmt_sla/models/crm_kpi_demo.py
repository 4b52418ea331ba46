# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging
import time

from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import SQL

from odoo.addons.crm_kpi.models.demo.crm_kpi_demo import SILENT

_logger = logging.getLogger(__name__)

#: Name, target stage, days.
SLAS = (("Taken up within a day", "in_progress", 1), ("Solved within four days", "done", 4))
#: As GOALS of crm_kpi.
SLA_GOALS = (("company", "month", 2, "sla_success_rate", "at_least", (0.8,)),)


class CrmKpiDemo(models.AbstractModel):
    _inherit = "crm.kpi.demo"

    @api.model
    def _load_slas(self):
        """Two promises for the tickets of the demo, kept or broken as their history says."""
        if self._known("sla_0") or not self._known("ticket_0"):
            return
        start = time.monotonic()
        # superuser: called while the module is installed, for the whole company
        self = self.with_context(**SILENT).sudo()
        tickets = self.env["ir.model.data"].search(
            [("module", "=", "__crm_kpi_demo__"), ("name", "=like", "ticket\\_%")]
        )
        ticket_ids = tickets.mapped("res_id")
        teams = self.env["helpdesk.ticket"].browse(ticket_ids).team_id
        teams.use_sla = True
        slas = self.env["helpdesk.sla"].create(
            [
                {
                    "name": name,
                    "company_id": self.env.company.id,
                    "team_ids": [Command.set(teams.ids)],
                    "stage_id": self.env.ref(f"helpdesk_mgmt.helpdesk_ticket_stage_{stage}").id,
                    "days": days,
                }
                for name, stage, days in SLAS
            ]
        )
        self.env.flush_all()
        for sla, reached in zip(slas, ("t.assigned_date", "t.kpi_first_closed_date"), strict=True):
            self._make_ticket_slas(sla, ticket_ids, SQL(reached))
        self._name_records("sla", slas)
        self.env["crm.kpi.backfill"]._run()
        kpis = self.env["crm.kpi"]._by_code(["sla_success_rate"])
        self._refresh_story(kpis)
        goals = self._make_goals(SLA_GOALS, {"company": [{}]})
        _logger.info(
            "KPI demo data: SLAs of %s tickets, %s goals in %.0f s",
            len(ticket_ids), len(goals), time.monotonic() - start,
        )  # fmt: skip

    @api.model
    def _make_ticket_slas(self, sla, ticket_ids, reached):
        """:param SQL reached: when ticket ``t`` came to the target stage"""
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO helpdesk_ticket_sla
                    (ticket_id, sla_id, hours, expected_stage_id, deadline, state, consumed_time,
                     last_state_date, create_uid, write_uid, create_date, write_date)
                SELECT t.id, s.id, s.hours + 8 * s.days, s.stage_id, d.at,
                       CASE WHEN %(reached)s <= d.at THEN 'accomplished'
                            WHEN %(reached)s > d.at THEN 'expired' ELSE 'in_progress' END,
                       0, t.create_date, 1, 1, t.create_date, %(now)s
                  FROM helpdesk_ticket t
                  JOIN helpdesk_sla s ON s.id = %(sla)s
            CROSS JOIN LATERAL (SELECT t.create_date + make_interval(days => s.days)) AS d (at)
                 WHERE t.id = ANY(%(tickets)s)
                """,
                reached=reached,
                sla=sla.id,
                tickets=list(ticket_ids),
                now=fields.Datetime.now(),
            )
        )
        self.env["helpdesk.ticket.sla"].invalidate_model()
