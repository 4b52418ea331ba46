# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import random
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models

from odoo.addons.crm_kpi.models.demo.crm_kpi_demo import SILENT

#: Share of the orders without a deal that came from the shop.
SHOP_SHARE = 0.7
#: For each of them so many carts were left behind.
LEFT_BEHIND = (2, 3, 3, 4)


class CrmKpiDemo(models.AbstractModel):
    _inherit = "crm.kpi.demo"

    @api.model
    def _load_carts(self):
        """Carts of eighteen months; called by the demo data file.

        The completed ones are orders of the story, so that no revenue changes.
        """
        website = self.env["website"].search([("company_id", "=", self.env.company.id)], limit=1)
        if not website or not self._known("customer_0") or self._known("cart_0"):
            return
        # superuser: called while the module is installed, for the whole company
        self = self.with_context(**SILENT).sudo()
        chance = random.Random(17)  # noqa: S311  (a story, no secret)
        now = fields.Datetime.now().replace(minute=0, second=0, microsecond=0)
        bought = self._shop_orders(website, chance)
        carts = self._carts_left(website, bought, now, chance)
        self._name_records("cart", carts)
        (bought | carts)._kpi_mark_dirty((bought | carts).ids)
        self._refresh_carts()

    @api.model
    def _shop_orders(self, website, chance):
        """Orders that nobody negotiated: some of them were carts, a few after a reminder."""
        customers = self.env["ir.model.data"].search(
            [("module", "=", "__crm_kpi_demo__"), ("name", "=like", "customer\\_%")]
        )
        orders = self.env["sale.order"].search(
            [
                ("state", "=", "sale"),
                ("opportunity_id", "=", False),
                ("partner_id.commercial_partner_id", "in", customers.mapped("res_id")),
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
        self._set_columns(
            orders,
            {
                "website_id": ("int4", [website.id] * len(orders)),
                "create_date": ("timestamp", begun),
                "cart_recovery_email_sent": ("bool", reminded),
            },
        )
        return orders

    @api.model
    def _carts_left(self, website, bought, now, chance):
        """Carts that were not completed, with the goods of those that were."""
        model = self.env["sale.order"].create(
            {
                "partner_id": bought[0].partner_id.id,
                "company_id": self.env.company.id,
                "website_id": website.id,
                "user_id": False,
                "team_id": website.salesteam_id.id,
            }
        )
        public = website.user_id.partner_id
        partners = bought.partner_id
        plans = []
        for order in bought:
            for _cart in range(chance.choice(LEFT_BEHIND)):
                begun = order.create_date + timedelta(days=chance.uniform(-15, 15))
                if begun < now:
                    plans.append((begun, order))
        plans.sort(key=lambda plan: (plan[0], plan[1].id))
        order_ids = self._reserve_ids("sale_order", len(plans))
        line_ids = iter(
            self._reserve_ids("sale_order_line", sum(len(o.order_line) for _d, o in plans))
        )
        order_rows, line_rows = [], []
        for (begun, order), order_id in zip(plans, order_ids, strict=True):
            known = chance.random() < 0.6
            partner = chance.choice(partners) if known else public
            state = chance.choices(("draft", "cancel", "sent"), (86, 10, 4))[0]
            waiting = now - begun < timedelta(days=1)
            order_rows.append(
                {
                    "model_id": model.id,
                    "id": order_id,
                    "name": f"CART{order_id}",
                    "state": state,
                    "partner_id": partner.id,
                    "partner_invoice_id": partner.id,
                    "partner_shipping_id": partner.id,
                    "date_order": fields.Datetime.to_string(begun),
                    "create_date": fields.Datetime.to_string(begun),
                    "create_uid": SUPERUSER_ID,
                    "amount_untaxed": order.amount_untaxed,
                    "amount_total": order.amount_untaxed,
                    "cart_recovery_email_sent": known
                    and state == "draft"
                    and not waiting
                    and chance.random() < 0.5,
                    "access_token": None,
                }
            )
            line_rows += [
                {
                    "model_id": line.id,
                    "id": next(line_ids),
                    "order_id": order_id,
                    "order_partner_id": partner.id,
                    "salesman_id": None,
                    "state": state,
                    "invoice_status": "no",
                    "qty_to_invoice": 0,
                    "untaxed_amount_to_invoice": 0,
                    "kpi_categ_id": None,
                    "create_date": fields.Datetime.to_string(begun),
                }
                for line in order.order_line
            ]
        self._copy_rows("sale_order", order_rows)
        self._copy_rows("sale_order_line", line_rows)
        model.unlink()
        self.env.invalidate_all()
        return self.env["sale.order"].browse(order_ids)

    @api.model
    def _refresh_carts(self):
        """The values of the carts, and of the quotations, among which these orders counted
        until now."""
        kpi_model = self.env["crm.kpi"]
        kpis = kpi_model.search([("source_id.code", "=", "quotation_sent")])
        while users := kpis._formula_users():  # never those among themselves
            kpis |= users
        kpis |= kpi_model._by_code(
            ["abandoned_cart_rate", "abandoned_cart_rate_all", "cart_recovery_rate"]
        )
        self._refresh_story(kpis)
