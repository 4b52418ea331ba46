# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Computes the formula KPIs of a company from the stored values of their components."""

import time
from typing import NamedTuple

from odoo.exceptions import UserError
from odoo.tools import SQL

from ..engine import formula as formulas
from ..engine.time_behaviour import check_sums, time_behaviours
from ..sql import Cte, unnest, with_ctes
from .due import DueValues
from .failures import confined, note_failure, note_success
from .scope import crossed_levels, kpis_to_refresh
from .store import among, newest_restatements, same_cell
from .target import Target
from .values import note_computed, store_cells
from .withheld import may_be_withheld


class Lookup(NamedTuple):
    """Which stored number fills a component of a formula in a period.

    :param slot: position of the component in the formula, from 1
    :param what: ``value`` of the KPI, ``restated`` for the value that it would have today, or
        ``target`` of its goal
    :param source_period_id: period whose number is taken
    :param crossed: whether a missing number of a team or salesperson within a segment is known to
        be missing: these levels are computed there
    :param summed: whether it is one of several numbers that are added. A segment can have values in
        some of the periods only, so nothing is added within segments.
    """

    period_id: int
    slot: int
    what: str
    kpi_id: int
    source_period_id: int
    crossed: bool = False
    summed: bool = False


class Formulas:
    """The formula KPIs of one company.

    :param company: in the environment of the refresh
    :param now: naive UTC
    """

    def __init__(self, company, now):
        self.company = company
        self.env = company.env
        self.now = now
        self.crossed = None
        self.may_be_withheld = ()
        #: Whether no formula was left to another run.
        self.is_finished = True
        #: Seconds by the name of the KPI.
        self.seconds = {}

    def refresh(self, periods, kpis=None, seconds=None):
        """Compute the formulas whose components changed, each after those it uses.

        :param seconds: after these, the other formulas are left to another run
        :return: number of cells written
        """
        begin = time.monotonic()
        self.is_finished = False
        own = kpis_to_refresh(self.company, kpis).filtered(lambda kpi: kpi.kind == "formula")
        parsed = {}
        for kpi in own:
            try:
                parsed[kpi.code] = formulas.parse(kpi.formula)
            except formulas.FormulaError as error:
                note_failure(kpi, kpi._formula_message(error))
        order, cycle = formulas.evaluation_order(parsed)
        by_code = {kpi.code: kpi for kpi in own}
        paths = {code: formulas.cycle_through(code, parsed) for code in cycle}
        for code, path in paths.items():
            # a formula that is not in a cycle uses one that is
            path = path or next(filter(None, paths.values()))
            note_failure(by_code[code], self.env._("Circular formula: %s", " → ".join(path)))
        self.crossed = crossed_levels(self.company, self.now)
        self.may_be_withheld = may_be_withheld(self.company)
        written = 0
        for code in order:
            kpi = by_code[code]
            begin_of_kpi = time.monotonic()
            with confined(kpi):
                formula = FormulaKpi(self, kpi, parsed[code])
                written += formula.refresh(periods)
                note_success(kpi, self.now)
                self.seconds[kpi.name] = time.monotonic() - begin_of_kpi
                if seconds and formula.was_due and time.monotonic() - begin > seconds:
                    return written
        self.is_finished = True
        return written


