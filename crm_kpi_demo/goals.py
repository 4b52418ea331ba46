# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

"""Creates goals whose targets follow from the values so far."""

import math
from typing import NamedTuple

from odoo import fields
from odoo.tools import SQL


class GoalPlan(NamedTuple):
    """A goal to be created for the running period and for some before it."""

    scope: str
    period: str  # kind of the periods
    before: int  # number of periods before the running one
    code: str  # of the KPI
    kind: str
    target: float | tuple | dict
    """The improvement; or target (and upper bound); or both as shares of the usual value."""


def create_goals(env, plans, owners):
    """Create goals that are not there yet.

    :param plans: rows of :class:`GoalPlan`; KPIs that are not installed are left out
    :param dict owners: scope to a list of dicts with team_id, user_id, segment_id
    """
    kpis = {kpi.code: kpi for kpi in env["crm.kpi"].search([])}
    values = []
    for plan in map(GoalPlan._make, plans):
        if plan.code not in kpis:
            continue
        for period in _periods(env, plan.period, plan.before):
            for owner in owners[plan.scope]:
                if _has_goal(kpis[plan.code], period, plan, owner):
                    continue
                vals = _goal_values(kpis[plan.code], period, plan, owner)
                if vals:
                    values.append(vals)
    return env["crm.kpi.goal"].create(values)


def big_segments(env, count):
    """The industries with the highest revenue so far."""
    env.cr.execute(
        SQL(
            """
            SELECT value.segment_id
              FROM crm_kpi_value value
              JOIN crm_kpi kpi ON kpi.id = value.kpi_id AND kpi.code = 'revenue_ordered'
              JOIN crm_kpi_period period ON period.id = value.period_id AND period.kind = 'month'
              JOIN crm_kpi_segment segment
                ON segment.id = value.segment_id AND segment.set_id = %s
             WHERE value.level = 'segment' AND segment.is_unknown IS NOT TRUE
               AND value.company_id = %s
          GROUP BY 1 ORDER BY sum(value.value) DESC, 1 LIMIT %s
            """,
            env.ref("crm_kpi.segment_set_industry").id,
            env.company.id,
            count,
        )
    )
    return env["crm.kpi.segment"].browse([row[0] for row in env.cr.fetchall()])


def _periods(env, kind, before):
    """The running period and those before it."""
    periods = [env["crm.kpi.period"]._current(kind)]
    while len(periods) <= before and (earlier := periods[-1]._previous().get(periods[-1])):
        periods.append(earlier)
    return periods


def _has_goal(kpi, period, plan, owner):
    """Whether there is a goal for the KPI, the period and the owner."""
    return bool(
        kpi.env["crm.kpi.goal"].search_count(
            [
                ("kpi_id", "=", kpi.id),
                ("period_id", "=", period.id),
                ("scope", "=", plan.scope),
                *_owner_domain(owner),
            ],
            limit=1,
        )
    )


def _owner_domain(owner):
    return [(name, "=", owner.get(name, False)) for name in ("team_id", "user_id", "segment_id")]


def _goal_values(kpi, period, plan, owner):
    """Values of a goal; None without values to derive the target from."""
    vals = {
        "kpi_id": kpi.id, "period_id": period.id, "scope": plan.scope, "kind": plan.kind, **owner
    }  # fmt: skip
    if plan.kind == "improve":
        return vals | {"improve_by": plan.target, "baseline_kind": "mean", "baseline_count": 3}
    if not isinstance(plan.target, dict):
        return vals | dict(zip(("target", "target_max"), plan.target, strict=False))
    usual = _usual_value(kpi, period, plan.scope, owner)
    if not usual:
        return None
    return vals | {
        name: _rounded(usual * factor, kpi.unit == "count") for name, factor in plan.target.items()
    }


def _usual_value(kpi, period, scope, owner):
    """Mean of the three periods before; for a year, twelve times the mean of six months."""
    is_year = period.kind == "year"
    kind, count = ("month", 6) if is_year else (period.kind, 3)
    until = fields.Date.context_today(kpi) if is_year else period.date_from
    values = kpi.env["crm.kpi.value"].search(
        [
            ("kpi_id", "=", kpi.id),
            ("company_id", "=", period.company_id.id),
            ("level", "=", scope),
            ("period_id.kind", "=", kind),
            ("period_id.date_to", "<=", until),
            *_owner_domain(owner),
        ]
    )
    values = values.sorted(lambda value: value.period_id.date_from, reverse=True)[:count]
    numbers = [value.value for value in values if value.value is not False]
    if not numbers:
        return None
    mean = sum(numbers) / len(numbers)
    return mean * 12 if is_year else mean


def _rounded(number, whole):
    """Two significant digits, and at least one for counts."""
    if not number:
        return 0.0
    digits = 1 - math.floor(math.log10(abs(number)))
    return max(1.0, float(round(number, min(digits, 0)))) if whole else float(round(number, digits))
