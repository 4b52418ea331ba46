# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Tickets with requests, answers and stages."""

from odoo.tools import SQL

from .messages import Change, Message, insert_messages
from .rows import Plan, chance, moment, pick

NOW = SQL("now() AT TIME ZONE 'UTC'")


class Tickets:
    """Of a hundred tickets 90 are closed; one team of helpdesk agents, who are salespeople too."""

    def __init__(self, env, company, people, customers):
        self.env, self.company = env, company
        self.people, self.customers = people, customers

    def insert(self, count):
        env = self.env
        prototype = env["helpdesk.ticket"].create(
            {"name": "Question", "description": "<p>Text</p>", "company_id": self.company.id}
        )
        team = env["helpdesk.ticket.team"].create(
            {"name": "Service", "company_id": self.company.id}
        )
        stages = env["helpdesk.ticket.stage"]
        new, working = stages.search([("closed", "=", False)], limit=2)
        done = stages.search([("closed", "=", True)], limit=1)
        plan = self._plan(count)
        plan.insert(
            prototype,
            number=SQL("'SC' || p.n"),
            access_token=SQL("NULL"),
            partner_id=SQL("p.partner_id"),
            commercial_partner_id=SQL("p.partner_id"),
            partner_name=SQL("'Customer'"),
            partner_email=SQL("p.email"),
            user_id=SQL("p.user_id"),
            team_id=SQL("%s", team.id),
            stage_id=SQL(
                "CASE WHEN p.closed_at IS NOT NULL THEN %s WHEN p.begun_at < %s THEN %s ELSE %s END",
                done.id,
                NOW,
                working.id,
                new.id,
            ),
            channel_id=pick(61, env["helpdesk.ticket.channel"].search([]).ids, 2),
            unattended=SQL("p.begun_at > %s", NOW),
            assigned_date=SQL("p.created"),
            closed_date=SQL("p.closed_at"),
            last_stage_update=SQL("LEAST(%s, COALESCE(p.closed_at, p.begun_at))", NOW),
            create_date=SQL("p.created"),
            write_date=SQL("LEAST(%s, COALESCE(p.closed_at, p.begun_at))", NOW),
        )
        insert_messages(
            plan,
            Message("created", "received"),
            Message("begun_at", "sent"),
            Message("received_at", "received"),
            Change("begun_at", "stage_id", new.id, working.id),
            Change("closed_at", "stage_id", working.id, done.id),
        )

    def _plan(self, count):
        return Plan(
            self.env["helpdesk.ticket"],
            count,
            {
                "created": moment(self.env, 51),
                "partner_id": self.customers.pick(53),
                "rep": self.people.number(54),
                "duration": SQL("(-2 * ln(1 - %s)) * interval '1 day'", chance(55)),
            },
            {
                **self.people.columns,
                "email": SQL(
                    "'customer' || (partner_id - %s) || '@example.com'", self.customers.first - 1
                ),
                "begun_at": SQL("created + date_trunc('second', 0.2 * duration)"),
                "received_at": SQL(
                    "CASE WHEN %s < 0.3 THEN created + 0.5 * duration END", chance(56)
                ),
                "closed_at": SQL(
                    "CASE WHEN %s < 0.9 AND created + duration < %s"
                    " THEN date_trunc('second', created + duration) END",
                    chance(57),
                    NOW,
                ),
            },
        )
