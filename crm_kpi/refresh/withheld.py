# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which values of small segments are withheld from readers.

A percentage or score of a segment with few records can reveal who its customers are. Withheld are

1. these percentages and scores,
2. the values that they are computed from, in the same segment,
3. further values of the same KPI, period and set that would reveal those of 2, see
   :mod:`~..engine.withholding`,
4. the values of formulas that use a value of 2 or 3.

The values stay stored, because formulas of larger groups need them. A record rule keeps withheld
values from all readers.

This is decided after the formulas. Before the first decision about a KPI in a period, the rule
hides all its values by segment (``undecided`` of ``crm.kpi.computation``). So most values are
stored as they stay, and are not written again. After that decision, new values are stored as
withheld until the next one, and the others stay readable.
"""

from collections import defaultdict
from datetime import datetime
from typing import NamedTuple

from odoo.tools import SQL

from ..engine import formula as formulas
from ..engine.withholding import Cell, withheld
from ..sql import Cte, unnest, with_ctes
from .planner import MANY, planned_for
from .store import among

#: Joins of whole keys are estimated as one row: PostgreSQL would sort all cells.
SETTINGS = {"enable_mergejoin": "off"}


class Smallest(NamedTuple):
    """Number of records below which the values of a KPI are withheld."""

    kpi_id: int
    records: int


class Part(NamedTuple):
    """A KPI that is no formula, and that the value of a formula is computed from.

    :param shift: lookup function around it: "" (same period), ``previous`` or ``last_year``. Sums of
        several periods have no values within segments.
    """

    kpi_id: int
    part_id: int
    shift: str


class Shift(NamedTuple):
    """The period in which a formula finds a part."""

    period_id: int
    shift: str
    source_id: int


class Withheld(NamedTuple):
    """A value that is withheld."""

    id: int


class Table(NamedTuple):
    """A KPI in a period."""

    kpi_id: int
    period_id: int


def withhold(company, now):
    """Mark the values of a company that are withheld, where one was stored since the last time.

    :param company: in the environment of the refresh
    :return: number of values that were marked or released
    """
    env = company.env
    if not company.kpi_min_cell and company.kpi_withheld_at:
        return 0  # all were released before
    stored = _stored(company, now)
    if not stored:
        return 0
    decision = Decision(company, stored)
    env["crm.kpi.value"].flush_model()
    with planned_for(env.cr, MANY, **SETTINGS):
        changed = decision.run()
    env.execute_query(
        SQL(
            """UPDATE crm_kpi_computation SET undecided = FALSE
                WHERE undecided AND (kpi_id, period_id) IN (SELECT * FROM %s) RETURNING 1""",
            unnest(Table, stored, "stored"),
        )
    )
    # by SQL: the time is bookkeeping, not a change of the company
    env.execute_query(
        SQL(
            "UPDATE res_company SET kpi_withheld_at = %s WHERE id = %s RETURNING 1", now, company.id
        )
    )
    env["crm.kpi.computation"].invalidate_model(["undecided"])
    company.invalidate_recordset(["kpi_withheld_at"])
    return changed


def _stored(company, now):
    """What was stored since the last time: a list of :class:`Table`.

    A scheduled refresh can store values in one run and come to this step in the next one.
    """
    rows = company.env.execute_query(
        SQL(
            """SELECT computation.kpi_id, computation.period_id
                 FROM crm_kpi_computation computation
                 JOIN crm_kpi_period period ON period.id = computation.period_id
                WHERE period.company_id = %s
                  AND (computation.undecided
                       OR COALESCE(computation.stored_at, computation.computed_at) > %s
                       OR COALESCE(computation.stored_at, computation.computed_at) = %s)""",
            company.id,
            company.kpi_withheld_at or datetime.min,
            now,
        )
    )
    return [Table(*row) for row in rows]


def may_be_withheld(company):
    """Ids of the KPIs of which a value can be withheld."""
    return _concerned(*_rules(company)) if company.kpi_min_cell else []


def _rules(company):
    """The :class:`Smallest` and the :class:`Part` of all KPIs."""
    kpis = company.env["crm.kpi"].with_context(active_test=False).search([])
    smallest = [Smallest(kpi.id, least) for kpi in kpis if (least := kpi._least_cell(company))]
    return smallest, parts(kpis) if smallest else []


def _concerned(smallest, parts_of_formulas):
    """Ids of the KPIs of which a value can be withheld: 1, 2 and 4 of the module's list."""
    small = {kpi_id for kpi_id, _records in smallest}
    used = {part.part_id for part in parts_of_formulas if part.kpi_id in small and not part.shift}
    used |= small
    return sorted(used | {part.kpi_id for part in parts_of_formulas if part.part_id in used})


