# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The functions and constants of formulas. One entry per function holds all that is known of it.

A new function is one new entry in :data:`FUNCTIONS`: the parser, the SQL compiler, the Python
evaluation, the texts on screen, the check of units and the Excel export read this table.
The module imports nothing from Odoo, so that the table of KPIs is written without it.
"""

import operator
from collections.abc import Callable
from typing import NamedTuple


def _lt(text):
    """Mark a text for translation; ``crm.kpi`` translates it where it shows it."""
    return text


class FormulaError(ValueError):
    """A formula that cannot be used; ``args[0]`` is a key of the reason, the rest its data.

    Keys: ``syntax`` (text), ``element`` (what is not allowed), ``function`` (name),
    ``arguments`` (name, expected number), ``shift`` (function name: wants one KPI),
    ``empty`` (no KPI in it), ``number`` (one that is too large), ``units`` (unit, other unit).
    """


# --- RULES OF FUNCTIONS ---


def same_unit(first, *others):
    """Unit of arguments that must have the same unit.

    A unit is a dict of unit name to power; ``None`` (a bare number) fits every unit.

    >>> same_unit({"money": 1}, None), same_unit(None, None)
    ({'money': 1}, None)
    """
    result = first
    for other in others:
        if result is None or other is None:
            result = other if result is None else result
            continue
        sides = [{unit: power for unit, power in side.items() if power} for side in (result, other)]
        if sides[0] != sides[1]:
            raise FormulaError("units", *(" · ".join(side) for side in sides))
        result = sides[0]
    return result


def least_sample(counts, least):
    """Number of records of the argument with the fewest; ``None`` where nothing is counted.

    :param counts: number of records of each argument, ``None`` where it counts none
    :param least: the smallest of a list of numbers
    """
    known = [count for count in counts if count is not None]
    return least(known) if known else None


def first_sample(counts, _least):
    """Number of records of the first argument; the others are limits."""
    return counts[0]


# --- THE TABLE ---


class Function(NamedTuple):
    """What is known of a function in formulas.

    Templates name the arguments ``a``, ``b``, ``c``.

    * ``name``, ``arity``: how it is written and the number of arguments
    * ``words``: text with ``%(a)s``
    * ``sql``: PostgreSQL expression with ``%(a)s``
    * ``evaluate``: the same in Python, for arguments that all have a value
    * ``excel``: the same as a formula of cells, with ``{a}``
    * ``unit``: unit of the result from the units of the arguments, see :func:`same_unit`
    * ``sample``: number of records behind the result, see :func:`least_sample`
    * ``brief``: words in a summary, where they differ
    * ``is_lookup``: it takes the code of a KPI and reads another stored value of it. The caller
      provides that value, so the entry has words only.
    """

    name: str
    arity: int
    words: str
    sql: str = ""
    evaluate: Callable | None = None
    excel: str = ""
    unit: Callable = same_unit
    sample: Callable = least_sample
    brief: str = ""
    is_lookup: bool = False

    @property
    def signature(self):
        """How the function is written.

        >>> FUNCTIONS["min"].signature
        'min(a, b)'
        """
        return f"{self.name}({', '.join('abc'[: self.arity])})"


# LEAST and GREATEST skip NULL, but a missing value must stay missing
_ONLY_IF_BOTH = "CASE WHEN (%(a)s) IS NOT NULL AND (%(b)s) IS NOT NULL THEN {}(%(a)s, %(b)s) END"

FUNCTIONS = {
    function.name: function
    for function in (
        Function("previous", 1, _lt("%(a)s in the previous period"), is_lookup=True),
        Function("last_year", 1, _lt("%(a)s one year earlier"), is_lookup=True),
        Function("target", 1, _lt("target of %(a)s"), is_lookup=True),
        Function(
            "min",
            2,
            _lt("the smaller of %(a)s and %(b)s"),
            sql=_ONLY_IF_BOTH.format("LEAST"),
            evaluate=min,
            excel="MIN({a},{b})",
        ),
        Function(
            "max",
            2,
            _lt("the larger of %(a)s and %(b)s"),
            sql=_ONLY_IF_BOTH.format("GREATEST"),
            evaluate=max,
            excel="MAX({a},{b})",
        ),
        Function(
            "abs",
            1,
            _lt("absolute value of %(a)s"),
            sql="abs(%(a)s)",
            evaluate=operator.abs,
            excel="ABS({a})",
        ),
        Function(
            "require",
            2,
            _lt("%(a)s (if at least %(b)s)"),
            sql="CASE WHEN (%(a)s) >= (%(b)s) THEN (%(a)s) END",
            evaluate=lambda a, b: a if a >= b else None,
            excel="IF({a}>={b},{a},NA())",
            sample=first_sample,
            brief="%(a)s",
        ),
    )
}


class Constant(NamedTuple):
    """A number that formulas name: its code, its words, and whether it is a company setting.

    A setting is the same in all periods, see ``res.company._kpi_constants()``.
    """

    name: str
    words: str
    is_setting: bool = False


CONSTANTS = {
    constant.name: constant
    for constant in (
        Constant("days", _lt("days of the period")),
        Constant("months", _lt("months of the period")),
        # the KPI "Discount rate" has the code discount_rate
        Constant("annual_discount_rate", _lt("annual discount rate in the settings"), True),
        Constant("margin_rate", _lt("margin rate in the settings"), True),
    )
}
