# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models


class HelpdeskTicketTeam(models.Model):
    _inherit = "helpdesk.ticket.team"

    kpi_team_id = fields.Many2one(
        "crm.team",
        "Team in KPIs",
        index="btree_not_null",
        help="Sales team that tickets of this helpdesk team count for in KPIs, so that service "
        "and sales are shown side by side. Empty: Unassigned.",
    )

    @api.model
    def _kpi_models_by_team(self):
        """Models of KPI sources that read the sales team from here; extended by other addons."""
        return ["helpdesk.ticket"]

    def write(self, vals):
        result = super().write(vals)
        if "kpi_team_id" in vals:
            self._kpi_mark_records()
        return result

    def unlink(self):
        result = super().unlink()
        # their tickets are unassigned now
        self._kpi_mark_records()
        return result

    @api.model
    def _kpi_mark_records(self):
        """Have the values checked: the team of records changes without a write on them."""
        for name in self._kpi_models_by_team():
            self.env["crm.kpi.source"]._mark_changed(name)
