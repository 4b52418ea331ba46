# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A KPI over time: values, usual range, forecast, annotations, changes of the definition."""

import math
from dataclasses import dataclass, field

from odoo import fields
from odoo.tools.misc import format_date

from ..definitions.words import unit_parts
from ..engine import pace
from ..engine.signals import BASELINE, FACTOR
from ..engine.time_behaviour import time_behaviours
from .context import MAX_PERIODS, number_or_none
from .signals import Row, context_signals, periods_read, signal_text
from .snapshots import early_snapshots
from .versions import change_text, changes_of_version

#: Most annotations that are shown, the latest first.
MAX_NOTES = 20


@dataclass
class TrendPoint:
    """A period of a trend; the forecast is empty where the period is over.

    :param usual_low, usual_mean, usual_high: the usual range; empty where there is none
    :param signal: why the value is unusual, in words; empty where it is not, or where this was
        dismissed
    """

    label: str
    date: str
    value: float | None
    value_text: str
    record_count: int
    state: str
    running: bool
    ahead: float
    target: float | None
    target_max: float | None
    target_text: str
    usual_low: float | None = None
    usual_mean: float | None = None
    usual_high: float | None = None
    range_text: str = ""
    signal: str = ""
    forecast: float | None = None
    forecast_low: float | None = None
    forecast_high: float | None = None
    forecast_text: str = "–"
    forecast_value_text: str = ""
    forecast_range_text: str = ""


@dataclass
class Trend:
    """Points in the order of time, and the usual range of their values.

    :param grows: whether values add up in a period, so that a running one is not complete
    :param prefix: unit before a number at the axis; ``suffix``: after it
    :param redefined: where the definition changed, as :class:`Annotation` without an author
    :param dismissed: the signals that were dismissed, as :class:`Annotation`
    :param range_text: the usual range of the last period
    """

    points: list[TrendPoint] = field(default_factory=list)
    grows: bool = False
    prefix: str = ""
    suffix: str = ""
    redefined: list["Annotation"] = field(default_factory=list)
    dismissed: list["Annotation"] = field(default_factory=list)
    mean_text: str = ""
    range_text: str = ""
    range_help: str = ""


@dataclass
class Annotation:
    """An event that explains values.

    :param dismissal_id: id of the ``crm.kpi.dismissal`` that it is
    """

    id: int
    date: str
    date_text: str
    text: str
    author: str
    dismissal_id: int | None = None


def trend(context, kpi):
    """The last periods of the chosen kind, up to the chosen one, as :class:`Trend`."""
    read = periods_read(context.series)
    periods = read[:MAX_PERIODS].sorted("date_from")
    values = context.values(kpi, read)
    goals = context.goals(kpi, periods)
    points = [
        _point(
            context, kpi, period, values.get((kpi.id, period.id)), goals.get((kpi.id, period.id))
        )
        for period in periods
    ]
    early = early_snapshots(kpi, periods)
    for period, point in zip(periods, points, strict=True):
        if point.value is not None and (day := early.get((kpi.id, period.id))):
            point.value_text = context.env._(
                "%(value)s, as of %(day)s",
                value=point.value_text,
                day=format_date(context.env, day),
            )
    # start with the first period that has a value
    first = next((i for i, point in enumerate(points) if point.value is not None), 0)
    points, periods = points[first:], periods[first:]
    known = [point.value for point in points if point.value is not None]
    floor = 0.0 if known and min(known) >= 0 else -math.inf
    behaviour = time_behaviours(kpi)[kpi]
    result = Trend(points, behaviour.additive)
    result.prefix, result.suffix = unit_parts(kpi, context.company.currency_id)
    result.redefined = [
        Annotation(
            id=-number,
            date=fields.Date.to_string(period.date_from),
            date_text=period.display_name,
            text=change_text(context.env, period),
            author="",
        )
        for number, period in enumerate(
            changes_of_version([values.get((kpi.id, period.id)) for period in periods]), start=1
        )
    ]
    if periods:
        _add_signals(context, kpi, periods, result, values, floor)
    _add_forecasts(context, kpi, periods, points, floor, behaviour)
    return result


def _add_signals(context, kpi, periods, result, values, floor):
    """Set what is usual and what is not.

    :param floor: no lower end of a range is lower
    """
    env, signals = context.env, context_signals(context, kpi)
    rows = {
        period_id: Row(number_or_none(row.value), row.version, row.record_count)
        for (_kpi_id, period_id), row in values.items()
    }
    judged = signals.judged(kpi, rows)
    dismissed = signals.dismissed_of(kpi, context.cell)
    for period, point in zip(periods, result.points, strict=True):
        usual = signals.judge.limits(kpi, period, judged.usual)
        if usual.mean is not None:
            point.usual_low, point.usual_mean = max(usual.low, floor), usual.mean
            point.usual_high = usual.high
            point.range_text = _span_text(context, kpi, point.usual_low, point.usual_high)
            result.mean_text = context.format_value(kpi, usual.mean)
            result.range_text = point.range_text
        rule = judged.rules.get(period, "")
        if note := dismissed.get((period.id, rule)):
            text = env._(
                "%(signal)s. %(dismissed)s",
                signal=signal_text(env, rule),
                dismissed=note.text,
            )
            result.dismissed.append(
                Annotation(
                    id=-note.id, date=point.date, date_text=point.label, text=text, author="",
                    dismissal_id=note.id,
                )
            )  # fmt: skip
        else:
            point.signal = signal_text(env, rule)
    if result.range_text:
        result.range_help = " ".join(_range_help(signals, kpi, result, judged))


