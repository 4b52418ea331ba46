# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo.tools import SQL

from ..history.catalog import PRODUCTS
from .base import Story

#: Cost as a share of the list price; services have no cost.
COST_SHARES = {
    "Desks": 0.58,
    "Chairs": 0.54,
    "Storage": 0.62,
    "Lighting": 0.50,
    "Acoustics": 0.66,
}
#: Yearly rise of the purchase prices.
YEARLY_RISE = 0.04


class MarginStory(Story):
    """Costs of the products, and the margins of the orders."""

    name = "margin"
    requires = ("crm_kpi_sale_margin",)
    derived = ("sale.order",)

    def create_records(self):
        costs = {
            name: round(price * share, 2)
            for category, share in COST_SHARES.items()
            for name, price in PRODUCTS[category]
        }
        products = self.env["product.product"].search([("name", "in", list(costs))])
        for product in products:
            product.standard_price = costs[product.name]
        self.env.flush_all()
        self._set_purchase_prices(products, [costs[product.name] for product in products])
        self._sum_margins()
        self.env.invalidate_all()

    def _set_purchase_prices(self, products, costs):
        """Purchase prices and margins of the order lines; prices were lower in the past."""
        self.env.cr.execute(
            SQL(
                """
                WITH price AS (
                    SELECT line.id,
                           round(product.cost / power(1 + %(rise)s, GREATEST(0,
                               EXTRACT(EPOCH FROM now() AT TIME ZONE 'UTC' - sale.date_order)
                               / 31557600))::numeric, 2) AS purchase_price
                      FROM sale_order_line line
                      JOIN sale_order sale ON sale.id = line.order_id
                      JOIN unnest(%(products)s, %(costs)s::numeric[]) AS product (id, cost)
                           ON product.id = line.product_id
                )
                UPDATE sale_order_line line
                   SET purchase_price = price.purchase_price,
                       margin = line.price_subtotal - price.purchase_price * line.product_uom_qty
                  FROM price
                 WHERE price.id = line.id
                """,
                rise=YEARLY_RISE,
                products=products.ids,
                costs=costs,
            )
        )

    def _sum_margins(self):
        """Margins of the lines without a cost, and of the orders."""
        self.env.cr.execute(
            """
            UPDATE sale_order_line SET margin = price_subtotal WHERE margin IS NULL;
            UPDATE sale_order sale
               SET margin = total.margin,
                   margin_percent = CASE WHEN sale.amount_untaxed <> 0
                                         THEN total.margin / sale.amount_untaxed END
              FROM (SELECT order_id, sum(margin) AS margin
                      FROM sale_order_line GROUP BY order_id) AS total
             WHERE total.order_id = sale.id
            """
        )
