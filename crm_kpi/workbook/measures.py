# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The KPIs of a workbook over its periods: the chosen cell, and the rows below it."""

from collections import defaultdict
from dataclasses import replace

from ..board.context import number_or_none
from ..board.signals import card_signals
from ..board.versions import change_text, changes_of_version
from ..engine import formula as engine
from ..engine import pace
from ..engine.time_behaviour import time_behaviours
from . import content as wb
from .places import places
from .reader import WITHHELD, adds_up


class Measures:
    """Builds a :class:`~.content.Measure` for each KPI; reads all KPIs at once.

    :param reader: :class:`~.reader.WorkbookReader`
    """

    def __init__(self, reader):
        self.reader = reader
        self.env = reader.env
        self.kpis = reader.kpis
        self.formulas = {kpi: _usable_formula(kpi) for kpi in self.kpis}
        self.components = self._find_components()
        self._read_total()

    def build(self, first):
        """The measures by the id of the KPI.

        :param first: index of the first period that is shown; the reader has those from then on
        """
        self.reader.periods = self.reader.periods[first:]
        self._read_rows()
        return {kpi.id: self._measure(kpi) for kpi in self.kpis}

    @property
    def first_known(self):
        """Index of the first period with a value; ``None`` without any."""
        known = {
            period_id
            for kpi in self.kpis
            for period_id, (value, _count) in self.total.get_row(kpi.id, None).items()
            if value is not None
        }
        periods = self.reader.periods
        return next((i for i, period in enumerate(periods) if period.id in known), None)

    # --- READING ---

    def _find_components(self):
        """The components of the formulas that the reader may see, by code."""
        codes = {c.code for found in self.formulas.values() if found for c in found.components}
        components = (
            self.env["crm.kpi"]
            .with_context(active_test=False)
            .search([("code", "in", list(codes))])
        )
        return {kpi.code: kpi for kpi in components}

    def _read_total(self):
        """Read the values of the chosen cell."""
        reader = self.reader
        self.all_kpis = self.kpis.union(*self.components.values())
        periods = reader.periods
        #: the period of a component by the period of the formula, for each shift
        self.shifted = {
            "": dict(zip(periods, periods, strict=True)),
            "previous": periods._previous(),
            "last_year": periods._previous(years=1),
        }
        self.read_periods = periods.union(
            *(period for mapped in self.shifted.values() for period in mapped.values())
        )
        domain = reader.context.cell_domain("level")
        self.total = reader.cells(self.all_kpis, self.read_periods, domain)
        reader.add_zeros(self.total, self.all_kpis, self.read_periods)

    def _read_rows(self):
        """Read what is below the chosen cell, goals, and what else the shown periods have."""
        reader = self.reader
        self.ahead = self._read_ahead()
        self.stored = reader.context.values(self.kpis, reader.periods)
        self.rows = {}
        for dimension in reader.dimensions:
            domain = reader.rows_domain(dimension)
            cells = reader.cells(self.all_kpis, self.read_periods, domain, f"{dimension}_id")
            reader.add_zeros(cells, self.all_kpis, self.read_periods, dimension)
            self.rows[dimension] = cells
        self.goals = reader.goals_by_cell()
        self.signals = card_signals(reader.context, self.kpis)
        self.heat = self._heat_maps()
        self.behaviours = time_behaviours(self.kpis)
        self.elapsed = reader.periods._elapsed(reader.context.now)
        self.constants = [period._formula_constants() for period in reader.periods]

    def _read_ahead(self):
        """The part of the values of running periods that is dated ahead, by KPI and period id."""
        reader = self.reader
        running = reader.periods.filtered(lambda period: period.utc_to > reader.context.now)
        rows = reader.select(
            [
                ("kpi_id", "in", self.kpis.ids),
                ("period_id", "in", running.ids),
                ("ahead", "!=", False),
                *reader.context.cell_domain("level"),
            ],
            ["kpi_id", "period_id", "ahead"],
        )
        return {(kpi_id, period_id): ahead for kpi_id, period_id, ahead in rows}

    # --- A KPI ---

    def _measure(self, kpi):
        reader, periods = self.reader, self.reader.periods
        formula = self.formulas[kpi]
        if formula and any(code not in self.components for code in formula.codes):
            formula = None  # the reader may not see all of its components
        parts = [(c.code, c.shift) for c in formula.components] if formula else []
        goals = [self.goals.get((kpi.id, period.id, None, None)) for period in periods]
        stored = self.total.get_row(kpi.id, None)
        total = self._row(
            kpi, reader.owner_text, self.total, None, goals[-1] if goals else None, parts
        )
        return wb.Measure(
            key=kpi.id,
            name=kpi.name,
            about=" ".join([_about(kpi), *self._redefined(kpi), *self._unusual(kpi)]),
            category=kpi.category_id.name,
            number_format=reader.number_format(kpi),
            part_formats={part: reader.number_format(self.components[part[0]]) for part in parts},
            direction=kpi.direction,
            unit=kpi.unit,
            whole=total,
            targets=[number_or_none(goal.target) if goal else None for goal in goals],
            forecasts=self._forecasts(kpi, total.values),
            counts=[stored.get(period.id, (None, None))[1] for period in periods],
            blocks=[
                wb.Block(dimension, reader.words[dimension], self._rows(kpi, dimension, parts))
                for dimension in reader.dimensions
            ],
            formula=formula,
            constants=self.constants,
            part_names={part: self._part_name(*part) for part in parts},
            summable=adds_up(kpi),
            part_summable={part: adds_up(self.components[part[0]]) for part in parts},
            heat=self.heat.get(kpi.id) if reader.context.cell.level == "company" else None,
        )

    def _forecasts(self, kpi, values):
        """The forecast of each period that is not over, ``None`` for the others."""
        behaviour, now = self.behaviours[kpi], self.reader.context.now
        return [
            pace.project(
                value,
                self.elapsed[period],
                behaviour.additive,
                self.ahead.get((kpi.id, period.id), 0.0),
            )
            if period.utc_to > now and not behaviour.final_only and value is not None
            else None
            for period, value in zip(self.reader.periods, values, strict=True)
        ]

    def _redefined(self, kpi):
        """That the definition changed, once for each change, in words."""
        rows = [self.stored.get((kpi.id, period.id)) for period in self.reader.periods]
        return [f"{change_text(self.env, period)}." for period in changes_of_version(rows)]

    def _unusual(self, kpi):
        """The signal of a KPI, in a sentence."""
        return [f"{self.signals[kpi.id].text}."] if kpi.id in self.signals else []

    def _part_name(self, code, shift):
        name = self.components[code].name
        if shift == "previous":
            return self.env._("%s, previous period", name)
        if shift == "last_year":
            return self.env._("%s, last year", name)
        return name

    # --- ROWS ---

    def _rows(self, kpi, dimension, parts):
        """Rows of a dimension, best value of the last period first."""
        cells, period = self.rows[dimension], self.reader.context.period
        rows = []
        for owner_id in {owner for kpi_id, owner in cells if kpi_id == kpi.id}:
            goal = owner_id and self.goals.get((kpi.id, period.id, dimension, owner_id))
            name = self.reader.owner_name(dimension, owner_id)
            rows.append(self._row(kpi, name, cells, owner_id, goal, parts))
        sign = 1 if kpi.direction == "decrease" else -1

        def rank(row):
            last = row.values[-1] if row.values else None
            return (float("inf") if last is None else sign * last, row.label.casefold())

        return sorted(rows, key=rank)

    def _row(self, kpi, label, cells, owner_id, goal, parts):
        context = self.reader.context
        stored = cells.get_row(kpi.id, owner_id)
        values = [stored.get(period.id, (None, 0))[0] for period in self.reader.periods]
        notes = {
            index: self.env._("too little data")
            for index, period in enumerate(self.reader.periods)
            if stored.get(period.id) == WITHHELD
        }
        return wb.Row(
            label=label or "",
            values=values,
            notes=notes,
            parts={part: self._part_values(*part, cells, owner_id, notes) for part in parts},
            record_count=stored.get(context.period.id, (None, 0))[1] if context.period else 0,
            target=number_or_none(goal.target) if goal else None,
            attainment=number_or_none(goal.attainment) if goal else None,
            status=goal.status if goal else "",
            status_text=goal.status_text if goal else "",
        )

    def _part_values(self, code, shift, cells, owner_id, notes):
        """Values of a component; withheld where the value of the formula is withheld."""
        component = self.components[code]
        stored = cells.get_row(component.id, owner_id)
        empty = 0.0 if component._zero_when_empty else None
        mapped = self.shifted[shift]
        return [
            stored.get(mapped[period].id, (empty, 0))[0]
            if period in mapped and index not in notes
            else None
            for index, period in enumerate(self.reader.periods)
        ]

    # --- SALESPEOPLE BY SEGMENTS ---

    def _heat_maps(self):
        """Salespeople by segments in the chosen period: KPI id to ``(segment names, rows)``."""
        reader, context = self.reader, self.reader.context
        if not context.period or not {"user", "segment"} <= set(reader.dimensions):
            return {}
        members = context.members(context.team).ids if context.team else None
        domain = [
            ("kpi_id", "in", self.kpis.ids),
            ("period_id", "=", context.period.id),
            ("level", "=", "user_segment"),
            ("segment_id.set_id", "=", context.segment_set.id),
            *([("user_id", "in", members)] if members is not None else []),
        ]
        found = reader.select(domain, ["kpi_id", "user_id", "segment_id", "value"])
        by_kpi = defaultdict(dict)
        for kpi_id, user_id, segment_id, value in found:
            by_kpi[kpi_id][user_id, segment_id] = value
        people = {(kpi_id, user_id) for kpi_id, user_id, *_rest in found}
        for kpi_id, user_id, segment_id in reader.withheld(
            domain, ["kpi_id", "user_id", "segment_id"]
        ):
            if (kpi_id, user_id) in people:
                by_kpi[kpi_id][user_id, segment_id] = self.env._("too little data")
        segments = self.env["crm.kpi.segment"].browse({row[2] for row in found})
        segments = segments.sorted(lambda segment: (segment.sequence, segment.name or ""))
        return {
            kpi.id: ([segment.name for segment in segments], self._heat_rows(kpi, cells, segments))
            for kpi in self.kpis
            if (cells := by_kpi.get(kpi.id))
        }

    def _heat_rows(self, kpi, cells, segments):
        names = {user: self.reader.owner_name("user", user) for user, _segment in cells}
        rows = []
        for user_id in sorted(names, key=lambda user: names[user].casefold()):
            values = [cells.get((user_id, segment.id)) for segment in segments]
            rows.append((names[user_id], values))
        return rows


