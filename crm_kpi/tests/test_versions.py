# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Locked formulas follow their restated components; what a changed definition does."""

from freezegun import freeze_time

from odoo.tests import tagged

from .common import KpiCommon

NOW = "2026-12-15 10:00:00"
REVENUE = {"aggregator": "sum", "value_field": "expected_revenue", "unit": "money"}
LARGE = "[('expected_revenue', '>', 10000)]"
MEDIUM = "[('expected_revenue', '>', 5000)]"


class VersionsCase(KpiCommon):
    def lines(self, kpi, period, level="company"):
        """Restatements, the oldest first."""
        return self.env["crm.kpi.restatement"].search(
            [("kpi_id", "=", kpi.id), ("period_id", "=", period.id), ("level", "=", level)],
            order="id",
        )

    def version(self, kpi, period):
        return self.cells(kpi, period, "company").version


@tagged("post_install", "-at_install")
class TestRestatedFormulas(VersionsCase):
    """A locked month: 3 orders of 100, 200 and 600 (900 in all, 300 on average)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.count = cls.make_kpi("orders")
        cls.revenue = cls.make_kpi("revenue", **REVENUE)
        cls.average = cls.make_kpi(
            "average", kind="formula", formula="test_revenue / test_orders", unit="money"
        )
        cls.twice = cls.make_kpi("twice", kind="formula", formula="test_average * 2", unit="money")
        cls.growth = cls.make_kpi(
            "growth", kind="formula", formula="test_revenue - previous(test_revenue)", unit="money"
        )
        cls.all_kpis = cls.count | cls.revenue | cls.average | cls.twice | cls.growth
        cls.orders = [
            cls.make_lead("2026-05-10 12:00:00", user_id=user.id, expected_revenue=amount)
            for user, amount in ((cls.ann, 100), (cls.ann, 200), (cls.bob, 600))
        ]
        cls.june_order = cls.make_lead("2026-06-10 12:00:00", expected_revenue=50)
        with freeze_time(NOW):
            cls.kpis._refresh(kpis=cls.all_kpis)
        cls.may = cls.period("month", "2026-05-10")
        cls.june = cls.period("month", "2026-06-10")

    @freeze_time(NOW)
    def refresh(self):
        return self.kpis._refresh(kpis=self.all_kpis)

    def test_removed_record(self):
        self.assertEqual(self.may.state, "locked")
        self.assertEqual(self.value(self.average, self.may), 300)
        self.orders[2].unlink()
        self.refresh()
        self.assertEqual(self.value(self.average, self.may), 300)
        for kpi, reported, now in (
            (self.count, 3, 2),
            (self.revenue, 900, 300),
            (self.average, 300, 150),
            (self.twice, 600, 300),
        ):
            line = self.lines(kpi, self.may)
            self.assertEqual((line.value_locked, line.value_now), (reported, now), kpi.code)
            self.assertEqual(line.reason, "removed", kpi.code)
        # the salesperson who lost the order has no average any more; the other one keeps hers
        of_people = self.lines(self.average, self.may, "user")
        self.assertEqual(of_people.user_id, self.bob)
        self.assertEqual((of_people.value_locked, of_people.value_now), (600, False))
        self.assertEqual(self.refresh(), 0)

    def test_late_record_of_another_person(self):
        carl = self.make_user("carl")
        self.make_lead("2026-05-20 12:00:00", user_id=carl.id, expected_revenue=300)
        self.refresh()
        line = self.lines(self.average, self.may, "user")
        self.assertEqual((line.user_id, line.value_locked, line.value_now), (carl, False, 300))
        self.assertFalse(self.lines(self.average, self.may))  # 1,200 / 4 is 300 as before

    def test_changed_back_and_again(self):
        order = self.orders[2]
        for amount in (900, 600, 300):
            order.expected_revenue = amount
            self.backdate(order, create_date="2026-05-10 12:00:00")
            self.refresh()
        lines = self.lines(self.average, self.may)
        self.assertEqual(lines.mapped("value_now"), [400, 300, 200])
        self.assertEqual(set(lines.mapped("reason")), {"amount"})

    def test_previous_period(self):
        """Both months are locked: June's growth over May is restated with May."""
        self.orders[2].unlink()
        self.refresh()
        line = self.lines(self.growth, self.june)
        self.assertEqual((line.value_locked, line.value_now), (50 - 900, 50 - 300))

    def test_quarter(self):
        quarter = self.period("quarter", "2026-04-01")
        quarter.action_lock()
        self.orders[2].unlink()
        self.refresh()
        line = self.lines(self.average, quarter)
        self.assertAlmostEqual(line.value_locked, 950 / 4)
        self.assertAlmostEqual(line.value_now, 350 / 3)

    def test_unlocked_and_locked_again(self):
        """A restatement of an earlier lock does not count any more."""
        self.orders[2].unlink()
        self.refresh()
        with freeze_time("2026-12-16 10:00:00"):
            self.may.action_unlock()
            self.kpis._refresh(kpis=self.all_kpis)
            self.assertEqual(self.value(self.average, self.may), 150)
            self.may.action_lock()
        with freeze_time("2026-12-17 10:00:00"):
            self.make_lead("2026-05-20 12:00:00", user_id=self.ann.id, expected_revenue=600)
            self.kpis._refresh(kpis=self.all_kpis)
        self.assertEqual(self.value(self.average, self.may), 150)
        line = self.lines(self.average, self.may)[-1]
        self.assertEqual((line.value_locked, line.value_now), (150, 300))
        self.assertEqual(line.reason, "late")
