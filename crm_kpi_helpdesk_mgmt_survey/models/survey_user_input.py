# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, models


class SurveyUserInput(models.Model):
    _inherit = "survey.user_input"

    @api.model
    def _kpi_record_credit(self, record):
        vals = super()._kpi_record_credit(record)
        if record._name == "helpdesk.ticket":
            user, team = record._kpi_responsible()
            vals.update(kpi_user_id=user.id, kpi_team_id=team.kpi_team_id.id)
        return vals
