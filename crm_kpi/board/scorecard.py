# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""People, teams or segments in rows, KPIs in columns."""

from collections import defaultdict
from dataclasses import dataclass, field, replace

from .context import Cell, number_or_none
from .empty_cells import EmptyCells, zero_value
from .filters import read_id
from .signals import periods_read, row_signals

#: Rows that are read at first; the reader can ask for all.
FIRST_ROWS = 50
MAX_COLUMNS = 30
#: Orders of the rows other than by the value of a KPI.
URGENCY, NAME = "urgency", "name"
OFF_TRACK = ("off_track", "missed")


@dataclass(frozen=True)
class Arrangement:
    """What the reader chose for the table.

    :param rows: ``user``, ``team`` or ``segment``
    :param sort: ``urgency``, ``name``, or the id of a KPI as text
    :param reverse: the last row first; rows without a value stay last
    :param all_rows: more than the first rows
    :param kpi_ids: the columns; ``None`` for those of the board
    """

    rows: str = "user"
    sort: str = URGENCY
    reverse: bool = False
    all_rows: bool = False
    kpi_ids: tuple | None = None

    @classmethod
    def parse(cls, raw):
        """Read an arrangement that comes from an address or a call.

        >>> Arrangement.parse({"rows": "team", "sort": 7, "kpi_ids": "3,x,5"})
        ... # doctest: +NORMALIZE_WHITESPACE
        Arrangement(rows='team', sort='7', reverse=False, all_rows=False, kpi_ids=(3, 5))
        >>> Arrangement.parse({"rows": "planet", "sort": [1]}) == Arrangement()
        True
        """
        if not isinstance(raw, dict):
            return cls()
        rows, sort, ids = raw.get("rows"), raw.get("sort"), raw.get("kpi_ids")
        if isinstance(ids, str):
            ids = ids.split(",")
        ids = [read_id(one) for one in ids] if isinstance(ids, list | tuple) else []
        if sort not in (URGENCY, NAME):
            sort = read_id(sort) or URGENCY
        return cls(
            rows=rows if rows in ("user", "team", "segment") else cls.rows,
            sort=str(sort),
            reverse=raw.get("reverse") in (True, 1, "1"),
            all_rows=raw.get("all_rows") is True,
            kpi_ids=tuple(filter(None, ids))[:MAX_COLUMNS] or None,
        )

    def limit(self, filters):
        """The filters without those that the rows take the place of."""
        if self.rows == "team":
            return replace(filters, scope="company", team_id=None, user_id=None)
        if self.rows == "segment":
            return replace(filters, segment_id=None)
        return filters


@dataclass
class ScorecardColumn:
    """A KPI; ``basis_text`` is set where it is compared with another period than the others."""

    id: int
    code: str
    name: str
    category: str
    description: str
    direction: str
    basis_text: str = ""


@dataclass
class ScorecardCell:
    """The value of a KPI in a row.

    :param status: empty without a goal
    :param change: the change in short words, without the period
    :param sparkline: the values of the latest periods, oldest first
    :param signal_text: why the latest complete period is unusual; empty where it is not
    """

    kpi_id: int
    value: float | None
    value_text: str
    state: str
    state_text: str
    record_count: int
    status: str = ""
    status_text: str = ""
    shape: str = ""
    counter_missed: bool = False
    target_text: str = ""
    attainment_text: str = ""
    change: str = ""
    change_trend: str = ""
    change_trend_text: str = ""
    change_up: bool = False
    signal_text: str = ""
    signal_trend: str = ""
    sparkline: list = field(default_factory=list)


@dataclass
class ScorecardRow:
    """A person, a team or a segment.

    :param filters: the filters of a board that show the same values; ``None`` where there are none
    """

    id: int
    name: str
    mine: bool
    filters: dict | None
    cells: list[ScorecardCell]


