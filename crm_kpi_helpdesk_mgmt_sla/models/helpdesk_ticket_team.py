# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, models


class HelpdeskTicketTeam(models.Model):
    _inherit = "helpdesk.ticket.team"

    @api.model
    def _kpi_models_by_team(self):
        return [*super()._kpi_models_by_team(), "helpdesk.ticket.sla"]
