# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.tools import SQL

from odoo.addons.crm_kpi.demo import history
from odoo.addons.crm_kpi.models.demo.crm_kpi_demo import SILENT

#: Cost as a share of the list price; nobody ever entered that of the services.
COST_SHARES = {
    "Desks": 0.58,
    "Chairs": 0.54,
    "Storage": 0.62,
    "Lighting": 0.50,
    "Acoustics": 0.66,
}
#: What purchasing costs more from one year to the next.
YEARLY_RISE = 0.04

#: Fields that are computed from the margins of orders.
MARGINS = ("kpi_margin", "ltv_margin", "margin_year")


class CrmKpiDemo(models.AbstractModel):
    _inherit = "crm.kpi.demo"

    @api.model
    def _load_costs(self):
        """Costs of the products and of the orders of the demo data; called by its file."""
        if not self._known("customer_0"):
            return
        # superuser: called while the module is installed, for the whole company
        self = self.with_context(**SILENT).sudo()
        costs = {
            name: round(price * share, 2)
            for category, share in COST_SHARES.items()
            for name, price in history.PRODUCTS[category]
        }
        products = self.env["product.product"].search([("name", "in", list(costs))])
        for product in products:
            product.standard_price = costs[product.name]
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                UPDATE sale_order_line l
                   SET purchase_price = c.purchase_price,
                       margin = l.price_subtotal - c.purchase_price * l.product_uom_qty
                  FROM (SELECT l.id,
                               -- it cost less in the past
                               round(v.cost / power(1 + %(rise)s, GREATEST(0,
                                   EXTRACT(EPOCH FROM now() AT TIME ZONE 'UTC' - o.date_order)
                                   / 31557600))::numeric, 2) AS purchase_price
                          FROM sale_order_line l
                          JOIN sale_order o ON o.id = l.order_id
                          JOIN unnest(%(products)s, %(costs)s::numeric[]) AS v (product_id, cost)
                               ON v.product_id = l.product_id) AS c
                 WHERE c.id = l.id
                """,
                rise=YEARLY_RISE,
                products=products.ids,
                costs=[costs[product.name] for product in products],
            )
        )
        self.env.cr.execute(
            """
            UPDATE sale_order_line SET margin = price_subtotal WHERE margin IS NULL;
            UPDATE sale_order o
               SET margin = s.margin,
                   margin_percent = CASE WHEN o.amount_untaxed <> 0
                                         THEN s.margin / o.amount_untaxed END
              FROM (SELECT order_id, sum(margin) AS margin
                      FROM sale_order_line GROUP BY order_id) AS s
             WHERE s.order_id = o.id
            """
        )
        self.env.invalidate_all()
        self.env["sale.order"]._kpi_mark_all_dirty()
        self._refresh_story(self._kpis_of_margins())

    @api.model
    def _kpis_of_margins(self):
        """The KPIs that costs change, also those of other addons, and the formulas over them."""
        result = self.env["crm.kpi"].search([("value_field", "in", MARGINS)])
        result |= self.env["crm.kpi"]._by_code(["costless_line_rate"])
        while formulas := result.search(
            [("component_ids", "in", result.ids), ("id", "not in", result.ids)]
        ):
            result |= formulas
        return result
