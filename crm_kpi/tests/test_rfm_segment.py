# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""RFM classes as segments with dated membership."""

import random
from datetime import date, datetime, timedelta

from dateutil.relativedelta import relativedelta

from odoo import Command
from odoo.tests import freeze_time, tagged

from ..customers import rfm
from .common_history import utc
from .test_catalogue import CatalogueCase
from .test_customer import BRUSSELS, UTC, CustomerCase, rfm_in_python


@tagged("post_install", "-at_install")
class TestRfmSegment(CatalogueCase, CustomerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.by_rfm = cls.env.ref("crm_kpi.segment_set_rfm")
        cls.env.cr.execute("DELETE FROM crm_kpi_segment_member")
        cls.env.cr.execute("UPDATE crm_kpi_segment_set SET date_start = NULL, date_updated = NULL")
        cls.env.invalidate_all()

    def _update(self, now):
        """Like a refresh: derive, then compare the segments."""
        with freeze_time(now):
            self._derive()
            return self.by_rfm._update_members()

    def _history(self, partner, company=None):
        members = self.env["crm.kpi.segment.member"].search(
            [
                ("set_id", "=", self.by_rfm.id),
                ("partner_id", "=", partner.id),
                ("company_id", "=", (company or self.company).id),
            ]
        )
        return sorted(
            (row.date_from or date.min, row.date_to or None, row.segment_id.rfm_class)
            for row in members
        )

    def _class_on(self, partner, day):
        found = [
            rfm_class
            for since, until, rfm_class in self._history(partner)
            if since <= day and (not until or day < until)
        ]
        self.assertLessEqual(len(found), 1)
        return found[0] if found else False

    def test_every_class_has_a_segment(self):
        self.assertEqual(
            self.by_rfm.segment_ids.filtered(lambda s: not s.is_unknown).mapped("rfm_class"),
            [code for code, _label in rfm.CLASSES],
        )
        self.assertTrue(self.by_rfm.exclusive)

    def test_change_is_dated(self):
        """The old class ends and the new one begins on the day of the change."""
        customers = [self._ordered(str(n), *range(10 * n, 70, 5)) for n in range(1, 7)]
        self._update("2026-12-01 12:00")
        first, last = customers[0], customers[-1]
        self.assertEqual(self._row(first).rfm_class, "champion")
        self.assertEqual(self._history(first)[-1][1:], (None, "champion"))
        before = self._history(last)[-1]
        self.assertIsNone(before[1])
        for days in range(12):
            self._order(last, utc("2026-12-02 10:00") - timedelta(days=2 * days), 500)
        self.assertEqual(self._update("2026-12-03 12:00"), date(2026, 12, 3))
        self.assertEqual(self._row(last).rfm_class, "champion")
        self.assertEqual(
            self._history(last)[-2:],
            [(before[0], date(2026, 12, 3), before[2]), (date(2026, 12, 3), None, "champion")],
        )
        self.assertIsNone(self._update("2026-12-03 13:00"), "nothing changed")

    def test_new_customer_begins_on_the_day_of_the_update(self):
        """Today's class does not apply to the past, even for a customer with old orders."""
        for number in range(1, 7):
            self._ordered(str(number), 10 * number)
        self._update("2026-12-01 12:00")
        imported = self._ordered("Imported", 400)
        self._update("2026-12-05 12:00")
        self.assertEqual(self._history(imported), [(date(2026, 12, 5), None, "lost")])

    def test_fewer_than_five_are_unknown(self):
        customers = [self._ordered(str(n), 10 * n) for n in range(1, 5)]
        self._update("2026-12-01 12:00")
        for customer in customers:
            self.assertFalse(self._history(customer))

    def test_churn_by_class_at_the_start(self):
        """By today's class, every lost customer would be in “Lost”, with a churn rate of 100 %."""
        for number in range(6):
            self._ordered(str(number), *range(5 + number, 200, 20), now="2026-11-01 00:00")
        # the last order a year before a day of November
        gone = [self._customer(f"Gone {n}") for n in range(5)]
        for customer in gone:
            self._order(customer, "2025-11-10 10:00", 10)
        with self.at("2026-12-05 12:00"):
            self._refresh("churn_rate")
            for customer in gone:
                self.assertEqual(self._row(customer).rfm_class, "lost")
                self.assertEqual(self._class_on(customer, date(2026, 11, 1)), "hibernating")
                self.assertEqual(self._class_on(customer, date(2026, 12, 1)), "lost")
            segments = {s.rfm_class: s for s in self.by_rfm.segment_ids}
            found = {
                name: self._read(
                    "churn_rate", "2026-11-01", level="segment", segment_id=segments[name]
                )
                for name in ("hibernating", "lost")
            }
        self.assertEqual(found, {"hibernating": 1, "lost": None})

    def test_the_past_equals_python(self):
        """Past membership equals a month by month computation from the orders."""
        dice = random.Random(11)
        now = utc("2026-12-10 12:00")
        customers = [self._customer(f"R{n}") for n in range(9)]
        orders = {customer: [] for customer in customers}
        for _number in range(60):
            customer = dice.choice(customers)
            moment = now - timedelta(days=dice.randrange(1100), hours=dice.randrange(24))
            amount = dice.choice([0, 10, 10, 55.5, 200])
            self._order(customer, moment, amount)
            if amount:
                orders[customer].append((moment, amount))
        # the first moments of a local month
        edge = utc("2026-05-31 22:00")
        self._order(customers[0], edge, 10)
        orders[customers[0]].append((edge, 10))
        self._update(now)
        months = [date(2026, 12, 1) - relativedelta(months=n) for n in range(36)]
        compared = 0
        for month in months:
            start = datetime.combine(month, datetime.min.time(), BRUSSELS)
            moment = start.astimezone(UTC).replace(tzinfo=None)
            known = {
                customer: [(date, amount) for date, amount in history if date < moment]
                for customer, history in orders.items()
            }
            expected = rfm_in_python(known, moment, 365)
            for customer in customers:
                self.assertEqual(
                    self._class_on(customer, month), expected[customer][3], (month, customer.name)
                )
                compared += bool(expected[customer][3])
        self.assertGreater(compared, 100)
        for customer in customers:
            self.assertEqual(self._class_on(customer, now.date()), self._row(customer).rfm_class)

    def test_the_past_of_a_quiet_company(self):
        """Nobody has a class today, and the classes of the past are computed all the same."""
        now, orders = utc("2026-12-10 12:00"), {}
        for number in range(6):
            days_ago = range(800 + 10 * number, 1000, 30)
            customer = self._ordered(str(number), *days_ago, now="2026-12-10 12:00")
            orders[customer] = [(now - timedelta(days=days), 100.0) for days in days_ago]
        self.assertEqual(self._update(now), date.min)
        compared = 0
        for month in [date(2026, 12, 1) - relativedelta(months=n) for n in range(36)]:
            start = datetime.combine(month, datetime.min.time(), BRUSSELS)
            moment = start.astimezone(UTC).replace(tzinfo=None)
            known = {
                customer: [row for row in history if row[0] < moment]
                for customer, history in orders.items()
            }
            expected = rfm_in_python(known, moment, 365)
            for customer in orders:
                self.assertEqual(self._class_on(customer, month), expected[customer][3], month)
                compared += bool(expected[customer][3])
        self.assertGreater(compared, 50)
        for customer in orders:
            self.assertFalse(self._class_on(customer, now.date()))
        self.assertIsNone(self._update(now), "nothing changed")

    def test_too_few_customers_ever(self):
        """Without any class at any time, an update changes nothing however often it runs."""
        for number in range(4):
            self._ordered(str(number), 900 + number)
        self._update("2026-12-01 12:00")
        self.assertIsNone(self._update("2026-12-01 13:00"))
        self.assertIsNone(self._update("2026-12-02 12:00"))

    def test_the_past_uses_overridden_inactivity(self):
        """The inactivity days of a segment also apply to the past."""
        for number in range(5):
            self._ordered(str(number), *range(5 + number, 300, 20))
        hasty, usual = (self._ordered(name, 150, 170) for name in ("Hasty", "Usual"))
        segment_set = self.env["crm.kpi.segment.set"].create(
            {
                "name": "Churn early",
                "segment_ids": [
                    Command.create(
                        {
                            "name": "Early",
                            "domain": f"[('id', '=', {hasty.id})]",
                            "inactivity_days": 60,
                        }
                    )
                ],
            }
        )
        with freeze_time("2026-12-01 12:00"):
            segment_set._update_members()
        self._update("2026-12-01 12:00")
        # the last order was on 4 July
        for day, lost in ((date(2026, 9, 1), False), (date(2026, 10, 1), True)):
            self.assertEqual(self._class_on(hasty, day) == "lost", lost, day)
            self.assertNotEqual(self._class_on(usual, day), "lost")

    def test_second_update_of_the_first_day(self):
        customers = [self._ordered(str(n), *range(10 * n, 400, 35)) for n in range(1, 8)]
        self._update("2026-12-10 12:00")
        before = {customer: self._history(customer) for customer in customers}
        self._order(customers[6], "2026-12-10 12:30", 5000)
        self._update("2026-12-10 13:00")
        self._update("2026-12-10 14:00")
        for customer in customers:
            past = [row for row in before[customer] if row[0] < date(2026, 12, 10)]
            now = [row for row in self._history(customer) if row[0] < date(2026, 12, 10)]
            self.assertEqual([row[::2] for row in now], [row[::2] for row in past])
