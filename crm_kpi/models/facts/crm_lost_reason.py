# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class CrmLostReason(models.Model):
    _inherit = "crm.lost.reason"

    kpi_disqualified = fields.Boolean(
        "Never a real prospect",
        help="For example spam, a duplicate or a wrong number: leads lost for this reason count "
        "neither as created nor as lost, so that they do not distort the conversion rates.",
    )

    def write(self, vals):
        changed = "kpi_disqualified" in vals and self.filtered(
            lambda reason: reason.kpi_disqualified != vals["kpi_disqualified"]
        )
        result = super().write(vals)
        if changed:
            # values change although no lead is written
            self.env["crm.kpi.source"]._mark_changed("crm.lead")
        return result
