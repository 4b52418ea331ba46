# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Goals of custom days, made of the goals of the months, quarters or years that they lie in.

Nothing is stored: such a goal is a record in memory, and follows from the goals that the reader
may read. The rules are in the catalogue.
"""

from bisect import bisect_left
from datetime import timedelta
from typing import NamedTuple

from ..engine.time_behaviour import time_behaviours
from .labels import target_text
from .refresh import DEFAULT_KIND, judge

#: Kinds of period whose goals are used, the first that covers all days.
KINDS = ("day", "week", "month", "fiscal_quarter", "quarter", "fiscal", "year")


class Part(NamedTuple):
    """A goal, and how many of the ``total`` working days of its period are custom days."""

    goal: object
    days: int
    total: int


class SharedGoal(NamedTuple):
    """A goal in memory, and what it is made of, in words."""

    goal: object
    text: str


def shared_goals(kpis, period, cell, values, now):
    """Goals of custom days by KPI, as :class:`SharedGoal`; KPIs without one are missing.

    :param period: the custom period
    :param cell: dict of ``scope`` and the ids of team, user and segment
    :param values: dict of KPI id to the stored value of the custom days
    """
    env = kpis.env
    goals = env["crm.kpi.goal"].search(
        [
            ("kpi_id", "in", kpis.ids),
            ("period_id.kind", "in", KINDS),
            ("period_id.company_id", "=", period.company_id.id),
            ("period_id.date_from", "<", period.date_to),
            ("period_id.date_to", ">", period.date_from),
            *((name, "=", value) for name, value in cell.items()),
        ]
    )
    if not goals:
        return {}
    behaviours = time_behaviours(goals.kpi_id)
    working_days = (goals.period_id | period)._working_days()
    result = {}
    for kpi, own in goals.grouped("kpi_id").items():
        behaviour = behaviours[kpi]
        if not _can_be_shared(kpi, behaviour):
            continue
        parts = _parts(own, period, working_days, behaviour.additive)
        if not parts:
            continue
        kind, target, target_max = _target(parts, behaviour.additive)
        elapsed = period._elapsed(now - timedelta(days=behaviour.maturity))[period]
        row = values.get(kpi.id)
        value = None if not row or row.value is False else row.value
        verdict = judge(
            kpi,
            behaviour,
            elapsed,
            kind=kind,
            target=target,
            target_max=target_max,
            value=value,
            record_count=row.record_count if row else 0,
            ahead=row.ahead or 0.0 if row else 0.0,
        )
        goal = env["crm.kpi.goal"].new(
            {
                **cell,
                "kpi_id": kpi.id,
                "period_id": period.id,
                "kind": kind,
                "target": target,
                "target_max": target_max,
                "value": value,
                "attainment": verdict.attainment,
                "expected": verdict.expected,
                "projected": verdict.projected,
                "status": verdict.status,
            }
        )
        text = target_text(goal, computed=True)
        if goal.target_text != text:
            goal.target_text = text
        result[kpi] = SharedGoal(goal, _text(parts, behaviour.additive))
    return result


def _can_be_shared(kpi, behaviour):
    """Whether a target for a period says something about a part of the period.

    Distinct counts and cohorts do not: ten days have fewer customers, and fewer lost ones.
    """
    distinct = any(
        part.aggregator == "count_distinct" and part.source_id.kind == "event"
        for part in kpi.sudo()._with_components()  # superuser: definitions only
        if part.kind != "formula"
    )
    return behaviour.additive or not (behaviour.final_only or distinct)


def _parts(goals, period, working_days, additive):
    """The goals that cover all days of a period, of the finest kind: list of :class:`Part`."""
    days = working_days[period]
    if not days and not additive:
        length = (period.date_to - period.date_from).days
        days = [period.date_from + timedelta(days=number) for number in range(length)]
    by_kind = goals.filtered(lambda goal: goal.target is not False).grouped("period_kind")
    for kind in KINDS:
        parts, covered = [], period.date_from
        for goal in by_kind.get(kind, goals.browse()).sorted("period_date"):
            first, after = goal.period_id.date_from, goal.period_id.date_to
            # a gap, or a period of a former fiscal year that overlaps
            if covered != max(first, period.date_from):
                break
            covered = min(after, period.date_to)
            if count := bisect_left(days, after) - bisect_left(days, first):
                parts.append(Part(goal, count, len(working_days[goal.period_id])))
        if parts and covered == period.date_to and len({_kind(part.goal) for part in parts}) == 1:
            return parts
    return []


def _kind(goal):
    """The kind of a goal; an improvement has a target that is a bound like the others."""
    return DEFAULT_KIND[goal.kpi_id.direction] if goal.kind == "improve" else goal.kind


def _target(parts, additive):
    """Kind, target and upper target of the custom days."""

    def combined(name):
        if any(part.goal[name] is False for part in parts):
            return None
        if additive:
            return sum(part.goal[name] * part.days / part.total for part in parts)
        return sum(part.goal[name] * part.days for part in parts) / sum(p.days for p in parts)

    kind = _kind(parts[0].goal)
    return kind, combined("target"), combined("target_max") if kind == "range" else None


def _text(parts, additive):
    env = parts[0].goal.env
    first, last = (
        part.goal.period_id.display_name
        for part in (
            min(parts, key=lambda part: part.goal.period_date),
            max(parts, key=lambda part: part.goal.period_date),
        )
    )
    if len(parts) > 1:
        names = {"first": first, "last": last, "count": len(parts)}
        if additive:
            return env._(
                "Sum of the shares of %(count)s goals, %(first)s to %(last)s, by working days",
                **names,
            )
        return env._("Mean of %(count)s goals, %(first)s to %(last)s, by working days", **names)
    if not additive:
        return env._("Goal of %s", first)
    return env._(
        "Share of the goal of %(period)s: %(days)s of %(total)s working days",
        period=first,
        days=parts[0].days,
        total=parts[0].total,
    )
