# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""From facts to cells: periods × levels × KPIs of one source in one SQL query.

A *fact* is a record in a period, with its salesperson, team, customer and day. A :class:`Plan`
is the SQL of the facts of a source; a :class:`Column` says how a KPI is computed from them. A
*cell* is the value of a KPI in a period at a level: of the company, a team, a salesperson, a
segment, or a team or salesperson within a segment. :func:`cells` computes all of them. No table
is named here.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from odoo.tools import SQL

from ..sql import unnest

#: SQL of the aggregate over the facts of a cell that satisfy the KPI's filter.
AGGREGATES = {
    "count": "count(*) FILTER (WHERE %(f)s)",
    "sum": "COALESCE(sum(%(v)s) FILTER (WHERE %(f)s), 0)",
    "sum_known": "sum(%(v)s) FILTER (WHERE %(f)s)",
    "avg": "avg(%(v)s) FILTER (WHERE %(f)s)",
    "min": "min(%(v)s) FILTER (WHERE %(f)s)",
    "max": "max(%(v)s) FILTER (WHERE %(f)s)",
    "median": "percentile_cont(0.5) WITHIN GROUP (ORDER BY %(v)s) FILTER (WHERE %(f)s)",
    "p90": "percentile_cont(0.9) WITHIN GROUP (ORDER BY %(v)s) FILTER (WHERE %(f)s)",
    "count_distinct": "count(DISTINCT %(v)s) FILTER (WHERE %(f)s)",
}
#: Aggregates of which a part can be dated ahead: the value is that part and the rest.
ADDITIVE = ("count", "sum", "sum_known")
#: Aggregates that are 0 when there are no records; the others have no value then.
ZERO_WHEN_EMPTY = ("count", "sum", "count_distinct")

#: What identifies a cell.
CELL_COLUMNS = ("kpi_id", "period_id", "level", "team_id", "user_id", "segment_id")
#: Of these, the columns that may be empty.
NULLABLE_COLUMNS = ("team_id", "user_id", "segment_id")
#: The expressions of a unique index over cells, in its order.
CELL_KEY = ", ".join(
    f"COALESCE({name}, 0)" if name in NULLABLE_COLUMNS else name for name in CELL_COLUMNS
)

#: The cells of a KPI that has no value at any level.
NO_CELLS = SQL(
    """SELECT NULL::int4 AS kpi_id, NULL::int4 AS period_id, NULL::text AS level,
              NULL::int4 AS team_id, NULL::int4 AS user_id, NULL::int4 AS segment_id,
              NULL::float8 AS value, 0 AS record_count, NULL::float8 AS ahead WHERE FALSE"""
)


@dataclass
class Column:
    """A KPI as it is computed from facts: its filter, value and aggregate."""

    kpi_id: int
    condition: SQL
    value: SQL | None
    aggregator: str
    cross_levels: bool = False


