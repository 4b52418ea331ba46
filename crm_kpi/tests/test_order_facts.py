# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import Command
from odoo.tests import tagged

from .common_history import HistoryCase


@tagged("post_install", "-at_install")
class TestOrderFacts(HistoryCase):
    def _lines(self, order, *lines):
        """Set more on the lines than ``_order`` does: one dict per line."""
        for line, values in zip(order.order_line, lines, strict=True):
            line.write(values)
        self._derive_orders()
        return order

    def assertDiscount(self, order, discount, before):
        self._derive_orders()
        self.assertEqual((order.kpi_discount_amount, order.kpi_list_amount), (discount, before))

    def test_margin_is_a_share_of_revenue(self):
        order = self._order(self._customer(), "2026-11-02", 1000)
        draft = self._order(self._customer(), "2026-11-02", 1000, state="draft")
        self._derive_orders()
        self.assertEqual((order.kpi_margin, draft.kpi_margin), (1000, 0))
        self.company.kpi_margin_rate = 0.333
        self._derive_orders()
        self.assertEqual(order.kpi_margin, 333)
        order._action_cancel()
        self._derive_orders()
        self.assertEqual(order.kpi_margin, 0)

    def test_discount_of_lines(self):
        order = self._order(
            self._customer(), "2026-11-02", lines=[(self.goods, 10, 100), (self.goods, 1, 500)]
        )
        order.order_line[0].discount = 10
        self.assertDiscount(order, 100, 1500)

    def test_given_away(self):
        order = self._order(
            self._customer(), "2026-11-02", lines=[(self.goods, 1, 100), (self.goods, 2, 30)]
        )
        order.order_line[1].discount = 100
        self.assertDiscount(order, 60, 160)
        order.order_line[0].discount = 100
        self.assertDiscount(order, 0, 0)  # an order of nothing does not qualify

    def test_discount_product(self):
        product = self._product("Discount")
        order = self._order(
            self._customer(), "2026-11-02", lines=[(self.goods, 1, 100), (product, 1, -15)]
        )
        self.assertDiscount(order, 0, 100)
        self.company.sale_discount_product_id = product
        self.assertDiscount(order, 15, 100)

    def test_global_discount_by_the_wizard(self):
        order = self._order(self._customer(), "2026-11-02", 200)
        self.env["sale.order.discount"].create(
            {
                "sale_order_id": order.id,
                "discount_type": "so_discount",
                "discount_percentage": 0.25,
            }
        ).action_apply_discount()
        self.assertDiscount(order, 50, 200)
        self.assertEqual(order.kpi_item_count, 1)  # trap 25
        # told by the line itself, should the company take another product for it
        self.company.sale_discount_product_id = self._product("Other discount")
        self.assertDiscount(order, 50, 200)

    def test_tax_included(self):
        belgium = self.env.ref("base.be")
        group = self.env["account.tax.group"].create(
            {"name": "25 %", "company_id": self.company.id, "country_id": belgium.id}
        )
        tax = self.env["account.tax"].create(
            {
                "name": "25 % included",
                "tax_group_id": group.id,
                "amount": 25,
                "price_include_override": "tax_included",
                "company_id": self.company.id,
                "country_id": belgium.id,
            }
        )
        order = self._order(self._customer(), "2026-11-02", lines=[(self.goods, 2, 125)])
        order.order_line.write({"tax_ids": [Command.set(tax.ids)], "discount": 20})
        self.assertEqual(order.amount_untaxed, 160)
        self.assertDiscount(order, 40, 200)

    def test_no_discount_without_order(self):
        order = self._order(self._customer(), "2026-11-02", 100, state="draft")
        order.order_line.discount = 10
        self.assertDiscount(order, 0, 0)
        order.action_confirm()
        self.assertDiscount(order, 10, 100)
