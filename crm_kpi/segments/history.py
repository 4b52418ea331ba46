# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Order sizes and RFM classes of the past: from the orders, month by month."""

from odoo import fields
from odoo.tools import SQL

from ..customers import churn, definitions, rfm
from ..engine.periods import utc_midnight
from ..sql import with_queries
from .difference import TABLE
from .size import bands, in_band


def is_missing(segment_set, company):
    """Whether no membership of the company was ever recorded, so that the past has to be computed.

    The customers of today do not show it: a company that is quiet today may have had many.
    """
    return bool(segment_set.segment_ids) and not segment_set.env.execute_query(
        SQL(
            "SELECT 1 FROM crm_kpi_segment_member WHERE set_id = %s AND company_id = %s LIMIT 1",
            segment_set.id,
            company.id,
        )
    )


# ------------------------------------------------------------------
# order sizes
# ------------------------------------------------------------------
def write_sizes(segment_set, company, today):
    """Record the sizes of the past, for customers that were not recorded yet. Writes.

    :return: number of rows made
    """
    month = today.replace(day=1)
    if is_missing(segment_set, company):
        # also customers that have no segment today
        customers = definitions.all_customers(segment_set.env, segment_set.company_id)
    else:
        customers = SQL(
            "SELECT partner_id AS id FROM %s WHERE segment_id IS NOT NULL AND is_first", TABLE
        )
    sizes = with_queries(
        {
            "monthly": _monthly_amounts(company, month, customers),
            "customer_month": _months_of_customers(month),
            "size": _sizes(),
        },
        SQL(
            """
            SELECT size.partner_id, size.month AS moment, band.id AS segment_id
              FROM size
         LEFT JOIN (%s) AS band ON %s
            """,
            bands(segment_set),
            in_band(SQL("size.amount")),
        ),
    )
    return _insert_history(
        segment_set,
        company,
        sizes,
        # the first size also holds for the time before the first order
        date_from=SQL("CASE WHEN number > 1 THEN moment END"),
        date_recorded=SQL("COALESCE(date_from, %s)", fields.Date.subtract(today, days=1)),
        condition=SQL("TRUE"),
    )


def _monthly_amounts(company, month, customers):
    """CTE ``monthly``: qualifying orders by month.

    :param SQL customers: query (id) of the customers
    :return: SQL (partner_id, month, amount)
    """
    tz = company._kpi_tz()
    return SQL(
        """
        SELECT partner.commercial_partner_id AS partner_id,
               date_trunc('month', sale.date_order AT TIME ZONE 'UTC'
                                   AT TIME ZONE %(tz)s)::date AS month,
               SUM(%(amount)s) AS amount
          FROM sale_order sale
          JOIN res_partner partner ON partner.id = sale.partner_id
         WHERE %(qualifying)s AND sale.company_id = %(company)s
           AND sale.date_order < %(until)s
           AND partner.commercial_partner_id IN (SELECT id FROM (%(customers)s) AS customer)
      GROUP BY 1, 2
        """,
        tz=tz,
        amount=definitions.company_amount("sale"),
        customers=customers,
        qualifying=definitions.is_qualifying("sale"),
        company=company.id,
        until=utc_midnight(month, tz),
    )


def _sizes():
    """CTE ``size``: the amount of the twelve months before each month.

    :return: SQL (partner_id, month, amount)
    """
    return SQL(
        """
        SELECT customer_month.partner_id, customer_month.month,
               COALESCE(SUM(monthly.amount) OVER (
                   PARTITION BY customer_month.partner_id ORDER BY customer_month.month
                   ROWS BETWEEN 12 PRECEDING AND 1 PRECEDING), 0) AS amount
          FROM customer_month
     LEFT JOIN monthly USING (partner_id, month)
        """
    )


# ------------------------------------------------------------------
# RFM classes
# ------------------------------------------------------------------
def write_classes(segment_set, company, today):
    """Record the RFM classes of the past, when a company is new to the set. Writes.

    The class of today depends on how it ended, so it must not hold for the past.

    :return: number of rows made
    """
    if not is_missing(segment_set, company):
        return 0
    month = today.replace(day=1)
    overriding = segment_set.env["crm.kpi.segment"]._overriding().ids
    facts = with_queries(
        {
            "monthly": _monthly_orders(segment_set, company, month),
            "customer_month": _months_of_customers(month),
            "moment": _month_begins(company),
            "churn_threshold": churn.churn_threshold(overriding),
        },
        _facts_of_months(company, overriding),
    )
    classes = SQL(
        """
        SELECT scores.partner_id, scores.moment, segment.id AS segment_id
          FROM (%s) AS scores
     LEFT JOIN crm_kpi_segment segment ON segment.rfm_class = scores.rfm_class
           AND segment.set_id = %s AND segment.active AND segment.is_unknown IS NOT TRUE
        """,
        rfm.scores(facts),
        segment_set.id,
    )
    return _insert_history(
        segment_set,
        company,
        classes,
        date_from=SQL("moment"),
        date_recorded=SQL("date_from"),
        condition=SQL("date_from < %s", today),
    )


