# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Earlier periods, values and targets of goals."""

from typing import Any, NamedTuple

from .baseline import Lookup, pooled, stored_cells
from .cell import CELL


class Earlier(NamedTuple):
    """Value and goal of the same cell in an earlier period."""

    period: Any
    value: float | None
    goal: Any


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
