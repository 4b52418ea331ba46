# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import random
from datetime import timedelta

from odoo.tools import SQL, date_utils

from ..history.catalog import SELLERS
from .base import Story

SEED = 56
#: Costs go back this number of months.
MONTHS_OF_COSTS = 19
#: Margin of order lines without a cost.
MARGIN_RATE = 0.42
SALARIES = {0: 4200, 1: 3700, 2: 3300}  # monthly, by team
#: Description, kind, amount per month.
OVERHEADS = (
    ("Sales office", "sales", 3800),
    ("Agency", "marketing", 2900),
    ("Trade magazines", "marketing", 1400),
    ("Service desk", "service", 8600),
)
#: Title, months ago it began, days it ran, cost, days the cost is for, share of the orders.
CAMPAIGNS = (
    ("Search ads", 18, 560, 24_000, 560, 0.06),
    ("Office fair", 15, 80, 11_500, 5, 0.09),
    ("Ergonomics newsletter", 12, 150, 2_600, 150, 0.05),
    ("Call campaign: quiet zones", 9, 90, 6_200, 40, 0.05),
    ("Workspace trade fair", 6, 80, 13_500, 4, 0.09),
    ("Customer days", 4, 110, 4_100, 2, 0.06),
)


def months_of_costs(today):
    """First days of the months with costs, up to the present one."""
    return [
        date_utils.start_of(date_utils.subtract(today, months=back), "month")
        for back in range(MONTHS_OF_COSTS, -1, -1)
    ]


class CostStory(Story):
    """Costs of all kinds, and campaigns with their orders."""

    name = "cost"

    def create_records(self):
        generator = random.Random(SEED)  # noqa: S311
        sold = self.demo.orders.filtered(lambda order: order.state == "sale")
        self._create_campaigns(sold, self.demo.today, generator)

    def create_kpi_records(self):
        self.env.company.kpi_margin_rate = MARGIN_RATE
        costs = self.env["crm.kpi.cost"]
        if not costs.search_count([("company_id", "=", self.env.company.id)], limit=1):
            today = self.demo.today
            costs.create(
                self._cost_values(self.demo.sellers, self.demo.teams, months_of_costs(today), today)
            )
            costs.create(self._campaign_cost_values(self.demo.named("campaign"), today))

    def _cost_values(self, sellers, teams, months, today):
        values = []
        for month in months:
            span = {"date_first": month, "date_last": date_utils.end_of(month, "month")}
            age = (today.year - month.year) * 12 + today.month - month.month
            for seller, user in zip(SELLERS, sellers, strict=True):
                if seller.left <= age <= seller.joined:
                    values.append(
                        {
                            **span,
                            "name": f"Salary {seller.name}",
                            "kind": "sales",
                            "amount": SALARIES[seller.team],
                            "user_id": user.id,
                            "team_id": teams[seller.team].id,
                        }
                    )
            for name, kind, amount in OVERHEADS:
                # savings: customers solve simple requests themselves
                saved = 0.82 if kind == "service" and age < 9 else 1.0
                values.append({**span, "name": name, "kind": kind, "amount": amount * saved})
        return values

    def _campaign_cost_values(self, campaigns, today):
        values = []
        for campaign, (title, ago, _days, cost, paid, _share) in zip(
            campaigns, CAMPAIGNS, strict=True
        ):
            first = today - timedelta(days=round(ago * 30.4))
            values.append(
                {
                    "name": title,
                    "kind": "marketing",
                    "date_first": first,
                    "date_last": first + timedelta(days=paid - 1),
                    "amount": cost,
                    "campaign_id": campaign.id,
                }
            )
        return values

    def _create_campaigns(self, orders, today, generator):
        """Campaigns, and the orders that come from them."""
        campaigns = self.env["utm.campaign"].create(
            [
                {"title": title, "user_id": self.demo.user("manager").id}
                for title, *_rest in CAMPAIGNS
            ]
        )
        shares = []
        for campaign, (_title, ago, days, _cost, _paid, share) in zip(
            campaigns, CAMPAIGNS, strict=True
        ):
            first = today - timedelta(days=round(ago * 30.4))
            shares.append((first, first + timedelta(days=days), share, campaign.id))
        found = []
        for order in orders:
            day = order.date_order.date()
            running = [(share, id_) for first, last, share, id_ in shares if first <= day < last]
            draw = generator.random()
            for share, campaign_id in running:
                if draw < share:
                    found.append((order.id, campaign_id))
                    break
                draw -= share
        self.env.cr.execute(
            SQL(
                """
                WITH found AS (
                    SELECT * FROM unnest(%s::int[], %s::int[]) AS pair (order_id, campaign_id)
                ), sale AS (
                    UPDATE sale_order sale
                       SET campaign_id = found.campaign_id
                      FROM found
                     WHERE found.order_id = sale.id
                 RETURNING sale.opportunity_id, sale.campaign_id
                )
                UPDATE crm_lead lead
                   SET campaign_id = sale.campaign_id
                  FROM sale
                 WHERE sale.opportunity_id = lead.id
                """,
                [order_id for order_id, _campaign in found],
                [campaign_id for _order, campaign_id in found],
            )
        )
        self.env.invalidate_all()
        self.demo.name_records("campaign", campaigns)
