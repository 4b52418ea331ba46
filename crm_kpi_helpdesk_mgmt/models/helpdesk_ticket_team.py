# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models


class HelpdeskTicketTeam(models.Model):
    _inherit = "helpdesk.ticket.team"

    kpi_team_id = fields.Many2one(
        "crm.team",
        "Team in KPIs",
        index="btree_not_null",
        help="KPIs per team know sales teams only: tickets of this helpdesk team count for "
        "this one, so that service and sales stand side by side. Empty: Unassigned.",
    )

    def write(self, vals):
        result = super().write(vals)
        if "kpi_team_id" in vals:
            # the team of many tickets changes although no ticket is written
            self.env["crm.kpi.source"]._mark_changed("helpdesk.ticket")
        return result
