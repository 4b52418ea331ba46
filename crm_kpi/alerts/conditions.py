# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The conditions of alerts: the verdict about the facts of one cell."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ..board.change import PERCENT_MIN_RECORDS, POINT_UNITS
from ..engine.alert_state import judge_limit, judge_status
from ..engine.pace import EPSILON

#: Conditions about goals. Each goal is an alert of its own; the others go on from one period to the
#: next.
ABOUT_GOALS = ("status", "milestone")
#: Conditions that never recover, because they tell of what was reached.
ONCE = ("milestone",)


@dataclass
class Facts:
    """What is known of a cell at one moment.

    :param value: ``None`` without one, or where it is too early to judge it
    :param reference: what the value is compared with: target, or the value of an earlier period
    :param change: the change against the earlier period, as a fraction
    :param share: the share of the target that is reached
    :param status: of the goal
    :param last_data: when the value last changed
    :param computed_at: when the KPI was last computed
    :param is_computed: whether the period was computed, so that no value means no record
    :param signal: see :func:`~..engine.signals.find_signals`, empty for none
    """

    value: float | None = None
    record_count: int = 0
    reference: float | None = None
    forecast: float | None = None
    change: float | None = None
    share: float | None = None
    status: str = ""
    last_data: datetime | None = None
    computed_at: datetime | None = None
    is_computed: bool = True
    signal: str | None = None


def judge(alert, facts, now):
    """The verdict of a rule about some facts, see :mod:`~..engine.alert_state`.

    :param alert: a ``crm.kpi.alert``, may be unsaved
    """
    match alert.condition:
        case "status":
            return judge_status(facts.status, alert.status)
        case "milestone":
            if facts.share is None:
                return "unknown"
            reached = facts.share >= int(alert.milestone) / 100 - EPSILON
            return "met" if reached else "clear"
        case "value":
            limit = limit_of(alert)
            return judge_limit(facts.value, alert.operator, limit, alert.margin)
        case "forecast":
            limit = limit_of(alert)
            return judge_limit(facts.forecast, alert.operator, limit, alert.margin)
        case "change":
            change = facts.change
            if change is not None and alert.operator == "below":
                change = -change
            return judge_limit(change, "above", alert.share, alert.margin)
        case "signal":
            if facts.signal is None:
                return "unknown"
            return "met" if facts.signal else "clear"
        case "records":
            if not facts.is_computed:
                return "unknown"
            return "met" if facts.record_count < alert.count else "clear"
        case "no_data":
            return _older(facts.last_data, timedelta(days=alert.count), now)
        case "stale":
            return _older(facts.computed_at, timedelta(hours=alert.count), now)
    return "unknown"


def computed_at(kpi, complete):
    """When the values of a KPI were computed, or found to be current.

    A refresh that finds no change does not compute a KPI. One that fails keeps its values.

    :param complete: when the latest complete refresh began
    """
    moments = [kpi.last_refresh or None, None if kpi.last_error else complete]
    return max(filter(None, moments), default=None)


def limit_of(alert):
    """The limit of a rule in the unit of its KPI; ``None`` without one."""
    return None if alert.threshold is False else alert.threshold


def relative_change(kpi, value, earlier, earlier_count):
    """The change of a value as a fraction: of percentages and scores in points ÷ 100.

    :return: ``None`` where boards show no percentage either: growth from zero, or of few records
    """
    if value is None or earlier is None:
        return None
    if kpi.unit in POINT_UNITS:
        return (value - earlier) / (1 if kpi.unit == "percent" else 100)
    if earlier <= 0 or earlier_count < PERCENT_MIN_RECORDS:
        return None
    return (value - earlier) / earlier


def share_of_target(kind, value, target):
    """The share of a target, or of the limit of a goal to stay below one; ``None`` without one."""
    if kind not in ("at_least", "at_most") or value is None or not target or target <= 0:
        return None
    return value / target


def waits_for_end(condition, operator, behaviour):
    """Whether a rule judges the latest complete period, not the running one.

    A count grows as its period runs: that it is still small says nothing before the end.

    :param behaviour: :class:`~..engine.time_behaviour.TimeBehaviour` of the KPI
    """
    if condition in ("records", "signal"):
        return True
    if condition not in ("value", "change"):
        return False
    return behaviour.final_only or (
        condition == "value" and behaviour.additive and operator == "below"
    )


def _older(moment, age, now):
    if moment is None:
        return "unknown"
    return "met" if now - moment >= age else "clear"
