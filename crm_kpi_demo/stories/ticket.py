# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import json

from odoo import SUPERUSER_ID, fields
from odoo.fields import Command
from odoo.tools import SQL

from ..bulk import insert_messages, set_columns
from ..goals import big_segments, create_goals
from ..history.tickets import AGENTS, CATEGORIES, TEAMS, Tickets
from .base import Story
from .people import add_groups, create_role, create_users, restore_role

#: Login, name, groups.
ROLE = (
    AGENTS[0].login,
    AGENTS[0].name,
    ("helpdesk_mgmt.group_helpdesk_user_own",),
)
#: Rows of :class:`~..goals.GoalPlan`.
SERVICE_GOALS = (
    ("user", "month", 2, "tickets_resolved", "at_least", {"target": 0.95}),
    ("user", "month", 1, "ticket_first_response_hours", "at_most", (4.0,)),
    ("user", "month", 1, "fcr_rate", "at_least", (0.6,)),
    ("company", "month", 2, "ticket_response_in_target_rate", "at_least", (0.75,)),
    ("company", "month", 1, "ticket_resolution_hours", "improve", 0.1),
    ("company", "month", 0, "ticket_backlog", "at_most", (40,)),
    ("company", "quarter", 1, "ticket_reopen_rate", "at_most", (0.05,)),
    ("segment", "month", 1, "ticket_resolution_hours", "at_most", (36.0,)),
)


def stage_entries(env, tickets):
    """When tickets entered their stages, from the tracking values.

    :return: ticket id to list of ``(moment, stage id)``, in the order of time
    """
    stage_field = env["ir.model.fields"]._get("helpdesk.ticket", "stage_id")
    env.flush_all()
    env.cr.execute(
        SQL(
            """
            SELECT message.res_id, message.date, value.new_value_integer
              FROM mail_message message
              JOIN mail_tracking_value value ON value.mail_message_id = message.id
             WHERE message.model = 'helpdesk.ticket' AND message.res_id = ANY(%s)
               AND value.field_id = %s
          ORDER BY message.date, message.id
            """,
            tickets.ids,
            stage_field.id,
        )
    )
    entries = {}
    for ticket_id, moment, stage_id in env.cr.fetchall():
        entries.setdefault(ticket_id, []).append((moment, stage_id))
    return entries