def parts(kpis):
    """The :class:`Part` of all formulas, through the formulas that they use themselves."""
    by_code = {kpi.code: kpi for kpi in kpis}
    parsed = {}
    for kpi in kpis.filtered(lambda kpi: kpi.kind == "formula"):
        try:
            parsed[kpi.code] = formulas.parse(kpi.formula)
        except formulas.FormulaError:
            continue  # it has no values
    order, _cycle = formulas.evaluation_order(parsed)
    found = {}
    for code in order:
        found[code] = set()
        for component in parsed[code].components:
            if component.shift == "target" or component.code not in by_code:
                continue
            for part_id, shift in found.get(component.code, {(by_code[component.code].id, "")}):
                # a lookup of a lookup is two periods away: the nearer one is protected
                found[code].add((part_id, component.shift or shift))
    return [
        Part(by_code[code].id, part_id, shift)
        for code in order
        for part_id, shift in sorted(found[code])
    ]


def shifts(periods):
    """The :class:`Shift` of each period."""
    result = [Shift(period.id, "", period.id) for period in periods]
    for name, mapping in (
        ("previous", periods._previous()),
        ("last_year", periods._previous(years=1)),
    ):
        result += [
            Shift(period.id, name, source.id) for period, source in mapping.items() if source
        ]
    return result


class Decision:
    """Which values of some KPIs and periods are withheld.

    Decided again are the values that were computed, those that a computed percentage or score
    rests on, and the formulas that use one of these.

    :param computed: list of :class:`Table`
    """

    def __init__(self, company, computed):
        self.env = company.env
        self.smallest, self.parts = _rules(company)
        model = self.env["crm.kpi.period"]
        periods = model.browse({period_id for _kpi_id, period_id in computed})
        periods |= model.search(
            [("company_id", "=", company.id), ("date_from", ">", min(periods.mapped("date_from")))]
        )
        self.shifts = shifts(periods)
        #: list of :class:`Table`
        self.tables = sorted(self._with_dependent(computed))
        self.given = inputs(self.smallest, self.parts, self.shifts, self.tables)

    def run(self):
        """Mark and release the values: number of values that changed."""
        parts_now = self._withheld_parts() if self.smallest else []
        changed = _mark(self.env, self.tables, self.withheld_values(parts_now))
        _mark_restatements(self.env, self.tables)
        return changed

    def cells_to_compare(self):
        """The query :func:`cells_to_compare` with what it reads."""
        return with_ctes(
            [
                *self.given,
                Cte("secret", secret_values(), materialized=True),
                Cte("compared", compared(), materialized=True),
            ],
            cells_to_compare(),
        )

    def withheld_values(self, parts_now):
        """The query :func:`withheld_values` with what it reads."""
        return withheld_values(self.given, parts_now, self._tables_decided_before())

    def _with_dependent(self, computed):
        """The computed tables and those that depend on them: a set of :class:`Table`."""
        percentages = {kpi_id for kpi_id, _records in self.smallest}
        periods_of, changed = defaultdict(set), defaultdict(set)
        for kpi_id, period_id in computed:
            periods_of[kpi_id].add(period_id)
            changed[kpi_id].add(period_id)
        for part in self.parts:
            if part.kpi_id in percentages and not part.shift:
                changed[part.part_id] |= periods_of[part.kpi_id]
        users = defaultdict(list)
        for shift in self.shifts:
            users[shift.source_id, shift.shift].append(shift.period_id)
        result = {Table(kpi_id, period_id) for kpi_id in changed for period_id in changed[kpi_id]}
        for part in self.parts:
            for source_id in changed[part.part_id]:
                for period_id in users[source_id, part.shift]:
                    result.add(Table(part.kpi_id, period_id))
        return result

    def _withheld_parts(self):
        """The values that are no formulas and are withheld, as a list of :class:`Withheld`."""
        found = defaultdict(list)
        for kpi_id, period_id, set_id, *cell in self.env.execute_query(self.cells_to_compare()):
            found[kpi_id, period_id, set_id].append(cell)
        result = []
        for rows in found.values():
            ids, counts, secret = {}, {}, []
            for segment_id, owner, value_id, record_count, is_secret in rows:
                level = "team_segment" if owner < 0 else "user_segment" if owner else "segment"
                cell = Cell(level, segment_id, owner)
                ids[cell], counts[cell] = value_id, record_count
                if is_secret:
                    secret.append(cell)
            result += [Withheld(ids[cell]) for cell in withheld(counts, secret)]
        return result

    def _tables_decided_before(self):
        """The tables of parts that formulas use here and that are not decided again."""
        tables = set(self.tables)
        sources = defaultdict(list)
        for shift in self.shifts:
            sources[shift.period_id, shift.shift].append(shift.source_id)
        parts_of = defaultdict(list)
        for part in self.parts:
            parts_of[part.kpi_id].append(part)
        used = {
            Table(part.part_id, source_id)
            for kpi_id, period_id in tables
            for part in parts_of[kpi_id]
            for source_id in sources[period_id, part.shift]
        }
        return sorted(used - tables)


