# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    kpi_currency_id = fields.Many2one(related="company_id.currency_id", string="KPI currency")
    kpi_tz = fields.Selection(related="company_id.kpi_tz", readonly=False)
    kpi_week_start = fields.Selection(related="company_id.kpi_week_start", readonly=False)
    kpi_history_text = fields.Char("History being read", compute="_compute_kpi_history_text")
    kpi_history_start = fields.Date(related="company_id.kpi_history_start", readonly=False)
    kpi_provisional_periods = fields.Integer(
        related="company_id.kpi_provisional_periods", readonly=False
    )
    kpi_inactivity_days = fields.Integer(related="company_id.kpi_inactivity_days", readonly=False)
    kpi_unresponsive_attempts = fields.Integer(
        related="company_id.kpi_unresponsive_attempts", readonly=False
    )
    kpi_unresponsive_grace_days = fields.Integer(
        related="company_id.kpi_unresponsive_grace_days", readonly=False
    )
    kpi_high_value_threshold = fields.Monetary(
        related="company_id.kpi_high_value_threshold",
        currency_field="kpi_currency_id",
        readonly=False,
    )
    kpi_upsell_margin = fields.Float(related="company_id.kpi_upsell_margin", readonly=False)
    kpi_discount_rate = fields.Float(related="company_id.kpi_discount_rate", readonly=False)
    kpi_margin_rate = fields.Float(related="company_id.kpi_margin_rate", readonly=False)
    kpi_crossed_months = fields.Integer(related="company_id.kpi_crossed_months", readonly=False)
    kpi_min_cell = fields.Integer(related="company_id.kpi_min_cell", readonly=False)
    kpi_lead_response_target_hours = fields.Float(
        related="company_id.kpi_lead_response_target_hours", readonly=False
    )
    kpi_auto_reply_subjects = fields.Char(
        related="company_id.kpi_auto_reply_subjects", readonly=False
    )
    kpi_sales_cost_basis = fields.Selection(
        related="company_id.kpi_sales_cost_basis", readonly=False
    )
    kpi_marketing_cost_basis = fields.Selection(
        related="company_id.kpi_marketing_cost_basis", readonly=False
    )
    kpi_service_cost_basis = fields.Selection(
        related="company_id.kpi_service_cost_basis", readonly=False
    )
    kpi_sales_cost_account_ids = fields.Many2many(
        related="company_id.kpi_sales_cost_account_ids", readonly=False
    )
    kpi_marketing_cost_account_ids = fields.Many2many(
        related="company_id.kpi_marketing_cost_account_ids", readonly=False
    )
    kpi_service_cost_account_ids = fields.Many2many(
        related="company_id.kpi_service_cost_account_ids", readonly=False
    )
    kpi_cac_lag_months = fields.Integer(related="company_id.kpi_cac_lag_months", readonly=False)

    kpi_ranking = fields.Selection(related="company_id.kpi_ranking", readonly=False)
    kpi_ranking_min = fields.Integer(related="company_id.kpi_ranking_min", readonly=False)
    kpi_sample_tag_id = fields.Many2one(related="company_id.kpi_sample_tag_id", readonly=False)
    kpi_renewal_tag_id = fields.Many2one(related="company_id.kpi_renewal_tag_id", readonly=False)
    kpi_at_risk_days = fields.Integer(related="company_id.kpi_at_risk_days", readonly=False)
    kpi_at_risk_factor = fields.Float(related="company_id.kpi_at_risk_factor", readonly=False)
    kpi_revenue_basis = fields.Selection(related="company_id.kpi_revenue_basis", readonly=False)

    def _compute_kpi_history_text(self):
        self.kpi_history_text = self.env["crm.kpi.backfill"]._progress_text()
