# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One way to ask for numbers: figures by code of a KPI, period and cell, as boards show them."""

import difflib
import re
from collections import defaultdict
from dataclasses import dataclass

from odoo import fields
from odoo.exceptions import UserError

from ..periods.states import SAME_PART
from .cards import Cards
from .context import BoardContext, Cell, number_or_none
from .empty_cells import EmptyCells
from .filters import LAST_COMPLETE, RUNNING, Filters, board_address, read_id
from .header import last_day

#: Most figures in one call.
MAX_FIGURES = 10_000
#: The ids that choose a cell.
OWNERS = ("team_id", "user_id", "segment_id")
#: ``month`` is the current month, ``last_month`` the latest complete one.
_RELATIVE = re.compile(r"(last_)?(day|week|month|quarter|year|fiscal|fiscal_quarter)")


@dataclass
class FigurePeriod:
    """The period of a figure.

    :param code: language-neutral name, such as ``2026-10``, ``2026-Q4`` or ``2026``
    :param date_to: the last day
    :param state: ``open``, ``provisional`` or ``locked``
    :param timing: ``running``, ``past`` or ``future``
    """

    id: int
    code: str
    kind: str
    label: str
    date_from: str
    date_to: str
    state: str
    timing: str


@dataclass
class FigureCell:
    """Whose figure it is; ``level`` is a level of ``crm.kpi.value``."""

    company_id: int
    level: str
    team_id: int | None
    user_id: int | None
    segment_id: int | None
    name: str


@dataclass
class FigureGoal:
    """The goal of a figure.

    :param kind: see ``kind`` of ``crm.kpi.goal``
    :param attainment: a fraction of the target: 0.9 is 90 %
    :param expected: the value expected by now
    :param forecast: the value expected at the end of the period
    :param status: see ``status`` of ``crm.kpi.goal``
    :param counter_missed: whether the goal of the counter-metric is missed
    """

    id: int
    kind: str
    target: float | None
    target_text: str
    attainment: float | None
    attainment_text: str
    expected: float | None
    forecast: float | None
    forecast_text: str
    status: str
    status_text: str
    counter_missed: bool


@dataclass
class FigureChange:
    """The change of a figure against the same part of the period before.

    :param value: the earlier value
    :param trend: ``better``, ``worse``, ``same``, or ``other`` where the KPI has no good direction
    """

    value: float
    value_text: str
    text: str
    trend: str


@dataclass
class Figure:
    """The value of a KPI in a period, for a company, team, salesperson or segment.

    :param unit: see ``unit`` of ``crm.kpi``; percentages are fractions: 0.25 is 25 %
    :param direction: ``increase``, ``decrease`` or ``maintain``
    :param value: ``None`` where there is none; then ``reason`` says why
    :param text: the value with its unit, in the format of the reader
    :param record_count: number of records that the value includes
    :param state: see :class:`~.missing.CardState`
    :param reason: why there is no value, or why it is to be read with care; empty otherwise
    :param version: version of the definition of the value; ``None`` without a value
    :param is_present_definition: whether the KPI still has this definition
    :param as_of: time in UTC at which the value was computed or last checked
    :param url: address of the details on a board
    """

    code: str
    name: str
    unit: str
    direction: str
    period: FigurePeriod
    cell: FigureCell
    value: float | None
    text: str
    record_count: int
    state: str
    reason: str
    goal: FigureGoal | None
    change: FigureChange | None
    version: int | None
    is_present_definition: bool
    as_of: str | None
    url: str


def read_figures(board, kpis, periods, cells):
    """The figures of each KPI in each period and cell, in this order.

    Values, goals and reasons are those that boards show the same reader. The number of queries
    depends on the number of periods, not on that of KPIs and cells.

    :param board: a board with the defaults of the filters, in the environment of the reader
    :param periods: list of texts or ids, see :func:`find_period`
    :param cells: list of dicts with some of :data:`OWNERS`; an empty one is the company
    :return: list of :class:`Figure`
    """
    if not _is_list_of((str, int), periods):
        raise UserError(board.env._("periods: give a list, for example [“month”, “2026-Q3”]."))
    if not _is_list_of(dict, cells):
        raise UserError(
            board.env._("cells: give a list of objects; an empty object is the company.")
        )
    periods = [find_period(board, period) for period in periods]
    cells = [read_cell(board.env, cell) for cell in cells]
    if (count := len(kpis) * len(periods) * len(cells)) > MAX_FIGURES:
        raise UserError(
            board.env._(
                "%(count)s figures in one call are too many: ask for at most %(max)s.",
                count=count,
                max=MAX_FIGURES,
            )
        )
    by_period = [_Period(board, kpis, period, cells) for period in periods]
    return [one.figure(kpi, cell) for kpi in kpis for one in by_period for cell in cells]


def cell_context(board, kpi, period, cell):
    """The :class:`~.context.BoardContext` of one cell, with the checks of :func:`read_figures`.

    :param period: see :func:`find_period`
    :param cell: dict, see :func:`read_cell`
    """
    cell = read_cell(board.env, cell)
    one = _Period(board, kpi, find_period(board, period), [cell])
    return one.context.at(cell, one.withheld.get(cell, set()))


