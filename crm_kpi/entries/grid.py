# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Manual values as a table: a line per KPI and person or team, a column per period."""

import math
from collections import defaultdict
from dataclasses import asdict, dataclass

from odoo import fields
from odoo.exceptions import UserError, ValidationError

from ..board.filters import read_id
from ..engine import periods as calendar
from .due import EntryKey, due_entries, key_of

#: Periods side by side.
COLUMNS = 6
#: Most values that are saved at once.
MAX_CHANGES = 5_000


@dataclass
class GridCell:
    """The value of a line in a period.

    :param count: number of entries; a cell with several cannot be changed here
    :param due: the latest complete period has no value yet, but an earlier one has
    """

    value: float | None = None
    count: int = 0
    due: bool = False


@dataclass
class GridLine:
    """A KPI of a company, team or salesperson.

    :param suffix: what stands after a number, such as ``%``; ``prefix`` before it
    :param factor: a value times this is what is shown: 100 for percentages
    """

    kpi_id: int
    team_id: int | bool
    user_id: int | bool
    kpi: str
    owner: str
    prefix: str
    suffix: str
    factor: int
    cells: list[GridCell]


class EntryGrid:
    """The manual values of the current company, under the rights of the reader.

    :param options: dict from outside: ``period_kind``, ``date`` (a day in the last column), ``rows``
        (``company``, ``team`` or ``user``), ``team_id`` (only its members); what cannot be used is
        replaced by a default
    """

    def __init__(self, env, options):
        self.env = env
        self.company = env.company
        self.entries = env["crm.kpi.entry"]
        options = options if isinstance(options, dict) else {}
        kind = options.get("period_kind")
        self.kind = kind if kind in calendar.CALENDAR_KINDS else "month"
        rows = options.get("rows")
        self.rows = rows if rows in ("company", "team", "user") else "company"
        self.today = calendar.local_day(fields.Datetime.now(), self.company._kpi_tz())
        self.spans = self._spans(options.get("date"))
        self.teams = env["crm.team"].search([("company_id", "in", [False, self.company.id])])
        self.team = self.teams.filtered(lambda team: team.id == read_id(options.get("team_id")))

    def _spans(self, day):
        """``(date_from, date_to)`` of the columns, the latest last."""
        try:
            last = fields.Date.to_date(day) or self.today
        except (ValueError, TypeError):
            last = self.today
        # nothing is entered for the distant future or for the time before the first records
        last = min(max(last, calendar.shift("year", self.today, -30)), self.today)
        first = calendar.start_of(self.kind, last, self.company._kpi_week_start())
        starts = [calendar.shift(self.kind, first, index) for index in range(1 - COLUMNS, 1)]
        return [(start, calendar.shift(self.kind, start, 1)) for start in starts]

    # --- READING ---

    def table(self):
        """What the screen shows, as dict."""
        kpis = self._kpis()
        owners = self._owners()
        found = self._entries_by_cell(kpis)
        due = self._due()
        formats = self.env["crm.kpi"].get_number_formats()
        lines = []
        for kpi in kpis:
            for team, user in owners:
                key = EntryKey(kpi.id, team.id, user.id, False)
                lines.append(
                    GridLine(
                        kpi_id=kpi.id,
                        team_id=team.id,
                        user_id=user.id,
                        kpi=kpi.name,
                        owner=(user or team or self.company).display_name,
                        **{name: formats[kpi.id][name] for name in ("prefix", "suffix", "factor")},
                        cells=[
                            self._cell(found[key, first], (key, first) in due)
                            for first, _after in self.spans
                        ],
                    )
                )
        return {
            "period_kind": self.kind,
            "kinds": self._kind_names(),
            "rows": self.rows,
            "teams": [{"id": team.id, "name": team.name} for team in self.teams],
            "team_id": self.team.id,
            "columns": self._columns(),
            "earlier": fields.Date.to_string(calendar.shift(self.kind, self.spans[0][0], -1)),
            "later": self._later(),
            "lines": [asdict(line) for line in lines],
            "due": sum(cell.due for line in lines for cell in line.cells),
            "can_edit": self.entries.has_access("create"),
        }

    def _kpis(self):
        return self.env["crm.kpi"].search(
            [
                ("kind", "=", "manual"),
                ("state", "=", "published"),
                ("company_id", "in", [False, self.company.id]),
            ]
        )

    def _owners(self):
        """Pairs of team and user of the lines; one of them, or both, are empty."""
        no_team, no_user = self.env["crm.team"], self.env["res.users"]
        if self.rows == "team":
            return [(team, no_user) for team in self.teams]
        if self.rows == "user":
            members = (self.team or self.teams).crm_team_member_ids.user_id
            users = members.filtered("active").sorted(lambda user: (user.name or "").casefold())
            return [(no_team, user) for user in users]
        return [(no_team, no_user)]

    def _entries_by_cell(self, kpis):
        """Entries by key and first day."""
        found = defaultdict(self.entries.browse)
        for entry in self.entries.search(self._domain(kpis)):
            found[key_of(entry), entry.date_from] |= entry
        return found

    def _domain(self, kpis):
        return [
            ("company_id", "=", self.company.id),
            ("kpi_id", "in", kpis.ids),
            ("period_kind", "=", self.kind),
            ("date_from", "in", [first for first, _after in self.spans]),
            ("segment_id", "=", False),
        ]

    def _due(self):
        """Set of key and first day of the values that are due."""
        return {
            (key, due.date_from)
            for due in due_entries(self.company, self.today)
            if due.period_kind == self.kind
            for key in due.keys
        }

    @staticmethod
    def _cell(entries, due):
        if not entries:
            return GridCell(due=due)
        return GridCell(sum(entries.mapped("value")), len(entries))

    def _columns(self):
        periods = self.env["crm.kpi.period"]
        return [
            {
                "date": fields.Date.to_string(first),
                "label": periods.new(
                    {
                        "kind": self.kind,
                        "date_from": first,
                        "date_to": after,
                        "company_id": self.company.id,
                    }
                ).display_name,
                "running": after > self.today,
            }
            for first, after in self.spans
        ]

    def _later(self):
        """A day in the last column of the next page; false on the last page."""
        first, after = self.spans[-1]
        if after > self.today:
            return False
        return fields.Date.to_string(calendar.shift(self.kind, first, COLUMNS))

    def _kind_names(self):
        names = dict(self.entries._fields["period_kind"]._description_selection(self.env))
        return [[kind, names[kind]] for kind in calendar.CALENDAR_KINDS]

    # --- SAVING ---

    def save(self, changes):
        """Create, change and delete entries.

        :param changes: list of dicts with ``kpi_id``, ``team_id``, ``user_id``, ``date`` (first day
            of a column) and ``value``; ``None`` deletes the entry
        :raise ValidationError: names what cannot be saved; then nothing is
        """
        if not isinstance(changes, list) or len(changes) > MAX_CHANGES:
            raise UserError(self.env._("Save at most %s values at once.", f"{MAX_CHANGES:,}"))
        kpis = {kpi.id: kpi for kpi in self._kpis()}
        firsts = {fields.Date.to_string(first): first for first, _after in self.spans}
        found = self._entries_by_cell(self._kpis())
        removed, created = self.entries, []
        for change in changes:
            kpi, first = kpis.get(read_id(change.get("kpi_id"))), firsts.get(change.get("date"))
            if not kpi or not first:
                raise UserError(
                    self.env._("A KPI or period of the table does not exist any more. Reload it.")
                )
            owner = {name: read_id(change.get(name)) or False for name in ("team_id", "user_id")}
            entries = found[EntryKey(kpi.id, owner["team_id"], owner["user_id"], False), first]
            value = self._number(kpi, change.get("value"))
            if len(entries) > 1:
                raise ValidationError(
                    self.env._(
                        "%s: there are several entries. Change them in the list.",
                        entries[:1].display_name,
                    )
                )
            if value is None:
                removed |= entries
            elif entries:
                entries.value = value
            else:
                created.append(
                    {
                        "kpi_id": kpi.id,
                        "company_id": self.company.id,
                        "period_kind": self.kind,
                        "date": first,
                        "value": value,
                        **{name: one for name, one in owner.items() if one},
                    }
                )
        removed.unlink()
        self.entries.create(created)

    def _number(self, kpi, value):
        if value is None:
            return None
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            raise ValidationError(self.env._("%s: enter a number.", kpi.name))
        return float(value)
