# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The course of a KPI in time: usual range, projection, what happened, what was redefined."""

import math
from itertools import pairwise

from odoo import fields
from odoo.tools.misc import format_date

from ..engine import pace
from ..engine.time_behaviour import time_behaviours
from .look import OFFERED, number

#: Fewest closed periods from which the usual range is told.
LIMITS_FROM = 8
#: Of an individuals and moving range chart: three sigma, estimated from the mean range.
LIMITS_FACTOR = 2.66
#: Annotations and changes of the definition that are shown, the latest.
NOTES = 20


def trend(look, kpi):
    """The last periods of the kind up to the chosen one, and the range that is usual.

    The usual range is that of an individuals and moving range chart (Shewhart, Wheeler): the
    mean of the closed periods that are shown, ± 2.66 times the mean difference between one
    and the next.
    """
    periods = look.series[:OFFERED].sorted("date_from")
    values = look.values(kpi, periods)
    goals = look.goals(kpi, periods)
    behaviour = time_behaviours(kpi)[kpi]
    points = [
        _point(look, kpi, period, values.get((kpi.id, period.id)), goals.get((kpi.id, period.id)))
        for period in periods
    ]
    # from the first period that has a value on
    first = next((i for i, point in enumerate(points) if point["value"] is not None), 0)
    points = points[first:]
    known = [point["value"] for point in points if point["value"] is not None]
    low, middle, high = usual_range(
        [p["value"] for p in points if p["value"] is not None and not p["running"]]
    )
    reach = None if middle is None else high - middle
    floor = 0.0 if known and min(known) >= 0 else -math.inf
    elapsed = periods.filtered(lambda period: period.utc_to > look.now)._elapsed(look.now)
    for period, point in zip(periods[first:], points, strict=True):
        if point["running"] and not behaviour.final_only:
            _project(point, elapsed[period], behaviour.additive, reach, floor)
            point["projected_text"] = look.worded(kpi, point["projected"])
            if point["projected_low"] is not None:
                low_text, high_text = (
                    look.worded(kpi, point[f"projected_{end}"]) for end in ("low", "high")
                )
                point["projected_range_text"] = f"{low_text} – {high_text}"
    return {
        "points": points,
        "low": None if low is None else max(low, floor),
        "middle": middle,
        "high": high,
        "middle_text": look.worded(kpi, middle),
        "range_text": middle is not None
        and f"{look.worded(kpi, max(low, floor))} – {look.worded(kpi, high)}",
        "rule": middle is not None
        and look.env._(
            "Usual range: mean of the closed periods ± %s × their mean change from one to the "
            "next. What is outside of it hardly came about by chance.",
            LIMITS_FACTOR,
        ),
    }


def _point(look, kpi, period, row, goal):
    return {
        "label": period.display_name,
        "date": fields.Date.to_string(period.date_from),
        "value": number(row.value) if row else None,
        "value_text": look.text(kpi, row),
        "record_count": row.record_count if row else 0,
        "state": period.state,
        "running": period.utc_to > look.now,
        "projected": None,
        "projected_text": "–",
        "projected_range_text": "",
        "projected_low": None,
        "projected_high": None,
        "target_text": goal.target_text if goal else "",
        "target": number(goal.target) if goal else None,
        "target_max": number(goal.target_max) if goal and goal.kind == "range" else None,
    }


def _project(point, elapsed, additive, reach, floor):
    """Where a running period will end, and between what, as far as usual changes go.

    What is still to come of a count or sum differs from its share of a period as periods
    differ, less by the root of that share: days are added up, their deviations partly cancel.
    """
    value = point["value"]
    point["projected"] = projected = pace.project(value, elapsed, additive)
    if projected is None or reach is None or not additive:
        return
    around = reach * math.sqrt(1 - elapsed.share)
    # what has happened is not undone, where nothing is ever taken away
    point["projected_low"] = max(projected - around, value if floor == 0 else floor)
    point["projected_high"] = projected + around


def usual_range(numbers):
    """Limits of an individuals and moving range chart: what is within is ordinary change.

    :return: ``(low, mean, high)``, all ``None`` for too few numbers

    >>> usual_range([10, 12, 10, 12, 10, 12, 10, 12])
    (5.68, 11.0, 16.32)
    >>> usual_range([1, 2])
    (None, None, None)
    """
    if len(numbers) < LIMITS_FROM:
        return None, None, None
    mean = sum(numbers) / len(numbers)
    moves = [abs(b - a) for a, b in pairwise(numbers)]
    reach = LIMITS_FACTOR * sum(moves) / len(moves)
    return mean - reach, mean, mean + reach


def annotations(look, kpi):
    """What happened until the end of the period."""
    domain = [
        ("kpi_id", "in", [False, kpi.id]),
        ("company_id", "in", [False, look.company.id]),
    ]
    if look.period:
        domain.append(("date", "<", look.period.date_to))
    return [
        {
            "id": note.id,
            "date": fields.Date.to_string(note.date),
            "date_text": format_date(look.env, note.date),
            "text": note.name,
            "author": note.create_uid.name,
        }
        for note in look.env["crm.kpi.annotation"].search(domain, limit=NOTES)
    ]


def history(look, kpi):
    """Changes of the definition, the newest first."""
    # superuser: what was changed on a KPI is for those who may read the KPI
    messages = kpi.sudo().message_ids.filtered("tracking_value_ids")[:NOTES]
    return [
        {
            "id": message.id,
            "date_text": format_date(look.env, message.date),
            "author": message.author_id.name or "",
            "changes": [
                look.env._(
                    "%(field)s: %(old)s → %(new)s",
                    field=change["fieldInfo"]["changedField"],
                    old=_plain(change["oldValue"]),
                    new=_plain(change["newValue"]),
                )
                for change in message.tracking_value_ids._tracking_value_format()
            ],
        }
        for message in messages
    ]


def _plain(value):
    return "–" if value in (None, False, "") else str(value)