# --- WHAT IS ASKED FOR ---


def find_kpis(board, codes):
    """The published KPIs with some codes, in their order.

    :param board: as in :func:`read_figures`
    :raise UserError: names the codes that do not exist, and similar ones
    """
    env = board.env
    if not _is_list_of(str, codes):
        raise UserError(env._("codes: give a list of codes of KPIs."))
    by_code = {
        kpi.code: kpi
        for kpi in board._readable_kpis()
        if kpi.company_id in (env["res.company"], env.company)
    }
    for code in codes:
        if code in by_code:
            continue
        if similar := difflib.get_close_matches(code, by_code, 1):
            text = env._(
                "codes: there is no KPI %(code)s that you can read. Do you mean %(similar)s?",
                code=code,
                similar=similar[0],
            )
        else:
            text = env._(
                "codes: there is no KPI %s that you can read. The definition of a KPI shows its "
                "code.",
                code,
            )
        raise UserError(text)
    return env["crm.kpi"].browse([by_code[code].id for code in dict.fromkeys(codes)])


def _is_list_of(kind, items):
    return isinstance(items, list | tuple) and all(isinstance(item, kind) for item in items)


def find_period(board, period):
    """The ``crm.kpi.period`` that is asked for, of the current company.

    :param board: as in :func:`read_figures`
    :param period: ``month``, ``last_month`` and so on: the current and the latest complete period
        of a kind; a code such as ``2026-10``, ``2026-Q4``, ``2026-W44``, ``2026`` or ``2026-10-15``;
        or an id
    :raise UserError: there is no such period, or it has not begun
    """
    env = board.env
    if isinstance(period, str) and (relative := _RELATIVE.fullmatch(period)):
        found = _relative_period(board, relative[2], relative[1])
    else:
        model = env["crm.kpi.period"]
        known = [("company_id", "=", env.company.id), ("kind", "!=", SAME_PART[0])]
        # the code of a year is also a number: it comes first
        found = model.search([*known, ("name", "=", str(period))], limit=1) or model.search(
            [*known, ("id", "=", read_id(period) or 0)]
        )
    if not found:
        raise UserError(
            env._(
                "periods: %(company)s has no values of %(period)s. Give a kind such as “month” or "
                "“last_quarter”, a period such as “2026-10”, “2026-Q4” or “2026”, or an id.",
                company=env.company.name,
                period=period,
            )
        )
    if found.utc_from > fields.Datetime.now():
        raise UserError(env._("periods: %s has not begun.", found.display_name))
    return found


def _relative_period(board, kind, last):
    """The current period of a kind, or the latest complete one."""
    chosen = Filters(period_kind=kind, date=LAST_COMPLETE if last else RUNNING, scope="company")
    return BoardContext(board, chosen, board.env["crm.kpi"]).period


def read_cell(env, cell):
    """The :class:`~.context.Cell` that is asked for.

    :param cell: dict with some of :data:`OWNERS`
    :raise UserError: names what cannot be used
    """
    if unknown := set(cell) - set(OWNERS):
        raise UserError(
            env._(
                "cells: %s is not known. Use “team_id”, “user_id” and “segment_id”.",
                ", ".join(sorted(map(str, unknown))),
            )
        )
    ids = {}
    for name in OWNERS:
        ids[name] = read_id(cell.get(name)) or False
        if cell.get(name) and not ids[name]:
            raise UserError(
                env._("%(name)s: %(id)s is not an id of Odoo.", name=name, id=cell[name])
            )
    if ids["team_id"] and ids["user_id"]:
        raise UserError(env._("cells: give a salesperson or a team, not both."))
    level = "_".join(name.removesuffix("_id") for name in OWNERS if ids[name])
    return Cell(level or "company", ids["team_id"], ids["user_id"], ids["segment_id"])


# --- READING ---