@dataclass
class Plan:
    """How the records of a source become facts.

    :param from_clause: tables and joins of the source's query
    :param where_clause: base filter
    :param record_id: id of the record to open when a reader drills down
    :param period_join: joins ``p(period_id, …)`` to the tables
    :param day: local day at which the customer's segment is looked up
    :param unassigned: whether facts without a team or salesperson have a row of their own
    :param ahead: whether a fact of a running period lies in the future; ``None``: none does
    :param columns: list of :class:`Column`
    """

    from_clause: SQL
    where_clause: SQL
    record_id: SQL
    period_join: SQL
    user: SQL
    team: SQL
    partner: SQL | None
    day: SQL
    segment: SQL | None = None
    country: SQL | None = None
    unassigned: bool = True
    ahead: SQL | None = None
    columns: list = field(default_factory=list)

    @property
    def has_segments(self):
        """Whether facts belong to segments: by their customer, or directly."""
        return self.segment is not None or self.partner is not None

    @property
    def column_names(self):
        """Names of the columns ``f0, v0, f1, …`` that the facts have for the KPIs, and ``ahead``."""
        if self.ahead is not None:
            yield "ahead"
        for index, column in enumerate(self.columns):
            yield f"f{index}"
            if column.value is not None:
                yield f"v{index}"

    def facts(self):
        """``SELECT`` of the facts, one row per record and period.

        Columns: ``record_id, period_id, user_id, team_id, partner_id, day, segment_id,
        country_id``, and for the KPI number ``i`` of the plan ``fi`` (whether its filter
        accepts the record) and ``vi`` (its value, unless the KPI only counts). Facts of periods
        that can hold future records have the column ``ahead``, too.
        """
        extras = [] if self.ahead is None else [SQL("(%s) IS TRUE AS ahead", self.ahead)]
        for index, column in enumerate(self.columns):
            extras.append(SQL("(%s) IS TRUE AS %s", column.condition, SQL.identifier(f"f{index}")))
            if column.value is not None:
                extras.append(SQL("%s AS %s", column.value, SQL.identifier(f"v{index}")))
        return SQL(
            """SELECT %s AS record_id, p.period_id, NULLIF(%s, 1) AS user_id, %s AS team_id,
                      %s AS partner_id, %s AS day, %s AS segment_id, %s AS country_id%s
                 FROM %s %s
                WHERE p.period_id IS NOT NULL AND %s""",
            self.record_id,
            self.user,
            self.team,
            self.partner or SQL("NULL::int4"),
            self.day,
            self.segment or SQL("NULL::int4"),
            self.country or SQL("NULL::int4"),
            SQL(", %s", SQL(", ").join(extras)) if extras else SQL(),
            self.from_clause,
            self.period_join,
            self.where_clause or SQL("TRUE"),
        )


# --- PERIODS ---


class Window(NamedTuple):
    """The time whose events count in a period, half-open: days, or instants in UTC."""

    start: date | datetime
    end: date | datetime
    period_id: int


class PeriodRow(NamedTuple):
    """A period as SQL sees it: its days (half-open), and its end or now, with the local day."""

    period_id: int
    date_from: date
    date_to: date
    at: datetime
    day: date


def windows_join(instant, tracks, cast):
    """Map an instant (or a date) to the periods that hold it, without a join by range.

    :param instant: SQL of the point in time
    :param tracks: lists of :class:`Window` that do not overlap within a list
    :param cast: PostgreSQL type of the bounds, ``timestamp`` or ``date``
    :return: SQL that joins ``p(period_id)``
    """
    lookups = []
    for track in tracks:
        bounds, ids = [], []
        for start, end, period_id in track:
            if bounds and bounds[-1] == start:
                ids[-1] = period_id
            else:
                bounds.append(start)
                ids.append(period_id)
            bounds.append(end)
            ids.append(None)
        lookups.append(
            SQL(
                "(%s::int4[])[width_bucket(%s, %s::%s[])]",
                ids,
                SQL("%s::%s", instant, SQL(cast)),
                bounds,
                SQL(cast),
            )
        )
    return SQL("CROSS JOIN LATERAL unnest(ARRAY[%s]) AS p(period_id)", SQL(", ").join(lookups))


def periods_join(rows, condition):
    """SQL that joins the periods as ``p(period_id, date_from, date_to, at, day)``.

    :param rows: list of :class:`PeriodRow`
    """
    return SQL("JOIN %s ON %s", unnest(PeriodRow, rows, "p"), condition)


# --- CELLS ---


