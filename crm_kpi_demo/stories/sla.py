# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields
from odoo.fields import Command
from odoo.tools import SQL

from ..goals import create_goals
from .base import Story
from .ticket import stage_entries

#: Name, target stage, days.
SLAS = (("Taken up within a day", "in_progress", 1), ("Solved within four days", "done", 4))
#: Rows of :class:`~..goals.GoalPlan`.
SLA_GOALS = (("company", "month", 2, "sla_success_rate", "at_least", (0.8,)),)


class SlaStory(Story):
    """Two SLAs for the tickets, met or missed as the history of the tickets says."""

    name = "sla"
    requires = ("crm_kpi_helpdesk_mgmt_sla",)
    needs = "ticket"
    tables = ("helpdesk_ticket_sla",)

    def create_records(self):
        tickets = self.demo.named("ticket")
        teams = tickets.team_id
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
        taken_up, solved = slas
        self._insert_ticket_slas(taken_up, tickets, tickets.mapped("assigned_date"))
        self._insert_ticket_slas(solved, tickets, self._first_closings(tickets))

    def create_goals(self):
        return create_goals(self.env, SLA_GOALS, {"company": [{}]})

    def _first_closings(self, tickets):
        closed = set(tickets.stage_id.search([("closed", "=", True)]).ids)
        entries = stage_entries(self.env, tickets)
        return [
            next((date for date, stage in entries.get(ticket.id, ()) if stage in closed), None)
            for ticket in tickets
        ]

    def _insert_ticket_slas(self, sla, tickets, reached):
        """
        :param reached: moments at which the tickets came to the stage of the SLA, or False
        """
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO helpdesk_ticket_sla
                    (ticket_id, sla_id, hours, expected_stage_id, deadline, state, consumed_time,
                     last_state_date, create_uid, write_uid, create_date, write_date)
                SELECT ticket.id, sla.id, sla.hours + 8 * sla.days, sla.stage_id, deadline.date,
                       CASE WHEN entry.date <= deadline.date THEN 'accomplished'
                            WHEN entry.date > deadline.date THEN 'expired'
                            ELSE 'in_progress' END,
                       0, ticket.create_date, 1, 1, ticket.create_date, %(now)s
                  FROM unnest(%(tickets)s, %(reached)s::timestamp[]) AS entry (ticket_id, date)
                  JOIN helpdesk_ticket ticket ON ticket.id = entry.ticket_id
                  JOIN helpdesk_sla sla ON sla.id = %(sla)s
            CROSS JOIN LATERAL (
                       SELECT ticket.create_date + make_interval(days => sla.days) AS date
                       ) AS deadline
                """,
                sla=sla.id,
                tickets=tickets.ids,
                reached=[date or None for date in reached],
                now=fields.Datetime.now(),
            )
        )
        self.env["helpdesk.ticket.sla"].invalidate_model()
