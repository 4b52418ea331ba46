# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import random
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import SQL, date_utils

MONTHS_OF_CONTRACTS = 24
#: Share of the contracts that are renewed.
RENEWED = 0.88


class CrmKpiDemo(models.AbstractModel):
    """What happens around an order: quotations that were revised or turned down, samples on
    the way, and care plans that are renewed. None of it changes a revenue."""

    _inherit = "crm.kpi.demo"

    @api.model
    def _order_details(self, plan, sellers, orders):
        """Called once the orders of the story are in the database.

        :param plan: the story
        :param sellers: users in its order
        :param orders: orders in its order
        """
        chance = random.Random(21)  # noqa: S311  (a story, no secret)
        self._turned_down(plan, sellers, orders)
        self._revised(plan, sellers, orders, chance)
        self._samples(plan, orders, chance)
        self._renewals(plan, orders, chance)
        self._contracts(chance)

    @api.model
    def _contracts(self, chance):
        """Service contracts that ran out, entered by hand month by month, as their app is not
        known: how many, and how many of them were renewed."""
        due, renewed = (
            self.env["crm.kpi"]._by_code([f"contracts_{n}"]) for n in ("due", "renewed")
        )
        today = fields.Date.context_today(self)
        values = []
        for back in range(MONTHS_OF_CONTRACTS, -1, -1):
            day = date_utils.subtract(today, months=back)
            count = chance.randint(6, 14)
            kept = sum(chance.random() < RENEWED for _contract in range(count))
            for kpi, value in ((due, count), (renewed, kept)):
                values.append({"kpi_id": kpi.id, "date": day, "value": value})
        self.env["crm.kpi.entry"].create(values)

    @api.model
    def _turned_down(self, plan, sellers, orders):
        """What was sent before it was cancelled is known from the tracking of the state."""
        state_field = self.env["ir.model.fields"]._get("sale.order", "state").id
        sent = dict(self.env["sale.order"]._fields["state"].selection)["sent"]
        rows = [
            {
                "model": "sale.order",
                "res_id": orders[order.index].id,
                "date": order.sent,
                "kind": "log",
                "author": sellers[order.seller].partner_id.id,
                "email_from": sellers[order.seller].email,
                "body": "",
                "uid": sellers[order.seller].id,
            }
            for order in plan.orders
            if order.state == "cancel" and order.sent and order.seller is not None
        ]
        ids = self._insert_messages(rows)
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO mail_tracking_value
                    (mail_message_id, field_id, new_value_char, create_date, write_date)
                SELECT id, %s, %s, date, date FROM mail_message WHERE id = ANY(%s)
                """,
                state_field,
                sent,
                ids,
            )
        )

    @api.model
    def _revised(self, plan, sellers, orders, chance):
        """Earlier quotations of a deal, which the one in the story replaced."""
        chosen = [
            order
            for order in plan.orders
            if order.lead is not None
            and order.sent
            and order.seller is not None
            and chance.random() < 0.3
        ]
        order_ids = self._reserve_ids("sale_order", len(chosen))
        lines = orders.browse([orders[order.index].id for order in chosen]).order_line
        line_ids = iter(self._reserve_ids("sale_order_line", len(lines)))
        order_rows, line_rows, messages = [], [], []
        for order, order_id in zip(chosen, order_ids, strict=True):
            original, user = orders[order.index], sellers[order.seller]
            lead = plan.leads[order.lead]
            span = order.sent - (lead.converted or lead.created)
            sent = order.sent - min(timedelta(days=chance.uniform(1, 12)), span / 2)
            more = chance.choice((1.1, 1.25, 1.5))
            order_rows.append(
                {
                    "model_id": original.id,
                    "id": order_id,
                    "name": f"{original.name}-0",
                    "state": "sent",
                    "invoice_status": "no",
                    "date_order": fields.Datetime.to_string(sent),
                    "create_date": fields.Datetime.to_string(sent),
                    "amount_untaxed": round(original.amount_untaxed * more, 2),
                    "amount_total": round(original.amount_untaxed * more, 2),
                }
            )
            line_rows += [
                {
                    "model_id": line.id,
                    "id": next(line_ids),
                    "order_id": order_id,
                    "state": "sent",
                    "price_unit": line.price_unit * more,
                    "technical_price_unit": line.price_unit * more,
                    "price_subtotal": round(line.price_subtotal * more, 2),
                    "price_total": round(line.price_subtotal * more, 2),
                    "qty_to_invoice": 0,
                    "untaxed_amount_to_invoice": 0,
                    "create_date": fields.Datetime.to_string(sent),
                }
                for line in original.order_line
            ]
            messages.append(
                {
                    "model": "sale.order",
                    "res_id": order_id,
                    "date": sent,
                    "kind": "mail",
                    "author": user.partner_id.id,
                    "email_from": f'"{user.name}" <{user.email}>',
                    "body": "Please find our first proposal in your portal.",
                    "uid": user.id,
                }
            )
        self._copy_rows("sale_order", order_rows)
        self._copy_rows("sale_order_line", line_rows)
        self._insert_messages(messages)
        self.env.invalidate_all()

    @api.model
    def _samples(self, plan, orders, chance):
        """Swatches that go along with an order, free of charge."""
        swatches = self.env["product.product"].create(
            {
                "name": "Fabric Swatches",
                "list_price": 0,
                "type": "consu",
                "taxes_id": [Command.clear()],
                "product_tag_ids": [Command.set(self.env.company.kpi_sample_tag_id.ids)],
            }
        )
        chosen = [
            orders[order.index]
            for order in plan.orders
            if order.state == "sale" and chance.random() < 0.12
        ]
        ids = self._reserve_ids("sale_order_line", len(chosen))
        nothing = dict.fromkeys(
            (
                "price_unit", "technical_price_unit", "discount", "price_subtotal", "price_total",
                "price_tax", "price_reduce_taxexcl", "price_reduce_taxinc",
                "qty_to_invoice", "untaxed_amount_to_invoice",
            ),
            0,
        )  # fmt: skip
        self._copy_rows(
            "sale_order_line",
            [
                {
                    "model_id": order.order_line[0].id,
                    "id": line_id,
                    "sequence": 90,
                    "product_id": swatches.id,
                    "product_uom_id": swatches.uom_id.id,
                    "product_uom_qty": chance.randint(1, 5),
                    "name": swatches.name,
                    **nothing,
                }
                for order, line_id in zip(chosen, ids, strict=True)
            ],
        )
        self.env.invalidate_all()

    @api.model
    def _renewals(self, plan, orders, chance):
        """Some customers have what they bought before renewed; a few take more than before."""
        tag = self.env.company.kpi_renewal_tag_id
        bought, renewed = set(), []
        for order in sorted(plan.orders, key=lambda order: order.confirmed or order.created):
            if order.state != "sale":
                continue
            if order.customer.index in bought and chance.random() < 0.15:
                renewed.append(orders[order.index].id)
            bought.add(order.customer.index)
        self.env.cr.execute(
            SQL(
                "INSERT INTO sale_order_tag_rel (order_id, tag_id) SELECT unnest(%s), %s",
                renewed,
                tag.id,
            )
        )
        self.env.invalidate_all()