def cells(plan, by_segment=None):
    """Cells of all levels of all KPIs of a plan, from one scan of the CTE ``facts``.

    :param by_segment: SQL of the facts once per segment that they belong to; ``None``: no
        cells of segments
    :return: ``SELECT`` of the columns of a cell, with ``value``, ``record_count`` and ``ahead``
        (the part of a count or sum that is dated in the future)
    """
    levels = [_plain_levels(plan)]
    if by_segment is not None:
        crossed = any(column.cross_levels for column in plan.columns)
        levels.append((_crossed_levels if crossed else _segment_level)(plan, by_segment))
    return SQL(
        """SELECT k.kpi_id, r.period_id, r.level, r.team_id, r.user_id, r.segment_id,
                  k.value, k.record_count, k.ahead
             FROM (%s) AS r
            CROSS JOIN LATERAL (VALUES %s) AS k(kpi_id, cross_levels, value, record_count, ahead)
            WHERE (k.cross_levels OR r.level NOT IN ('team_segment', 'user_segment')) %s
        """,
        SQL(" UNION ALL ").join(levels),
        SQL(", ").join(
            SQL(
                "(%s, %s, r.%s, r.%s, r.%s)",
                column.kpi_id,
                column.cross_levels,
                SQL.identifier(f"a{index}"),
                SQL.identifier(f"n{index}"),
                SQL.identifier(f"h{index}"),
            )
            for index, column in enumerate(plan.columns)
        ),
        SQL() if plan.unassigned else _ASSIGNED,
    )


#: No rows of facts without a team or salesperson.
_ASSIGNED = SQL(
    """AND (r.team_id IS NOT NULL OR r.level NOT IN ('team', 'team_segment'))
       AND (r.user_id IS NOT NULL OR r.level NOT IN ('user', 'user_segment'))"""
)


def _plain_levels(plan):
    """Aggregates ``a0, n0, …`` of the company, the teams and the salespeople."""
    return SQL(
        """SELECT CASE GROUPING(team_id, user_id)
                       WHEN 3 THEN 'company' WHEN 1 THEN 'team' ELSE 'user' END AS level,
                  period_id, team_id, user_id, NULL::int4 AS segment_id, %s
             FROM facts
            GROUP BY GROUPING SETS ((period_id), (period_id, team_id), (period_id, user_id))
        """,
        _aggregates(plan),
    )


def _segment_level(plan, by_segment):
    """Aggregates of the segments."""
    return SQL(
        """SELECT 'segment' AS level, period_id, NULL::int4 AS team_id,
                  NULL::int4 AS user_id, segment_id, %s
             FROM (%s) AS segmented GROUP BY period_id, segment_id
        """,
        _aggregates(plan),
        by_segment,
    )


def _crossed_levels(plan, by_segment):
    """Aggregates of the segments, and of each team and salesperson within them."""
    return SQL(
        """SELECT CASE GROUPING(team_id, user_id) WHEN 3 THEN 'segment'
                       WHEN 1 THEN 'team_segment' ELSE 'user_segment' END AS level,
                  period_id, team_id, user_id, segment_id, %s
             FROM (%s) AS segmented
            GROUP BY GROUPING SETS ((period_id, segment_id),
                  (period_id, segment_id, team_id), (period_id, segment_id, user_id))
        """,
        _aggregates(plan),
        by_segment,
    )


def _aggregates(plan):
    """Per KPI number ``i`` its value ``ai``, its number of records ``ni``, and the part ``hi`` of
    its value that lies ahead."""
    parts = []
    for index, column in enumerate(plan.columns):
        names = {
            "f": SQL.identifier(f"f{index}"),
            "v": SQL.identifier(f"v{index}") if column.value is not None else SQL("1"),
        }
        aggregate = SQL(AGGREGATES[column.aggregator], **names)
        if column.aggregator in ("count", "sum"):
            number = SQL("count(*) FILTER (WHERE %(f)s)", **names)
        else:
            number = SQL("count(%(v)s) FILTER (WHERE %(f)s)", **names)
        ahead = SQL("NULL")
        if plan.ahead is not None and column.aggregator in ADDITIVE:
            condition = SQL("%(f)s AND ahead", **names)
            ahead = SQL(AGGREGATES[column.aggregator], **{**names, "f": condition})
        parts.append(
            SQL(
                "(%s)::float8 AS %s, %s AS %s, (%s)::float8 AS %s",
                aggregate,
                SQL.identifier(f"a{index}"),
                number,
                SQL.identifier(f"n{index}"),
                ahead,
                SQL.identifier(f"h{index}"),
            )
        )
    return SQL(", ").join(parts)
