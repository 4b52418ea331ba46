# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.tools import SQL

# fields that decide how a line counts in the facts of its order
LINE_TRIGGERS = {
    "discount",
    "display_type",
    "is_downpayment",
    "is_expense",
    "order_id",
    "price_subtotal",
    "price_unit",
    "product_id",
    "product_uom_id",
    "product_uom_qty",
    "tax_ids",
}


class SaleOrderLine(models.Model):
    _name = "sale.order.line"
    _inherit = ["sale.order.line", "crm.kpi.fact.mixin"]

    kpi_categ_id = fields.Many2one(
        "product.category",
        "Category when ordered",
        compute="_compute_kpi_categ_id",
        store=True,
        copy=False,
        index="btree_not_null",
        help="Product category at the confirmation of the order. It does not change when the "
        "product moves to another category later.",
    )

    # not product_id.categ_id: a later change of the category must not change it
    @api.depends("product_id", "order_id.state")
    def _compute_kpi_categ_id(self):
        for line in self:
            if line.order_id.state == "sale":
                line.kpi_categ_id = line.product_id.categ_id
            else:
                line.kpi_categ_id = line.kpi_categ_id

    # ------------------------------------------------------------------
    # a line has no derived fields: its order is derived again
    # ------------------------------------------------------------------
    @api.model
    def _kpi_marks(self, ids):
        orders = SQL(
            "SELECT o.id, o.opportunity_id FROM sale_order o JOIN sale_order_line l ON l.order_id = o.id"
            " WHERE l.id = ANY(%s) AND %s",
            list(ids),
            self._kpi_counted_order_condition(),
        )
        return {
            "sale.order": SQL("SELECT id FROM (%s) AS o", orders),
            "crm.lead": SQL(
                "SELECT opportunity_id AS id FROM (%s) AS o WHERE opportunity_id IS NOT NULL",
                orders,
            ),
        }

    @api.model
    def _kpi_counted_order_condition(self):
        """SQL condition of an order (alias o) whose lines count in its facts."""
        return SQL("o.state = 'sale'")

    def unlink(self):
        # superuser: only ids are marked
        orders = self.sudo().order_id
        result = super().unlink()
        orders._kpi_mark_dirty(orders.ids)
        return result

    @api.model
    def _kpi_trigger_fields(self):
        return super()._kpi_trigger_fields() | LINE_TRIGGERS
