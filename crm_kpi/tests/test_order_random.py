# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Random orders: SQL compared with a plain implementation, record by record.

The plain one follows the definitions of the KPIs and reads only the fields of the orders.
"""

from datetime import timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from odoo import Command
from odoo.tests import tagged
from odoo.tools import float_round

from .common_history import HistoryCase, utc

BEGIN = utc("2026-03-01")
PRODUCTS = ("chair", "throne", "desk", "nothing", "advice", "discount", "combo")
LINES = st.fixed_dictionaries(
    {
        "product": st.sampled_from(("chair", "throne", "desk", *PRODUCTS)),
        "unit": st.sampled_from(("own", "own", "dozen")),
        "quantity": st.sampled_from((1, 1, 2, 3, 0, -1)),
        "price": st.sampled_from((10, 11, 12.1, 99.99, 33.33, 0, -5)),
        "discount": st.sampled_from((0, 0, 0, 10, 33.33, 100)),
        "kind": st.sampled_from(("goods",) * 6 + ("section", "down", "expense")),
    }
)
ORDERS = st.fixed_dictionaries(
    {
        "customer": st.integers(0, 1),
        "lead": st.sampled_from((None, None, 0, 0, 1)),
        # few times, so that some orders have the same one
        "day": st.integers(0, 12),
        "life": st.sampled_from(
            (
                "draft",
                "sent",
                "sale",
                "sale",
                "sent sale",
                "sent sale",
                "sent cancel",
                "sale cancel",
            )
        ),
        "wait": st.sampled_from((0, 3, 59.5, 60, 61)),
        "dollars": st.booleans(),
        "renewal": st.booleans(),
        "lines": st.lists(LINES, max_size=4),
    }
)


@tagged("post_install", "-at_install")
class TestRandomOrders(HistoryCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        dollar = cls.env.ref("base.USD")
        dollar.active = True
        cls.env["res.currency.rate"].create(
            {
                "currency_id": dollar.id,
                "company_id": cls.company.id,
                "name": "2026-01-01",
                "company_rate": 1.2,
            }
        )
        cls.dollars = cls.env["product.pricelist"].create(
            {"name": "USD", "currency_id": dollar.id, "company_id": cls.company.id}
        )
        cls.dozen = cls.env.ref("uom.product_uom_dozen")
        cls.products = {
            "chair": cls._product("Chair", cls.chairs),
            "throne": cls._product("Throne", cls.chairs),
            "desk": cls._product("Desk", cls.desks),
            "nothing": cls._product("Without category"),
            "advice": cls._product("Advice", cls.lamps),
            "discount": cls._product("Discount"),
        }
        cls.products["advice"].uom_id = cls.env.ref("uom.product_uom_hour")
        combo = cls.env["product.combo"].create(
            {
                "name": "Any",
                "combo_item_ids": [Command.create({"product_id": cls.products["chair"].id})],
            }
        )
        cls.products["combo"] = cls.env["product.product"].create(
            {"name": "Combo", "type": "combo", "combo_ids": combo.ids, "taxes_id": []}
        )
        cls.products["desk"].product_tag_ids = cls.company.kpi_sample_tag_id
        cls.company.write(
            {"sale_discount_product_id": cls.products["discount"].id, "kpi_margin_rate": 0.4}
        )

    @given(plans=st.lists(ORDERS, min_size=1, max_size=7))
    @settings(
        max_examples=40,
        deadline=None,
        derandomize=True,
        # to investigate a failure, add Phase.shrink: it takes minutes
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def _check_random(self, plans):
        self.customers = [self._customer("Customer") for _number in range(2)]
        self.leads = [self._lead() for _number in range(2)]
        orders = self.env["sale.order"].concat(*(self._build(plan) for plan in plans))
        self._derive_orders()
        expected = self._plain(orders)
        for order in orders:
            found = {name: order[name] for name in expected[order]}
            for name, value in found.items():
                if isinstance(value, float):
                    found[name] = round(value, 6)
            self.assertEqual(found, expected[order])

    def test_random_orders(self):
        self._margins_by_rate()
        self._check_random()

    # ------------------------------------------------------------------
    def _build(self, plan):
        start = BEGIN + timedelta(days=plan["day"])
        with self.at(start):
            order = self._order(
                self.customers[plan["customer"]],
                start,
                lines=[],
                state="draft",
                opportunity_id=plan["lead"] is not None and self.leads[plan["lead"]].id,
                pricelist_id=plan["dollars"] and self.dollars.id,
                tag_ids=plan["renewal"] and self.company.kpi_renewal_tag_id.ids,
            )
            order.order_line = [self._line(line) for line in plan["lines"]]
            # replace the price and discount that Odoo computes on a new line
            for line, item in zip(order.order_line, plan["lines"], strict=True):
                if item["kind"] != "section":
                    line.write({"price_unit": item["price"], "discount": item["discount"]})
        for step in plan["life"].split():
            with self.at(start + timedelta(days=plan["wait"] if " " in plan["life"] else 0)):
                if step == "sent":
                    with self.at(start):
                        order.write({"state": "sent"})
                else:
                    values = {"date_order": self.env.cr.now()} if step == "sale" else {}
                    order.write({"state": step, **values})
        return order

    def _line(self, item):
        if item["kind"] == "section":
            return Command.create({"display_type": "line_section", "name": "Section"})
        product = self.products[item["product"]]
        in_dozens = item["unit"] == "dozen" and item["product"] != "advice"
        return Command.create(
            {
                "product_id": product.id,
                "product_uom_qty": item["quantity"],
                "product_uom_id": self.dozen.id if in_dozens else product.uom_id.id,
                "price_unit": item["price"],
                "discount": item["discount"],
                "is_downpayment": item["kind"] == "down",
                "is_expense": item["kind"] == "expense",
                "tax_ids": [Command.clear()],
            }
        )

    # ------------------------------------------------------------------
    def _plain(self, orders):
        result = {order: self._plain_facts(order) for order in orders}
        for customer in self.customers:
            history = orders.filtered(
                lambda o, customer=customer: (
                    o.partner_id == customer and o.state == "sale" and o.amount_untaxed > 0
                )
            ).sorted(lambda o: (o.date_order, o.id))
            for number, order in enumerate(history, 1):
                earlier = [line for o in history[: number - 1] for line in self._goods(o)]
                result[order] |= self._plain_history(order, number, earlier)
        deals = {}
        for order in orders.filtered("kpi_sent_date"):
            deals.setdefault(order.opportunity_id or order, []).append(order)
        for deal in deals.values():
            head = min(deal, key=lambda o: (o.kpi_sent_date, o.id))
            confirmed = [o.kpi_first_confirm_date for o in deal if o.kpi_first_confirm_date]
            result[head]["kpi_is_quote_head"] = True
            if confirmed:
                days = (min(confirmed) - head.kpi_sent_date) / timedelta(days=1)
                result[head]["kpi_quote_accept_days"] = round(days, 6)
        return result

    def _is_goods(self, line, given_away=False):
        return (
            not line.display_type
            and not line.is_downpayment
            and not line.is_expense
            and line.product_uom_qty > 0
            and (line.price_subtotal > 0 or (given_away and line.discount >= 100))
            and line.product_id not in (self.products["combo"], self.products["discount"])
        )

    def _goods(self, order):
        return [line for line in order.order_line if self._is_goods(line)]

    @staticmethod
    def _pieces(line):
        return line.product_uom_qty * (12 if line.product_uom_id.name == "Dozens" else 1)

    def _money(self, order, amount):
        rounded = float_round(
            amount / order.currency_rate, precision_rounding=self.company.currency_id.rounding
        )
        return round(rounded, 6)

    def _plain_facts(self, order):
        qualifying = order.state == "sale" and order.amount_untaxed > 0
        goods = self._goods(order) if qualifying else []
        before = rebate = 0.0
        for line in order.order_line if qualifying else ():
            if line.product_id == self.products["discount"]:
                rebate -= line.price_subtotal
            elif self._is_goods(line, given_away=True):
                full = line.price_unit * line.product_uom_qty
                before += full
                rebate += full - line.price_subtotal
        samples = [
            self._pieces(line)
            for line in order.order_line
            if line.product_id == self.products["desk"] and not line.is_downpayment
        ]
        sold = order.state == "sale"
        days = False
        if order.kpi_first_confirm_date:
            days = round(
                (order.kpi_first_confirm_date - order.kpi_sent_date) / timedelta(days=1), 6
            )
        in_hours = self.products["advice"]
        items = sum(1 if line.product_id == in_hours else self._pieces(line) for line in goods)
        has_sample = sold and bool(samples)
        return {
            "kpi_is_quotation": bool(order.kpi_sent_date),
            "kpi_quote_to_order_days": days,
            "kpi_margin": self._money(order, order.amount_untaxed * 0.4) if sold else 0.0,
            "kpi_list_amount": self._money(order, before),
            "kpi_discount_amount": self._money(order, rebate),
            "kpi_item_count": items if goods else False,
            "kpi_product_count": len({line.product_id for line in goods}),
            "kpi_sample_qty": sum(samples) if has_sample else False,
            "kpi_is_renewal": bool(order.tag_ids),
            "kpi_is_quote_head": False,
            "kpi_quote_accept_days": False,
            "kpi_order_no": 0,
            "kpi_is_cross_sell": False,
            "kpi_is_upsell": False,
            "kpi_cross_sell_amount": 0.0,
            "kpi_upsell_amount": 0.0,
        }

    def _plain_history(self, order, number, earlier):
        def price(line):
            paid = line.price_subtotal / line.order_id.currency_rate / self._pieces(line)
            return round(paid, 6)

        cross, up = [], []
        for line in self._goods(order) if number > 1 else ():
            categ = line.product_id.categ_id
            known = [other for other in earlier if other.product_id.categ_id == categ]
            if not categ:
                continue
            if not known:
                cross.append(line.price_subtotal)
            elif line.product_id not in [other.product_id for other in earlier]:
                # six digits, as prices are stored
                dearest = max(map(price, known))
                if round(price(line) * 1e7) >= round(dearest * 1.1 * 1e7):
                    up.append(line.price_subtotal)
        return {
            "kpi_order_no": number,
            "kpi_is_cross_sell": bool(cross),
            "kpi_is_upsell": bool(up),
            "kpi_cross_sell_amount": self._money(order, sum(cross)),
            "kpi_upsell_amount": self._money(order, sum(up)),
        }
