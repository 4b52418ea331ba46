# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models

from ...definitions import usage


class CrmKpiCategory(models.Model):
    _name = "crm.kpi.category"
    _description = "KPI Category"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    is_sales = fields.Boolean("Sales", help="Switch areas treats its KPIs as KPIs of sales.")
    is_service = fields.Boolean(
        "Customer service",
        help="Choose my KPIs proposes KPIs of this category to service agents first, and Switch "
        "areas treats them as KPIs of the service.",
    )
    is_marketing = fields.Boolean(
        "Marketing", help="Switch areas treats its KPIs as KPIs of marketing."
    )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        usage.check_category_unused(self)
