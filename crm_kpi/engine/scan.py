# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The one statement per source: facts × periods × levels × KPIs, written in the database.

A :class:`Plan` says in SQL how the records of a source become *facts*: one row per record
and period with its dimensions. A :class:`Column` says how a KPI is computed from facts.
:func:`cells` turns both into rows ``(kpi_id, period_id, level, team_id, user_id,
segment_id, value, record_count)``, and :func:`write` stores such rows. Nothing here knows a model.
"""

from dataclasses import dataclass, field

from odoo.tools import SQL

from .formula import CONSTANTS

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
#: Aggregates of nothing that are a true zero; those of the others are no value.
ZERO_WHEN_EMPTY = ("count", "sum", "count_distinct")

#: Cells of what has no value anywhere, for :func:`write`.
NO_CELLS = SQL(
    """SELECT NULL::int4 AS kpi_id, NULL::int4 AS period_id, NULL::text AS level,
              NULL::int4 AS team_id, NULL::int4 AS user_id, NULL::int4 AS segment_id,
              NULL::float8 AS value, 0 AS record_count WHERE FALSE"""
)

_KEYS = SQL("kpi_id, period_id, level, team_id, user_id, segment_id")
#: Expressions of the unique index of the value table, in its order.
CELL_KEY = (
    "kpi_id, period_id, level, COALESCE(team_id, 0), COALESCE(user_id, 0), COALESCE(segment_id, 0)"
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
    :param period_join: what joins ``p(period_id, …)`` to the tables
    :param day: local day at which the customer's segment is looked up
    :param unassigned: whether what has no team or no user makes a row of its own
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
    columns: list = field(default_factory=list)

    def facts(self):
        """``SELECT`` of the facts, one row per record and period."""
        extras = []
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


def instants_join(instant, tracks, cast):
    """Map an instant (or a date) to the periods that hold it, without a join by range.

    :param instant: SQL of the point in time
    :param tracks: lists of ``(start, end, period id)`` that do not overlap within a list
    :param cast: PostgreSQL type of the bounds, ``timestamp`` or ``date``
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


def values_join(rows, condition):
    """Join the periods as rows ``p(period_id, date_from, date_to, at, day)``.

    :param rows: list of ``(period id, first day, first day after, instant, local day)``
    """
    ids, first, last, instants, days = (list(column) for column in zip(*rows, strict=True))
    return SQL(
        """JOIN unnest(%s::int4[], %s::date[], %s::date[], %s::timestamp[], %s::date[])
             AS p(period_id, date_from, date_to, at, day) ON %s""",
        ids,
        first,
        last,
        instants,
        days,
        condition,
    )


# --- CELLS ---


def _aggregates(columns):
    parts = []
    for index, column in enumerate(columns):
        names = {
            "f": SQL.identifier(f"f{index}"),
            "v": SQL.identifier(f"v{index}") if column.value is not None else SQL("1"),
        }
        aggregate = SQL(AGGREGATES[column.aggregator], **names)
        if column.aggregator in ("count", "sum"):
            number = SQL("count(*) FILTER (WHERE %(f)s)", **names)
        else:
            number = SQL("count(%(v)s) FILTER (WHERE %(f)s)", **names)
        parts.append(
            SQL(
                "(%s)::float8 AS %s, %s AS %s",
                aggregate,
                SQL.identifier(f"a{index}"),
                number,
                SQL.identifier(f"n{index}"),
            )
        )
    return SQL(", ").join(parts)


