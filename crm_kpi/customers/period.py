# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Customers at the end of periods: the rows of ``crm.kpi.customer.period``.

A period has a row for each customer with a qualifying order before its end. Instants are
half-open: a customer is active at an instant when a qualifying order lies in the days of
inactivity before it.

Each CTE but ``moment`` and ``company_gap`` is used once, so that PostgreSQL merges it into its
user and leaves out the columns that the reader of the rows does not name. ``OFFSET 0`` keeps
values that were looked up in the arrays from being looked up again at each use.
"""

from odoo.tools import SQL

from ..sql import with_queries
from . import churn, history, moments

#: Average length of a month in days.
DAYS_OF_A_MONTH = 30.4375
#: Customers that it takes for a best fifth.
MIN_TOP = 5


def query(env, periods, now, segment_ids, shortest_days, longest_days, histories=None, some=False):
    """The rows of periods as known at ``now``. Periods that begin later have none.

    :param periods: records of ``crm.kpi.period``
    :param datetime now: naive UTC
    :param segment_ids: ids of the segments that override settings, see :mod:`.churn`
    :param shortest_days: shorter silences are a risk in no company
    :param longest_days: after longer silences customers count as churned in each company
    :param SQL histories: query of the histories, see :func:`gather`; ``None``: they are gathered
    :param some: the histories are of some customers only, so that it is not known who is among
        the best fifth: it may be anyone who was active at the start
    """
    return with_queries(
        {
            "moment": moments.moment(moments.ends_of(periods, now)),
            **(_gathering(env, now) if histories is None else {"customer_history": histories}),
            "rhythm": history.rhythm(shortest_days, longest_days),
            "company_gap": churn.company_gap(),
            "churn_threshold": churn.churn_threshold(segment_ids),
            "position": position(segment_ids),
            "judged": judged(),
            "described": described(),
        },
        SQL("SELECT described.*, active_start AS is_top FROM described")
        if some
        else with_best_fifth(),
        # few rows, which each row of a customer may look up again
        materialized=["company_gap"],
    )


def _gathering(env, now, daily=False):
    return {
        "confirmed_order": history.orders(env),
        "summed_order": history.running_totals(),
        "history": history.history(),
        "referral": history.referrals(env),
        "last_contact": history.last_contacts(env, now, daily),
        "ledger": history.ledger(),
        "customer_history": history.gathered(),
    }


def gather(env, company, now):
    """The histories of the customers of a company before ``now``, for any periods.

    :return: SQL (:data:`.history.COLUMNS`)
    """
    return with_queries(
        {
            "moment": moments.moment(moments.present(company, now, until=now)),
            **_gathering(env, now, daily=True),
        },
        SQL("SELECT * FROM customer_history"),
    )


def gaps(periods, now):
    """The median of the gaps of all customers before the end of each period.

    :return: SQL (period_id, days)
    """
    return with_queries(
        {
            "moment": moments.moment(moments.ends_of(periods, now)),
            "company_gap": churn.company_gap(),
        },
        SQL("SELECT period_id, days FROM company_gap"),
    )


def position(segment_ids):
    """CTE ``position``: where each moment lies in the arrays of each customer.

    ``orders_…`` are numbers of qualifying orders before an instant. ``total_…`` are indices of
    running totals: the element there is the total of all confirmed orders before the instant.

    :return: SQL (the columns of ``moment``, partner_id and the arrays of ``rhythm``,
        inactivity, factor, orders_start, orders_end, orders_year_ago, total_start, total_end,
        total_year, total_two_years, total_base, total_base_end, total_year_ago, cross_sold,
        upsold, referrals, last_interaction_date, ledger_amount, ledger_margin, company_gap)
    """
    indices = SQL(", ").join(
        SQL(
            "width_bucket(moment.%s, rhythm.all_dates) + 1 AS %s",
            SQL.identifier(f"before_{name}"),
            SQL.identifier(f"total_{name}"),
        )
        for name in ("start", "end", "year", "two_years", "base", "base_end", "year_ago")
    )
    return SQL(
        """
        SELECT moment.*, rhythm.partner_id, rhythm.own_user_id,
               rhythm.dates, rhythm.users, rhythm.teams, rhythm.rhythms,
               rhythm.amounts, rhythm.margins, rhythm.list_amounts, rhythm.discounts,
               %(inactivity)s AS inactivity,
               %(factor)s AS factor,
               width_bucket(moment.before_start, rhythm.dates) AS orders_start,
               width_bucket(moment.before_end, rhythm.dates) AS orders_end,
               width_bucket(moment.before_year_ago, rhythm.dates) AS orders_year_ago,
               %(indices)s,
               width_bucket(moment.before_end, rhythm.cross_sells)
                   > width_bucket(moment.before_start, rhythm.cross_sells) AS cross_sold,
               width_bucket(moment.before_end, rhythm.upsells)
                   > width_bucket(moment.before_start, rhythm.upsells) AS upsold,
               width_bucket(moment.before_end, rhythm.referral_dates)
                   - width_bucket(moment.before_start, rhythm.referral_dates) AS referrals,
               rhythm.contact_dates[width_bucket(moment.before_end, rhythm.contact_dates)]
                   AS last_interaction_date,
               rhythm.ledger_amounts[width_bucket(moment.before_end, rhythm.ledger_dates)]
                   AS ledger_amount,
               rhythm.ledger_margins[width_bucket(moment.before_end, rhythm.ledger_dates)]
                   AS ledger_margin,
               company_gap.days AS company_gap
          FROM rhythm
          JOIN moment
            ON moment.company_id = rhythm.company_id AND rhythm.dates[1] <= moment.before_end
               -- grouped, so that PostgreSQL drops the join where the gap is not read
     LEFT JOIN (SELECT period_id, max(days) AS days FROM company_gap GROUP BY period_id)
               AS company_gap ON company_gap.period_id = moment.period_id
               %(threshold)s
        OFFSET 0
        """,
        inactivity=churn.inactivity(segment_ids),
        factor=churn.factor(segment_ids),
        indices=indices,
        threshold=churn.join_threshold(segment_ids, SQL("rhythm.partner_id")),
    )


def judged():
    """CTE ``judged``: who was active when, and the revenue that several columns need.

    :return: SQL (the columns of ``position``, active_start, active_end, active_year_ago,
        revenue, revenue_base, revenue_two_years), revenue in millionths
    """

    def active(orders, instant):
        # a customer without an order is not active
        return SQL(
            "(%(orders)s > 0 AND NOT %(churn_date)s < %(instant)s)",
            orders=orders,
            churn_date=churn.churn_date(SQL("dates[%s]", orders), SQL("inactivity")),
            instant=instant,
        )

    return SQL(
        """
        SELECT position.*,
               %(active_start)s AS active_start,
               %(active_end)s AS active_end,
               %(active_year_ago)s AS active_year_ago,
               amounts[total_end] - amounts[total_start] AS revenue,
               amounts[total_base_end] - amounts[total_base] AS revenue_base,
               amounts[total_start] - amounts[total_two_years] AS revenue_two_years
          FROM position
        OFFSET 0
        """,
        active_start=active(SQL("orders_start"), SQL("utc_from")),
        active_end=active(SQL("orders_end"), SQL("at")),
        active_year_ago=active(SQL("orders_year_ago"), SQL("year_ago")),
    )


def described():
    """CTE ``described``: the rows, all columns but ``is_top``.

    :return: SQL (id and the columns of ``crm.kpi.customer.period``, revenue_two_years)
    """
    return SQL(
        """
        SELECT (period_id::bigint << 31) | partner_id AS id,
               period_id, company_id, partner_id, own_user_id,
               COALESCE(own_user_id, users[GREATEST(orders_start, 1)]) AS user_id,
               teams[GREATEST(orders_start, 1)] AS team_id,
               active_start, active_end, active_year_ago,
               orders_end > orders_start AS bought,
               orders_start > 0 AS had_before,
               orders_start = 0 AS is_new,
               orders_start > 0 AND NOT active_start AS lapsed,
               active_start AND NOT active_end AS churned,
               risk.is_at_risk,
               CASE risk.is_at_risk
                    WHEN TRUE THEN (amounts[total_end] - amounts[total_year_ago]) * %(millionth)s
                    WHEN FALSE THEN 0 END AS revenue_at_risk,
               COALESCE(cross_sold, FALSE) AS cross_sold,
               COALESCE(upsold, FALSE) AS upsold,
               orders_end - orders_start AS orders,
               COALESCE(referrals, 0) AS referrals,
               CASE WHEN orders_start > 0
                    THEN EXTRACT(EPOCH FROM utc_from - dates[1])::float8 / (86400 * %(month)s)
                END AS tenure_months,
               last_interaction_date,
               EXTRACT(EPOCH FROM at - last_interaction_date)::float8 / 86400
                   AS interaction_days,
               %(money)s,
               returned.won_back,
               CASE WHEN returned.won_back THEN users[orders_start + 1] END AS return_user_id,
               CASE WHEN returned.won_back THEN teams[orders_start + 1] END AS return_team_id,
               revenue_two_years, day_end, day_year_ago
          FROM judged
    CROSS JOIN LATERAL (
               SELECT orders_start > 0 AND NOT active_start AND orders_end > orders_start
                      AS won_back) AS returned
    CROSS JOIN LATERAL (
               -- empty where the company has no gap to compare with
               SELECT CASE WHEN company_gap IS NOT NULL
                           THEN active_end AND %(at_risk_date)s < at END AS is_at_risk) AS risk
        OFFSET 0
        """,
        millionth=history.MILLIONTH,
        month=DAYS_OF_A_MONTH,
        money=_money(),
        at_risk_date=churn.at_risk_date(
            SQL("dates[orders_end]"),
            SQL("at_risk_days"),
            SQL("factor"),
            SQL("rhythms[orders_end]"),
            SQL("company_gap"),
        ),
    )


def _money():
    """Columns of ``described`` that are amounts in the currency of the company."""
    return SQL(
        """
        revenue * %(millionth)s AS revenue,
        (amounts[total_start] - amounts[total_year]) * %(millionth)s AS revenue_before,
        revenue_base * %(millionth)s AS revenue_base,
        revenue_base > 0 AS has_base,
        GREATEST(LEAST(revenue, revenue_base), 0) * %(millionth)s AS revenue_kept,
        (amounts[total_end] - amounts[total_year_ago]) * %(millionth)s AS revenue_year,
        (margins[total_end] - margins[total_year_ago]) * %(millionth)s AS margin_year,
        (list_amounts[total_end] - list_amounts[total_start]) * %(millionth)s AS list_amount,
        (discounts[total_end] - discounts[total_start]) * %(millionth)s AS discount_amount,
        %(ltv)s AS ltv,
        %(ltv_margin)s AS ltv_margin
        """,
        millionth=history.MILLIONTH,
        ltv=history.lifetime_value(
            SQL("revenue_basis"), SQL("amounts[total_end]"), SQL("ledger_amount")
        ),
        ltv_margin=history.lifetime_value(
            SQL("revenue_basis"), SQL("margins[total_end]"), SQL("ledger_margin")
        ),
    )


def with_best_fifth():
    """The rows with ``is_top``: the fifth of the active customers with the highest revenue of
    two years."""
    return SQL(
        """
        SELECT described.*,
               active_start
                   AND ntile(5) OVER best = 1
                   AND count(*) OVER (PARTITION BY period_id, active_start) >= %s
                   AS is_top
          FROM described
        WINDOW best AS (PARTITION BY period_id, active_start
                        ORDER BY revenue_two_years DESC, partner_id)
        """,
        MIN_TOP,
    )
