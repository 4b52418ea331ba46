# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The bullet bar of a goal: value, target, pace and forecast on one scale."""

from dataclasses import asdict, dataclass

from .labels import STATUS_SHAPES, status_text

#: The length of a bullet bar, compared with the largest value on it.
HEADROOM = 1.1


@dataclass
class Bullet:
    """Positions on a bullet bar of length 1."""

    value: float | None
    target: float | None
    target_max: float | None
    forecast: float | None
    pace: float | None


def bullet(goal, value):
    """The positions on a bullet bar; ``None`` where a bar cannot show them.

    :param value: the value of the KPI, ``None`` or ``False`` without one
    """
    target = _known(goal.target)
    positions = {
        "value": _known(value),
        "target": target,
        "target_max": _known(goal.target_max) if goal.kind == "range" else None,
        "forecast": _known(goal.projected),
        "pace": pace(goal),
    }
    known = [position for position in positions.values() if position is not None]
    # a bar cannot show negative values
    if target is None or min(known) < 0 or not max(known):
        return None
    length = max(known) * HEADROOM
    return Bullet(
        **{
            name: None if position is None else position / length
            for name, position in positions.items()
        }
    )


def pace(goal):
    """The value expected by now; ``None`` where the value does not grow over time."""
    if goal.target is False or goal.expected is False:
        return None
    return goal.target * goal.expected


def signs(goal):
    """What lists and forms show of a goal with the components of the board, as a dict."""
    found = bullet(goal, goal.value)
    return {
        "status": goal.status,
        "status_text": status_text(goal),
        "shape": STATUS_SHAPES.get(goal.status, ""),
        "counter_missed": goal.counter_missed,
        "value_text": goal.value_text,
        "target_text": goal.target_text,
        "attainment_text": goal.attainment_text,
        "forecast_text": "" if goal.projected is False else goal.projected_text,
        "bullet": found and asdict(found),
    }


def _known(value):
    return None if value is False else value