def cells(plan, segment_sets, company_id):
    """Rows of all levels of all the plan's KPIs in all its periods, from one scan.

    :param segment_sets: list of ``(set id, id of its bucket for unknown customers)``
    """
    columns = plan.columns
    cross_levels = any(column.cross_levels for column in columns)
    levels = [
        SQL(
            """SELECT CASE GROUPING(team_id, user_id)
                           WHEN 3 THEN 'company' WHEN 1 THEN 'team' ELSE 'user' END AS level,
                      period_id, team_id, user_id, NULL::int4 AS segment_id, %s
                 FROM facts
                GROUP BY GROUPING SETS ((period_id), (period_id, team_id), (period_id, user_id))
            """,
            _aggregates(columns),
        )
    ]
    if segment_sets and (plan.segment is not None or plan.partner is not None):
        aggregates = _aggregates(columns)
        rows = segmented(plan, segment_sets, company_id)
        if cross_levels:
            levels.append(
                SQL(
                    """SELECT CASE GROUPING(team_id, user_id) WHEN 3 THEN 'segment'
                                   WHEN 1 THEN 'team_segment' ELSE 'user_segment' END AS level,
                              period_id, team_id, user_id, segment_id, %s
                         FROM (%s) AS segmented
                        GROUP BY GROUPING SETS ((period_id, segment_id),
                              (period_id, segment_id, team_id), (period_id, segment_id, user_id))
                    """,
                    aggregates,
                    rows,
                )
            )
        else:
            levels.append(
                SQL(
                    """SELECT 'segment' AS level, period_id, NULL::int4 AS team_id,
                              NULL::int4 AS user_id, segment_id, %s
                         FROM (%s) AS segmented GROUP BY period_id, segment_id
                    """,
                    aggregates,
                    rows,
                )
            )
    return SQL(
        """SELECT k.kpi_id, r.period_id, r.level, r.team_id, r.user_id, r.segment_id,
                  k.value, k.record_count
             FROM (%s) AS r
            CROSS JOIN LATERAL (VALUES %s) AS k(kpi_id, cross_levels, value, record_count)
            WHERE (k.cross_levels OR r.level NOT IN ('team_segment', 'user_segment')) %s
        """,
        SQL(" UNION ALL ").join(levels),
        SQL(", ").join(
            SQL(
                "(%s, %s, r.%s, r.%s)",
                column.kpi_id,
                column.cross_levels,
                SQL.identifier(f"a{index}"),
                SQL.identifier(f"n{index}"),
            )
            for index, column in enumerate(columns)
        ),
        SQL()
        if plan.unassigned
        else SQL(
            """AND (r.team_id IS NOT NULL OR r.level NOT IN ('team', 'team_segment'))
               AND (r.user_id IS NOT NULL OR r.level NOT IN ('user', 'user_segment'))"""
        ),
    )


def segmented(plan, segment_sets, company_id, *extra):
    """Facts once per segment: of the customer on the day, else the set's unknown bucket.

    :param extra: further columns of the facts ``f``
    """
    values = [name for i, c in enumerate(plan.columns) for name in _names(i, c)]
    names = SQL(", ").join([*(SQL("f.%s", SQL.identifier(name)) for name in values), *extra])
    if plan.segment is not None:
        return SQL(
            """SELECT f.period_id, f.team_id, f.user_id, f.segment_id, %s
                 FROM facts f WHERE f.segment_id IS NOT NULL""",
            names,
        )
    set_ids, unknown_ids = (list(column) for column in zip(*segment_sets, strict=True))
    country = SQL()
    if plan.country is not None:
        country = SQL(
            """LEFT JOIN crm_kpi_segment c ON f.partner_id IS NULL AND c.set_id = s.set_id
                      AND c.country_id = f.country_id AND c.active"""
        )
    return SQL(
        """SELECT f.period_id, f.team_id, f.user_id,
                  COALESCE(m.segment_id, %s s.unknown_id) AS segment_id, %s
             FROM facts f
            CROSS JOIN unnest(%s::int4[], %s::int4[]) AS s(set_id, unknown_id)
             LEFT JOIN crm_kpi_segment_member m
                    ON m.partner_id = f.partner_id AND m.set_id = s.set_id
                   AND (m.date_from IS NULL OR m.date_from <= f.day)
                   AND (m.date_to IS NULL OR m.date_to > f.day)
                   AND (m.company_id IS NULL OR m.company_id = %s)
            %s""",
        SQL("c.id,") if plan.country is not None else SQL(),
        names,
        set_ids,
        unknown_ids,
        company_id,
        country,
    )


