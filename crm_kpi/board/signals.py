# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Warning signs: the latest complete period of a KPI is unusual, in words.

Limits and rules are in :mod:`~..engine.signals`. Only values since the last change of the definition
count, and since the last annotation that starts a new usual range.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from ..engine.signals import NEAR_IN_RUN, NEAR_RUN, SIDE_RUN, TREND_RUN, find_signals
from .context import MAX_PERIODS
from .empty_cells import EmptyCells

#: Signals that say that values are high or increase.
_UP = ("above", "near_high", "long_high", "rising")


@dataclass
class Signal:
    """A warning sign of a card.

    :param rule: see :func:`~..engine.signals.find_signals`
    :param text: the rule and the period in words
    :param trend: ``better``, ``worse``, or ``other`` where the KPI has no good direction
    """

    rule: str
    text: str
    trend: str


def signal_text(env, rule):
    """A rule in words; empty without one."""
    if not rule:
        return ""
    names = {
        "near": NEAR_IN_RUN,
        "run": NEAR_RUN,
        "side": SIDE_RUN,
        "trend": TREND_RUN,
    }
    return {
        "above": env._("Above the usual range"),
        "below": env._("Below the usual range"),
        "near_high": env._("High in %(near)s of the last %(run)s periods", **names),
        "near_low": env._("Low in %(near)s of the last %(run)s periods", **names),
        "long_high": env._("Above average for %(side)s periods in a row", **names),
        "long_low": env._("Below average for %(side)s periods in a row", **names),
        "rising": env._("Rising for %(trend)s periods in a row", **names),
        "falling": env._("Falling for %(trend)s periods in a row", **names),
    }[rule]


def signal_trend(kpi, rule):
    """Whether a signal is good news: ``better``, ``worse`` or ``other``."""
    if kpi.direction == "maintain":
        return "other"
    return "better" if (kpi.direction == "increase") == (rule in _UP) else "worse"


def range_starts(context, kpis):
    """Days from which annotations start a new usual range, by KPI id; the latest last."""
    periods = context.series[:MAX_PERIODS]
    if not periods:
        return {}
    notes = context.env["crm.kpi.annotation"].search_fetch(
        [
            ("resets_range", "=", True),
            ("kpi_id", "in", [False, *kpis.ids]),
            ("company_id", "in", [False, context.company.id]),
            ("date", "<", context.period.date_to),
        ],
        ["date", "kpi_id"],
        order="date",
    )
    found = defaultdict(list)
    for note in notes:
        for kpi_id in note.kpi_id.ids or kpis.ids:
            # the period in which it happened belongs to the new range
            day = next(
                (p.date_from for p in periods if p.date_from <= note.date < p.date_to), note.date
            )
            found[kpi_id].append(day)
    return found


def range_start(starts, kpi):
    """The day from which the values of a KPI are judged.

    :param starts: those of :func:`range_starts`
    """
    return max(starts.get(kpi.id, ()), default=date.min)


def card_signals(context, kpis):
    """The signal of the latest complete period of each KPI, as dict of KPI id to :class:`Signal`."""
    closed = context.series[:MAX_PERIODS].filtered(lambda p: p.utc_to <= context.now)
    if not closed:
        return {}
    latest, newest = closed[:1], context.series[:1]
    rows = _series(context, kpis, closed | newest)
    starts = range_starts(context, kpis)
    found = {}
    for kpi in kpis:
        known = rows.get(kpi.id, {})
        last = known.get(latest.id)
        if not last or last.value is None or last.record_count < kpi.min_sample:
            continue
        current = known.get(newest.id)
        if current and current.value is not None and current.version != last.version:
            continue  # the current period has a new definition
        start = range_start(starts, kpi)
        values = []
        for period in closed:  # the latest first
            row = known.get(period.id)
            if period.date_from < start or (row and row.version != last.version):
                break
            if row and row.value is not None:
                values.append(row.value)
        *before, rule = ["", *find_signals(values[::-1])]
        trend = signal_trend(kpi, rule)
        # a good signal is shown in its first period, a bad one as long as it lasts
        if rule and not (trend == "better" and before[-1] == rule):
            text = context.env._(
                "%(signal)s: %(period)s",
                signal=signal_text(context.env, rule),
                period=latest.display_name,
            )
            found[kpi.id] = Signal(rule, text, trend)
    return found


class _Row(NamedTuple):
    value: float | None
    version: int
    record_count: int


def _series(context, kpis, periods):
    """Values of the chosen cell: dict of KPI id to dict of period id to :class:`_Row`."""
    model = context.env["crm.kpi.value"]
    # hundreds of numbers, which need no records
    query = model._search(
        [
            ("kpi_id", "in", kpis.ids),
            ("period_id", "in", periods.ids),
            *context.cell_domain("level"),
        ]
    )
    columns = ("kpi_id", "period_id", "value", "version", "record_count")
    found = defaultdict(dict)
    for kpi_id, period_id, *row in context.env.execute_query(
        query.select(*(model._field_to_sql(query.table, name, query) for name in columns))
    ):
        found[kpi_id][period_id] = _Row(*row)
    known = {(kpi_id, period_id) for kpi_id, rows in found.items() for period_id in rows}
    for kpi, period in EmptyCells(context, kpis, periods, [context.cell]).zeros(context, known):
        found[kpi.id][period.id] = _Row(0.0, kpi.version, 0)
    return found
