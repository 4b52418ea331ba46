# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""From facts to cells: periods × levels × KPIs of one source in one SQL query.

A *fact* is a record in a period, with its salesperson, team, customer and day. A :class:`Plan`
is the SQL of the facts of a source; a :class:`Column` says how a KPI is computed from them. A
*cell* is the value of a KPI in a period at a level: of the company, a team, a salesperson, a
segment, or a team or salesperson within a segment. :func:`cells` computes all of them. No table
is named here.

Months, quarters and years overlap. Where the facts of a period are those of its days, each record
is one fact in a *piece* of time that no period cuts. What adds up is added up per piece, and then
per period; medians and distinct counts are computed from the facts of each period.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from odoo.tools import SQL

from ..sql import Cte, unnest, with_ctes

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


class Parts(NamedTuple):
    """SQL of an aggregate of the facts of a piece, and of the whole from its pieces.

    :param whole: of the results ``a`` of the pieces, and their numbers of records ``n``
    """

    of_piece: str
    whole: str


#: Aggregates that can be computed from pieces. The others need the facts of the whole period.
PARTS = {
    "count": Parts(AGGREGATES["count"], "sum(%(a)s)"),
    "sum": Parts(AGGREGATES["sum_known"], "COALESCE(sum(%(a)s), 0)"),
    "sum_known": Parts(AGGREGATES["sum_known"], "sum(%(a)s)"),
    "avg": Parts(AGGREGATES["sum_known"], "sum(%(a)s) / NULLIF(sum(%(n)s), 0)"),
    "min": Parts(AGGREGATES["min"], "min(%(a)s)"),
    "max": Parts(AGGREGATES["max"], "max(%(a)s)"),
}
#: Aggregates of which a part can be dated ahead: the value is that part and the rest.
ADDITIVE = ("count", "sum", "sum_known")
#: These aggregates of facts that were added (``change`` is 1) or removed (-1): the difference.
CHANGES = {
    "count": "COALESCE(sum(change) FILTER (WHERE %(f)s), 0)",
    "sum": "COALESCE(sum(change * %(v)s) FILTER (WHERE %(f)s), 0)",
    "sum_known": "COALESCE(sum(change * %(v)s) FILTER (WHERE %(f)s), 0)",
}
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


class Owners(NamedTuple):
    """The owners whose cells are computed, besides those of the company: sorted ids, 0 for none.

    A cell of a team or salesperson within a segment is computed where both are among them.
    """

    team_ids: list
    user_ids: list
    segment_ids: list

    def facts(self, facts):
        """Of a query of facts, those of the teams and salespeople."""
        return SQL(
            """SELECT * FROM (%s) AS fact
                WHERE COALESCE(team_id, 0) = ANY(%s) OR COALESCE(user_id, 0) = ANY(%s)""",
            facts,
            self.team_ids,
            self.user_ids,
        )

    def facts_by_segment(self, facts):
        """Of a query of facts once per segment, those of the segments."""
        return SQL("SELECT * FROM (%s) AS fact WHERE segment_id = ANY(%s)", facts, self.segment_ids)

    def have(self, table):
        """Condition: a cell is one of the company or of the owners."""
        names = {
            name: SQL.identifier(table, name)
            for name in ("level", "team_id", "user_id", "segment_id")
        }
        return SQL(
            """(%(level)s NOT IN ('team', 'team_segment')
                OR COALESCE(%(team_id)s, 0) = ANY(%(teams)s))
               AND (%(level)s NOT IN ('user', 'user_segment')
                    OR COALESCE(%(user_id)s, 0) = ANY(%(users)s))
               AND (%(level)s IN ('company', 'team', 'user')
                    OR %(segment_id)s = ANY(%(segments)s))""",
            **names,
            teams=self.team_ids,
            users=self.user_ids,
            segments=self.segment_ids,
        )


@dataclass
class Column:
    """A KPI as it is computed from facts: its filter, value and aggregate."""

    kpi_id: int
    condition: SQL
    value: SQL | None
    aggregator: str
    cross_levels: bool = False

    @property
    def has_parts(self):
        """Whether the value of a period can be computed from those of its pieces."""
        return self.aggregator in PARTS


