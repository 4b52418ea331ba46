# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import models


class HelpdeskTicketTeam(models.Model):
    _inherit = "helpdesk.ticket.team"

    def write(self, vals):
        result = super().write(vals)
        if "kpi_team_id" in vals:
            # as of the tickets themselves
            self.env["crm.kpi.source"]._mark_changed("rating.rating")
        return result