def _names(index, column):
    yield f"f{index}"
    if column.value is not None:
        yield f"v{index}"


def formula_cells(formula, kpi_id, zeros, cross_levels, lookups, constants):
    """Rows of a formula KPI from the stored values of its components.

    :param zeros: per component, whether a missing value is a true zero, where the component
        is looked up at all
    :param cross_levels: whether the crossed levels are wanted
    :param lookups: list of ``(period id, slot, kpi id, source period id)``: which stored
        value fills which slot (position of the component, from 1) in which period; a
        negative slot is filled by the target of the KPI's goal instead
    :param constants: dict of period id to the constants of formulas there, by name
    """
    periods, slots, kpis, sources = (list(column) for column in zip(*lookups, strict=True))
    components = formula.components
    columns = {
        component: SQL(
            # what was never computed is unknown, which is not zero
            "COALESCE(g.amounts[%(slot)s], CASE WHEN %(slot)s = ANY(k.known) THEN 0 END)"
            if zero
            else "g.amounts[%(slot)s]",
            slot=slot,
        )
        for slot, (component, zero) in enumerate(zip(components, zeros, strict=True), start=1)
    }
    number = formula.sample(
        {
            component: SQL("COALESCE(g.numbers[%s], 0)", slot)
            for slot, component in enumerate(components, start=1)
        },
        plus=lambda parts: SQL("(%s)", SQL(" + ").join(parts)),
        least=lambda parts: SQL("LEAST(%s)", SQL(", ").join(parts)),
    ) or SQL("0")
    slot_range = range(1, len(components) + 1)
    return SQL(
        """WITH lookup AS (
               SELECT * FROM unnest(%s::int4[], %s::int4[], %s::int4[], %s::int4[])
                   AS t(period_id, slot, source_kpi_id, source_period_id)),
           constants AS (
               SELECT t.*, ARRAY(SELECT slot FROM lookup l WHERE l.period_id = t.period_id) AS known
                 FROM unnest(%s::int4[], %s) AS t(period_id, %s)),
           stored AS (
               SELECT l.period_id, l.slot, v.level, v.team_id, v.user_id, v.segment_id,
                      v.value, v.record_count
                 FROM lookup l
                 JOIN crm_kpi_value v ON v.kpi_id = l.source_kpi_id
                                     AND v.period_id = l.source_period_id
                WHERE l.slot > 0
                UNION ALL
               SELECT l.period_id, -l.slot, g.scope, g.team_id, g.user_id, g.segment_id,
                      g.target, 0
                 FROM lookup l
                 JOIN crm_kpi_goal g ON g.kpi_id = l.source_kpi_id
                                    AND g.period_id = l.source_period_id AND g.active
                WHERE l.slot < 0),
           gathered AS (
               SELECT period_id, level, team_id, user_id, segment_id,
                      ARRAY[%s] AS amounts, ARRAY[%s] AS numbers
                 FROM stored
                GROUP BY period_id, level, team_id, user_id, segment_id)
           SELECT %s::int4 AS kpi_id, g.period_id, g.level, g.team_id, g.user_id, g.segment_id,
                  (%s)::float8 AS value, (%s)::int4 AS record_count
             FROM gathered g JOIN constants k ON k.period_id = g.period_id
            WHERE %s OR g.level NOT IN ('team_segment', 'user_segment')""",
        periods,
        slots,
        kpis,
        sources,
        list(constants),
        SQL(", ").join(
            SQL("%s::float8[]", [values[name] for values in constants.values()])
            for name in CONSTANTS
        ),
        SQL(", ").join(SQL.identifier(name) for name in CONSTANTS),
        SQL(", ").join(SQL("max(value) FILTER (WHERE slot = %s)", slot) for slot in slot_range),
        SQL(", ").join(
            SQL("max(record_count) FILTER (WHERE slot = %s)", slot) for slot in slot_range
        ),
        kpi_id,
        formula.to_sql(columns, {name: SQL.identifier("k", name) for name in CONSTANTS}),
        number,
        cross_levels,
    )


# --- WRITING ---


