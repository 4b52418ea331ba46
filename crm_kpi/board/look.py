# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""From filters to cells: which period, whose numbers, which customers."""

from collections import namedtuple
from datetime import timedelta

from odoo import fields

from ..engine import periods as calendar

#: Periods in a sparkline.
SPARK = 12
#: Periods to choose from, and in a trend.
OFFERED = 24

#: Whose numbers: a level of the values and its dimensions as ids.
Cell = namedtuple("Cell", "level team_id user_id segment_id")


class Look:
    """The filters that were asked for, as far as they make sense and are the reader's to use.

    What could not be used is replaced by what the board begins with, and ``notes`` says so.

    :param board: the board, of which the filters are taken that were not asked for
    :param wanted: dict of filters, see :meth:`~..models.board.crm_kpi_board_read.CrmKpiBoard.get_board`
    :param kpis: what is looked at
    """

    def __init__(self, board, wanted, kpis):
        companies = board.env.companies
        self.company = (
            companies.filtered(lambda c: c.id == wanted.get("company_id")) or board.env.company
        )
        self.env = board.with_company(self.company).env
        self.kpis = kpis.with_env(self.env)
        self.now = fields.Datetime.now()
        self.notes = []
        self.sees_all = self.env.user.has_group("crm_kpi.group_kpi_user_all")
        choices = dict(board._fields["comparison"].selection)
        comparison = wanted.get("comparison")
        self.comparison = comparison if comparison in choices else board.comparison
        self._choose_period(board, wanted)
        self._choose_people(board, wanted)
        self._choose_segment(wanted)
        self.cell = self._chosen_cell()
        #: the part of the period that is gone
        self.elapsed = self.period._elapsed(self.now).get(self.period)

    # --- TIME ---

    @property
    def kinds(self):
        """Kinds of period to choose from, as ``[key, name]``."""
        model = self.env["crm.kpi.period"]
        names = dict(model._fields["kind"]._description_selection(self.env))
        return [
            *([key, names[key]] for key in calendar.CALENDAR_KINDS),
            *map(list, model._fiscal_kinds()),
            ["custom", names["custom"]],
        ]

    def _choose_period(self, board, wanted):
        """The period, those to choose from, and its series up to it, the latest first."""
        kinds = [key for key, _name in self.kinds]
        self.kind = wanted.get("period_kind")
        if self.kind in calendar.FISCAL_KINDS and self.kind not in kinds:
            self.kind = calendar.FISCAL_KINDS[self.kind]  # the same days
        if self.kind not in kinds:
            self.kind = board.period_kind
        self.offered = self.series = self.period = self.env["crm.kpi.period"]
        self.date = wanted.get("date") or "now"
        if self.kind == "custom":
            self.period = self.series = self._custom_period(wanted)
            if self.period:
                return
            self.notes.append(
                self.env._(
                    "These days have not been computed yet. Choose them once more in the filter."
                )
            )
            self.kind, self.date = board.period_kind, "now"
        past = self._past(2 * OFFERED)
        self.offered = past[:OFFERED]
        if self.date == "last":
            self.period = past.filtered(lambda p: p.utc_to <= self.now)[:1]
        elif self.date != "now":
            day = _day(self.date)
            self.period = past.filtered(lambda p: p.date_from == day)
            if not self.period and day:
                past = self._past(OFFERED, day)
                self.period = past.filtered(lambda p: p.date_from == day)
            if not self.period:
                self.notes.append(
                    self.env._("There are no numbers of that period: this is the running one.")
                )
        if not self.period:
            self.period, self.date = self.offered[:1], "now"
            past = self.offered
        self.series = past.filtered(lambda p: p.date_from <= self.period.date_from)

    def _custom_period(self, wanted):
        first, last = _day(wanted.get("date")), _day(wanted.get("date_to"))
        if not first or not last:
            return self.env["crm.kpi.period"]
        return self.env["crm.kpi.period"].search(
            [
                ("company_id", "=", self.company.id),
                ("kind", "=", "custom"),
                ("date_from", "=", first),
                ("date_to", "=", last + timedelta(days=1)),
            ]
        )

    def _past(self, count, day=None):
        """The latest periods of the kind that have begun, those until ``day`` where given."""
        model = self.env["crm.kpi.period"]
        domain = [("company_id", "=", self.company.id), ("utc_from", "<=", self.now)]
        if day:
            domain.append(("date_from", "<=", day))
        if self.kind in calendar.FISCAL_KINDS:
            today = calendar.local_day(self.now, self.company._kpi_tz())
            last = min(day or today, today)
            first = calendar.shift(calendar.FISCAL_KINDS[self.kind], last, -count)
            spans = model._fiscal_spans(self.kind, first, last + timedelta(days=1))
            return model._on("custom", spans)
        return model.search_fetch(
            [*domain, ("kind", "=", self.kind)],
            ["company_id", "kind", "date_from", "date_to", "utc_from", "utc_to", "state", "name"],
            limit=count,
            order="date_from desc",
        )

    def basis(self):
        """What the period is compared with.

        :return: ``(part, whole)``, empty where there are none: of a running period ``part`` is
            the same number of working days of the other one, kept by the refresh
        """
        empty = self.period.browse()
        if not self.period or self.kind == "custom":
            return empty, empty
        years = 1 if self.comparison == "last_year" else 0
        whole = self.period._previous(years=years).get(self.period, empty)
        if not whole or self.elapsed.over:
            return whole, whole
        return whole._same_part(self.elapsed), whole

    # --- PEOPLE ---

    def _choose_people(self, board, wanted):
        scope = wanted.get("scope")
        if scope not in dict(board._fields["scope"].selection):
            scope = board.scope
        self.teams = self._seen_teams()
        # the others are asked for once they can be chosen
        self.users = self._seen_users(wanted) if scope == "team" else self.env.user
        self.team, self.user = self.env["crm.team"], self.env["res.users"]
        if scope == "team":
            self._choose_team(wanted)
            if not self.team and not self.user:
                scope = "company" if self.sees_all else "mine"
                self.notes.append(
                    self.env._("There is no team: these are the numbers of the company.")
                    if self.sees_all
                    else self.env._("You are in no team: these are your own numbers.")
                )
        if scope == "mine":
            self.user = self.env.user
        self.scope = scope

    def _choose_team(self, wanted):
        self.user = self.users.filtered(lambda user: user.id == wanted.get("user_id"))
        self.team = self.teams.filtered(lambda team: team.id == wanted.get("team_id"))
        if wanted.get("user_id") and not self.user:
            self.notes.append(self.env._("The numbers of that salesperson are not for you."))
        if wanted.get("team_id") and not self.team:
            self.notes.append(self.env._("The numbers of that team are not for you."))
        if not self.team and not self.user:
            led = self.teams.filtered(lambda team: team.user_id == self.env.user)
            own = self.env.user.sale_team_id & self.teams
            self.team = own or led[:1] or self.teams[:1]

    def _seen_teams(self):
        """Teams whose numbers the reader may see: all, or those he leads or belongs to."""
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

    def _seen_users(self, wanted):
        """Salespeople whose numbers the reader may see: members, and who has numbers here."""
        if not self.sees_all:
            return self.env.user
        members = self.members(self.teams)
        groups = self.env["crm.kpi.value"]._read_group(
            [
                ("kpi_id", "in", self.kpis.ids),
                ("period_id", "=", self.period.id),
                ("level", "=", "user"),
                ("user_id", "!=", False),
            ],
            ["user_id"],
        )
        users = members.union(*(user for (user,) in groups))
        if wanted.get("user_id") not in (None, False, *users.ids):
            users |= users.search(
                [("id", "=", wanted["user_id"]), ("company_ids", "in", self.company.ids)]
            )
        # their names, and nothing else of hundreds of people
        users.fetch(["partner_id"])
        users.partner_id.fetch(["name"])
        return users.sorted(lambda user: (user.name or "").casefold())

    def members(self, teams):
        """The salespeople of some teams."""
        members = self.env["crm.team.member"]
        return members.search_fetch([("crm_team_id", "in", teams.ids)], ["user_id"]).user_id

    # --- CUSTOMERS ---

    def _choose_segment(self, wanted):
        self.segment_sets = self.env["crm.kpi.segment.set"].search_fetch(
            [("company_id", "in", [False, self.company.id])], ["name"]
        )
        chosen = wanted.get("segment_set_id")
        self.segment_set = (
            self.segment_sets.filtered(lambda s: s.id == chosen) or self.segment_sets[:1]
        )
        self.segment = self.env["crm.kpi.segment"]
        if wanted.get("segment_id"):
            self.segment = self.segment.search(
                [("id", "=", wanted["segment_id"]), ("set_id", "in", self.segment_sets.ids)]
            )
        if self.segment:
            self.segment_set = self.segment.set_id
        elif wanted.get("segment_id"):
            self.notes.append(self.env._("That segment is not there any more: all customers."))

    # --- CELLS ---

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

    def values(self, kpis, periods):
        """Stored cells by ids of KPI and period; absent where the reader may not look."""
        domain = [
            ("kpi_id", "in", kpis.ids),
            ("period_id", "in", periods.ids),
            *self._cell_domain("level"),
        ]
        names = ["kpi_id", "period_id", "value", "record_count"]
        rows = self.env["crm.kpi.value"].search_fetch(domain, names, order="id")
        return {(row.kpi_id.id, row.period_id.id): row for row in rows}

    def goals(self, kpis, periods):
        """Goals for the chosen cell by ids of KPI and period."""
        goals = self.env["crm.kpi.goal"].search(
            [
                ("kpi_id", "in", kpis.ids),
                ("period_id", "in", periods.ids),
                *self._cell_domain("scope"),
            ]
        )
        return {(goal.kpi_id.id, goal.period_id.id): goal for goal in goals}

    def _cell_domain(self, level):
        cell = self.cell
        return [
            (level, "=", cell.level),
            ("team_id", "=", cell.team_id),
            ("user_id", "=", cell.user_id),
            ("segment_id", "=", cell.segment_id),
        ]

    def breakdown(self, kpis, part):
        """Cells of the period below the chosen one, by ``user`` or by ``segment``."""
        domain = [("kpi_id", "in", kpis.ids), ("period_id", "=", self.period.id)]
        cell = self.cell
        if part == "user":
            domain += [
                ("level", "=", "user_segment" if self.segment else "user"),
                ("segment_id", "=", cell.segment_id),
            ]
            if self.team:
                domain.append(("user_id", "in", self.members(self.team).ids))
        else:
            level = "user_segment" if self.user else "team_segment" if self.team else "segment"
            domain += [
                ("level", "=", level),
                ("team_id", "=", cell.team_id),
                ("user_id", "=", cell.user_id),
                ("segment_id.set_id", "=", self.segment_set.id),
            ]
        names = ["kpi_id", "value", "record_count", f"{part}_id"]
        rows = self.env["crm.kpi.value"].search_fetch(domain, names, order="id")
        return rows.filtered(lambda row: row.value is not False)

    def may_see(self, kpi):
        """Whether the number of the chosen cell is the reader's to see, or there is none."""
        domain = [
            ("kpi_id", "=", kpi.id),
            ("period_id", "=", self.period.id),
            *self._cell_domain("level"),
        ]
        values = self.env["crm.kpi.value"]
        # superuser: whether there is a number, to compare with what the record rules leave
        return bool(
            values.search_count(domain, limit=1) or not values.sudo().search_count(domain, limit=1)
        )

    def text(self, kpi, row):
        """The value of a cell as people read it."""
        return self.worded(kpi, row.value if row else None)

    def worded(self, kpi, value):
        return kpi._format_value(value, self.company.currency_id)


def _day(text):
    """A day of the filters; what is no date is none."""
    try:
        return fields.Date.to_date(text or None)
    except (TypeError, ValueError):
        return None


def number(value):
    """A nullable number for JSON, where no value is ``null``."""
    return None if value is False else value
