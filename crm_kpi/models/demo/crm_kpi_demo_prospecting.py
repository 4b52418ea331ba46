# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import random
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...demo import history

#: Share of the leads with a brochure, with a letter, with an early visit.
BROCHURES, LETTERS, VISITS = 0.22, 0.05, 0.13


class CrmKpiDemo(models.AbstractModel):
    """Colleagues who ask too, letters, brochures and visits; the untidy side of a pipeline."""

    _inherit = "crm.kpi.demo"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _prospecting(self, plan, sellers, leads):
        """What sellers do beside writing and calling, and what they leave undone.

        :return: number of messages
        """
        chance = random.Random(31)  # noqa: S311  (a story, no secret)
        self._neglect(plan, leads, chance)
        self._visits(plan, sellers, leads, chance)
        return self._printed_matter(plan, sellers, leads, chance)

    @api.model
    def _colleagues(self, plan, partners, leads):
        """In a company not everybody who asks is the same person."""
        chance = random.Random(30)  # noqa: S311  (a story, no secret)
        people = [
            (customer, f"{chance.choice(history.FIRST_NAMES)} {chance.choice(history.LAST_NAMES)}")
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
        self._set_columns(created, {"create_date": ("timestamp", since)})
        by_customer = {}
        for (customer, _name), person in zip(people, created, strict=True):
            by_customer.setdefault(customer.index, []).append(person)
        asked = [
            (leads[lead.index].id, chance.choice(by_customer[lead.customer.index]))
            for lead in plan.leads
            if lead.customer and lead.customer.is_company and chance.random() < 0.65
        ]
        self._set_columns(
            leads.browse(id_ for id_, _person in asked),
            {
                "partner_id": ("int4", [person.id for _id, person in asked]),
                "contact_name": ("text", [person.name for _id, person in asked]),
                "email_from": ("text", [person.email_formatted for _id, person in asked]),
                "email_normalized": ("text", [person.email_normalized for _id, person in asked]),
            },
        )

    @api.model
    def _neglect(self, plan, leads, chance):
        """Most of the pipeline moves; some deals rest, are overdue, were lost without a word."""
        going = [lead for lead in plan.leads if lead.outcome == "open"]
        limits = [leads[lead.index].stage_id.rotting_threshold_days or 30 for lead in going]
        moved = [
            max(lead.created, plan.now - timedelta(days=limit * chance.uniform(0.05, 0.95)))
            if chance.random() < 0.82
            else lead.created + (plan.now - lead.created) * 0.3
            for lead, limit in zip(going, limits, strict=True)
        ]
        self._set_columns(
            leads.browse(leads[lead.index].id for lead in going),
            {"date_last_stage_update": ("timestamp", moved)},
        )
        overdue = [
            (leads[lead.index].id, plan.now.date() - timedelta(days=chance.randint(1, 21)))
            for lead in going
            if lead.kind == "opportunity" and chance.random() < 0.12
        ]
        self._set_columns(
            leads.browse(id_ for id_, _day in overdue),
            {"date_deadline": ("date", [day for _id, day in overdue])},
        )
        silent = leads.browse(
            leads[lead.index].id
            for lead in plan.leads
            if lead.outcome == "lost" and lead.reason != "Duplicate" and chance.random() < 0.06
        )
        self._set_columns(silent, {"lost_reason_id": ("int4", [None] * len(silent))})

    @api.model
    def _first_touch(self, lead):
        """First message of a seller on a lead."""
        return next((m for m in lead.messages if m.author is not None), None)

    @api.model
    def _printed_matter(self, plan, sellers, leads, chance):
        rows = []
        for lead in plan.leads:
            touch = self._first_touch(lead)
            kinds = [
                kind
                for kind, share in (("brochure", BROCHURES), ("letter", LETTERS))
                if chance.random() < share
            ]
            for kind in kinds if touch else ():
                date = touch.date + timedelta(minutes=chance.randint(5, 90))
                if date >= (lead.closed or plan.now):
                    continue
                user = sellers[touch.author]
                rows.append(
                    {
                        "model": "crm.lead",
                        "res_id": leads[lead.index].id,
                        "date": date,
                        "kind": kind,
                        "author": user.partner_id.id,
                        "email_from": f'"{user.name}" <{user.email}>',
                        "body": f"{kind.capitalize()} about the {lead.need} sent.",
                        "uid": user.id,
                    }
                )
        rows.sort(key=lambda row: row["date"])
        return len(self._insert_messages(rows))

    @api.model
    def _visits(self, plan, sellers, leads, chance):
        """Visits in the calendar: past ones soon after the first touch, coming ones of plans."""
        visits = []
        for lead in plan.leads:
            touch = self._first_touch(lead)
            if touch and chance.random() < VISITS:
                start = touch.date + timedelta(days=chance.randint(1, 11))
                if start < (lead.closed or plan.now):
                    visits.append((lead, touch.author, start))
            elif lead.outcome == "open" and lead.plans == "meeting" and lead.seller is not None:
                start = plan.now + timedelta(days=chance.randint(1, 12))
                visits.append((lead, lead.seller, start.replace(hour=chance.randint(8, 15))))
        if not visits:
            return
        model = self.env["calendar.event"].create(
            {"name": "Visit", "start": plan.now, "stop": plan.now + timedelta(hours=1)}
        )
        ids = self._reserve_ids("calendar_event", len(visits))
        lead_model_id = self.env["ir.model"]._get_id("crm.lead")
        self._copy_rows(
            "calendar_event",
            [
                {
                    "model_id": model.id,
                    "id": id_,
                    "name": f"Visit: {lead.company or lead.contact}",
                    "user_id": sellers[author].id,
                    "create_uid": sellers[author].id,
                    "create_date": fields.Datetime.to_string(min(start, plan.now)),
                    "start": fields.Datetime.to_string(start),
                    "stop": fields.Datetime.to_string(start + timedelta(hours=1)),
                    "opportunity_id": leads[lead.index].id,
                    "res_model_id": lead_model_id,
                    "res_model": "crm.lead",
                    "res_id": leads[lead.index].id,
                    "access_token": None,
                }
                for id_, (lead, author, start) in zip(ids, visits, strict=True)
            ],
        )
        hosts = [sellers[author].partner_id.id for _lead, author, _start in visits]
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO calendar_event_res_partner_rel (calendar_event_id, res_partner_id)
                SELECT * FROM unnest(%s, %s)
                """,
                ids,
                hosts,
            )
        )
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO calendar_attendee (event_id, partner_id, common_name, state)
                SELECT v.event_id, p.id, p.name, 'accepted'
                  FROM unnest(%s, %s) AS v (event_id, partner_id)
                  JOIN res_partner p ON p.id = v.partner_id
                """,
                ids,
                hosts,
            )
        )
        model.unlink()
        self.env.invalidate_all()