# --- SQL ---


def inputs(smallest, parts_of_formulas, shifts_of_periods, decided):
    """The queries that the statements read: a list of :class:`Cte`.

    :param decided: list of :class:`Table`
    """
    concerned = set(_concerned(smallest, parts_of_formulas))
    read = [table for table in decided if table.kpi_id in concerned]
    return [
        Cte("smallest", SQL("SELECT * FROM %s", unnest(Smallest, smallest, "t"))),
        Cte("part", SQL("SELECT * FROM %s", unnest(Part, parts_of_formulas, "t"))),
        Cte("shift", SQL("SELECT * FROM %s", unnest(Shift, shifts_of_periods, "t"))),
        Cte("cell", cells_by_segment(read), materialized=True),
        Cte("small", small(), materialized=True),
    ]


def cells_by_segment(tables, condition=None):
    """The values by segment of some tables: ``id, kpi_id, period_id, segment_id, owner,
    record_count, is_formula``.

    ``owner`` is the team or salesperson as one number: below 0, above 0, or 0 for all of them.
    """
    return SQL(
        """SELECT value.id, value.kpi_id, value.period_id, value.segment_id,
                  CASE value.level WHEN 'team_segment' THEN -1 - COALESCE(value.team_id, 0)
                                   WHEN 'user_segment' THEN 1 + COALESCE(value.user_id, 0)
                                   ELSE 0 END AS owner,
                  COALESCE(value.record_count, 0) AS record_count,
                  kpi.kind = 'formula' AS is_formula
             FROM crm_kpi_value value
             JOIN crm_kpi kpi ON kpi.id = value.kpi_id
            WHERE value.segment_id IS NOT NULL AND %s AND %s""",
        _of("value", tables),
        condition or SQL("TRUE"),
    )


def small():
    """The values of ``cell`` that rest on too few records."""
    return SQL(
        """SELECT cell.* FROM cell JOIN smallest ON smallest.kpi_id = cell.kpi_id
            WHERE cell.record_count > 0 AND cell.record_count < smallest.records"""
    )


def secret_values():
    """Ids of the values that must stay unknown and are no formulas: small ones, and the parts of
    small ones."""
    return SQL(
        """SELECT id FROM small WHERE NOT is_formula
            UNION
           SELECT cell.id
             FROM small
             JOIN part ON part.kpi_id = small.kpi_id AND part.shift = ''
             JOIN cell ON cell.kpi_id = part.part_id AND NOT cell.is_formula AND %s""",
        _same_cell("cell", "small"),
    )


def compared():
    """The values of ``cell`` that are no formulas, with ``set_id, is_secret``."""
    return SQL(
        """SELECT cell.*, segment.set_id, secret.id IS NOT NULL AS is_secret
             FROM cell
             JOIN crm_kpi_segment segment ON segment.id = cell.segment_id
             LEFT JOIN secret ON secret.id = cell.id
            WHERE NOT cell.is_formula"""
    )


