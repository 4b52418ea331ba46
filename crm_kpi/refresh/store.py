# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The statement that stores cells: inserts, updates, deletes, and restates what is locked.

One function per common table expression (CTE), each with the columns it yields::

    target ──> expected ─┐
    computed ────────────┴> found ──> cell ──┬──> pair ─┬> stored
    before ──> reported ───────────────^     │    ^ ^ ^ ├> deleted
       └─────────────────────────────────────┼────┘ │ │ └> restated
                           newest ───────────┼──────┘ │
                                             └> still_reported

Unlocked targets get exactly the cells that were computed. Cells of locked targets stay as they
are, unless the target is replaced; where they would be different today, a restatement says so.
Without locked targets, the CTEs that only they need are left out. Where nothing is stored yet, as
in a first refresh, what was found is inserted without a comparison: ``pair`` is ``found``.

Stored and computed cells are compared once, in ``pair``. All of it are joins by equality of whole
keys, so the statement can run without nested loops: see :func:`~.values.store_cells`.
"""

from odoo.tools import SQL

from ..engine.cells import CELL_COLUMNS, CELL_KEY, NULLABLE_COLUMNS
from ..sql import Cte, unnest, with_ctes
from .target import Target


def store_statement(
    computed,
    targets,
    company_id,
    now,
    facts=None,
    active_people=((), ()),
    may_be_withheld=(),
    is_first=False,
    owners=None,
):
    """The whole statement.

    :param computed: SQL of the cells; it may read the CTE ``facts``
    :param targets: list of :class:`~.target.Target`; only their cells are touched
    :param facts: SQL of the CTE ``facts``
    :param active_people: ids of the active salespeople and of the active teams
    :param may_be_withheld: ids of the KPIs of which a value can be withheld
    :param is_first: no cell of the targets is stored, and none is locked
    :param owners: the :class:`~..engine.cells.Owners` whose cells were computed, of closed periods
        that have the same segment sets as before; ``None``: all cells
    :return: SQL that yields one row: numbers of cells deleted, restated, inserted or updated, and
        see :func:`recounted` and :func:`changed`
    """
    users, teams = active_people
    today = [
        target(targets),
        *([Cte("facts", facts)] if facts else []),
        Cte("computed", computed, materialized=True),
        expected(users, teams),
        found(),
    ]
    if is_first:
        return with_ctes(
            [*today, new_pair(), stored(company_id, now, may_be_withheld, is_first=True)],
            SQL("SELECT 0, 0, (SELECT count(*) FROM stored), NULL, NULL"),
        )
    locked, whole = any(one.locked for one in targets), owners is None
    return with_ctes(
        [
            *today,
            before(targets, owners),
            *([reported()] if locked and whole else []),
            cell(locked, whole),
            *([still_reported(), newest(targets, owners)] if locked else []),
            pair(locked),
            deleted(),
            *([corrected(company_id), restated(company_id, now, whole)] if locked else []),
            stored(company_id, now, may_be_withheld),
        ],
        SQL(
            """SELECT (SELECT count(*) FROM deleted), %s, (SELECT count(*) FROM stored), %s, (%s)""",
            SQL("(SELECT count(*) FROM restated)") if locked else SQL("0"),
            SQL("(%s)", recounted()) if locked else SQL("NULL"),
            changed(locked),
        ),
    )


def changed_cells(difference, targets, owners=None):
    """Cells that are those of the last computation and a difference, for :func:`store_statement`.

    In a locked period, the last restatement tells what was computed. Amounts are rounded to the
    millionths that they consist of: the sum of many differences is as exact as that of all facts.

    :param SQL difference: cells as ``computed``, with differences of value and record count
    :param targets: list of :class:`~.target.Target`, of closed periods
    :param owners: the :class:`~..engine.cells.Owners` of the difference; ``None``: of all cells
    """
    locked = SQL("SELECT kpi_id, period_id FROM target WHERE locked")
    return SQL(
        """SELECT %(columns)s,
                  CASE WHEN abs(sum(value)) < 1e9 THEN round(sum(value) * 1e6) / 1e6
                       ELSE sum(value) END AS value,
                  sum(record_count)::int AS record_count, NULL::float8 AS ahead
             FROM (SELECT %(columns)s, value, record_count
                     FROM (SELECT DISTINCT ON (%(key)s) %(columns)s, value, record_count
                             FROM (SELECT %(stored)s, value.value, value.record_count,
                                          value.computed_at AS date, FALSE AS restated
                                     FROM crm_kpi_value value
                                    WHERE %(of_targets)s AND %(of_owners)s
                                    UNION ALL
                                   SELECT %(columns)s, value, record_count, date, TRUE
                                     FROM (%(newest)s) AS newest) AS known
                            ORDER BY %(key)s, date DESC NULLS LAST, restated DESC) AS last
                    UNION ALL
                   SELECT %(columns)s, value, record_count FROM (%(difference)s) AS added) AS part
            GROUP BY %(columns)s
           HAVING sum(record_count) > 0""",
        columns=_COLUMNS,
        stored=_columns("value"),
        key=_key("known"),
        of_targets=among_targets("value", targets),
        of_owners=_of_owners("value", owners),
        newest=newest_restatements(
            locked, SQL("%s AND %s", among_targets("last", targets), _of_owners("last", owners))
        ),
        difference=difference,
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


def before(targets, owners=None):
    """The cells that are stored: ``id``, the columns of a cell, ``value, record_count, version,
    ahead, computed_at, withheld``.

    :param owners: see :func:`store_statement`
    """
    return Cte(
        "before",
        SQL(
            """SELECT value.id, %s, value.value, value.record_count, value.version, value.ahead,
                      value.computed_at, value.withheld
                 FROM crm_kpi_value value JOIN target USING (kpi_id, period_id)
                WHERE %s AND %s""",
            _columns("value"),
            among_targets("value", targets),
            _of_owners("value", owners),
        ),
        materialized=True,
    )


def reported():
    """Segment sets by which a locked period was reported.

    Columns ``kpi_id, period_id, level, set_id``; ``set_id`` is empty in the row of a company
    that had records.
    """
    return Cte(
        "reported",
        SQL(
            """SELECT DISTINCT before.kpi_id, before.period_id, before.level::text AS level,
                      segment.set_id
                 FROM before JOIN target USING (kpi_id, period_id)
                 LEFT JOIN crm_kpi_segment segment ON segment.id = before.segment_id
                WHERE target.locked AND (before.segment_id IS NOT NULL
                      OR before.level = 'company' AND before.record_count > 0)"""
        ),
    )


def cell(locked, whole=True):
    """The cells as they are today.

    Columns of a cell, with ``value, record_count, version, ahead, set_id, locked``. In a locked
    period that had records, a breakdown by segments that was not reported is a new one: it is
    stored, and is no restatement.

    :param locked: whether there are locked targets
    :param whole: whether all cells are computed; otherwise the segment sets are those that were
        reported
    """
    if not locked or not whole:
        return Cte("cell", SQL("SELECT *, NULL::int4 AS set_id FROM found"), materialized=True)
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


def newest(targets, owners=None):
    """The last restatement of each cell of the locked targets: see :func:`newest_restatements`.

    :param owners: see :func:`store_statement`
    """
    locked = [one for one in targets if one.locked]
    periods = SQL("SELECT kpi_id, period_id FROM target WHERE locked")
    condition = SQL("%s AND %s", among_targets("last", locked), _of_owners("last", owners))
    return Cte("newest", newest_restatements(periods, condition))


def newest_restatements(periods, condition=None):
    """The last restatement of each cell: ``id``, the columns of a cell, ``value, record_count,
    date``.

    :param SQL periods: query of ``(kpi_id, period_id)``
    :param SQL condition: further condition of the restatements ``last``
    """
    return SQL(
        """SELECT DISTINCT ON (%(key)s) last.id, %(columns)s, last.value_now AS value,
                  last.record_count_now AS record_count, last.date
             FROM crm_kpi_restatement AS last
            WHERE (last.kpi_id, last.period_id) IN (%(periods)s) AND %(condition)s
            ORDER BY %(key)s, last.id DESC""",
        key=_key("last"),
        columns=_columns("last"),
        periods=periods,
        condition=condition or SQL("TRUE"),
    )


# --- WHAT CHANGES ---


def pair(locked):
    """Each cell as it is stored and as it is computed; one of both can be missing.

    Columns of a cell; ``id, value_before, record_count_before, version_before, ahead_before,
    withheld`` of the stored cell, ``is_computed, set_id, value, record_count, version, ahead`` of the
    computed one, ``is_locked`` (a difference is a restatement), and of the last restatement, unless the
    cell was stored since then, in a period that was unlocked by hand, ``restated_id,
    value_restated, record_count_restated``.

    :param locked: whether there are locked targets
    """
    tables = [SQL("before"), SQL("cell"), *([SQL("newest")] if locked else [])]
    either = SQL(", ").join(
        SQL(
            "COALESCE(%s) AS %s",
            SQL(", ").join(SQL("%s.%s", table, SQL.identifier(name)) for table in tables),
            SQL.identifier(name),
        )
        for name in CELL_COLUMNS
    )
    restatement = SQL(
        "NULL::int4 AS restated_id, NULL::float8 AS value_restated, NULL::int4 AS record_count_restated"
    )
    if locked:
        valid = SQL("before.computed_at IS NULL OR before.computed_at <= newest.date")
        restatement = SQL(", ").join(
            SQL("CASE WHEN %s THEN newest.%s END AS %s", valid, SQL(column), SQL(name))
            for column, name in (
                ("id", "restated_id"),
                ("value", "value_restated"),
                ("record_count", "record_count_restated"),
            )
        )
    return Cte(
        "pair",
        SQL(
            """SELECT %(either)s, before.id, before.value AS value_before,
                      before.record_count AS record_count_before,
                      before.version AS version_before, before.ahead AS ahead_before,
                      before.withheld, cell.kpi_id IS NOT NULL AS is_computed, cell.set_id,
                      cell.value, cell.record_count, cell.version, cell.ahead,
                      COALESCE(cell.locked, TRUE) AS is_locked, %(restatement)s
                 FROM before FULL JOIN cell ON %(same)s %(newest)s""",
            either=either,
            restatement=restatement,
            same=same_cell("before", "cell"),
            newest=SQL(
                "FULL JOIN newest ON %s",
                SQL(" AND ").join(
                    SQL(
                        "COALESCE(before.%(name)s, cell.%(name)s%(zero)s) = %(newest)s",
                        name=SQL.identifier(name),
                        zero=SQL(", 0") if name in NULLABLE_COLUMNS else SQL(),
                        newest=part,
                    )
                    for name, part in zip(CELL_COLUMNS, _key_parts("newest"), strict=True)
                ),
            )
            if locked
            else SQL(),
        ),
        materialized=True,
    )


def new_pair():
    """The CTE ``pair`` of :func:`stored` where nothing is stored: all cells are new."""
    return Cte(
        "pair",
        SQL(
            """SELECT *, NULL::int4 AS id, NULL::float8 AS value_before,
                      NULL::int4 AS record_count_before, NULL::int4 AS version_before,
                      NULL::float8 AS ahead_before, TRUE AS is_computed, FALSE AS is_locked
                 FROM found"""
        ),
    )


def deleted():
    """Delete the cells that were not computed, but not locked ones.

    One row per deleted cell: ``kpi_id, period_id``.
    """
    return Cte(
        "deleted",
        SQL(
            """DELETE FROM crm_kpi_value WHERE id = ANY(ARRAY(
                      SELECT pair.id FROM pair JOIN target USING (kpi_id, period_id)
                       WHERE pair.id IS NOT NULL AND NOT pair.is_computed
                         AND (NOT target.locked OR target.replaced)))
               RETURNING kpi_id, period_id"""
        ),
    )


def stored(company_id, now, may_be_withheld=(), is_first=False):
    """Insert the cells that are not locked, or are replaced; update them where they differ.

    One row per change: ``kpi_id, period_id``. Which values of segments are withheld is decided later,
    see :mod:`~.withheld`. Until then, new ones are withheld where others of the KPI and period are
    shown, and values of few records where they most likely will be.

    :param may_be_withheld: ids of the KPIs of which a value can be withheld
    :param is_first: none of them is stored. Looking for each of them in the index would cost a
        quarter of the time. Cells in another order than the index would need two or three times as
        long.
    """
    update = SQL(
        """ON CONFLICT (%s) DO UPDATE
              SET value = EXCLUDED.value, record_count = EXCLUDED.record_count,
                  ahead = EXCLUDED.ahead, version = EXCLUDED.version,
                  computed_at = EXCLUDED.computed_at,
                  withheld = value.withheld OR EXCLUDED.withheld AND %s AND NOT %s""",
        SQL(CELL_KEY),
        _is_small("excluded", company_id),
        _is_small("value", company_id),
    )
    return Cte(
        "stored",
        SQL(
            """INSERT INTO crm_kpi_value AS value (%(columns)s, company_id, value, record_count,
                                                   ahead, version, computed_at, kpi_sequence,
                                                   category_id, withheld)
               SELECT %(of_pair)s, %(company)s, pair.value, pair.record_count, pair.ahead,
                      pair.version, %(now)s, kpi.sequence, kpi.category_id,
                      pair.segment_id IS NOT NULL AND pair.kpi_id = ANY(%(may_be_withheld)s)
                      AND (computation.id IS NOT NULL AND computation.undecided IS NOT TRUE
                           OR %(is_small)s)
                 FROM pair
                 JOIN target USING (kpi_id, period_id)
                 JOIN crm_kpi kpi ON kpi.id = pair.kpi_id
                 LEFT JOIN crm_kpi_computation computation
                        ON computation.kpi_id = pair.kpi_id
                       AND computation.period_id = pair.period_id
                WHERE pair.is_computed AND (NOT pair.is_locked OR target.replaced)
                  AND (pair.id IS NULL OR pair.record_count_before <> pair.record_count
                       OR pair.version_before <> pair.version OR %(differs)s OR %(ahead_differs)s)
               %(update)s
               RETURNING value.kpi_id, value.period_id""",
            columns=_COLUMNS,
            of_pair=_columns("pair"),
            company=company_id,
            now=now,
            may_be_withheld=list(may_be_withheld),
            is_small=_is_small("pair", company_id),
            update=SQL("ORDER BY pair.kpi_id, pair.period_id") if is_first else update,
            differs=_differs(SQL("pair.value_before"), SQL("pair.value")),
            ahead_differs=_differs(SQL("pair.ahead_before"), SQL("pair.ahead")),
        ),
    )


def restated(company_id, now, whole=True):
    """Note locked cells that would be different today, once per difference.

    One row per restatement: ``kpi_id, period_id``. It is withheld if the value is. The reason is a new
    definition, or a correction, or is found by the number of records, compared with the last restatement of the cell. Segments of sets that are
    not computed any more are not missing; they are when nothing is left of the company's records.

    :param whole: whether all cells are computed; otherwise all segment sets still are
    """
    missing = SQL("segment.id IS NULL OR breakdown.kpi_id IS NOT NULL OR company.kpi_id IS NULL")
    return Cte(
        "restated",
        SQL(
            """INSERT INTO crm_kpi_restatement (%(columns)s, company_id, value_locked, value_now,
                                                record_count_locked, record_count_now, reason, note,
                                                date, withheld)
               SELECT %(of_pair)s, %(company)s, pair.value_before, pair.value,
                      COALESCE(pair.record_count_before, 0), COALESCE(pair.record_count, 0),
                      CASE WHEN pair.redefined THEN 'definition'
                           WHEN corrected.reason IS NOT NULL THEN 'correction'
                           WHEN pair.more > 0 THEN 'late'
                           WHEN pair.more < 0 THEN 'removed'
                           ELSE 'amount' END,
                      CASE WHEN NOT pair.redefined THEN corrected.reason END, %(now)s,
                      pair.withheld
                 FROM (%(different)s) AS pair
                 LEFT JOIN crm_kpi_segment segment
                        ON segment.id = pair.segment_id AND NOT pair.is_computed
                 LEFT JOIN still_reported breakdown
                        ON breakdown.kpi_id = pair.kpi_id AND breakdown.period_id = pair.period_id
                       AND breakdown.level = pair.level AND breakdown.set_id = segment.set_id
                 LEFT JOIN still_reported company
                        ON company.kpi_id = pair.kpi_id AND company.period_id = pair.period_id
                       AND company.level = 'company'
                 LEFT JOIN corrected
                        ON corrected.kpi_id = pair.kpi_id AND corrected.period_id = pair.period_id
                       AND corrected.part = pair.part AND corrected.owner = pair.owner
                WHERE %(missing)s
               RETURNING kpi_id, period_id""",
            columns=_COLUMNS,
            of_pair=_columns("pair"),
            company=company_id,
            now=now,
            different=_different(),
            missing=missing if whole else SQL("TRUE"),
        ),
    )


def recounted():
    """Locked targets with a cell of another number of records, but the same value.

    It is no restatement, so that the number is not stored. One array of ``(kpi_id, period_id)``.
    """
    return SQL(
        """SELECT array_agg(DISTINCT ARRAY[pair.kpi_id, pair.period_id])
             FROM pair
             JOIN target USING (kpi_id, period_id)
            WHERE target.locked AND pair.is_locked
              AND COALESCE(pair.record_count, 0) <> COALESCE(
                  pair.record_count_restated, pair.record_count_before, 0)
              AND (%s) IS NOT TRUE""",
        _differs(_last_comparable(), _comparable("pair.value", "pair.record_count")),
    )


def changed(locked):
    """Targets with a cell that was deleted, stored or restated.

    One array of ``(kpi_id, period_id, is_stored)``, where the last is 1 if not all changes of the
    target are restatements.

    :param locked: whether there are locked targets
    """
    changes = [("deleted", 1), ("stored", 1), *([("restated", 0)] if locked else [])]
    return SQL(
        """SELECT array_agg(ARRAY[kpi_id, period_id, is_stored])
             FROM (SELECT kpi_id, period_id, max(is_stored) AS is_stored
                     FROM (%s) AS change
                    GROUP BY kpi_id, period_id) AS changed""",
        SQL(" UNION ALL ").join(
            SQL("SELECT kpi_id, period_id, %s AS is_stored FROM %s", is_stored, SQL(name))
            for name, is_stored in changes
        ),
    )


def _last_comparable():
    return SQL(
        "CASE WHEN pair.restated_id IS NULL THEN %s ELSE %s END",
        _comparable("pair.value_before", "pair.record_count_before"),
        _comparable("pair.value_restated", "pair.record_count_restated"),
    )


def _different():
    """Rows of ``pair`` that differ from the locked cell, or from its last restatement.

    With ``redefined`` of the target, ``more`` (records than then), and ``part, owner``: which of
    the corrections concern the cell.
    """
    return SQL(
        """SELECT pair.*, target.redefined,
                  COALESCE(pair.record_count, 0)
                  - COALESCE(pair.record_count_restated, pair.record_count_before, 0) AS more,
                  CASE WHEN %(looks_back)s THEN 'all'
                       WHEN pair.level IN ('user', 'user_segment') THEN 'user'
                       WHEN pair.level IN ('team', 'team_segment') THEN 'team'
                       ELSE 'all' END AS part,
                  CASE WHEN %(looks_back)s THEN 0
                       WHEN pair.level IN ('user', 'user_segment') THEN COALESCE(pair.user_id, 0)
                       WHEN pair.level IN ('team', 'team_segment') THEN COALESCE(pair.team_id, 0)
                       ELSE 0 END AS owner
             FROM pair
             JOIN target USING (kpi_id, period_id)
             JOIN crm_kpi kpi ON kpi.id = pair.kpi_id
             LEFT JOIN crm_kpi_source source ON source.id = kpi.source_id
            WHERE target.locked AND pair.is_locked AND %(differs)s""",
        looks_back=_LOOKS_BACK,
        differs=_differs(_last_comparable(), _comparable("pair.value", "pair.record_count")),
    )


def corrected(company_id):
    """Reasons of the corrections since the last computation, for locked targets.

    Columns ``kpi_id, period_id, part, owner, reason``. Values by salesperson or team change by
    the corrections of their ``owner`` (part ``user`` or ``team``), other values by any (part
    ``all``). Values that look back, and formulas, may change by any earlier correction.
    """
    return Cte(
        "corrected",
        SQL(
            """SELECT target.kpi_id, target.period_id, owner.part, owner.id AS owner,
                      string_agg(DISTINCT correction.reason, ' · ') AS reason
                 FROM target
                 JOIN crm_kpi kpi ON kpi.id = target.kpi_id
                 LEFT JOIN crm_kpi_source source ON source.id = kpi.source_id
                 LEFT JOIN ir_model model ON model.id = source.model_id
                 LEFT JOIN crm_kpi_computation computation
                        ON computation.kpi_id = target.kpi_id
                       AND computation.period_id = target.period_id
                 JOIN (%(corrections)s) AS correction ON correction.period_id = target.period_id
                CROSS JOIN LATERAL (VALUES ('all', 0),
                      ('user', correction.user_before_id), ('user', correction.user_after_id),
                      ('team', correction.team_before_id), ('team', correction.team_after_id)
                      ) AS owner(part, id)
                WHERE target.locked AND NOT target.redefined
                  AND (computation.id IS NULL OR correction.date >= computation.computed_at)
                  AND CASE WHEN %(looks_back)s THEN owner.part = 'all'
                           ELSE correction.res_model = model.model AND correction.ends_within END
                GROUP BY target.kpi_id, target.period_id, owner.part, owner.id""",
            corrections=_corrections(company_id),
            looks_back=_LOOKS_BACK,
        ),
        materialized=True,
    )


def _corrections(company_id):
    """Corrections by locked period: ``period_id, res_model, user_before_id, user_after_id,
    team_before_id, team_after_id, reason, ends_within, date`` (of the last one).

    Corrections of the same kind are one row: there may be thousands.
    """
    return SQL(
        """SELECT period.id AS period_id, correction.res_model, correction.reason,
                  COALESCE(correction.user_before_id, 0) AS user_before_id,
                  COALESCE(correction.user_after_id, 0) AS user_after_id,
                  COALESCE(correction.team_before_id, 0) AS team_before_id,
                  COALESCE(correction.team_after_id, 0) AS team_after_id,
                  GREATEST(correction.date_before, correction.date_after) >= period.utc_from
                  AS ends_within, max(correction.date) AS date
             FROM crm_kpi_correction correction
             JOIN crm_kpi_period period
               ON LEAST(correction.date_before, correction.date_after) < period.utc_to
            WHERE period.id IN (SELECT period_id FROM target WHERE locked)
              AND (correction.company_id IS NULL OR correction.company_id = %s)
              AND correction.date >= (
                  SELECT min(COALESCE(computation.computed_at, '-infinity'))
                    FROM target LEFT JOIN crm_kpi_computation computation
                                       USING (kpi_id, period_id)
                   WHERE target.locked)
            GROUP BY period.id, correction.res_model, correction.reason, 4, 5, 6, 7, 8""",
        company_id,
    )


# --- PARTS ---

#: Whether a value of the KPI depends on events before the period.
_LOOKS_BACK = SQL("(source.id IS NULL OR source.kind <> 'event' OR source.trailing_months > 0)")

_COLUMNS = SQL(", ").join(SQL.identifier(name) for name in CELL_COLUMNS)


def among_targets(table, targets):
    """Condition: rows are of the KPIs and periods of some targets."""
    return among(table, {one.kpi_id for one in targets}, {one.period_id for one in targets})


def _of_owners(table, owners):
    """Condition: rows are of cells of some owners, or of any if they are ``None``."""
    return SQL("TRUE") if owners is None else owners.have(table)


def among(table, kpi_ids, period_ids):
    """Condition: rows are of some KPIs and periods.

    The arrays let PostgreSQL use an index without a nested loop over the targets.
    """
    return SQL(
        "%s = ANY(%s) AND %s = ANY(%s)",
        SQL.identifier(table, "kpi_id"),
        sorted(kpi_ids),
        SQL.identifier(table, "period_id"),
        sorted(period_ids),
    )


def _is_small(table, company_id):
    """Condition: a value rests on fewer records than the company shows of a segment."""
    return SQL(
        """(COALESCE(%(count)s, 0) > 0 AND COALESCE(%(count)s, 0)
            < (SELECT kpi_min_cell FROM res_company WHERE id = %(company)s))""",
        count=SQL.identifier(table, "record_count"),
        company=company_id,
    )


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
