# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models


class CrmKpiCorrect(models.TransientModel):
    _inherit = "crm.kpi.correct"

    ticket_team_id = fields.Many2one(
        "helpdesk.ticket.team",
        "Helpdesk Team",
        context={"active_test": False},
        help="Empty: Unassigned.",
    )

    @api.model
    def _team_field(self, model):
        return "ticket_team_id" if model == "helpdesk.ticket" else super()._team_field(model)
