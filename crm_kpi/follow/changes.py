# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What changed in a KPI since it was told last. Nothing here reads records."""

from typing import NamedTuple

#: A goal is met or on track, but its counter-metric misses its own goal.
COUNTER_MISSED = "counter_missed"
#: Statuses of goals that are told, the worst first. The others are no verdict yet.
VERDICTS = ("missed", "off_track", "at_risk", COUNTER_MISSED, "on_track", "achieved")
#: Verdicts of a running period that say that the forecast misses the target.
FORECAST_MISSES = ("at_risk", "off_track")
#: Fewest complete periods of which one can be the highest or the lowest.
MIN_PERIODS = 6
#: Kinds of changes, the most important first.
KINDS = ("goal", "forecast", "signal", "extreme")


class Seen(NamedTuple):
    """What a follower has been told of a KPI, or would be told now.

    :param verdicts: status, or :data:`COUNTER_MISSED`, by the id of the goal as text: JSON has no
        other keys
    :param signal: period and rule of a warning sign; empty without one
    :param extreme: period, and whether its value is the highest or lowest; empty without one
    """

    verdicts: dict[str, str]
    signal: str = ""
    extreme: str = ""


class Change(NamedTuple):
    """A change to tell.

    :param kind: one of :data:`KINDS`
    :param goal: id of the goal as text; empty unless the change is one of a goal
    :param trend: ``better`` or ``worse``; empty where the KPI decides
    """

    kind: str
    goal: str = ""
    trend: str = ""


def find_changes(told, seen):
    """What changed since ``told``. A goal that was not told yet is taken as on track.

    Between *on track* and a verdict that the forecast misses the target, the forecast crosses the
    target; any other change is one of the status.

    >>> find_changes(Seen({"7": "on_track"}), Seen({"7": "at_risk"}))
    [Change(kind='forecast', goal='7', trend='worse')]
    >>> find_changes(Seen({"7": "at_risk"}), Seen({"7": "achieved", "8": "on_track"}))
    [Change(kind='goal', goal='7', trend='better')]
    >>> find_changes(Seen({}, "2026-02 above"), Seen({}, "", "2026-03 high"))
    [Change(kind='extreme', goal='', trend='')]
    """
    changes = []
    for goal, verdict in seen.verdicts.items():
        before = told.verdicts.get(goal, "on_track")
        if verdict not in VERDICTS or verdict == before:
            continue
        crossed = {before, verdict} & {"on_track"} and {before, verdict} & {*FORECAST_MISSES}
        better = VERDICTS.index(verdict) > VERDICTS.index(before)
        changes.append(
            Change("forecast" if crossed else "goal", goal, "better" if better else "worse")
        )
    if seen.signal and seen.signal != told.signal:
        changes.append(Change("signal"))
    # a warning sign of the same period says more
    elif seen.extreme and not seen.signal and seen.extreme != told.extreme:
        changes.append(Change("extreme"))
    return changes


def told_now(told, seen):
    """What has been told after a mail about ``seen``.

    What is over for the moment is remembered: it is not told again when it comes back.

    >>> told_now(Seen({"6": "missed", "7": "at_risk"}, "2026-02 above"), Seen({"7": "too_few"}))
    Seen(verdicts={'7': 'at_risk'}, signal='2026-02 above', extreme='')
    """
    verdicts = {
        goal: verdict if verdict in VERDICTS else told.verdicts.get(goal)
        for goal, verdict in seen.verdicts.items()
    }
    return Seen(
        {goal: verdict for goal, verdict in verdicts.items() if verdict},
        seen.signal or told.signal,
        seen.extreme or told.extreme,
    )


def extreme_value(values):
    """Whether the first of some values is the ``high`` or the ``low`` of them; else empty.

    :param values: of complete periods, the latest first

    >>> extreme_value([9, 5, 6, 5, 6, 8]), extreme_value([5, 5, 6, 5, 6, 8]), extreme_value([9, 5])
    ('high', '', '')
    """
    if len(values) < MIN_PERIODS:
        return ""
    latest, *earlier = values
    if latest > max(earlier):
        return "high"
    return "low" if latest < min(earlier) else ""
