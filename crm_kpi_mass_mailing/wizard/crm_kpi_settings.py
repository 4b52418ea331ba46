# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class CrmKpiSettings(models.TransientModel):
    _inherit = "crm.kpi.settings"

    kpi_click_seconds = fields.Integer(related="company_id.kpi_click_seconds", readonly=False)
    kpi_marketing_board_id = fields.Many2one(
        related="company_id.kpi_marketing_board_id", readonly=False
    )
