# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""KPIs of margins on worked examples; numbers and values are those of docs/CATALOGUE.md."""

from odoo import Command
from odoo.tests import tagged

from odoo.addons.crm_kpi.tests.common_history import HistoryCase
from odoo.addons.crm_kpi.tests.test_catalogue import CatalogueCase

from .. import hooks


@tagged("post_install", "-at_install")
class TestCatalogueMargin(CatalogueCase, HistoryCase):
    def _costing(self, date, amount, cost, **values):
        order = self._order(self._customer(), date, amount, **values)
        order.order_line.purchase_price = cost
        return order

    def test_26_gross_margin(self):
        self._costing("2026-10-02 10:00", 1000, 700, user=self.ann)
        self._costing("2026-10-03 10:00", 500, 550, user=self.bob)
        self._costing("2026-10-04 10:00", 500, 100, state="cancel")
        codes = ("gross_margin", "gross_margin_pct")
        with self.at("2026-11-09 12:00"):
            self._refresh(*codes)
            self.assertEqual(self._read("gross_margin", "2026-10-01"), 250)
            # the mean of the percentages would be 10 %
            self.assertAlmostEqual(self._read("gross_margin_pct", "2026-10-01"), 250 / 1500)
            self.assertEqual(
                self._read("gross_margin", "2026-10-01", level="user", user_id=self.bob), -50
            )
            self.assertEqual(self._read("gross_margin", "2026-11-01"), 0)
            self.assertIsNone(self._read("gross_margin_pct", "2026-11-01"))

    def test_26_order_currency_and_costs_of_the_time(self):
        """The rate of the order and the costs on its lines count, not today's product cost."""
        dollar = self.env.ref("base.USD")
        dollar.active = True
        self.env["res.currency.rate"].create(
            {
                "currency_id": dollar.id,
                "company_id": self.company.id,
                "name": "2026-10-01",
                "company_rate": 1.25,
            }
        )
        dollars = self.env["product.pricelist"].create(
            {"name": "USD", "currency_id": dollar.id, "company_id": self.company.id}
        )
        order = self._costing("2026-10-02 10:00", 1000, 500, pricelist_id=dollars.id)
        with self.at("2026-11-09 12:00"):
            self._refresh("gross_margin")
            self.assertEqual(order.kpi_margin, 400)
            self.goods.standard_price = 999
            order._kpi_mark_dirty(order.ids)
            self._refresh("gross_margin")
            self.assertEqual(self._read("gross_margin", "2026-10-01"), 400)

    def test_26b_returns_and_free_orders_count(self):
        """As in revenue, orders with a total of zero or less count."""
        self._costing("2026-10-02 10:00", 1000, 700)
        free = self._costing("2026-10-03 10:00", 0, 40)
        with self.at("2026-11-09 12:00"):
            self._refresh("gross_margin")
            self.assertEqual(free.kpi_margin, -40)
            self.assertEqual(self._read("gross_margin", "2026-10-01"), 260)

    def test_26_lines_without_cost(self):
        discount = self._product("Discount")
        self.company.sale_discount_product_id = discount
        order = self._order(
            self._customer(),
            "2026-10-02 10:00",
            lines=[(self.goods, 1, 100), (self.goods, 1, 50), (discount, 1, -10)],
        )
        order.order_line[0].purchase_price = 60
        order.order_line = [Command.create({"display_type": "line_note", "name": "Note"})]
        with self.at("2026-11-09 12:00"):
            self._refresh("costless_line_rate", "gross_margin")
            self.assertEqual(self._read("costless_line_rate", "2026-10-01"), 0.5)
            self.assertEqual(self._read("gross_margin", "2026-10-01"), 80)
            self.assertIsNone(self._read("costless_line_rate", "2026-11-01"))
            # a cost entered later changes the value, and the warning shows it
            order.order_line[1].purchase_price = 20
            self._refresh("costless_line_rate", "gross_margin")
            self.assertEqual(self._read("costless_line_rate", "2026-10-01"), 0)
            self.assertEqual(self._read("gross_margin", "2026-10-01"), 60)

    def test_cost_that_is_computed(self):
        """Costs that Odoo recomputes (as for delivered goods) are noticed without a write."""
        self.goods.standard_price = 10
        order = self._order(self._customer(), "2026-10-02 10:00", 500)
        self._derive_orders()
        self.assertEqual(order.kpi_margin, 490)
        self.goods.standard_price = 100
        order.order_line.modified(["currency_id"])
        self._derive_orders()
        self.assertEqual(order.kpi_margin, 400)

    def test_history_before_and_after_the_module(self):
        order = self._costing("2026-10-02 10:00", 1000, 700)
        self._derive_orders()
        self.env.cr.execute(
            "UPDATE sale_order SET kpi_margin = 1000, kpi_goods_line_count = NULL WHERE id = %s",
            [order.id],
        )
        self.env.invalidate_all()
        for hook in (hooks.post_init_hook, hooks.uninstall_hook):
            hook(self.env)
            self._derive_orders()
            self.assertEqual((order.kpi_margin, order.kpi_goods_line_count), (300, 1))
