# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    kpi_first_response_target_hours = fields.Float(
        related="company_id.kpi_first_response_target_hours", readonly=False
    )
