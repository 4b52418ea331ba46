# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import random
from datetime import datetime, timedelta
from typing import NamedTuple

from odoo import fields
from odoo.tools import SQL

from ..bulk import ACTIVITY_TYPES, copy_rows, insert_messages, reserve_ids, set_columns
from .base import Story

#: Kind of printed matter: share of the leads that get it.
PRINTED_MATTER = {"brochure": 0.22, "letter": 0.05}
#: Share of the leads with an early visit.
VISITS = 0.13


class Visit(NamedTuple):
    lead: object  # of the history
    user: object
    start: datetime


class ProspectingStory(Story):
    """Letters, brochures and visits, and neglected deals."""

    name = "prospecting"

    def create_records(self):
        plan, sellers, leads = self.demo.history, self.demo.sellers, self.demo.leads
        chance = random.Random(31)  # noqa: S311
        self._neglect(plan, leads, chance)
        self._add_visits(plan, sellers, leads, chance)
        self._send_printed_matter(plan, sellers, leads, chance)

    def create_kpi_records(self):
        """Set the types of the activities that sent printed matter."""
        for kind in PRINTED_MATTER:
            self.env.cr.execute(
                SQL(
                    """
                    UPDATE mail_message
                       SET mail_activity_type_id = %s
                     WHERE model = 'crm.lead' AND subtype_id = %s
                       AND mail_activity_type_id IS NULL AND body LIKE %s
                    """,
                    self.env.ref(ACTIVITY_TYPES[kind]).id,
                    self.env.ref("mail.mt_activities").id,
                    f"<p>{self._report(kind, '%')}</p>",
                )
            )
        self.env["mail.message"].invalidate_model()

    def _report(self, kind, need):
        """Text of the message about a letter or brochure."""
        return f"{kind.capitalize()} about the {need} sent."

    def _neglect(self, plan, leads, chance):
        """Some open deals are stalled or overdue, some lost ones have no reason."""
        going = [lead for lead in plan.leads if lead.outcome == "open"]
        limits = [leads[lead.index].stage_id.rotting_threshold_days or 30 for lead in going]
        moved = [
            max(lead.created, plan.now - timedelta(days=limit * chance.uniform(0.05, 0.95)))
            if chance.random() < 0.82
            else lead.created + (plan.now - lead.created) * 0.3
            for lead, limit in zip(going, limits, strict=True)
        ]
        set_columns(
            leads.browse(leads[lead.index].id for lead in going),
            {"date_last_stage_update": ("timestamp", moved)},
        )
        overdue = [
            (leads[lead.index].id, plan.now.date() - timedelta(days=chance.randint(1, 21)))
            for lead in going
            if lead.kind == "opportunity" and chance.random() < 0.12
        ]
        set_columns(
            leads.browse(id_ for id_, _day in overdue),
            {"date_deadline": ("date", [day for _id, day in overdue])},
        )
        silent = leads.browse(
            leads[lead.index].id
            for lead in plan.leads
            if lead.outcome == "lost" and lead.reason != "Duplicate" and chance.random() < 0.06
        )
        set_columns(silent, {"lost_reason_id": ("int4", [None] * len(silent))})

    def _first_touch(self, lead):
        """First message of a salesperson on a lead."""
        return next((m for m in lead.messages if m.author is not None), None)

    def _send_printed_matter(self, plan, sellers, leads, chance):
        rows = []
        for lead in plan.leads:
            touch = self._first_touch(lead)
            kinds = [kind for kind, share in PRINTED_MATTER.items() if chance.random() < share]
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
                        "body": self._report(kind, lead.need),
                        "uid": user.id,
                    }
                )
        rows.sort(key=lambda row: row["date"])
        insert_messages(self.env, rows)

    def _add_visits(self, plan, sellers, leads, chance):
        """Visits in the calendar: past ones after the first message, future ones as planned."""
        visits = []
        for lead in plan.leads:
            touch = self._first_touch(lead)
            if touch and chance.random() < VISITS:
                start = touch.date + timedelta(days=chance.randint(1, 11))
                if start < (lead.closed or plan.now):
                    visits.append(Visit(lead, sellers[touch.author], start))
            elif lead.outcome == "open" and lead.plans == "meeting" and lead.seller is not None:
                start = plan.now + timedelta(days=chance.randint(1, 12))
                start = start.replace(hour=chance.randint(8, 15))
                visits.append(Visit(lead, sellers[lead.seller], start))
        if visits:
            self._insert_visits(visits, leads, plan.now)

    def _insert_visits(self, visits, leads, now):
        """Insert copies of one calendar event, each with the salesperson as attendee."""
        model = self.env["calendar.event"].create(
            {"name": "Visit", "start": now, "stop": now + timedelta(hours=1)}
        )
        ids = reserve_ids(self.env, "calendar_event", len(visits))
        lead_model_id = self.env["ir.model"]._get_id("crm.lead")
        rows = [
            {
                "model_id": model.id,
                "id": id_,
                "name": f"Visit: {lead.company or lead.contact}",
                "user_id": user.id,
                "create_uid": user.id,
                "create_date": fields.Datetime.to_string(min(start, now)),
                "start": fields.Datetime.to_string(start),
                "stop": fields.Datetime.to_string(start + timedelta(hours=1)),
                "opportunity_id": leads[lead.index].id,
                "res_model_id": lead_model_id,
                "res_model": "crm.lead",
                "res_id": leads[lead.index].id,
                "access_token": None,
            }
            for id_, (lead, user, start) in zip(ids, visits, strict=True)
        ]
        copy_rows(self.env, "calendar_event", rows)
        self.env.cr.execute(
            SQL(
                """
                WITH host AS (
                    SELECT * FROM unnest(%s, %s) AS host (event_id, partner_id)
                ), link AS (
                    INSERT INTO calendar_event_res_partner_rel (calendar_event_id, res_partner_id)
                    SELECT event_id, partner_id FROM host
                )
                INSERT INTO calendar_attendee (event_id, partner_id, common_name, state)
                SELECT host.event_id, partner.id, partner.name, 'accepted'
                  FROM host
                  JOIN res_partner partner ON partner.id = host.partner_id
                """,
                ids,
                [visit.user.partner_id.id for visit in visits],
            )
        )
        model.unlink()
        self.env.invalidate_all()
