# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What an order is worth and what is in it, and the deal it was quoted for.

All of it is derived in sets from the order, its lines and its company's settings. A *deal* is
an opportunity with all its quotations (alternatives and revisions), or a quotation without
opportunity.
"""

from odoo import api, fields, models
from odoo.tools import SQL

from ...fields import NullableFloat

# what an order is by itself, see _kpi_facts_query()
FACT_FIELDS = (
    "kpi_is_quotation",
    "kpi_quote_to_order_days",
    "kpi_margin",
    "kpi_list_amount",
    "kpi_discount_amount",
    "kpi_item_count",
    "kpi_product_count",
    "kpi_sample_qty",
    "kpi_is_renewal",
)
# what it is among the quotations of its deal, see _kpi_deal_query()
DEAL_FIELDS = ("kpi_is_quote_head", "kpi_quote_accept_days")
# the order's own fields that the facts come from, beside those that its history comes from
FACT_TRIGGERS = {"currency_id", "opportunity_id", "pricelist_id", "tag_ids"}


class SaleOrder(models.Model):
    _inherit = "sale.order"  # pylint: disable=consider-merging-classes-inherited

    kpi_is_quotation = fields.Boolean(
        "Counts as quotation",
        readonly=True,
        copy=False,
        help="It was sent to the customer, or sold directly.",
    )
    kpi_is_quote_head = fields.Boolean(
        "First quotation of the deal",
        readonly=True,
        copy=False,
        help="The quotation that was sent first among those of an opportunity, or the only one. "
        "It stands for the deal: alternatives and revisions do not count again.",
    )
    kpi_quote_accept_days = NullableFloat(
        "Days to acceptance",
        readonly=True,
        copy=False,
        aggregator="avg",
        help="On the first quotation of a deal: days until any quotation of the deal was "
        "confirmed for the first time.",
    )
    kpi_quote_to_order_days = NullableFloat(
        "Days from quotation to order",
        readonly=True,
        copy=False,
        aggregator="avg",
        help="From the first sending to the first confirmation.",
    )
    kpi_margin = fields.Monetary(
        "Margin (company currency)",
        currency_field="kpi_currency_id",
        readonly=True,
        copy=False,
        help="Confirmed orders: the untaxed amount times the margin rate of the company, or the "
        "margin over the cost of the lines where costs are kept.",
    )
    kpi_list_amount = fields.Monetary(
        "Amount before discount",
        currency_field="kpi_currency_id",
        readonly=True,
        copy=False,
        help="Untaxed value of the goods and services before discounts, in company currency.",
    )
    kpi_discount_amount = fields.Monetary(
        "Discount",
        currency_field="kpi_currency_id",
        readonly=True,
        copy=False,
        help="Untaxed, in company currency: discounts of the lines, of the whole order and "
        "rewards. A pricelist that hides its discount in the price is none.",
    )
    kpi_item_count = NullableFloat(
        "Items",
        readonly=True,
        copy=False,
        help="Pieces sold; a pack counts its pieces. What is sold by the hour, weight or length "
        "counts one per line.",
    )
    kpi_product_count = fields.Integer(
        "Different products",
        readonly=True,
        copy=False,
        help="Products told apart, their variants not. Delivery, discounts, rewards and down "
        "payments are none.",
    )
    kpi_sample_qty = NullableFloat(
        "Samples",
        readonly=True,
        copy=False,
        help="Quantity of products that carry the sample tag of the settings.",
    )
    kpi_is_renewal = fields.Boolean(
        "Renewal",
        readonly=True,
        copy=False,
        help="The order carries the renewal tag of the settings.",
    )

    # ------------------------------------------------------------------
    # marking
    # ------------------------------------------------------------------
    @api.model
    def _kpi_trigger_fields(self):
        return super()._kpi_trigger_fields() | FACT_TRIGGERS

    def write(self, vals):
        if "opportunity_id" in vals:
            self._kpi_mark_deals()
        return super().write(vals)

    def unlink(self):
        self._kpi_mark_deals()
        return super().unlink()

    def _kpi_mark_deals(self):
        """Mark the quotations of the deals that these are about to leave."""
        # superuser: only marks ids, a deal is all its quotations
        self._kpi_mark_orders(SQL("opportunity_id = ANY(%s)", self.sudo().opportunity_id.ids))

    @api.model
    def _kpi_mark_orders(self, condition):
        """Mark the orders that fulfil an SQL condition on the table sale_order."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "INSERT INTO crm_kpi_dirty (res_model, res_id)"
                " SELECT 'sale.order', id FROM sale_order WHERE %s",
                condition,
            )
        )

    @api.model
    def _kpi_mark_products(self, products):
        """Mark the orders with a line of these variants."""
        self._kpi_mark_orders(
            SQL(
                "id IN (SELECT order_id FROM sale_order_line WHERE product_id = ANY(%s))",
                products.ids,
            )
        )

    # ------------------------------------------------------------------
    # deriving
    # ------------------------------------------------------------------
    @api.model
    def _kpi_derive_records(self, ids):
        result = super()._kpi_derive_records(ids)
        if ids:
            self._kpi_update(FACT_FIELDS, self._kpi_facts_query(ids))
            self._kpi_update(DEAL_FIELDS, self._kpi_deal_query(ids))
        return result

    @api.model
    def _kpi_quotation_condition(self):
        """SQL condition that an order (alias o) is a quotation that went to a customer."""
        return SQL("o.kpi_sent_date IS NOT NULL")

    @api.model
    def _kpi_margin_sql(self):
        """SQL of the margin of an order (alias o; co: its company) in company currency."""
        return SQL("o.kpi_amount * COALESCE(co.kpi_margin_rate, 1)")

    @api.model
    def _kpi_rebate_condition(self):
        """SQL condition of a line (alias l; co: the company) that is a discount itself."""
        conditions = [
            SQL("l.product_id = co.sale_discount_product_id"),
            SQL("l.extra_tax_data->>'computation_key' LIKE 'global_discount,%%'"),
        ]
        if "reward_id" in self.env["sale.order.line"]._fields:
            conditions.append(SQL("l.reward_id IS NOT NULL"))
        return SQL("(%s)", SQL(" OR ").join(conditions))

    @api.model
    def _kpi_facts_query(self, ids):
        """Query of what orders are by themselves.

        :param ids: ids of the orders
        :return: SQL with the columns ``id`` and FACT_FIELDS
        """
        return SQL(
            """
            WITH line AS (
                SELECT l.order_id, t.id AS template_id, %(quantity)s AS quantity,
                       COALESCE(tu.parent_path LIKE %(pieces)s, FALSE) AS in_pieces,
                       l.price_subtotal / COALESCE(NULLIF(o.currency_rate, 0), 1) AS amount,
                       -- the price before discount; where it contains taxes, the untaxed
                       -- amount has to tell
                       CASE WHEN abs(l.price_unit * l.product_uom_qty * (1 - COALESCE(l.discount, 0) / 100)
                                     - l.price_subtotal) < oc.rounding
                            THEN l.price_unit * l.product_uom_qty
                            ELSE l.price_subtotal / NULLIF(1 - COALESCE(l.discount, 0) / 100, 0)
                        END / COALESCE(NULLIF(o.currency_rate, 0), 1) AS list_amount,
                       %(goods)s AS is_goods,
                       -- what is given away was not sold, but it had a price
                       %(goods)s OR %(saleable)s AND l.discount >= 100 AS has_price,
                       COALESCE(%(rebate)s, FALSE) AS is_rebate
                  FROM sale_order o
                  JOIN res_company co ON co.id = o.company_id
                  JOIN res_currency oc ON oc.id = o.currency_id
                  JOIN sale_order_line l ON l.order_id = o.id
                  JOIN product_product pp ON pp.id = l.product_id
                  JOIN product_template t ON t.id = pp.product_tmpl_id
             LEFT JOIN uom_uom u ON u.id = l.product_uom_id
             LEFT JOIN uom_uom tu ON tu.id = t.uom_id
                 WHERE o.id = ANY(%(ids)s) AND o.kpi_is_qualifying
                   AND l.display_type IS NULL
            ),
            basket AS (
                SELECT order_id AS id,
                       sum(list_amount) FILTER (WHERE has_price) AS list_amount,
                       COALESCE(sum(list_amount - amount) FILTER (WHERE has_price), 0)
                           - COALESCE(sum(amount) FILTER (WHERE is_rebate), 0) AS discount,
                       sum(CASE WHEN in_pieces THEN quantity ELSE 1 END)
                           FILTER (WHERE is_goods) AS items,
                       count(DISTINCT template_id) FILTER (WHERE is_goods) AS products
                  FROM line
              GROUP BY order_id
            ),
            sample AS (
                SELECT o.id, sum(%(quantity)s) AS quantity
                  FROM sale_order o
                  JOIN res_company co ON co.id = o.company_id
                  JOIN sale_order_line l ON l.order_id = o.id
                  JOIN product_product pp ON pp.id = l.product_id
                  JOIN product_template t ON t.id = pp.product_tmpl_id
             LEFT JOIN uom_uom u ON u.id = l.product_uom_id
             LEFT JOIN uom_uom tu ON tu.id = t.uom_id
                 WHERE o.id = ANY(%(ids)s) AND o.state = 'sale'
                   AND l.display_type IS NULL AND l.is_downpayment IS NOT TRUE
                   AND (EXISTS (SELECT FROM product_tag_product_template_rel r
                                 WHERE r.product_template_id = t.id
                                   AND r.product_tag_id = co.kpi_sample_tag_id)
                        OR EXISTS (SELECT FROM product_tag_product_product_rel r
                                    WHERE r.product_product_id = pp.id
                                      AND r.product_tag_id = co.kpi_sample_tag_id))
              GROUP BY o.id
            )
            SELECT o.id,
                   %(quotation)s AS kpi_is_quotation,
                   CASE WHEN %(quotation)s AND o.kpi_first_confirm_date >= o.kpi_sent_date
                        THEN EXTRACT(EPOCH FROM o.kpi_first_confirm_date - o.kpi_sent_date)::float8
                             / 86400 END AS kpi_quote_to_order_days,
                   CASE WHEN o.state = 'sale'
                        THEN round((%(margin)s)::numeric / cu.rounding) * cu.rounding
                    END AS kpi_margin,
                   round(b.list_amount / cu.rounding) * cu.rounding AS kpi_list_amount,
                   round(b.discount / cu.rounding) * cu.rounding AS kpi_discount_amount,
                   b.items::float8 AS kpi_item_count,
                   b.products::int4 AS kpi_product_count,
                   s.quantity::float8 AS kpi_sample_qty,
                   EXISTS (SELECT FROM sale_order_tag_rel r
                            WHERE r.order_id = o.id AND r.tag_id = co.kpi_renewal_tag_id
                          ) AS kpi_is_renewal
              FROM sale_order o
              JOIN res_company co ON co.id = o.company_id
              JOIN res_currency cu ON cu.id = co.currency_id
         LEFT JOIN basket b ON b.id = o.id
         LEFT JOIN sample s ON s.id = o.id
             WHERE o.id = ANY(%(ids)s)
            """,
            ids=list(ids),
            quantity=SQL(
                "(l.product_uom_qty * COALESCE(u.factor, 1) / COALESCE(NULLIF(tu.factor, 0), 1))"
            ),
            # the unit of the product is pieces or packs of them
            pieces=f"{self.env.ref('uom.product_uom_unit').id}/%",
            goods=SQL("(%s)", self._kpi_goods_condition()),
            saleable=SQL("(%s)", self._kpi_saleable_condition()),
            rebate=self._kpi_rebate_condition(),
            quotation=SQL("(%s)", self._kpi_quotation_condition()),
            margin=self._kpi_margin_sql(),
        )

    @api.model
    def _kpi_deal_query(self, ids):
        """Query of the place of all quotations in the deals that some orders belong to.

        :param ids: ids of the orders
        :return: SQL with the columns ``id`` and DEAL_FIELDS
        """
        return SQL(
            """
            WITH member AS (
                SELECT o.id, o.company_id, -o.id AS deal_id, o.kpi_sent_date,
                       o.kpi_first_confirm_date, %(quotation)s AS is_quotation
                  FROM sale_order o
                 WHERE o.id = ANY(%(ids)s) AND o.opportunity_id IS NULL
             UNION ALL
                SELECT o.id, o.company_id, o.opportunity_id, o.kpi_sent_date,
                       o.kpi_first_confirm_date, %(quotation)s
                  FROM sale_order o
                 WHERE o.opportunity_id IN (
                           SELECT opportunity_id FROM sale_order WHERE id = ANY(%(ids)s))
            ),
            ranked AS (
                SELECT id, kpi_sent_date,
                       row_number() OVER (
                           PARTITION BY company_id, deal_id ORDER BY kpi_sent_date, id) AS no,
                       min(kpi_first_confirm_date) OVER (
                           PARTITION BY company_id, deal_id) AS accepted_at
                  FROM member
                 WHERE is_quotation
            )
            SELECT m.id,
                   COALESCE(r.no = 1, FALSE) AS kpi_is_quote_head,
                   CASE WHEN r.no = 1 AND r.accepted_at >= r.kpi_sent_date
                        THEN EXTRACT(EPOCH FROM r.accepted_at - r.kpi_sent_date)::float8 / 86400
                    END AS kpi_quote_accept_days
              FROM member m
         LEFT JOIN ranked r ON r.id = m.id
            """,
            ids=list(ids),
            quotation=SQL("(%s)", self._kpi_quotation_condition()),
        )