def _differs(left, right):
    """Whether two values differ by more than the noise of adding floats in another order."""
    return SQL(
        """((%(l)s) IS NULL) <> ((%(r)s) IS NULL)
           OR abs((%(l)s) - (%(r)s)) > 1e-9 * GREATEST(abs(%(l)s), abs(%(r)s), 1)""",
        l=left,
        r=right,
    )


def _told(value, number):
    """A value for comparison: a zero of no records tells no more than a cell that is not there.

    Whether somebody has a cell depends on all KPIs of the source: a record that one of them
    counts gives a zero to the others.
    """
    return SQL("CASE WHEN %(v)s <> 0 OR %(n)s <> 0 THEN %(v)s END", v=SQL(value), n=SQL(number))


def _keys(table):
    return SQL(
        "%(t)s.kpi_id, %(t)s.period_id, %(t)s.level, %(t)s.team_id, %(t)s.user_id, %(t)s.segment_id",
        t=SQL.identifier(table),
    )


def _cell_key(table):
    """The columns that tell cells apart, none of them NULL."""
    return SQL(
        """%(t)s.kpi_id, %(t)s.period_id, %(t)s.level, COALESCE(%(t)s.team_id, 0),
           COALESCE(%(t)s.user_id, 0), COALESCE(%(t)s.segment_id, 0)""",
        t=SQL.identifier(table),
    )


def _same_cell(left, right):
    return SQL(
        """%(l)s.kpi_id = %(r)s.kpi_id AND %(l)s.period_id = %(r)s.period_id
           AND %(l)s.level = %(r)s.level
           AND COALESCE(%(l)s.team_id, 0) = COALESCE(%(r)s.team_id, 0)
           AND COALESCE(%(l)s.user_id, 0) = COALESCE(%(r)s.user_id, 0)
           AND COALESCE(%(l)s.segment_id, 0) = COALESCE(%(r)s.segment_id, 0)""",
        l=SQL.identifier(left),
        r=SQL.identifier(right),
    )


