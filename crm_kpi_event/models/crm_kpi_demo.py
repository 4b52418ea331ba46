# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging
import random
import time
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Command

from odoo.addons.crm_kpi.models.demo.crm_kpi_demo import SILENT

_logger = logging.getLogger(__name__)

#: Name, login of who is responsible, usual number of guests.
EVENTS = (
    ("Breakfast in the showroom", "hanna.virtanen", 18),
    ("Seminar: quiet in the open office", "daniel.kowalski", 30),
    ("Planning workshop for facility managers", "chloe.martin", 14),
)
EVERY_DAYS = 42
MONTHS = 18


class CrmKpiDemo(models.AbstractModel):
    _inherit = "crm.kpi.demo"

    @api.model
    def _load_events(self):
        """Load once; called by the demo data file, after the customers are there."""
        if self._known("event_0") or not self._known("customer_0"):
            return
        start = time.monotonic()
        # superuser: called while the module is installed, for the whole company
        self = self.with_context(**SILENT).sudo()
        events = self._events()
        registrations = self._registrations(events)
        self._refresh_module("crm_kpi_event")
        _logger.info(
            "KPI demo data: %s events, %s registrations in %.0f s",
            len(events), len(registrations), time.monotonic() - start,
        )  # fmt: skip

    @api.model
    def _events(self):
        """One every six weeks, the latest a week ago."""
        now = fields.Datetime.now().replace(minute=0, second=0, microsecond=0)
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
                    # nobody gets mail
                    "event_mail_ids": [Command.clear()],
                }
            )
        events = self.env["event.event"].create(values)
        self._name_records("event", events)
        return events

    @api.model
    def _registrations(self, events):
        chance = random.Random(67)  # noqa: S311  (a story, no secret)
        customers = self._customers_known()
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
        return self.env["event.registration"].create(values)
