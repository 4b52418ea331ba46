# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Behind a card: its course in time, who and which segments made it, and which records."""

from itertools import pairwise

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools.misc import format_date

from ..engine import pace
from .crm_kpi_board_read import OFFERED, View, median
from .crm_kpi_goal import _natures

#: Fewest closed periods from which the usual range is told.
LIMITS_FROM = 8
#: Of an individuals and moving range chart: three sigma, estimated from the mean range.
LIMITS_FACTOR = 2.66
#: Salespeople in the heat map, most first.
HEAT_ROWS = 15


class CrmKpiBoard(models.Model):
    _inherit = "crm.kpi.board"

    # --- RPC ---

    @api.model
    @api.readonly
    def get_detail(self, kpi_id, wanted=None):
        """All about one KPI for the filters of a board.

        :param wanted: as in :meth:`get_board`
        """
        kpi, view = self._kpi_and_view(kpi_id, wanted)
        card = view._read(kpi)[kpi]
        people = view._bars(kpi, view._with_value(kpi, "user"), "user")
        segments = view._bars(kpi, view._with_value(kpi, "segment"), "segment")
        named = [row["value"] for row in people if row["record_id"]]
        best = max(named, default=None)
        if kpi.direction == "decrease":
            best = min(named, default=None)
        return {
            "card": card,
            "filters": view.filters,
            "period": view._period_entry(),
            "trend": view._trend(kpi),
            "annotations": view._annotations(kpi),
            "reps": people,
            "median": view._worded(kpi, median(named)),
            "best": view._worded(kpi, best),
            "segments": segments,
            "segment_set": view.segment_set.name or "",
            "heat": view._heat(kpi),
            "history": view._history(kpi),
            "goal_id": card["goal"] and card["goal"]["id"],
        }

    @api.model
    @api.readonly
    def get_why(self, kpi_id, wanted=None):
        """The records of the period, counted by whether they are in the number or why not.

        :return: list of dicts, one per aggregate behind the KPI: ``name``, ``total``,
            ``steps`` (``reason``, ``text``, ``count``) that add up to the total, and ``stored``,
            the number of records when the value was computed
        """
        kpi, view = self._kpi_and_view(kpi_id, wanted)
        # superuser: only numbers of records, which the value itself tells as well
        return [view._why(part) for part in kpi.sudo()._aggregates_behind()]

    @api.model
    def open_records(self, kpi_id, wanted=None):
        """Action that opens the records in the number, as far as the reader may see them."""
        kpi, view = self._kpi_and_view(kpi_id, wanted)
        view._require_cell(kpi)
        cell = view._cell()
        return kpi._open_cell_records(view.period, cell._asdict())

    @api.model
    @api.readonly
    def get_leaderboard(self, kpi_id, wanted=None, by="value"):
        """Salespeople by their value, or by how much of their own target they have attained.

        What salespeople see of colleagues is a setting of the company; who may read all
        numbers sees all names.

        :param by: ``value`` or ``attainment``
        """
        kpi, view = self._kpi_and_view(kpi_id, wanted)
        return view._leaderboard(kpi, by)

    def _kpi_and_view(self, kpi_id, wanted):
        kpi = self.env["crm.kpi"].browse(kpi_id)
        kpi.check_access("read")
        board = self.new({"period_kind": "month", "comparison": "previous", "scope": "company"})
        view = board._view(wanted or {}, DetailView)
        return kpi.with_env(view.env), view


