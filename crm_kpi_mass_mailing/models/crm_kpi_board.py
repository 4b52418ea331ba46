# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models


class CrmKpiBoard(models.Model):
    _inherit = "crm.kpi.board"

    @api.model
    def _role_setting(self):
        user = self.env.user
        if user.has_group("mass_mailing.group_mass_mailing_user") and not user.has_group(
            "sales_team.group_sale_salesman"
        ):
            return "kpi_marketing_board_id"
        return super()._role_setting()
