# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    @api.model
    def _kpi_mark_dirty(self, ids):
        result = super()._kpi_mark_dirty(ids)
        # superuser: only ids are marked. A cart counts from its first product on
        orders = self.sudo().browse(ids).exists().order_id
        carts = orders.filtered(lambda order: order.website_id and order.state != "sale")
        carts._kpi_mark_dirty(carts.ids)
        return result

    def write(self, vals):
        if "order_id" not in vals:
            return super().write(vals)
        # superuser: only ids are marked. A cart merged into another one is empty
        former = self.sudo().order_id
        result = super().write(vals)
        former._kpi_mark_dirty(former.ids)
        return result
