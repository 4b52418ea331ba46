# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.tools import SQL


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    @api.model
    def _kpi_counted_order_condition(self):
        # a cart counts from its first product on
        return SQL("(%s OR o.website_id IS NOT NULL)", super()._kpi_counted_order_condition())

    def write(self, vals):
        if "order_id" not in vals:
            return super().write(vals)
        # superuser: only ids are marked. A cart merged into another one is empty
        former = self.sudo().order_id
        result = super().write(vals)
        former._kpi_mark_dirty(former.ids)
        return result
