# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"  # pylint: disable=consider-merging-classes-inherited

    kpi_revenue_basis = fields.Selection(
        [("ordered", "Orders"), ("invoiced", "Invoices")],
        string="Customer value by",
        required=True,
        default="ordered",
        help="Orders: confirmed orders, less what was credited of them. Invoices: posted "
        "invoices and receipts, less credit notes.",
    )
    kpi_customers_date = fields.Date(
        string="Customers compared on",
        readonly=True,
        copy=False,
        help="The day of the last comparison of all customers with each other.",
    )

    def write(self, vals):
        result = super().write(vals)
        if {"kpi_at_risk_days", "kpi_at_risk_factor", "kpi_inactivity_days"}.intersection(vals):
            self.env["crm.kpi.customer"]._kpi_mark_companies(self.ids)
        if {"kpi_margin_rate", "kpi_revenue_basis"}.intersection(vals):
            # superuser: whatever the administrator may read of orders
            self.env["crm.kpi.customer"].sudo()._kpi_mark_all_dirty()
        return result
