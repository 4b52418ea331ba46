# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import json
import logging
import time
from zoneinfo import ZoneInfo

from odoo import SUPERUSER_ID, api, fields, models
from odoo.fields import Command
from odoo.tools import SQL

from odoo.addons.crm_kpi.models.demo.crm_kpi_demo import SILENT

from ..demo import tickets as story

_logger = logging.getLogger(__name__)

#: As GOALS of crm_kpi.
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


class CrmKpiDemo(models.AbstractModel):
    _inherit = "crm.kpi.demo"

    @api.model
    def _load_tickets(self):
        """Load once; called by the demo data file, after the customers are there."""
        if self._known("ticket_0") or not self._known("customer_0"):
            return
        start = time.monotonic()
        # superuser: called while the module is installed, for the whole company
        self = self.with_context(**SILENT).sudo()
        customers = self._customers_known()
        plan = story.Tickets(
            fields.Datetime.now().replace(minute=0, second=0, microsecond=0),
            ZoneInfo(self.env.company._kpi_tz()),
            [customer.create_date for customer in customers],
        )
        agents, teams = self._service_people()
        tickets = self._tickets(plan, agents, teams, customers)
        messages = self._ticket_messages(plan, agents, tickets)
        self.env["helpdesk.ticket.stage"]._kpi_init_stages()
        self.env["crm.kpi.backfill"]._forget(self.env["helpdesk.ticket"].search([]))
        # the planner knows nothing yet of rows made in this transaction
        self.env.cr.execute("ANALYZE helpdesk_ticket, mail_message, mail_tracking_value")
        self.env["crm.kpi.backfill"]._run()
        self.env["helpdesk.ticket"]._kpi_mark_all_dirty()
        self._refresh_story()
        goals = self._service_goals(agents)
        _logger.info(
            "KPI demo data: %s tickets, %s messages, %s goals in %.0f s",
            len(tickets), messages, len(goals), time.monotonic() - start,
        )  # fmt: skip

    @api.model
    def _service_people(self):
        agent = self.env.ref("crm_kpi_helpdesk_mgmt.demo_user_agent")
        self._quiet(agent)
        agents = agent + self._make_users(
            [(agent.login, agent.name) for agent in story.AGENTS if agent.login != "agent"],
            ["helpdesk_mgmt.group_helpdesk_user_team"],
        )
        manager = self.env.ref("crm_kpi.demo_user_manager")
        teams = self.env["helpdesk.ticket.team"]
        for number, name in enumerate(story.TEAMS):
            members = [
                user.id
                for user, agent in zip(agents, story.AGENTS, strict=True)
                if agent.team == number
            ]
            sales_team = self.env["crm.team"].create(
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
                    "kpi_team_id": sales_team.id,
                }
            )
        return agents, teams

    @api.model
    def _tickets(self, plan, agents, teams, customers):
        categories = {
            name: self.env["helpdesk.ticket.category"].create({"name": name})
            for name in story.CATEGORIES
        }
        stages = self._ticket_stages()
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
        tickets = self.env["helpdesk.ticket"].create(values)
        for ticket, record in zip(plan.tickets, tickets, strict=True):
            if ticket.duplicate_of is not None:
                record.duplicate_id = tickets[ticket.duplicate_of]
        closings = [
            next((d for d, stage in reversed(ticket.moves) if stages[stage].closed), None)
            for ticket in plan.tickets
        ]
        self._set_columns(
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
        self._name_records("ticket", tickets)
        return tickets

    @api.model
    def _first_agent(self, ticket):
        """Who had the ticket first (index)."""
        if ticket.handovers:
            return ticket.handovers[0][1]
        return ticket.agent or 0

    @api.model
    def _ticket_stages(self):
        return {
            name: self.env.ref(f"helpdesk_mgmt.helpdesk_ticket_stage_{name}")
            for name in ("new", "in_progress", "awaiting", "done", "cancelled", "rejected")
        }

    @api.model
    def _ticket_messages(self, plan, agents, tickets):
        """Conversations, and the tracking of stage and user as the mail thread keeps it."""
        rows = []
        stages = self._ticket_stages()
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
        ids = self._insert_messages(rows)
        self._insert_tracking(ids, rows)
        return len(ids)

    @api.model
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

    @api.model
    def _service_goals(self, agents):
        return self._make_goals(
            SERVICE_GOALS,
            {
                "company": [{}],
                "user": [{"user_id": agent.id} for agent in agents],
                "segment": [{"segment_id": segment.id} for segment in self._big_segments(3)],
            },
        )
