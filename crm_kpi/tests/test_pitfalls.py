# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Pitfalls of docs/CATALOGUE.md that belong to no single KPI.

``tests/test_catalogue_index.py`` names the tests of the others.
"""

from datetime import date

from odoo import Command
from odoo.tests import tagged

from .common_history import HistoryCase
from .test_catalogue import CatalogueCase


@tagged("post_install", "-at_install")
class TestPitfalls(CatalogueCase, HistoryCase):
    def test_joins_multiply_nothing(self):
        """Lines of an order and tags of a customer do not multiply amounts; shares are fractions."""
        tags = self.env["res.partner.category"].create([{"name": "Gold"}, {"name": "Press"}])
        tagged_one = self._customer("Tagged", category_id=[Command.set(tags.ids)])
        lines = [(self.goods, 1.0, 100.0), (self.goods, 2.0, 50.0), (self.goods, 1.0, 100.0)]
        with self.at("2026-10-01 10:00"):
            self._order(tagged_one, "2026-10-05 10:00:00", lines=lines, user=self.ann)
            self._order(self._customer("Plain"), "2026-10-06 10:00:00", 700, user=self.ann)
            for won in (True, False, False):
                lead = self._lead(partner_id=tagged_one.id)
                lead.action_set_won() if won else lead.action_set_lost()
        with self.at("2026-11-10 12:00"):
            self._refresh("revenue_ordered", "orders_count", "win_rate")
            self.assertEqual(self._read("revenue_ordered", "2026-10-01"), 1000)
            self.assertEqual(self._read("orders_count", "2026-10-01"), 2)
            self.assertAlmostEqual(self._read("win_rate", "2026-10-01"), 1 / 3)
            by_tag = self.env.ref("crm_kpi.segment_set_tag").segment_ids.filtered(
                lambda segment: segment.name in ("Gold", "Press")
            )
            # each tag has the full amount, the total counts it once
            revenues = [
                self._read("revenue_ordered", "2026-10-01", level="segment", segment_id=segment)
                for segment in by_tag
            ]
            self.assertEqual(revenues, [300, 300])

    def test_everybody_is_new_after_a_migration(self):
        """Older orders are missing: values begin twelve months after the start of the history."""
        old, new, gone = (self._customer(name) for name in ("Old", "New", "Gone"))
        self._order(gone, "2025-07-10 10:00:00", user=self.ann)
        # the first known orders of customers who have bought for years
        self._order(old, "2026-08-05 10:00:00", user=self.ann)
        self._order(gone, "2026-09-10 10:00:00", user=self.ann)
        self._order(old, "2026-10-07 10:00:00", 300, user=self.ann)
        self._order(new, "2026-10-08 10:00:00", 100, user=self.bob)
        counts = "new_customers", "customers_lapsed", "repeat_revenue"
        shares = "new_customers_per_rep", "repeat_revenue_share", "winback_rate"
        every = (*counts, *shares, "revenue_ordered")
        with self.at("2026-11-10 12:00"):
            self._refresh(*every)
            self.assertEqual(self._read("new_customers", "2026-08-01"), 1)
            self.assertEqual(self._read("winback_rate", "2026-09-01"), 1)
            # from now on those of August 2026 and earlier are locked
            self.env["crm.kpi"]._refresh()
            self.company.kpi_history_start = "2025-09-02"
            self._refresh(*every)
            for code in (*counts, *shares):
                for level in ("company", "team", "user", "segment"):
                    with self.subTest(code=code, level=level):
                        self.assertFalse(
                            self._cells(code, "2026-09-01", level=level).filtered(
                                lambda cell: cell.value is not False
                            )
                        )
                self.assertIsNone(self._read(code, "2026-09-01", kind="quarter"), code)
                self.assertIsNone(self._read(code, "2026-09-01", kind="year"), code)
            self.assertEqual(self._read("revenue_ordered", "2026-09-01"), 100)
            # customers of October are really new: the first twelve months are over
            self.assertEqual(self._read("new_customers", "2026-10-01"), 1)
            self.assertEqual(self._read("new_customers", "2026-10-01", kind="quarter"), 1)
            by_rep = [
                self._read("new_customers", "2026-10-01", level="user", user_id=user)
                for user in (self.ann, self.bob)
            ]
            self.assertEqual(by_rep, [0, 1])
            self.assertEqual(self._read("repeat_revenue_share", "2026-10-01"), 0.75)
            # reported values stay, with a warning
            self.assertEqual(self._read("new_customers", "2026-08-01"), 1)
            line = self.env["crm.kpi.restatement"].search(
                [
                    ("kpi_id.code", "=", "new_customers"),
                    ("period_id", "=", self._month("2026-08-01").id),
                    ("level", "=", "company"),
                ]
            )
            self.assertEqual(line.mapped("value_locked"), [1])
            self.assertEqual(line.mapped("value_now"), [False])
            # goals of that time are not missed, and no goal starts from an unknown value
            promised, improved = self.env["crm.kpi.goal"].create(
                [
                    {"kpi_id": self._kpi("new_customers").id, "scope": "user",
                     "period_id": self._month("2026-09-01").id, "user_id": self.bob.id,
                     "kind": "at_least", "target": 1},
                    {"kpi_id": self._kpi("new_customers").id, "scope": "user",
                     "period_id": self._month("2026-10-01").id, "user_id": self.bob.id,
                     "kind": "improve", "improve_by": 0.5, "baseline_kind": "previous"},
                ]
            )  # fmt: skip
            self.assertEqual((promised.value, promised.status), (False, "no_data"))
            self.assertEqual((improved.value, improved.baseline), (1, False))
            self.assertEqual(improved.status, "no_data")
            # a missing value has no records
            [cell] = self._cells("new_customers", "2026-09-01")
            self.assertEqual(cell.action_open_records()["domain"], [("id", "in", [])])
            self.assertFalse(cell.kpi_id.data_warning, "this month has a value")
            self.company.kpi_history_start = "2026-01-01"
            self._refresh(*every)
            self.assertIsNone(self._read("new_customers", "2026-10-01"))
            cell.kpi_id.invalidate_recordset(["data_warning"])
            self.assertIn("01/01/2027", cell.kpi_id.data_warning)
            preview = self.env["crm.kpi"].get_preview(cell.kpi_id.id, {})
            self.assertEqual({point["value"] for point in preview["sparkline"]}, {None})
            self.assertIn("Customers of earlier periods are not known yet.", preview["notes"])
            self.company.kpi_history_start = False
            self._refresh(*every)
            self.assertEqual(self._read("new_customers", "2026-09-01"), 0)
            self.assertEqual(self._read("new_customers", "2026-10-01"), 1)

    def _kpi(self, code):
        return self.env["crm.kpi"]._by_code([code])

    def _month(self, day):
        return self.env["crm.kpi.period"]._current("month", self.company, date.fromisoformat(day))

    def _cells(self, code, day, level="company"):
        return self.env["crm.kpi.value"].search(
            [
                ("kpi_id.code", "=", code),
                ("period_id", "=", self._month(day).id),
                ("level", "=", level),
            ]
        )
