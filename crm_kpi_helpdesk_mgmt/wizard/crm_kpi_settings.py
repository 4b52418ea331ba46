# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models


class CrmKpiSettings(models.TransientModel):
    _inherit = "crm.kpi.settings"

    kpi_first_response_target_hours = fields.Float(
        related="company_id.kpi_first_response_target_hours", readonly=False
    )
    kpi_agent_board_id = fields.Many2one(related="company_id.kpi_agent_board_id", readonly=False)

    def _people_examples(self, today):
        return {
            **super()._people_examples(today),
            "kpi_first_response_target_hours": self._answer_example(
                self.kpi_first_response_target_hours
            ),
        }
