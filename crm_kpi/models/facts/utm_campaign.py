# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.fields import Domain

from ...fields import NullableFloat

#: Costs and orders of all salespeople: for users who may read all values.
READERS = "crm_kpi.group_kpi_user_all"


class UtmCampaign(models.Model):
    """Cost and revenue of a campaign over its whole life, in the current company."""

    _inherit = "utm.campaign"

    kpi_cost_ids = fields.One2many(
        "crm.kpi.cost", "campaign_id", "Costs", groups="crm_kpi.group_kpi_campaign_cost"
    )
    kpi_currency_id = fields.Many2one(
        "res.currency", "KPI currency", compute="_compute_kpi_figures"
    )
    kpi_cost = fields.Monetary(
        "Cost",
        currency_field="kpi_currency_id",
        compute="_compute_kpi_figures",
        groups=READERS,
        help="Cost entries with the campaign, also for future days.",
    )
    kpi_orders_new = fields.Integer(
        "Orders of new customers",
        compute="_compute_kpi_figures",
        groups=READERS,
        help="First orders of customers with the campaign.",
    )
    kpi_orders_existing = fields.Integer(
        "Orders of existing customers",
        compute="_compute_kpi_figures",
        groups=READERS,
        help="Repeat orders with the campaign.",
    )
    kpi_revenue = fields.Monetary(
        "Revenue",
        currency_field="kpi_currency_id",
        compute="_compute_kpi_figures",
        groups=READERS,
        help="Untaxed amount of these orders, in the company's currency.",
    )
    kpi_margin = fields.Monetary(
        "Margin",
        currency_field="kpi_currency_id",
        compute="_compute_kpi_figures",
        groups=READERS,
        help="From the order lines if they keep their cost, otherwise revenue times the margin "
        "rate in the settings.",
    )
    kpi_roi = NullableFloat(
        "Return on investment",
        compute="_compute_kpi_figures",
        groups=READERS,
        help="(Margin - cost) / cost. Empty without a cost.",
    )

    @api.depends_context("company")
    def _compute_kpi_figures(self):
        company = self.env.company
        mine = Domain("campaign_id", "in", self.ids) & Domain("company_id", "=", company.id)
        # superuser: sums over all salespeople; the fields' group may read all values
        costs = dict(
            self.env["crm.kpi.cost"].sudo()._read_group(mine, ["campaign_id"], ["amount:sum"])
        )
        orders = self.env["sale.order"].sudo()
        sold = mine & Domain("kpi_is_qualifying", "=", True)
        totals = {
            campaign: figures
            for campaign, *figures in orders._read_group(
                sold, ["campaign_id"], ["__count", "kpi_amount:sum", "kpi_margin:sum"]
            )
        }
        first = sold & Domain("kpi_order_no", "=", 1)
        newcomers = dict(orders._read_group(first, ["campaign_id"], ["__count"]))
        for campaign in self:
            cost = costs.get(campaign, 0.0)
            new = newcomers.get(campaign, 0)
            count, revenue, margin = totals.get(campaign, (0, 0.0, 0.0))
            campaign.kpi_currency_id = company.currency_id
            campaign.kpi_cost = cost
            campaign.kpi_orders_new = new
            campaign.kpi_orders_existing = count - new
            campaign.kpi_revenue = revenue
            campaign.kpi_margin = margin
            campaign.kpi_roi = (margin - cost) / cost if cost > 0 else None

    def action_kpi_costs(self):
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_kpi.crm_kpi_cost_action")
        action["domain"] = [("campaign_id", "in", self.ids)]
        action["context"] = {"default_campaign_id": self.id, "default_kind": "marketing"}
        return action