class FormulaKpi:
    """One formula KPI in a refresh of formulas."""

    def __init__(self, run, kpi, formula):
        self.run = run
        self.env = run.env
        self.kpi = kpi
        self.formula = formula
        self.was_due = False
        self.components = {part.code: part for part in kpi._by_code(formula.codes)}
        if missing := [code for code in formula.codes if code not in self.components]:
            raise UserError(self.env._("Formula: there is no KPI %s.", ", ".join(missing)))
        try:
            check_sums(formula, self.components)
        except formulas.FormulaError as error:
            raise UserError(kpi._formula_message(error)) from error

    def refresh(self, periods):
        """Compute what is due; number of cells written."""
        sources = self._source_periods(periods)
        revisions = self._revisions(periods, sources)
        records = self._records(periods, sources, revisions)
        due = {
            key: found
            for key, found in DueValues(self.kpi, self.run.crossed, self.run.now)
            .find(periods, records)
            .items()
            if not (key[1].state == "locked" and self._waits(key[1], revisions))
        }
        self.was_due = bool(due)
        if not due:
            return 0
        due_periods = [period for _kpi, period in due]
        computed = formula_cells(
            self.formula,
            self.kpi.id,
            zeros=[
                self.components[part.code]._zero_when_empty and part.shift != "target"
                for part in self.formula.components
            ],
            crossed_period_ids=[
                period.id for period in due_periods if self.run.crossed.has(self.kpi.id, period.id)
            ],
            lookups=list(self._lookups(due, sources, revisions)),
            constants={period.id: period._formula_constants() for period in due_periods},
            additive=time_behaviours(self.kpi)[self.kpi].additive,
        )
        company = self.run.company
        versions = self._versions(due_periods, sources)
        targets = [
            Target(
                kpi_id=self.kpi.id,
                period_id=period.id,
                version=versions[period],
                locked=found.locked,
                redefined=found.redefined,
                replaced=found.replaced,
                zero_when_empty=False,
                running=period.state == "open",
            )
            for (_kpi, period), found in due.items()
        ]
        stored = store_cells(
            self.env,
            targets,
            computed,
            company.id,
            self.run.now,
            may_be_withheld=self.run.may_be_withheld,
        )
        note_computed(self.env, due, self.run.now, stored)
        return stored.written

    def _waits(self, period, revisions):
        """Whether a component has not been computed yet: it failed, or is computed elsewhere.

        Without it, the value of a locked period would be none for ever.
        """
        return any(
            (part.shift == "" or part.is_sum)
            and (kpi.id, period.id) not in revisions
            and kpi.state == "published"
            and (not kpi.source_id or kpi.source_id.model in self.env)
            for part in self.formula.components
            if (kpi := self.components[part.code])
        )

    def _source_periods(self, periods):
        """Per shift of a component a dict of each period to those whose numbers are taken."""
        shifts = {part.shift for part in self.formula.components}
        return {shift: periods._lookup_periods(shift) for shift in shifts}

    def _lookups(self, due, sources, revisions):
        """Yield the :class:`Lookup` of each component in each period that has a number.

        A locked value is compared with what it would be today: its components are taken as
        they would be today, too.
        """
        for slot, part in enumerate(self.formula.components, start=1):
            kpi = self.components[part.code]
            for (_kpi, period), found in due.items():
                if part.shift == "target":
                    yield Lookup(period.id, slot, "target", kpi.id, period.id)
                    continue
                read = sources[part.shift].get(period, period.browse())
                if not all((kpi.id, one.id) in revisions and kpi._is_reliable(one) for one in read):
                    continue
                what = "restated" if found.locked and not found.replaced else "value"
                for source in read:
                    crossed = not part.is_sum and self.run.crossed.has(kpi.id, source.id)
                    yield Lookup(
                        period.id, slot, what, kpi.id, source.id, crossed, summed=part.is_sum
                    )

    def _versions(self, periods, sources):
        """The version of the values in each period: older where a component's value is older.

        The version of a formula is at least that of each component: it grows with them.
        """
        stored = self._stored_versions(periods, sources)
        versions = {}
        for period in periods:
            behind = [0]
            for part in self.formula.components:
                kpi = self.components[part.code]
                if part.shift == "target":
                    continue
                behind += [
                    kpi.version - stored.get((kpi.id, source.id), kpi.version)
                    for source in sources[part.shift].get(period, ())
                ]
            versions[period] = self.kpi.version - max(behind)
        return versions

    # --- WHAT CHANGED ---

    def _records(self, periods, sources, revisions):
        """The part ``records`` of the cache key: how often components were computed, goals.

        :return: dict of period id to a text
        """
        goals = {}
        if any(part.shift == "target" for part in self.formula.components):
            goals = self._goal_stamps()
        settings = self.run.company._kpi_constants()
        records = {}
        for period in periods:
            parts = [f"{name}={settings[name]}" for name in self.formula.settings]
            for part in self.formula.components:
                found = goals if part.shift == "target" else revisions
                kpi = self.components[part.code]
                # None is a period that does not exist, too
                read = sources[part.shift].get(period) or [period.browse()]
                parts.append("+".join(str(found.get((kpi.id, source.id))) for source in read))
            records[period.id] = "/".join(parts)
        return records

    def _revisions(self, periods, sources):
        """How often components were computed: dict by ``(kpi id, period id)``."""
        period_ids = set(periods.ids)
        for mapping in sources.values():
            period_ids |= {period.id for read in mapping.values() for period in read}
        rows = self.env.execute_query(
            SQL(
                """SELECT kpi_id, period_id, revision FROM crm_kpi_computation
                    WHERE kpi_id = ANY(%s) AND period_id = ANY(%s)""",
                self._component_ids(),
                list(period_ids),
            )
        )
        return {(kpi_id, period_id): revision for kpi_id, period_id, revision in rows}

    def _stored_versions(self, periods, sources):
        """Versions of the components' values: dict by ``(kpi id, period id)``."""
        used = {
            source.id
            for mapping in sources.values()
            for period in periods
            for source in mapping.get(period, ())
        }
        rows = self.env.execute_query(
            SQL(
                """SELECT kpi_id, period_id, version FROM crm_kpi_value
                    WHERE kpi_id = ANY(%s) AND period_id = ANY(%s) AND level = 'company'""",
                self._component_ids(),
                list(used),
            )
        )
        return {(kpi_id, period_id): version for kpi_id, period_id, version in rows}

    def _goal_stamps(self):
        """Number and last change of the goals of components: dict by ``(kpi id, period id)``."""
        rows = self.env.execute_query(
            SQL(
                """SELECT kpi_id, period_id, count(*) || ':' || max(write_date)
                     FROM crm_kpi_goal WHERE active AND kpi_id = ANY(%s)
                    GROUP BY kpi_id, period_id""",
                self._component_ids(),
            )
        )
        return {(kpi_id, period_id): stamp for kpi_id, period_id, stamp in rows}

    def _component_ids(self):
        return [self.components[code].id for code in self.formula.codes]


