# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The KPI of events, from the registrations to the stored value, on the example of
docs/CATALOGUE.md.
"""

from odoo.tests import tagged

from odoo.addons.crm_kpi.tests.common_history import HistoryCase
from odoo.addons.crm_kpi.tests.test_catalogue import CatalogueCase


@tagged("post_install", "-at_install")
class TestCatalogueEvent(CatalogueCase, HistoryCase):
    def _event(self, user, **values):
        return self.env["event.event"].create(
            {
                "name": "Seminar",
                "user_id": user.id,
                "company_id": self.company.id,
                "date_begin": "2026-10-05 08:00:00",
                "date_end": "2026-10-05 12:00:00",
                "event_mail_ids": [],
                **values,
            }
        )

    def _register(self, event, count=1, **values):
        return self.env["event.registration"].create(
            [{"event_id": event.id, "name": "Guest", **values} for _n in range(count)]
        )

    def test_03c_event_attendees(self):
        event = self._event(self.ann)
        done = self._register(event, 5)
        self._register(event, 2)  # registered, but absent
        again = self._register(event)
        with self.at("2026-10-05 08:00"):
            done.action_set_done()
            again.action_set_done()
        with self.at("2026-10-05 18:00"):
            again.action_confirm()  # corrected; Odoo keeps the date
            self.assertTrue(again.date_closed)
        with self.at("2026-10-31 23:30"):  # 1 November in Brussels
            self._register(event, state="done")
        with self.at("2026-11-10 12:00"):
            self._refresh("event_attendees")
            self.assertEqual(self._read("event_attendees", "2026-10-01"), 5)
            self.assertEqual(self._read("event_attendees", "2026-11-01"), 1)
            self.assertEqual(self._read("event_attendees", "2026-09-01") or 0, 0)

    def test_03c_levels(self):
        germany = self.env.ref("base.de")
        customer = self._customer("Berlin Ltd", country_id=germany.id)
        contact = self.env["res.partner"].create({"name": "Person", "parent_id": customer.id})
        mine, theirs = self._event(self.ann), self._event(self.bob, company_id=False)
        nobodys = self._event(self.env["res.users"])
        with self.at("2026-10-05 08:00"):
            self._register(mine, 2, state="done", partner_id=contact.id)
            self._register(theirs, state="done")
            self._register(nobodys, state="done")
        with self.at("2026-11-10 12:00"):
            self._refresh("event_attendees")
            self.assertEqual(self._values(), [2, 1, 1])
            north = self._read("event_attendees", "2026-10-01", level="team", team_id=self.north)
            self.assertEqual(north, 2)
            segment = self.env["crm.kpi.segment"].search(
                [
                    ("set_id", "=", self.env.ref("crm_kpi.segment_set_country").id),
                    ("country_id", "=", germany.id),
                ]
            )
            german = self._read(
                "event_attendees", "2026-10-01", level="segment", segment_id=segment
            )
            self.assertEqual(german, 2)
            # a changed responsible is noticed, although no registration was written
            nobodys.user_id = self.bob
            self._refresh("event_attendees")
            self.assertEqual(self._values(), [2, 2, 0])

    def _values(self):
        return [
            self._read("event_attendees", "2026-10-01", level="user", user_id=user) or 0
            for user in (self.ann, self.bob, self.env["res.users"])
        ]
