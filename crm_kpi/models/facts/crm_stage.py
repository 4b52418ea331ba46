# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models


class CrmStage(models.Model):
    _inherit = "crm.stage"

    def write(self, vals):
        result = super().write(vals)
        if "rotting_threshold_days" in vals:
            # superuser: leads are only marked, even if the user may not read them
            leads = self.env["crm.lead"].sudo().search([("stage_id", "in", self.ids)])
            leads._kpi_mark_dirty(leads.ids)
        return result
