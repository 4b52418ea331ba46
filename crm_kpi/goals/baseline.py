# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The baseline of a goal to improve: earlier periods, pooled from the components of the KPI."""

from datetime import datetime, timedelta
from typing import NamedTuple

from odoo.tools import SQL

from ..engine import formula as engine
from ..engine import pace
from ..engine import periods as calendar
from ..engine.time_behaviour import time_behaviours
from ..engine.withholding import is_hidden
from ..periods.comparison import earlier_days
from .cell import is_computed, same_cell


class Lookup(NamedTuple):
    """A stored value that is needed: of which cell, KPI and period.

    :param key: names the cell for the caller, such as the id of its goal
    :param create_date: when the goal of the cell was created, if it has one
    """

    key: int
    kpi_id: int
    period_id: int
    scope: str
    team_id: int | None
    user_id: int | None
    segment_id: int | None
    create_date: datetime | None


class Stored(NamedTuple):
    """A stored value, the number of its records, and its part dated in the rest of the period."""

    value: float | None
    record_count: int
    ahead: float


def find_baselines(env, rows, now):
    """Set ``baseline_found`` of the goals to improve whose baseline is known by now.

    A baseline is known when all of its periods are final. It does not change afterwards, unless the
    values of its periods were computed again with a later definition of the KPI.

    :param rows: list of :class:`~.refresh.GoalRow`
    """
    rows = [row for row in rows if row.kind == "improve"]
    for row in rows:
        if row.baseline_kind == "fixed" and row.baseline_found is None:
            row.baseline_found = row.baseline_fixed
    rows = [row for row in rows if row.baseline_kind != "fixed"]
    if not rows:
        return
    kpis = {kpi.id: kpi for kpi in env["crm.kpi"].browse({row.kpi_id for row in rows})}
    behaviours = time_behaviours(env["crm.kpi"].browse(kpis))
    periods_by_goal = baseline_periods(env, rows)
    versions = _stored_versions(env, rows, periods_by_goal)
    missing = [
        row
        for row in rows
        if row.baseline_found is None or versions[row.id] > (row.baseline_version_found or 0)
    ]
    known, lookups = [], []
    for row in missing:
        kpi, periods = kpis[row.kpi_id], periods_by_goal[row.id]
        maturity = timedelta(days=behaviours[kpi].maturity)
        if periods and all(_is_final(period, now - maturity) for period in periods):
            known.append(row)
            lookups += [
                Lookup(
                    row.id,
                    part.id,
                    period.id,
                    row.scope,
                    row.team_id,
                    row.user_id,
                    row.segment_id,
                    row.create_date,
                )
                for part in kpi._with_components()
                for period in periods
            ]
    cells = stored_cells(env, lookups)
    for row in known:
        row.baseline_found = pooled(
            kpis[row.kpi_id], periods_by_goal[row.id], cells.get(row.id, {})
        )
        row.baseline_version_found = versions[row.id]


def _is_final(period, now):
    return bool(period) and (period.state == "locked" or now >= period.utc_to)


def baseline_spans(period, baseline_kind, baseline_count):
    """The days that a baseline is made of: list of ``(first day, first day after)``.

    They are of the kind of the period. A custom period has none, unless it is as long as a
    quarter or year.
    """
    length = period._length()
    if length == "custom" or baseline_kind == "fixed":
        return []
    if baseline_kind == "last_year":
        return [earlier_days(length, period.date_from, years=1)]
    count = baseline_count if baseline_kind == "mean" else 1
    starts = [calendar.shift(length, period.date_from, -n) for n in range(1, count + 1)]
    return [(start, calendar.shift(length, start, 1)) for start in starts]


def unknown_baselines(env):
    """The days that baselines need which are not known yet.

    :return: dict of ``(company, kind of period)`` to a set of ``(first day, first day after)``
    """
    goals = env["crm.kpi.goal"].search([("kind", "=", "improve"), ("baseline", "=", False)])
    result = {}
    for goal in goals:
        period = goal.period_id
        spans = baseline_spans(period, goal.baseline_kind, goal.baseline_count)
        result.setdefault((period.company_id, period.kind), set()).update(spans)
    return result


