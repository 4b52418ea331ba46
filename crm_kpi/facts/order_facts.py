# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The value and the content of an order: margin, discount, items, samples, renewal."""

from typing import NamedTuple

from odoo.tools import SQL

from ..sql import with_queries

#: Fields of an order that :func:`order_facts` computes.
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
#: Quantity of the line ``l`` in the unit of its product (``u``, ``tu``: units of both).
QUANTITY = SQL("(l.product_uom_qty * COALESCE(u.factor, 1) / COALESCE(NULLIF(tu.factor, 0), 1))")
#: Orders ``o`` with their company ``co``, lines ``l``, products ``pp``, templates ``t``.
LINES = SQL(
    """
    sale_order o
              JOIN res_company co ON co.id = o.company_id
              JOIN sale_order_line l ON l.order_id = o.id
              JOIN product_product pp ON pp.id = l.product_id
              JOIN product_template t ON t.id = pp.product_tmpl_id
         LEFT JOIN uom_uom u ON u.id = l.product_uom_id
         LEFT JOIN uom_uom tu ON tu.id = t.uom_id
    """
)


class Rules(NamedTuple):
    """SQL conditions and expressions that addons may change."""

    #: the line ``l`` sells something for money; the same at any price; it is a discount
    goods: SQL
    saleable: SQL
    rebate: SQL
    #: the order ``o`` is a quotation that was sent to a customer
    quotation: SQL
    #: margin of the order ``o`` in the currency of its company ``co``
    margin: SQL
    #: ``parent_path`` of the units that are pieces: ``LIKE`` pattern
    pieces: str


def order_facts(ids, rules):
    """``id`` and :data:`FACT_FIELDS` of the orders ``ids``.

    :param Rules rules: what counts
    """
    return with_queries(
        {
            "line": order_lines(ids, rules),
            "basket": baskets(),
            "sample": samples(ids),
        },
        SQL(
            """
            SELECT o.id,
                   %(quotation)s AS kpi_is_quotation,
                   CASE WHEN %(quotation)s AND o.kpi_first_confirm_date >= o.kpi_sent_date
                        THEN EXTRACT(EPOCH FROM o.kpi_first_confirm_date - o.kpi_sent_date)::float8
                             / 86400 END AS kpi_quote_to_order_days,
                   CASE WHEN o.state = 'sale'
                        THEN round((%(margin)s)::numeric / cu.rounding) * cu.rounding
                    END AS kpi_margin,
                   round(basket.list_amount / cu.rounding) * cu.rounding AS kpi_list_amount,
                   round(basket.discount / cu.rounding) * cu.rounding AS kpi_discount_amount,
                   basket.items::float8 AS kpi_item_count,
                   basket.products::int4 AS kpi_product_count,
                   sample.quantity::float8 AS kpi_sample_qty,
                   EXISTS (SELECT FROM sale_order_tag_rel tag
                            WHERE tag.order_id = o.id AND tag.tag_id = co.kpi_renewal_tag_id
                          ) AS kpi_is_renewal
              FROM sale_order o
              JOIN res_company co ON co.id = o.company_id
              JOIN res_currency cu ON cu.id = co.currency_id
         LEFT JOIN basket ON basket.id = o.id
         LEFT JOIN sample ON sample.id = o.id
             WHERE o.id = ANY(%(ids)s)
            """,
            ids=list(ids),
            quotation=SQL("(%s)", rules.quotation),
            margin=rules.margin,
        ),
    )


def order_lines(ids, rules):
    """Lines of qualifying orders: ``order_id``, ``template_id``, ``quantity``, ``in_pieces``,
    ``amount`` and ``list_amount`` (in company currency), ``is_goods``, ``has_price``,
    ``is_rebate``.

    The list amount is the price before the discount. Where the price includes taxes, it comes
    from the untaxed amount. A line with a discount of 100 % is not sold, but has a price.
    """
    return SQL(
        """
        SELECT l.order_id, t.id AS template_id, %(quantity)s AS quantity,
               COALESCE(tu.parent_path LIKE %(pieces)s, FALSE) AS in_pieces,
               l.price_subtotal / rate.value AS amount,
               CASE WHEN abs(price.value * (1 - COALESCE(l.discount, 0) / 100)
                             - l.price_subtotal) < order_currency.rounding
                    THEN price.value
                    ELSE l.price_subtotal / NULLIF(1 - COALESCE(l.discount, 0) / 100, 0)
                END / rate.value AS list_amount,
               %(goods)s AS is_goods,
               %(goods)s OR %(saleable)s AND l.discount >= 100 AS has_price,
               COALESCE(%(rebate)s, FALSE) AS is_rebate
          FROM %(lines)s
          JOIN res_currency order_currency ON order_currency.id = o.currency_id
    CROSS JOIN LATERAL (SELECT COALESCE(NULLIF(o.currency_rate, 0), 1) AS value) rate
    CROSS JOIN LATERAL (SELECT l.price_unit * l.product_uom_qty AS value) price
         WHERE o.id = ANY(%(ids)s) AND l.order_id = ANY(%(ids)s) AND o.kpi_is_qualifying AND l.display_type IS NULL
        """,
        ids=list(ids),
        lines=LINES,
        quantity=QUANTITY,
        pieces=rules.pieces,
        goods=SQL("(%s)", rules.goods),
        saleable=SQL("(%s)", rules.saleable),
        rebate=rules.rebate,
    )


def baskets():
    """Sums over the lines of an order: ``id``, ``list_amount``, ``discount``, ``items``,
    ``products``."""
    return SQL(
        """
        SELECT order_id AS id,
               sum(list_amount) FILTER (WHERE has_price) AS list_amount,
               COALESCE(sum(list_amount - amount) FILTER (WHERE has_price), 0)
                   - COALESCE(sum(amount) FILTER (WHERE is_rebate), 0) AS discount,
               sum(CASE WHEN in_pieces THEN quantity ELSE 1 END) FILTER (WHERE is_goods) AS items,
               count(DISTINCT template_id) FILTER (WHERE is_goods) AS products
          FROM line
      GROUP BY order_id
        """
    )


def samples(ids):
    """Quantity of products with the sample tag of the company: ``id``, ``quantity``."""
    return SQL(
        """
        SELECT o.id, sum(%(quantity)s) AS quantity
          FROM %(lines)s
         WHERE o.id = ANY(%(ids)s) AND l.order_id = ANY(%(ids)s) AND o.state = 'sale'
           AND l.display_type IS NULL AND l.is_downpayment IS NOT TRUE
           AND (EXISTS (SELECT FROM product_tag_product_template_rel tag
                         WHERE tag.product_template_id = t.id
                           AND tag.product_tag_id = co.kpi_sample_tag_id)
                OR EXISTS (SELECT FROM product_tag_product_product_rel tag
                            WHERE tag.product_product_id = pp.id
                              AND tag.product_tag_id = co.kpi_sample_tag_id))
      GROUP BY o.id
        """,
        ids=list(ids),
        lines=LINES,
        quantity=QUANTITY,
    )