class Scorecard:
    """The values of a :class:`~.context.BoardContext` below its chosen cell, all read at once.

    The first row is the chosen cell itself: its values are computed by the formula of each KPI,
    not from the rows.

    :param cards: :class:`~.cards.Cards` of the columns
    """

    def __init__(self, context, cards, arrangement):
        self.context = context
        self.env = context.env
        self.cards = cards
        self.kpis = cards.kpis
        self.arrangement = arrangement
        self.dimension = arrangement.rows
        self.field_name = f"{self.dimension}_id"
        self.level = self._level()
        #: values and goals of the period by the id of the row, and then by KPI id
        self.values, self.goals = defaultdict(dict), defaultdict(dict)
        self.owners = {}
        if context.period:
            self._read()
            self._add_zeros()
        self.order = self._sorted(self._relevant())
        self.shown = self.order if arrangement.all_rows else self.order[:FIRST_ROWS]
        self.compared_periods = cards.comparison.same_part | cards.comparison.whole
        self.value_periods = context.period | self.compared_periods
        self.earlier = self._earlier()
        self.withheld = self._withheld() if "segment" in self.level else {}
        self.empty = self._empty()
        self.signals = self._signals()

    # --- READING ---

    def _level(self):
        context = self.context
        if self.dimension == "segment":
            return "user_segment" if context.user else "team_segment" if context.team else "segment"
        return f"{self.dimension}_segment" if context.segment else self.dimension

    def _domain(self, level_field, period):
        """The domain of all rows.

        :param level_field: ``level`` of values, ``scope`` of goals
        """
        context, cell = self.context, self.context.cell
        domain = [
            ("kpi_id", "in", self.kpis.ids),
            ("period_id", "in", period.ids),
            (level_field, "=", self.level),
        ]
        if self.dimension == "segment":
            return [
                *domain,
                ("team_id", "=", cell.team_id),
                ("user_id", "=", cell.user_id),
                ("segment_id.set_id", "=", context.segment_set.id),
            ]
        domain.append(("segment_id", "=", cell.segment_id))
        if self.dimension == "user":
            if context.user:
                domain.append(("user_id", "=", context.user.id))
            elif context.team:
                domain.append(("user_id", "in", context.members(context.team).ids))
        return domain

    def _read(self):
        names = ["kpi_id", "period_id", "value", "record_count", "ahead", "version"]
        values = self.env["crm.kpi.value"].search_fetch(
            self._domain("level", self.context.period), [*names, self.field_name], order="id"
        )
        goals = self.env["crm.kpi.goal"].search(self._domain("scope", self.context.period))
        for found, rows in ((self.values, values), (self.goals, goals)):
            for row in rows:
                owner = row[self.field_name]
                self.owners[owner.id] = owner
                found[owner.id][row.kpi_id.id] = row

    def _relevant(self):
        """Ids of the rows with records or a goal in one of the columns.

        People whose team has the role of a KPI are rows also without records.
        """
        compares = self.dimension == "user"
        return [
            owner_id
            for owner_id in self.owners
            if self.goals[owner_id]
            or any(
                row.record_count
                or (compares and self.context.is_compared(row.kpi_id, owner_id, row.record_count))
                for row in self.values[owner_id].values()
            )
        ]

    def _earlier(self):
        """Values of other periods by the id of the row: dicts of ``(KPI id, period id)``.

        Those of the comparison are records, those of the sparkline are numbers.
        """
        result = defaultdict(dict)
        compared = self.compared_periods
        model = self.env["crm.kpi.value"]
        names = ["kpi_id", "period_id", "value", "record_count", "ahead", "version"]
        shown = (self.field_name, "in", self.shown)
        if compared and self.shown:
            rows = model.search_fetch(
                [*self._domain("level", compared), shown], [*names, self.field_name]
            )
            for row in rows:
                key = row.kpi_id.id, row.period_id.id
                result[row[self.field_name].id][key] = row
        self.points = defaultdict(dict)
        if self.shown and self.cards.sparkline_periods:
            # thousands of numbers, which need no records
            query = model._search([*self._domain("level", self.cards.sparkline_periods), shown])
            columns = (self.field_name, "kpi_id", "period_id", "value")
            for owner_id, kpi_id, period_id, value in self.env.execute_query(
                query.select(*(model._field_to_sql(query.table, name, query) for name in columns))
            ):
                self.points[owner_id or False][kpi_id, period_id] = value
        return result

    def _withheld(self):
        """Ids of the KPIs of which a value is withheld, by the id of the row."""
        # superuser: only that there is such a value; readers of the KPI may know that
        rows = (
            self.env["crm.kpi.value"]
            .sudo()
            .search_fetch(
                [*self._domain("level", self.context.period), ("is_hidden", "=", True)],
                ["kpi_id", self.field_name],
            )
        )
        result = defaultdict(set)
        for row in rows:
            result[row[self.field_name].id].add(row.kpi_id.id)
        return result

    def _empty(self):
        """The zeros of the shown rows without records."""
        periods = self.value_periods | self.cards.sparkline_periods
        cells = [self._owner_cell(owner_id) for owner_id in self.shown]
        return EmptyCells(self.context, self.kpis, periods, cells)

    def _add_zeros(self):
        """Add the people and teams without records to the rows of a closed period.

        Those of running periods are stored.
        """
        context, period = self.context, self.context.period
        if self.dimension == "segment" or context.segment or not context.elapsed.over:
            return
        found = {
            owner_id
            for kpi in self.kpis
            if (roles := context.members_by_role.get(kpi.compared_people))
            for owner_id in (roles.users if self.dimension == "user" else roles.teams)
        }
        if self.dimension == "user" and (context.user or context.team):
            found &= set((context.user or context.members(context.team)).ids)
        cells = {one: self._owner_cell(one) for one in {*found, *self.owners}}
        empty = EmptyCells(context, self.kpis, period, cells.values())
        for owner_id, cell in cells.items():
            known = {(kpi_id, period.id) for kpi_id in self.values[owner_id]}
            zeros = empty.values(context.at(cell, set()), known)
            for (kpi_id, _period_id), row in zeros.items():
                self.values[owner_id][kpi_id] = row
                self.owners.setdefault(owner_id, row[self.field_name])

    def _owner_cell(self, owner_id):
        if self.dimension == "user":
            return Cell(self.level, False, owner_id, self.context.cell.segment_id)
        return self.context.cell._replace(level=self.level, **{self.field_name: owner_id})

    def _signals(self):
        """The signals of the rows by KPI id and the id of the row."""
        if not self.shown:
            return {}
        domain = [
            *self._domain("level", periods_read(self.context.series)),
            (self.field_name, "in", self.shown),
        ]
        at = 2 + ["team", "user", "segment"].index(self.dimension)
        found = row_signals(self.context, self.kpis, domain)
        return {(key[0], key[at] or False): signal for key, signal in found.items()}

    # --- ORDER ---

    def _sorted(self, ids):
        """The rows in their order; *Unassigned* and rows without a value come last."""
        ids = sorted(ids, key=lambda one: self._name(one).casefold())
        sort, reverse = self.arrangement.sort, self.arrangement.reverse
        known = self.kpis.filtered(lambda kpi: str(kpi.id) == sort)
        if sort != NAME:
            by_value = known or self.kpis[:1]
            ids = self._by_value(ids, by_value, reverse and bool(known))
            if not known:
                ids.sort(key=self._urgency)
        if reverse and not known:
            ids.reverse()
        return sorted(ids, key=lambda one: not one)

    def _by_value(self, ids, kpi, reverse):
        """The rows by a KPI, the best first."""
        values = {one: self.values[one].get(kpi.id) for one in ids}
        known = [one for one in ids if values[one] and values[one].value is not False]
        best_first = kpi.direction != "decrease"
        known.sort(key=lambda one: values[one].value, reverse=best_first != reverse)
        return known + [one for one in ids if one not in set(known)]

    def _urgency(self, owner_id):
        """A key that sorts rows with the most goals off track first, then those at risk."""
        goals = self.goals[owner_id].values()
        off_track = sum(goal.status in OFF_TRACK for goal in goals)
        at_risk = sum(goal.status == "at_risk" or goal.counter_missed for goal in goals)
        return -off_track, -at_risk

    def _name(self, owner_id):
        return self.owners[owner_id].display_name or self.env._("Unassigned")

    # --- TABLE ---

    def columns(self):
        """The KPIs with a value or a goal in a row, as :class:`ScorecardColumn`."""
        common = self.cards.comparison.same_part
        return [
            ScorecardColumn(
                id=kpi.id,
                code=kpi.code,
                name=kpi.name,
                category=kpi.category_id.name,
                description=kpi.description or "",
                direction=kpi.direction,
                basis_text=self.cards.basis_name(kpi)
                if self.cards.basis_name(kpi) != common.display_name
                else "",
            )
            for kpi in self.shown_kpis
        ]

    @property
    def shown_kpis(self):
        """The columns; all if there are no rows."""
        if not self.shown:
            return self.kpis
        known = {
            kpi_id
            for owner_id in self.order
            for kpi_id, row in self.values[owner_id].items()
            if row.value is not False and row.record_count
        }
        known.update(kpi_id for owner_id in self.order for kpi_id in self.goals[owner_id])
        return self.kpis.filtered(lambda kpi: kpi.id in known)

    def total(self):
        """The chosen cell itself, as :class:`ScorecardRow`."""
        context = self.context
        owner = context.user or context.team or context.company
        names = [owner.name, *([context.segment.name] if context.segment else [])]
        cells = []
        for kpi in self.shown_kpis:
            cell = self._cell(self.cards, kpi, self.cards.signals.get(kpi.id))
            if cell.value is None and not context.may_read_value(kpi):
                cell.state = "not_available"
                cell.state_text = self.env._("You may not see this value")
            cell.sparkline = [
                number_or_none(row.value) if row else None
                for row in (
                    self.cards.values.get((kpi.id, period.id))
                    for period in self.cards.sparkline_periods
                )
            ]
            cells.append(cell)
        return ScorecardRow(0, " · ".join(names), False, context.filters.to_dict(), cells)

    def rows(self):
        """The rows that are shown, as :class:`ScorecardRow` in their order."""
        return [self._row(owner_id) for owner_id in self.shown]

    def _row(self, owner_id):
        period = self.context.period.id
        cell = self._owner_cell(owner_id)
        values = {(kpi, period): row for kpi, row in self.values[owner_id].items()}
        context = self.context.at(cell, self.withheld.get(owner_id, set()))
        values = {**self.earlier.get(owner_id, {}), **values}
        points = dict(self.points.get(owner_id, {}))
        points.update((key, 0.0) for key, row in values.items() if not row.id)
        for kpi, one in self.empty.zeros(context, values.keys() | points.keys()):
            points[kpi.id, one.id] = 0.0
            if one in self.value_periods:
                values[kpi.id, one.id] = zero_value(kpi, one, cell)
        cards = self.cards.at(
            context,
            values,
            {(kpi, period): goal for kpi, goal in self.goals[owner_id].items()},
        )
        cells = []
        for kpi in self.shown_kpis:
            cell = self._cell(cards, kpi, self.signals.get((kpi.id, owner_id)))
            cell.sparkline = [points.get((kpi.id, one.id)) for one in self.cards.sparkline_periods]
            cells.append(cell)
        return ScorecardRow(
            id=owner_id,
            name=self._name(owner_id),
            mine=self.dimension == "user" and owner_id == self.env.uid,
            filters=self._filters(owner_id),
            cells=cells,
        )

    def _filters(self, owner_id):
        if not owner_id:
            return None
        changes = {self.field_name: owner_id}
        if self.dimension != "segment":
            changes["scope"] = "team"
        return replace(self.context.filters, **changes).to_dict()

    def _cell(self, cards, kpi, signal):
        card = cards.card(kpi, brief=True)
        cell = ScorecardCell(
            kpi_id=kpi.id,
            value=card.value,
            value_text=card.value_text,
            state=card.state,
            state_text=card.state_text,
            record_count=card.record_count,
        )
        if goal := card.goal:
            cell.status, cell.status_text, cell.shape = goal.status, goal.status_text, goal.shape
            cell.counter_missed = goal.counter_missed
            cell.target_text, cell.attainment_text = goal.target_text, goal.attainment_text
        if change := card.change:
            cell.change, cell.change_up = change.short, change.up
            cell.change_trend, cell.change_trend_text = change.trend, change.trend_text
        if signal:
            cell.signal_text, cell.signal_trend = signal.text, signal.trend
        return cell

    def notes(self):
        """What the table leaves out, in sentences."""
        result = []
        left_out = self.kpis - self.shown_kpis
        if left_out:
            names = ", ".join(left_out.mapped("name"))
            texts = {
                "user": self.env._("No values per salesperson in this period: %s", names),
                "team": self.env._("No values per team in this period: %s", names),
                "segment": self.env._("No values per segment in this period: %s", names),
            }
            result.append(texts[self.dimension])
        if self.dimension == "user" and not self.context.sees_all:
            result.append(
                self.env._("You see your own values, and the totals that your team shares.")
            )
        return result

    def basis_text(self):
        """The period that most KPIs are compared with; empty where there is none."""
        return self.cards.comparison.same_part.display_name or ""
