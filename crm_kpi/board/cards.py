# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What each card shows: value, target, change, sparkline, and why there is no value."""

from copy import copy
from dataclasses import dataclass, field
from functools import cached_property

from odoo.tools.misc import format_datetime

from ..goals.bullet import Bullet, bullet, pace
from ..goals.labels import STATUS_SHAPES, in_unit, status_text
from .breakdown import Bar, bars
from .change import change, period_name, trend_text
from .context import SPARKLINE_PERIODS, number_or_none
from .missing import CardState, MissingValues, Remedy
from .signals import Signal, card_signals
from .snapshots import early_snapshots, early_text
from .trend import forecast_text
from .versions import kpis_of_mixed_parts, older_text

#: Rows of a card that compares salespeople or segments.
CARD_ROWS = 6


@dataclass
class CounterMetric:
    """The KPI that shows whether a goal is met at the expense of something else."""

    kpi_id: int
    name: str
    value_text: str
    status: str = ""
    status_text: str = ""
    shape: str = ""


@dataclass
class KpiInfo:
    """The definition of a KPI."""

    id: int
    code: str
    name: str
    unit: str
    direction: str
    direction_text: str
    category_id: int
    category: str
    description: str
    reference: str
    computation: str
    source: str
    counter: CounterMetric | None


@dataclass
class GoalInfo:
    """A goal and its status; ``pace`` is the value expected by now.

    :param id: ``None`` for a share of other goals, which is not stored
    :param made_of: of which goals it is a share, in words
    """

    id: int | None
    kind: str
    target: float | None
    target_text: str
    attainment: float | None
    attainment_text: str
    expected: float | None
    pace: float | None
    pace_text: str
    forecast: float | None
    forecast_text: str
    counter_missed: bool
    status: str
    status_text: str
    shape: str
    made_of: str = ""


@dataclass
class CardChange:
    """The change against the comparison period; ``basis_text`` is the value of that period.

    :param short: the change where the period is named elsewhere
    :param trend_text: whether the change is good, in words
    """

    text: str
    short: str
    trend: str
    trend_text: str
    up: bool
    basis_text: str


@dataclass
class SparklinePoint:
    """A period of a sparkline."""

    label: str
    value: float | None
    value_text: str
    running: bool


@dataclass
class Card:
    """What is shown about one KPI. The fields after the signal are set only on a board.

    :param folded: whether the board names the KPI only in the line of those without a value
    :param own_filters: the filters that only this card has
    :param filters: all filters of the card; ``None``: those of the board
    :param filter_text: ``own_filters`` in words
    """

    kpi: KpiInfo | None
    state: str
    state_text: str
    remedy: Remedy | None
    structural: bool
    value: float | None
    value_text: str
    value_id: int | None
    record_count: int
    goal: GoalInfo | None
    bullet: Bullet | None
    change: CardChange | None
    sparkline: list[SparklinePoint]
    signal: Signal | None = None
    id: int | None = None
    size: str = ""
    display: str = ""
    rows: list[Bar] = field(default_factory=list)
    rows_note: str = ""
    folded: bool = False
    section: str = ""
    own_filters: dict = field(default_factory=dict)
    filters: dict | None = None
    filter_text: str = ""