# --- SQL ---


def formula_cells(formula, kpi_id, zeros, crossed_period_ids, lookups, constants, additive=False):
    """Cells of a formula KPI from the stored values of its components.

    :param zeros: per component, whether a missing value is a true zero, where the component
        is looked up at all
    :param crossed_period_ids: ids of the periods with cells at the crossed levels
    :param lookups: list of :class:`Lookup`
    :param constants: dict of period id to the constants of formulas there, by name
    :param additive: the formula is a weighted sum of values that grow with time
    :return: ``SELECT`` of the columns of a cell, with ``value``, ``record_count`` and ``ahead``
    """
    components = formula.components
    names = {name: SQL.identifier("constants", name) for name in formulas.CONSTANTS}
    ahead = SQL("NULL")
    if additive:
        # what lies ahead of a weighted sum is the same sum of what lies ahead of its parts
        ahead = formula.to_sql(
            {
                component: SQL("COALESCE(gathered.aheads[%s], 0)", slot)
                for slot, component in enumerate(components, start=1)
            },
            names,
        )
    values = {
        component: SQL(
            # a value that was never computed is unknown, which is not zero
            """COALESCE(gathered.amounts[%(slot)s],
                        CASE WHEN %(slot)s = ANY(constants.known) AND %(added)s THEN 0 END)"""
            if zero
            else "gathered.amounts[%(slot)s]",
            slot=slot,
            added=SQL("gathered.segment_id IS NULL") if component.is_sum else SQL("TRUE"),
        )
        for slot, (component, zero) in enumerate(zip(components, zeros, strict=True), start=1)
    }
    record_count = formula.sample(
        {
            component: SQL("COALESCE(gathered.record_counts[%s], 0)", slot)
            for slot, component in enumerate(components, start=1)
        },
        plus=lambda parts: SQL("(%s)", SQL(" + ").join(parts)),
        least=lambda parts: SQL("LEAST(%s)", SQL(", ").join(parts)),
    ) or SQL("0")
    return with_ctes(
        [
            lookup(lookups),
            constants_of_periods(constants, crossed_period_ids),
            restated(lookups),
            looked_up(lookups),
            gathered([component.is_sum for component in components]),
        ],
        SQL(
            """SELECT %s::int4 AS kpi_id, gathered.period_id, gathered.level, gathered.team_id,
                      gathered.user_id, gathered.segment_id, (%s)::float8 AS value,
                      (%s)::int4 AS record_count, (%s)::float8 AS ahead
                 FROM gathered
                 JOIN constants
                   ON constants.period_id = gathered.period_id
                  AND constants.crossed = (gathered.level IN ('team_segment', 'user_segment'))""",
            kpi_id,
            formula.to_sql(values, names),
            record_count,
            ahead,
        ),
    )


def lookup(lookups):
    """The fields of :class:`Lookup`."""
    return Cte("lookup", SQL("SELECT * FROM %s", unnest(Lookup, lookups, "t")))


