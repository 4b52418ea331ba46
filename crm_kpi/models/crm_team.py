# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models


class CrmTeam(models.Model):
    _inherit = "crm.team"

    kpi_role = fields.Selection(
        [("sales", "Sales"), ("service", "Service"), ("both", "Sales and service")],
        "Role in KPIs",
        compute="_compute_kpi_role",
        store=True,
        readonly=False,
        help="With whom the members are compared: each KPI compares the members of sales teams, of "
        "service teams, or of both.",
    )

    @api.depends("use_leads", "use_opportunities")
    def _compute_kpi_role(self):
        """Sales, unless a help desk addon finds tickets of the team."""
        for team in self:
            team.kpi_role = team.kpi_role or "sales"

    @api.ondelete(at_uninstall=False)
    def _unlink_except_goals(self):
        self.env["crm.kpi.goal"]._refuse_deletion(self, "team_id")

    def unlink(self):
        self.env["crm.kpi.value"]._unassign("team_id", self.ids)
        return super().unlink()
