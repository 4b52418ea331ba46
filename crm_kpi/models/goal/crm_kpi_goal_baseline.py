# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What an improvement is counted from: periods of the past, each from its components."""

from datetime import timedelta

from odoo import api, models
from odoo.tools import SQL

from ...engine import formula as engine
from ...engine import pace
from ...engine import periods as calendar
from ...engine.time_behaviour import time_behaviours
from .crm_kpi_goal_cell import _computed


class CrmKpiGoal(models.Model):
    _inherit = "crm.kpi.goal"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _find_baselines(self, rows, now):
        """Fill ``baseline_found`` of the goals to improve whose baseline is known by now."""
        open_rows = [
            row for row in rows if row["kind"] == "improve" and row["baseline_found"] is None
        ]
        for row in open_rows:
            if row["baseline_kind"] == "fixed":
                row["baseline_found"] = row["baseline_fixed"]
        open_rows = [row for row in open_rows if row["baseline_kind"] != "fixed"]
        if not open_rows:
            return
        kpis = self.env["crm.kpi"].browse({row["kpi_id"] for row in open_rows})
        behaviours = time_behaviours(kpis)
        behind = self._baseline_periods(open_rows)
        lookups = []
        for row in open_rows:
            kpi = kpis.browse(row["kpi_id"])
            maturity = timedelta(days=behaviours[kpi].maturity)
            periods = behind[row["id"]]
            row["known"] = bool(periods) and all(
                period and (period.state == "locked" or now - maturity >= period.utc_to)
                for period in periods
            )
            if row["known"]:
                lookups += [
                    (row["id"], part.id, period.id)
                    for part in kpi._with_components()
                    for period in periods
                ]
        cells = self._baseline_cells(lookups)
        for row in open_rows:
            if row["known"]:
                kpi = kpis.browse(row["kpi_id"])
                known = {
                    (kpi_id, period_id): cell
                    for (kpi_id, period_id), cell in cells.get(row["id"], {}).items()
                }
                row["baseline_found"] = _pooled(kpi, behind[row["id"]], known)

    @api.model
    def _baseline_periods(self, rows):
        """The periods each baseline is made of: dict of goal id to a list, ``None`` in it
        where a period does not exist."""
        wanted = {}
        for row in rows:
            period = self.env["crm.kpi.period"].browse(row["period_id"])
            length = period._length()
            if length == "custom":
                wanted[row["id"]] = []
                continue
            if row["baseline_kind"] == "last_year":
                start = period.date_from - timedelta(days=364)
                if length not in ("day", "week"):
                    start = calendar.shift("year", period.date_from, -1)
                starts = [start]
            else:
                count = row["baseline_count"] if row["baseline_kind"] == "mean" else 1
                starts = [
                    calendar.shift(length, period.date_from, -back) for back in range(1, count + 1)
                ]
            wanted[row["id"]] = [
                (period.company_id.id, period.kind, start, calendar.shift(length, start, 1))
                for start in starts
            ]
        keys = {key for keys in wanted.values() for key in keys}
        found = {
            (period.company_id.id, period.kind, period.date_from, period.date_to): period
            for period in self.env["crm.kpi.period"].search(
                [
                    ("company_id", "in", list({key[0] for key in keys})),
                    ("kind", "in", list({key[1] for key in keys})),
                    ("date_from", "in", list({key[2] for key in keys})),
                ]
            )
        }
        return {goal_id: [found.get(key) for key in keys] for goal_id, keys in wanted.items()}

    @api.model
    def _baseline_cells(self, lookups):
        """Stored values of the goals' cells in other periods.

        :param lookups: list of ``(goal id, kpi id, period id)``
        :return: dict of goal id to dict of ``(kpi id, period id)`` to ``(value, record_count)``; cells
            that were never computed are missing, computed ones without a row have ``None``
        """
        if not lookups:
            return {}
        goal_ids, kpi_ids, period_ids = (list(column) for column in zip(*lookups, strict=True))
        result = {}
        for goal_id, kpi_id, period_id, value, record_count, computed in self.env.execute_query(
            SQL(
                """SELECT g.id, l.kpi_id, l.period_id, v.value, COALESCE(v.record_count, 0),
                          v.id IS NOT NULL OR %s
                     FROM unnest(%s::int4[], %s::int4[], %s::int4[]) AS l(goal_id, kpi_id, period_id)
                     JOIN crm_kpi_goal g ON g.id = l.goal_id
                     JOIN crm_kpi k ON k.id = l.kpi_id
                     LEFT JOIN crm_kpi_computation c
                            ON c.kpi_id = l.kpi_id AND c.period_id = l.period_id
                     LEFT JOIN crm_kpi_value v
                            ON v.kpi_id = l.kpi_id AND v.period_id = l.period_id
                           AND v.level = g.scope
                           AND COALESCE(v.team_id, 0) = COALESCE(g.team_id, 0)
                           AND COALESCE(v.user_id, 0) = COALESCE(g.user_id, 0)
                           AND COALESCE(v.segment_id, 0) = COALESCE(g.segment_id, 0)""",
                _computed("l.kpi_id", "l.period_id"),
                goal_ids,
                kpi_ids,
                period_ids,
            )
        ):
            if computed:
                result.setdefault(goal_id, {})[kpi_id, period_id] = (value, record_count)
        return result


def _pooled(kpi, periods, cells):
    """Mean of a KPI over periods, from its components: never a mean of ratios.

    :param cells: dict of ``(kpi id, period id)`` to ``(value, record_count)``
    :return: a float or ``None``
    """
    own = [
        cells.get((kpi.id, period.id)) if kpi._is_reliable(period) else None for period in periods
    ]
    if kpi.kind == "formula" and len(periods) > 1:
        parsed = _plain_formula(kpi)
        if parsed:
            by_code = {part.code: part for part in kpi.component_ids}
            values = {
                component: _pooled(by_code[component.code], periods, cells)
                for component in parsed.components
                if component.code in by_code
            }
            each = [period._formula_constants() for period in periods]
            constants = {name: sum(c[name] for c in each) / len(each) for name in each[0]}
            return parsed.evaluate(values, constants)
    weighted = kpi.kind != "formula" and kpi.aggregator == "avg"
    return pace.mean(own, zero=kpi._zero_when_empty, weighted=weighted)


def _plain_formula(kpi):
    """The parsed formula where all it needs lies in the same period, else ``None``."""
    try:
        parsed = engine.parse(kpi.formula)
    except engine.FormulaError:
        return None
    return None if any(component.shift for component in parsed.components) else parsed
