# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What each card shows: number, goal, change, course, and why there is no number."""

import math
from datetime import timedelta

from odoo.tools.misc import format_date, format_datetime

from ..engine import periods as calendar
from ..engine.time_behaviour import time_behaviours
from ..goals.labels import STATUS_SHAPES
from .look import SPARK, number

#: Rows of a card that compares salespeople or segments.
ROWS = 6
#: Room beyond the largest of what a bullet bar shows.
HEADROOM = 1.1


class Cards:
    """The entries of some KPIs for a :class:`~.look.Look`, read for all of them at once."""

    def __init__(self, look, kpis):
        self.look = look
        self.env = look.env
        self.kpis = kpis
        self.counters = kpis.counter_kpi_id._filtered_access("read").filtered(
            lambda kpi: kpi.state == "published"
        )
        everything = kpis | self.counters
        # superuser, here and below: that a component fails is told, not which one nor why
        self.failing = kpis.sudo().search([("last_error", "!=", False)])
        self.part, self.whole = look.basis()
        self.spark_periods = look.series[:SPARK].sorted("date_from")
        self.values = look.values(
            everything, self.spark_periods | look.period | self.part | self.whole
        )
        self.goals = look.goals(everything, look.period)

    def board(self, cards):
        """The cards of a board in their order."""
        rows = {
            display: self._best_rows(
                cards.filtered(lambda card, d=display: card.display == d).kpi_id, part
            )
            for display, part in (("reps", "user"), ("segments", "segment"))
        }
        return [
            {
                "id": card.id,
                "size": card.size,
                "display": card.display,
                **self.entry(card.kpi_id),
                "rows": rows.get(card.display, {}).get(card.kpi_id.id, []),
            }
            for card in cards.sorted()
        ]

    def entry(self, kpi):
        """What a card shows, without what only a board knows."""
        row, goal = self._row(kpi), self._goal(kpi)
        state, state_text = self._state(kpi, row)
        return {
            "kpi": self._kpi_entry(kpi),
            "state": state,
            "state_text": state_text,
            "value": number(row.value) if row else None,
            "value_text": self.look.text(kpi, row),
            "value_id": row.id if row else False,
            "record_count": row.record_count if row else 0,
            "goal": self._goal_entry(goal) if goal else False,
            "bullet": _bullet(row, goal) if goal else False,
            "change": self._change(kpi, row),
            "spark": self._spark(kpi),
        }

    def _row(self, kpi):
        return self.values.get((kpi.id, self.look.period.id))

    def _goal(self, kpi):
        return self.goals.get((kpi.id, self.look.period.id))

    # --- DEFINITION ---

    def _kpi_entry(self, kpi):
        directions = dict(kpi._fields["direction"]._description_selection(self.env))
        return {
            "id": kpi.id,
            "code": kpi.code,
            "name": kpi.name,
            "unit": kpi.unit,
            "direction": kpi.direction,
            "direction_text": directions[kpi.direction],
            "category_id": kpi.category_id.id,
            "category": kpi.category_id.name,
            "description": kpi.description or "",
            "reference": kpi.reference or "",
            "how": kpi.computation_text or "",
            "source": kpi.source_id.name or "",
            "counter": self._counter_entry(kpi.counter_kpi_id),
        }

    def _counter_entry(self, counter):
        if counter not in self.counters:
            return False
        return {
            "kpi_id": counter.id,
            "name": counter.name,
            "value_text": self.look.text(counter, self._row(counter)),
            **self._status(self._goal(counter)),
        }

    # --- STATE ---

    def _state(self, kpi, row):
        """``(state, text)`` of a card: why there is no number, or how far to trust it."""
        env = self.env
        if row and row.value is not False:
            if since := self._failing_since(kpi):
                return "stale", env._("Not brought up to date since %s", since)
            if row.record_count < kpi.min_sample:
                text = env._(
                    "Only %(count)s of at least %(min)s records",
                    count=row.record_count,
                    min=kpi.min_sample,
                )
                return "too_few", text
            return "ok", ""
        least = kpi._least_cell(self.look.company) if self.look.segment else 0
        if row and 0 < row.record_count < least:
            return "too_few", env._("Too few records to tell: %s", row.record_count)
        if kpi.source_id and kpi.source_id.model not in self.env:
            return "not_available", env._("The app it needs is not installed")
        if early := self._too_early(kpi):
            return "too_early", early
        if self._failing_since(kpi):
            return "not_available", env._("It could not be computed")
        return "no_data", self._untold(kpi) or env._("Nothing to compute it from")

    def _failing_since(self, kpi):
        """When the KPI or what it is made of was last computed, in words, while that fails."""
        if not self.failing:
            return ""
        failing = kpi.sudo()._with_components() & self.failing
        if not failing:
            return ""
        last = min(filter(None, failing.mapped("last_refresh")), default=None)
        return format_datetime(self.env, last, dt_format="short") if last else "–"

    def _too_early(self, kpi):
        """Until when a value has to be waited for, in words; nothing where it need not."""
        period = self.look.period
        if not period:
            return ""
        behaviour = time_behaviours(kpi)[kpi]
        if behaviour.final_only and not self.look.elapsed.over:
            return self.env._("Known when the period is over")
        if behaviour.maturity:
            final = period.date_to + timedelta(days=math.ceil(behaviour.maturity))
            if calendar.local_day(self.look.now, self.look.company._kpi_tz()) < final:
                return self.env._("Known for all from %s on", format_date(self.env, final))
        return ""

    def _untold(self, kpi):
        known_from = self.look.company._kpi_customers_known_from()
        # superuser: what the formula is made of need not be the reader's to see
        parts = known_from and kpi.sudo()._aggregates_behind()
        if not parts or all(part._is_reliable(self.look.period) for part in parts):
            return ""
        return self.env._(
            "No value before %s: older orders are missing", format_date(self.env, known_from)
        )

    # --- GOAL ---

    def _goal_entry(self, goal):
        pace = _pace(goal)
        return {
            "id": goal.id,
            "kind": goal.kind,
            "target": number(goal.target),
            "target_text": goal.target_text,
            "attainment": number(goal.attainment),
            "attainment_text": goal.attainment_text,
            "expected": number(goal.expected),
            "pace": pace,
            "pace_text": "" if pace is None else goal._in_unit(pace),
            "projected": number(goal.projected),
            "projected_text": goal.projected_text,
            "counter_missed": goal.counter_missed,
            **self._status(goal),
        }

    def _status(self, goal):
        if not goal:
            return {"status": False, "status_text": False, "shape": False}
        labels = dict(goal._fields["status"]._description_selection(self.env))
        return {
            "status": goal.status,
            "status_text": labels[goal.status],
            "shape": STATUS_SHAPES[goal.status],
        }

    # --- COURSE ---

    def _change(self, kpi, row):
        """Against the same elapsed part of the comparison period."""
        # what stands (a pipeline, a stock) is compared with how it stood at the end
        basis = self.whole if _stands(kpi) else self.part
        before = self.values.get((kpi.id, basis.id))
        if not before or before.value is False or not row:
            return False
        text, trend, up = row._change(before.value, basis, False)
        if not text:
            return False
        return {
            "text": text,
            "trend": trend,
            "up": up,
            "basis_text": self.env._(
                "%(value)s in %(period)s",
                value=self.look.text(kpi, before),
                period=basis.display_name,
            ),
        }

    def _spark(self, kpi):
        result = []
        for period in self.spark_periods:
            row = self.values.get((kpi.id, period.id))
            result.append(
                {
                    "label": period.display_name,
                    "value": number(row.value) if row else None,
                    "value_text": self.look.text(kpi, row),
                    "running": period.utc_to > self.look.now,
                }
            )
        return result

    # --- ROWS ---

    def _best_rows(self, kpis, part):
        """The best rows of each KPI, by its id, for a card of bars."""
        if not kpis or not self.look.period:
            return {}
        by_kpi = self.look.breakdown(kpis, part).grouped("kpi_id")
        return {kpi.id: bars(self.look, kpi, rows, part, ROWS) for kpi, rows in by_kpi.items()}


