# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a rule would have told over the last twelve months, on the values as they were known then.

Each complete period is judged once, at its end, with the value that was reported: the stored value
of a locked period, and where that was replaced later, the one that the restatement keeps. How a
value moved within a period is not stored, so an alert that came and went within one is not seen.
Values are read with the rights of the reader.
"""

from dataclasses import dataclass
from datetime import date

from dateutil.relativedelta import relativedelta
from markupsafe import Markup

from odoo import fields
from odoo.tools.misc import format_date, formatLang

from ..board.context import Cell
from ..engine import pace
from ..engine.alert_state import State, advance
from ..engine.periods import local_day
from ..engine.signals import find_signals
from .cells import Members, Recipients, watched_cells
from .conditions import ABOUT_GOALS, ONCE, Facts, judge, limit_of, relative_change, share_of_target
from .observe import IN_SIGNALS, goal_kind

#: Months that are rehearsed.
MONTHS = 12
#: Lines of the table.
LINES_SHOWN = 100


@dataclass
class RehearsedMessage:
    """A message that the rule would have sent.

    :param day: the day on which the value of the period was known
    :param days: how long it lasted until a period in which it had recovered; ``None``: it lasts
    """

    day: date
    cell: Cell
    period: object
    value: float | None
    recipients: object
    days: int | None = None


def rehearse(alert):
    """The messages of a rule: list of :class:`RehearsedMessage`, in the order of time.

    :param alert: a ``crm.kpi.alert`` in the environment of the reader, may be unsaved
    """
    return _Rehearsal(alert).messages()


class _Rehearsal:
    def __init__(self, alert):
        self.alert = alert
        self.env = alert.env
        self.kpi = alert.kpi_id._origin
        self.company = alert.company_id._origin
        self.now = fields.Datetime.now()
        # superuser: names of members and leaders; the values are read with the reader's rights
        self.members = Members(self.env(su=True))
        self.periods = self._periods()
        self.cells = self._readable(watched_cells(alert, self.members))
        self.computed = self._computed()
        self.values = self._values()

    def _periods(self):
        """The complete periods, the oldest first, and those before that they are compared with."""
        return self.env["crm.kpi.period"].search(
            [
                ("company_id", "=", self.company.id),
                ("kind", "=", self.alert.period_kind),
                ("utc_to", "<=", self.now),
            ],
            order="date_from",
        )

    def _readable(self, cells):
        """The cells whose values the reader may see."""
        values, period = self.env["crm.kpi.value"], self.periods[-1:]
        if self.env.user.has_group("crm_kpi.group_kpi_user_all"):
            # these readers see all cells of a KPI, or none
            readable = cells and values._may_read(self.kpi, period, cells[0]._asdict())
            return cells if readable else []
        return [cell for cell in cells if values._may_read(self.kpi, period, cell._asdict())]

    def _computed(self):
        """Ids of the periods that were computed, so that no value means no record."""
        # superuser: bookkeeping of the refresh
        computations = self.env["crm.kpi.computation"].sudo()
        domain = [("kpi_id", "=", self.kpi.id), ("period_id", "in", self.periods.ids)]
        return set(computations.search(domain).period_id.ids)

    def _values(self):
        """Values as they were reported: dict of ``(period id, cell)`` to value and record count."""
        domain = [
            ("kpi_id", "=", self.kpi.id),
            ("period_id", "in", self.periods.ids),
            ("level", "in", list({cell.level for cell in self.cells})),
        ]
        rows = self.env["crm.kpi.value"].search_fetch(
            domain, ["period_id", "level", "team_id", "user_id", "segment_id", "value",
                     "record_count", "version"]
        )  # fmt: skip
        found = {
            (row.period_id.id, _cell(row)): (_number(row.value), row.record_count, row.version)
            for row in rows
        }
        # the oldest one keeps what was reported first
        for line in self.env["crm.kpi.restatement"].search(domain, order="date desc, id desc"):
            key = line.period_id.id, _cell(line)
            version = found[key][2] if key in found else None
            found[key] = _number(line.value_locked), line.record_count_locked, version
        return found

    def messages(self):
        first = self._first_day()
        shown = self.periods.filtered(lambda period: period.date_to > first)
        found = []
        is_about_goals = self.alert.condition in ABOUT_GOALS
        is_once = self.alert.condition in ONCE
        goals = self._goals() if is_about_goals else {}
        recipients = Recipients(
            self.env(su=True),  # superuser: who follows and leads; no value is read
            self.env["crm.kpi.goal"].union(*goals.values()),
            self.members,
        )
        for cell in self.cells:
            state, lasting = State(), []
            for period in shown:
                goal = goals.get((period.id, cell))
                facts = self._goal_facts(goal, period, cell) if goal else None
                if not is_about_goals:
                    facts = self._facts(period, cell)
                if not facts:
                    continue
                if is_about_goals:
                    state = State()  # each goal is judged anew
                verdict = judge(self.alert, facts, period.utc_to)
                # a period has many refreshes, so it counts as enough of them
                state, change = advance(state, verdict, settle=1, once=is_once)
                if verdict == "clear" and not is_once:
                    for message in lasting:
                        message.days = (period.date_to - message.day).days
                    lasting = []
                if change == "fired":
                    message = RehearsedMessage(
                        period.date_to,
                        cell,
                        period,
                        facts.value,
                        recipients.of(self.alert, cell, goal or self.env["crm.kpi.goal"]),
                    )
                    found.append(message)
                    lasting.append(message)
        return sorted(found, key=lambda message: message.day)

    def _first_day(self):
        today = local_day(self.now, self.company._kpi_tz())
        return today - relativedelta(months=MONTHS)

    def _facts(self, period, cell):
        value, record_count, version = self._value(period, cell)
        facts = Facts(
            value=value,
            record_count=record_count,
            reference=limit_of(self.alert),
            forecast=value,
            last_data=period.utc_to if record_count else period.utc_from,
            is_computed=period.id in self.computed,
        )
        if record_count < self.kpi.min_sample:
            facts.value = facts.forecast = None
        before = self.periods.filtered(lambda other: other.date_to == period.date_from)[:1]
        if before:
            earlier, earlier_count, earlier_version = self._value(before, cell)
            if earlier_version == version:
                facts.reference = earlier if self.alert.condition == "change" else facts.reference
                facts.change = relative_change(self.kpi, facts.value, earlier, earlier_count)
        if self.alert.condition == "signal":
            facts.signal = self._signal(period, cell)
        return facts

    def _value(self, period, cell):
        if known := self.values.get((period.id, cell)):
            return known
        is_zero = period.id in self.computed and self.kpi._zero_in(period)
        return 0.0 if is_zero else None, 0, self.kpi.version

    def _signal(self, period, cell):
        """The signal at a period, judged by the values up to it."""
        latest, record_count, version = self._value(period, cell)
        if latest is None or record_count < self.kpi.min_sample:
            return None
        values = []
        for other in self.periods.filtered(lambda other: other.date_to <= period.date_to)[::-1]:
            value, _count, of_version = self._value(other, cell)
            if of_version != version or len(values) > IN_SIGNALS:
                break
            if value is not None:
                values.append(value)
        return find_signals(values[::-1])[-1]

    def _goals(self):
        """Goals of the complete periods that the reader may see, by period id and cell."""
        goals = self.env["crm.kpi.goal"].search(
            [("kpi_id", "=", self.kpi.id), ("period_id", "in", self.periods.ids)]
        )
        return {(goal.period_id.id, _cell(goal, "scope")): goal for goal in goals}

    def _goal_facts(self, goal, period, cell):
        value, record_count, _version = self._value(period, cell)
        target, kind = _number(goal.target), goal_kind(goal)
        facts = Facts(value=value, record_count=record_count, reference=target)
        facts.share = share_of_target(kind, value, target)
        if value is not None and target is not None and record_count >= self.kpi.min_sample:
            upper = _number(goal.target_max)
            is_met = pace.met(kind, value, target, upper)
            facts.status = "achieved" if is_met else "off_track"
        return facts


def _cell(row, level="level"):
    return Cell(row[level], row.team_id.id, row.user_id.id, row.segment_id.id)


def _number(value):
    return None if value is False else value


# --- SHOWN ---


def rehearsal_html(alert):
    """The rehearsal as a table, with a summary and what it cannot know."""
    env = alert.env
    if not alert.kpi_id:
        return _paragraph(env._("Choose a KPI first."))
    if alert.condition == "stale":
        return _paragraph(env._("When the figures were out of date is not stored."))
    messages = rehearse(alert)
    note = env._(
        "Each complete period is judged at its end, with the value that was reported then. What came "
        "and went within a period is not stored."
    )
    if not messages:
        text = env._("This rule would have told nothing in the last twelve months.")
        return _paragraph(text) + _paragraph(note, muted=True)
    if alert.condition in ONCE:
        text = env._("%s messages in the last twelve months.", len(messages))
    else:
        recovered = sum(message.days is not None for message in messages)
        text = env._(
            "%(count)s messages in the last twelve months; %(share)s of them recovered by "
            "themselves later.",
            count=len(messages),
            share=f"{formatLang(env, recovered / len(messages) * 100, digits=0)}\u00a0%",
        )
    names = _names(alert, messages)
    rows = Markup().join(_line(alert, message, names) for message in messages[:LINES_SHOWN])
    titles = (env._("Date"), env._("For"), env._("Value"), env._("Told"), env._("Lasted"))
    head = Markup().join(Markup("<th>%s</th>") % title for title in titles)
    table = Markup(
        '<table class="table table-sm"><thead><tr>%s</tr></thead><tbody>%s</tbody></table>'
    )
    return _paragraph(text) + table % (head, rows) + _paragraph(note, muted=True)


def _names(alert, messages):
    """Names of the cells: dict of cell to text."""
    env, found = alert.env, {}
    models = {"team_id": "crm.team", "user_id": "res.users", "segment_id": "crm.kpi.segment"}
    for name, model in models.items():
        ids = {getattr(message.cell, name) for message in messages} - {False}
        # superuser: names of people and teams whose values the reader was just shown
        for record in env[model].sudo().browse(ids):
            found[name, record.id] = record.display_name
    return {
        message.cell: " · ".join(
            found[name, getattr(message.cell, name)]
            for name in models
            if getattr(message.cell, name)
        )
        or alert.company_id.name
        for message in messages
    }


def _line(alert, message, names):
    env = alert.env
    if alert.condition in ONCE:
        lasted = ""
    elif message.days is None:
        lasted = env._("still, or not known")
    else:
        lasted = env._("%s days", message.days)
    value = alert.kpi_id._format_value(
        False if message.value is None else message.value, alert.company_id.currency_id
    )
    cells = (
        format_date(env, message.day),
        names[message.cell],
        f"{value} ({message.period.display_name})",
        ", ".join(message.recipients.mapped("name")),
        lasted,
    )
    return Markup("<tr>%s</tr>") % Markup().join(Markup("<td>%s</td>") % cell for cell in cells)


def _paragraph(text, muted=False):
    if muted:
        return Markup('<p class="text-muted">%s</p>') % text
    return Markup("<p>%s</p>") % text
