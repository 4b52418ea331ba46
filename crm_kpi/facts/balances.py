# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Balances of current assets and liabilities at the ends of periods."""

from datetime import date
from typing import NamedTuple

from odoo.tools import SQL

from ..sql import with_queries

#: Types of accounts that are owned or owed within a year. Other accounts are in no ratio.
ASSETS = ("asset_receivable", "asset_cash", "asset_current", "asset_prepayments")
LIABILITIES = ("liability_payable", "liability_current", "liability_credit_card")


class PeriodEnd(NamedTuple):
    """``until``: the first day after the period, or after today if the period is running."""

    period_id: int
    company_id: int
    until: date


def period_balances(ends):
    """Rows of ``crm.kpi.balance.period``: ``id``, ``period_id``, ``company_id``,
    ``account_id``, ``is_liability``, ``amount``.

    The journal items are added up once, between the ends of the periods; a balance is the sum
    of the buckets before its end.

    :param ends: list of :class:`PeriodEnd`
    """
    bounds = sorted({end.until for end in ends})
    return with_queries(
        {
            "span": SQL(
                "SELECT * FROM unnest(%s::int[], %s::int[], %s::int[])"
                " AS t(period_id, company_id, number)",
                [end.period_id for end in ends],
                [end.company_id for end in ends],
                [bounds.index(end.until) + 1 for end in ends],
            ),
            "moved": moved_balances([end.company_id for end in ends], bounds),
        },
        SQL(
            """
            SELECT (span.period_id::bigint << 31) | moved.account_id AS id,
                   span.period_id, span.company_id, moved.account_id,
                   moved.is_liability,
                   sum(moved.balance) * CASE WHEN moved.is_liability THEN -1 ELSE 1 END AS amount
              FROM span
              JOIN moved ON moved.company_id = span.company_id AND moved.bucket < span.number
          GROUP BY span.period_id, span.company_id, moved.account_id, moved.is_liability
            """
        ),
    )


def moved_balances(company_ids, bounds):
    """Posted journal items: ``company_id``, ``account_id``, ``is_liability``, ``bucket`` (the
    number of bounds that are not later than the day), ``balance``."""
    return SQL(
        """
        SELECT item.company_id, item.account_id,
               account.account_type = ANY(%(liabilities)s) AS is_liability,
               %(bucket)s AS bucket,
               sum(item.balance) AS balance
          FROM account_move_line item
          JOIN account_account account ON account.id = item.account_id
         WHERE item.parent_state = 'posted'
           AND item.company_id = ANY(%(companies)s::int[])
           AND account.account_type = ANY(%(types)s)
      GROUP BY 1, 2, 3, 4
        """,
        # width_bucket() refuses an empty array
        bucket=SQL("width_bucket(item.date, %s::date[])", bounds) if bounds else SQL("0"),
        liabilities=list(LIABILITIES),
        companies=list(company_ids),
        types=[*ASSETS, *LIABILITIES],
    )
