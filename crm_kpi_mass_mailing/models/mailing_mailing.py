# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models


class MailingMailing(models.Model):
    _inherit = "mailing.mailing"

    def _kpi_note_campaigns(self):
        """Mark the costs as changed: which of them are costs of mailings depends on campaigns."""
        self.env["crm.kpi.source"]._mark_changed("crm.kpi.cost.period")

    @api.model_create_multi
    def create(self, vals_list):
        mailings = super().create(vals_list)
        if mailings.campaign_id:
            self._kpi_note_campaigns()
        return mailings

    def write(self, vals):
        result = super().write(vals)
        if "campaign_id" in vals:
            self._kpi_note_campaigns()
        return result

    def unlink(self):
        noted = bool(self.campaign_id)
        result = super().unlink()
        if noted:
            self._kpi_note_campaigns()
        return result