def build_measures(reader):
    """The measures of a workbook in their order: of each KPI, and of cards with own filters.

    Afterwards the periods of the reader start with the first one that has a value.
    """
    found = [place for place in places(reader, own_periods=False) if not place.refusal]
    readers = dict.fromkeys([reader, *(place.reader for place in found)])
    measures = {one: Measures(one) for one in readers}
    known = [one.first_known for one in measures.values()]
    first = min((index for index in known if index is not None), default=0)
    built = {one: of_reader.build(first) for one, of_reader in measures.items()}
    return [
        replace(built[place.reader][place.kpi.id], key=place.key, name=place.name)
        for place in found
    ]


def group_by_sheet(measures, layout):
    """The sheets of KPIs as ``(name, measures)``: one for each KPI or category."""
    if layout == "kpi":
        return [(measure.name, [measure]) for measure in measures]
    by_category = defaultdict(list)
    for measure in measures:
        by_category[measure.category].append(measure)
    return list(by_category.items())


def _usable_formula(kpi):
    """The parsed formula if its components are values, else ``None``."""
    if kpi.kind != "formula":
        return None
    try:
        parsed = engine.parse(kpi.formula)
    except engine.FormulaError:
        return None
    shifts = {component.shift for component in parsed.components}
    return parsed if shifts <= {"", "previous", "last_year"} else None


def _about(kpi):
    directions = dict(kpi._fields["direction"]._description_selection(kpi.env))
    units = dict(kpi._fields["unit"]._description_selection(kpi.env))
    parts = [kpi.computation_text, units[kpi.unit], directions[kpi.direction], kpi.description]
    return " · ".join(part for part in parts if part).replace("\n", " ")[:300]
