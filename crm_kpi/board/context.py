# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""From filters to stored values: which period, whose values, which customers."""

from collections import defaultdict
from copy import copy
from datetime import timedelta
from functools import cached_property
from typing import NamedTuple

from odoo import fields

from ..engine import periods as calendar
from ..goals.shares import shared_goals
from ..periods import bounds
from .empty_cells import EmptyCells, members_by_role
from .filters import LAST_COMPLETE, RUNNING, Filters
from .header import last_day

#: Periods in a sparkline.
SPARKLINE_PERIODS = 12
#: Most periods in a filter, in a trend and side by side in a workbook.
MAX_PERIODS = 24


class Cell(NamedTuple):
    """Whose values: a level of ``crm.kpi.value`` and the ids of its dimensions."""

    level: str
    team_id: int | bool
    user_id: int | bool
    segment_id: int | bool


class BreakdownRow(NamedTuple):
    """A value below the chosen cell; without ``owner_id`` that of *Unassigned*."""

    kpi_id: int
    owner_id: int | None
    value: float
    record_count: int


class Comparison(NamedTuple):
    """The period to compare with; ``same_part`` has as many working days as have elapsed."""

    same_part: object
    whole: object


class BoardContext:
    """The filters of a reader, limited to what exists and what the reader may see.

    A filter that cannot be used is replaced by the default of the board; ``notes`` then says
    so to the reader.

    :param board: the board with the defaults of the filters
    :param filters: a :class:`~.filters.Filters`
    :param kpis: the KPIs to read
    """

    def __init__(self, board, filters, kpis):
        companies = board.env.companies
        self.company = companies.filtered(lambda c: c.id == filters.company_id) or board.env.company
        self.env = board.with_company(self.company).env
        self.kpis = kpis.with_env(self.env)
        self.now = fields.Datetime.now()
        self.notes = []
        #: how goals of custom days are made, in words, by the id of the KPI
        self.goal_texts = {}
        self.sees_all = self.env.user.has_group("crm_kpi.group_kpi_user_all")
        comparisons = dict(board._fields["comparison"].selection)
        self.comparison = (
            filters.comparison if filters.comparison in comparisons else board.comparison
        )
        self._choose_period(board, filters)
        self._choose_people(board, filters)
        self._choose_segment(filters)
        self.cell = self._chosen_cell()
        #: the elapsed part of the period
        self.elapsed = self.period._elapsed(self.now).get(self.period)

    @property
    def timing(self):
        """Whether the period is ``running``, ``past`` or ``future``."""
        return "past" if self.elapsed.over else "running" if self.elapsed.begun else "future"

    @property
    def filters(self):
        """The filters that are in use, after all replacements."""
        return Filters(
            period_kind=self.period_kind,
            date=self.date,
            date_to=last_day(self.period) if self.period_kind == "custom" else None,
            comparison=self.comparison,
            company_id=self.company.id,
            scope=self.scope,
            team_id=self.team.id or None,
            user_id=self.user.id or None,
            segment_set_id=self.segment_set.id or None,
            segment_id=self.segment.id or None,
        )

    @property
    def subject(self):
        """Whose values are shown: a salesperson, a team or the company."""
        return (self.user or self.team or self.company).name

    def title(self, board):
        """The name of a board, and whose values it shows."""
        return " · ".join(filter(None, (board.name, self.subject, self.segment.name)))

    # --- PERIOD ---

    @property
    def period_kinds(self):
        """Kinds of period to choose from, as ``[key, name]``."""
        return [list(kind) for kind in self.env["crm.kpi.period"]._kinds()]

    @cached_property
    def selectable_days(self):
        """First and last day to choose custom days from: the first record, and today.

        The last day of custom days that are shown can be chosen, too.
        """
        today = calendar.local_day(self.now, self.company._kpi_tz())
        first, _after = bounds.custom_days(self.company, today)
        # the refresh creates months from the first record on
        month = self.env["crm.kpi.period"].search(
            [("company_id", "=", self.company.id), ("kind", "=", "month")],
            order="date_from",
            limit=1,
        )
        last = today
        if self.period_kind == "custom":
            last = max(today, self.period.date_to - timedelta(days=1))
        return min(last, max(first, month.date_from or first)), last

    def _choose_period(self, board, filters):
        """Set the period, the periods to choose from, and the series up to it, latest first."""
        self.period_kind = self._offered(filters.period_kind) or self._offered(board.period_kind)
        self.period_choices = self.series = self.period = self.env["crm.kpi.period"]
        # another kind of period than that of the board starts with the current one
        first = board.starts_on if self.period_kind == self._offered(board.period_kind) else RUNNING
        self.date = filters.date or first
        if self.period_kind == "custom":
            self.period = self.series = self._custom_period(filters)
            if self.period:
                return
            self.notes.append(
                self.env._("These days have not been computed yet. Choose them again.")
            )
            self.period_kind, self.date = self._offered(board.period_kind), RUNNING
        past = self._past_periods(2 * MAX_PERIODS)
        self.period_choices = past[:MAX_PERIODS]
        if self.date == LAST_COMPLETE:
            self.period = past.filtered(lambda p: p.utc_to <= self.now)[:1]
        elif self.date != RUNNING:
            day = self._known_day(filters.first_day)
            self.period = past.filtered(lambda p: p.date_from == day)
            if not self.period and day:
                past = self._past_periods(2 * MAX_PERIODS, day)
                self.period = past.filtered(lambda p: p.date_from == day)
            if not self.period:
                self.notes.append(
                    self.env._("This period has no values. The current period is shown.")
                )
        if not self.period:
            self.period, self.date = self.period_choices[:1], RUNNING
            past = self.period_choices
        self.series = self._series(past)

    def _known_day(self, day):
        """The day, ``None`` where no period can begin on it."""
        first, after = bounds.calendar_days(self.company, self.now.date())
        # the year of the first day begins earlier
        return day if day and first.replace(month=1, day=1) <= day < after else None

    def _offered(self, kind):
        """The kind if it can be chosen, else the other one with the same days, else ``None``."""
        same = {**calendar.FISCAL_KINDS, "quarter": "fiscal_quarter"}
        kinds = [key for key, _name in self.period_kinds]
        return next((key for key in (kind, same.get(kind)) if key in kinds), None)

    def _series(self, past):
        """The period and those before it without a gap, latest first."""
        by_end = {period.date_to: period for period in past}
        series = self.period
        while before := by_end.get(series[-1:].date_from):
            series += before
        return series

    def _custom_period(self, filters):
        if not filters.first_day or not filters.last_day:
            return self.env["crm.kpi.period"]
        return self.env["crm.kpi.period"].search(
            [
                ("company_id", "=", self.company.id),
                ("kind", "=", "custom"),
                ("date_from", "=", filters.first_day),
                ("date_to", "=", filters.last_day + timedelta(days=1)),
            ]
        )

    def _past_periods(self, count, day=None):
        """The latest periods of the kind that have started; with ``day``, those up to that day.

        Those of a former fiscal year, or of a former first day of the week, come last.
        """
        model = self.env["crm.kpi.period"]
        if self.period_kind in calendar.FISCAL_KINDS:
            today = calendar.local_day(self.now, self.company._kpi_tz())
            last = min(day or today, today)
            first = calendar.shift(calendar.FISCAL_KINDS[self.period_kind], last, -count)
            days = first, last + timedelta(days=1)
            periods = model._on(*model._spans(self.period_kind, *days))
            return periods + model._former_fiscal(self.period_kind, *days)
        domain = [
            ("company_id", "=", self.company.id),
            ("utc_from", "<=", self.now),
            ("kind", "=", self.period_kind),
        ]
        if day:
            domain.append(("date_from", "<=", day))
        periods = model.search_fetch(
            domain,
            ["company_id", "kind", "date_from", "date_to", "utc_from", "utc_to", "state", "name"],
            limit=count,
            order="date_from desc",
        )
        if self.period_kind != "week":
            return periods
        first_day = self.company._kpi_week_start()
        present = periods.filtered(lambda period: period.date_from.isoweekday() == first_day)
        return present + (periods - present)

    @property
    def years_before(self):
        """How many years before the period the comparison lies; 0: directly before it."""
        return 1 if self.comparison == "last_year" else 0

    def comparison_periods(self):
        """What the period is compared with, as a :class:`Comparison` of empty or single records.

        The refresh keeps a period for the same number of working days.
        """
        empty = self.period.browse()
        if not self.period:
            return Comparison(empty, empty)
        years = self.years_before
        if self.period_kind == "custom":
            return Comparison(*self.period._custom_comparison(self.elapsed, years))
        whole = self.period._previous(years=years).get(self.period, empty)
        if not whole or self.elapsed.over:
            return Comparison(whole, whole)
        return Comparison(whole._same_part(self.elapsed), whole)

    # --- PEOPLE ---

    def _choose_people(self, board, filters):
        scope = filters.scope
        if scope not in dict(board._fields["scope"].selection):
            scope = board.scope
        self.visible_teams = self._find_visible_teams()
        self.team, self.user = self.env["crm.team"], self.env["res.users"]
        if scope == "team":
            self._choose_team(filters)
            if not self.team and not self.user:
                scope = "company" if self.sees_all else "mine"
                if not self.sees_all:
                    self.notes.append(self.env._("You are in no team. Your own values are shown."))
                elif not self.visible_teams:
                    self.notes.append(
                        self.env._("There is no team. The values of the company are shown.")
                    )
        if scope == "mine":
            self.user = self.env.user
        self.scope = scope

    def _choose_team(self, filters):
        """Set the person and the team: of a person the team to which the person belongs."""
        self.user = self._find_user(filters.user_id)
        self.team = self.visible_teams.filtered(lambda team: team.id == filters.team_id)
        if self.user:
            member_of = self._memberships(
                [("user_id", "=", self.user.id), ("crm_team_id", "in", self.visible_teams.ids)]
            ).crm_team_id
            self.team = self.team & member_of or member_of[:1]
        if filters.user_id and not self.user:
            self.notes.append(self.env._("You may not see the values of this salesperson."))
        if filters.team_id and not self.team:
            self.notes.append(self.env._("You may not see the values of this team."))
        if not self.team and not self.user:
            led = self.visible_teams.filtered(lambda team: team.user_id == self.env.user)
            own = self.env.user.sale_team_id & self.visible_teams
            self.team = own or led[:1]
            # readers of all values who are in no team see a team only where they choose "Team"
            if not self.team and (filters.scope == "team" or not self.sees_all):
                self.team = self.visible_teams[:1]

    def _find_visible_teams(self):
        """All teams, or those that the reader leads or belongs to."""
        domain = [("company_id", "in", [False, self.company.id])]
        if not self.sees_all:
            user = self.env.user.id
            domain += [
                "|",
                ("user_id", "=", user),
                ("crm_team_member_all_ids", "any", [
                    ("user_id", "=", user), ("active", "=", True)]),
            ]  # fmt: skip
        return self.env["crm.team"].search_fetch(domain, ["name"])

    def _find_user(self, user_id):
        """The salesperson with an id; empty where the reader may not choose that person."""
        if not user_id or not self.sees_all:
            return self.env.user.filtered(lambda user: user.id == user_id)
        people = self._people(("user_id", "=", user_id))
        return people.with_context(active_test=False).search(
            [
                ("id", "=", user_id),
                "|",
                ("id", "in", people.ids),
                "&",
                ("active", "=", True),
                ("company_ids", "in", self.company.ids),
            ]
        )

    def selectable_users(self):
        """Names of the salespeople that the reader can choose, by id in their order."""
        if not self.sees_all:
            return {self.env.uid: self.env.user.name}
        people = self._people() | self.user
        # only ids and names, because there may be hundreds of people
        query = people.with_context(active_test=False)._search([("id", "in", people.ids)])
        columns = (people._field_to_sql(query.table, name, query) for name in ("id", "name"))
        rows = self.env.execute_query(query.select(*columns))
        return dict(sorted(rows, key=lambda row: (row[1] or "").casefold()))

    def _people(self, *domain):
        """Members of the teams, and salespeople with values in the period.

        :param domain: limits both by ``user_id``
        """
        members = self._memberships([("crm_team_id", "in", self.visible_teams.ids), *domain])
        groups = self.env["crm.kpi.value"]._read_group(
            [
                ("kpi_id", "in", self.kpis.ids),
                ("period_id", "=", self.period.id),
                ("level", "=", "user"),
                ("user_id", "!=", False),
                *domain,
            ],
            ["user_id"],
        )
        return members.user_id.union(*(user for (user,) in groups))

    def members(self, teams):
        """The salespeople of some teams."""
        model = self.env["crm.team.member"]
        # hundreds of ids, which need no records
        query = model._search([("crm_team_id", "in", teams.ids), ("user_id.active", "=", True)])
        column = model._field_to_sql(query.table, "user_id", query)
        rows = self.env.execute_query(query.select(column))
        return self.env["res.users"].browse(dict.fromkeys(user_id for (user_id,) in rows))

    def _memberships(self, domain):
        members = self.env["crm.team.member"]
        return members.search_fetch(
            [*domain, ("user_id.active", "=", True)], ["user_id", "crm_team_id"]
        )

    def is_compared(self, kpi, user_id, record_count):
        """Whether a person counts where people are compared by a KPI.

        People with own records in the period do. Without records, those do whose team has the role.
        """
        return bool(record_count) or user_id in self.compared_members(kpi)

    def compared_members(self, kpi):
        """Ids of the people who are compared by a KPI also without records."""
        roles = self.members_by_role.get(kpi.compared_people)
        return roles.users.keys() if roles else ()

    @cached_property
    def members_by_role(self):
        """See :func:`~.empty_cells.members_by_role`."""
        return members_by_role(self.company)

    # --- CUSTOMERS ---

    def _choose_segment(self, filters):
        self.segment_sets = self.env["crm.kpi.segment.set"].search_fetch(
            [("company_id", "in", [False, self.company.id])], ["name"]
        )
        self.segment_set = (
            self.segment_sets.filtered(lambda s: s.id == filters.segment_set_id)
            or self.segment_sets[:1]
        )
        self.segment = self.env["crm.kpi.segment"]
        if filters.segment_id:
            self.segment = self.segment.search(
                [("id", "=", filters.segment_id), ("set_id", "in", self.segment_sets.ids)]
            )
        if self.segment:
            self.segment_set = self.segment.set_id
        elif filters.segment_id:
            self.notes.append(
                self.env._("This segment does not exist any more. All customers are shown.")
            )

    # --- VALUES ---

    def _chosen_cell(self):
        parts = []
        if self.user:
            parts.append("user")
        elif self.team:
            parts.append("team")
        if self.segment:
            parts.append("segment")
        return Cell(
            "_".join(parts) or "company",
            False if self.user else self.team.id,
            self.user.id,
            self.segment.id,
        )

    def at(self, cell, withheld_ids):
        """The same context with another chosen cell.

        :param withheld_ids: ids of the KPIs whose value of the cell is withheld
        """
        other = copy(self)
        other.cell = cell
        other.team = self.team.browse(cell.team_id or ())
        other.user = self.user.browse(cell.user_id or ())
        other.segment = self.segment.browse(cell.segment_id or ())
        other._withheld_ids = withheld_ids
        return other

    def cell_domain(self, level_field):
        """The domain of the chosen cell.

        :param level_field: ``level`` of values, ``scope`` of goals
        """
        cell = self.cell
        return [
            (level_field, "=", cell.level),
            ("team_id", "=", cell.team_id),
            ("user_id", "=", cell.user_id),
            ("segment_id", "=", cell.segment_id),
        ]

    def values(self, kpis, periods):
        """Values of the chosen cell by ``(KPI id, period id)``.

        A value that the reader may not see is missing. A count or sum without records is 0 where
        :class:`~.empty_cells.EmptyCells` says so, although no value is stored.
        """
        domain = [
            ("kpi_id", "in", kpis.ids),
            ("period_id", "in", periods.ids),
            *self.cell_domain("level"),
        ]
        names = ["kpi_id", "period_id", "value", "record_count", "ahead", "version"]
        rows = self.env["crm.kpi.value"].search_fetch(domain, names, order="id")
        found = {(row.kpi_id.id, row.period_id.id): row for row in rows}
        return found | EmptyCells(self, kpis, periods, [self.cell]).values(self, found)

    def is_withheld(self, kpi):
        """Whether the value of the chosen segment is withheld from all readers."""
        return bool(self.segment) and kpi.id in self._withheld_ids

    @cached_property
    def _withheld_ids(self):
        """Ids of the KPIs whose value of the chosen segment is withheld."""
        # superuser: only that there is such a value; readers of the KPI may know that
        values = self.env["crm.kpi.value"].sudo()
        domain = [("period_id", "=", self.period.id), ("is_hidden", "=", True)]
        return set(values.search([*domain, *self.cell_domain("level")]).kpi_id.ids)

    def goals(self, kpis, periods):
        """Goals of the chosen cell by ``(KPI id, period id)``.

        Custom days without a goal of their own have a share of the goals of their months,
        quarters or years: a record that is not stored. :attr:`goal_texts` says how it is made.
        """
        goals = self.env["crm.kpi.goal"].search(
            [
                ("kpi_id", "in", kpis.ids),
                ("period_id", "in", periods.ids),
                *self.cell_domain("scope"),
            ]
        )
        found = {(goal.kpi_id.id, goal.period_id.id): goal for goal in goals}
        if self.period_kind == "custom" and self.period in periods:
            own = kpis.filtered(lambda kpi: (kpi.id, self.period.id) not in found)
            found |= self._shared_goals(own)
        return found

    def _shared_goals(self, kpis):
        cell = self.cell._asdict()
        cell["scope"] = cell.pop("level")
        values = {kpi_id: row for (kpi_id, _id), row in self.values(kpis, self.period).items()}
        shared = shared_goals(
            kpis.filtered(lambda kpi: not self.is_withheld(kpi)),
            self.period,
            cell,
            values,
            self.now,
        )
        self.goal_texts.update({kpi.id: share.text for kpi, share in shared.items()})
        return {(kpi.id, self.period.id): share.goal for kpi, share in shared.items()}

    def breakdown(self, kpis, dimension):
        """Values of the period below the chosen cell; of people those who are compared.

        :param dimension: ``user`` or ``segment``
        :return: dict of KPI id to list of :class:`BreakdownRow`
        """
        model = self.env["crm.kpi.value"]
        # thousands of numbers, which need no records
        query = model._search(self._breakdown_domain(kpis, dimension), order="id")
        columns = ("kpi_id", f"{dimension}_id", "value", "record_count")
        by_id = {kpi.id: kpi for kpi in kpis}
        # not in the query: PostgreSQL would read all values of each of many people
        people = set(self.members(self.team).ids) if dimension == "user" and self.team else None
        found = defaultdict(list)
        for row in self.env.execute_query(
            query.select(*(model._field_to_sql(query.table, name, query) for name in columns))
        ):
            row = BreakdownRow(*row)
            if row.value is None or (people is not None and row.owner_id not in people):
                continue
            if dimension != "user" or self.is_compared(
                by_id[row.kpi_id], row.owner_id, row.record_count
            ):
                found[row.kpi_id].append(row)
        if dimension == "user":
            self._add_zeros(kpis, found)
        return found

    def _add_zeros(self, kpis, found):
        """Add the people without records to a breakdown by people."""
        known = {kpi.id: {row.owner_id for row in found[kpi.id]} for kpi in kpis}
        for kpi, user_id in self.visible_without_records(kpis, known):
            found[kpi.id].append(BreakdownRow(kpi.id, user_id, 0.0, 0))

    def visible_without_records(self, kpis, known):
        """As :meth:`members_without_records`, of those below the chosen cell whom the reader sees."""
        if not self._adds_zeros:
            return []
        people = None if self.sees_all else {self.env.uid}
        if self.team:
            team = set(self.members(self.team).ids)
            people = team if people is None else people & team
        found = self.members_without_records(kpis, known, people)
        readable = {}
        for kpi, user_id in found:
            if kpi not in readable:  # as for the first one: all people, or only the reader
                cell = Cell("user", False, user_id, False)
                readable[kpi] = self.at(cell, set()).may_read_value(kpi)
        return [key for key in found if readable[key[0]]]

    @property
    def _adds_zeros(self):
        """Whether people without records are to be added: in running periods they are stored."""
        return bool(self.period) and self.elapsed.over and not self.segment

    def members_without_records(self, kpis, known, people=None):
        """The people who are compared in a closed period although no value of them is stored.

        :param known: ids of the people with a value, by the id of the KPI
        :param people: only these ids
        :return: list of ``(KPI, user id)``
        """
        if not self._adds_zeros:
            return []
        cells = {
            (kpi, user_id): Cell("user", False, user_id, False)
            for kpi in kpis
            for user_id in self.compared_members(kpi)
            if user_id not in known[kpi.id] and (people is None or user_id in people)
        }
        empty = EmptyCells(self, kpis, self.period, cells.values())
        return [key for key, cell in cells.items() if empty.is_zero(key[0], self.period, cell)]

    def withheld_notes(self, kpis, dimension):
        """How many values :meth:`breakdown` leaves out because they are withheld.

        :return: dict of KPI id to a sentence
        """
        if dimension == "user" and not self.segment:
            return {}
        domain = self._breakdown_domain(kpis, dimension)
        if dimension == "user" and self.team:
            domain.append(("user_id", "in", self.members(self.team).ids))
        if dimension == "user":
            cell = {"level": "user_segment", "segment_id": self.segment.id}
        else:
            cell = {
                "level": self._level_by_segment,
                "team_id": self.cell.team_id,
                "user_id": self.cell.user_id,
                "segment_id": self.segment_set.segment_ids[:1].id,
            }
        return self.notes_on_withheld(domain, cell)

    def notes_on_withheld(self, domain, cell):
        """How many values of a domain are withheld, for the KPIs of which there are some.

        :param cell: a cell of the same level; the result is empty for readers who may not read it
        :return: dict of KPI id to a sentence
        """
        model = self.env["crm.kpi.value"]
        # superuser: only how many values are withheld
        found = model.sudo()._read_group(
            [*domain, ("is_hidden", "=", True), ("value", "!=", False)], ["kpi_id"], ["__count"]
        )
        return {
            kpi.id: self.env._(
                "Values not shown: %(count)s. They rest on fewer than %(least)s records, or would "
                "reveal one that does.",
                count=count,
                least=self.company.kpi_min_cell,
            )
            for kpi, count in found
            if model._may_read(kpi.with_env(self.env), self.period, cell)
        }

    def _breakdown_domain(self, kpis, dimension):
        domain = [("kpi_id", "in", kpis.ids), ("period_id", "=", self.period.id)]
        cell = self.cell
        if dimension == "user":
            domain += [
                ("level", "=", "user_segment" if self.segment else "user"),
                ("segment_id", "=", cell.segment_id),
            ]
        else:
            domain += [
                ("level", "=", self._level_by_segment),
                ("team_id", "=", cell.team_id),
                ("user_id", "=", cell.user_id),
                ("segment_id.set_id", "=", self.segment_set.id),
            ]
        return domain

    @property
    def _level_by_segment(self):
        return "user_segment" if self.user else "team_segment" if self.team else "segment"

    def may_read_value(self, kpi):
        """Whether the reader may see the value of the chosen cell, also where there is none."""
        return self.env["crm.kpi.value"]._may_read(kpi, self.period, self.cell._asdict())

    # --- TEXTS ---

    def value_text(self, kpi, row):
        """The value of a stored row as text; a dash where there is none."""
        return self.format_value(kpi, row.value if row else None)

    def format_value(self, kpi, value):
        return kpi._format_value(value, self.company.currency_id)


def number_or_none(value):
    """A nullable number for JSON: ``None`` instead of ``False`` for no value."""
    return None if value is False else value
