# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models


class CrmTeam(models.Model):
    _inherit = "crm.team"

    kpi_helpdesk_team_ids = fields.One2many(
        "helpdesk.ticket.team", "kpi_team_id", "Helpdesk teams in KPIs"
    )

    @api.depends("kpi_helpdesk_team_ids")
    def _compute_kpi_role(self):
        """A team for tickets is a service team, and a sales team if it has leads or a pipeline."""
        for team in self:
            if not team.kpi_helpdesk_team_ids:
                team.kpi_role = "sales"
            elif team.use_leads or team.use_opportunities:
                team.kpi_role = "both"
            else:
                team.kpi_role = "service"
