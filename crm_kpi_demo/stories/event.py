# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import random
from datetime import timedelta

from odoo.fields import Command

from .base import Story

#: Name, login of the responsible, usual number of guests.
EVENTS = (
    ("Breakfast in the showroom", "hanna.virtanen", 18),
    ("Seminar: quiet in the open office", "daniel.kowalski", 30),
    ("Planning workshop for facility managers", "chloe.martin", 14),
)
EVERY_DAYS = 42
MONTHS = 18


class EventStory(Story):
    """Events for customers, one every six weeks, and their attendees."""

    name = "event"
    requires = ("crm_kpi_event",)

    def create_records(self):
        self._create_registrations(self._create_events())

    def _create_events(self):
        """One event every six weeks, the latest a week ago."""
        now = self.demo.now
        logins = [login for _name, login, _guests in EVENTS]
        users = {
            user.login: user for user in self.env["res.users"].search([("login", "in", logins)])
        }
        values = []
        for number, ago in enumerate(range(7, int(30.4 * MONTHS), EVERY_DAYS)):
            name, login, _guests = EVENTS[number % len(EVENTS)]
            begin = (now - timedelta(days=ago)).replace(hour=8)
            values.append(
                {
                    "name": name,
                    "user_id": users[login].id if login in users else self.env.uid,
                    "company_id": self.env.company.id,
                    "date_begin": begin,
                    "date_end": begin + timedelta(hours=4),
                    "date_tz": self.env.company._kpi_tz(),
                    # no mails
                    "event_mail_ids": [Command.clear()],
                }
            )
        return self.env["event.event"].create(values)

    def _create_registrations(self, events):
        chance = random.Random(67)  # noqa: S311
        customers = self.demo.named("customer")
        values = []
        for number, event in enumerate(events):
            there = [c for c in customers if c.create_date < event.date_begin]
            guests = round(EVENTS[number % len(EVENTS)][2] * chance.uniform(0.7, 1.3))
            for customer in chance.sample(there, min(guests, len(there))):
                person = customer.child_ids.sorted("id")[:1] or customer
                state = chance.choices(("done", "open", "cancel"), (72, 18, 10))[0]
                values.append(
                    {
                        "event_id": event.id,
                        "partner_id": person.id,
                        "name": person.name,
                        "email": person.email,
                        "state": state,
                        "date_closed": state == "done"
                        and event.date_begin + timedelta(minutes=chance.randint(-10, 20)),
                    }
                )
        self.env["event.registration"].create(values)
