# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Why a KPI has no value in a period, and what the reader can do about it."""

import math
from collections import defaultdict
from copy import copy
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import NamedTuple

from odoo.tools import SQL
from odoo.tools.misc import format_date

from ..engine import formula as engine
from ..engine import periods as calendar
from ..engine.time_behaviour import time_behaviours
from ..refresh.scope import crossed_levels

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


class MissingValues:
    """The reasons for a :class:`~.context.BoardContext`, read once for all KPIs.

    :param kpis: the KPIs that are shown
    """

    def __init__(self, context, kpis):
        self.context = context
        self.env = context.env
        self.kpis = kpis
        self._readable = {}
        #: what is read of components, by model and level
        self._read = {}
        #: the same of all cells, where many are asked for
        self._of_all_cells = None

    def at(self, context):
        """The reasons for another cell of the same period."""
        names = ["_all_kpis", "_periods", "_failing", "_computed", "_first_snapshots"]
        if "_segment" in context.cell.level:
            names.append("_crossed")
        for name in names:
            getattr(self, name)  # read once for all cells
        if self._of_all_cells is None:
            self._of_all_cells = {}
        other = copy(self)
        other.context, other._read = context, self._of_all_cells
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
        # superuser: the reader may not see all components; of those only the names are shown,
        # which every reader of the formula sees
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
        if len(parts) == 2 and not self._crossed.has(kpi.id, self.context.period.id):
            if kpi.id in self._crossed.kpi_ids:
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

    @cached_property
    def _crossed(self):
        return crossed_levels(self.context.company, self.context.now)

    # --- TIME ---

    def _too_early(self, kpi):
        context = self.context
        behaviour = time_behaviours(kpi)[kpi]
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
        known_from = self.context.company._kpi_customers_known_from()
        if not known_from or all(
            part._is_reliable(self.context.period) for part in kpi._aggregates_behind()
        ):
            return None
        text = self.env._(
            "No value before %s, because older orders are missing",
            format_date(self.env, known_from, date_format="medium"),
        )
        return CardState("no_data", text, structural=True)

    def _not_recorded(self, kpi):
        """Of a snapshot that cannot be rebuilt: the period ended before the first refresh."""
        if kpi.kind == "formula" or not kpi._is_stock() or kpi.id in self._computed:
            return None
        if self.context.period.utc_to > self.context.now:
            return None
        first = self._first_snapshots.get(kpi.id)
        if first and first.date_from > self.context.period.date_from:
            text = self.env._(
                "Not recorded before %s: Odoo keeps no earlier state", first.display_name
            )
        else:
            text = self.env._("Not recorded, because no refresh ran in this period")
        return CardState("no_data", text, structural=True)

    # --- COMPUTATION ---

    def _failed(self, kpi):
        if kpi not in self._failing:
            return None
        text = self.env._("The computation failed: a KPI manager finds the reason in the KPI")
        return CardState("not_available", text)

    def _not_computed(self, kpi):
        if kpi.id in self._computed:
            return None
        # superuser: readers may know how much of the history was read
        progress = self.env["crm.kpi.backfill"].sudo()._progress_text()
        if progress:
            text = self.env._("The history is still being read: %s", progress)
        else:
            text = self.env._("Not computed yet: the next refresh does it")
        return CardState("no_data", text)

    # --- FORMULAS ---

    def _of_formula(self, kpi):
        try:
            formula = engine.parse(kpi.formula)
        except engine.FormulaError:
            return CardState("not_available", self.env._("The formula cannot be used"))
        parts = {part.code: part for part in kpi.component_ids}
        values = {}
        for component in dict.fromkeys(formula.components):
            part = parts.get(component.code)
            if not part:
                text = self.env._("The KPI “%s” in its formula does not exist", component.code)
                return CardState("not_available", text, structural=True)
            if found := self._of_component(component, part):
                return found
            values[component] = self._value(component, part)
        missing = [component for component, value in values.items() if value is None]
        if missing:
            return self._no_component_value(parts[missing[0].code])
        if words := formula.divisor_in_words({code: part.name for code, part in parts.items()},
                                             self.env._):  # fmt: skip
            text = self.env._("Nothing to divide by: %s is 0", words)
            return CardState("no_data", text)
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

    def _no_component_value(self, part):
        text = self.env._("%s has no value", part.name)
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
        period = self._periods.get(component.shift)
        if not period:
            return None
        if component.shift == "target":
            goal = self._goals.get((part.id, period.id))
            return goal.target if goal and goal.target is not False else None
        row = self._stored.get((part.id, period.id))
        if row and row.value is not False:
            return row.value
        is_zero = part._zero_in(period) and (component.shift or part.id in self._computed)
        return 0.0 if is_zero and not row else None

    # --- WHAT IS READ ONCE ---

    @cached_property
    def _all_kpis(self):
        # superuser: see reason()
        return self.kpis.sudo()._with_components()

    @cached_property
    def _periods(self):
        """Dict of the lookup functions of formulas to the period that they read."""
        period = self.context.period
        return {
            "": period,
            "target": period,
            "previous": period._previous().get(period),
            "last_year": period._previous(years=1).get(period),
        }

    @property
    def _stored(self):
        """Values of components by ``(KPI id, period id)``."""
        # superuser: only whether a component has a value, and whether it is 0
        values = self.env["crm.kpi.value"].sudo()
        periods = self.context.period.union(*filter(None, self._periods.values()))
        return self._of_cell(values, "level", periods)

    @property
    def _goals(self):
        """Goals of components, likewise."""
        # superuser: only whether there is a target
        return self._of_cell(self.env["crm.kpi.goal"].sudo(), "scope", self.context.period)

    def _of_cell(self, model, level_field, periods):
        """Records of the components in the cell; those of all cells of a level are read at once."""
        cell = self.context.cell
        key = model._name, cell.level
        if key not in self._read:
            is_one = self._read is not self._of_all_cells
            domain = [
                ("kpi_id", "in", self._all_kpis.ids),
                ("period_id", "in", periods.ids),
                (level_field, "=", cell.level),
                *(self.context.cell_domain(level_field) if is_one else []),
            ]
            found = self._read[key] = defaultdict(dict)
            for row in model.search(domain):
                owner = row.team_id.id, row.user_id.id, row.segment_id.id
                found[owner][row.kpi_id.id, row.period_id.id] = row
        return self._read[key].get(cell[1:], {})

    @cached_property
    def _failing(self):
        failing = self._all_kpis.filtered("last_error")
        return failing._with_formula_users() if failing else failing

    @cached_property
    def _computed(self):
        """Ids of the KPIs that were computed in the period."""
        rows = self.env.execute_query(
            SQL(
                """SELECT kpi_id FROM crm_kpi_computation
                    WHERE kpi_id = ANY(%s) AND period_id = %s AND computed_at IS NOT NULL""",
                self._all_kpis.ids,
                self.context.period.id,
            )
        )
        return {kpi_id for (kpi_id,) in rows}

    @cached_property
    def _first_snapshots(self):
        """Dict of KPI id to the first period of this kind in which it was computed."""
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT ON (c.kpi_id) c.kpi_id, p.id
                     FROM crm_kpi_computation c JOIN crm_kpi_period p ON p.id = c.period_id
                    WHERE c.kpi_id = ANY(%s) AND p.company_id = %s AND p.kind = %s
                      AND c.computed_at IS NOT NULL
                    ORDER BY c.kpi_id, p.date_from""",
                self._all_kpis.ids,
                self.context.company.id,
                self.context.period.kind,
            )
        )
        periods = self.env["crm.kpi.period"]
        return {kpi_id: periods.browse(period_id) for kpi_id, period_id in rows}
