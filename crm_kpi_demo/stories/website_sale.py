# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import random
from datetime import timedelta

from odoo import SUPERUSER_ID, fields

from ..bulk import copy_orders, set_columns
from .base import Story

#: Share of the orders without an opportunity that come from the shop.
SHOP_SHARE = 0.7
#: Number of abandoned carts for each of them.
LEFT_BEHIND = (2, 3, 3, 4)


class WebsiteSaleStory(Story):
    """Shop carts of eighteen months. The completed ones are existing orders: no revenue changes."""

    name = "website_sale"
    requires = ("crm_kpi_website_sale",)
    derived = ("sale.order",)
    tables = ("sale_order_line",)

    def create_records(self):
        website = self.env["website"].search([("company_id", "=", self.env.company.id)], limit=1)
        if not website:
            return
        chance = random.Random(17)  # noqa: S311
        bought = self._shop_orders(website, chance)
        self._add_abandoned_carts(website, bought, self.demo.now, chance)

    def _shop_orders(self, website, chance):
        """Turn orders without an opportunity into completed carts, some after a reminder."""
        orders = self.env["sale.order"].search(
            [
                ("state", "=", "sale"),
                ("opportunity_id", "=", False),
                ("partner_id.commercial_partner_id", "in", self.demo.named("customer").ids),
            ],
            order="id",
        )
        orders = orders.filtered(lambda order: chance.random() < SHOP_SHARE)
        reminded = [chance.random() < 0.2 for _order in orders]
        begun = [
            order.date_order
            - (
                timedelta(hours=chance.uniform(20, 80))
                if was_reminded
                else timedelta(minutes=chance.uniform(5, 50))
            )
            for order, was_reminded in zip(orders, reminded, strict=True)
        ]
        set_columns(
            orders,
            {
                "website_id": ("int4", [website.id] * len(orders)),
                "create_date": ("timestamp", begun),
                "cart_recovery_email_sent": ("bool", reminded),
            },
        )
        return orders

    def _add_abandoned_carts(self, website, bought, now, chance):
        """Copies of completed carts that were not completed."""
        model = self.env["sale.order"].create(
            {
                "partner_id": bought[0].partner_id.id,
                "company_id": self.env.company.id,
                "website_id": website.id,
                "user_id": False,
                "team_id": website.salesteam_id.id,
            }
        )
        plans = []
        for order in bought:
            for _cart in range(chance.choice(LEFT_BEHIND)):
                begun = order.create_date + timedelta(days=chance.uniform(-15, 15))
                if begun < now:
                    plans.append((begun, order))
        plans.sort(key=lambda plan: (plan[0], plan[1].id))
        partners = bought.partner_id
        copies = []
        for number, (begun, order) in enumerate(plans, start=1):
            partner = None if chance.random() < 0.4 else chance.choice(partners)
            state = chance.choices(("draft", "cancel", "sent"), (86, 10, 4))[0]
            can_remind = partner and state == "draft" and now - begun >= timedelta(days=1)
            changes = {
                "model_id": model.id,
                "name": f"CART{number:05d}",
                "cart_recovery_email_sent": bool(can_remind and chance.random() < 0.5),
            }
            row, lines = self._cart_copy(order, partner or website.user_id.partner_id, state, begun)
            copies.append(({**row, **changes}, lines))
        copy_orders(self.env, copies)
        model.unlink()

    def _cart_copy(self, order, partner, state, begun):
        """Rows of a cart with the lines of an order."""
        date = fields.Datetime.to_string(begun)
        row = {
            "state": state,
            "partner_id": partner.id,
            "partner_invoice_id": partner.id,
            "partner_shipping_id": partner.id,
            "date_order": date,
            "create_date": date,
            "create_uid": SUPERUSER_ID,
            "amount_untaxed": order.amount_untaxed,
            "amount_total": order.amount_untaxed,
            "access_token": None,
        }
        lines = [
            {
                "model_id": line.id,
                "order_partner_id": partner.id,
                "salesman_id": None,
                "state": state,
                "invoice_status": "no",
                "qty_to_invoice": 0,
                "untaxed_amount_to_invoice": 0,
                "kpi_categ_id": None,
                "create_date": date,
            }
            for line in order.order_line
        ]
        return row, lines
