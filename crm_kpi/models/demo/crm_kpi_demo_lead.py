# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models

from ...demo import history
from .crm_kpi_demo import ACTIVITY_TYPES

PLANS = {"call": "Call back", "meeting": "Visit", "mail": "Send the revised offer"}


class CrmKpiDemo(models.AbstractModel):
    """Leads, what was said in them, and what is planned next."""

    _inherit = "crm.kpi.demo"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _leads(self, plan, sellers, teams, partners, contacts):
        stages = self.env["crm.stage"].search([("team_ids", "=", False)])
        won = stages.filtered("is_won")[:1]
        going = stages - stages.filtered("is_won")
        sources = {
            name: self.env["utm.source"].search([("name", "=", name)], limit=1)
            or self.env["utm.source"].create({"name": name})
            for name in history.SOURCES
        }
        reasons = {
            name: self.env["crm.lost.reason"].search([("name", "=", name)], limit=1)
            or self.env["crm.lost.reason"].create({"name": name})
            for name in [*(name for name, _weight in history.LOST_REASONS), "Duplicate"]
        }
        reasons["Duplicate"].kpi_disqualified = True
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
                "kpi_referrer_id": lead.referrer and partners[lead.referrer.index].id,
                "date_conversion": lead.converted,
                "description": lead.request and f"<p>{lead.request}</p>",
            }
            if not customer:
                vals |= {
                    "partner_name": lead.company,
                    "contact_name": lead.contact,
                    "email_from": lead.email,
                    "country_id": self._country_of(lead.country).id,
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
        leads = self.env["crm.lead"].create(values)
        entered = [
            lead.closed or lead.converted or lead.created + (plan.now - lead.created) * 0.6
            for lead in plan.leads
        ]
        authors = [
            SUPERUSER_ID if lead.inbound or lead.seller is None else sellers[lead.seller].id
            for lead in plan.leads
        ]
        self._set_columns(
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
        self._plans(plan, leads, sellers)
        return leads

    @api.model
    def _plans(self, plan, leads, sellers):
        """Next steps of open opportunities."""
        today = fields.Date.context_today(self)
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

    @api.model
    def _lead_messages(self, plan, sellers, leads):
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
        return len(self._insert_messages(rows))
