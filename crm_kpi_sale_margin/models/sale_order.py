# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.crm_kpi.sql import Derived

# fields that _kpi_cost_query() computes
COST_FIELDS = ("kpi_goods_line_count", "kpi_costless_line_count")


class SaleOrder(models.Model):
    _inherit = "sale.order"

    kpi_goods_line_count = fields.Integer(
        "Lines of goods and services",
        readonly=True,
        copy=False,
        help="Lines of a confirmed order that sell something. Delivery, discounts, rewards and "
        "down payments do not count.",
    )
    kpi_costless_line_count = fields.Integer(
        "Lines without cost",
        readonly=True,
        copy=False,
        help="Number of these lines without a cost: their whole price counts as margin.",
    )

    def _compute_margin(self):
        result = super()._compute_margin()
        # costs are also computed, which write() does not see
        orders = self.filtered(lambda order: order.state == "sale")
        orders._kpi_mark_dirty(orders._ids)
        return result

    @api.model
    def _kpi_margin_sql(self):
        # the margin is in the currency of the order, with the costs at its time
        return SQL("COALESCE(o.margin, 0) / COALESCE(NULLIF(o.currency_rate, 0), 1)")

    @api.model
    def _kpi_derived(self, ids):
        return {
            **super()._kpi_derived(ids),
            "cost": Derived(COST_FIELDS, self._kpi_cost_query(ids)),
        }

    @api.model
    def _kpi_cost_query(self, ids):
        """Query of the number of lines that the margin of orders comes from.

        :param ids: ids of the orders
        :return: SQL with the columns ``id`` and COST_FIELDS
        """
        return SQL(
            """
            WITH counted AS (
                SELECT o.id, count(*)::int4 AS lines,
                       (count(*) FILTER (WHERE COALESCE(l.purchase_price, 0) = 0))::int4
                           AS costless
                  FROM sale_order o
                  JOIN res_company co ON co.id = o.company_id
                  JOIN sale_order_line l ON l.order_id = o.id
                  JOIN product_product pp ON pp.id = l.product_id
                  JOIN product_template t ON t.id = pp.product_tmpl_id
                 WHERE o.id = ANY(%(ids)s) AND o.state = 'sale' AND %(goods)s
              GROUP BY o.id
            )
            SELECT o.id,
                   c.lines AS kpi_goods_line_count,
                   c.costless AS kpi_costless_line_count
              FROM sale_order o
         LEFT JOIN counted c ON c.id = o.id
             WHERE o.id = ANY(%(ids)s)
            """,
            ids=list(ids),
            goods=self._kpi_goods_condition(),
        )
