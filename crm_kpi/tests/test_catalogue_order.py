# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""KPIs of quotations and of the content of orders on worked examples.

The numbers in the names and the expected values are those of docs/CATALOGUE.md.
"""

from odoo import Command
from odoo.tests import tagged

from .common_history import HistoryCase, utc
from .test_catalogue import CatalogueCase


@tagged("post_install", "-at_install")
class TestCatalogueOrders(CatalogueCase, HistoryCase):
    def _quote(self, sent=None, confirmed=None, cancelled=None, user=None, **values):
        """A quotation that is sent, confirmed and cancelled."""
        with self.at("2026-08-01 08:00"):
            order = self._order(
                self._customer(), "2026-08-01 08:00", state="draft", user=user, **values
            )
        for moment, step in (
            (sent, "action_quotation_sent"),
            (confirmed, "action_confirm"),
            (cancelled, "_action_cancel"),
        ):
            if moment:
                with self.at(moment):
                    getattr(order, step)()
        return order

    def test_11_quotations_sent(self):
        lead = self._lead()
        q1 = self._quote("2026-08-03 10:00", confirmed="2026-08-13 10:00", user=self.ann)
        self._quote("2026-08-04 10:00", cancelled="2026-08-20 10:00", user=self.ann)
        self._quote("2026-08-05 10:00", cancelled="2026-08-11 10:00", opportunity_id=lead.id)
        self._quote("2026-08-10 10:00", confirmed="2026-08-25 10:00", opportunity_id=lead.id)
        self._quote("2026-08-31 21:59", user=self.bob)
        self._quote()
        codes = ("quotations_sent", "quote_acceptance_rate", "quote_to_order_days")
        with self.at("2026-09-20 12:00"):
            self._refresh(*codes)
            self.assertEqual(self._read("quotations_sent", "2026-08-01"), 4)
            self.assertIsNone(self._read("quote_acceptance_rate", "2026-08-01"), "immature")
        with self.at("2026-11-09 12:00"):
            self._refresh(*codes)
            # neither the order date, which changes, nor the creation date counts
            self.assertEqual(self._read("quotations_sent", "2026-08-01"), 4)
            self.assertEqual(self._read("quote_acceptance_rate", "2026-08-01"), 0.5)
            self.assertEqual(self._read("quote_to_order_days", "2026-08-01"), 12.5)
            by_rep = {
                user.name: (
                    self._read("quotations_sent", "2026-08-01", level="user", user_id=user),
                    self._read("quote_acceptance_rate", "2026-08-01", level="user", user_id=user),
                )
                for user in (self.ann, self.bob, self.env["res.users"])
            }
            # records without salesperson are kept, so that the rows add up
            self.assertEqual(by_rep, {"Ann": (2, 0.5), "Bob": (1, 0), False: (1, 1)})
            self.assertIsNone(self._read("quote_acceptance_rate", "2026-10-01"), "no value")
            # confirmed again later: the first confirmation stays
            q1._action_cancel()
            q1.action_draft()
            q1.action_confirm()
            self._refresh(*codes)
            self.assertEqual(self._read("quote_to_order_days", "2026-08-01"), 12.5)

    def test_11_revisions_count_once(self):
        """A deal counts with its first sending; an order without opportunity counts itself."""
        lead = self._lead()
        self._quote("2026-08-31 10:00", opportunity_id=lead.id)
        self._quote("2026-09-02 10:00", opportunity_id=lead.id)
        revised = self._quote("2026-09-03 10:00", opportunity_id=lead.id)
        self._quote("2026-09-04 10:00")
        self._quote("2026-09-05 10:00")
        with self.at("2026-10-09 12:00"):
            self._refresh("quotations_sent")
            self.assertEqual(self._read("quotations_sent", "2026-08-01"), 1)
            self.assertEqual(self._read("quotations_sent", "2026-09-01"), 2)
            revised.opportunity_id = False
            self._refresh("quotations_sent")
            self.assertEqual(self._read("quotations_sent", "2026-09-01"), 3)

    def test_11b_accepted_within_60_days(self):
        self._quote("2026-08-03 10:00", confirmed="2026-10-02 10:00")  # 60 days
        self._quote("2026-08-03 10:00", confirmed="2026-10-02 10:01")
        lead = self._lead()
        self._quote("2026-07-31 10:00", opportunity_id=lead.id)
        # the deal belongs to July; its acceptance is counted from there
        self._quote("2026-08-31 10:00", confirmed="2026-10-10 10:00", opportunity_id=lead.id)
        with self.at("2026-11-09 12:00"):
            self._refresh("quote_acceptance_rate")
            self.assertEqual(self._read("quote_acceptance_rate", "2026-08-01"), 0.5)
            self.assertEqual(self._read("quote_acceptance_rate", "2026-07-01"), 0)

    def test_11c_direct_sales(self):
        self._quote(confirmed="2026-08-03 10:00")
        self._quote("2026-08-03 10:00", confirmed="2026-08-07 10:00")
        # imported dates that are out of order
        wrong = self._quote("2026-08-20 10:00", confirmed="2026-08-25 10:00")
        self.env.cr.execute(
            "UPDATE sale_order SET kpi_first_confirm_date = '2026-08-18' WHERE id = %s", [wrong.id]
        )
        wrong._kpi_mark_dirty(wrong.ids)
        with self.at("2026-11-09 12:00"):
            self._refresh("quote_to_order_days", "quotations_sent")
            self.assertEqual(self._read("quote_to_order_days", "2026-08-01"), 2)
            self.assertEqual(self._read("quotations_sent", "2026-08-01"), 3)

    def test_11d_samples_sent(self):
        tag = self.company.kpi_sample_tag_id
        self.assertEqual(tag.name, "Sample")
        swatch, other = self._product("Swatch"), self._product("Other")
        swatch.product_tag_ids = tag
        dozen = self.env.ref("uom.product_uom_dozen")
        customer = self._customer()
        lines = [(swatch, 3, 0), (self.goods, 1, 100)]
        self._order(customer, "2026-10-02 10:00:00", lines=lines, user=self.ann)
        packed = self._order(customer, "2026-10-03 10:00:00", lines=[(swatch, 1, 0)])
        packed.order_line.product_uom_id = dozen
        self._order(customer, "2026-10-04 10:00:00", lines=[(swatch, 5, 0)], state="draft")
        self._order(customer, "2026-10-05 10:00:00", lines=[(other, 7, 0)])
        with self.at("2026-11-09 12:00"):
            self._refresh("samples_sent", "new_customers")
            self.assertEqual(self._read("samples_sent", "2026-10-01"), 15)
            self.assertEqual(
                self._read("samples_sent", "2026-10-01", level="user", user_id=self.ann), 3
            )
            # free samples do not make a customer
            self.assertEqual(self._read("new_customers", "2026-10-01"), 1)
            # tagged later, on template or variant: earlier orders count too
            other.product_tmpl_id.product_tag_ids = tag
            self._refresh("samples_sent")
            self.assertEqual(self._read("samples_sent", "2026-10-01"), 22)
            tag.product_template_ids -= other.product_tmpl_id
            self._refresh("samples_sent")
            self.assertEqual(self._read("samples_sent", "2026-10-01"), 15)
            self.company.kpi_sample_tag_id = False
            self._refresh("samples_sent")
            self.assertEqual(self._read("samples_sent", "2026-10-01"), 0)

    def test_21_items_per_order(self):
        """Lines that are not items, and packs."""
        chair, desk = self._product("Chair", self.chairs), self._product("Desk", self.desks)
        delivery = self._product("Down payment")
        lamp, shade = self._product("Lamp"), self._product("Shade")
        combos = self.env["product.combo"].create(
            [
                {"name": item.name, "combo_item_ids": [Command.create({"product_id": item.id})]}
                for item in (lamp, shade)
            ]
        )
        combo = self.env["product.product"].create(
            {
                "name": "Lamp with shade",
                "type": "combo",
                "list_price": 50,
                "combo_ids": [Command.set(combos.ids)],
                "taxes_id": [Command.clear()],
            }
        )
        pack = self.env["uom.uom"].create(
            {
                "name": "Pack of 6 in the test",
                "relative_factor": 6,
                "relative_uom_id": self.env.ref("uom.product_uom_unit").id,
            }
        )
        a = self._customer()
        one = self._order(
            a, "2026-10-02 10:00", lines=[(chair, 4, 10), (desk, 1, 10), (delivery, 1, 10)]
        )
        one.order_line[2].is_downpayment = True
        one.order_line = [Command.create({"display_type": "line_section", "name": "Section"})]
        two = self._order(a, "2026-10-03 10:00", lines=[(combo, 1, 0)])
        parent = two.order_line
        two.order_line = [
            Command.create(
                {
                    "product_id": item.id,
                    "combo_item_id": of.combo_item_ids.id,
                    "linked_line_id": parent.id,
                    "price_unit": 25,
                    "tax_ids": [],
                }
            )
            for item, of in zip((lamp, shade), combos, strict=True)
        ]
        three = self._order(a, "2026-10-04 10:00", lines=[(chair, 2, 60)], state="draft")
        three.order_line.write({"product_uom_id": pack.id, "price_unit": 60})
        three.write({"state": "sale"})
        self._order(a, "2026-10-05 10:00", lines=[(chair, 2, 0)])  # free: does not qualify
        with self.at("2026-11-09 12:00"):
            self._refresh("items_per_order", "products_per_order")
            self.assertEqual((one + two + three).mapped("kpi_item_count"), [5, 2, 12])
            self.assertAlmostEqual(self._read("items_per_order", "2026-10-01"), 19 / 3)
            self.assertAlmostEqual(self._read("products_per_order", "2026-10-01"), 5 / 3)
            self.assertIsNone(self._read("items_per_order", "2026-11-01"))

    def test_21_other_units(self):
        """Hours count one per line; a pack that is the unit of the product is one piece."""
        hour = self.env.ref("uom.product_uom_hour")
        advice, crate = self._product("Advice"), self._product("Crate")
        advice.uom_id = hour
        crate.uom_id = self.env.ref("uom.product_uom_dozen")
        order = self._order(
            self._customer(), "2026-10-02 10:00", lines=[(advice, 7.5, 90), (crate, 3, 12)]
        )
        self._derive_orders()
        self.assertEqual((order.kpi_item_count, order.kpi_product_count), (4, 2))

    def _orders_of_example_23(self):
        """Customers A to E of examples 23 and 24; returns their orders of November."""
        chair, throne = self._product("Chair", self.chairs), self._product("Throne", self.chairs)
        desk = self._product("Desk", self.desks)
        customers = {name: self._customer(name) for name in "ABCDE"}
        for name in "ABCD":
            self._order(customers[name], "2026-05-05 10:00", lines=[(chair, 1, 100)])
        return {
            name: self._order(customers[name], "2026-11-05 10:00", lines=lines, user=user)
            for name, lines, user in (
                ("A", [(desk, 1, 80), (chair, 1, 100)], self.ann),
                ("B", [(throne, 2, 125)], self.bob),
                ("C", [(chair, 1, 115)], self.bob),
                ("E", [(chair, 1, 100), (desk, 1, 100)], self.ann),
            )
        }

    def test_23_cross_sell_orders(self):
        orders = self._orders_of_example_23()
        codes = ("cross_sell_order_rate", "cross_sell_revenue")
        with self.at("2026-12-09 12:00"):
            self._refresh(*codes)
            # A of A, B and C; the first order of E does not count
            self.assertAlmostEqual(self._read("cross_sell_order_rate", "2026-11-01"), 1 / 3)
            self.assertEqual(self._read("cross_sell_revenue", "2026-11-01"), 80)
            self.assertEqual(
                self._read("cross_sell_order_rate", "2026-11-01", level="user", user_id=self.ann),
                1,
            )
            self.assertIsNone(self._read("cross_sell_order_rate", "2026-05-01"), "no repeat order")
            # later changes of category or price do not matter
            desk = orders["A"].order_line[0].product_id
            desk.write({"categ_id": self.chairs.id, "list_price": 5})
            orders["A"]._kpi_mark_dirty(orders["A"].ids)
            self._refresh(*codes)
            self.assertAlmostEqual(self._read("cross_sell_order_rate", "2026-11-01"), 1 / 3)
            # credited to the salesperson at confirmation
            orders["A"].user_id = self.bob
            self._refresh(*codes)
            self.assertEqual(
                self._read("cross_sell_revenue", "2026-11-01", level="user", user_id=self.ann), 80
            )

    def test_24_upsell_orders(self):
        orders = self._orders_of_example_23()
        # the invoice status "upselling" means that more was delivered than ordered
        self.env.cr.execute(
            "UPDATE sale_order SET invoice_status = 'upselling' WHERE id = %s", [orders["C"].id]
        )
        with self.at("2026-12-09 12:00"):
            self._refresh("upsell_order_rate", "upsell_revenue")
            self.assertAlmostEqual(self._read("upsell_order_rate", "2026-11-01"), 1 / 3)
            self.assertEqual(self._read("upsell_revenue", "2026-11-01"), 250)

    def test_24c_renewal_upsell(self):
        orders = self._orders_of_example_23()
        tag = self.company.kpi_renewal_tag_id
        self.assertEqual(tag.name, "Renewal")
        for name in "ABC":
            orders[name].tag_ids = tag
        with self.at("2026-12-09 12:00"):
            self._refresh("renewal_upsell")
            self.assertAlmostEqual(self._read("renewal_upsell", "2026-11-01"), 1 / 3)
            orders["A"].tag_ids = False
            self._refresh("renewal_upsell")
            self.assertEqual(self._read("renewal_upsell", "2026-11-01"), 0.5)
            self.company.kpi_renewal_tag_id = self.env["crm.tag"].create({"name": "Extension"})
            self._refresh("renewal_upsell")
            self.assertIsNone(self._read("renewal_upsell", "2026-11-01"))

    def test_27_discount_rate(self):
        customer = self._customer()
        orders = [
            self._order(customer, "2026-10-02 10:00", lines=[(self.goods, 10, 100)], user=self.ann),
            self._order(customer, "2026-10-03 10:00", lines=[(self.goods, 1, 500)], user=self.bob),
        ]
        orders[0].order_line.discount = 10
        with self.at("2026-11-09 12:00"):
            self._refresh("discount_rate")
            # not a mean of percentages
            self.assertAlmostEqual(self._read("discount_rate", "2026-10-01"), 100 / 1500)
            self.assertEqual(
                self._read("discount_rate", "2026-10-01", level="user", user_id=self.ann), 0.1
            )
            self.assertIsNone(self._read("discount_rate", "2026-11-01"), "nothing to divide by")

    def test_27_currencies_and_locked_orders(self):
        """Amounts are untaxed and divided by the rate of the order; locked orders count."""
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
        order = self._order(
            self._customer(), "2026-10-02 10:00", 1000, pricelist_id=dollars.id, user=self.ann
        )
        order.order_line.discount = 50
        order.action_lock()
        with self.at("2026-11-09 12:00"):
            self._refresh("discount_rate")
            amounts = [order.kpi_list_amount, order.kpi_discount_amount, order.kpi_margin]
            self.assertEqual(amounts, [800, 400, 400])
            self.assertEqual(self._read("discount_amount", "2026-10-01"), 400)
            # a later rate changes nothing
            self.env["res.currency.rate"].create(
                {
                    "currency_id": dollar.id,
                    "company_id": self.company.id,
                    "name": "2026-11-01",
                    "company_rate": 2,
                }
            )
            order._kpi_mark_dirty(order.ids)
            self._refresh("discount_rate")
            self.assertEqual(self._read("discount_amount", "2026-10-01"), 400)

    def test_warning_for_a_single_category(self):
        kpis = self.env["crm.kpi"]._by_code(["cross_sell_order_rate", "upsell_revenue"])
        other = self.env["crm.kpi"]._by_code(["items_per_order"])
        chair, desk = self._product("Chair", self.chairs), self._product("Desk", self.desks)
        with self.at("2026-11-09 12:00"):
            self.assertEqual(kpis.mapped("data_warning"), [False, False], "nothing sold")
            customer = self._customer()
            for product in (chair, chair, chair, chair, desk):
                self._order(customer, utc("2026-10-02 10:00"), lines=[(product, 1, 100)])
            self.assertEqual(kpis.mapped("data_warning"), [False, False], "80 % is still fine")
            self._order(customer, utc("2026-10-02 10:00"), lines=[(chair, 1, 100)])
            self.env.invalidate_all()
            for kpi in kpis:
                self.assertRegex(kpi.with_user(self.ann).data_warning, "83.*Chairs")
            self.assertFalse(other.data_warning)
            # long ago
            self.env["sale.order"].search([("company_id", "=", self.company.id)]).write(
                {"date_order": "2024-01-01"}
            )
            self._order(customer, utc("2026-10-02 10:00"), lines=[(self.goods, 1, 100)])
            self.env.invalidate_all()
            self.assertIn("no product category", kpis[0].data_warning)
