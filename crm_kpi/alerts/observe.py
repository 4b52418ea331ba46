# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What rules observe now. The number of statements depends on neither rules nor cells."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from odoo.fields import Domain
from odoo.tools import SQL

from ..board.context import Cell
from ..engine import pace
from ..engine import periods as calendar
from ..engine.signals import find_signals
from ..engine.time_behaviour import time_behaviours
from ..engine.withholding import is_hidden
from ..refresh.run_log import last_complete
from .cells import Members, watched_cells
from .conditions import (
    ABOUT_GOALS,
    Facts,
    computed_at,
    judge,
    limit_of,
    relative_change,
    share_of_target,
    waits_for_end,
)

#: Complete periods before the latest one that are read, and those that signals are judged by.
EARLIER, IN_SIGNALS = 2, 24


@dataclass
class Observation:
    """What a rule observes of one cell.

    :param verdict: see :mod:`~..engine.alert_state`
    :param goal_id: for conditions about goals
    """

    cell: Cell
    period_id: int
    goal_id: int | None
    verdict: str
    facts: Facts


class Row(NamedTuple):
    """A stored value; ``value`` is ``None`` where it is withheld."""

    value: float | None
    record_count: int
    ahead: float
    version: int | None
    computed_at: datetime | None


class Spans(NamedTuple):
    """The periods of a kind, each may be empty.

    :param closed: the complete ones without a gap, latest first
    :param compared: what the running period is compared with, of the same elapsed part
    """

    running: object
    closed: object
    compared: object

    @property
    def all(self):
        return self.running | self.closed | self.compared