def _stands(kpi):
    source = kpi.source_id
    return source.kind == "snapshot" and not source.rebuildable


def bars(look, kpi, rows, part, count=None):
    """Cells as bars, the best first; their length as share of the longest.

    :param count: how many, default all
    """
    rows = sorted(rows, key=lambda row: row.value, reverse=kpi.direction != "decrease")
    top = max((abs(row.value) for row in rows), default=0) or 1
    unassigned = look.env._("Unassigned")
    # names are read of those that are shown
    shown = look.env["crm.kpi.value"].browse(row.id for row in rows[:count])
    return [
        {
            "id": row.id,
            "record_id": row[f"{part}_id"].id,
            "name": row[f"{part}_id"].display_name or unassigned,
            "value": row.value,
            "value_text": look.text(kpi, row),
            "record_count": row.record_count,
            "share": max(row.value, 0) / top,
            "mine": part == "user" and row.user_id == look.env.user,
        }
        for row in shown
    ]


def _bullet(row, goal):
    """Places on a bar of length 1, which holds whatever is largest, with some room."""
    target = number(goal.target)
    places = {
        "value": number(row.value) if row else None,
        "target": target,
        "target_max": number(goal.target_max) if goal.kind == "range" else None,
        "projected": number(goal.projected),
        "pace": _pace(goal),
    }
    known = [place for place in places.values() if place is not None]
    # a bar has no length below nothing
    if target is None or min(known) < 0 or not max(known):
        return False
    top = max(known) * HEADROOM
    return {name: None if place is None else place / top for name, place in places.items()}


def _pace(goal):
    """Where a steady climb would stand by now, ``None`` where the value does not climb."""
    if goal.target is False or goal.expected is False:
        return None
    return goal.target * goal.expected