def constants_of_periods(constants, crossed_period_ids):
    """``period_id, crossed``, the constants of formulas by name, and the slots that are ``known``.

    A slot is known where the value of its component was computed, even if a cell is missing.

    :param crossed_period_ids: only these have a row for the crossed levels
    """
    names = formulas.CONSTANTS
    return Cte(
        "constants",
        SQL(
            """SELECT t.*, crossed,
                      ARRAY(SELECT lookup.slot FROM lookup
                             WHERE lookup.period_id = t.period_id
                               AND (lookup.crossed OR NOT levels.crossed)) AS known
                 FROM unnest(%s::int4[], %s) AS t(period_id, %s)
                 JOIN (VALUES (FALSE), (TRUE)) AS levels(crossed)
                   ON NOT crossed OR period_id = ANY(%s::int4[])""",
            list(constants),
            SQL(", ").join(
                SQL("%s::float8[]", [values[name] for values in constants.values()])
                for name in names
            ),
            SQL(", ").join(SQL.identifier(name) for name in names),
            crossed_period_ids,
        ),
    )


def restated(lookups):
    """Cells of ``restated`` lookups that would be different today: the columns of a cell,
    ``value, record_count``.

    A cell that was stored since its last restatement, in a period unlocked by hand, is not one.
    """
    locked = [one for one in lookups if one.what == "restated"]
    periods = SQL("SELECT kpi_id, source_period_id FROM lookup WHERE what = 'restated'")
    return Cte(
        "restated",
        SQL(
            """SELECT newest.* FROM (%s) AS newest
                WHERE NOT EXISTS (SELECT 1 FROM crm_kpi_value AS later
                                   WHERE %s AND %s AND later.computed_at > newest.date)""",
            newest_restatements(periods, _of("last", locked)),
            _of("later", locked),
            same_cell("later", "newest"),
        ),
    )


def looked_up(lookups):
    """The stored numbers: ``period_id, slot``, the level and dimensions of a cell, ``value,
    record_count, ahead``."""
    return Cte(
        "looked_up",
        SQL(
            """SELECT lookup.period_id, lookup.slot, value.level, value.team_id, value.user_id,
                      value.segment_id, value.value, value.record_count, value.ahead
                 FROM lookup
                 JOIN crm_kpi_value value ON value.kpi_id = lookup.kpi_id
                                         AND value.period_id = lookup.source_period_id
                WHERE %(of_lookups)s
                  AND (value.segment_id IS NULL OR NOT lookup.summed)
                  AND (lookup.what = 'value'
                       OR lookup.what = 'restated'
                      AND NOT EXISTS (SELECT 1 FROM restated WHERE %(same)s))
                UNION ALL
               SELECT lookup.period_id, lookup.slot, restated.level, restated.team_id,
                      restated.user_id, restated.segment_id, restated.value,
                      restated.record_count, NULL
                 FROM lookup
                 JOIN restated ON restated.kpi_id = lookup.kpi_id
                              AND restated.period_id = lookup.source_period_id
                WHERE lookup.what = 'restated'
                  AND (restated.segment_id IS NULL OR NOT lookup.summed)
                UNION ALL
               SELECT lookup.period_id, lookup.slot, goal.scope, goal.team_id, goal.user_id,
                      goal.segment_id, goal.target, 0, NULL
                 FROM lookup
                 JOIN crm_kpi_goal goal ON goal.kpi_id = lookup.kpi_id
                                       AND goal.period_id = lookup.source_period_id
                                       AND goal.active
                WHERE lookup.what = 'target'""",
            of_lookups=_of("value", lookups),
            same=same_cell("restated", "value"),
        ),
    )


def _of(table, lookups):
    """Condition: rows are of the KPIs and periods of some lookups."""
    return among(table, {one.kpi_id for one in lookups}, {one.source_period_id for one in lookups})


def gathered(are_sums):
    """The numbers of a cell side by side: ``period_id``, level and dimensions of a cell, and
    the arrays ``amounts``, ``record_counts`` and ``aheads`` by slot.

    :param are_sums: per slot, whether its numbers are added; otherwise there is one
    """
    slots = list(enumerate(map(bool, are_sums), start=1))
    rule = {False: SQL("max"), True: SQL("sum")}
    return Cte(
        "gathered",
        SQL(
            """SELECT period_id, level, team_id, user_id, segment_id,
                      ARRAY[%s] AS amounts, ARRAY[%s] AS record_counts, ARRAY[%s] AS aheads
                 FROM looked_up
                GROUP BY period_id, level, team_id, user_id, segment_id""",
            SQL(", ").join(
                SQL("%s(value) FILTER (WHERE slot = %s)", rule[is_sum], slot)
                for slot, is_sum in slots
            ),
            SQL(", ").join(
                SQL("%s(record_count) FILTER (WHERE slot = %s)", rule[is_sum], slot)
                for slot, is_sum in slots
            ),
            SQL(", ").join(
                SQL("max(ahead) FILTER (WHERE slot = %s)", slot) for slot, _is_sum in slots
            ),
        ),
    )