def cells_to_compare():
    """The values of each KPI, period and set that has a value that must stay unknown."""
    return SQL(
        """SELECT kpi_id, period_id, set_id, segment_id, owner, id, record_count, is_secret
             FROM compared
            WHERE (kpi_id, period_id, set_id) IN (
                  SELECT kpi_id, period_id, set_id FROM compared WHERE is_secret)"""
    )


def withheld_values(given, parts_now, decided_before):
    """Ids of all values that are withheld: small ones, parts, and formulas that use such parts.

    :param parts_now: list of :class:`Withheld`, without formulas
    :param decided_before: list of :class:`Table` of parts that are withheld as they are marked
    """
    decided_now = SQL("(SELECT id FROM %s)", unnest(Withheld, parts_now, "t"))
    marked = cells_by_segment(decided_before, SQL("value.withheld"))
    return with_ctes(
        [
            *given,
            Cte(
                "part_withheld",
                SQL("SELECT * FROM cell WHERE id IN %s UNION ALL %s", decided_now, marked),
                materialized=True,
            ),
        ],
        SQL(
            """SELECT id FROM %s AS decided_now
                UNION
               SELECT id FROM small
                UNION
               SELECT cell.id
                 FROM part_withheld
                 JOIN part ON part.part_id = part_withheld.kpi_id
                 JOIN shift ON shift.source_id = part_withheld.period_id
                           AND shift.shift = part.shift
                 JOIN cell ON cell.kpi_id = part.kpi_id AND cell.period_id = shift.period_id
                          AND %s""",
            decided_now,
            _same_owner("cell", "part_withheld"),
        ),
    )


def _mark(env, tables, withheld_ids):
    """Mark and release values of some tables: number of values that changed.

    :param SQL withheld_ids: query of the ids of the values that are withheld
    """
    # an array, because a join would read all values
    env.cr.execute(
        SQL(
            """UPDATE crm_kpi_value SET withheld = withheld IS NOT TRUE
                WHERE id = ANY(ARRAY(
                      SELECT COALESCE(marked.id, now.id)
                        FROM (SELECT value.id FROM crm_kpi_value value
                               WHERE value.withheld AND %s) AS marked
                        FULL JOIN (%s) AS now ON now.id = marked.id
                       WHERE marked.id IS NULL OR now.id IS NULL))""",
            _of("value", tables),
            withheld_ids,
        )
    )
    if env.cr.rowcount:
        env["crm.kpi.value"].invalidate_model(["withheld"])
    return env.cr.rowcount


def _mark_restatements(env, tables):
    """Restatements are withheld where the value is."""
    env.execute_query(
        SQL(
            """UPDATE crm_kpi_restatement restatement SET withheld = value.withheld
                 FROM crm_kpi_value value
                WHERE restatement.segment_id = value.segment_id
                  AND restatement.kpi_id = value.kpi_id
                  AND restatement.period_id = value.period_id
                  AND restatement.level = value.level
                  AND restatement.team_id IS NOT DISTINCT FROM value.team_id
                  AND restatement.user_id IS NOT DISTINCT FROM value.user_id
                  AND restatement.withheld IS DISTINCT FROM value.withheld
                  AND %s
            RETURNING 1""",
            _of("restatement", tables),
        )
    )
    env["crm.kpi.restatement"].invalidate_model(["withheld"])


def _of(alias, tables):
    """Condition: rows are of some tables."""
    kpi_ids = {table.kpi_id for table in tables}
    period_ids = {table.period_id for table in tables}
    condition = among(alias, kpi_ids, period_ids)
    if len(tables) == len(kpi_ids) * len(period_ids):
        return condition
    return SQL(
        "%s AND (%s, %s) IN (SELECT * FROM %s)",
        condition,
        SQL.identifier(alias, "kpi_id"),
        SQL.identifier(alias, "period_id"),
        unnest(Table, tables, "t"),
    )


def _same_owner(left, right):
    return SQL(" AND ").join(
        SQL("%s = %s", SQL.identifier(left, name), SQL.identifier(right, name))
        for name in ("segment_id", "owner")
    )


def _same_cell(left, right):
    return SQL(
        "%s = %s AND %s",
        SQL.identifier(left, "period_id"),
        SQL.identifier(right, "period_id"),
        _same_owner(left, right),
    )