def _monthly_orders(segment_set, company, month):
    """CTE ``monthly``: the qualifying orders of each customer by month.

    :return: SQL (partner_id, month, last_day, days, amount, orders, last_order)
    """
    tz = company._kpi_tz()
    return SQL(
        """
        SELECT partner.commercial_partner_id AS partner_id,
               date_trunc('month', local.at)::date AS month,
               MAX(local.at::date) AS last_day,
               COUNT(DISTINCT local.at::date) AS days,
               SUM(%(amount)s) AS amount,
               COUNT(*) AS orders,
               MAX(sale.date_order) AS last_order
          FROM sale_order sale
          JOIN res_partner partner ON partner.id = sale.partner_id
    CROSS JOIN LATERAL (
               SELECT sale.date_order AT TIME ZONE 'UTC' AT TIME ZONE %(tz)s AS at) AS local
         WHERE %(qualifying)s AND sale.company_id = %(company)s
           AND sale.date_order < %(until)s
           AND partner.commercial_partner_id IN (SELECT id FROM (%(customers)s) AS customer)
      GROUP BY 1, 2
        """,
        tz=tz,
        amount=definitions.company_amount("sale"),
        qualifying=definitions.is_qualifying("sale"),
        company=company.id,
        until=utc_midnight(month, tz),
        customers=definitions.all_customers(segment_set.env, segment_set.company_id),
    )


def _month_begins(company):
    """CTE ``moment``: the beginnings of the months of ``customer_month``, as churn needs them.

    :return: SQL (period_id, company_id, date_from, company_inactivity)
    """
    return SQL(
        """
        SELECT DISTINCT month - date '2000-01-01' AS period_id, %s AS company_id,
               month AS date_from, make_interval(days => %s) AS company_inactivity
          FROM customer_month
        """,
        company.id,
        company.kpi_inactivity_days,
    )


def _facts_of_months(company, overriding):
    """Query of what scores need at the beginning of each month, see :func:`.rfm.scores`.

    :param overriding: ids of the segments that override settings, see :mod:`..customers.churn`
    """
    return SQL(
        """
        SELECT customer_month.month AS moment, customer_month.partner_id,
               MAX(monthly.last_day) OVER lately AS last_day,
               SUM(monthly.days) OVER lately AS days,
               SUM(monthly.amount) OVER lately AS amount,
               SUM(monthly.orders) OVER so_far AS orders,
               %(churn_date)s < customer_month.month::timestamp
                   AT TIME ZONE %(tz)s AT TIME ZONE 'UTC' AS churned
          FROM customer_month
          JOIN moment ON moment.date_from = customer_month.month
     LEFT JOIN monthly
            ON monthly.partner_id = customer_month.partner_id
           AND monthly.month = customer_month.month
               %(threshold)s
        WINDOW lately AS (PARTITION BY customer_month.partner_id ORDER BY customer_month.month
                          ROWS BETWEEN %(months)s PRECEDING AND 1 PRECEDING),
               so_far AS (PARTITION BY customer_month.partner_id ORDER BY customer_month.month
                          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        """,
        churn_date=churn.churn_date(
            SQL("MAX(monthly.last_order) OVER so_far"),
            churn.inactivity(overriding),
        ),
        threshold=churn.join_threshold(overriding, SQL("customer_month.partner_id")),
        tz=company._kpi_tz(),
        months=rfm.MONTHS,
    )


# ------------------------------------------------------------------
# both
# ------------------------------------------------------------------
def _months_of_customers(month):
    """CTE ``customer_month``: months of each customer of ``monthly``, from the first to
    ``month``.

    :return: SQL (partner_id, month)
    """
    return SQL(
        """
        SELECT customer.partner_id, following.month::date AS month
          FROM (SELECT partner_id, MIN(month) AS first FROM monthly GROUP BY partner_id)
               AS customer
    CROSS JOIN generate_series(customer.first::timestamp, %s::timestamp, interval '1 month')
               AS following (month)
        """,
        month,
    )


def _insert_history(segment_set, company, moments, date_from, date_recorded, condition):
    """Record memberships of the past from the segments at moments in order. Writes.

    :param SQL moments: query (partner_id, moment, segment_id); an empty segment: in none
    :param SQL date_from: begin of a membership, an expression of ``moment`` and ``number``
    :param SQL date_recorded: day of its record, an expression of ``date_from``
    :param SQL condition: which memberships are recorded
    :return: number of rows made
    """
    cr = segment_set.env.cr
    cr.execute(
        SQL(
            """
            WITH noted AS (
                SELECT partner_id, moment, segment_id,
                       LAG(segment_id) OVER in_order AS previous,
                       ROW_NUMBER() OVER in_order AS number
                  FROM (%(moments)s) AS known
                WINDOW in_order AS (PARTITION BY partner_id ORDER BY moment)
            ),
            membership AS (
                SELECT segment_id, partner_id, %(date_from)s AS date_from,
                       LEAD(moment) OVER (PARTITION BY partner_id ORDER BY moment) AS date_to
                  FROM noted
                 WHERE number = 1 OR segment_id IS DISTINCT FROM previous
            )
            INSERT INTO crm_kpi_segment_member
                        (set_id, segment_id, partner_id, company_id, slot,
                         date_from, date_to, date_recorded)
                 SELECT %(set)s, segment_id, partner_id, %(company)s, 0,
                        date_from, date_to, %(date_recorded)s
                   FROM membership
                  WHERE segment_id IS NOT NULL AND %(condition)s
            """,
            moments=moments,
            date_from=date_from,
            date_recorded=date_recorded,
            condition=condition,
            set=segment_set.id,
            company=company.id,
        )
    )
    return cr.rowcount
