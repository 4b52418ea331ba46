# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models

from ...facts.leads import imported_closing


class CrmStage(models.Model):
    _inherit = "crm.stage"

    def write(self, vals):
        declared = self.filtered(lambda stage: vals.get("is_won") and not stage.is_won)
        # superuser: all leads of the stage become won, even if the user may not read them
        waiting = self.env["crm.lead"].sudo().with_context(active_test=False)
        waiting = waiting.search([("stage_id", "in", declared.ids), ("kpi_won_date", "=", False)])
        closings = {lead: imported_closing(lead) for lead in waiting}
        result = super().write(vals)
        waiting._kpi_stage_became_won(closings)
        if "rotting_threshold_days" in vals:
            # superuser: leads are only marked, even if the user may not read them
            leads = self.env["crm.lead"].sudo().search([("stage_id", "in", self.ids)])
            leads._kpi_mark_dirty(leads.ids)
        return result
