# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Why a KPI has no value in a period, and what the reader can do about it."""

import contextlib
import math
from collections import defaultdict
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from odoo import fields
from odoo.tools import SQL
from odoo.tools.misc import format_date

from ..definitions.first_values import first_values_text
from ..engine import formula as engine
from ..engine import periods as calendar
from ..engine.time_behaviour import time_behaviours
from ..refresh.past import unknown_until
from ..refresh.scope import crossed_levels
from .context import Cell

#: Fields of a source that must be set for values of a dimension.
_NEEDED_FIELDS = {
    "user": ("user_field",),
    "team": ("team_field",),
    "segment": ("segment_field", "partner_field"),
}


@dataclass
class Remedy:
    """A link that helps: its text, and the action that it opens."""

    text: str
    action: dict


class CardState(NamedTuple):
    """How reliable a value is, or why there is none.

    :param state: ``ok``, ``too_few``, ``stale``, ``early``, ``redefined``, ``too_early``,
        ``not_available`` or ``no_data``
    :param structural: with these settings and filters the KPI cannot have a value
    """

    state: str
    text: str = ""
    remedy: Remedy | None = None
    structural: bool = False


class Facts:
    """What the reasons rest on: read once for some KPIs, their components and periods.

    :param kpis: the KPIs that are shown
    :param cells: the cells that are asked for; ``None``: all cells of a level
    """

    def __init__(self, kpis, periods, now, cells=None):
        self.env, self.shown_kpis, self.periods = kpis.env, kpis, periods
        self.now, self.cells = now, cells
        self._rows, self._crossed = {}, {}

    def read_all_cells(self):
        """Read the components of all cells of a level, because many cells are asked for."""
        if self.cells is not None:
            self.cells, self._rows = None, {}

    # --- KPIS ---

    @cached_property
    def kpis(self):
        """The KPIs and their components."""
        # superuser: the reader may not see all components; of those only the names are shown,
        # which every reader of the formula sees
        return self.shown_kpis.sudo()._with_components()

    @cached_property
    def failing(self):
        failing = self.kpis.filtered("last_error")
        return failing._with_formula_users() if failing else failing

    @cached_property
    def behaviours(self):
        return time_behaviours(self.kpis)

    @cached_property
    def computed(self):
        """The KPIs and periods that were computed, as ``(KPI id, period id)``."""
        return set(
            self.env.execute_query(
                SQL(
                    """SELECT kpi_id, period_id FROM crm_kpi_computation
                        WHERE kpi_id = ANY(%s) AND period_id = ANY(%s)
                          AND computed_at IS NOT NULL""",
                    self.kpis.ids,
                    self._read_periods.ids,
                )
            )
        )

    @cached_property
    def first_snapshots(self):
        """The first period in which a KPI was computed, by KPI, company and kind of period."""
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT ON (c.kpi_id, p.company_id, p.kind)
                          c.kpi_id, p.company_id, p.kind, p.id
                     FROM crm_kpi_computation c JOIN crm_kpi_period p ON p.id = c.period_id
                    WHERE c.kpi_id = ANY(%s) AND p.company_id = ANY(%s) AND p.kind = ANY(%s)
                      AND c.computed_at IS NOT NULL
                    ORDER BY c.kpi_id, p.company_id, p.kind, p.date_from""",
                self.kpis.ids,
                self.periods.company_id.ids,
                list(set(self.periods.mapped("kind"))),
            )
        )
        return {tuple(key): self.periods.browse(period_id) for *key, period_id in rows}

    def crossed(self, company):
        """What the company computes at the crossed levels."""
        if company not in self._crossed:
            self._crossed[company] = crossed_levels(company, self.now)
        return self._crossed[company]

    @cached_property
    def progress(self):
        """How much of the history was read, in words; empty when it is complete."""
        # superuser: readers may know it
        return self.env["crm.kpi.backfill"].sudo()._progress_text()

    # --- COMPONENTS ---

    def period_of(self, period, shift):
        """The period or periods that a lookup function of formulas reads; ``None`` for none."""
        return self._earlier[shift].get(period) if shift in self._earlier else period

    @cached_property
    def _earlier(self):
        """Earlier periods by the lookup functions that read them."""
        shifts = {"previous", "last_year"}
        for kpi in self.kpis.filtered(lambda kpi: kpi.kind == "formula"):
            with contextlib.suppress(engine.FormulaError):
                parts = engine.parse(kpi.formula).components
                shifts |= {part.shift for part in parts if part.is_sum}
        return {shift: self.periods._lookup_periods(shift) for shift in shifts}

    @cached_property
    def _read_periods(self):
        """The periods, and those that formulas read for them."""
        earlier = (read for found in self._earlier.values() for read in found.values())
        return self.periods.union(*earlier)

    def values(self, cell):
        """Values of a cell by ``(KPI id, period id)``."""
        # superuser: only whether a component has a value, and whether it is 0
        values = self.env["crm.kpi.value"].sudo()
        return self._of_cell(values, "level", self._read_periods, cell)

    def goals(self, cell):
        """Goals of a cell, likewise."""
        # superuser: only whether there is a target
        return self._of_cell(self.env["crm.kpi.goal"].sudo(), "scope", self.periods, cell)

    def _of_cell(self, model, level_field, periods, cell):
        """The records of a cell; those of the other cells are read with it."""
        cells = self.cells
        levels = {cell.level} if cells is None else {one.level for one in cells}
        key = model._name, *sorted(levels)
        if key not in self._rows:
            domain = [
                ("kpi_id", "in", self.kpis.ids),
                ("period_id", "in", periods.ids),
                (level_field, "in", list(levels)),
            ]
            if cells is not None:
                domain += [
                    (name, "in", list({getattr(one, name) for one in cells}))
                    for name in ("team_id", "user_id", "segment_id")
                ]
            found = self._rows[key] = defaultdict(dict)
            for row in model.search(domain):
                owner = row[level_field], row.team_id.id, row.user_id.id, row.segment_id.id
                found[owner][row.kpi_id.id, row.period_id.id] = row
        return self._rows[key].get(tuple(cell), {})


class MissingValues:
    """The reasons for a :class:`~.context.BoardContext`, or for a :class:`RowContext`.

    :param facts: :class:`Facts` of the KPIs that are shown
    """

    def __init__(self, context, facts):
        self.context, self.facts = context, facts
        self.env = context.env
        self._readable = {}

    @classmethod
    def of_board(cls, context, kpis):
        """The reasons for the chosen cell of a board."""
        return cls(context, Facts(kpis, context.period, context.now, [context.cell]))

    def at(self, context):
        """The reasons for another cell of the same period."""
        self.facts.read_all_cells()
        other = copy(self)
        other.context = context
        return other

    def reason(self, kpi):
        """The :class:`CardState` of a KPI without a value in the period."""
        context = self.context
        if context.is_withheld(kpi):
            text = self.env._("Too little data in this segment to show a value")
            return CardState("too_few", text)
        none = CardState("no_data", self.env._("No records in this period"))
        return self.known_reason(kpi) or none

    def known_reason(self, kpi):
        """As :meth:`reason`; ``None`` where nothing but the records can be the reason."""
        if not self.context.period:
            return CardState("no_data", self.env._("No period has been computed yet"))
        # superuser: see Facts.kpis
        return self._not_readable(kpi) or self._of_kpi(kpi.sudo())

    def _not_readable(self, kpi):
        # superuser: the groups are compared, not shown
        key = (kpi.visibility, kpi.sudo().group_ids, self.context.cell)
        if key not in self._readable:
            self._readable[key] = self.context.may_read_value(kpi)
        if self._readable[key]:
            return None
        if not kpi._has_figures():
            text = self.env._("Only members of certain groups can read these values")
        elif kpi.visibility == "own":
            text = self.env._("Salespeople see only their own values: choose “My values”")
        else:
            text = self.env._("You see this value of your own team only")
        return CardState("not_available", text, structural=True)

    def _of_kpi(self, kpi):
        """The :class:`CardState` of a KPI; ``None`` where it has simply no records."""
        return (
            self._of_definition(kpi)
            or self._too_early(kpi)
            or self._failed(kpi)
            or self._unreliable(kpi)
            or self._not_recorded(kpi)
            or (self._of_formula(kpi) if kpi.kind == "formula" else self._not_computed(kpi))
        )

    # --- SETTINGS ---

    def _of_definition(self, kpi):
        source = kpi.source_id
        if source and source.model not in self.env:
            text = self.env._("The app it needs is not installed")
            return CardState("not_available", text, structural=True)
        if source.needs_approval:
            text = self.env._(
                "A system administrator must approve the source “%s” first", source.name
            )
            return CardState("not_available", text, structural=True)
        if kpi.kind == "formula":
            return None
        parts = self.context.cell.level.split("_")
        parts = [part for part in parts if part in _NEEDED_FIELDS]
        texts = {
            "user": self.env._("Has no values by salesperson: choose the company"),
            "team": self.env._("Has no values by team: choose the company"),
            "segment": self.env._("Has no values by segment: choose all customers"),
        }
        for part in parts:
            if not any(source[name] for name in _NEEDED_FIELDS[part]):
                return CardState("not_available", texts[part], structural=True)
        crossed = self.facts.crossed(self.context.company) if len(parts) == 2 else None
        if crossed and not crossed.has(kpi.id, self.context.period.id):
            if kpi.id in crossed.kpi_ids:
                text = self.env._(
                    "Values by salesperson or team within a segment begin %s months ago: choose the "
                    "company or all customers",
                    self.context.company.kpi_crossed_months,
                )
            else:
                text = self.env._(
                    "Has no values by salesperson or team within a segment: choose the company or "
                    "all customers"
                )
            return CardState("not_available", text, structural=True)
        return None

    # --- TIME ---

    def _too_early(self, kpi):
        context = self.context
        if not context.elapsed.begun:
            first = format_date(self.env, context.period.date_from, date_format="medium")
            return CardState("too_early", self.env._("The period begins on %s", first))
        behaviour = self.facts.behaviours[kpi]
        if behaviour.final_only and not context.elapsed.over:
            last = context.period.date_to - timedelta(days=1)
            text = self.env._(
                "Available after %s", format_date(self.env, last, date_format="medium")
            )
            return CardState("too_early", text)
        if behaviour.maturity:
            final = context.period.date_to + timedelta(days=math.ceil(behaviour.maturity))
            if calendar.local_day(context.now, context.company._kpi_tz()) < final:
                text = self.env._(
                    "Available from %s, when all records are mature",
                    format_date(self.env, final, date_format="medium"),
                )
                return CardState("too_early", text)
        return None

    def _unreliable(self, kpi):
        parts = [
            part for part in kpi._aggregates_behind() if not part._is_reliable(self.context.period)
        ]
        if not parts:
            return None
        company = self.context.company
        until = [moment for part in parts if (moment := unknown_until(part, company))]
        if until:
            day = calendar.local_day(max(until), company._kpi_tz())
            text = self.env._(
                "Known since %s: Odoo keeps no earlier values",
                format_date(self.env, day, date_format="medium"),
            )
        else:
            text = self.env._(
                "No value before %s, because older orders are missing",
                format_date(self.env, company._kpi_customers_known_from(), date_format="medium"),
            )
        return CardState("no_data", text, structural=True)

    def _not_recorded(self, kpi):
        """Of a snapshot that cannot be rebuilt: the period ended before the first refresh."""
        if kpi.kind == "formula" or not kpi._is_stock() or self._is_computed(kpi):
            return None
        if self.context.period.utc_to > self.context.now:
            return None
        period = self.context.period
        first = self.facts.first_snapshots.get((kpi.id, period.company_id.id, period.kind))
        if first and first.date_from > period.date_from:
            text = self.env._(
                "Not recorded before %s: Odoo keeps no earlier state", first.display_name
            )
        else:
            text = self.env._("Not recorded, because no refresh ran in this period")
        return CardState("no_data", text, structural=True)

    # --- COMPUTATION ---

    def _failed(self, kpi):
        if kpi not in self.facts.failing:
            return None
        text = self.env._("The computation failed: a KPI manager finds the reason in the KPI")
        return CardState("not_available", text)

    def _is_computed(self, kpi):
        return (kpi.id, self.context.period.id) in self.facts.computed

    def _not_computed(self, kpi):
        if self._is_computed(kpi):
            return None
        if progress := self.facts.progress:
            text = self.env._("The history is still being read: %s", progress)
        else:
            text = self.env._("No values yet. %s", self._first_values)
        remedy = None
        if self.env.user.has_group("crm_kpi.group_kpi_admin"):
            action = "crm_kpi.crm_kpi_health_page_action"
            remedy = Remedy(
                self.env._("Refresh now"), self.env["ir.actions.actions"]._for_xml_id(action)
            )
        return CardState("no_data", text, remedy)

    @cached_property
    def _first_values(self):
        return first_values_text(self.env)

    # --- FORMULAS ---

    def _of_formula(self, kpi):
        try:
            formula = engine.parse(kpi.formula)
        except engine.FormulaError:
            return CardState("not_available", self.env._("The formula cannot be used"))
        parts = {part.code: part for part in kpi.component_ids}
        for component in formula.components:
            if component.code not in parts:
                text = self.env._("The KPI “%s” in its formula does not exist", component.code)
                return CardState("not_available", text, structural=True)
        needed = [component for component in formula.components if component in formula.needed]
        if found := self._of_components(needed, parts):
            return found
        others = [component for component in formula.components if component not in needed]
        found = self._of_components(others, parts)
        names = {code: part.name for code, part in parts.items()}
        words = formula.divisor_in_words(names, self.env._)
        if words and (not found or self._divisor(formula, parts) == 0):
            text = self.env._("Nothing to divide by: %s is 0", words)
            return CardState("no_data", text)
        return found

    def _divisor(self, formula, parts):
        values = {
            component: self._value(component, parts[component.code])
            for component in formula.components
        }
        return formula.divisor(values, self.context.period._formula_constants())

    def _of_components(self, components, parts):
        """Why the first component has no value that has none."""
        for component in components:
            if found := self._of_component(component, parts[component.code]):
                return found
        for component in components:
            part = parts[component.code]
            if self._value(component, part) is None:
                return self._no_component_value(component, part)
        return None

    def _of_component(self, component, part):
        """Why a component has no value by its nature."""
        if component.shift == "target":
            return None if self._value(component, part) is not None else self._needs_goal(part)
        if component.shift:
            return None
        if self._value(component, part) is not None:
            return None
        found = self._of_kpi(part)
        if found and found.remedy is None:
            text = self.env._("%(kpi)s: %(reason)s", kpi=part.name, reason=found.text)
            found = found._replace(text=text)
        return found

    def _no_component_value(self, component, part):
        name = component.in_words(part.name, self.env._) if component.is_sum else part.name
        text = self.env._("%s has no value", name)
        if component.is_sum and self.context.cell.segment_id:
            text = self.env._("%s: not computed within segments", name)
        return CardState("no_data", text)

    def _needs_goal(self, part):
        """The formula compares with a target that nobody has set."""
        context = self.context
        goals = self.env["crm.kpi.goal"]
        text = self.env._("Needs a goal on %s", part.name)
        remedy = None
        readable = part.with_env(self.env)._filtered_access("read")
        if readable and goals.has_access("create"):
            cell = context.cell
            defaults = {
                "kpi_id": part.id,
                "period_id": context.period.id,
                "scope": cell.level,
                "team_id": cell.team_id,
                "user_id": cell.user_id,
                "segment_id": cell.segment_id,
            }
            action = {
                "type": "ir.actions.act_window",
                "name": self.env._("Set a goal"),
                "res_model": "crm.kpi.goal",
                "views": [[False, "form"]],
                "context": {f"default_{name}": value for name, value in defaults.items() if value},
            }
            remedy = Remedy(self.env._("Set a goal"), action)
        else:
            text = self.env._("%s: ask a sales manager to set one", text)
        return CardState("no_data", text, remedy, structural=True)

    def _value(self, component, part):
        """The value of a component of a formula; ``None`` for none."""
        if component.is_sum:
            return self._sum(component, part)
        period = self.facts.period_of(self.context.period, component.shift)
        if not period:
            return None
        key = part.id, period.id
        if component.shift == "target":
            goal = self.facts.goals(self.context.cell).get(key)
            return goal.target if goal and goal.target is not False else None
        row = self.facts.values(self.context.cell).get(key)
        if row and row.value is not False:
            return row.value
        is_zero = part._zero_in(period) and (component.shift or self._is_computed(part))
        return 0.0 if is_zero and not row else None

    def _sum(self, component, part):
        """The sum of the values of several periods; ``None`` where one was not computed."""
        cell = self.context.cell
        read = self.facts.period_of(self.context.period, component.shift)
        if not read or cell.segment_id:
            return None
        keys = [(part.id, one.id) for one in read]
        if not self.facts.computed.issuperset(keys) or not all(map(part._is_reliable, read)):
            return None
        rows = self.facts.values(cell)
        return sum(rows[key].value or 0.0 for key in keys if key in rows)


# --- LISTS ---


@dataclass
class RowContext:
    """A stored value or goal in place of the filters of a board: its reader may see it."""

    env: Any
    company: Any
    period: Any
    cell: Cell
    elapsed: Any
    now: datetime
    withheld: bool

    def is_withheld(self, kpi):
        return self.withheld

    def may_read_value(self, kpi):
        return True


def missing_texts(rows, level_field):
    """Why values or goals of a list have no value, in words, as the cards of a board say it.

    The number of queries does not grow with that of the rows.

    :param rows: records of ``crm.kpi.value`` or ``crm.kpi.goal``
    :param level_field: ``level`` of values, ``scope`` of goals
    :return: dict of row to text, without the rows that have a value or are not stored
    """
    rows = rows.filtered(lambda row: row.id and row.value is False)
    if not rows:
        return {}
    now = fields.Datetime.now()
    cells = {
        row: Cell(row[level_field], row.team_id.id, row.user_id.id, row.segment_id.id)
        for row in rows
    }
    elapsed = rows.period_id._elapsed(now)
    withheld = _withheld_cells(rows, cells)
    facts = Facts(rows.kpi_id, rows.period_id, now, list(cells.values()))
    result = {}
    for row, cell in cells.items():
        kpi, period = row.kpi_id, row.period_id
        if kpi.state != "published":
            result[row] = rows.env._("The KPI is not published")
            continue
        context = RowContext(
            env=rows.env,
            company=row.company_id,
            period=period,
            cell=cell,
            elapsed=elapsed[period],
            now=now,
            withheld=(kpi.id, period.id, *cell) in withheld,
        )
        result[row] = MissingValues(context, facts).reason(kpi).text
    return result


def _withheld_cells(rows, cells):
    """The cells of goals whose value is withheld, as ``(KPI id, period id, *cell)``."""
    segments = {cell.segment_id for cell in cells.values() if cell.segment_id}
    if not segments:
        return set()
    # superuser: only that there is such a value; readers of the goal may know that
    values = rows.env["crm.kpi.value"].sudo()
    found = values.search(
        [
            ("kpi_id", "in", rows.kpi_id.ids),
            ("period_id", "in", rows.period_id.ids),
            ("segment_id", "in", list(segments)),
            ("is_hidden", "=", True),
        ]
    )
    return {
        (
            row.kpi_id.id,
            row.period_id.id,
            *Cell(row.level, row.team_id.id, row.user_id.id, row.segment_id.id),
        )
        for row in found
    }
