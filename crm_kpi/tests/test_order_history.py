# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import random
from collections import defaultdict
from datetime import timedelta
from unittest.mock import patch
from zoneinfo import ZoneInfo

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import Form, tagged

from .common_history import HistoryCase, utc

UTC = ZoneInfo("UTC")
BRUSSELS = ZoneInfo("Europe/Brussels")


def local_day(moment):
    return moment.replace(tzinfo=UTC).astimezone(BRUSSELS).date()


@tagged("post_install", "-at_install")
class TestOrderStamps(HistoryCase):
    def test_sent_then_confirmed(self):
        with self.at("2026-11-02 09:00"):
            order = self._order(self._customer(), "2026-11-02 09:00", state="draft", user=self.ann)
            order.team_id = self.north
        self.assertFalse(order.kpi_sent_date)
        with self.at("2026-11-03 10:00"):
            order.action_quotation_sent()
        self.assertEqual(order.kpi_sent_date, utc("2026-11-03 10:00"))
        self.assertFalse(order.kpi_first_confirm_date)
        self.assertFalse(order.kpi_is_qualifying)
        with self.at("2026-11-13 10:00"):
            order.action_confirm()
        self.assertEqual(order.kpi_sent_date, utc("2026-11-03 10:00"))
        self.assertEqual(order.kpi_first_confirm_date, utc("2026-11-13 10:00"))
        self.assertEqual(order.kpi_confirm_user_id, self.ann)
        self.assertEqual(order.kpi_confirm_team_id, self.north)
        self.assertTrue(order.kpi_is_qualifying)
        with self.at("2026-11-14 10:00"):
            order.write({"user_id": self.bob.id, "team_id": self.south.id})
        self.assertEqual(order.kpi_confirm_user_id, self.ann, "credit does not move")
        with self.at("2026-11-20 10:00"):
            order._action_cancel()
            self.assertFalse(order.kpi_is_qualifying)
            order.action_draft()
        with self.at("2026-11-25 10:00"):
            order.action_confirm()
        self.assertEqual(order.date_order, utc("2026-11-25 10:00"), "Odoo's own date moved")
        self.assertEqual(order.kpi_first_confirm_date, utc("2026-11-13 10:00"))
        self.assertEqual(order.kpi_sent_date, utc("2026-11-03 10:00"))
        self.assertEqual(order.kpi_confirm_user_id, self.bob, "the confirmation that counts")

    def test_direct_sale_is_sent_at_its_confirmation(self):
        with self.at("2026-11-02 09:00"):
            order = self._order(self._customer(), "2026-11-01 09:00", state="draft")
            order.action_confirm()
        self.assertEqual(order.kpi_sent_date, utc("2026-11-02 09:00"))
        self.assertEqual(order.kpi_first_confirm_date, utc("2026-11-02 09:00"))
        self.assertFalse(order.kpi_confirm_user_id)

    def test_imported_sale_has_its_own_date(self):
        order = self._order(self._customer(), "2024-05-06 07:08:09", user=self.bob)
        self.assertEqual(order.kpi_first_confirm_date, utc("2024-05-06 07:08:09"))
        self.assertEqual(order.kpi_sent_date, utc("2024-05-06 07:08:09"))
        self.assertEqual(order.kpi_confirm_user_id, self.bob)

    def test_salesperson_set_while_confirming(self):
        order = self._order(self._customer(), "2026-11-02", state="draft")

        def late(orders):
            orders.write({"user_id": self.bob.id, "team_id": self.south.id})

        with patch.object(type(order), "_action_confirm", late):
            order.action_confirm()
        self.assertEqual(order.kpi_confirm_user_id, self.bob)
        self.assertEqual(order.kpi_confirm_team_id, self.south)

    def test_copy_has_no_stamps(self):
        order = self._order(self._customer(), "2024-05-06", user=self.bob)
        self._derive_orders()
        copy = order.copy()
        for name in ("kpi_sent_date", "kpi_first_confirm_date", "kpi_confirm_user_id"):
            self.assertFalse(copy[name], name)
        self.assertEqual(copy.kpi_order_no, 0)
        self.assertFalse(copy.kpi_is_qualifying)

    def test_category_is_the_one_when_ordered(self):
        product = self._product("Stool", self.chairs)
        order = self._order(self._customer(), "2026-11-02", lines=[(product, 1, 50)], state="draft")
        line = order.order_line
        self.assertFalse(line.kpi_categ_id)
        order.action_confirm()
        self.assertEqual(line.kpi_categ_id, self.chairs)
        product.categ_id = self.desks
        order.order_line = [Command.create({"product_id": product.id})]
        self.assertEqual(line.kpi_categ_id, self.chairs)
        self.assertEqual(order.order_line[-1].kpi_categ_id, self.desks, "ordered later")
        order._action_cancel()
        self.assertEqual(line.kpi_categ_id, self.chairs)
        order.action_draft()
        order.action_confirm()
        self.assertEqual(line.kpi_categ_id, self.desks, "ordered again")

    def test_example_revenue(self):
        """18: 1 000 EUR; 1 200 USD at 1.2; −100; cancelled 500 → 1 900."""
        dollar = self.env.ref("base.USD")
        dollar.active = True
        self.env["res.currency.rate"].create(
            {
                "currency_id": dollar.id,
                "company_id": self.company.id,
                "name": "2026-11-01",
                "company_rate": 1.2,
            }
        )
        dollars = self.env["product.pricelist"].create(
            {"name": "USD", "currency_id": dollar.id, "company_id": self.company.id}
        )
        customer = self._customer()
        orders = (
            self._order(customer, "2026-11-02", 1000)
            + self._order(customer, "2026-11-03", 1200, pricelist_id=dollars.id)
            + self._order(customer, "2026-11-04", -100)
            + self._order(customer, "2026-11-05", 500, state="cancel")
        )
        self.assertEqual(orders[1].currency_rate, 1.2)
        self.assertEqual(orders.mapped("kpi_amount"), [1000, 1000, -100, 500])
        self.assertEqual(orders.kpi_currency_id, self.company.currency_id)
        [[total]] = self.env["sale.order"]._read_group(
            [("id", "in", orders.ids), ("state", "=", "sale")], [], ["kpi_amount:sum"]
        )
        self.assertEqual(total, 1900)
        self.assertEqual(
            self.env["sale.order"].fields_get(["kpi_amount"])["kpi_amount"]["aggregator"], "sum"
        )

    def test_amount_without_rate(self):
        order = self._order(self._customer(), "2026-11-02", 1000)
        self.env.cr.execute("UPDATE sale_order SET currency_rate = 0 WHERE id = %s", [order.id])
        order.invalidate_recordset()
        order._compute_kpi_amount()
        self.assertEqual(order.kpi_amount, 1000)

    def test_example_average_order_value(self):
        """20: 100, 200, 300, 400, one of 0, one of −50 → 4 qualifying orders of 250."""
        customer = self._customer()
        orders = self.env["sale.order"].concat(
            *(self._order(customer, "2026-11-02", a) for a in (100, 200, 300, 400, 0, -50))
        )
        qualifying = orders.filtered("kpi_is_qualifying")
        self.assertEqual(len(qualifying), 4)
        self.assertEqual(sum(qualifying.mapped("kpi_amount")) / 4, 250)

    def test_users_cannot_write_stamps(self):
        order = self._order(self._customer(), "2026-11-02", state="draft", user=self.ann)
        for name, value in {
            "kpi_sent_date": "2026-10-01 08:00:00",
            "kpi_first_confirm_date": "2026-10-01 08:00:00",
            "kpi_confirm_user_id": self.ann.id,
            "kpi_amount": 1e6,
            "kpi_is_qualifying": True,
            "kpi_order_no": 1,
            "kpi_is_cross_sell": True,
            "kpi_first90_amount": 1e6,
        }.items():
            for user in (self.ann, self.env.ref("base.user_admin")):
                with self.subTest(name=name, user=user.name):
                    with self.assertRaisesRegex(AccessError, name):
                        order.with_user(user).write({name: value})
                    with self.assertRaisesRegex(AccessError, name):
                        order.with_user(user).create(
                            {"partner_id": order.partner_id.id, name: value}
                        )
        with self.assertRaisesRegex(AccessError, "kpi_categ_id"):
            order.with_user(self.ann).write(
                {"order_line": [Command.update(order.order_line.id, {"kpi_categ_id": 1})]}
            )

    def test_form_of_a_rep(self):
        Order = self.env["sale.order"].with_user(self.ann)
        with Form(Order, view="sale.view_order_form") as form:
            form.partner_id = self._customer()
            with form.order_line.new() as line:
                line.product_id = self.goods
                line.price_unit = 120
        order = form.save()
        self.assertEqual(order.kpi_amount, 120)
        order.action_confirm()
        with Form(order, view="sale.view_order_form") as form:
            self.assertTrue(form.kpi_is_qualifying)
            form.client_order_ref = "ref"
        self.assertEqual(order.kpi_confirm_user_id, self.ann)

    def test_rep_sends_and_confirms(self):
        order = self._order(self._customer(), "2026-11-02", state="draft", user=self.ann)
        order = order.with_user(self.ann)
        order.action_quotation_sent()
        order.action_confirm()
        self.assertEqual(order.kpi_confirm_user_id, self.ann)
        self.assertTrue(order.kpi_sent_date)


