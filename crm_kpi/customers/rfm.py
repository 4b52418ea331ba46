# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Recency, frequency and monetary value (RFM) of customers."""

from odoo.tools import SQL

#: Classes, with their names for users. *Slipping* is not the status *At risk* of a customer: one
#: compares customers with each other, the other the time since the last order with the usual gap.
CLASSES = [
    ("champion", "Champion"),
    ("loyal", "Loyal"),
    ("promising", "Promising"),
    ("new", "New"),
    ("attention", "Needs attention"),
    ("cant_lose", "Can't lose"),
    ("at_risk", "Slipping"),
    ("hibernating", "Hibernating"),
    ("lost", "Lost"),
]
#: Customers that it takes for scores.
MIN_CUSTOMERS = 5
#: Months of orders that scores look at.
MONTHS = 24


def scores(facts):
    """Query of the scores and the class of customers, compared with each other at moments.

    Scores are min(5, 1 + floor(5 × percent rank)) among the customers with orders in the
    months before the moment, so that ties share the lower score. They are computed in whole
    numbers, because percent ranks are not exact.

    :param SQL facts: one row per moment and customer (moment, partner_id, last_day, days,
        amount, orders, churned): last day, number of days and amount of the orders in the
        months before (empty without any), number of all orders so far
    :return: SQL (moment, partner_id, rfm_r, rfm_f, rfm_m, rfm_class)
    """
    return SQL(
        """
        SELECT moment, partner_id, rfm_r, rfm_f, rfm_m,
               CASE WHEN compared < %(least)s THEN NULL
                    WHEN churned THEN 'lost'
                    WHEN rfm_r >= 4 THEN
                         CASE WHEN worth >= 4 THEN 'champion'
                              WHEN worth = 3 THEN 'loyal'
                              WHEN orders = 1 THEN 'new'
                              ELSE 'promising' END
                    WHEN rfm_r = 3 THEN
                         CASE WHEN worth >= 3 THEN 'loyal' ELSE 'attention' END
                    WHEN worth >= 4 THEN 'cant_lose'
                    WHEN worth = 3 THEN 'at_risk'
                    WHEN worth IS NOT NULL THEN 'hibernating' END AS rfm_class
          FROM (SELECT *, (rfm_f + rfm_m + 1) / 2 AS worth
                  FROM (SELECT moment, partner_id, orders, churned, compared,
                               %(recency)s AS rfm_r,
                               %(frequency)s AS rfm_f,
                               %(monetary)s AS rfm_m
                          FROM (SELECT *, count(*) FILTER (WHERE days > 0)
                                              OVER (PARTITION BY moment) AS compared
                                  FROM (%(facts)s) AS fact) AS counted) AS scored) AS rated
        """,
        facts=facts,
        least=MIN_CUSTOMERS,
        recency=_score("last_day"),
        frequency=_score("days"),
        monetary=_score("amount"),
    )


def _score(column):
    """Score of a column among the ``compared`` customers: 1 to 5, empty with too few."""
    return SQL(
        """
        CASE WHEN days > 0 AND compared >= %s
             THEN LEAST(5, 1 + 5 * (rank() OVER (PARTITION BY moment, days > 0 ORDER BY %s) - 1)
                               / NULLIF(compared - 1, 0))::int
        END
        """,
        MIN_CUSTOMERS,
        SQL.identifier(column),
    )
