# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Salespeople beside one another, and what they may see of one another."""

from .look import number


class Ranking:
    """The salespeople of a :class:`~.look.Look` at one KPI.

    Who may read all numbers sees names. What salespeople see of their colleagues is a setting
    of the company, and never more than the width at which the KPI is shared.
    """

    def __init__(self, look, kpi):
        self.look = look
        self.env = look.env
        self.kpi = kpi
        self.mode = look.company.kpi_ranking
        if look.sees_all:
            self.mode = "names"
        elif kpi.visibility == "own":
            self.mode = "off"

    def board(self, by):
        """Places by ``value``, or by ``attainment`` of everybody's own goal."""
        result = {"mode": self.mode, "by": by, "rows": [], "note": False}
        if self.mode == "off":
            result["note"] = self.env._("Your company does not rank its salespeople.")
            return result
        entries = self._entries(by)
        if self._too_few(entries):
            result["note"] = self.env._("Too few salespeople for a ranking.")
            return result
        entries.sort(key=lambda entry: (self._order(by, entry[0]), entry[1].user_id.id))
        top = max((abs(score) for score, _row, _goal in entries), default=0) or 1
        place, last = 0, None
        for position, (score, row, goal) in enumerate(entries, start=1):
            if score != last:
                place, last = position, score
            result["rows"].append(
                {
                    "key": position,
                    "rank": place,
                    "share": max(score, 0) / top,
                    "value_text": self.look.text(self.kpi, row),
                    "attainment_text": goal.attainment_text if goal else False,
                    **self._person(row, goal),
                }
            )
        return result

    def summary(self):
        """``(median, best)`` of the salespeople, each ``None`` where they are not ranked."""
        entries = [] if self.mode == "off" else self._entries("value")
        if not entries or self._too_few(entries):
            return None, None
        scores = sorted(score for score, _row, _goal in entries)
        return median(scores), scores[0 if self.kpi.direction == "decrease" else -1]

    def _too_few(self, entries):
        return not self.look.sees_all and len(entries) < self.look.company.kpi_ranking_min

    def _order(self, by, score):
        return score if by == "value" and self.kpi.direction == "decrease" else -score

    def _person(self, row, goal):
        mine = row.user_id == self.env.user
        if not mine and self.mode != "names":
            # a goal may tell whose it is
            return {
                "mine": False,
                "user_id": False,
                "name": self.env._("Colleague"),
                "target_text": False,
            }
        return {
            "mine": mine,
            "user_id": row.user_id.id,
            "name": row.user_id.name,
            "target_text": goal.target_text if goal else False,
        }

    def _entries(self, by):
        """``(score, cell, goal or None)`` of everybody who has a score that can be judged."""
        level = "user_segment" if self.look.segment else "user"
        domain = [
            ("kpi_id", "=", self.kpi.id),
            ("period_id", "=", self.look.period.id),
            ("segment_id", "=", self.look.segment.id),
            ("user_id", "!=", False),
        ]
        if people := self._limited_to():
            domain.append(("user_id", "in", people))
        # superuser: the company's setting says what colleagues see, names are left out here
        values = self.env["crm.kpi.value"].sudo().search([*domain, ("level", "=", level)])
        goals = {
            goal.user_id.id: goal
            for goal in self.env["crm.kpi.goal"].sudo().search([*domain, ("scope", "=", level)])
        }
        entries = []
        for row in values:
            goal = goals.get(row.user_id.id)
            score = row.value if by == "value" else goal.attainment if goal else False
            if score is not False and row.record_count >= self.kpi.min_sample:
                entries.append((score, row, goal))
        return entries

    def _limited_to(self):
        """Ids of the people in the ranking, ``None`` for all."""
        if self.look.team:
            return self.look.members(self.look.team).ids
        if self.kpi.visibility == "team" and not self.look.sees_all:
            return [self.env.uid, *self.look.members(self.look.teams).ids]
        return None


def median(numbers):
    """Median of some numbers, ``None`` of none.

    >>> median([3, 1, 2]), median([4, 1]), median([])
    (2, 2.5, None)
    """
    ordered = sorted(numbers)
    middle = len(ordered) // 2
    if not ordered:
        return None
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def heat_map(look, kpi, rows_shown=15):
    """Salespeople by segments, where the KPI is computed so finely; those with most records.

    :return: dict of columns and rows, ``False`` without any cell
    """
    domain = [
        ("kpi_id", "=", kpi.id),
        ("period_id", "=", look.period.id),
        ("level", "=", "user_segment"),
        ("segment_id.set_id", "=", look.segment_set.id),
    ]
    if look.team:
        domain.append(("user_id", "in", look.members(look.team).ids))
    rows = look.env["crm.kpi.value"].search(domain)
    rows = rows.filtered(lambda row: row.value is not False)
    if not rows:
        return False
    by_user = rows.grouped("user_id")
    users = sorted(by_user, key=lambda user: -sum(row.record_count for row in by_user[user]))[
        :rows_shown
    ]
    columns = rows.segment_id.sorted(lambda segment: (segment.sequence, segment.name or ""))
    cells = {(row.user_id, row.segment_id): row for row in rows}
    shown = [row.value for row in rows]
    low, span = min(shown), max(shown) - min(shown)

    def cell(row):
        share = None
        if row:
            share = (row.value - low) / span if span else 0.5
            share = 1 - share if kpi.direction == "decrease" else share
        return {
            "value": number(row.value) if row else None,
            "value_text": look.text(kpi, row),
            "record_count": row.record_count if row else 0,
            "share": share,
        }

    return {
        "columns": [{"id": segment.id, "name": segment.name} for segment in columns],
        "rows": [
            {
                "id": user.id,
                "name": user.name or look.env._("Unassigned"),
                "cells": [cell(cells.get((user, segment))) for segment in columns],
            }
            for user in users
        ],
    }
