# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The statement that stores cells: inserts, updates, deletes, and restates what is locked.

One function per common table expression (CTE), each with the columns it yields::

    target ──> expected ─┐
    computed ────────────┴> found ─> cell ─┬> stored
    reported ──────────────────────────^   ├> deleted
                    still_reported, known ─┴> restated

Unlocked targets get exactly the cells that were computed. Cells of locked targets stay as they
are, unless the target is replaced; where they would be different today, a restatement says so.
"""

from odoo.tools import SQL

from ..engine.cells import CELL_COLUMNS, CELL_KEY, NULLABLE_COLUMNS
from ..sql import Cte, unnest, with_ctes
from .target import Target


def store_statement(computed, targets, company_id, now, facts=None, active_people=((), ())):
    """The whole statement.

    :param computed: SQL of the cells; it may read the CTE ``facts``
    :param targets: list of :class:`~.target.Target`; only their cells are touched
    :param facts: SQL of the CTE ``facts``
    :param active_people: ids of the active salespeople and of the active teams
    :return: SQL that yields one row: numbers of cells deleted, restated, inserted or updated
    """
    users, teams = active_people
    return with_ctes(
        [
            target(targets),
            *([Cte("facts", facts)] if facts else []),
            Cte("computed", computed, materialized=True),
            expected(users, teams),
            found(),
            reported(),
            cell(),
            still_reported(),
            known(),
            deleted(),
            restated(company_id, now),
            stored(company_id, now),
        ],
        SQL(
            """SELECT (SELECT count(*) FROM deleted), (SELECT count(*) FROM restated),
                      (SELECT count(*) FROM stored)"""
        ),
    )


# --- WHICH CELLS THERE ARE ---


def target(targets):
    """KPIs and periods to store: the fields of :class:`~.target.Target`."""
    return Cte("target", SQL("SELECT * FROM %s", unnest(Target, targets, "t")), materialized=True)


def expected(users, teams):
    """Cells that exist even without records: ``kpi_id, period_id, level, team_id, user_id``.

    The company always has a cell. Active salespeople and teams have a 0 in a running period.
    """
    return Cte(
        "expected",
        SQL(
            """SELECT kpi_id, period_id, 'company' AS level, NULL::int4 AS team_id,
                      NULL::int4 AS user_id FROM target
                UNION ALL
               SELECT kpi_id, period_id, 'team', id, NULL
                 FROM target, unnest(%s::int4[]) AS id WHERE zero_when_empty AND running
                UNION ALL
               SELECT kpi_id, period_id, 'user', NULL, id
                 FROM target, unnest(%s::int4[]) AS id WHERE zero_when_empty AND running""",
            list(teams),
            list(users),
        ),
    )


def found():
    """Computed cells, and expected cells that were not computed.

    Columns of a cell, with ``value, record_count, version, locked, ahead``. Infinity and "not
    a number" in a record are no value: no screen could show them.
    """
    return Cte(
        "found",
        SQL(
            """SELECT computed.kpi_id, computed.period_id, computed.level, computed.team_id,
                      computed.user_id, computed.segment_id,
                      CASE WHEN abs(computed.value) < 'Infinity'
                           THEN computed.value END AS value,
                      computed.record_count, target.version, target.locked,
                      CASE WHEN abs(computed.ahead) < 'Infinity'
                           THEN NULLIF(computed.ahead, 0) END AS ahead
                 FROM computed JOIN target USING (kpi_id, period_id)
                UNION ALL
               SELECT missing.kpi_id, missing.period_id, missing.level, missing.team_id,
                      missing.user_id, NULL::int4,
                      CASE WHEN target.zero_when_empty THEN 0::float8 END, 0, target.version,
                      target.locked, NULL
                 -- EXCEPT hashes both sets; an anti join may become a nested loop
                 FROM (SELECT * FROM expected
                       EXCEPT
                       SELECT kpi_id, period_id, level, team_id, user_id
                         FROM computed WHERE segment_id IS NULL) AS missing
                 JOIN target USING (kpi_id, period_id)"""
        ),
    )


def reported():
    """Segment sets by which a locked period was reported.

    Columns ``kpi_id, period_id, level, set_id``; ``set_id`` is empty in the row of a company
    that had records.
    """
    return Cte(
        "reported",
        SQL(
            """SELECT DISTINCT value.kpi_id, value.period_id, value.level, segment.set_id
                 FROM crm_kpi_value value JOIN target USING (kpi_id, period_id)
                 LEFT JOIN crm_kpi_segment segment ON segment.id = value.segment_id
                WHERE target.locked AND (value.segment_id IS NOT NULL
                      OR value.level = 'company' AND value.record_count > 0)"""
        ),
    )


def cell():
    """The cells as they are today.

    Columns of a cell, with ``value, record_count, version, ahead, set_id, locked``. In a locked
    period that had records, a breakdown by segments that was not reported is a new one: it is
    stored, and is no restatement.
    """
    return Cte(
        "cell",
        SQL(
            """SELECT found.kpi_id, found.period_id, found.level, found.team_id, found.user_id,
                      found.segment_id, found.value, found.record_count, found.version,
                      found.ahead, segment.set_id,
                      found.locked AND (segment.id IS NULL OR breakdown.kpi_id IS NOT NULL
                                        OR company.kpi_id IS NULL) AS locked
                 FROM found
                 LEFT JOIN crm_kpi_segment segment ON segment.id = found.segment_id
                 LEFT JOIN reported breakdown
                        ON breakdown.kpi_id = found.kpi_id AND breakdown.period_id = found.period_id
                       AND breakdown.level = found.level AND breakdown.set_id = segment.set_id
                 LEFT JOIN reported company
                        ON company.kpi_id = found.kpi_id AND company.period_id = found.period_id
                       AND company.level = 'company'"""
        ),
        materialized=True,
    )


def still_reported():
    """Segment sets by which a locked period would be reported today.

    Columns as :func:`reported`.
    """
    return Cte(
        "still_reported",
        SQL(
            """SELECT DISTINCT kpi_id, period_id, level, set_id FROM cell
                WHERE locked AND (segment_id IS NOT NULL
                      OR level = 'company' AND record_count > 0)"""
        ),
    )


def known():
    """Locked cells, and cells that appeared in a restatement since the period was locked.

    Columns of a cell, with ``value, record_count``.
    """
    return Cte(
        "known",
        SQL(
            """SELECT %(of_value)s, value.value, value.record_count
                 FROM crm_kpi_value value JOIN target USING (kpi_id, period_id)
                WHERE target.locked
                UNION ALL
               SELECT DISTINCT %(of_restatement)s, NULL::float8, 0
                 FROM crm_kpi_restatement restatement JOIN target USING (kpi_id, period_id)
                WHERE target.locked
                  AND NOT EXISTS (SELECT 1 FROM crm_kpi_value value WHERE %(same)s)""",
            of_value=_columns("value"),
            of_restatement=_columns("restatement"),
            same=same_cell("value", "restatement"),
        ),
    )


# --- WHAT CHANGES ---


def deleted():
    """Delete the cells that were not computed, but not locked ones: one row per deleted cell.

    Both sides are grouped by the key of the cell. A join, or NOT IN, would compare each value
    with each cell when the planner underestimates their number.
    """
    return Cte(
        "deleted",
        SQL(
            """DELETE FROM crm_kpi_value WHERE id IN (
                      SELECT max(side.id)
                        FROM (SELECT value.id, %(key_of_value)s
                                FROM crm_kpi_value value JOIN target USING (kpi_id, period_id)
                               WHERE NOT target.locked OR target.replaced
                               UNION ALL
                              SELECT NULL, %(key_of_cell)s FROM cell)
                          AS side (id, %(columns)s)
                       GROUP BY %(side)s
                      HAVING count(*) = count(side.id))
               RETURNING 1""",
            key_of_value=_key("value"),
            key_of_cell=_key("cell"),
            columns=_COLUMNS,
            side=_columns("side"),
        ),
    )


def stored(company_id, now):
    """Insert the cells that are not locked, or are replaced; update them where they differ.

    One row per change.
    """
    return Cte(
        "stored",
        SQL(
            """INSERT INTO crm_kpi_value AS value (%(columns)s, company_id, value, record_count,
                                                   ahead, version, computed_at, kpi_sequence,
                                                   category_id, withheld)
               SELECT %(of_cell)s, %(company)s, cell.value, cell.record_count, cell.ahead,
                      cell.version, %(now)s, kpi.sequence, kpi.category_id,
                      -- until it is decided which values of segments are withheld
                      cell.segment_id IS NOT NULL AND company.kpi_min_cell > 0
                 FROM cell
                 JOIN target USING (kpi_id, period_id)
                 JOIN crm_kpi kpi ON kpi.id = cell.kpi_id
                 JOIN res_company company ON company.id = %(company)s
                WHERE NOT cell.locked OR target.replaced
                   ON CONFLICT (%(key)s) DO UPDATE
                  SET value = EXCLUDED.value, record_count = EXCLUDED.record_count,
                      ahead = EXCLUDED.ahead, version = EXCLUDED.version,
                      computed_at = EXCLUDED.computed_at
                WHERE value.record_count <> EXCLUDED.record_count
                   OR value.version <> EXCLUDED.version OR %(differs)s OR %(ahead_differs)s
               RETURNING 1""",
            columns=_COLUMNS,
            of_cell=_columns("cell"),
            company=company_id,
            now=now,
            key=SQL(CELL_KEY),
            differs=_differs(SQL("value.value"), SQL("EXCLUDED.value")),
            ahead_differs=_differs(SQL("value.ahead"), SQL("EXCLUDED.ahead")),
        ),
    )


def restated(company_id, now):
    """Note locked cells that would be different today, once per difference.

    One row per restatement. The reason is a new definition, or a correction, or is found by the
    number of records, compared with the last restatement of the cell.
    """
    before = SQL(
        "CASE WHEN newest.id IS NULL THEN %s ELSE %s END",
        _comparable("pair.value_locked", "pair.record_count_locked"),
        _comparable("newest.value_now", "newest.record_count_now"),
    )
    count_before = SQL("COALESCE(newest.record_count_now, pair.record_count_locked)")
    return Cte(
        "restated",
        SQL(
            """INSERT INTO crm_kpi_restatement (%(columns)s, company_id, value_locked, value_now,
                                                record_count_locked, record_count_now, reason, note,
                                                date)
               SELECT %(of_pair)s, %(company)s, pair.value_locked, pair.value_now,
                      pair.record_count_locked, pair.record_count_now,
                      CASE WHEN target.redefined THEN 'definition'
                           WHEN correction.reason IS NOT NULL THEN 'correction'
                           WHEN pair.record_count_now > %(count_before)s THEN 'late'
                           WHEN pair.record_count_now < %(count_before)s THEN 'removed'
                           ELSE 'amount' END,
                      CASE WHEN NOT target.redefined THEN correction.reason END,
                      %(now)s
                 FROM (%(locked_and_now)s) AS pair
                 JOIN target USING (kpi_id, period_id)
                 LEFT JOIN LATERAL (%(newest)s) AS newest ON TRUE
                 LEFT JOIN LATERAL (%(correction)s) AS correction ON TRUE
                WHERE %(differs)s
               RETURNING 1""",
            columns=_COLUMNS,
            of_pair=_columns("pair"),
            company=company_id,
            now=now,
            count_before=count_before,
            locked_and_now=_locked_and_now(),
            newest=_newest_restatement(),
            correction=_corrections(company_id),
            differs=_differs(before, _comparable("pair.value_now", "pair.record_count_now")),
        ),
    )


def _locked_and_now():
    """Each locked cell with the value that it would have today; one of both can be missing.

    Columns of a cell, with ``value_locked, value_now, record_count_locked, record_count_now``.
    """
    return SQL(
        """SELECT %(either)s,
                  known.value AS value_locked, cell.value AS value_now,
                  COALESCE(known.record_count, 0) AS record_count_locked,
                  COALESCE(cell.record_count, 0) AS record_count_now
             FROM (%(known)s) AS known
             FULL JOIN (SELECT * FROM cell WHERE locked) AS cell ON %(same)s""",
        either=SQL(", ").join(
            SQL("COALESCE(cell.%(name)s, known.%(name)s) AS %(name)s", name=SQL.identifier(name))
            for name in CELL_COLUMNS
        ),
        known=_comparable_known(),
        same=same_cell("cell", "known"),
    )


def _comparable_known():
    """Rows of ``known`` without the segments of sets that are not computed any more.

    They stay when nothing at all is left of the company's records.
    """
    return SQL(
        """SELECT known.*
             FROM known
             LEFT JOIN crm_kpi_segment segment ON segment.id = known.segment_id
             LEFT JOIN still_reported breakdown
                    ON breakdown.kpi_id = known.kpi_id AND breakdown.period_id = known.period_id
                   AND breakdown.level = known.level AND breakdown.set_id = segment.set_id
             LEFT JOIN still_reported company
                    ON company.kpi_id = known.kpi_id AND company.period_id = known.period_id
                   AND company.level = 'company'
            WHERE segment.id IS NULL OR breakdown.kpi_id IS NOT NULL OR company.kpi_id IS NULL"""
    )


def _newest_restatement():
    """The last restatement of the cell ``pair``: ``id, value_now, record_count_now``."""
    return SQL(
        """SELECT last.id, last.value_now, last.record_count_now
             FROM crm_kpi_restatement AS last
            WHERE last.kpi_id = pair.kpi_id AND last.period_id = pair.period_id
              AND last.level = pair.level
              AND last.team_id IS NOT DISTINCT FROM pair.team_id
              AND last.user_id IS NOT DISTINCT FROM pair.user_id
              AND last.segment_id IS NOT DISTINCT FROM pair.segment_id
              AND %s
            ORDER BY last.id DESC LIMIT 1""",
        _not_stored_since("last"),
    )


def newest_restatements(periods):
    """The last restatement of each cell: the columns of a cell, ``value, record_count``.

    :param SQL periods: query of ``(kpi_id, period_id)``
    """
    return SQL(
        """SELECT DISTINCT ON (%(key)s) %(columns)s, last.value_now AS value,
                  last.record_count_now AS record_count
             FROM crm_kpi_restatement AS last
            WHERE (last.kpi_id, last.period_id) IN (%(periods)s) AND %(not_stored_since)s
            ORDER BY %(key)s, last.id DESC""",
        key=_key("last"),
        columns=_columns("last"),
        periods=periods,
        not_stored_since=_not_stored_since("last"),
    )


def _not_stored_since(restatement):
    """Condition: the cell was not stored after the restatement, in a period unlocked by hand."""
    return SQL(
        """NOT EXISTS (SELECT 1 FROM crm_kpi_value AS later
                        WHERE %s AND later.computed_at > %s)""",
        same_cell("later", restatement),
        SQL.identifier(restatement, "date"),
    )


def _corrections(company_id):
    """Reasons of the corrections since the last computation that concern the cell ``pair``.

    One row with the column ``reason``, empty without corrections. Values that look back, and
    formulas, may change by any earlier correction.
    """
    return SQL(
        """SELECT string_agg(DISTINCT correction.reason, ' · ') AS reason
             FROM crm_kpi_correction AS correction
             JOIN crm_kpi_period AS period ON period.id = pair.period_id
             JOIN crm_kpi AS kpi ON kpi.id = pair.kpi_id
             LEFT JOIN crm_kpi_source AS source ON source.id = kpi.source_id
             LEFT JOIN ir_model AS model ON model.id = source.model_id
             LEFT JOIN crm_kpi_computation AS computation
                    ON computation.kpi_id = kpi.id AND computation.period_id = period.id
            WHERE (correction.company_id IS NULL OR correction.company_id = %s)
              AND (computation.id IS NULL OR correction.date >= computation.computed_at)
              AND LEAST(correction.date_before, correction.date_after) < period.utc_to
              AND (source.id IS NULL OR source.kind <> 'event' OR source.trailing_months > 0
                   OR (model.model = correction.res_model
                       AND GREATEST(correction.date_before, correction.date_after)
                           >= period.utc_from
                       AND (pair.level NOT IN ('user', 'user_segment')
                            OR pair.user_id IS NOT DISTINCT FROM correction.user_before_id
                            OR pair.user_id IS NOT DISTINCT FROM correction.user_after_id)
                       AND (pair.level NOT IN ('team', 'team_segment')
                            OR pair.team_id IS NOT DISTINCT FROM correction.team_before_id
                            OR pair.team_id IS NOT DISTINCT FROM correction.team_after_id)))""",
        company_id,
    )


# --- PARTS ---

_COLUMNS = SQL(", ").join(SQL.identifier(name) for name in CELL_COLUMNS)


def _columns(table):
    """The columns of a cell in a table."""
    return SQL(", ").join(SQL.identifier(table, name) for name in CELL_COLUMNS)


def _key_parts(table):
    for name in CELL_COLUMNS:
        column = SQL.identifier(table, name)
        yield SQL("COALESCE(%s, 0)", column) if name in NULLABLE_COLUMNS else column


def _key(table):
    """The columns that identify a cell, none of them NULL."""
    return SQL(", ").join(_key_parts(table))


def same_cell(left, right):
    """Condition: rows of two tables are of the same cell."""
    return SQL(" AND ").join(
        SQL("%s = %s", one, other)
        for one, other in zip(_key_parts(left), _key_parts(right), strict=True)
    )


def _differs(left, right):
    """Whether two values differ by more than the rounding of sums in another order."""
    return SQL(
        """(((%(l)s) IS NULL) <> ((%(r)s) IS NULL)
           OR abs((%(l)s) - (%(r)s)) > 1e-9 * GREATEST(abs(%(l)s), abs(%(r)s), 1))""",
        l=left,
        r=right,
    )


def _comparable(value, record_count):
    """A value for comparison: a zero of no records equals a cell that does not exist.

    A salesperson has a cell in all KPIs of a source when one of them counts a record.
    """
    return SQL(
        "CASE WHEN %(value)s <> 0 OR %(count)s <> 0 THEN %(value)s END",
        value=SQL(value),
        count=SQL(record_count),
    )
