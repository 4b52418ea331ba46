# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The place of an order among the orders of its customer: first, repeat, cross-sell, upsell.

A *customer* is a commercial partner as seen by one company. Orders are ranked by order date and
id. The lines of one order do not see each other: a first order with two categories is not a
cross-sell.
"""

from odoo.tools import SQL

from ..sql import with_queries

#: Fields of an order that :func:`order_history` computes.
HISTORY_FIELDS = (
    "kpi_order_no",
    "kpi_is_cross_sell",
    "kpi_is_upsell",
    "kpi_is_expansion",
    "kpi_cross_sell_amount",
    "kpi_upsell_amount",
    "kpi_days_to_second",
    "kpi_first90_amount",
    "kpi_gap_days",
)


def order_history(customers, zones, external, goods):
    """``id`` and :data:`HISTORY_FIELDS` of all orders of some customers.

    :param SQL customers: query of two columns, company and commercial partner
    :param zones: pairs ``(id of the company, name of its time zone)``
    :param SQL external: condition that the partner of ``customer`` is a customer
    :param SQL goods: condition that the line ``l`` sells something for money
    """
    return with_queries(
        {
            "customer": SQL("SELECT * FROM (%s) AS c (company_id, partner_id)", customers),
            "zone": SQL(
                "SELECT * FROM (VALUES %s) AS z (company_id, tz)",
                SQL(", ").join(SQL("(%s, %s)", *zone) for zone in zones),
            ),
            "ordered": orders_of_customers(external),
            "ranked": ranked_orders(),
            "beginning": beginnings(),
            "line": lines_of_customers(goods),
            "seen": lines_with_past(),
            "judged": judged_lines(),
            "sold_more": sums_of_judged_lines(),
        },
        SQL(
            """
            SELECT o.id,
                   r.position::int AS kpi_order_no,
                   COALESCE(s.cross_sell, FALSE) AS kpi_is_cross_sell,
                   COALESCE(s.upsell, FALSE) AS kpi_is_upsell,
                   COALESCE(s.cross_sell OR s.upsell, FALSE) AS kpi_is_expansion,
                   round(s.cross_sell_amount / currency.rounding) * currency.rounding
                       AS kpi_cross_sell_amount,
                   round(s.upsell_amount / currency.rounding) * currency.rounding
                       AS kpi_upsell_amount,
                   b.days_to_second::float8 AS kpi_days_to_second,
                   b.first90_amount AS kpi_first90_amount,
                   r.gap_days AS kpi_gap_days
              FROM ordered o
              JOIN res_company company ON company.id = o.company_id
              JOIN res_currency currency ON currency.id = company.currency_id
         LEFT JOIN ranked r ON r.id = o.id
         LEFT JOIN beginning b ON b.id = o.id
         LEFT JOIN sold_more s ON s.id = o.id
            """
        ),
    )


def orders_of_customers(external):
    """All orders: ``id``, ``company_id``, ``partner_id``, ``date_order``, ``kpi_amount``,
    ``rate``, ``day`` (in the time zone of the company), ``qualifying``."""
    return SQL(
        """
        SELECT o.id, o.company_id, customer.partner_id, o.date_order, o.kpi_amount,
               NULLIF(o.currency_rate, 0) AS rate,
               (o.date_order AT TIME ZONE 'UTC' AT TIME ZONE zone.tz)::date AS day,
               o.kpi_is_qualifying AND %s AS qualifying
          FROM customer
          JOIN zone ON zone.company_id = customer.company_id
          JOIN res_partner p ON p.commercial_partner_id = customer.partner_id
          JOIN sale_order o ON o.partner_id = p.id AND o.company_id = customer.company_id
        """,
        external,
    )


def ranked_orders():
    """Qualifying orders: the columns of ``ordered``, and ``position``, ``first_at``,
    ``first_day``, ``gap_days``."""
    return SQL(
        """
        SELECT id, company_id, partner_id, date_order, kpi_amount, rate, day,
               row_number() OVER history AS position,
               first_value(date_order) OVER history AS first_at,
               first_value(day) OVER history AS first_day,
               NULLIF(day - lag(day) OVER history, 0) AS gap_days
          FROM ordered
         WHERE qualifying
        WINDOW history AS (PARTITION BY company_id, partner_id ORDER BY date_order, id)
        """
    )


def beginnings():
    """First order of each customer: ``id``, ``days_to_second``, ``first90_amount``."""
    return SQL(
        """
        SELECT min(id) FILTER (WHERE position = 1) AS id,
               EXTRACT(EPOCH FROM min(date_order) FILTER (WHERE day > first_day)
                                  - min(first_at)) / 86400 AS days_to_second,
               sum(kpi_amount) FILTER (WHERE date_order < first_at + interval '90 days')
                   AS first90_amount
          FROM ranked
      GROUP BY company_id, partner_id
        """
    )


def lines_of_customers(goods):
    """Lines of qualifying orders: ``order_id``, ``company_id``, ``partner_id``, ``position``,
    ``template_id``, ``categ_id``, ``dearer`` (factor of the settings), ``amount`` and ``price``
    (per unit of the product), both in company currency."""
    return SQL(
        """
        SELECT r.id AS order_id, r.company_id, r.partner_id, r.position,
               t.id AS template_id,
               COALESCE(l.kpi_categ_id, t.categ_id) AS categ_id,
               1 + COALESCE(co.kpi_upsell_margin, 0)::numeric AS dearer,
               l.price_subtotal / COALESCE(r.rate, 1) AS amount,
               round(l.price_subtotal / COALESCE(r.rate, 1)
                     / (l.product_uom_qty
                        * COALESCE(u.factor, 1) / COALESCE(tu.factor, 1)), 6) AS price
          FROM ranked r
          JOIN res_company co ON co.id = r.company_id
          JOIN sale_order_line l ON l.order_id = r.id
          JOIN product_product pp ON pp.id = l.product_id
          JOIN product_template t ON t.id = pp.product_tmpl_id
     LEFT JOIN uom_uom u ON u.id = l.product_uom_id
     LEFT JOIN uom_uom tu ON tu.id = t.uom_id
         WHERE %s
        """,
        goods,
    )


def lines_with_past():
    """Lines with what the customer ordered before: ``order_id``, ``position``, ``categ_id``,
    ``amount``, ``price``, ``dearer``, ``before_in_category``, ``highest_price`` (in the
    category), ``before_of_product``."""
    return SQL(
        """
        SELECT order_id, position, categ_id, amount, price, dearer,
               count(*) OVER of_category AS before_in_category,
               max(price) OVER of_category AS highest_price,
               count(*) OVER of_product AS before_of_product
          FROM line
        WINDOW of_category AS (
                   PARTITION BY company_id, partner_id, categ_id ORDER BY position
                   GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
               of_product AS (
                   PARTITION BY company_id, partner_id, template_id ORDER BY position
                   GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        """
    )


def judged_lines():
    """Lines of repeat orders: ``order_id``, ``amount``, ``cross_sell``, ``upsell``."""
    return SQL(
        """
        SELECT order_id, amount,
               before_in_category = 0 AS cross_sell,
               before_in_category > 0 AND before_of_product = 0
                   AND price >= dearer * highest_price AS upsell
          FROM seen
         WHERE position > 1 AND categ_id IS NOT NULL
        """
    )


def sums_of_judged_lines():
    """``id``, ``cross_sell``, ``upsell``, ``cross_sell_amount``, ``upsell_amount``."""
    return SQL(
        """
        SELECT order_id AS id,
               bool_or(cross_sell) AS cross_sell,
               bool_or(upsell) AS upsell,
               sum(amount) FILTER (WHERE cross_sell) AS cross_sell_amount,
               sum(amount) FILTER (WHERE upsell) AS upsell_amount
          FROM judged
      GROUP BY order_id
        """
    )
