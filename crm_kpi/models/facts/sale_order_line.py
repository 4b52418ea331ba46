# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models

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
    def _kpi_mark_dirty(self, ids):
        # superuser: only ids are marked; the lines of quotations do not count
        orders = self.sudo().browse(ids).exists().order_id
        orders = orders.filtered(lambda order: order.state == "sale")
        orders._kpi_mark_dirty(orders.ids)

    def unlink(self):
        # superuser: only ids are marked
        orders = self.sudo().order_id
        result = super().unlink()
        orders._kpi_mark_dirty(orders.ids)
        return result

    @api.model
    def _kpi_trigger_fields(self):
        return super()._kpi_trigger_fields() | LINE_TRIGGERS
