# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models


class CrmKpiCost(models.Model):
    _inherit = "crm.kpi.cost"

    @api.model
    def _note_campaigns(self):
        result = super()._note_campaigns()
        self.env["crm.kpi.source"]._mark_changed("mailing.trace")
        return result
