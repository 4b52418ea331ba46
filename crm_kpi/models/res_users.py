# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models


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
    kpi_choice_answered = fields.Boolean(
        "Chose KPIs",
        copy=False,
        help="The user answered Choose my KPIs. Boards offer it until then.",
    )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_goals(self):
        self.env["crm.kpi.goal"]._refuse_deletion(self, "user_id")

    def unlink(self):
        self.env["crm.kpi.value"]._unassign("user_id", self.ids)
        return super().unlink()
