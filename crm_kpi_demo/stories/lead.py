# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import random
from datetime import timedelta

from odoo import SUPERUSER_ID

from ..bulk import ACTIVITY_TYPES, insert_messages, set_columns
from ..history.catalog import FIRST_NAMES, LAST_NAMES, LOST_REASONS, SOURCES
from .base import Story
from .customer import country_of

#: Kind of the next activity: its summary.
PLANS = {"call": "Call back", "meeting": "Visit", "mail": "Send the revised offer"}

#: Lost reason of leads that do not count.
DUPLICATE = "Duplicate"


class LeadStory(Story):
    """Leads and opportunities, their conversations and their next activities."""

    name = "lead"
    stamped = ("crm.lead",)
    derived = ("crm.lead",)
    tables = ("mail_message",)

    def create_records(self):
        plan, sellers = self.demo.history, self.demo.sellers
        leads = self.env["crm.lead"].create(self._lead_values(plan, sellers))
        self._set_dates(plan, sellers, leads)
        self._create_activities(plan, leads, sellers)
        self._add_colleagues(plan, self.demo.partners, leads)
        self._insert_messages(plan, sellers, leads)
        self.demo.leads = leads

    def create_kpi_records(self):
        reasons = self.env["crm.lost.reason"].search([("name", "=", DUPLICATE)])
        reasons.kpi_disqualified = True
        customers = {customer.name: customer for customer in self.demo.partners}
        for lead in self.env["crm.lead"].search(
            [
                ("team_id", "in", self.demo.teams.ids),
                ("referred", "in", list(customers)),
                ("kpi_referrer_id", "=", False),
            ]
        ):
            lead.kpi_referrer_id = customers[lead.referred]

    def _lead_values(self, plan, sellers):
        teams, contacts = self.demo.teams, self.demo.contacts
        stages = self.env["crm.stage"].search([("team_ids", "=", False)])
        won = stages.filtered("is_won")[:1]
        going = stages - stages.filtered("is_won")
        sources = self._by_name("utm.source", SOURCES)
        reasons = self._by_name(
            "crm.lost.reason", [*(name for name, _weight in LOST_REASONS), DUPLICATE]
        )
        values = []
        for lead in plan.leads:
            customer = lead.customer
            vals = {
                "name": lead.name,
                "type": lead.kind,
                "partner_id": customer and contacts[customer.index].id,
                "user_id": False if lead.seller is None else sellers[lead.seller].id,
                "team_id": teams[lead.team].id,
                "company_id": self.env.company.id,
                "stage_id": going[min(lead.stage, len(going) - 1)].id,
                "expected_revenue": 0.0 if lead.kind == "lead" else lead.expected,
                "date_deadline": lead.kind == "opportunity" and lead.deadline,
                "source_id": lead.source and sources[lead.source].id,
                "referred": lead.referrer and lead.referrer.name,
                "date_conversion": lead.converted,
                "description": lead.request and f"<p>{lead.request}</p>",
            }
            if not customer:
                vals |= {
                    "partner_name": lead.company,
                    "contact_name": lead.contact,
                    "email_from": lead.email,
                    "country_id": country_of(self.env, lead.country).id,
                }
            if lead.outcome == "won":
                vals |= {"stage_id": won.id, "probability": 100, "date_closed": lead.closed}
            elif lead.outcome == "lost":
                vals |= {
                    "active": False,
                    "probability": 0,
                    "automated_probability": 0,
                    "date_closed": lead.closed,
                    "lost_reason_id": reasons[lead.reason].id,
                }
            elif lead.kind == "opportunity":
                vals["probability"] = (15, 35, 60)[lead.stage]
            values.append(vals)
        return values

    def _by_name(self, model, names):
        """Records with these names, created where they are missing."""
        records = self.env[model]
        return {
            name: records.search([("name", "=", name)], limit=1) or records.create({"name": name})
            for name in names
        }

    def _set_dates(self, plan, sellers, leads):
        entered = [
            lead.closed or lead.converted or lead.created + (plan.now - lead.created) * 0.6
            for lead in plan.leads
        ]
        authors = [
            SUPERUSER_ID if lead.inbound or lead.seller is None else sellers[lead.seller].id
            for lead in plan.leads
        ]
        set_columns(
            leads,
            {
                "create_date": ("timestamp", [lead.created for lead in plan.leads]),
                "date_open": ("timestamp", [lead.created for lead in plan.leads]),
                "date_closed": ("timestamp", [lead.closed for lead in plan.leads]),
                "date_last_stage_update": ("timestamp", entered),
                "date_conversion": ("timestamp", [lead.converted for lead in plan.leads]),
                "create_uid": ("int4", authors),
                "day_close": (
                    "float8",
                    [
                        (lead.closed - lead.created).days if lead.closed else 0
                        for lead in plan.leads
                    ],
                ),
                "day_open": ("float8", [0] * len(leads)),
            },
        )

    def _create_activities(self, plan, leads, sellers):
        """Next activities of open opportunities."""
        today = self.demo.today
        self.env["mail.activity"].create(
            [
                {
                    "res_model_id": self.env["ir.model"]._get_id("crm.lead"),
                    "res_id": leads[lead.index].id,
                    "activity_type_id": self.env.ref(ACTIVITY_TYPES[lead.plans]).id,
                    "summary": PLANS[lead.plans],
                    "user_id": sellers[lead.seller].id,
                    "date_deadline": today + timedelta(days=lead.plan_days),
                }
                for lead in plan.leads
                if lead.plans and lead.seller is not None
            ]
        )

    def _add_colleagues(self, plan, partners, leads):
        """Two more contacts per company, who have some of its leads."""
        chance = random.Random(30)  # noqa: S311
        people = [
            (customer, f"{chance.choice(FIRST_NAMES)} {chance.choice(LAST_NAMES)}")
            for customer in plan.customers
            if customer.is_company
            for _n in range(2)
        ]
        created = self.env["res.partner"].create(
            [
                {
                    "name": name,
                    "email": f"{name.lower().replace(' ', '.')}@{customer.email.split('@')[1]}",
                    "parent_id": partners[customer.index].id,
                }
                for customer, name in people
            ]
        )
        since = [min(customer.since, plan.now) for customer, _name in people]
        set_columns(created, {"create_date": ("timestamp", since)})
        by_customer = {}
        for (customer, _name), person in zip(people, created, strict=True):
            by_customer.setdefault(customer.index, []).append(person)
        asked = [
            (leads[lead.index].id, chance.choice(by_customer[lead.customer.index]))
            for lead in plan.leads
            if lead.customer and lead.customer.is_company and chance.random() < 0.65
        ]
        set_columns(
            leads.browse(id_ for id_, _person in asked),
            {
                "partner_id": ("int4", [person.id for _id, person in asked]),
                "contact_name": ("text", [person.name for _id, person in asked]),
                "email_from": ("text", [person.email_formatted for _id, person in asked]),
                "email_normalized": ("text", [person.email_normalized for _id, person in asked]),
            },
        )

    def _insert_messages(self, plan, sellers, leads):
        rows = []
        for lead in plan.leads:
            contact = leads[lead.index].partner_id
            for message in lead.messages:
                user = None if message.author is None else sellers[message.author]
                rows.append(
                    {
                        "model": "crm.lead",
                        "res_id": leads[lead.index].id,
                        "date": message.date,
                        "kind": message.kind,
                        "author": user.partner_id.id if user else contact.id if contact else None,
                        "email_from": f'"{user.name}" <{user.email}>'
                        if user
                        else contact.email_formatted or f'"{lead.contact}" <{lead.email}>',
                        "body": message.body,
                        "uid": user.id if user else SUPERUSER_ID,
                    }
                )
        rows.sort(key=lambda row: row["date"])
        insert_messages(self.env, rows)
