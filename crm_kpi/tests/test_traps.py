# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Traps of the KPI catalogue that belong to no single KPI.

Where the others are tested says ``tests/test_catalogue_index.py``.
"""

from odoo import Command
from odoo.tests import tagged

from .common_history import HistoryCase
from .test_catalogue import CatalogueCase


@tagged("post_install", "-at_install")
class TestTraps(CatalogueCase, HistoryCase):
    def test_joins_multiply_nothing(self):
        """Trap 16: lines of an order, tags of a customer; shares are no whole numbers."""
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
            # each of the tags has all of it, the total has it once
            revenues = [
                self._read("revenue_ordered", "2026-10-01", level="segment", segment_id=segment)
                for segment in by_tag
            ]
            self.assertEqual(revenues, [300, 300])

    def test_everybody_is_new_after_a_migration(self):
        """Trap 53: old orders were not brought along; figures begin when that has worn off."""
        old, new = self._customer("Old"), self._customer("New")
        self._order(old, "2026-02-03 10:00:00")
        self._order(old, "2026-10-07 10:00:00")
        self._order(new, "2026-10-08 10:00:00")
        self.company.kpi_history_start = "2026-09-01"
        with self.at("2026-11-10 12:00"):
            self._refresh("new_customers")
            self.assertEqual(self._read("new_customers", "2026-10-01"), 1)
            computed = self.env["crm.kpi.value"].search(
                [
                    ("kpi_id.code", "=", "new_customers"),
                    ("company_id", "=", self.company.id),
                    ("period_id.kind", "=", "month"),
                    ("period_id.date_to", "<=", "2026-09-01"),
                ]
            )
            self.assertFalse(computed, "nothing is said of the months after the migration")
