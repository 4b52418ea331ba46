# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models


class ProductTemplate(models.Model):
    _inherit = "product.template"

    def write(self, vals):
        if "product_tag_ids" not in vals:
            return super().write(vals)
        with self.env["product.tag"]._kpi_watch_samples():
            return super().write(vals)