def write(computed, targets, company_id, now, facts=None, active_people=((), ())):
    """Store cells: insert, update what differs, delete what is gone, restate what is locked.

    :param computed: SQL of the cells (may read the CTE ``facts``)
    :param targets: list of ``(kpi id, period id, version, locked, zero, running, least)``;
        only cells of these are touched. The company has a cell in any case; ``zero``: of
        nothing it is 0 rather than no value, and so it is, in a running period, for everybody
        in the active_people; ``least``: the value of a segment that rests on fewer records is
        withheld, their number stays
    :param facts: SQL of the CTE ``facts``
    :param active_people: ids of the active salespeople and of the active teams
    :return: SQL that yields one row: cells deleted, restated, inserted or updated
    """
    users, teams = (list(ids) for ids in active_people)
    return SQL(
        """WITH target AS MATERIALIZED (
               SELECT * FROM unnest(%(kpis)s::int4[], %(periods)s::int4[], %(versions)s::int4[],
                                    %(locked)s::bool[], %(zero)s::bool[], %(running)s::bool[],
                                    %(least)s::int4[])
                   AS t(kpi_id, period_id, version, locked, zero, running, least)),
           %(facts)s
           computed AS MATERIALIZED (%(computed)s),
           expected AS (
               SELECT kpi_id, period_id, 'company' AS level, NULL::int4 AS team_id,
                      NULL::int4 AS user_id FROM target
                UNION ALL
               SELECT kpi_id, period_id, 'team', id, NULL
                 FROM target, unnest(%(teams)s::int4[]) AS id WHERE zero AND running
                UNION ALL
               SELECT kpi_id, period_id, 'user', NULL, id
                 FROM target, unnest(%(users)s::int4[]) AS id WHERE zero AND running),
           found AS (
               SELECT c.kpi_id, c.period_id, c.level, c.team_id, c.user_id, c.segment_id,
                      CASE WHEN c.segment_id IS NULL OR c.record_count >= t.least THEN c.value END AS value,
                      c.record_count, t.version, t.locked
                 FROM computed c JOIN target t USING (kpi_id, period_id)
                UNION ALL
               SELECT e.kpi_id, e.period_id, e.level, e.team_id, e.user_id, NULL::int4,
                      CASE WHEN t.zero THEN 0::float8 END, 0, t.version, t.locked
                 -- whoever has no cell: of sets, which nothing has PostgreSQL compare one by one
                 FROM (SELECT * FROM expected
                       EXCEPT
                       SELECT kpi_id, period_id, level, team_id, user_id
                         FROM computed WHERE segment_id IS NULL) AS e
                 JOIN target t USING (kpi_id, period_id)),
           -- segments a locked period was reported by; records it had, but not by this breakdown,
           -- are no restatement: the breakdown was asked for later
           reported AS (
               SELECT DISTINCT v.kpi_id, v.period_id, v.level, s.set_id
                 FROM crm_kpi_value v JOIN target t USING (kpi_id, period_id)
                 LEFT JOIN crm_kpi_segment s ON s.id = v.segment_id
                WHERE t.locked AND (v.segment_id IS NOT NULL OR v.level = 'company' AND v.record_count > 0)),
           cell AS MATERIALIZED (
               SELECT f.kpi_id, f.period_id, f.level, f.team_id, f.user_id, f.segment_id,
                      f.value, f.record_count, f.version, s.set_id,
                      f.locked AND (s.id IS NULL OR r.kpi_id IS NOT NULL OR a.kpi_id IS NULL)
                           AS locked
                 FROM found f
                 LEFT JOIN crm_kpi_segment s ON s.id = f.segment_id
                 LEFT JOIN reported r ON r.kpi_id = f.kpi_id AND r.period_id = f.period_id
                                     AND r.level = f.level AND r.set_id = s.set_id
                 LEFT JOIN reported a ON a.kpi_id = f.kpi_id AND a.period_id = f.period_id
                                     AND a.level = 'company'),
           still AS (
               SELECT DISTINCT kpi_id, period_id, level, set_id FROM cell
                WHERE locked AND (segment_id IS NOT NULL OR level = 'company' AND record_count > 0)),
           -- locked cells, and those that were not there but came up in a restatement since
           known_cell AS (
               SELECT %(v_keys)s, v.value, v.record_count, v.version
                 FROM crm_kpi_value v JOIN target t USING (kpi_id, period_id)
                WHERE t.locked
                UNION ALL
               SELECT DISTINCT %(r_keys)s, NULL::float8, 0, NULL::int4
                 FROM crm_kpi_restatement r JOIN target t USING (kpi_id, period_id)
                WHERE t.locked
                  AND NOT EXISTS (SELECT 1 FROM crm_kpi_value v WHERE %(value_is_noted)s)),
           gone AS (
               -- grouped by key: however few or many cells the planner expects, no value is
               -- compared with every cell, as in a join of few or a NOT IN of many
               DELETE FROM crm_kpi_value WHERE id IN (
                      SELECT max(k.id)
                        FROM (SELECT v.id, %(value_key)s
                                FROM crm_kpi_value v JOIN target t USING (kpi_id, period_id)
                               WHERE NOT t.locked
                               UNION ALL
                              SELECT NULL, %(key_of_cell)s FROM cell c)
                          AS k (id, kpi_id, period_id, level, team_id, user_id, segment_id)
                       GROUP BY k.kpi_id, k.period_id, k.level, k.team_id, k.user_id, k.segment_id
                      HAVING count(*) = count(k.id))
               RETURNING 1),
           restated AS (
               INSERT INTO crm_kpi_restatement (%(keys)s, company_id, value_locked, value_now,
                                                record_count_locked, record_count_now, reason, date)
               SELECT d.*, %(company)s, value_locked, value_now, record_count_locked, record_count_now,
                      CASE WHEN version_now <> version_locked THEN 'definition'
                           WHEN record_count_now > record_count_locked THEN 'late'
                           WHEN record_count_now < record_count_locked THEN 'removed' ELSE 'amount' END,
                      %(now)s
                 FROM (SELECT COALESCE(c.kpi_id, v.kpi_id) AS kpi_id,
                              COALESCE(c.period_id, v.period_id) AS period_id,
                              COALESCE(c.level, v.level) AS level,
                              COALESCE(c.team_id, v.team_id) AS team_id,
                              COALESCE(c.user_id, v.user_id) AS user_id,
                              COALESCE(c.segment_id, v.segment_id) AS segment_id,
                              v.value AS value_locked, c.value AS value_now,
                              COALESCE(v.record_count, 0) AS record_count_locked, COALESCE(c.record_count, 0) AS record_count_now,
                              v.version AS version_locked, c.version AS version_now
                         FROM (SELECT v.* FROM known_cell v
                                 LEFT JOIN crm_kpi_segment s ON s.id = v.segment_id
                                 LEFT JOIN still b ON b.kpi_id = v.kpi_id
                                      AND b.period_id = v.period_id AND b.level = v.level
                                      AND b.set_id = s.set_id
                                 LEFT JOIN still a ON a.kpi_id = v.kpi_id
                                      AND a.period_id = v.period_id AND a.level = 'company'
                                WHERE s.id IS NULL OR b.kpi_id IS NOT NULL OR a.kpi_id IS NULL) v
                         FULL JOIN (SELECT * FROM cell WHERE locked) c ON %(cell_is_value)s
                      ) AS both_sides
                CROSS JOIN LATERAL (SELECT %(keys)s) AS d
                 LEFT JOIN LATERAL (
                      SELECT r.id, r.value_now AS last_now, r.record_count_now AS last_n
                        FROM crm_kpi_restatement r
                       WHERE r.kpi_id = d.kpi_id AND r.period_id = d.period_id
                         AND r.level = d.level
                         AND r.team_id IS NOT DISTINCT FROM d.team_id
                         AND r.user_id IS NOT DISTINCT FROM d.user_id
                         AND r.segment_id IS NOT DISTINCT FROM d.segment_id
                       ORDER BY r.id DESC LIMIT 1) AS known ON TRUE
                WHERE %(restated)s
               RETURNING 1),
           stored AS (
               INSERT INTO crm_kpi_value AS v (%(keys)s, company_id, value, record_count, version,
                                               computed_at, kpi_sequence, category_id)
               SELECT %(cell_keys)s, %(company)s, c.value, c.record_count, c.version, %(now)s,
                      k.sequence, k.category_id
                 FROM cell c JOIN crm_kpi k ON k.id = c.kpi_id
                WHERE NOT c.locked
                   ON CONFLICT (%(cell_key)s) DO UPDATE
                  SET value = EXCLUDED.value, record_count = EXCLUDED.record_count, version = EXCLUDED.version,
                      computed_at = EXCLUDED.computed_at
                WHERE v.record_count <> EXCLUDED.record_count OR v.version <> EXCLUDED.version OR %(value_differs)s
               RETURNING 1)
           SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM restated),
                  (SELECT count(*) FROM stored)
        """,
        **dict(
            zip(
                ("kpis", "periods", "versions", "locked", "zero", "running", "least"),
                (list(column) for column in zip(*targets, strict=True)),
                strict=True,
            )
        ),
        facts=SQL("facts AS (%s),", facts) if facts else SQL(),
        computed=computed,
        users=users,
        teams=teams,
        company=company_id,
        now=now,
        keys=_KEYS,
        cell_keys=_keys("c"),
        v_keys=_keys("v"),
        r_keys=_keys("r"),
        value_is_noted=_same_cell("v", "r"),
        cell_key=SQL(CELL_KEY),
        value_key=_cell_key("v"),
        key_of_cell=_cell_key("c"),
        cell_is_value=_same_cell("c", "v"),
        restated=_differs(
            SQL(
                "CASE WHEN known.id IS NULL THEN %s ELSE %s END",
                _told("value_locked", "record_count_locked"),
                _told("known.last_now", "known.last_n"),
            ),
            _told("value_now", "record_count_now"),
        ),
        value_differs=_differs(SQL("v.value"), SQL("EXCLUDED.value")),
    )
