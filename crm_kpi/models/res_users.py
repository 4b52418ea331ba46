# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class ResUsers(models.Model):
    _inherit = "res.users"

    kpi_ids = fields.Many2many(
        "crm.kpi",
        "crm_kpi_chosen_rel",
        "user_id",
        "kpi_id",
        "Chosen KPIs",
        help="What My KPIs and Team show first; empty: all.",
    )
