# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Costs in a period: the part of cost entries, and the journal items of cost accounts."""

from datetime import date
from typing import NamedTuple

from odoo.tools import SQL

from ..sql import with_queries


class Span(NamedTuple):
    """The days of a period (until today), and the same days some months earlier.

    Half-open: ``until`` is the first day after.
    """

    period_id: int
    company_id: int
    first: date
    until: date
    lag_first: date
    lag_until: date


class CostAccount(NamedTuple):
    """An account from which a company takes the costs of a kind."""

    company_id: int
    account_id: int
    kind: str


def period_costs(spans, accounts, items):
    """Rows of ``crm.kpi.cost.period``: ``id``, ``period_id``, ``company_id``, ``cost_id``,
    ``move_line_id``, ``kind``, ``campaign_id``, ``team_id``, ``user_id``, ``segment_id``,
    ``amount``, ``lagged_amount``, ``campaign_amount``.

    :param spans: list of :class:`Span`
    :param accounts: list of :class:`CostAccount`
    :param SQL items: query of journal items: ``id``, ``company_id``, ``account_id``, ``date``,
        ``balance``
    """
    return with_queries(
        {
            "span": span_rows(spans),
            "shared": shared_entries(),
            "cost_row": SQL("%s UNION ALL %s", entry_costs(), account_costs(accounts, items)),
        },
        SQL(
            """
            SELECT (period_id::bigint << 32)
                       | (COALESCE(cost_id, move_line_id)::bigint << 1)
                       | (cost_id IS NULL)::int AS id,
                   cost_row.*
              FROM cost_row
             WHERE COALESCE(amount, lagged_amount, campaign_amount) IS NOT NULL
            """
        ),
    )


def span_rows(spans):
    """The spans as rows, with the fields of :class:`Span` as columns."""
    columns = zip(*spans, strict=True) if spans else [()] * len(Span._fields)
    return SQL(
        """
        SELECT * FROM unnest(%s::int[], %s::int[], %s::date[], %s::date[], %s::date[], %s::date[])
            AS t(period_id, company_id, first, until, lag_first, lag_until)
        """,
        *(list(column) for column in columns),
    )


def shared_entries():
    """Cost entries that share days with a span: ``period_id``, the columns of the entry,
    ``length`` (days of the entry), ``days`` and ``lag_days`` (shared days), ``counts`` (the
    company takes the costs of this kind from entries)."""
    return SQL(
        """
        SELECT span.period_id, cost.*,
               cost.date_last + 1 - cost.date_first AS length,
               LEAST(cost.date_last + 1, span.until) - GREATEST(cost.date_first, span.first)
                   AS days,
               LEAST(cost.date_last + 1, span.lag_until)
                   - GREATEST(cost.date_first, span.lag_first) AS lag_days,
               CASE cost.kind WHEN 'sales' THEN company.kpi_sales_cost_basis
                              WHEN 'marketing' THEN company.kpi_marketing_cost_basis
                              ELSE company.kpi_service_cost_basis END = 'entries' AS counts
          FROM span
          JOIN crm_kpi_cost cost ON cost.company_id = span.company_id
                                AND cost.date_first < GREATEST(span.until, span.lag_until)
                                AND cost.date_last >= LEAST(span.first, span.lag_first)
          JOIN res_company company ON company.id = cost.company_id
        """
    )


def entry_costs():
    """Part of the cost entries in each period, in proportion to the shared days."""
    return SQL(
        """
        SELECT period_id, company_id, id AS cost_id, NULL::int AS move_line_id, kind,
               campaign_id, team_id, user_id, segment_id,
               CASE WHEN counts AND days > 0 THEN amount * days / length END AS amount,
               CASE WHEN counts AND lag_days > 0 THEN amount * lag_days / length END
                   AS lagged_amount,
               CASE WHEN campaign_id IS NOT NULL AND days > 0 THEN amount * days / length END
                   AS campaign_amount
          FROM shared
        """
    )


def account_costs(accounts, items):
    """Journal items of the cost accounts in each period, with the columns of entry_costs()."""
    columns = zip(*accounts, strict=True) if accounts else [()] * len(CostAccount._fields)
    return SQL(
        """
        SELECT span.period_id, item.company_id, NULL, item.id, account.kind,
               NULL, NULL, NULL, NULL,
               CASE WHEN item.date >= span.first AND item.date < span.until
                    THEN item.balance END,
               CASE WHEN item.date >= span.lag_first AND item.date < span.lag_until
                    THEN item.balance END,
               NULL
          FROM span
          JOIN unnest(%s::int[], %s::int[], %s::text[]) AS account(company_id, account_id, kind)
            ON account.company_id = span.company_id
          JOIN (%s) AS item ON item.company_id = account.company_id
                           AND item.account_id = account.account_id
                           AND item.date >= LEAST(span.first, span.lag_first)
                           AND item.date < GREATEST(span.until, span.lag_until)
        """,
        *(list(column) for column in columns),
        items,
    )
