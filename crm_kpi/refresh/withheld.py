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
"""

from datetime import datetime
from typing import NamedTuple

from odoo.tools import SQL, groupby

from ..engine import formula as formulas
from ..engine.withholding import Cell, withheld
from ..sql import Cte, unnest, with_ctes


class Smallest(NamedTuple):
    """Number of records below which the values of a KPI are withheld."""

    kpi_id: int
    records: int


class Part(NamedTuple):
    """A KPI that is no formula, and that the value of a formula is computed from.

    :param shift: lookup function around it: "" (same period), ``previous`` or ``last_year``
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


def withhold(company, now):
    """Mark the values of a company that are withheld, in the periods computed since the last time.

    :param company: in the environment of the refresh
    :return: number of values that were marked or released
    """
    env = company.env
    if not company.kpi_min_cell:
        changed = _mark(env, released(company.id))
    elif periods := _computed_periods(company, now):
        kpis = env["crm.kpi"].with_context(active_test=False).search([])
        smallest = [Smallest(kpi.id, least) for kpi in kpis if (least := kpi._least_cell(company))]
        given = inputs(smallest, parts(kpis), shifts(periods), company.id)
        env["crm.kpi.value"].flush_model()
        changed = _mark(env, decided(given, _withheld_parts(env, given)))
    else:
        return 0
    _mark_restatements(env, company.id)
    # by SQL: the time is bookkeeping, not a change of the company
    env.execute_query(
        SQL(
            "UPDATE res_company SET kpi_withheld_at = %s WHERE id = %s RETURNING 1", now, company.id
        )
    )
    company.invalidate_recordset(["kpi_withheld_at"])
    return changed


def _computed_periods(company, now):
    """The periods computed since the last time, and those whose formulas look up values there.

    A scheduled refresh can compute values in one run and come to this step in the next one.
    """
    rows = company.env.execute_query(
        SQL(
            """SELECT DISTINCT period.id
                 FROM crm_kpi_computation computation
                 JOIN crm_kpi_period period ON period.id = computation.period_id
                WHERE period.company_id = %s
                  AND (computation.computed_at > %s OR computation.computed_at = %s)""",
            company.id,
            company.kpi_withheld_at or datetime.min,
            now,
        )
    )
    model = company.env["crm.kpi.period"]
    computed = model.browse(period_id for (period_id,) in rows)
    if not computed:
        return computed
    later = model.search(
        [("company_id", "=", company.id), ("date_from", ">", min(computed.mapped("date_from")))]
    )
    looked_up = {
        period.id
        for mapping in (later._previous(), later._previous(years=1))
        for period, source in mapping.items()
        if source in computed
    }
    return computed | model.browse(looked_up)


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


def _withheld_parts(env, given):
    """The values that are no formulas and are withheld, as a list of :class:`Withheld`."""
    result = []
    ctes = [*given, Cte("secret", secret_values(), materialized=True)]
    rows = env.execute_query(with_ctes(ctes, tables()))
    for _table, group in groupby(rows, lambda row: row[:3]):
        ids, counts, secret = {}, {}, []
        for *_table, level, segment_id, owner_id, value_id, record_count, is_secret in group:
            cell = Cell(level, segment_id, owner_id)
            ids[cell], counts[cell] = value_id, record_count
            if is_secret:
                secret.append(cell)
        result += [Withheld(ids[cell]) for cell in withheld(counts, secret)]
    return result


# --- SQL ---


def inputs(smallest, parts_of_formulas, shifts_of_periods, company_id):
    """The queries that :func:`tables` and :func:`decided` read: a list of :class:`Cte`."""
    return [
        Cte("smallest", SQL("SELECT * FROM %s", unnest(Smallest, smallest, "t"))),
        Cte("part", SQL("SELECT * FROM %s", unnest(Part, parts_of_formulas, "t"))),
        Cte("shift", SQL("SELECT * FROM %s", unnest(Shift, shifts_of_periods, "t"))),
        Cte("cell", cells_by_segment(company_id), materialized=True),
        Cte("small", small(), materialized=True),
    ]