class Cards:
    """The cards of some KPIs for a :class:`~.context.BoardContext`, read all at once."""

    def __init__(self, context, kpis):
        self.context = context
        self.env = context.env
        self.kpis = kpis
        self.counters = kpis.counter_kpi_id._filtered_access("read").filtered(
            lambda kpi: kpi.state == "published"
        )
        all_kpis = kpis | self.counters
        # superuser: a failing component makes a card stale; its name and its error are not shown
        self.failing = kpis.sudo().search([("last_error", "!=", False)])
        self.comparison = context.comparison_periods()
        self.sparkline_periods = context.series[:SPARKLINE_PERIODS].sorted("date_from")
        self.values = context.values(
            all_kpis,
            self.sparkline_periods
            | context.period
            | self.comparison.same_part
            | self.comparison.whole,
        )
        self.goals = context.goals(all_kpis, context.period)
        self.missing = MissingValues.of_board(context, all_kpis)
        self.early = early_snapshots(kpis, context.period)
        self.mixed_ids = kpis_of_mixed_parts(context, self.values)

    def board(self, cards):
        """The cards of a board, as :class:`Card` in their order."""
        rows, notes = {}, {}
        for display, dimension in (("reps", "user"), ("segments", "segment")):
            kpis = cards.filtered(lambda card, d=display: card.display == d).kpi_id
            if kpis and self.context.period:
                found = self.context.breakdown(kpis, dimension)
                rows[display] = bars(self.context, kpis, found, dimension, CARD_ROWS)
                notes[display] = self.context.withheld_notes(kpis, dimension)
        result = []
        for place in cards:
            card = self.card(place.kpi_id)
            card.id, card.size, card.display = place.id, place.size, place.display
            card.rows = rows.get(place.display, {}).get(place.kpi_id.id, [])
            card.rows_note = notes.get(place.display, {}).get(place.kpi_id.id, "")
            card.folded = _is_folded(card)
            result.append(card)
        return result

    def at(self, context, values, goals):
        """The cards of another cell.

        :param context: the same context at that cell
        :param values: values of the cell by ``(KPI id, period id)``
        :param goals: goals of the cell, likewise
        """
        other = copy(self)
        other.context, other.values, other.goals = context, values, goals
        other.__dict__.pop("signals", None)  # those of the former cell
        other.missing = self.missing.at(context)
        return other

    def card(self, kpi, brief=False):
        """The :class:`Card` of a KPI, without its place on a board.

        :param brief: without what only a card needs: the definition and the sparkline
        """
        row, goal = self._row(kpi), self._goal(kpi)
        state = self._state(kpi, row)
        return Card(
            kpi=None if brief else self._kpi_info(kpi),
            state=state.state,
            state_text=state.text,
            remedy=state.remedy,
            structural=state.structural,
            value=number_or_none(row.value) if row else None,
            value_text=self.context.value_text(kpi, row),
            value_id=row._origin.id or None if row else None,
            record_count=row.record_count if row else 0,
            goal=self._goal_info(goal, row) if goal else None,
            bullet=bullet(goal, row.value if row else None) if goal else None,
            change=self._change(kpi, row),
            sparkline=[] if brief else self._sparkline(kpi),
            signal=None if brief else self.signals.get(kpi.id),
        )

    def _row(self, kpi):
        return self.values.get((kpi.id, self.context.period.id))

    def _goal(self, kpi):
        return self.goals.get((kpi.id, self.context.period.id))

    # --- DEFINITION ---

    def _kpi_info(self, kpi):
        directions = dict(kpi._fields["direction"]._description_selection(self.env))
        return KpiInfo(
            id=kpi.id,
            code=kpi.code,
            name=kpi.name,
            unit=kpi.unit,
            direction=kpi.direction,
            direction_text=directions[kpi.direction],
            category_id=kpi.category_id.id,
            category=kpi.category_id.name,
            description=kpi.description or "",
            reference=kpi.reference or "",
            computation=kpi.computation_text or "",
            source=kpi.source_id.name or "",
            counter=self._counter_metric(kpi.counter_kpi_id),
        )

    def _counter_metric(self, counter):
        if counter not in self.counters:
            return None
        result = CounterMetric(
            counter.id, counter.name, self.context.value_text(counter, self._row(counter))
        )
        if goal := self._goal(counter):
            result.status = goal.status
            result.status_text = status_text(goal)
            result.shape = STATUS_SHAPES[goal.status]
        return result

    # --- STATE ---

    def _state(self, kpi, row):
        env = self.env
        if row and row.value is not False:
            if since := self._failing_since(kpi):
                return CardState("stale", env._("Not updated since %s", since))
            if row.record_count < kpi.min_sample:
                text = env._(
                    "Too little data (%(count)s of %(min)s needed)",
                    count=row.record_count,
                    min=kpi.min_sample,
                )
                return CardState("too_few", text)
            if day := self.early.get((kpi.id, self.context.period.id)):
                return CardState("early", early_text(env, day))
            if text := self._definition_text(kpi, row):
                return CardState("redefined", text)
            return CardState("ok")
        return self.missing.reason(kpi)

    def _definition_text(self, kpi, row):
        """That values of several definitions meet in a card, in words; empty where they do not."""
        if row.version != kpi.version:
            return older_text(self.env)
        if kpi.id in self.mixed_ids:
            return self.env._(
                "Definition changed: months or quarters of this period have an earlier "
                "definition and do not add up to this value"
            )
        basis, before = self._basis(kpi), self.earlier(kpi)
        if before and before.version != row.version:
            return self.env._("Definition changed: not compared with %s", basis.display_name)
        return ""

    def _failing_since(self, kpi):
        """The last successful computation, in words; empty unless the KPI or a component fails."""
        if not self.failing:
            return ""
        # superuser: the reader may not see all components; only the time is shown
        failing = kpi.sudo()._with_components() & self.failing
        if not failing:
            return ""
        last = min(filter(None, failing.mapped("last_refresh")), default=None)
        return format_datetime(self.env, last, dt_format="short") if last else "–"

    # --- GOAL ---

    def _goal_info(self, goal, row):
        expected = pace(goal)
        return GoalInfo(
            id=goal._origin.id or None,
            kind=goal.kind,
            target=number_or_none(goal.target),
            target_text=goal.target_text,
            attainment=number_or_none(goal.attainment),
            attainment_text=goal.attainment_text,
            expected=number_or_none(goal.expected),
            pace=expected,
            pace_text="" if expected is None else in_unit(goal, expected),
            forecast=number_or_none(goal.projected),
            forecast_text=forecast_text(
                self.context, goal.kpi_id, goal.projected_text, row.ahead if row else 0.0
            ),
            counter_missed=goal.counter_missed,
            status=goal.status,
            status_text=status_text(goal),
            shape=STATUS_SHAPES[goal.status],
            made_of="" if goal._origin else self.context.goal_texts.get(goal.kpi_id.id, ""),
        )

    # --- CHANGE AND SPARKLINE ---

    def _basis(self, kpi):
        """The period that a KPI is compared with."""
        # a stock, such as the pipeline, is compared with its state at the end of that period
        return self.comparison.whole if kpi._is_stock() else self.comparison.same_part

    def earlier(self, kpi):
        """The ``crm.kpi.value`` that a KPI is compared with; ``None`` where there is none."""
        return self.values.get((kpi.id, self._basis(kpi).id))

    def basis_name(self, kpi):
        """The name of the period that a KPI is compared with; empty where there is none."""
        basis = self._basis(kpi)
        return period_name(kpi, basis) if basis else ""

    def _change(self, kpi, row):
        """The change against the same elapsed part of the comparison period."""
        basis = self._basis(kpi)
        before = self.earlier(kpi)
        if not before or before.value is False or not row or before.version != row.version:
            return None
        found = change(row, before, basis)
        if not found.text:
            return None
        return CardChange(
            text=found.text,
            short=found.short,
            trend=found.trend,
            trend_text=trend_text(self.env, found.trend),
            up=found.up,
            basis_text=self.env._(
                "%(period)s: %(value)s",
                value=self.context.value_text(kpi, before),
                period=period_name(kpi, basis),
            ),
        )

    def _sparkline(self, kpi):
        result = []
        for period in self.sparkline_periods:
            row = self.values.get((kpi.id, period.id))
            result.append(
                SparklinePoint(
                    label=period.display_name,
                    value=number_or_none(row.value) if row else None,
                    value_text=self.context.value_text(kpi, row),
                    running=period.utc_to > self.context.now,
                )
            )
        return result

    @cached_property
    def signals(self):
        """The signals that are not dismissed, by KPI id."""
        return card_signals(self.context, self.kpis)


def _is_folded(card):
    """Whether there is nothing to show: no value, and none to be expected in this period.

    A KPI that had values in earlier periods and simply has no records in this one keeps its card.
    """
    if card.value is not None or card.goal or card.rows:
        return False
    return (
        card.structural
        or card.state in {"not_available", "too_early"}
        or all(point.value is None for point in card.sparkline)
    )
