# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The values that a KPI would have, from the records that a user may read. Nothing is stored."""

from typing import NamedTuple

from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..engine import formula as engine
from ..engine.cells import cells
from ..refresh.by_segment import SetRow, facts_by_segment
from ..refresh.failures import told_to_reader


class Number(NamedTuple):
    """A value, and the number of records behind it."""

    value: float | None
    record_count: int


NOTHING = Number(None, 0)
ZERO = Number(0.0, 0)


class Key(NamedTuple):
    """Whose value: of the company, or of a salesperson or a segment with an id, in a period."""

    period_id: int
    level: str = "company"
    record_id: int | None = None


class PreviewValues:
    """Computes values of KPIs for a user.

    :param env: of the user
    :param company: in an environment of the superuser, for its settings
    :param segment_set: whose segments are shown; may be empty
    :param now: naive UTC
    """

    def __init__(self, env, company, segment_set, now):
        self.env = env
        self.company = company
        self.segment_set = segment_set
        self.now = now

    def numbers(self, kpi, periods, split):
        """Values of a KPI, which can be unsaved.

        :param periods: with a value of the company
        :param split: those of them with values of salespeople and segments, too; may be empty
        :return: dict of :class:`Key` to :class:`Number`
        """
        known = periods.filtered(lambda period: self.has_value(kpi, period))
        if not known:
            return {}
        if kpi.kind == "formula":
            return self._of_formula(kpi, known, split & known)
        return self._of_records(kpi, known, split & known)

    def has_value(self, kpi, period):
        """Whether a KPI can have a value in a period, with or without records."""
        if kpi.complete_only and period.utc_to > self.now:
            return False
        if kpi._is_stock() and not period.utc_from <= self.now < period.utc_to:
            return False
        # superuser: when the customers are known is a setting of the company
        return kpi._is_reliable(period.sudo())

    # --- FROM RECORDS ---

    def _of_records(self, kpi, periods, split):
        numbers = dict.fromkeys(map(Key, periods.ids), ZERO) if kpi._zero_when_empty else {}
        numbers |= self._select(kpi, periods, ["company"])
        if split:
            numbers |= self._select(kpi, split, ["user", "segment"])
        return numbers

    def _select(self, kpi, periods, levels):
        # superuser: settings of the company; which records count is up to the rights of the user
        plan = kpi.source_id._plan(self.company, periods.sudo(), self.now, kpi, reader=self.env)
        by_segment = None
        if "segment" in levels and (unknown := self.segment_set.unknown_segment_id):
            sets = [SetRow(self.segment_set.id, unknown.id)]
            by_segment = facts_by_segment(plan, sets, self.company.id)
        with told_to_reader(self.env):
            rows = self.env.execute_query(
                SQL(
                    """WITH facts AS (%s)
                       SELECT period_id, level, COALESCE(user_id, segment_id), value, record_count
                         FROM (%s) AS cell WHERE level = ANY(%s)""",
                    plan.facts(),
                    cells(plan, by_segment),
                    levels,
                )
            )
        return {Key(*key): Number(value, count) for *key, value, count in rows}

    # --- FROM COMPONENTS ---

    def _of_formula(self, kpi, periods, split):
        """The values of a formula from those of its components, as a refresh computes them."""
        formula = parse(kpi)
        components = self.components(kpi, periods, split)
        keys = set(map(Key, periods.ids))
        for _component, numbers in components.values():
            keys |= {key for key in numbers if key.level != "company"}
        constants = {period.id: period._formula_constants() for period in periods}
        result = {}
        for key in keys:
            found = {
                part: _number_at(part, component, numbers, key)
                for part, (component, numbers) in components.items()
            }
            value = formula.evaluate(
                {part: number.value for part, number in found.items()}, constants[key.period_id]
            )
            counts = {part: number.record_count for part, number in found.items()}
            result[key] = Number(value, formula.sample(counts) or 0)
        return result

    def components(self, kpi, periods, split):
        """The components of a formula, with their numbers in the periods in which they are used.

        :return: dict of :class:`~..engine.formula.Component` to its KPI and a dict of :class:`Key`
            to :class:`Number`
        """
        result = {}
        for part in parse(kpi).components:
            component = kpi._by_code([part.code])
            result[part] = component, self._of_component(part, component, periods, split)
        return result

    def _of_component(self, part, component, periods, split):
        if part.shift == "target":
            return self._targets(component, periods)
        sources = periods._lookup_periods(part.shift)
        used = periods.browse().union(*sources.values())
        of_split = split.browse().union(*(read for one, read in sources.items() if one in split))
        numbers = self._stored_or_computed(component, used, of_split)
        result = {}
        for period, read in sources.items():
            whole = [numbers.get(Key(one.id), NOTHING).value for one in read]
            if part.is_sum and None in whole:
                continue
            for key, number in numbers.items():
                at = key._replace(period_id=period.id)
                if key.period_id not in read.ids or not _is_read(part, at, split):
                    continue
                result[at] = _added(result[at], number) if at in result else number
        return result

    def _stored_or_computed(self, kpi, periods, split):
        """Stored values where they are, else those that a refresh would compute now."""
        values = self.env["crm.kpi.value"]
        stored = periods.browse()
        cell = {"level": "company"}
        if periods and kpi.state == "published" and values._may_read(kpi, periods[0], cell):
            domain = [("kpi_id", "=", kpi.id), ("period_id", "in", periods.ids)]
            stored = self.env["crm.kpi.computation"].search(domain).period_id
        missing = periods - stored
        numbers = self.numbers(kpi, missing, split & missing)
        if kpi._zero_when_empty:
            with_value = stored.filtered(lambda period: self.has_value(kpi, period))
            numbers |= dict.fromkeys(map(Key, with_value.ids), ZERO)
        of_company = Domain("period_id", "in", stored.ids) & Domain("level", "=", "company")
        of_set = Domain("level", "=", "segment") & Domain(
            "segment_id.set_id", "=", self.segment_set.id
        )
        of_split = Domain("period_id", "in", (split & stored).ids) & (
            Domain("level", "=", "user") | of_set
        )
        for row in values.search(Domain("kpi_id", "=", kpi.id) & (of_company | of_split)):
            key = Key(row.period_id.id, row.level, (row.user_id or row.segment_id).id or None)
            value = None if row.value is False else row.value
            numbers[key] = Number(value, row.record_count)
        return numbers

    def _targets(self, kpi, periods):
        goals = self.env["crm.kpi.goal"].search(
            [
                ("kpi_id", "=", kpi.id),
                ("period_id", "in", periods.ids),
                ("scope", "=", "company"),
            ]
        )
        return {Key(goal.period_id.id): Number(goal.target, 0) for goal in goals}


def parse(kpi):
    """The formula of a KPI.

    :raise UserError: why it cannot be read, in words
    """
    try:
        return engine.parse(kpi.formula)
    except engine.FormulaError as error:
        raise UserError(kpi._formula_message(error)) from error


def _is_read(part, key, split):
    """Whether the number of a component is read: nothing is added within segments."""
    if key.level == "company":
        return True
    return key.period_id in split.ids and not (part.is_sum and key.level == "segment")


def _added(one, other):
    return Number(one.value + other.value, one.record_count + other.record_count)


def _number_at(part, component, numbers, key):
    """The number of a component for a salesperson or segment that may have no records of it."""
    if number := numbers.get(key):
        return number
    if part.is_sum and key.level == "segment":
        return NOTHING
    whole = numbers.get(Key(key.period_id), NOTHING)
    is_zero = component._zero_when_empty and part.shift != "target"
    return ZERO if is_zero and whole.value is not None else NOTHING
