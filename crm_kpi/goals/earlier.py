# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Earlier periods, values and targets of goals."""

from datetime import timedelta
from typing import Any, NamedTuple

from ..engine import pace
from ..engine.time_behaviour import time_behaviours
from ..periods.comparison import earlier_days
from .baseline import Lookup, pooled, stored_cells
from .cell import CELL


class Earlier(NamedTuple):
    """Value and goal of the same cell in an earlier period."""

    period: Any
    value: float | None
    goal: Any


class Base(NamedTuple):
    """The earlier value that a target is made of, and its periods, latest first."""

    periods: Any
    value: float


def base_name(env, kind, period, count):
    """The name of an earlier value, such as "Mean of 3 periods until October 2026"."""
    name = period.display_name
    if kind == "running":
        return env._("%s, forecast", name)
    if kind == "mean" and count > 1:
        return env._("Mean of %(count)s periods until %(period)s", count=count, period=name)
    return name


def closed_periods(period, now, count=1):
    """The latest periods before a period that are over, of its kind and length, latest first.

    A custom period has none, unless it is as long as a quarter or year.
    """
    if period._length() == "custom":
        return period.browse()
    earlier = period.search(
        [
            ("company_id", "=", period.company_id.id),
            ("kind", "=", period.kind),
            ("utc_to", "<=", now),
            ("date_from", "<", period.date_from),
        ],
        order="date_from desc",
        limit=None if period.kind == "custom" else count,
    )
    return earlier.filtered(lambda other: other._length() == period._length())[:count]


def last_of(goals, now):
    """The last known value, and the last target, of each goal's cell.

    They belong to the latest closed period before that of the goal.

    :return: dict of goal to :class:`Earlier`, without goals that have no earlier period
    """
    env = goals.env
    last = {period: closed_periods(period, now) for period in goals.period_id}
    found = env["crm.kpi.goal"].search(
        [
            ("kpi_id", "in", goals.kpi_id.ids),
            ("period_id", "in", goals.period_id.union(*last.values()).ids),
        ]
    )
    goal_of = {tuple(goal._raw(name) for name in CELL): goal for goal in found}
    # only managers see these values, and they may read all values of the KPIs of their goals
    cells = stored_cells(
        env,
        [
            Lookup(goal.id, goal.kpi_id.id, last[goal.period_id].id, goal.scope, goal.team_id.id,
                   goal.user_id.id, goal.segment_id.id, goal.create_date)
            for goal in goals if last[goal.period_id]
        ],
    )  # fmt: skip
    result = {}
    for goal in goals:
        if not (period := last[goal.period_id]):
            continue
        cell = {name: goal._raw(name) for name in CELL} | {"period_id": period.id}
        result[goal] = Earlier(
            period,
            pooled(goal.kpi_id, [period], cells.get(goal.id, {})),
            goal_of.get(tuple(cell.values()), goals.browse()),
        )
    return result


def base_periods(kind, periods, now, count=1):
    """The periods that the targets of periods are made of.

    ``last``: the latest closed period before the first one; ``mean``: the latest ``count`` ones;
    ``running``: the present period; ``last_year``: the same period one year earlier, of each.

    :param periods: list of periods of one kind in order of time; they may be new records
    :return: list of periods for each period; empty where there are none
    """
    first = periods[0]
    if kind == "last_year":
        return [_year_earlier(period) for period in periods]
    if kind == "running":
        same = first.search(
            [
                ("company_id", "=", first.company_id.id),
                ("kind", "=", first.kind),
                ("utc_from", "<=", now),
                ("utc_to", ">", now),
            ]
        )
        length = first._length()
        base = same.filtered(lambda p: length != "custom" and p._length() == length)[:1]
    else:
        base = closed_periods(first, now, count if kind == "mean" else 1)
        if kind == "mean" and len(base) < count:
            base = base.browse()
    return [base] * len(periods)


def _year_earlier(period):
    if not (days := earlier_days(period._length(), period.date_from, years=1)):
        return period.browse()
    return period.search(
        [
            ("company_id", "=", period.company_id.id),
            ("kind", "=", period.kind),
            ("date_from", "=", days[0]),
            ("date_to", "=", days[1]),
        ]
    )


def base_values(kpi, scope, owners, bases, now, projected=False):
    """Values of owners in periods, pooled from the components of the KPI.

    :param owners: list of ``(team id, user id, segment id)``
    :param bases: list of sets of periods
    :param projected: the forecast of a period that is running
    :return: dict of ``(owner, periods)`` to a value, without cells that have none
    """
    pairs = [(owner, periods) for periods in dict.fromkeys(bases) for owner in owners]
    keys = dict(enumerate(pairs, start=1))
    cells = stored_cells(
        kpi.env,
        [
            Lookup(key, part.id, period.id, scope, *owner, None)
            for key, (owner, periods) in keys.items()
            for part in kpi._with_components()
            for period in periods
        ],
    )
    result = {}
    for key, (owner, periods) in keys.items():
        found = cells.get(key, {})
        value = pooled(kpi, periods, found) if periods else None
        if projected and value is not None:
            stored = found.get((kpi.id, periods.id))
            value = _projected(kpi, periods, value, stored.ahead if stored else 0, now)
        if value is not None:
            result[owner, periods] = value
    return result


def _projected(kpi, period, value, ahead, now):
    behaviour = time_behaviours(kpi)[kpi]
    elapsed = period._elapsed(now - timedelta(days=behaviour.maturity))[period]
    if behaviour.final_only and not elapsed.over:
        return None
    return pace.project(value, elapsed, behaviour.additive, ahead)
