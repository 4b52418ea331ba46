# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class AccountMove(models.Model):
    _inherit = "account.move"

    kpi_price_reduction = fields.Boolean(
        "Price reduction only",
        copy=False,
        help="A commercial credit: no goods were defective. It does not count in the defect rate.",
    )

    def write(self, vals):
        result = super().write(vals)
        if "kpi_price_reduction" in vals:
            # the KPI reads it through the lines, whose own dates do not show the change
            self.env["crm.kpi.source"]._mark_changed("account.move.line")
        return result