class DetailView(View):
    """One look at one KPI."""

    # --- TREND ---

    def _trend(self, kpi):
        """The last periods of the kind, the one that was chosen at the end."""
        cell = self._cell()
        model = self.env["crm.kpi.period"]
        periods = self.period
        if self.kind != "custom" and self.period:
            periods = model.search(
                [
                    ("company_id", "=", self.company.id),
                    ("kind", "=", self.kind),
                    ("date_from", "<=", self.period.date_from),
                ],
                limit=OFFERED,
                order="date_from desc",
            )
        values = self._values(kpi, periods, cell)
        goals = {
            goal.period_id: goal
            for goal in self.env["crm.kpi.goal"].search(
                [
                    ("kpi_id", "=", kpi.id),
                    ("period_id", "in", periods.ids),
                    ("scope", "=", cell.level),
                    ("team_id", "=", cell.team_id),
                    ("user_id", "=", cell.user_id),
                    ("segment_id", "=", cell.segment_id),
                ]
            )
        }
        nature = _natures(kpi)[kpi]
        gone = periods._elapsed(self.now)
        points = []
        for period in periods.sorted("date_from"):
            row = values.get((kpi.id, period.id))
            value = row.value if row and row.value is not False else None
            goal = goals.get(period)
            running = period.utc_to > self.now
            projected = None
            if running and not nature.waits:
                projected = pace.project(value, gone[period], nature.additive)
            points.append(
                {
                    "label": period.display_name,
                    "date": fields.Date.to_string(period.date_from),
                    "value": value,
                    "value_text": self._text(kpi, row),
                    "n": row.n if row else 0,
                    "state": period.state,
                    "running": running,
                    "projected": projected,
                    "projected_text": kpi._format_value(
                        False if projected is None else projected, self.currency
                    ),
                    "target_text": goal.target_text if goal else "",
                    "target": goal.target if goal and goal.target is not False else None,
                    "target_max": goal.target_max
                    if goal and goal.kind == "range" and goal.target_max is not False
                    else None,
                }
            )
        # from the first period that has a value on
        first = next((i for i, point in enumerate(points) if point["value"] is not None), 0)
        points = points[first:]
        low, middle, high = usual_range(
            [p["value"] for p in points if p["value"] is not None and not p["running"]]
        )
        if low is not None and all(p["value"] >= 0 for p in points if p["value"] is not None):
            low = max(low, 0.0)
        return {
            "points": points,
            "low": low,
            "middle": middle,
            "high": high,
            "middle_text": kpi._format_value(middle, self.currency),
            "range_text": middle is not None
            and f"{kpi._format_value(low, self.currency)} – {kpi._format_value(high, self.currency)}",
        }

    def _annotations(self, kpi):
        notes = self.env["crm.kpi.annotation"].search(
            [
                ("kpi_id", "in", [False, kpi.id]),
                ("company_id", "in", [False, self.company.id]),
                ("date", "<", self.period.date_to if self.period else fields.Date.today()),
            ],
            limit=20,
        )
        return [
            {
                "id": note.id,
                "date": fields.Date.to_string(note.date),
                "date_text": format_date(self.env, note.date),
                "text": note.name,
                "author": note.create_uid.name,
            }
            for note in notes
        ]

    # --- WHO ---

    def _with_value(self, kpi, part):
        if not self.period:
            return []
        return [row for row in self._breakdown(kpi, part) if row.value is not False]

    def _worded(self, kpi, value):
        return {"value": value, "text": kpi._format_value(value, self.currency)}

    def _heat(self, kpi):
        """Salespeople by segments, where the KPI is computed so finely."""
        rows = self.env["crm.kpi.value"].search(
            [
                ("kpi_id", "=", kpi.id),
                ("period_id", "=", self.period.id),
                ("level", "=", "user_segment"),
                ("segment_id.set_id", "=", self.segment_set.id),
            ]
        )
        rows = rows.filtered(lambda row: row.value is not False)
        if not rows:
            return False
        by_user = rows.grouped("user_id")
        users = sorted(by_user, key=lambda user: -sum(row.n for row in by_user[user]))[:HEAT_ROWS]
        columns = rows.segment_id.sorted(lambda segment: (segment.sequence, segment.name or ""))
        cells = {(row.user_id, row.segment_id): row for row in rows}
        shown = [row.value for row in rows]
        low, high = min(shown), max(shown)
        return {
            "columns": [{"id": segment.id, "name": segment.name} for segment in columns],
            "rows": [
                {
                    "id": user.id,
                    "name": user.name or self.env._("Unassigned"),
                    "cells": [
                        self._heat_cell(kpi, cells.get((user, segment)), low, high)
                        for segment in columns
                    ],
                }
                for user in users
            ],
        }

    def _heat_cell(self, kpi, row, low, high):
        if not row:
            return {"value": None, "value_text": "–", "n": 0, "share": None}
        share = (row.value - low) / (high - low) if high > low else 0.5
        return {
            "value": row.value,
            "value_text": self._text(kpi, row),
            "n": row.n,
            "share": 1 - share if kpi.direction == "decrease" else share,
        }

    # --- WHY ---

    def _require_cell(self, kpi):
        """Refuse what the reader could not read as a number either."""
        if not self._values(kpi, self.period, self._cell()) and not self.sees_all:
            raise AccessError(
                self.env._("%s: this number is not yours to see, or there is none.", kpi.name)
            )

    def _why(self, kpi):
        cell = self._cell()
        row = self._values(kpi, self.period, cell).get((kpi.id, self.period.id))
        counts = kpi.source_id._reasons(kpi, self.period.sudo(), cell._asdict(), self.now)
        texts = {
            "included": self.env._("In the number"),
            "source": self.env._("Not of the kind: %s", kpi.source_id.name),
            "filter": self.env._("Outside of the KPI's filter"),
            "young": self.env._("Too young to be judged"),
            "empty": self.env._("Without a value to compute from"),
            "others": self.env._("Of others than chosen"),
        }
        return {
            "kpi_id": kpi.id,
            "name": kpi.name,
            "total": sum(counts.values()),
            "stored": row.n if row else 0,
            "steps": [
                {"reason": reason, "text": text, "count": counts[reason]}
                for reason, text in texts.items()
                if counts.get(reason)
            ],
        }

    # --- HISTORY ---

    def _history(self, kpi):
        """Changes of the definition, the newest first."""
        # superuser: what was changed on a KPI is for those who may read the KPI
        messages = kpi.sudo().message_ids.filtered("tracking_value_ids")[:20]
        return [
            {
                "id": message.id,
                "date_text": format_date(self.env, message.date),
                "author": message.author_id.name or "",
                "changes": [
                    self.env._(
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

    # --- LEADERBOARD ---

    def _leaderboard(self, kpi, by):
        company = self.company
        mode = "names" if self.sees_all else company.sudo().kpi_ranking
        if kpi.visibility == "own" and not self.sees_all:
            mode = "off"
        result = {"mode": mode, "by": by, "rows": [], "note": False}
        if mode == "off":
            result["note"] = self.env._("Your company does not rank its salespeople.")
            return result
        domain = [
            ("kpi_id", "=", kpi.id),
            ("period_id", "=", self.period.id),
            ("level", "=", "user_segment" if self.segment else "user"),
            ("segment_id", "=", self.segment.id),
            ("user_id", "!=", False),
        ]
        if self.team:
            domain.append(("user_id", "in", self._team_members().ids))
        # superuser: the company's setting, checked above, says what colleagues see
        rows = self.env["crm.kpi.value"].sudo().search(domain)
        goals = {goal.user_id: goal for goal in self._people_goals(kpi)}
        entries = []
        for row in rows:
            goal = goals.get(row.user_id)
            score = row.value
            if by == "attainment":
                score = goal.attainment if goal else False
            if score is False or row.n < kpi.min_n:
                continue
            entries.append((score, row, goal))
        if len(entries) < company.sudo().kpi_ranking_min and not self.sees_all:
            result["note"] = self.env._("Too few salespeople for a ranking.")
            return result
        upwards = by == "attainment" or kpi.direction != "decrease"
        entries.sort(key=lambda entry: (-entry[0] if upwards else entry[0], entry[1].user_id.id))
        top = max((abs(score) for score, _row, _goal in entries), default=0) or 1
        rank, last = 0, None
        for position, (score, row, goal) in enumerate(entries, start=1):
            if score != last:
                rank, last = position, score
            mine = row.user_id == self.env.user
            named = mode == "names" or mine
            result["rows"].append(
                {
                    "key": position,
                    "rank": rank,
                    "user_id": row.user_id.id if named else False,
                    "name": row.user_id.name if named else self.env._("Colleague"),
                    "mine": mine,
                    "value_text": self._text(kpi, row),
                    "attainment_text": goal.attainment_text if goal else False,
                    "target_text": goal.target_text if goal else False,
                    "share": max(score, 0) / top,
                }
            )
        return result

    def _people_goals(self, kpi):
        # superuser: as in _leaderboard
        return (
            self.env["crm.kpi.goal"]
            .sudo()
            .search(
                [
                    ("kpi_id", "=", kpi.id),
                    ("period_id", "=", self.period.id),
                    ("scope", "=", "user_segment" if self.segment else "user"),
                    ("segment_id", "=", self.segment.id),
                ]
            )
        )


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


def _plain(value):
    return "–" if value in (None, False, "") else str(value)
