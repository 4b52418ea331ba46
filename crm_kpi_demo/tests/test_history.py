# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import datetime
from zoneinfo import ZoneInfo

from odoo.tests import TransactionCase, tagged

from odoo.addons.crm_kpi_demo.history.catalog import CUSTOMERS
from odoo.addons.crm_kpi_demo.history.sales import History

MOMENTS = (
    ("2026-11-22 02:00", "Europe/Brussels"),
    ("2026-01-01 00:00", "UTC"),
    ("2026-03-29 01:00", "Europe/Berlin"),
    ("2027-02-28 23:00", "America/New_York"),
)


@tagged("post_install", "-at_install")
class TestHistory(TransactionCase):
    """The generated history keeps the order of time at any moment of generation."""

    def test_consistent(self):
        for text, zone in MOMENTS:
            with self.subTest(text=text, zone=zone):
                now = datetime.fromisoformat(text)
                self._check(History(now, ZoneInfo(zone)), now)

    def _check(self, history, now):
        self.assertEqual(len(history.customers), CUSTOMERS)
        self.assertGreater(len(history.leads), 1500)
        for lead in history.leads:
            self.assertLess(lead.created, now)
            self.assertEqual(lead.outcome == "open", not lead.closed)
            if lead.closed:
                self.assertTrue(lead.created < lead.closed < now, lead)
            if lead.converted:
                self.assertTrue(lead.created <= lead.converted < (lead.closed or now), lead)
            for message in lead.messages:
                self.assertTrue(lead.created <= message.date < now, lead)
        for order in history.orders:
            self.assertLess(order.created, now)
            self.assertEqual(order.state == "sale", bool(order.confirmed), order)
            if order.sent:
                self.assertTrue(order.created <= order.sent < now, order)
            if order.confirmed:
                self.assertTrue(order.sent <= order.confirmed < now, order)
            if order.lead is not None:
                self.assertLessEqual(history.leads[order.lead].created, order.created)

    def test_same_moment_same_history(self):
        now, zone = datetime(2026, 11, 22, 9), ZoneInfo("Europe/Brussels")
        one, two = (History(now, zone) for _i in range(2))
        self.assertEqual(one.leads, two.leads)
        self.assertEqual(one.orders, two.orders)
