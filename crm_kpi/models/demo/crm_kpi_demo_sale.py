# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.fields import Command
from odoo.tools import SQL
from odoo.tools.misc import split_every


class CrmKpiDemo(models.AbstractModel):
    """Orders, copied in SQL from one order per state that the ORM made, because a thousand of
    them would take a minute."""

    _inherit = "crm.kpi.demo"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _orders(self, plan, sellers, teams, partners, contacts, leads, products):
        """Orders as copies of one model per state, with what distinguishes them replaced."""
        models_of = self._model_orders(partners[0], products)
        count, names = len(plan.orders), []
        sequence = self.env["ir.sequence"].search(
            [("code", "=", "sale.order"), ("company_id", "in", [False, self.env.company.id])],
            order="company_id",
            limit=1,
        )
        names = [sequence.next_by_id() for _order in plan.orders]
        ids = self._reserve_ids("sale_order", count)
        order_rows, line_rows = [], []
        numbers = self._reserve_ids("sale_order_line", sum(len(o.lines) for o in plan.orders))
        numbers = iter(numbers)
        for order, order_id, name in zip(plan.orders, ids, names, strict=True):
            model = models_of[order.state]
            customer, contact = partners[order.customer.index], contacts[order.customer.index]
            user_id = None if order.seller is None else sellers[order.seller].id
            date_order = order.confirmed or order.created
            amount = round(order.amount, 2)
            order_rows.append(
                {
                    "model_id": model.id,
                    "id": order_id,
                    "name": name,
                    "partner_id": contact.id,
                    "partner_invoice_id": customer.id,
                    "partner_shipping_id": customer.id,
                    "user_id": user_id,
                    "team_id": teams[order.customer.size].id,
                    "opportunity_id": None if order.lead is None else leads[order.lead].id,
                    "date_order": fields.Datetime.to_string(date_order),
                    "create_date": fields.Datetime.to_string(order.created),
                    "create_uid": user_id or SUPERUSER_ID,
                    "validity_date": fields.Date.to_string(order.created + timedelta(days=30)),
                    "amount_untaxed": amount,
                    "amount_tax": 0,
                    "amount_total": amount,
                    "access_token": None,
                }
            )
            lines_of = {line.product_id: line for line in model.order_line}
            for sequence_no, (product_name, quantity, price, discount) in enumerate(order.lines):
                product = products[product_name]
                subtotal = round(quantity * price * (1 - discount / 100), 2)
                sold = order.state == "sale"
                line_rows.append(
                    {
                        "model_id": lines_of[product].id,
                        "id": next(numbers),
                        "order_id": order_id,
                        "sequence": 10 + sequence_no,
                        "order_partner_id": contact.id,
                        "salesman_id": user_id,
                        "product_uom_qty": quantity,
                        "price_unit": price,
                        "technical_price_unit": price,
                        "discount": discount,
                        "price_subtotal": subtotal,
                        "price_total": subtotal,
                        "price_tax": 0,
                        "price_reduce_taxexcl": subtotal / quantity,
                        "price_reduce_taxinc": subtotal / quantity,
                        "qty_to_invoice": quantity
                        if sold and lines_of[product].qty_to_invoice
                        else 0,
                        "untaxed_amount_to_invoice": subtotal
                        if sold and lines_of[product].qty_to_invoice
                        else 0,
                        "create_date": fields.Datetime.to_string(order.created),
                    }
                )
        self._copy_rows("sale_order", order_rows)
        self._copy_rows("sale_order_line", line_rows)
        for model in models_of.values():
            model.write({"state": "cancel"})
            model.unlink()
        self.env.invalidate_all()
        return self.env["sale.order"].browse(ids)

    @api.model
    def _model_orders(self, partner, products):
        """One order per state with a line of every product, complete as the ORM makes them."""
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

    @api.model
    def _reserve_ids(self, table, count):
        self.env.cr.execute(
            SQL("SELECT nextval(%s) FROM generate_series(1, %s)", f"{table}_id_seq", count)
        )
        return [id_ for (id_,) in self.env.cr.fetchall()]

    @api.model
    def _copy_rows(self, table, rows):
        """Insert copies of rows of a table; ``model_id`` names the one to copy."""
        self.env.flush_all()
        for batch in split_every(1000, rows, list):
            self.env.cr.execute(
                SQL(
                    """
                    INSERT INTO %(table)s
                    SELECT copy.*
                      FROM jsonb_array_elements(%(rows)s::jsonb) AS v (data)
                      JOIN %(table)s AS model ON model.id = (v.data->>'model_id')::int
                CROSS JOIN LATERAL jsonb_populate_record(model, v.data) AS copy
                    """,
                    table=SQL.identifier(table),
                    rows=json.dumps(batch),
                )
            )

    @api.model
    def _order_messages(self, plan, sellers, orders):
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
        return len(self._insert_messages(rows))
