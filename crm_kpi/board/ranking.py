# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The ranking of salespeople, and what they may see of each other."""

import statistics
from dataclasses import dataclass, field
from typing import NamedTuple

from .context import Cell
from .empty_cells import zero_value


class RankingEntry(NamedTuple):
    """A salesperson with a score: ``row`` is the value, ``goal`` may be ``None``."""

    score: float
    row: object
    goal: object


class Spread(NamedTuple):
    """Median and best value of the salespeople; both ``None`` where they are not ranked.

    :param count: how many people are compared
    """

    median: float | None = None
    best: float | None = None
    count: int = 0


@dataclass
class RankingRow:
    """A place in the ranking; of colleagues without a name only texts are known."""

    key: int
    rank: int
    share: float
    value_text: str
    attainment_text: str
    mine: bool
    user_id: int | None
    name: str
    target_text: str


@dataclass
class Leaderboard:
    """A ranking, or the ``note`` why there is none."""

    mode: str
    by: str
    rows: list[RankingRow] = field(default_factory=list)
    note: str = ""


class Ranking:
    """The salespeople of a :class:`~.context.BoardContext`, ranked by one KPI.

    Readers of all values see names. What salespeople see of their colleagues is a setting of
    the company, limited by the visibility of the KPI.
    """

    def __init__(self, context, kpi):
        self.context = context
        self.env = context.env
        self.kpi = kpi
        self.mode = context.company.kpi_ranking
        if not kpi._has_figures():
            self.mode = "off"
        elif context.sees_all:
            self.mode = "names"
        elif kpi.visibility == "own":
            self.mode = "off"

    def leaderboard(self, by):
        """The ranking by ``value``, or by ``attainment`` of each salesperson's own goal."""
        result = Leaderboard(self.mode, by)
        if self.mode == "off":
            result.note = self.env._("Your company does not rank its salespeople.")
            return result
        entries = self._entries(by)
        if self._too_few(entries):
            result.note = self.env._("Too few salespeople for a ranking.")
            return result
        lowest_first = by == "value" and self.kpi.direction == "decrease"
        sign = 1 if lowest_first else -1
        entries.sort(key=lambda entry: (sign * entry.score, entry.row.user_id.id))
        top = max((abs(entry.score) for entry in entries), default=0) or 1
        rank, last_score = 0, None
        for position, entry in enumerate(entries, start=1):
            if entry.score != last_score:
                rank, last_score = position, entry.score
            result.rows.append(self._ranking_row(position, rank, entry, top))
        return result

    def spread(self):
        """Median and best value, as :class:`Spread`."""
        entries = [] if self.mode == "off" else self._entries("value")
        if not entries or self._too_few(entries):
            return Spread()
        scores = [entry.score for entry in entries]
        best = min(scores) if self.kpi.direction == "decrease" else max(scores)
        return Spread(statistics.median(scores), best, len(scores))

    def _too_few(self, entries):
        return not self.context.sees_all and len(entries) < self.context.company.kpi_ranking_min

    def _ranking_row(self, position, rank, entry, top):
        goal, user = entry.goal, entry.row.user_id
        mine = user == self.env.user
        named = mine or self.mode == "names"
        return RankingRow(
            key=position,
            rank=rank,
            share=max(entry.score, 0) / top,
            value_text=self.context.value_text(self.kpi, entry.row),
            attainment_text=goal.attainment_text if goal else "",
            mine=mine,
            user_id=user.id if named else None,
            name=user.name if named else self.env._("Colleague"),
            # a target could reveal whose it is
            target_text=goal.target_text if named and goal else "",
        )

    def _entries(self, by):
        """A :class:`RankingEntry` for each compared person with enough records and a score."""
        level = "user_segment" if self.context.segment else "user"
        domain = [
            ("kpi_id", "=", self.kpi.id),
            ("period_id", "=", self.context.period.id),
            ("segment_id", "=", self.context.segment.id),
            ("user_id", "!=", False),
        ]
        people = self._limited_to()
        if people is not None:
            domain.append(("user_id", "in", people))
        # superuser: the company's setting decides what is shown; the caller leaves out names
        values = (
            self.env["crm.kpi.value"]
            .sudo()
            .search([*domain, ("level", "=", level), ("is_hidden", "=", False)])
        )
        goals = {
            goal.user_id.id: goal
            for goal in self.env["crm.kpi.goal"].sudo().search([*domain, ("scope", "=", level)])
        }
        entries = []
        for row in [*values, *self._zeros(values, people)]:
            if not self.context.is_compared(self.kpi, row.user_id.id, row.record_count):
                continue
            goal = goals.get(row.user_id.id)
            score = row.value if by == "value" else goal.attainment if goal else False
            if score is not False and row.record_count >= self.kpi.min_sample:
                entries.append(RankingEntry(score, row, goal))
        return entries

    def _zeros(self, values, people):
        """The values of those who are compared without records; they are not stored."""
        known = {self.kpi.id: set(values.user_id.ids)}
        people = None if people is None else set(people)
        found = self.context.members_without_records(self.kpi, known, people)
        return [
            zero_value(kpi, self.context.period, Cell("user", False, user_id, False))
            for kpi, user_id in found
        ]

    def _limited_to(self):
        """Ids of the salespeople in the ranking, ``None`` for all."""
        if self.context.team:
            return self.context.members(self.context.team).ids
        if self.kpi.visibility == "team" and not self.context.sees_all:
            return [self.env.uid, *self.context.members(self.context.visible_teams).ids]
        return None
