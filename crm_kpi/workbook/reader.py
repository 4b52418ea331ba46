# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Reads what a workbook shows: stored values and goals, under the rights of the reader."""

from collections import defaultdict
from datetime import datetime

from odoo import fields
from odoo.tools import SQL

from ..board import header
from ..board.empty_cells import EmptyCells
from . import words
from .formats import number_format
from .request import DIMENSIONS

_MODELS = {"team": "crm.team", "user": "res.users", "segment": "crm.kpi.segment"}


#: In place of a value that is withheld, and of its number of records.
WITHHELD = (None, None)


class Cells(dict):
    """Stored values: ``(KPI id, owner id)`` to a dict of period id to ``(value, records)``."""

    def get_row(self, kpi_id, owner_id):
        return self.get((kpi_id, owner_id), {})


class WorkbookReader:
    """The data of one workbook.

    :param context: :class:`~..board.context.BoardContext`: period, cell and rights of the reader
    :param request: :class:`~.request.WorkbookRequest`
    :param board: the board that is exported, or an empty record
    :param scorecard: the :class:`~..board.scorecard.Scorecard` that is exported, if one is
    :ivar periods: the periods side by side, oldest first
    :ivar dimensions: the dimensions that have rows below the chosen cell
    :ivar counts: number of values and goals that were read
    """

    def __init__(self, context, request, board, scorecard=None):
        self.context, self.request, self.board = context, request, board
        self.scorecard = scorecard
        self.env = context.env
        self.company = context.company
        self.kpis = context.kpis.filtered(
            lambda kpi: kpi.company_id.id in (False, self.company.id) and kpi._has_figures()
        )
        self.dimensions = [
            name for name in DIMENSIONS if name in request.dimensions and self._has_rows(name)
        ]
        self.periods = context.series[: request.periods_shown].sorted("date_from")
        self.words = words.fixed_texts(self.env)
        self.counts = {"values": 0, "goals": 0}

    def _has_rows(self, dimension):
        context = self.context
        if dimension == "team":
            return not context.team and not context.user
        if dimension == "user":
            return not context.user
        return not context.segment

    # --- VALUES ---

    def level(self, dimension):
        """The level of the values by a dimension, below the chosen cell."""
        if dimension == "segment":
            base = self.context.cell.level.split("_")[0]
            return {"team": "team_segment", "user": "user_segment"}.get(base, "segment")
        return f"{dimension}_segment" if self.context.segment else dimension

    def rows_domain(self, dimension):
        """The values by a dimension, below the chosen cell, as on the cards of a board."""
        context = self.context
        domain = [("level", "=", self.level(dimension))]
        if dimension == "segment":
            return [
                *domain,
                ("team_id", "=", context.cell.team_id),
                ("user_id", "=", context.cell.user_id),
                ("segment_id.set_id", "=", context.segment_set.id),
            ]
        domain.append(("segment_id", "=", context.segment.id))
        if dimension == "user" and context.team:
            domain.append(("user_id", "in", context.members(context.team).ids))
        return domain

    def list_domain(self):
        """The values of the layout ``list``."""
        if self.request.value_ids is not None:
            return [("id", "in", self.request.value_ids)]
        levels = [self.level(dimension) for dimension in self.dimensions]
        return [
            ("kpi_id", "in", self.kpis.ids),
            ("period_id", "in", self.periods.ids),
            ("level", "in", [*levels, self.context.cell.level]),
        ]

    def cells(self, kpis, periods, domain, owner=None):
        """Stored values as :class:`Cells`.

        :param owner: column of the owner; without one the owner id is ``None``
        """
        result = Cells()
        domain = [("kpi_id", "in", kpis.ids), ("period_id", "in", periods.ids), *domain]
        names = ["kpi_id", "period_id", owner or "company_id"]
        for kpi_id, period_id, owner_id, value, record_count in self.select(
            domain, [*names, "value", "record_count"]
        ):
            key = (kpi_id, owner_id if owner else None)
            result.setdefault(key, {})[period_id] = (value, record_count or 0)
        if owner == "segment_id" or (not owner and self.context.segment):
            for kpi_id, period_id, owner_id in self.withheld(domain, names):
                key = (kpi_id, owner_id if owner else None)
                result.setdefault(key, {})[period_id] = WITHHELD
        return result

    def add_zeros(self, cells, kpis, periods, dimension=None):
        """Add the counts and sums of no records that are 0, see :class:`~..board.empty_cells.EmptyCells`.

        :param cells: :class:`Cells`
        :param dimension: that of the owners; people who are compared become rows also without
            records. Without one: the chosen cell
        """
        known = defaultdict(set)
        for kpi_id, owner_id in cells:
            known[kpi_id].add(owner_id)
        if dimension == "user":
            for kpi, user_id in self.context.visible_without_records(self.kpis, known):
                known[kpi.id].add(user_id)
        elif not dimension:
            known = defaultdict(lambda: {None})
        owners = set().union(*(known[kpi.id] for kpi in kpis))
        if dimension:
            owners.discard(None)  # Unassigned
        owned = {owner_id: self._owner_cell(dimension, owner_id) for owner_id in owners}
        empty = EmptyCells(self.context, kpis, periods, owned.values())
        for owner_id, cell in owned.items():
            stored = {
                (kpi.id, period_id) for kpi in kpis for period_id in cells.get_row(kpi.id, owner_id)
            }
            for kpi, period in empty.zeros(self.context.at(cell, set()), stored):
                if owner_id in known[kpi.id]:
                    cells.setdefault((kpi.id, owner_id), {})[period.id] = (0.0, 0)

    def _owner_cell(self, dimension, owner_id):
        cell = self.context.cell
        if not dimension:
            return cell
        names = {"team": ("team_id",), "user": ("team_id", "user_id"), "segment": ()}[dimension]
        others = dict.fromkeys(names, False)
        return cell._replace(level=self.level(dimension), **{**others, f"{dimension}_id": owner_id})

    def withheld(self, domain, columns):
        """Columns of the values in the chosen cell that are withheld from all readers."""
        # superuser: only that there are such values, in a cell that the reader may choose
        model = self.env["crm.kpi.value"].sudo()
        query = model._search([*domain, ("is_hidden", "=", True)])
        return self.env.execute_query(
            query.select(*(SQL.identifier(model._table, column) for column in columns))
        )

    def select(self, domain, columns):
        """Columns of the values that the reader may see; no record is loaded."""
        model = self.env["crm.kpi.value"]
        query = model._search(domain)
        rows = self.env.execute_query(
            query.select(*(SQL.identifier(model._table, column) for column in columns))
        )
        self.counts["values"] += len(rows)
        return rows

    def estimate(self):
        """Rough number of cells of the workbook."""
        values = self.env["crm.kpi.value"]
        if self.request.layout == "list":
            return 9 * values.search_count(self.list_domain())
        return 3 * values.search_count(
            [
                ("kpi_id", "in", self.kpis.ids),
                ("period_id", "in", self.periods.ids),
                ("level", "in", [self.level(dimension) for dimension in self.dimensions]),
            ]
        )

    # --- GOALS ---

    def goals_by_cell(self):
        """Goals by ``(KPI id, period id, dimension, owner id)``.

        Dimension and owner are ``None`` for the chosen cell, whose goals are read for all periods.
        Goals of rows are read for the chosen period only.
        """
        cell = self.context.cell
        result = {
            (kpi_id, period_id, None, None): goal
            for (kpi_id, period_id), goal in self.context.goals(self.kpis, self.periods).items()
        }
        for dimension in self.dimensions:
            others = [f"{name}_id" for name in DIMENSIONS if name != dimension]
            goals = self.env["crm.kpi.goal"].search(
                [
                    ("kpi_id", "in", self.kpis.ids),
                    ("period_id", "=", self.context.period.id),
                    ("scope", "=", self.level(dimension)),
                    *[(name, "=", getattr(cell, name)) for name in others],
                ]
            )
            for goal in goals:
                owner = goal[f"{dimension}_id"]
                result[goal.kpi_id.id, goal.period_id.id, dimension, owner.id] = goal
        self.counts["goals"] += len(result)
        return result

    def listed_goals(self):
        """The goals of the sheet of goals."""
        model = self.env["crm.kpi.goal"]
        if self.request.goal_ids is not None:
            return model.search([("id", "in", self.request.goal_ids)])
        context = self.context
        domain = [("kpi_id", "in", self.kpis.ids), ("period_id", "=", context.period.id)]
        if context.cell.level.startswith("user"):
            domain.append(("user_id", "=", context.cell.user_id))
        elif context.cell.level.startswith("team"):
            members = context.members(context.team).ids
            domain += ["|", ("team_id", "=", context.cell.team_id), ("user_id", "in", members)]
        return model.search(domain)

    # --- TEXTS ---

    @property
    def owner_text(self):
        """Whose values the workbook shows."""
        context = self.context
        parts = [context.user.name or context.team.name, context.segment.display_name]
        return " · ".join(filter(None, parts)) or self.env._("Whole company")

    @property
    def subtitle(self):
        if chosen := self._chosen_rows():
            return self._subtitle_of(chosen)
        parts = [self.company.name]
        if self.context.period:
            parts.append(self.context.period.display_name)
            parts.append(header.period_info(self.context).elapsed_text)
        parts.append(self.owner_text)
        return " · ".join(parts)

    def _chosen_rows(self):
        """The goals or values that were chosen in a list, or ``None``."""
        if self.request.goal_ids is not None:
            return self.listed_goals()
        if self.request.value_ids is not None:
            return self.env["crm.kpi.value"].search([("id", "in", self.request.value_ids)])
        return None

    def _subtitle_of(self, rows):
        """Companies and periods of chosen goals or values; the filters of a board do not apply."""
        periods = rows.period_id.sorted("date_from")
        names = [periods[:1].display_name, periods[-1:].display_name]
        return " · ".join([*rows.company_id.mapped("name"), " – ".join(dict.fromkeys(names))])

    def owner_name(self, dimension, owner_id):
        name = owner_id and self.env[_MODELS[dimension]].browse(owner_id).display_name
        return name or self.env._("Unassigned")

    def number_format(self, kpi, currency=None):
        """Excel's number format of the values of a KPI."""
        currency = currency or self.company.currency_id
        return number_format(
            kpi.unit,
            kpi.digits,
            symbol=currency.symbol,
            before=currency.position == "before",
            decimals=currency.decimal_places,
            suffix=words.unit_texts(self.env).get(kpi.unit, ""),
        )

    def excel_moment(self, moment):
        """Excel's number for a UTC instant, in the time zone of the KPIs."""
        company = self.company.with_context(tz=self.company._kpi_tz())
        return excel_day(fields.Datetime.context_timestamp(company, moment).replace(tzinfo=None))


def adds_up(kpi):
    """Whether the values of the rows of a KPI add up to its total."""
    return kpi.kind != "formula" and kpi.aggregator in ("count", "sum", "sum_known")


def excel_day(moment):
    """Excel's number for a day or a naive local time.

    >>> excel_day(datetime(2026, 11, 22, 12))
    46348.5
    """
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)
    since = moment - datetime(1899, 12, 30)
    return since.days + since.seconds / 86400
