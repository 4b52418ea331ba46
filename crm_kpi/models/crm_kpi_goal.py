# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models

from .crm_kpi_value import LEVELS


class CrmKpiGoal(models.Model):
    _name = "crm.kpi.goal"
    _description = "KPI Goal"
    _inherit = ["mail.thread"]

    kpi_id = fields.Many2one("crm.kpi", "KPI", required=True, ondelete="cascade", index=True)
    period_id = fields.Many2one("crm.kpi.period", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="period_id.company_id", store=True, index=True)
    scope = fields.Selection(LEVELS, required=True, default="company")
    team_id = fields.Many2one("crm.team", "Sales Team")
    user_id = fields.Many2one("res.users", "Salesperson")
    segment_id = fields.Many2one("crm.kpi.segment")
    target = fields.Float()
    active = fields.Boolean(default=True)

    @api.model
    def _refresh(self, company):
        """Bring value, attainment and status of the goals of a company up to date."""