@tagged("post_install", "-at_install")
class TestOrderHistory(HistoryCase):
    def assertNumbers(self, orders, numbers):
        self._derive_orders()
        self.assertEqual([order.kpi_order_no for order in orders], numbers)

    def test_example_new_customers(self):
        """4: of seven orders of November the first ones of B (Ann) and F (without salesperson)."""
        a, b, d, e, f = (self._customer(name) for name in "ABDEF")
        contact = self.env["res.partner"].create({"name": "Contact of B", "parent_id": b.id})
        before = self._order(a, "2025-12-10", 400)
        orders = (
            self._order(a, "2026-11-02", 500)
            + self._order(b, "2026-11-03", 7000, user=self.ann)
            + self._order(contact, "2026-11-10", 5000, user=self.bob)
            + self._order(d, "2026-11-12", 300)
            + self._order(e, "2026-11-14", 0)
            + self._order(f, "2026-11-28", 900)
        )
        orders[3]._action_cancel()
        self.assertNumbers(before + orders, [1, 2, 1, 2, 0, 0, 1])
        new = self.env["sale.order"].search(
            [("id", "in", orders.ids), ("kpi_order_no", "=", 1)], order="date_order"
        )
        self.assertEqual(new.mapped("kpi_first90_amount"), [12000, 900])
        self.assertEqual([order.kpi_confirm_user_id.name for order in new], ["Ann", False])

    def test_first_90_days_are_half_open(self):
        customer = self._customer()
        first = self._order(customer, "2026-01-10 10:00", 100)
        self._order(customer, "2026-04-10 09:59:59", 10)
        self._order(customer, "2026-04-10 10:00", 1)
        self._derive_orders()
        self.assertEqual(first.kpi_first90_amount, 110)

    def test_own_people_are_no_customers(self):
        orders = (
            self._order(self.company.partner_id, "2026-11-02")
            + self._order(self.ann.partner_id, "2026-11-02")
            + self._order(self._customer(), "2026-11-02")
        )
        self.assertNumbers(orders, [0, 0, 1])

    def test_companies_have_their_own_history(self):
        customer = self._customer()
        other = self.env["res.company"].create(
            {"name": "Other Ltd", "currency_id": self.company.currency_id.id}
        )
        self.env.user.company_ids |= other
        first = self._order(customer, "2026-11-02")
        foreign = (
            self.env["sale.order"]
            .with_company(other)
            .create(
                {
                    "partner_id": customer.id,
                    "company_id": other.id,
                    "state": "sale",
                    "date_order": "2026-10-02",
                    "order_line": [
                        Command.create(
                            {"product_id": self.goods.id, "price_unit": 10, "tax_ids": []}
                        )
                    ],
                }
            )
        )
        self.assertNumbers(first + foreign, [1, 1])

    def test_renumbered_when_the_past_changes(self):
        customer = self._customer()
        first = self._order(customer, "2026-11-02")
        second = self._order(customer, "2026-11-03")
        third = self._order(customer, "2026-11-04")
        orders = first + second + third
        self.assertNumbers(orders, [1, 2, 3])
        first._action_cancel()
        self.assertNumbers(orders, [0, 1, 2])
        third.date_order = utc("2026-11-01")
        self.assertNumbers(orders, [0, 2, 1])
        third.order_line.price_unit = 0
        self.assertNumbers(orders, [0, 1, 0])
        third.order_line.price_unit = 5
        self.assertNumbers(orders, [0, 2, 1])
        third.order_line = [Command.create({"product_id": self.goods.id, "price_unit": -50})]
        self.assertNumbers(orders, [0, 1, 0])
        self.assertEqual(second.kpi_first90_amount, 100)
        first.action_draft()
        first.unlink()
        third.order_line.sudo().price_unit = 1
        self.assertNumbers(second + third, [2, 1])

    def test_deleted_at_once_after_cancelling(self):
        customer = self._customer()
        first = self._order(customer, "2026-11-02")
        second = self._order(customer, "2026-11-03")
        self.assertNumbers(first + second, [1, 2])
        first._action_cancel()
        first.unlink()
        self.assertNumbers(second, [1])

    def test_other_customer(self):
        a, b = self._customer("A"), self._customer("B")
        orders = (
            self._order(a, "2026-11-02")
            + self._order(a, "2026-11-03")
            + self._order(b, "2026-11-04")
        )
        self.assertNumbers(orders, [1, 2, 1])
        orders[0].partner_id = b
        self.assertNumbers(orders, [1, 1, 2])

    def test_contact_joins_a_company(self):
        company = self._customer()
        person = self._customer("Person", is_company=False)
        orders = self._order(person, "2026-11-02") + self._order(company, "2026-11-03")
        self.assertNumbers(orders, [1, 1])
        person.parent_id = company
        self.assertNumbers(orders, [1, 2])
        person.is_company = True
        self.assertNumbers(orders, [1, 1])

    def test_contact_leaves_a_company(self):
        company = self._customer()
        person = self.env["res.partner"].create({"name": "Person", "parent_id": company.id})
        orders = self._order(person, "2026-11-02") + self._order(company, "2026-11-03")
        self.assertNumbers(orders, [1, 2])
        person.parent_id = False
        self.assertNumbers(orders, [1, 1])

    def test_merged_contacts(self):
        a, b = self._customer("A"), self._customer("B")
        orders = self._order(a, "2026-11-02") + self._order(b, "2026-11-03")
        self.assertNumbers(orders, [1, 1])
        self.env["base.partner.merge.automatic.wizard"]._merge((a + b).ids, b)
        self.env.invalidate_all()
        self.assertNumbers(orders, [1, 2])

    def test_example_second_order(self):
        """25b: E orders again in the period, F does not; the same day is one purchase."""
        e, f, g = self._customer("E"), self._customer("F"), self._customer("G")
        orders = (
            self._order(e, "2026-11-02 10:00")
            + self._order(e, "2026-11-02 22:30")  # 23:30 in Brussels
            + self._order(e, "2026-11-14 22:00")
            + self._order(f, "2026-11-05 10:00")
            + self._order(g, "2026-11-02 10:00")
            + self._order(g, "2026-11-02 23:00")  # midnight in Brussels: the next day
        )
        self._derive_orders()
        self.assertEqual(
            orders.mapped("kpi_days_to_second"),
            [12.5, False, False, False, 13 / 24, False],
        )
        self.assertEqual([order.kpi_order_no for order in orders], [1, 2, 3, 1, 1, 2])

    def test_example_cross_sell_and_upsell(self):
        """23, 24: A buys in a new category, B another chair for 25 % more, C the same chair
        for 15 % more; the first order of E has two categories."""
        chair = self._product("Chair", self.chairs)
        throne = self._product("Throne", self.chairs)
        desk = self._product("Desk", self.desks)
        a, b, c, e = (self._customer(name) for name in "ABCE")
        for customer in (a, b, c):
            self._order(customer, "2026-05-05", lines=[(chair, 1, 100)])
        cross = self._order(a, "2026-11-05", lines=[(desk, 1, 80)])
        up = self._order(b, "2026-11-05", lines=[(throne, 2, 125)])
        same = self._order(c, "2026-11-05", lines=[(chair, 1, 115)])
        first = self._order(e, "2026-11-05", lines=[(chair, 1, 100), (desk, 1, 100)])
        self._derive_orders()
        flags = [
            (o.kpi_is_cross_sell, o.kpi_is_upsell, o.kpi_is_expansion)
            for o in cross + up + same + first
        ]
        self.assertEqual(
            flags,
            [
                (True, False, True),
                (False, True, True),
                (False, False, False),
                (False, False, False),
            ],
        )

    def test_exactly_the_margin_is_upsell(self):
        chair = self._product("Chair", self.chairs)
        throne, stool = self._product("Throne", self.chairs), self._product("Stool", self.chairs)
        customer = self._customer()
        self._order(customer, "2026-05-05", lines=[(chair, 1, 100)])
        less = self._order(customer, "2026-06-05", lines=[(stool, 1, 109.99)])
        exact = self._order(customer, "2026-07-05", lines=[(throne, 1, 121)])
        self._derive_orders()
        self.assertFalse(less.kpi_is_upsell)
        self.assertTrue(exact.kpi_is_upsell, "10 % over 109.99 is 120.99")
        self._derive_orders()
        self.company.kpi_upsell_margin = 0.2
        self._derive_orders()
        self.assertFalse(exact.kpi_is_upsell)

    def test_lines_that_are_not_goods(self):
        chair = self._product("Chair", self.chairs)
        desk = self._product("Desk", self.desks)
        discount = self._product("Discount", self.lamps)
        self.company.sale_discount_product_id = discount
        customer = self._customer()
        self._order(customer, "2026-05-05", lines=[(chair, 1, 100)])
        order = self._order(
            customer,
            "2026-11-05",
            lines=[(chair, 1, 100), (desk, 1, 0), (discount, 1, 10)],
        )
        order.order_line = [
            Command.create({"display_type": "line_section", "name": "Section"}),
            Command.create(
                {"product_id": desk.id, "product_uom_qty": 0, "price_unit": 9, "tax_ids": []}
            ),
        ]
        without_category = self._order(customer, "2026-11-06", lines=[(self.goods, 1, 100)])
        self._derive_orders()
        self.assertFalse(order.kpi_is_expansion)
        self.assertFalse(without_category.kpi_is_expansion)

    def test_moved_category_does_not_rewrite_history(self):
        chair = self._product("Chair", self.chairs)
        desk = self._product("Desk", self.desks)
        customer = self._customer()
        self._order(customer, "2026-05-05", lines=[(chair, 1, 100)])
        order = self._order(customer, "2026-11-05", lines=[(desk, 1, 100)])
        self._derive_orders()
        desk.categ_id = self.chairs
        order._kpi_mark_dirty(order.ids)
        self._derive_orders()
        self.assertTrue(order.kpi_is_cross_sell)

    def test_unit_of_measure(self):
        """Two dozen stools at 120 per dozen (10 each) are an upsell over a chair at 9, but with an
        upsell margin of 10 % not over a chair at 10."""
        dozen = self.env.ref("uom.product_uom_dozen")
        chair = self._product("Chair", self.chairs)
        stool = self._product("Stool", self.chairs)
        for price, expected in ((9, True), (10, False)):
            customer = self._customer()
            self._order(customer, "2026-05-05", lines=[(chair, 1, price)])
            order = self._order(customer, "2026-11-05", lines=[(stool, 2, 120)], state="draft")
            order.order_line.write({"product_uom_id": dozen.id, "price_unit": 120})
            order.write({"state": "sale"})
            self._derive_orders()
            self.assertEqual(order.kpi_is_upsell, expected)

    def test_only_changed_rows_are_touched(self):
        customer = self._customer()
        first = self._order(customer, "2026-11-02")
        second = self._order(customer, "2026-11-03")
        self._derive_orders()
        (first + second).flush_recordset()
        self.env.cr.execute(
            "UPDATE sale_order SET write_date = '2020-01-01' WHERE id = ANY(%s)",
            [(first + second).ids],
        )
        self.env.invalidate_all()
        third = self._order(customer, "2026-11-01")
        self._derive_orders()
        self.assertEqual(third.kpi_order_no, 1)
        self.assertGreater(first.write_date, utc("2026-01-01"))
        first.flush_recordset()
        self.env.cr.execute(
            "UPDATE sale_order SET write_date = '2020-01-01' WHERE id = ANY(%s)",
            [(first + second).ids],
        )
        self.env.invalidate_all()
        first._kpi_mark_dirty(first.ids)
        self._derive_orders()
        self.assertEqual(first.write_date, utc("2020-01-01"))

    def test_random_histories(self):
        """The derived history of random customers equals a plain loop over their orders."""
        rnd = random.Random(19)
        products = [
            self._product(f"P{n}", categ)
            for n, categ in enumerate([self.chairs, self.chairs, self.desks, self.lamps, None])
        ]
        customers = [self._customer(f"C{n}") for n in range(12)]
        start = utc("2025-01-01")
        orders = self.env["sale.order"]
        for _ in range(90):
            date = start + timedelta(hours=rnd.randrange(0, 24 * 200, 5))
            lines = [
                (rnd.choice(products), rnd.choice((1, 2)), rnd.choice((0, 10, 11, 12, 20, -5)))
                for _ in range(rnd.randint(1, 3))
            ]
            orders += self._order(
                rnd.choice(customers),
                date,
                lines=lines,
                state=rnd.choice(("sale", "sale", "sale", "draft", "cancel")),
            )
        self._derive_orders()
        expected = self._brute_force(orders)
        for order in orders:
            self.assertEqual(
                (
                    order.kpi_order_no,
                    order.kpi_is_cross_sell,
                    order.kpi_is_upsell,
                    order.kpi_days_to_second and round(order.kpi_days_to_second, 6),
                    order.kpi_first90_amount,
                ),
                expected[order],
            )

    def _brute_force(self, orders):
        result = dict.fromkeys(orders, (0, False, False, False, 0.0))
        of_customer = defaultdict(list)
        for order in orders:
            if order.state == "sale" and order.amount_untaxed > 0:
                of_customer[order.partner_id].append(order)
        for history in of_customer.values():
            history.sort(key=lambda o: (o.date_order, o.id))
            prices, products = defaultdict(list), set()
            for number, order in enumerate(history, 1):
                goods = [
                    line
                    for line in order.order_line
                    if line.product_uom_qty > 0 and line.price_subtotal > 0
                ]
                cross = up = False
                for line in goods if number > 1 else ():
                    categ = line.product_id.categ_id
                    if not categ:
                        continue
                    if not prices[categ]:
                        cross = True
                    elif line.product_id not in products:
                        # all amounts are whole: 1.1 times without rounding
                        up = up or line.price_unit * 10 >= max(prices[categ]) * 11
                second, first90 = False, 0.0
                if number == 1:
                    later = [
                        o.date_order
                        for o in history
                        if local_day(o.date_order) > local_day(order.date_order)
                    ]
                    if later:
                        second = (later[0] - order.date_order) / timedelta(days=1)
                        second = round(second, 6)
                    end = order.date_order + timedelta(days=90)
                    first90 = sum(o.amount_untaxed for o in history if o.date_order < end)
                result[order] = (number, cross, up, second, first90)
                for line in goods:
                    prices[line.product_id.categ_id].append(line.price_unit)
                    products.add(line.product_id)
        return result
