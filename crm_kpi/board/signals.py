# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Warning signs: the latest complete period of a KPI is unusual, in words.

Limits and rules are in :mod:`~..engine.signals`. Only values since the last change of the definition
count, and since the last annotation that starts a new usual range.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import NamedTuple

from odoo import fields
from odoo.tools.misc import format_date

from ..engine import periods as calendar
from ..engine.signals import (
    MIN_VALUES,
    NEAR_IN_RUN,
    NEAR_RUN,
    SIDE_RUN,
    TREND_RUN,
    Limits,
    Observation,
    UsualRange,
    judge,
    learn,
)
from ..engine.time_behaviour import time_behaviours
from ..periods.working_time import working_days
from .context import MAX_PERIODS
from .empty_cells import EmptyCells

#: Names of the rules.
RULES = (
    "above", "below", "near_high", "near_low", "long_high", "long_low", "rising", "falling",
)  # fmt: skip
#: Signals that say that values are high or increase.
_UP = ("above", "near_high", "long_high", "rising")
#: Seasons of a year, by kind of period.
SEASONS = {"month": 12, "quarter": 4}
#: Periods that are read: two years for the seasons, and those that they are compared with.
PERIODS_READ = {"month": 36}


@dataclass
class Signal:
    """A warning sign of a card.

    :param rule: see :func:`~..engine.signals.find_signals`
    :param text: the rule and the period in words
    :param trend: ``better``, ``worse``, or ``other`` where the KPI has no good direction
    :param period_id: the period of the unusual value
    :param dismissed: who dismissed it, when and why, in words; empty where it was not
    """

    rule: str
    text: str
    trend: str
    period_id: int | None = None
    dismissed: str = ""


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


def periods_read(series):
    """The periods that a value of the first one is compared with, and this one.

    :param series: periods of one kind without a gap, the latest first
    """
    return series[: PERIODS_READ.get(series[:1].kind, MAX_PERIODS)]


def _ordinal(period, per_year):
    """The number of a month or quarter, counted from any year on."""
    day = period.date_from
    return (day.year * 12 + day.month - 1) * per_year // 12


# --- NEW USUAL RANGES ---


def range_starts(context, kpis):
    """Days from which annotations start a new usual range, by KPI id; the latest last."""
    periods = periods_read(context.series)
    if not periods:
        return {}
    found = defaultdict(list)
    for note in _range_notes(context.env, kpis, context.company, context.period.date_to):
        for kpi_id in note.kpi_id.ids or kpis.ids:
            found[kpi_id].append(_first_day(periods, note.date))
    return found


def range_start(starts, kpi):
    """The day from which the values of a KPI are judged.

    :param starts: those of :func:`range_starts`
    """
    return max(starts.get(kpi.id, ()), default=date.min)


def _range_notes(env, kpis, companies, before):
    """The annotations before a day that start a new usual range."""
    return env["crm.kpi.annotation"].search_fetch(
        [
            ("resets_range", "=", True),
            ("kpi_id", "in", [False, *kpis.ids]),
            ("company_id", "in", [False, *companies.ids]),
            ("date", "<", before),
        ],
        ["date", "kpi_id", "company_id"],
        order="date",
    )


def _first_day(periods, day):
    """The first day of the period that holds a day: it belongs to the new range as a whole."""
    return next((p.date_from for p in periods if p.date_from <= day < p.date_to), day)


# --- JUDGING ---


class Judged(NamedTuple):
    """The signals of a series.

    :param rules: dict of period to a rule; empty where the value is not unusual
    :param usual: the :class:`~..engine.signals.UsualRange`
    """

    rules: dict
    usual: UsualRange


class Judge:
    """Compares the values of KPIs with each other.

    Counts and sums are compared per working day, so that a short month is no signal.

    :param periods: all periods whose values are compared
    """

    def __init__(self, kpis, periods):
        self.kpis, self.periods = kpis, periods

    @cached_property
    def _additive(self):
        return {kpi.id for kpi, one in time_behaviours(self.kpis).items() if one.additive}

    @cached_property
    def _days(self):
        return {period: len(days) for period, days in working_days(self.periods).items()}

    def scale(self, kpi, period):
        """What the value of a period is compared per; 0 where it is not compared at all."""
        return self._days[period] if kpi.id in self._additive else 1

    def limits(self, kpi, period, usual):
        """The :class:`~..engine.signals.Limits` of the value of a period."""
        scale = self.scale(kpi, period)
        return usual.at(scale, _ordinal(period, len(usual.seasons))) if scale else Limits()

    def judge(self, kpi, series, values, count=None):
        """The :class:`Judged` values of a KPI.

        :param series: periods of one kind without a gap, the latest first
        :param values: dict of period to a value; those of one definition
        :param count: only the signals of so many of the latest values
        """
        known = [period for period in series if period in values and self.scale(kpi, period)]
        known.reverse()
        per_year = SEASONS.get(series[:1]._length(), 0) if known else 0
        observations = self._observations(kpi, known, values, per_year)
        usual = learn(observations, per_year)
        if not usual.seasons and len(known) > MIN_VALUES:
            # the further periods are read for the seasons only
            oldest = series[:MAX_PERIODS][-1].date_from
            known = [period for period in known if period.date_from >= oldest]
            observations = self._observations(kpi, known, values)
            usual = learn(observations)
        rules = judge(observations, usual, count)
        return Judged(dict(zip(known[len(known) - len(rules) :], rules, strict=True)), usual)

    def _observations(self, kpi, periods, values, per_year=0):
        return [
            Observation(values[period], self.scale(kpi, period), _ordinal(period, per_year))
            for period in periods
        ]


