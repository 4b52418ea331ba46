# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from odoo import SUPERUSER_ID, fields
from odoo.fields import Command

from ..bulk import copy_orders, insert_messages
from .base import Story


class OrderStory(Story):
    """Quotations and orders: copies, by SQL, of one order per state that the ORM created.

    The ORM would need a minute for a thousand orders.
    """

    name = "order"
    stamped = ("sale.order",)
    derived = ("sale.order",)
    tables = ("sale_order_line", "mail_message")

    def create_records(self):
        models_of = self._model_orders(self.demo.partners[0], self.demo.products)
        self.demo.orders = self._copy_orders(self.demo.history.orders, models_of)
        for model in models_of.values():
            model.write({"state": "cancel"})
            model.unlink()
        self.env.invalidate_all()
        self._insert_messages(self.demo.history, self.demo.sellers, self.demo.orders)

    def _copy_orders(self, plans, models_of):
        """
        :param plans: orders of the history
        :param models_of: state to the order that is copied
        """
        sequence = self.env["ir.sequence"].search(
            [("code", "=", "sale.order"), ("company_id", "in", [False, self.env.company.id])],
            order="company_id",
            limit=1,
        )
        copies = []
        for order in plans:
            model, values = models_of[order.state], self._order_values(order)
            lines = list(self._line_values(order, values, model))
            copies.append(({**values, "model_id": model.id, "name": sequence.next_by_id()}, lines))
        return self.env["sale.order"].browse(copy_orders(self.env, copies))

    def _order_values(self, order):
        """Columns of a copy that differ from its model."""
        demo = self.demo
        customer = demo.partners[order.customer.index]
        user_id = None if order.seller is None else demo.sellers[order.seller].id
        amount = round(order.amount, 2)
        return {
            "partner_id": demo.contacts[order.customer.index].id,
            "partner_invoice_id": customer.id,
            "partner_shipping_id": customer.id,
            "user_id": user_id,
            "team_id": demo.teams[order.customer.size].id,
            "opportunity_id": None if order.lead is None else demo.leads[order.lead].id,
            "date_order": fields.Datetime.to_string(order.confirmed or order.created),
            "create_date": fields.Datetime.to_string(order.created),
            "create_uid": user_id or SUPERUSER_ID,
            "validity_date": fields.Date.to_string(order.created + timedelta(days=30)),
            "amount_untaxed": amount,
            "amount_tax": 0,
            "amount_total": amount,
            "access_token": None,
        }

    def _line_values(self, order, values, model):
        """Columns of the lines of a copy."""
        model_lines = {line.product_id: line for line in model.order_line}
        for number, (product_name, quantity, price, discount) in enumerate(order.lines):
            line = model_lines[self.demo.products[product_name]]
            subtotal = round(quantity * price * (1 - discount / 100), 2)
            is_open = order.state == "sale" and line.qty_to_invoice
            yield {
                "model_id": line.id,
                "sequence": 10 + number,
                "order_partner_id": values["partner_id"],
                "salesman_id": values["user_id"],
                "product_uom_qty": quantity,
                "price_unit": price,
                "technical_price_unit": price,
                "discount": discount,
                "price_subtotal": subtotal,
                "price_total": subtotal,
                "price_tax": 0,
                "price_reduce_taxexcl": subtotal / quantity,
                "price_reduce_taxinc": subtotal / quantity,
                "qty_to_invoice": quantity if is_open else 0,
                "untaxed_amount_to_invoice": subtotal if is_open else 0,
                "create_date": values["create_date"],
            }

    def _model_orders(self, partner, products):
        """One order per state, created by the ORM, with a line of every product."""
        result = {}
        for state in ("draft", "sent", "sale", "cancel"):
            order = self.env["sale.order"].create(
                {
                    "partner_id": partner.id,
                    "company_id": self.env.company.id,
                    "order_line": [
                        Command.create(
                            {
                                "product_id": product.id,
                                "product_uom_qty": 1,
                                "analytic_distribution": False,
                            }
                        )
                        for product in products.values()
                    ],
                }
            )
            if state != "draft":
                order.write({"state": state})
            result[state] = order
        self.env.flush_all()
        return result

    def _insert_messages(self, plan, sellers, orders):
        rows = []
        for order in plan.orders:
            if not order.sent or order.seller is None:
                continue
            user = sellers[order.seller]
            rows.append(
                {
                    "model": "sale.order",
                    "res_id": orders[order.index].id,
                    "date": order.sent,
                    "kind": "mail",
                    "author": user.partner_id.id,
                    "email_from": f'"{user.name}" <{user.email}>',
                    "body": "Please find our quotation in your portal. "
                    "I am glad to answer any question.",
                    "uid": user.id,
                }
            )
        rows.sort(key=lambda row: row["date"])
        insert_messages(self.env, rows)
