# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    kpi_first_response_target_hours = fields.Float(
        string="First response target for tickets (hours)",
        default=8.0,
        help="New tickets get this target. It does not change for existing ones.",
    )