def baseline_periods(env, rows):
    """The periods that each baseline is made of.

    :return: dict of goal id to a list of periods, with ``None`` for a period that does not exist
    """
    expected = {}
    for row in rows:
        period = env["crm.kpi.period"].browse(row.period_id)
        spans = baseline_spans(period, row.baseline_kind, row.baseline_count)
        expected[row.id] = [(period.company_id.id, period.kind, *span) for span in spans]
    keys = {key for keys in expected.values() for key in keys}
    found = {
        (period.company_id.id, period.kind, period.date_from, period.date_to): period
        for period in env["crm.kpi.period"].search(
            [
                ("company_id", "in", list({key[0] for key in keys})),
                ("kind", "in", list({key[1] for key in keys})),
                ("date_from", "in", list({key[2] for key in keys})),
            ]
        )
    }
    return {goal_id: [found.get(key) for key in keys] for goal_id, keys in expected.items()}


def _stored_versions(env, rows, periods_by_goal):
    """The oldest version of the KPI's values that each baseline is made of.

    :return: dict of goal id to a version; that of the KPI where it has no values
    """
    stored = {
        (kpi.id, period.id): version
        for kpi, period, version in env["crm.kpi.value"]._read_group(
            [
                ("kpi_id", "in", list({row.kpi_id for row in rows})),
                (
                    "period_id",
                    "in",
                    list({p.id for row in rows for p in periods_by_goal[row.id] if p}),
                ),
                ("level", "=", "company"),
            ],
            ["kpi_id", "period_id"],
            ["version:min"],
        )
    }
    kpis = env["crm.kpi"].browse({row.kpi_id for row in rows})
    present = {kpi.id: kpi.version for kpi in kpis}
    return {
        row.id: min(
            (
                stored.get((row.kpi_id, period.id), present[row.kpi_id])
                for period in periods_by_goal[row.id]
                if period
            ),
            default=present[row.kpi_id],
        )
        for row in rows
    }


def stored_cells(env, lookups):
    """Stored values of cells.

    :param lookups: list of :class:`Lookup`
    :return: dict of key to dict of ``(kpi id, period id)`` to :class:`Stored`. Cells that were
        never computed, and withheld ones, are missing; computed cells without a row have no value.
    """
    if not lookups:
        return {}
    result = {}
    for key, kpi_id, period_id, *stored in env.execute_query(
        SQL(
            """SELECT goal.key, goal.kpi_id, goal.period_id, value.value,
                      COALESCE(value.record_count, 0), COALESCE(value.ahead, 0)
                 FROM unnest(%s::int4[], %s::int4[], %s::int4[], %s::text[], %s::int4[],
                             %s::int4[], %s::int4[], %s::timestamp[])
                   AS goal(key, kpi_id, period_id, scope, team_id, user_id, segment_id,
                           create_date)
                 JOIN crm_kpi AS kpi ON kpi.id = goal.kpi_id
                 LEFT JOIN crm_kpi_computation AS computation
                        ON computation.kpi_id = goal.kpi_id
                       AND computation.period_id = goal.period_id
                 LEFT JOIN crm_kpi_value AS value ON %s
                WHERE NOT %s AND (value.id IS NOT NULL OR %s)""",
            *([item or None for item in column] for column in zip(*lookups, strict=True)),
            same_cell("goal", "value", "level"),
            is_hidden("value"),
            is_computed("goal.kpi_id", "goal.period_id"),
        )
    ):
        result.setdefault(key, {})[kpi_id, period_id] = Stored(*stored)
    return result


def pooled(kpi, periods, cells):
    """Mean of a KPI over periods, from its components: never a mean of ratios.

    :param cells: dict of ``(kpi id, period id)`` to :class:`Stored`
    :return: a float or ``None``
    """
    stored = [
        cells.get((kpi.id, period.id)) if kpi._is_reliable(period) else None for period in periods
    ]
    own = [cell and (cell.value, cell.record_count) for cell in stored]
    if kpi.kind == "formula" and len(periods) > 1:
        parsed = _formula_without_shifts(kpi)
        if parsed:
            by_code = {part.code: part for part in kpi.component_ids}
            values = {
                component: pooled(by_code[component.code], periods, cells)
                for component in parsed.components
                if component.code in by_code
            }
            each = [period._formula_constants() for period in periods]
            constants = {name: sum(c[name] for c in each) / len(each) for name in each[0]}
            return parsed.evaluate(values, constants)
    weighted = kpi.kind != "formula" and kpi.aggregator == "avg"
    return pace.mean(own, zero=kpi._zero_when_empty, weighted=weighted)


def _formula_without_shifts(kpi):
    """The parsed formula when all of its components lie in the same period, else ``None``."""
    try:
        parsed = engine.parse(kpi.formula)
    except engine.FormulaError:
        return None
    return None if any(component.shift for component in parsed.components) else parsed
