# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models

OBJECTIVES = [
    ("acquire", "Win new customers"),
    ("convert", "Turn leads into deals"),
    ("grow", "Sell more to customers"),
    ("retain", "Keep customers"),
    ("serve", "Serve customers well"),
    ("save", "Save cost"),
]


class CrmKpiRecommendation(models.Model):
    """A KPI that *Choose my KPIs* proposes for an objective, and its rank there."""

    _name = "crm.kpi.recommendation"
    _description = "KPI Recommendation"
    _order = "objective, sequence, id"
    _rec_name = "kpi_id"

    kpi_id = fields.Many2one("crm.kpi", "KPI", required=True, index=True, ondelete="cascade")
    objective = fields.Selection(OBJECTIVES, required=True)
    sequence = fields.Integer(
        "Rank", default=1000, help="The KPI with the lowest rank is proposed first."
    )

    _objective_uniq = models.Constraint(
        "UNIQUE(kpi_id, objective)",
        "Objective: the KPI is recommended for this objective already.",
    )
