# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, models

from ..tickets.attention import LateTickets


class CrmKpiBoard(models.Model):
    _inherit = "crm.kpi.board"

    @api.model
    def _attention_topics(self):
        return [*super()._attention_topics(), LateTickets()]

    @api.model
    def _role_setting(self):
        user = self.env.user
        if user.has_group("helpdesk_mgmt.group_helpdesk_user_own") and not user.has_group(
            "sales_team.group_sale_salesman"
        ):
            return "kpi_agent_board_id"
        return super()._role_setting()