class Row(NamedTuple):
    """A stored value; ``value`` is ``None`` where there is none."""

    value: float | None
    version: int
    record_count: int


class Signals:
    """The signals of some KPIs in one series of periods.

    :param periods: periods of one kind without a gap, the latest first; it may be running
    :param starts: dict of KPI id to the first day of the usual range
    :param dismissed: see :func:`dismissals`
    """

    def __init__(self, judge_of, periods, now, starts, dismissed):
        self.judge, self.periods, self.starts = judge_of, periods, starts
        self.closed = periods.filtered(lambda period: period.utc_to <= now)
        self.dismissed = dismissed

    def judged(self, kpi, rows, count=None):
        """The :class:`Judged` complete periods, of one definition and one usual range.

        :param rows: dict of period id to :class:`Row`
        :param count: only the signals of so many of the latest values
        """
        start = self.starts.get(kpi.id, date.min)
        known = {
            period: row
            for period in self.periods
            if (row := rows.get(period.id)) and row.value is not None
        }
        version = next((row.version for row in known.values()), None)
        values = {}
        for period, row in known.items():
            if period.date_from < start or row.version != version:
                break
            values[period] = row.value
        return self.judge.judge(kpi, self.closed, values, count)

    def dismissed_of(self, kpi, cell):
        """The dismissed signals of a cell: dict of period id and rule to :class:`Dismissal`."""
        return self.dismissed.get((kpi.id, *_plain(cell)), {})

    def of(self, kpi, cell, rows):
        """The :class:`Signal` of the latest complete period; ``None`` where there is none.

        Good news is told in its first period, bad news as long as it lasts.

        :param cell: ``(level, team id, user id, segment id)``
        :param rows: as in :meth:`judged`
        """
        latest, env = self.closed[:1], kpi.env
        row = rows.get(latest.id)
        if not row or row.value is None or row.record_count < kpi.min_sample:
            return None
        rules = self.judged(kpi, rows, 2).rules
        rule = rules.get(latest)
        trend = signal_trend(kpi, rule)
        if not rule or (trend == "better" and list(rules.values()) == [rule, rule]):
            return None
        text = env._(
            "%(signal)s: %(period)s",
            signal=signal_text(env, rule),
            period=latest.display_name,
        )
        note = self.dismissed_of(kpi, cell).get((latest.id, rule))
        return Signal(rule, text, trend, latest.id, note.text if note else "")


def _plain(cell):
    """A cell as a key: its ids, or ``None``."""
    return tuple(part or None for part in cell)


# --- DISMISSED SIGNALS ---


class Dismissal(NamedTuple):
    """Who dismissed a signal, when and why, in words."""

    id: int
    text: str


def dismissals(env, kpis, periods):
    """The dismissed signals of some KPIs.

    :return: dict of KPI id and cell to a dict of period id and rule to :class:`Dismissal`
    """
    # superuser: they are shown only with values of the same cell, which the reader may read
    found = (
        env["crm.kpi.dismissal"]
        .sudo()
        .search([("kpi_id", "in", kpis.ids), ("period_id", "in", periods.ids)])
    )
    result = defaultdict(dict)
    for one in found:
        text = env._(
            "Dismissed by %(user)s on %(date)s: %(reason)s",
            user=one.create_uid.name,
            date=format_date(env, fields.Datetime.context_timestamp(one, one.create_date)),
            reason=one.name,
        )
        cell = (one.level, one.team_id.id, one.user_id.id, one.segment_id.id)
        key = (one.kpi_id.id, *_plain(cell))
        result[key][one.period_id.id, one.rule] = Dismissal(one.id, text)
    return result


# --- OF A BOARD ---


def context_signals(context, kpis):
    """The :class:`Signals` up to the period of a :class:`~.context.BoardContext`."""
    periods = periods_read(context.series)
    starts = range_starts(context, kpis)
    return Signals(
        Judge(kpis, periods),
        periods,
        context.now,
        {kpi.id: range_start(starts, kpi) for kpi in kpis},
        dismissals(context.env, kpis, periods),
    )


def card_signals(context, kpis):
    """The signal of the latest complete period of each KPI, as dict of KPI id to :class:`Signal`.

    Those that were dismissed are missing.
    """
    if not kpis or not context.series:
        return {}
    signals = context_signals(context, kpis)
    periods, cell = periods_read(context.series), _plain(context.cell)
    rows = _read(context.env, kpis, periods, context.cell_domain("level"))
    known = {(key[0], period_id) for key, found in rows.items() for period_id in found}
    for kpi, period in EmptyCells(context, kpis, periods, [context.cell]).zeros(context, known):
        rows[(kpi.id, *cell)][period.id] = Row(0.0, kpi.version, 0)
    return {
        kpi.id: found
        for kpi in kpis
        if (found := signals.of(kpi, context.cell, rows.get((kpi.id, *cell), {})))
        and not found.dismissed
    }