class TicketStory(Story):
    """Helpdesk teams, agents and tickets with their conversations."""

    name = "ticket"
    requires = ("crm_kpi_helpdesk_mgmt",)
    needs = "ticket"
    stamped = ("helpdesk.ticket",)
    derived = ("helpdesk.ticket",)
    tables = ("mail_message", "mail_tracking_value")

    def create_records(self):
        customers = self.demo.named("customer")
        plan = Tickets(
            self.demo.now, self.demo.zone, [customer.create_date for customer in customers]
        )
        self.agents = self._create_agents()
        teams = self._create_teams()
        self.stages = {
            name: self.env.ref(f"helpdesk_mgmt.helpdesk_ticket_stage_{name}")
            for name in ("new", "in_progress", "awaiting", "done", "cancelled", "rejected")
        }
        tickets = self.env["helpdesk.ticket"].create(self._ticket_values(plan, teams, customers))
        for ticket, record in zip(plan.tickets, tickets, strict=True):
            if ticket.duplicate_of is not None:
                record.duplicate_id = tickets[ticket.duplicate_of]
        self._set_dates(plan, tickets)
        self.demo.name_records("ticket", tickets)
        self._insert_messages(plan, tickets)

    def create_kpi_records(self):
        restore_role(self.demo, *ROLE)
        teams = self.demo.named("ticket").team_id
        for team in teams.filtered(lambda team: not team.kpi_team_id):
            team.kpi_team_id = self.env["crm.team"].search(
                [("name", "=", team.name), ("company_id", "=", team.company_id.id)], limit=1
            )

    def create_goals(self):
        segments = big_segments(self.env, 3)
        agents = self.env["res.users"].search([("login", "in", [agent.login for agent in AGENTS])])
        owners = {
            "company": [{}],
            "user": [{"user_id": agent.id} for agent in agents],
            "segment": [{"segment_id": segment.id} for segment in segments],
        }
        return create_goals(self.env, SERVICE_GOALS, owners)

    def _create_agents(self):
        """The agents in the order of the history; the first one can log in."""
        agent = create_role(self.demo, *ROLE)
        add_groups(self.demo, self.demo.user("manager"), "helpdesk_mgmt.group_helpdesk_manager")
        add_groups(self.demo, self.demo.user("kpiadmin"), "helpdesk_mgmt.group_helpdesk_user")
        return agent + create_users(
            self.demo,
            [(other.login, other.name) for other in AGENTS[1:]],
            ["helpdesk_mgmt.group_helpdesk_user_team"],
        )

    def _create_teams(self):
        """Helpdesk teams, each with a sales team of the same name and people."""
        manager = self.demo.user("manager")
        teams = self.env["helpdesk.ticket.team"]
        for number, name in enumerate(TEAMS):
            members = [
                user.id
                for user, agent in zip(self.agents, AGENTS, strict=True)
                if agent.team == number
            ]
            self.env["crm.team"].create(
                {
                    "name": name,
                    "user_id": manager.id,
                    "company_id": self.env.company.id,
                    "use_leads": False,
                    "use_opportunities": False,
                    "sequence": 30 + number,
                    "member_ids": [Command.set(members)],
                }
            )
            teams += teams.create(
                {
                    "name": name,
                    "user_id": manager.id,
                    "company_id": self.env.company.id,
                    "user_ids": [Command.set([*members, manager.id])],
                }
            )
        return teams

    def _ticket_values(self, plan, teams, customers):
        categories = {
            name: self.env["helpdesk.ticket.category"].create({"name": name}) for name in CATEGORIES
        }
        agents, stages = self.agents, self.stages
        values = []
        for ticket in plan.tickets:
            customer = customers[ticket.customer] if ticket.customer is not None else None
            contact = customer and (customer.child_ids[:1] or customer)
            values.append(
                {
                    "name": ticket.name,
                    "description": f"<p>{ticket.request or ticket.name}</p>",
                    "company_id": self.env.company.id,
                    "team_id": teams[ticket.team].id,
                    "user_id": False if ticket.agent is None else agents[ticket.agent].id,
                    "stage_id": stages[ticket.moves[-1][1] if ticket.moves else "new"].id,
                    "category_id": categories[ticket.category].id,
                    "channel_id": self.env.ref(
                        f"helpdesk_mgmt.helpdesk_ticket_channel_{ticket.channel}"
                    ).id,
                    "priority": ticket.priority,
                    "partner_id": contact and contact.id,
                    "partner_name": contact and contact.name,
                    "partner_email": contact.email if contact else ticket.email,
                }
            )
        return values

    def _set_dates(self, plan, tickets):
        agents = self.agents
        closings = [
            next((d for d, stage in reversed(ticket.moves) if self.stages[stage].closed), None)
            for ticket in plan.tickets
        ]
        set_columns(
            tickets,
            {
                "create_date": ("timestamp", [ticket.created for ticket in plan.tickets]),
                "create_uid": (
                    "int4",
                    [
                        SUPERUSER_ID if ticket.inbound else agents[self._first_agent(ticket)].id
                        for ticket in plan.tickets
                    ],
                ),
                "assigned_date": (
                    "timestamp",
                    [
                        None
                        if ticket.agent is None
                        else ticket.moves[0][0]
                        if ticket.moves
                        else ticket.created
                        for ticket in plan.tickets
                    ],
                ),
                "last_stage_update": (
                    "timestamp",
                    [t.moves[-1][0] if t.moves else t.created for t in plan.tickets],
                ),
                "closed_date": ("timestamp", closings),
            },
        )

    def _first_agent(self, ticket):
        """Index of the first agent of a ticket."""
        if ticket.handovers:
            return ticket.handovers[0][1]
        return ticket.agent or 0

    def _insert_messages(self, plan, tickets):
        """Conversations, and tracking values of stage and user."""
        rows = []
        agents, stages = self.agents, self.stages
        fields_ = self.env["ir.model.fields"]
        stage_field = fields_._get("helpdesk.ticket", "stage_id").id
        user_field = fields_._get("helpdesk.ticket", "user_id").id
        for ticket, record in zip(plan.tickets, tickets, strict=True):

            def add(date, kind, user, body, tracking=None, record=record):
                rows.append(
                    {
                        "model": "helpdesk.ticket",
                        "res_id": record.id,
                        "date": date,
                        "kind": kind,
                        "author": user.partner_id.id if user else record.partner_id.id or None,
                        "email_from": user.email if user else record.partner_email,
                        "body": body,
                        "uid": user.id if user else SUPERUSER_ID,
                        "tracking": tracking,
                    }
                )

            for message in ticket.messages:
                user = None if message.author is None else agents[message.author]
                add(message.date, message.kind, user, message.body)
            user = agents[self._first_agent(ticket)]
            before = stages["new"]
            for date, name in ticket.moves:
                stage = stages[name]
                add(date, "log", user, "", (stage_field, before, stage))
                before = stage
            for date, former in ticket.handovers:
                change = (user_field, agents[former], agents[ticket.agent])
                add(date, "log", agents[former], "", change)
        rows.sort(key=lambda row: row["date"])
        ids = insert_messages(self.env, rows)
        self._insert_tracking(ids, rows)

    def _insert_tracking(self, message_ids, rows):
        values = []
        for message_id, row in zip(message_ids, rows, strict=True):
            if row["tracking"]:
                field, old, new = row["tracking"]
                values.append(
                    {
                        "mail_message_id": message_id,
                        "field_id": field,
                        "old_value_integer": old.id,
                        "new_value_integer": new.id,
                        "old_value_char": old.display_name,
                        "new_value_char": new.display_name,
                        "date": fields.Datetime.to_string(row["date"]),
                    }
                )
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO mail_tracking_value
                    (mail_message_id, field_id, old_value_integer, new_value_integer,
                     old_value_char, new_value_char, create_date, write_date)
                SELECT r.mail_message_id, r.field_id, r.old_value_integer, r.new_value_integer,
                       r.old_value_char, r.new_value_char, r.date, r.date
                  FROM jsonb_to_recordset(%s::jsonb) AS r (
                       mail_message_id int, field_id int, old_value_integer int,
                       new_value_integer int, old_value_char text, new_value_char text,
                       date timestamp)
                """,
                json.dumps(values),
            )
        )
        self.env["mail.tracking.value"].invalidate_model()
