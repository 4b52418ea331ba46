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
    kpi_agent_board_id = fields.Many2one(
        "crm.kpi.board",
        string="Service agents start on",
        domain=[("user_id", "=", False)],
        ondelete="set null",
        help="The board that KPIs opens for users of the help desk who do not sell. Empty: the "
        "first board on which they have values. A favorite of the user comes first.",
    )