def row_signals(context, kpis, domain):
    """The signals of the cells of a domain of ``crm.kpi.value``.

    :return: dict of KPI id, level, team id, user id and segment id to :class:`Signal`
    """
    if not kpis or not context.series:
        return {}
    signals = context_signals(context, kpis)
    by_id = {kpi.id: kpi for kpi in kpis}
    rows = _read(context.env, kpis, periods_read(context.series), domain)
    return {
        key: found
        for key, known in rows.items()
        if (found := signals.of(by_id[key[0]], key[1:], known)) and not found.dismissed
    }


def _read(env, kpis, periods, domain):
    """Values that the reader may see, as dict of KPI and cell to dict of period id to :class:`Row`."""
    model = env["crm.kpi.value"]
    # hundreds of numbers, which need no records
    query = model._search([("kpi_id", "in", kpis.ids), ("period_id", "in", periods.ids), *domain])
    columns = (
        "period_id", "value", "version", "record_count",
        "kpi_id", "level", "team_id", "user_id", "segment_id",
    )  # fmt: skip
    found = defaultdict(dict)
    for period_id, value, version, record_count, *cell in env.execute_query(
        query.select(*(model._field_to_sql(query.table, name, query) for name in columns))
    ):
        found[tuple(cell)][period_id] = Row(value, version, record_count or 0)
    return found


# --- OF LISTS ---


def record_signals(records, level_field):
    """The signals of values or goals in a list, as dict of record to :class:`Signal`.

    The signal of a running period is that of the latest complete one before it, as on a card.
    Dismissed ones are among them.

    :param records: records with the fields of a cell
    :param level_field: ``level`` of values, ``scope`` of goals
    """
    now = fields.Datetime.now()
    records = records.filtered(
        lambda one: (
            one.id
            and one.period_id._length() in calendar.CALENDAR_KINDS
            and one.period_id.utc_from <= now
        )
    )
    if not records:
        return {}
    kpis, series = records.kpi_id, _series(records.period_id)
    periods = records.period_id.union(*series.values())
    domain = [("level", "in", list(set(records.mapped(level_field))))]
    domain += [
        (name, "in", list({one[name].id for one in records}))
        for name in ("team_id", "user_id", "segment_id")
    ]
    rows = _read(records.env, kpis, periods, domain)
    notes = _range_notes(records.env, kpis, records.company_id, max(periods.mapped("date_to")))
    dismissed = dismissals(records.env, kpis, periods)
    judge_of = Judge(kpis, periods)
    result = {}
    for period, some in records.grouped("period_id").items():
        starts = _starts(notes, some.kpi_id, series[period])
        signals = Signals(judge_of, series[period], now, starts, dismissed)
        for one in some:
            cell = _plain((one[level_field], one.team_id.id, one.user_id.id, one.segment_id.id))
            if found := signals.of(one.kpi_id, cell, rows.get((one.kpi_id.id, *cell), {})):
                result[one] = found
    return result


def record_texts(records, level_field):
    """The signals of a list in words, dismissed ones with who dismissed them and why.

    :param records, level_field: as in :func:`record_signals`
    :return: dict of record to text
    """
    return {
        record: f"{signal.text}. {signal.dismissed}" if signal.dismissed else signal.text
        for record, signal in record_signals(records, level_field).items()
    }


def _series(periods):
    """The periods up to each of some periods, as dict of period to a series, the latest first."""
    result = {}
    by_kind = periods.grouped(lambda period: (period.company_id, period.kind, period._length()))
    for (company, kind, length), some in by_kind.items():
        count = PERIODS_READ.get(length, MAX_PERIODS)
        first = calendar.shift(length, min(some.mapped("date_from")), -count)
        known = periods.search_fetch(
            [
                ("company_id", "=", company.id),
                ("kind", "=", kind),
                ("date_from", ">=", first),
                ("date_to", "<=", max(some.mapped("date_to"))),
            ],
            ["company_id", "kind", "date_from", "date_to", "utc_from", "utc_to"],
        )
        by_end = {period.date_to: period for period in known if period._length() == length}
        for period in some:
            series = period
            while len(series) < count and (before := by_end.get(series[-1:].date_from)):
                series += before
            result[period] = series
    return result


def _starts(notes, kpis, series):
    """The first days of the usual ranges in a series, by KPI id.

    :param notes: those of :func:`_range_notes`, the latest last
    """
    company, after = series[:1].company_id, series[:1].date_to
    return {
        kpi_id: _first_day(series, note.date)
        for note in notes
        if note.date < after and note.company_id in (company, note.env["res.company"])
        for kpi_id in note.kpi_id.ids or kpis.ids
    }
