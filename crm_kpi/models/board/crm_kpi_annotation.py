# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class CrmKpiAnnotation(models.Model):
    """An event that explains values: a price increase, a trade fair, a strike."""

    _name = "crm.kpi.annotation"
    _description = "KPI Annotation"
    _order = "date desc, id desc"

    name = fields.Char("What happened", required=True)
    date = fields.Date(required=True, index=True, default=fields.Date.context_today)
    kpi_id = fields.Many2one(
        "crm.kpi",
        "KPI",
        ondelete="cascade",
        index=True,
        help="Leave empty to show it with all KPIs.",
    )
    company_id = fields.Many2one(
        "res.company",
        default=lambda self: self.env.company,
        help="Leave empty to show it in all companies.",
    )
    resets_range = fields.Boolean(
        "New usual range",
        help="The change is here to stay: values are compared with those since this day only.",
    )