def cells_by_segment(company_id):
    """The values by segment in the periods of ``shift``: ``id``, the columns of a cell with 0 for
    a team or salesperson that is empty, ``set_id, record_count, is_formula``."""
    return SQL(
        """SELECT value.id, value.kpi_id, value.period_id, value.level,
                  COALESCE(value.team_id, 0) AS team_id, COALESCE(value.user_id, 0) AS user_id,
                  value.segment_id, segment.set_id, COALESCE(value.record_count, 0) AS record_count,
                  kpi.kind = 'formula' AS is_formula
             FROM crm_kpi_value value
             JOIN crm_kpi kpi ON kpi.id = value.kpi_id
             JOIN crm_kpi_segment segment ON segment.id = value.segment_id
            WHERE value.company_id = %s
              AND value.period_id IN (SELECT period_id FROM shift WHERE shift = '')""",
        company_id,
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


def tables():
    """The values of each KPI, period and set that has a value of ``secret``."""
    return SQL(
        """SELECT kpi_id, period_id, set_id, level, segment_id, team_id + user_id AS owner_id, id,
                  record_count, is_secret
             FROM (SELECT cell.*, secret.id IS NOT NULL AS is_secret,
                          -- a window: a join on three columns would be estimated as one row
                          bool_or(secret.id IS NOT NULL)
                              OVER (PARTITION BY kpi_id, period_id, set_id) AS has_secret
                     FROM cell LEFT JOIN secret ON secret.id = cell.id
                    WHERE NOT is_formula) AS compared
            WHERE has_secret"""
    )


def decided(given, parts_now):
    """The values by segment, with whether they are withheld: ``id``, ``withheld``."""
    ctes = [
        *given,
        Cte("part_withheld", withheld_parts(parts_now), materialized=True),
        Cte("withheld", withheld_ids()),
    ]
    return with_ctes(
        ctes,
        SQL(
            """SELECT cell.id, withheld.id IS NOT NULL AS withheld
                 FROM cell LEFT JOIN withheld ON withheld.id = cell.id"""
        ),
    )


def withheld_parts(parts_now):
    """The values that are no formulas and are withheld: those of now, and those decided before
    in other periods that formulas look up."""
    columns = SQL("id, kpi_id, period_id, level, team_id, user_id, segment_id")
    return SQL(
        """SELECT %(columns)s FROM cell JOIN %(parts_now)s USING (id)
            UNION ALL
           SELECT id, kpi_id, period_id, level, COALESCE(team_id, 0), COALESCE(user_id, 0),
                  segment_id
             FROM crm_kpi_value
            WHERE withheld AND segment_id IS NOT NULL
              AND kpi_id IN (SELECT part_id FROM part WHERE shift <> '')
              AND period_id IN (SELECT source_id FROM shift
                                EXCEPT SELECT period_id FROM shift)""",
        columns=columns,
        parts_now=unnest(Withheld, parts_now, "decided_now"),
    )


def withheld_ids():
    """Ids of all values that are withheld: small ones, parts, and formulas that use such parts."""
    return SQL(
        """SELECT id FROM part_withheld
            UNION
           SELECT id FROM small
            UNION
           SELECT cell.id
             FROM part_withheld
             JOIN part ON part.part_id = part_withheld.kpi_id
             JOIN shift ON shift.source_id = part_withheld.period_id
                       AND shift.shift = part.shift
             JOIN cell ON cell.kpi_id = part.kpi_id AND cell.period_id = shift.period_id AND %s""",
        _same_owner("cell", "part_withheld"),
    )


def released(company_id):
    """The values that are withheld although the company withholds none: ``id, withheld``."""
    return SQL(
        "SELECT id, FALSE AS withheld FROM crm_kpi_value WHERE company_id = %s AND withheld",
        company_id,
    )


def _mark(env, statement):
    """Mark and release values: number of values that changed."""
    rows = env.execute_query(
        SQL(
            """UPDATE crm_kpi_value value SET withheld = decided.withheld
                 FROM (%s) AS decided
                WHERE decided.id = value.id AND value.withheld IS DISTINCT FROM decided.withheld
            RETURNING value.id""",
            statement,
        )
    )
    if rows:
        env["crm.kpi.value"].invalidate_model(["withheld"])
    return len(rows)


def _mark_restatements(env, company_id):
    """Restatements are withheld where the value is."""
    env.execute_query(
        SQL(
            """UPDATE crm_kpi_restatement restatement SET withheld = value.withheld
                 FROM crm_kpi_value value
                WHERE restatement.company_id = %s AND restatement.segment_id = value.segment_id
                  AND restatement.kpi_id = value.kpi_id
                  AND restatement.period_id = value.period_id
                  AND restatement.level = value.level
                  AND restatement.team_id IS NOT DISTINCT FROM value.team_id
                  AND restatement.user_id IS NOT DISTINCT FROM value.user_id
                  AND restatement.withheld IS DISTINCT FROM value.withheld
            RETURNING 1""",
            company_id,
        )
    )
    env["crm.kpi.restatement"].invalidate_model(["withheld"])


def _same_owner(left, right):
    return SQL(" AND ").join(
        SQL("%s = %s", SQL.identifier(left, name), SQL.identifier(right, name))
        for name in ("level", "team_id", "user_id", "segment_id")
    )


def _same_cell(left, right):
    return SQL(
        "%s = %s AND %s",
        SQL.identifier(left, "period_id"),
        SQL.identifier(right, "period_id"),
        _same_owner(left, right),
    )
