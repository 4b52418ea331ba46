# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import random
from datetime import timedelta

from odoo import fields
from odoo.fields import Command
from odoo.tools import SQL, date_utils

from ..bulk import copy_orders, copy_rows, insert_messages, reserve_ids
from .base import Story

MONTHS_OF_CONTRACTS = 24
#: Share of the contracts that are renewed.
RENEWED = 0.88


class OrderDetailStory(Story):
    """Rejected and revised quotations, samples, renewals and contracts. The revenue stays."""

    name = "order_detail"

    def create_records(self):
        plan, sellers, orders = self.demo.history, self.demo.sellers, self.demo.orders
        chance = random.Random(21)  # noqa: S311
        self._track_rejected(plan, sellers, orders)
        self._add_revised(plan, sellers, orders, chance)
        self._add_samples(plan, orders, chance)
        self._tag_renewals(plan, orders, chance)

    def create_kpi_records(self):
        """Manual entries per month: service contracts that ended, and those renewed of them."""
        due, renewed = (
            self.env["crm.kpi"]._by_code([f"contracts_{n}"]) for n in ("due", "renewed")
        )
        entered = [("kpi_id", "in", (due | renewed).ids), ("company_id", "=", self.env.company.id)]
        if self.env["crm.kpi.entry"].search_count(entered, limit=1):
            return
        chance = random.Random(22)  # noqa: S311
        today = self.demo.today
        values = []
        for back in range(MONTHS_OF_CONTRACTS, -1, -1):
            day = date_utils.subtract(today, months=back)
            count = chance.randint(6, 14)
            kept = sum(chance.random() < RENEWED for _contract in range(count))
            for kpi, value in ((due, count), (renewed, kept)):
                values.append({"kpi_id": kpi.id, "date": day, "value": value})
        self.env["crm.kpi.entry"].create(values)

    def _track_rejected(self, plan, sellers, orders):
        """Tracking values of the state show that a cancelled quotation had been sent."""
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
        ids = insert_messages(self.env, rows)
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

    def _add_revised(self, plan, sellers, orders, chance):
        """Earlier quotations of a deal, replaced by the one in the history."""
        chosen = [
            order
            for order in plan.orders
            if order.lead is not None
            and order.sent
            and order.seller is not None
            and chance.random() < 0.3
        ]
        moments = [self._first_sent(plan, order, chance) for order in chosen]
        copies = [
            self._revised_copy(orders[order.index], sent, chance.choice((1.1, 1.25, 1.5)))
            for order, sent in zip(chosen, moments, strict=True)
        ]
        messages = [
            {
                "model": "sale.order",
                "res_id": order_id,
                "date": sent,
                "kind": "mail",
                "author": sellers[order.seller].partner_id.id,
                "email_from": sellers[order.seller].email_formatted,
                "body": "Please find our first proposal in your portal.",
                "uid": sellers[order.seller].id,
            }
            for order, sent, order_id in zip(
                chosen, moments, copy_orders(self.env, copies), strict=True
            )
        ]
        insert_messages(self.env, messages)

    def _first_sent(self, plan, order, chance):
        """When the first quotation of the deal of an order was sent."""
        lead = plan.leads[order.lead]
        span = order.sent - (lead.converted or lead.created)
        return order.sent - min(timedelta(days=chance.uniform(1, 12)), span / 2)

    def _revised_copy(self, order, sent, factor):
        """Rows of a quotation with the lines of an order at higher prices."""
        date = fields.Datetime.to_string(sent)
        amount = round(order.amount_untaxed * factor, 2)
        row = {
            "model_id": order.id,
            "name": f"{order.name}-0",
            "state": "sent",
            "invoice_status": "no",
            "date_order": date,
            "create_date": date,
            "amount_untaxed": amount,
            "amount_total": amount,
        }
        lines = [
            {
                "model_id": line.id,
                "state": "sent",
                "price_unit": line.price_unit * factor,
                "technical_price_unit": line.price_unit * factor,
                "price_subtotal": round(line.price_subtotal * factor, 2),
                "price_total": round(line.price_subtotal * factor, 2),
                "qty_to_invoice": 0,
                "untaxed_amount_to_invoice": 0,
                "create_date": date,
            }
            for line in order.order_line
        ]
        return row, lines

    def _add_samples(self, plan, orders, chance):
        """Order lines with samples, free of charge."""
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
        ids = reserve_ids(self.env, "sale_order_line", len(chosen))
        nothing = dict.fromkeys(
            (
                "price_unit", "technical_price_unit", "discount", "price_subtotal", "price_total",
                "price_tax", "price_reduce_taxexcl", "price_reduce_taxinc",
                "qty_to_invoice", "untaxed_amount_to_invoice",
            ),
            0,
        )  # fmt: skip
        copy_rows(
            self.env,
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

    def _tag_renewals(self, plan, orders, chance):
        """Tag some orders of returning customers as renewals."""
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
