# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models


class CrmTeam(models.Model):
    _inherit = "crm.team"

    @api.ondelete(at_uninstall=False)
    def _unlink_except_goals(self):
        self.env["crm.kpi.goal"]._refuse_deletion(self, "team_id")

    def unlink(self):
        self.env["crm.kpi.value"]._unassign("team_id", self.ids)
        return super().unlink()