class Observations:
    """Reads the facts of all cells of rules.

    :param alerts: ``crm.kpi.alert`` as superuser: the rules of all users are judged, and record
        rules decide what each recipient hears
    """

    def __init__(self, alerts, now):
        self.alerts = alerts
        self.env = alerts.env
        self.now = now
        self.members = Members(self.env)
        self.behaviours = time_behaviours(alerts.kpi_id)
        self.cells = {alert: watched_cells(alert, self.members) for alert in alerts}
        self.spans = self._read_spans()
        self.elapsed = self._running()._elapsed(now)

    def of(self, alert):
        """The observations of a rule: list of :class:`Observation`."""
        observe = self._of_goal if alert.condition in ABOUT_GOALS else self._of_value
        found = (observe(alert, cell) for cell in self.cells[alert])
        return [one for one in found if one]

    # --- PERIODS ---

    def _read_spans(self):
        """Dict of company and kind of period to :class:`Spans`."""
        kinds = {(alert.company_id, alert.period_kind) for alert in self.alerts}
        domains = []
        for company, kind in kinds:
            today = calendar.local_day(self.now, company._kpi_tz())
            with_signals = any(
                alert.condition == "signal" and alert.period_kind == kind for alert in self.alerts
            )
            count = IN_SIGNALS if with_signals else EARLIER
            first = calendar.start_of(kind, today, company._kpi_week_start())
            domains.append(
                Domain("company_id", "=", company.id)
                & Domain("kind", "=", kind)
                & Domain("date_from", ">=", calendar.shift(kind, first, -count))
            )
        periods = self.env["crm.kpi.period"].search_fetch(
            Domain.OR(domains) & Domain("utc_from", "<=", self.now),
            ["company_id", "kind", "date_from", "date_to", "utc_from", "utc_to", "state"],
            order="date_from desc",
        )
        by_kind = periods.grouped(lambda period: (period.company_id, period.kind))
        return {key: self._spans(by_kind.get(key, periods.browse()), *key) for key in kinds}

    def _spans(self, periods, company, kind):
        running = periods.filtered(lambda period: period.utc_to > self.now)[:1]
        by_end = {period.date_to: period for period in periods - running}
        start = running.date_from
        if not running and by_end:
            start = max(by_end)
        closed = periods.browse()
        while before := by_end.get(start):
            closed += before
            start = before.date_from
        compared = periods.browse()
        if running and closed and any(
            alert.condition == "change" and (alert.company_id, alert.period_kind) == (company, kind)
            for alert in self.alerts
        ):  # fmt: skip
            compared = closed[0]._same_part(running._elapsed(self.now)[running])
        return Spans(running, closed, compared)

    def _running(self):
        return self.env["crm.kpi.period"].union(*(spans.running for spans in self.spans.values()))

    def _spans_of(self, alert):
        return self.spans[alert.company_id, alert.period_kind]

    # --- VALUES ---

    @cached_property
    def _values(self):
        """Stored values: dict of ``(KPI id, period id, cell)`` to :class:`Row`."""
        alerts = self.alerts.filtered(lambda alert: alert.condition not in ABOUT_GOALS)
        levels = {cell.level for alert in alerts for cell in self.cells[alert]}
        periods = self.env["crm.kpi.period"].union(*(spans.all for spans in self.spans.values()))
        rows = self.env.execute_query(
            SQL(
                """SELECT kpi_id, period_id, level, team_id, user_id, segment_id,
                          CASE WHEN NOT hidden THEN value.value END, record_count,
                          COALESCE(ahead, 0), version, computed_at
                     FROM crm_kpi_value AS value
                    CROSS JOIN LATERAL (SELECT %s) AS shown(hidden)
                    WHERE kpi_id = ANY(%s) AND period_id = ANY(%s) AND level = ANY(%s)""",
                is_hidden("value"),
                alerts.kpi_id.ids,
                periods.ids,
                list(levels),
            )
        )
        return {
            (kpi_id, period_id, Cell(level, *(owner or False for owner in owners))): Row(*row)
            for kpi_id, period_id, level, *owners, value, count, ahead, version, at in rows
            for row in [(value, count, ahead, version, at)]
        }

    @cached_property
    def _computed(self):
        """Pairs of a KPI and a period that were computed, so that no value means no record."""
        return set(
            self.env.execute_query(
                SQL(
                    "SELECT kpi_id, period_id FROM crm_kpi_computation WHERE kpi_id = ANY(%s)",
                    self.alerts.kpi_id.ids,
                )
            )
        )

    @cached_property
    def _complete(self):
        return last_complete(self.env)

    def _row(self, kpi, period, cell):
        """The :class:`Row` of a cell; a count of no record is 0."""
        if not period:
            return Row(None, 0, 0.0, None, None)
        if row := self._values.get((kpi.id, period.id, cell)):
            return row
        is_zero = (kpi.id, period.id) in self._computed and kpi._zero_in(period)
        return Row(0.0 if is_zero else None, 0, 0.0, kpi.version if is_zero else None, None)

    def _of_value(self, alert, cell):
        kpi, spans = alert.kpi_id, self._spans_of(alert)
        behaviour = self.behaviours[kpi]
        at_end = waits_for_end(alert.condition, alert.operator, behaviour)
        period = spans.closed[:1] if at_end else spans.running or spans.closed[:1]
        row = self._row(kpi, period, cell)
        facts = Facts(
            value=row.value,
            record_count=row.record_count,
            reference=limit_of(alert) if alert.condition in ("value", "forecast") else None,
            computed_at=computed_at(kpi, self._complete),
            last_data=self._last_data(kpi, spans, cell),
            is_computed=(kpi.id, period.id) in self._computed,
        )
        elapsed = self.elapsed.get(period)
        early = bool(elapsed) and elapsed.share < pace.EARLY
        if alert.condition == "value" and early and not behaviour.additive:
            facts.value = None
        if alert.condition in ("value", "forecast", "change") and (
            row.record_count < kpi.min_sample
        ):
            facts.value = None
        if alert.condition == "forecast" and not early and not behaviour.final_only:
            facts.forecast = facts.value
            if elapsed and facts.value is not None:
                facts.forecast = pace.project(facts.value, elapsed, behaviour.additive, row.ahead)
        if alert.condition == "change" and not early:
            earlier = self._earlier(kpi, spans, at_end)
            before = self._row(kpi, earlier, cell)
            if before.version == row.version:
                facts.reference = before.value
                facts.change = relative_change(
                    kpi,
                    None if facts.value is None else facts.value - row.ahead,
                    before.value,
                    before.record_count,
                )
        if alert.condition == "signal":
            facts.signal = self._signal(kpi, spans, cell)
        verdict = judge(alert, facts, self.now)
        if kpi.last_error and alert.condition != "stale":
            verdict = "unknown"  # the values are those of an earlier refresh
        return Observation(cell, period.id, None, verdict, facts)

    def _earlier(self, kpi, spans, at_end):
        """The period that a value is compared with."""
        if at_end or not spans.running:
            return spans.closed[1:2]
        return spans.closed[:1] if kpi._is_stock() else spans.compared

    def _last_data(self, kpi, spans, cell):
        """When the value of a cell last changed, of the running and the latest complete period.

        A refresh writes only values that changed. Without any record, it is the start of the
        latest complete period.
        """
        periods = spans.closed[:1] | spans.running
        rows = [self._row(kpi, period, cell) for period in periods]
        moments = [row.computed_at for row in rows if row.record_count and row.computed_at]
        if moments:
            return max(moments)
        computed = any((kpi.id, period.id) in self._computed for period in periods)
        return min(periods.mapped("utc_from")) if computed else None

    def _signal(self, kpi, spans, cell):
        """The signal at the latest complete period, empty for none; ``None`` without a value."""
        values, latest = [], self._row(kpi, spans.closed[:1], cell)
        if latest.value is None or latest.record_count < kpi.min_sample:
            return None
        for period in spans.closed:
            row = self._row(kpi, period, cell)
            if row.version != latest.version:
                break
            if row.value is not None:
                values.append(row.value)
        return find_signals(values[::-1])[-1]

    # --- GOALS ---

    @cached_property
    def _goals(self):
        """Goals of the running periods: dict of ``(KPI id, period id, cell)`` to a goal."""
        alerts = self.alerts.filtered(lambda alert: alert.condition in ABOUT_GOALS)
        goals = self.env["crm.kpi.goal"].search_fetch(
            [("kpi_id", "in", alerts.kpi_id.ids), ("period_id", "in", self._running().ids)],
            [
                "kpi_id", "period_id", "scope", "team_id", "user_id", "segment_id", "kind",
                "value", "record_count", "target", "projected", "status", "as_of",
            ],
        )  # fmt: skip
        found = defaultdict(goals.browse)
        for goal in goals:
            cell = Cell(goal.scope, goal.team_id.id, goal.user_id.id, goal.segment_id.id)
            found[goal.kpi_id.id, goal.period_id.id, cell] = goal
        return found

    def _of_goal(self, alert, cell):
        period = self._spans_of(alert).running
        goal = self._goals.get((alert.kpi_id.id, period.id, cell))
        if not goal:
            return None
        value, target, forecast = (
            None if number is False else number
            for number in (goal.value, goal.target, goal.projected)
        )
        facts = Facts(
            value=value,
            record_count=goal.record_count,
            reference=target,
            forecast=forecast,
            status=goal.status,
            share=share_of_target(goal_kind(goal), value, target),
        )
        verdict = "unknown" if alert.kpi_id.last_error else judge(alert, facts, self.now)
        return Observation(cell, period.id, goal.id, verdict, facts)


def goal_kind(goal):
    """The kind of a goal; one to improve is to reach or to stay below its computed target."""
    if goal.kind != "improve":
        return goal.kind
    return "at_most" if goal.kpi_id.direction == "decrease" else "at_least"