class _Period:
    """The figures of one period, all read at once.

    :param cells: list of :class:`~.context.Cell`
    """

    def __init__(self, board, kpis, period, cells):
        chosen = Filters(
            period_kind=period.kind,
            date=fields.Date.to_string(period.date_from),
            date_to=last_day(period),
            scope="company",
        )
        self.context = BoardContext(board, chosen, kpis)
        if self.context.period != period:
            raise UserError(
                board.env._("periods: boards do not show %s any more.", period.display_name)
            )
        self.env = self.context.env
        self.cards = Cards(self.context, self.context.kpis)
        self.cells = list(dict.fromkeys(cells))
        self.values = self._read("crm.kpi.value", "level", self._periods())
        self.goals = self._read("crm.kpi.goal", "scope", period)
        rows = (row for found in self.values.values() for row in found.values())
        self.checked_at = self.env["crm.kpi.value"].union(*rows)._checked_at()
        self.withheld = self._withheld()
        self.empty = EmptyCells(self.context, self.context.kpis, self._periods(), self.cells)
        self.names = self._names()
        self.info = FigurePeriod(
            id=period.id,
            code=period.name,
            kind=period.kind,
            label=period.display_name,
            date_from=fields.Date.to_string(period.date_from),
            date_to=last_day(period),
            state=period.state,
            timing=self.context.timing,
        )
        self.base_url = board.get_base_url()
        self._cards_at = {}

    def _periods(self):
        comparison = self.cards.comparison
        return self.context.period | comparison.same_part | comparison.whole

    def _read(self, model, level_field, periods, *domain):
        """Records of all cells, by cell, as dict of ``(KPI id, period id)``."""
        rows = self._search(self.env[model], level_field, periods, *domain)
        found = defaultdict(dict)
        for row in rows:
            cell = Cell(row[level_field], row.team_id.id, row.user_id.id, row.segment_id.id)
            found[cell][row.kpi_id.id, row.period_id.id] = row
        return found

    def _search(self, model, level_field, periods, *domain):
        return model.search(
            [
                ("kpi_id", "in", self.context.kpis.ids),
                ("period_id", "in", periods.ids),
                *self._cells_domain(level_field),
                *domain,
            ]
        )

    def _cells_domain(self, level_field):
        ids = {name: list({getattr(cell, name) for cell in self.cells}) for name in OWNERS}
        return [
            (level_field, "in", list({cell.level for cell in self.cells})),
            *((name, "in", ids[name]) for name in OWNERS),
        ]

    def _withheld(self):
        """Ids of the KPIs of which a value is withheld, by cell."""
        if not any(cell.segment_id for cell in self.cells):
            return {}
        # superuser: only that there is such a value; readers of the KPI may know that
        values = self.env["crm.kpi.value"].sudo()
        hidden = self._search(values, "level", self.context.period, ("is_hidden", "=", True))
        found = defaultdict(set)
        for row in hidden:
            cell = Cell(row.level, row.team_id.id, row.user_id.id, row.segment_id.id)
            found[cell].add(row.kpi_id.id)
        return found

    def _names(self):
        """Names of the owners of the cells, by field and id.

        :raise UserError: one does not exist
        """
        models = {"team_id": "crm.team", "user_id": "res.users", "segment_id": "crm.kpi.segment"}
        names = {}
        for name, model in models.items():
            ids = {getattr(cell, name) for cell in self.cells} - {False}
            found = self.env[model].with_context(active_test=False).search([("id", "in", [*ids])])
            if missing := ids - set(found.ids):
                raise UserError(
                    self.env._(
                        "%(name)s: %(id)s does not exist, or you may not see it.",
                        name=name,
                        id=min(missing),
                    )
                )
            names.update({(name, record.id): record.display_name for record in found})
        return names

    def _at(self, cell):
        """The :class:`~.cards.Cards` of a cell."""
        if cell not in self._cards_at:
            context = self.context.at(cell, self.withheld.get(cell, set()))
            values = self.values.get(cell, {})
            values = {**self.empty.values(context, values), **values}
            self._cards_at[cell] = self.cards.at(context, values, self.goals.get(cell, {}))
        return self._cards_at[cell]

    def figure(self, kpi, cell):
        """The :class:`Figure` of a KPI in a cell."""
        cards = self._at(cell)
        kpi = kpi.with_env(self.env)
        card = cards.card(kpi, brief=True)
        row = cards.values.get((kpi.id, self.context.period.id))
        has_value = card.value is not None
        return Figure(
            code=kpi.code,
            name=kpi.name,
            unit=kpi.unit,
            direction=kpi.direction,
            period=self.info,
            cell=self._cell_info(cell),
            value=card.value,
            text=card.value_text,
            record_count=card.record_count,
            state=card.state,
            reason=card.state_text,
            goal=self._goal(card.goal),
            change=self._change(cards, kpi, card.change),
            version=row.version if has_value else None,
            is_present_definition=not has_value or row.version == kpi.version,
            as_of=self._as_of(row) if has_value else None,
            url=self._url(kpi, cell),
        )

    def _cell_info(self, cell):
        owners = (self.names.get((name, getattr(cell, name))) for name in OWNERS)
        return FigureCell(
            company_id=self.context.company.id,
            level=cell.level,
            team_id=cell.team_id or None,
            user_id=cell.user_id or None,
            segment_id=cell.segment_id or None,
            name=" · ".join(filter(None, owners)) or self.context.company.name,
        )

    def _goal(self, goal):
        if not goal:
            return None
        return FigureGoal(**{name: getattr(goal, name) for name in FigureGoal.__dataclass_fields__})

    def _change(self, cards, kpi, change):
        if not change:
            return None
        before = cards.earlier(kpi)
        return FigureChange(
            value=number_or_none(before.value),
            value_text=cards.context.value_text(kpi, before),
            text=change.text,
            trend=change.trend,
        )

    def _as_of(self, row):
        at = self.checked_at.get(row)  # a 0 of no records is not stored
        return at.isoformat(timespec="seconds") + "Z" if at else None

    def _url(self, kpi, cell):
        """The address of a board that opens the details with the same filters."""
        filters = Filters.of_cell(self.context.period, cell._asdict())
        return board_address(self.base_url, {"kpi_id": kpi.id, **filters.to_dict()})