class Piece(NamedTuple):
    """A piece of time, and a period that it is part of."""

    piece_id: int
    period_id: int


@dataclass
class Plan:
    """How the records of a source become facts.

    :param from_clause: tables and joins of the source's query
    :param where_clause: base filter
    :param record_id: id of the record to open when a reader drills down
    :param period_join: joins ``p(period_id, …)`` to the tables, or ``p(piece_id)``
    :param pieces: list of :class:`Piece` where facts are in pieces; ``None``: they are in periods
    :param day: local day at which the customer's segment is looked up
    :param unassigned: whether facts without a team or salesperson have a row of their own
    :param ahead: whether a fact of a running period lies in the future; ``None``: none does
    :param change: 1 for a fact that was added, -1 for one that was removed; ``None``: all count.
        The cells are the differences then, which only :data:`ADDITIVE` aggregates have
    :param crossed_period_ids: ids of the periods in which teams and salespeople within segments
        have cells, of the columns with ``cross_levels``
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
    change: SQL | None = None
    pieces: list | None = None
    crossed_period_ids: frozenset = frozenset()
    columns: list = field(default_factory=list)

    @property
    def time(self):
        """Name of the column of the facts that holds the piece, or the period."""
        return SQL.identifier("period_id" if self.pieces is None else "piece_id")

    @property
    def has_segments(self):
        """Whether facts belong to segments: by their customer, or directly."""
        return self.segment is not None or self.partner is not None

    @property
    def column_names(self):
        """Names of the columns ``f0, v0, f1, …`` that the facts have for the KPIs, and ``ahead``."""
        if self.ahead is not None:
            yield "ahead"
        if self.change is not None:
            yield "change"
        for index, column in enumerate(self.columns):
            yield f"f{index}"
            if column.value is not None:
                yield f"v{index}"

    def facts(self):
        """``SELECT`` of the facts, one row per record and period (or piece).

        Columns: ``record_id, period_id, user_id, team_id, partner_id, day, segment_id,
        country_id`` (``piece_id`` for ``period_id`` where facts are in pieces), and for the KPI number ``i`` of the plan ``fi`` (whether its filter
        accepts the record) and ``vi`` (its value, unless the KPI only counts). Facts of periods
        that can hold future records have the column ``ahead``, too.
        """
        extras = [] if self.ahead is None else [SQL("(%s) IS TRUE AS ahead", self.ahead)]
        if self.change is not None:
            extras.append(SQL("%s AS change", self.change))
        for index, column in enumerate(self.columns):
            extras.append(SQL("(%s) IS TRUE AS %s", column.condition, SQL.identifier(f"f{index}")))
            if column.value is not None:
                extras.append(SQL("%s AS %s", column.value, SQL.identifier(f"v{index}")))
        return SQL(
            """SELECT %s AS record_id, p.%s, NULLIF(%s, 1) AS user_id, %s AS team_id,
                      %s AS partner_id, %s AS day, %s AS segment_id, %s AS country_id%s
                 FROM %s %s
                WHERE p.%s IS NOT NULL AND %s""",
            self.record_id,
            self.time,
            self.user,
            self.team,
            self.partner or SQL("NULL::int4"),
            self.day,
            self.segment or SQL("NULL::int4"),
            self.country or SQL("NULL::int4"),
            SQL(", %s", SQL(", ").join(extras)) if extras else SQL(),
            self.from_clause,
            self.period_join,
            self.time,
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
    lookups = SQL(", ").join(_window_lookup(instant, track, cast) for track in tracks)
    return SQL("CROSS JOIN LATERAL unnest(ARRAY[%s]) AS p(period_id)", lookups)


def pieces_join(instant, windows, cast):
    """Map an instant (or a date) to the piece of time that holds it.

    :param windows: list of :class:`Window` that do not overlap
    :return: SQL that joins ``p(piece_id)``
    """
    lookup = _window_lookup(instant, windows, cast)
    return SQL("CROSS JOIN LATERAL (SELECT %s) AS p(piece_id)", lookup)


def _window_lookup(instant, windows, cast):
    """SQL of the id of the window that holds an instant; NULL between windows."""
    bounds, ids = [], []
    for start, end, window_id in windows:
        if bounds and bounds[-1] == start:
            ids[-1] = window_id
        else:
            bounds.append(start)
            ids.append(window_id)
        bounds.append(end)
        ids.append(None)
    return SQL(
        "(%s::int4[])[width_bucket(%s, %s::%s[])]",
        ids,
        SQL("%s::%s", instant, SQL(cast)),
        bounds,
        SQL(cast),
    )


def periods_join(rows, condition):
    """SQL that joins the periods as ``p(period_id, date_from, date_to, at, day)``.

    :param rows: list of :class:`PeriodRow`
    """
    return SQL("JOIN %s ON %s", unnest(PeriodRow, rows, "p"), condition)


# --- CELLS ---

#: Levels, and what a cell of each is of.
_COMPANY_LEVEL = {"company": ()}
_PEOPLE_LEVELS = {"team": ("team_id",), "user": ("user_id",)}
_OWNER_LEVELS = {**_COMPANY_LEVEL, **_PEOPLE_LEVELS}
_SEGMENT_LEVEL = {"segment": ("segment_id",)}
_CROSSED_LEVELS = {
    **_SEGMENT_LEVEL,
    "team_segment": ("segment_id", "team_id"),
    "user_segment": ("segment_id", "user_id"),
}
#: The number that tells by which columns a cell of a level is grouped: see :func:`_level_columns`.
_LEVEL_NUMBERS = {
    "company": 3, "team": 1, "user": 2, "segment": 3, "team_segment": 1, "user_segment": 2,
}  # fmt: skip


def cells(plan, by_segment=None, owners=None):
    """Cells of all levels of all KPIs of a plan, from one scan of the CTE ``facts``.

    KPIs that are computed in different ways are grouped apart: a median needs the facts in
    order, a sum does not.

    :param by_segment: SQL of the facts once per segment that they belong to; ``None``: no
        cells of segments
    :param owners: only cells of the company and of these :class:`Owners`; ``None``: all
    :return: ``SELECT`` of the columns of a cell, with ``value``, ``record_count`` and ``ahead``
        (the part of a count or sum that is dated in the future)
    """
    selects, facts, given = [], SQL("SELECT * FROM facts"), []
    if owners is not None and by_segment is not None:
        # once for all groups: finding the segments of the other facts takes longest
        given = [Cte("owned", owners.facts_by_segment(by_segment), materialized=True)]
        by_segment = SQL("SELECT * FROM owned")
    for has_parts in (True, False):
        columns = [column for column in plan.columns if column.has_parts == has_parts]
        if owners is None:
            groups = [(facts, _OWNER_LEVELS, columns)]
        else:
            groups = [
                (facts, _COMPANY_LEVEL, columns),
                (owners.facts(facts), _PEOPLE_LEVELS, columns),
            ]
        if by_segment is not None:
            crossed = [column for column in columns if column.cross_levels]
            plain = [column for column in columns if not column.cross_levels]
            if not crossed:
                groups.append((by_segment, _SEGMENT_LEVEL, columns))
            else:
                groups += [
                    (by_segment, _CROSSED_LEVELS, crossed, True),
                    (by_segment, _SEGMENT_LEVEL, plain, True),
                    (by_segment, _SEGMENT_LEVEL, columns, False),
                ]
        selects += [_cells_of(plan, *group) for group in groups if group[2]]
    found = SQL(" UNION ALL ").join(selects)
    if owners is None:
        return found
    # facts of the teams and salespeople are facts of others, too, which have more of them
    found = with_ctes(given, found) if given else found
    return SQL("SELECT * FROM (%s) AS cell WHERE %s", found, owners.have("cell"))


def _cells_of(plan, facts, levels, columns, in_crossed=None):
    """Cells of some levels of some KPIs, which all have parts or all have none.

    :param facts: SQL of the facts
    :param levels: dict of level to the columns of its cells
    :param columns: list of :class:`Column`
    :param in_crossed: only of the periods with crossed levels, or only of the others; ``None``: of
        all periods
    """
    pieces = plan.pieces
    if in_crossed is not None:
        facts, pieces = _some_periods(plan, facts, in_crossed)
    if pieces is None:
        rows, names = _of_periods(plan, facts, levels, columns)
    elif columns[0].has_parts:
        rows, names = _of_pieces(plan, facts, levels, columns, pieces)
    else:
        in_periods = SQL(
            "SELECT * FROM (%s) AS fact JOIN %s USING (piece_id)",
            facts,
            unnest(Piece, pieces, "piece"),
        )
        rows, names = _of_periods(plan, in_periods, levels, columns)
    return SQL(
        """SELECT k.kpi_id, r.period_id, %s AS level, r.team_id, r.user_id, r.segment_id,
                  k.value, k.record_count, k.ahead
             FROM (%s) AS r
            CROSS JOIN LATERAL (VALUES %s) AS k(kpi_id, value, record_count, ahead)
            WHERE %s""",
        _level_name(levels),
        rows,
        SQL(", ").join(
            SQL("(%s, %s::float8, %s, %s::float8)", column.kpi_id, *numbers)
            for column, numbers in zip(columns, names, strict=True)
        ),
        SQL("TRUE") if plan.unassigned else _ASSIGNED,
    )


#: No cells of no team (level 1), and none of no salesperson (level 2).
_ASSIGNED = SQL(
    "(r.team_id IS NOT NULL OR r.level <> 1) AND (r.user_id IS NOT NULL OR r.level <> 2)"
)


def _some_periods(plan, facts, in_crossed):
    """The facts of the periods with crossed levels, or of the others, and their pieces."""
    if plan.pieces is None:
        ids, pieces = sorted(plan.crossed_period_ids), None
        condition = SQL("period_id = ANY(%s)" if in_crossed else "period_id <> ALL(%s)", ids)
    else:
        pieces = [
            piece
            for piece in plan.pieces
            if (piece.period_id in plan.crossed_period_ids) == in_crossed
        ]
        condition = SQL("piece_id = ANY(%s)", sorted({piece.piece_id for piece in pieces}))
    return SQL("SELECT * FROM (%s) AS fact WHERE %s", facts, condition), pieces


def _of_periods(plan, facts, levels, columns):
    """Aggregates of facts in periods: their SQL, and a list of :class:`Numbers`."""
    computed = Computed()
    names = [_aggregates(plan, column, AGGREGATES, computed) for column in columns]
    rows = SQL(
        "SELECT period_id, %s, %s FROM (%s) AS fact GROUP BY %s",
        _level_columns(levels),
        computed.columns(),
        facts,
        _grouping_sets(SQL("period_id"), levels),
    )
    return rows, names


def _of_pieces(plan, facts, levels, columns, pieces):
    """Aggregates of facts in pieces, put together for each period; as :func:`_of_periods`.

    :param pieces: list of :class:`Piece`
    """
    of_piece = {name: parts.of_piece for name, parts in PARTS.items()}
    parts, wholes = Computed(), Computed()
    names = [
        _wholes(column, _aggregates(plan, column, of_piece, parts), wholes) for column in columns
    ]
    by_piece = SQL(
        "SELECT piece_id, %s, %s FROM (%s) AS fact GROUP BY %s",
        _level_columns(levels),
        parts.columns(),
        facts,
        _grouping_sets(SQL("piece_id"), levels),
    )
    rows = SQL(
        """SELECT period_id, level, team_id, user_id, segment_id, %s
             FROM (%s) AS part JOIN %s USING (piece_id)
            GROUP BY period_id, level, team_id, user_id, segment_id""",
        wholes.columns(),
        by_piece,
        unnest(Piece, pieces, "piece"),
    )
    return rows, names


def _level_columns(levels):
    """``level, team_id, user_id, segment_id`` of cells that are grouped by levels.

    ``level`` is a number, which is quicker to group by than a name; see :func:`_level_name`.
    """
    used = {name for names in levels.values() for name in names}
    number = SQL("GROUPING(team_id, user_id)") if len(levels) > 1 else SQL("3")
    columns = [
        SQL.identifier(name) if name in used else SQL("NULL::int4 AS %s", SQL.identifier(name))
        for name in NULLABLE_COLUMNS
    ]
    return SQL(", ").join([SQL("%s AS level", number), *columns])


def _level_name(levels):
    """SQL of the name of a level, from the number that tells which columns are grouped by."""
    whens = [SQL("WHEN %s THEN %s", _LEVEL_NUMBERS[level], level) for level in levels]
    return SQL("CASE r.level %s END", SQL(" ").join(whens))


def _grouping_sets(time, levels):
    sets = [
        SQL("(%s)", SQL(", ").join([time, *(SQL.identifier(name) for name in names)]))
        for names in levels.values()
    ]
    return SQL("GROUPING SETS (%s)", SQL(", ").join(sets))


class Numbers(NamedTuple):
    """SQL of the value of a KPI, its number of records, and the part that lies ahead."""

    value: SQL
    record_count: SQL
    ahead: SQL


class Computed:
    """The columns of a query of aggregates. KPIs with equal filters share them."""

    def __init__(self):
        self.expressions = []

    def name(self, expression):
        """Name of the column with an expression."""
        if expression not in self.expressions:
            self.expressions.append(expression)
        return SQL.identifier(f"a{self.expressions.index(expression)}")

    def columns(self):
        return SQL(", ").join(
            SQL("%s AS %s", expression, self.name(expression)) for expression in self.expressions
        )


_NOTHING_AHEAD = SQL("NULL")


def _aggregates(plan, column, aggregates, computed):
    """The aggregates of a KPI of a plan, as :class:`Numbers`.

    :param aggregates: SQL of the aggregates by name
    :param computed: the :class:`Computed` to which they are added
    """
    filters = [one.condition for one in plan.columns]
    values = [one.value for one in plan.columns]
    names = {
        "f": SQL.identifier(f"f{filters.index(column.condition)}"),
        "v": SQL.identifier(f"v{values.index(column.value)}") if column.value else SQL("1"),
    }
    if plan.change is not None:
        known = SQL("%(v)s IS NOT NULL", **names)
        counted = SQL("TRUE") if column.aggregator in ("count", "sum") else known
        number = SQL("COALESCE(sum(change) FILTER (WHERE %s AND %s), 0)", names["f"], counted)
        value = SQL(CHANGES[column.aggregator], **names)
        return Numbers(computed.name(value), computed.name(number), _NOTHING_AHEAD)
    value = SQL(aggregates[column.aggregator], **names)
    if column.aggregator in ("count", "sum"):
        number = SQL("count(*) FILTER (WHERE %(f)s)", **names)
    else:
        number = SQL("count(%(v)s) FILTER (WHERE %(f)s)", **names)
    ahead = _NOTHING_AHEAD
    if plan.ahead is not None and column.aggregator in ADDITIVE:
        condition = SQL("%(f)s AND ahead", **names)
        ahead = computed.name(SQL(aggregates[column.aggregator], **{**names, "f": condition}))
    return Numbers(computed.name(value), computed.name(number), ahead)


def _wholes(column, parts, computed):
    """The values of a period from those of its pieces, as :func:`_aggregates`.

    :param parts: :class:`Numbers` of the pieces
    """
    whole = SQL(PARTS[column.aggregator].whole, a=parts.value, n=parts.record_count)
    ahead = parts.ahead
    if ahead is not _NOTHING_AHEAD:
        ahead = computed.name(SQL("sum(%s)", ahead))
    return Numbers(
        computed.name(whole), computed.name(SQL("sum(%s)::int8", parts.record_count)), ahead
    )
