# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.fields import Domain


class SaleOrder(models.Model):
    _inherit = "sale.order"  # pylint: disable=consider-merging-classes-inherited

    kpi_campaign_cost_known = fields.Boolean(
        "Campaign with known cost",
        compute="_compute_kpi_campaign_cost_known",
        search="_search_kpi_campaign_cost_known",
        help="The order names a campaign with at least one cost entry in the order's company.",
    )

    @api.depends("campaign_id", "company_id")
    def _compute_kpi_campaign_cost_known(self):
        known = self.env["crm.kpi.cost"]._campaigns_known()
        for order in self:
            order.kpi_campaign_cost_known = order.campaign_id.id in known.get(
                order.company_id.id, ()
            )

    @api.model
    def _search_kpi_campaign_cost_known(self, operator, value):
        if operator != "in":
            return NotImplemented
        return Domain.OR(
            Domain("company_id", "=", company_id) & Domain("campaign_id", "in", list(campaign_ids))
            for company_id, campaign_ids in self.env["crm.kpi.cost"]._campaigns_known().items()
        )
