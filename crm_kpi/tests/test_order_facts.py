# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import Form, tagged

from ..facts.deals import DEAL_FIELDS
from ..facts.order_facts import FACT_FIELDS
from .common_history import HistoryCase


@tagged("post_install", "-at_install")
class TestOrderFacts(HistoryCase):
    def assertDiscount(self, order, discount, before):
        self._derive_orders()
        self.assertEqual((order.kpi_discount_amount, order.kpi_list_amount), (discount, before))

    def test_margin_is_a_share_of_revenue(self):
        self._margins_by_rate()
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

    def test_lines_with_full_discount(self):
        order = self._order(
            self._customer(), "2026-11-02", lines=[(self.goods, 1, 100), (self.goods, 2, 30)]
        )
        order.order_line[1].discount = 100
        self.assertDiscount(order, 60, 160)
        order.order_line[0].discount = 100
        self.assertDiscount(order, 0, 0)  # an order with a total of zero does not qualify

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
        self.assertEqual(order.kpi_item_count, 1)  # in the unit of the product
        # marked on the line itself, in case the company chooses another discount product
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


@tagged("post_install", "-at_install")
class TestDeals(HistoryCase):
    """The quotations of an opportunity are one deal, also when one is added or removed."""

    def _sent(self, date, lead=None):
        with self.at(date):
            order = self._order(
                self._customer(),
                date,
                state="draft",
                opportunity_id=lead.id if lead else False,
            )
            order.action_quotation_sent()
        return order

    def assertHeads(self, orders, heads):
        self._derive_orders()
        self.assertEqual(orders.mapped("kpi_is_quote_head"), heads)

    def test_joining_and_leaving(self):
        one, two = self._lead(), self._lead()
        orders = (
            self._sent("2026-10-01 10:00", one)
            + self._sent("2026-10-02 10:00", one)
            + self._sent("2026-10-03 10:00", two)
            + self._sent("2026-10-04 10:00")
        )
        self.assertHeads(orders, [True, False, True, True])
        orders[0].opportunity_id = two
        self.assertHeads(orders, [True, True, False, True])
        orders[3].opportunity_id = one
        self.assertHeads(orders, [True, True, False, False])
        orders[0]._action_cancel()
        orders[0].unlink()
        self.assertHeads(orders[1:], [True, True, False])

    def test_opportunity_is_deleted(self):
        one, two = self._lead(), self._lead()
        orders = self._sent("2026-10-01 10:00", one) + self._sent("2026-10-02 10:00", one)
        orders += self._sent("2026-10-03 10:00", two)
        self.assertHeads(orders, [True, False, True])
        (one + two).merge_opportunity()
        self.assertHeads(orders, [True, False, False])
        orders.opportunity_id.unlink()
        self.assertHeads(orders, [True, True, True])

    def test_accepted_by_any_quotation(self):
        lead = self._lead()
        orders = self._sent("2026-10-01 10:00", lead) + self._sent("2026-10-05 10:00", lead)
        with self.at("2026-10-07 22:00"):
            orders[1].action_confirm()
        with self.at("2026-10-09 10:00"):
            orders[0].action_confirm()
        self._derive_orders()
        self.assertEqual(orders.mapped("kpi_quote_accept_days"), [6.5, False])
        self.assertEqual(orders.mapped("kpi_quote_to_order_days"), [8, 2.5])

    def test_earlier_one_without_opportunity(self):
        """Of quotations sent in the same second, the one created first counts."""
        lead = self._lead()
        orders = self._sent("2026-10-05 10:00", lead) + self._sent("2026-10-05 10:00", lead)
        self.assertHeads(orders, [True, False])


@tagged("post_install", "-at_install")
class TestFactsStay(HistoryCase):
    def test_users_cannot_write_them(self):
        order = self._order(self._customer(), "2026-11-02", user=self.ann)
        for name in FACT_FIELDS + DEAL_FIELDS + ("kpi_cross_sell_amount",):
            with self.subTest(name), self.assertRaisesRegex(AccessError, name):
                order.with_user(self.ann).write({name: 1})

    def test_no_message_no_write_when_nothing_changes(self):
        order = self._order(self._customer(), "2026-11-02")
        self._derive_orders()
        before = order.write_date
        order._kpi_mark_dirty(order.ids)
        self._derive_orders()
        self.assertEqual(order.write_date, before)

    def test_tags_are_provided_once(self):
        tag = self.company.kpi_renewal_tag_id
        self.company.kpi_renewal_tag_id = False
        self.env["res.company"]._kpi_provide_tags()
        self.assertEqual(self.company.kpi_renewal_tag_id, tag)
        self.assertEqual(self.env["crm.tag"].search_count([("name", "=", "Renewal")]), 1)
        new = self.env["res.company"].create({"name": "New Ltd"})
        self.assertEqual(new.kpi_sample_tag_id, self.company.kpi_sample_tag_id)

    def test_form_shows_them(self):
        order = self._order(self._customer(), "2026-11-02", 100, user=self.ann)
        self._derive_orders()
        with Form(order.with_user(self.ann), view="sale.view_order_form") as form:
            self.assertEqual(form.kpi_list_amount, 100)
            form.client_order_ref = "ref"