def _range_help(signals, kpi, result, judged):
    """How the usual range is made, in sentences."""
    env, usual = kpi.env, judged.usual
    yield env._(
        "Usual range (process limits): mean ± %s × average moving range. A value outside is "
        "unlikely to be random.",
        FACTOR,
    )
    if result.grows:
        yield env._(
            "Values are compared per working day: of a period with more working days, more is usual."
        )
    if usual.seasons:
        yield env._(
            "The values depend on the season: each one is compared with the same time of the first "
            "two years that are read."
        )
    elif len(judged.rules) > BASELINE:
        yield env._(
            "It is made of the first %s values, so that a lasting change does not widen it.",
            BASELINE,
        )
    start = signals.starts.get(kpi.id)
    redefined = result.redefined[-1] if result.redefined else None
    if start and fields.Date.to_string(start) > (redefined.date if redefined else ""):
        yield env._(
            "Only values since %s count, from which an annotation starts a new usual range.",
            format_date(env, start),
        )
    elif redefined:
        yield env._(
            "Only values since %s count, which have the same definition.", redefined.date_text
        )


def _point(context, kpi, period, row, goal):
    return TrendPoint(
        label=period.display_name,
        date=fields.Date.to_string(period.date_from),
        value=number_or_none(row.value) if row else None,
        value_text=context.value_text(kpi, row),
        record_count=row.record_count if row else 0,
        state=period.state,
        running=period.utc_to > context.now,
        ahead=row.ahead or 0.0 if row else 0.0,
        target=number_or_none(goal.target) if goal else None,
        target_max=number_or_none(goal.target_max) if goal and goal.kind == "range" else None,
        target_text=goal.target_text if goal else "",
    )


def _add_forecasts(context, kpi, periods, points, floor, behaviour):
    """Set the forecast of the points whose period is running."""
    if behaviour.final_only:
        return
    running = periods.filtered(lambda period: period.utc_to > context.now)
    elapsed = running._elapsed(context.now)
    for period, point in zip(periods, points, strict=True):
        if not point.running:
            continue
        _forecast(point, elapsed[period], behaviour.additive, floor)
        point.forecast_value_text = context.format_value(kpi, point.forecast)
        point.forecast_text = forecast_text(context, kpi, point.forecast_value_text, point.ahead)
        if point.forecast_low is not None:
            point.forecast_range_text = _span_text(
                context, kpi, point.forecast_low, point.forecast_high
            )


def _forecast(point, elapsed, additive, floor):
    """Set the forecast of a running period, and the range of usual changes around it.

    The rest of a period varies less than a whole period, by the square root of its share:
    deviations of single days partly cancel each other.
    """
    point.forecast = forecast = pace.project(point.value, elapsed, additive, point.ahead)
    if forecast is None or point.usual_mean is None or not additive:
        return
    around = (point.usual_high - point.usual_mean) * math.sqrt(1 - elapsed.share)
    # a value that never decreases cannot end below what it has reached
    point.forecast_low = max(forecast - around, point.value if floor == 0 else floor)
    point.forecast_high = forecast + around


def forecast_text(context, kpi, text, ahead):
    """A forecast in words, with the part of it that is known because it is dated ahead."""
    if not ahead:
        return text
    return context.env._(
        "%(forecast)s, of which %(ahead)s is dated later in the period",
        forecast=text,
        ahead=context.format_value(kpi, ahead),
    )


def _span_text(context, kpi, low, high):
    return f"{context.format_value(kpi, low)} – {context.format_value(kpi, high)}"


def annotations(context, kpi):
    """Events until the end of the period, as :class:`Annotation`."""
    domain = [
        ("kpi_id", "in", [False, kpi.id]),
        ("company_id", "in", [False, context.company.id]),
    ]
    if context.period:
        domain.append(("date", "<", context.period.date_to))
    return [
        Annotation(
            id=note.id,
            date=fields.Date.to_string(note.date),
            date_text=format_date(context.env, note.date),
            text=note.name,
            author=note.create_uid.name,
        )
        for note in context.env["crm.kpi.annotation"].search(domain, limit=MAX_NOTES)
    ]
