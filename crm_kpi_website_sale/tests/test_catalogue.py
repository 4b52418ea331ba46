# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""KPIs of carts on worked examples; numbers and values are those of docs/CATALOGUE.md.

Odoo's own *abandoned cart* depends on the present time, forgets recovered carts and moves with
the order date. Carts with a pending payment and merged carts count in neither number.
"""

import random
from datetime import timedelta

from odoo import Command
from odoo.tests import tagged

from odoo.addons.crm_kpi.tests.common_history import HistoryCase, utc
from odoo.addons.crm_kpi.tests.common_reader import ReaderCase
from odoo.addons.crm_kpi.tests.test_catalogue import CatalogueCase

from .. import hooks

CODES = ("abandoned_cart_rate", "abandoned_cart_rate_all", "cart_recovery_rate")


@tagged("post_install", "-at_install")
class TestCatalogueCarts(ReaderCase, CatalogueCase, HistoryCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.website = cls.env["website"].create({"name": "Shop", "company_id": cls.company.id})
        cls.public = cls.website.user_id.partner_id

    def _cart(self, begun, partner=None, lines=None, **values):
        """A cart of the shop, created at a given time (UTC)."""
        with self.at(begun):
            cart = self._order(
                partner or self._customer(),
                begun,
                lines=lines,
                state="draft",
                website_id=self.website.id,
                **values,
            )
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE sale_order SET create_date = %s WHERE id = %s", [utc(begun), cart.id]
        )
        cart.invalidate_recordset()
        return cart

    def _values(self, day="2026-10-01"):
        self._refresh(*CODES)
        return [self._read(code, day) for code in CODES]

    def test_17_carts_behind_a_number(self):
        """Users open the carts that the record rules of orders allow."""
        anns = self._cart("2026-10-02 10:00", user=self.ann)
        nobodys = self._cart("2026-10-03 10:00")
        with self.at("2026-11-10 12:00"):
            self._refresh(*CODES)
        rep = self._employee("cart_rep", "sales_team.group_sale_salesman")
        every = self._employee("cart_all", "sales_team.group_sale_salesman_all_leads")
        plain = self._employee("cart_plain", "crm_kpi.group_kpi_user")
        self.assertEqual(self._opened(rep, CODES[0], "2026-10"), nobodys)
        self.assertIn("1 of 2", self._action["name"])
        self.assertEqual(self._opened(every, CODES[0], "2026-10"), anns + nobodys)
        self._refused(plain, CODES[0], "2026-10", "Sales")

    def test_17_abandoned_cart_rate(self):
        sold = self._cart("2026-10-02 10:00")
        self._cart("2026-10-28 10:00", cart_recovery_email_sent=True)
        young = self._cart("2026-10-31 10:00")
        self._cart("2026-10-05 10:00", partner=self.public)
        self._cart("2026-10-06 10:00", lines=[])
        paying = self._cart("2026-10-07 10:00")
        recovered = self._cart("2026-10-08 10:00", cart_recovery_email_sent=True)
        with self.at("2026-10-07 10:30"):
            paying.write({"state": "sent"})
        with self.at("2026-10-02 10:30"):
            sold.action_confirm()
        with self.at("2026-10-30 10:00"):
            recovered.action_confirm()
        with self.at("2026-10-31 12:00"):
            # C1 sale; C2 left 3 days, reminded; C3 2 hours old; C4 unknown visitor; C5 empty;
            # C6 payment pending; C7 reminded, then sold
            values = self._values()
            self.assertAlmostEqual(values[0], 1 / 3)
            self.assertAlmostEqual(values[1], 2 / 4)
            self.assertAlmostEqual(values[2], 1 / 2)
        with self.at("2026-10-31 22:00"):
            # the third one is ten hours old by now
            self.assertAlmostEqual(self._values()[0], 2 / 4)
            young.action_confirm()
            self.assertAlmostEqual(self._values()[0], 1 / 4, msg="bought later")
        with self.at("2026-12-24 12:00"):
            self.assertAlmostEqual(self._values()[0], 1 / 4)
            self.assertEqual(self._values("2026-12-01"), [None, None, None])

    def test_17_cancelled_and_merged(self):
        cancelled = self._cart("2026-10-02 10:00")
        once_sold = self._cart("2026-10-03 10:00")
        merged, into = self._cart("2026-10-04 10:00"), self._cart("2026-10-05 10:00")
        with self.at("2026-10-06 10:00"):
            cancelled._action_cancel()
            once_sold.action_confirm()
            once_sold._action_cancel()
            merged.order_line.write({"order_id": into.id})
            merged._action_cancel()
            into.action_confirm()
        with self.at("2026-11-06 10:00"):
            self.assertAlmostEqual(self._values()[0], 1 / 3)
            self.assertFalse(merged.kpi_is_cart)
            self.assertEqual(
                (cancelled + once_sold + into).mapped("kpi_cart_state"),
                ["cancelled", "completed", "completed"],
            )

    def test_17_delay_of_the_website(self):
        self._cart("2026-10-31 08:00")
        with self.at("2026-10-31 12:00"):
            self.assertIsNone(self._values()[0])
            self.website.cart_abandoned_delay = 4
            self.assertEqual(self._values()[0], 1)
            self.website.cart_abandoned_delay = 5
            self.assertIsNone(self._values()[0])
            # an empty delay means one hour
            self.website.cart_abandoned_delay = 0
            self.assertEqual(self._values()[0], 1)

    def test_17_young_carts_do_not_count(self):
        """Otherwise carts bought at once would make the rate of today too low."""
        bought = self._cart("2026-10-31 08:00")
        with self.at("2026-10-31 08:05"):
            bought.action_confirm()
        with self.at("2026-10-31 12:00"):
            self.assertIsNone(self._values()[0])
        with self.at("2026-10-31 18:00"):
            self.assertEqual(self._values()[0], 0)

    def test_17_levels(self):
        self.website.salesteam_id = self.north
        self._cart("2026-10-02 10:00", team_id=self.north.id)
        with self.at("2026-11-06 10:00"):
            self._refresh(*CODES)
            team = self._read(CODES[0], "2026-10-01", level="team", team_id=self.north)
            unassigned = self._read(
                CODES[0], "2026-10-01", level="user", user_id=self.env["res.users"]
            )
            self.assertEqual((team, unassigned), (1, 1))

    def test_goods_make_a_cart(self):
        cart = self._cart("2026-10-02 10:00", lines=[])
        self._derive_orders()
        self.assertFalse(cart.kpi_is_cart)
        cart.order_line = [Command.create({"product_id": self.goods.id})]
        self._derive_orders()
        self.assertTrue(cart.kpi_is_cart)
        cart.order_line.unlink()
        self._derive_orders()
        self.assertFalse(cart.kpi_is_cart)
        cart.order_line = [Command.create({"display_type": "line_note", "name": "Note"})]
        if "is_delivery" in cart.order_line._fields:
            cart.order_line = [Command.create({"product_id": self.goods.id, "is_delivery": True})]
        self._derive_orders()
        self.assertFalse(cart.kpi_is_cart)

    def test_visitor_becomes_known(self):
        cart = self._cart("2026-10-02 10:00", partner=self.public)
        self._derive_orders()
        self.assertFalse(cart.kpi_cart_identified)
        cart.partner_id = self._customer()
        self._derive_orders()
        self.assertTrue(cart.kpi_cart_identified)

    def test_11_shop_orders_are_no_quotations(self):
        cart = self._cart("2026-10-02 10:00")
        with self.at("2026-10-02 10:30"):
            cart.write({"state": "sent"})
        with self.at("2026-10-02 10:31"):
            cart.action_confirm()
        with self.at("2026-10-03 10:00"):
            quote = self._order(self._customer(), "2026-10-03 10:00", state="draft")
            quote.action_quotation_sent()
        with self.at("2026-11-06 10:00"):
            self._refresh("quotations_sent", "quote_to_order_days")
            self.assertEqual(self._read("quotations_sent", "2026-10-01"), 1)
            self.assertIsNone(self._read("quote_to_order_days", "2026-10-01"))

    def test_before_and_after_the_module(self):
        cart = self._cart("2026-10-02 10:00")
        quote = self._order(self._customer(), "2026-10-03 10:00")
        self._derive_orders()
        names = ("kpi_is_cart", "kpi_cart_identified", "kpi_cart_state", "kpi_cart_due")
        lived = [cart[name] for name in names]
        self.assertEqual(lived, [True, True, "open", utc("2026-10-02 20:00")])
        self.assertEqual([quote[name] for name in names], [False, False, False, False])
        self.env["crm.kpi.backfill"]._forget(cart)
        for hook in (hooks.post_init_hook, hooks.uninstall_hook):
            hook(self.env)
            self._derive_orders()
            self.assertEqual([cart[name] for name in names], lived)

    def test_random_carts(self):
        """Against the definition of KPI 17 in docs/CATALOGUE.md, cart by cart."""
        rnd = random.Random(57)
        now = utc("2026-10-20 12:00")
        carts = self.env["sale.order"]
        for _number in range(40):
            begun = now - timedelta(hours=rnd.choice((1, 3, 9, 10, 11, 30, 200)))
            cart = self._cart(
                begun.isoformat(" "),
                partner=rnd.choice((None, None, self.public)),
                lines=rnd.choice((None, None, [])),
                cart_recovery_email_sent=rnd.random() < 0.4,
            )
            for state in rnd.choice(
                ((), (), ("sale",), ("sent",), ("sent", "sale"), ("cancel",), ("sale", "cancel"))
            ):
                cart.write({"state": state})
            carts += cart
        counted = [c for c in carts if c.order_line and c.partner_id != self.public]
        sold = {c for c in counted if c.state == "sale" or c.kpi_first_confirm_date}
        old = [c for c in counted if now - c.create_date >= timedelta(hours=10)]
        gone = [c for c in old if c not in sold and c.state in ("draft", "cancel")]
        mature = gone + [c for c in old if c in sold]
        mailed = [c for c in counted if c.cart_recovery_email_sent]
        with self.at("2026-10-20 12:00"):
            values = self._values()
        self.assertAlmostEqual(values[0], len(gone) / len(mature))
        self.assertAlmostEqual(values[2], len(sold.intersection(mailed)) / len(mailed))
