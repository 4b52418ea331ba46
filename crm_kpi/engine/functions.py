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

    Keys of a text that cannot be read, see :func:`.formula_text.fault`: ``operand`` (text before:
    a KPI or number is missing), ``operator`` (left, right, words without an operator),
    ``unclosed``, ``unopened`` (a parenthesis: text beside it), ``sign`` (an unknown one),
    ``syntax``.

    Others: ``element`` (what is not allowed), ``function`` (name), ``arguments`` (name, expected
    number), ``shift`` (function name: wants one KPI), ``periods`` (function name: wants one KPI and
    a number of periods), ``condition`` (comparison outside of ``if``, or none in it), ``empty`` (no KPI in it), ``number`` (one that is too large), ``zero`` (division
    by the number 0), ``sum`` (function name, name of a KPI that cannot be added over time), ``units`` (operator or name of a function, :class:`Quantity`, other quantity).
    """


# --- UNITS ---

#: Units with a dimension: only values of the same unit may be added. The others are numbers.
DIMENSIONS = ("money", "hours", "days", "months")
#: Numbers of these units may not be added to each other. A ratio fits all of them.
KINDS = ("count", "percent", "score")


class Quantity(NamedTuple):
    """What a part of a formula measures.

    :param unit: powers of dimensions, e.g. ``{"money": 1, "days": -1}``; ``None`` for a bare
        number, which fits every unit
    :param kind: of a number without a dimension one of :data:`KINDS`; ``share`` for the ratio of
        two values of the same unit, which fits all of them; ``hundred`` for the number 100, which
        turns a share into a score; empty for others
    :param words: the part as people read it
    """

    unit: dict | None = None
    kind: str = ""
    words: str = ""


def same_unit(first, *others):
    """The quantity of arguments that must have the same unit.

    >>> same_unit(Quantity({"money": 1}), Quantity()).unit
    {'money': 1}
    >>> same_unit(Quantity({}, "percent"), Quantity({}, "share")).kind
    'percent'

    :raise FormulaError: ``units``, without the operator
    """
    result = first
    for other in others:
        if result.unit is None or other.unit is None:
            result = other if result.unit is None else result
            continue
        kinds = {result.kind, other.kind}
        if result.unit != other.unit or (len(kinds) > 1 and kinds <= {*KINDS}):
            raise FormulaError("units", result, other)
        result = result._replace(kind=_common_kind(kinds))
    return result


def _common_kind(kinds):
    if len(kinds) == 1:
        return next(iter(kinds))
    return "percent" if kinds == {"percent", "share"} else ""


def product(sign, one, other):
    """The quantity of ``one * other`` or ``one / other``.

    >>> product("/", Quantity({"money": 1}), Quantity({}, "count")).unit
    {'money': 1}
    >>> product("/", Quantity({"money": 1}), Quantity({"money": 1})).kind
    'share'
    >>> product("*", Quantity({}, "count"), Quantity({}, "percent")).kind
    'count'
    """
    if one.unit is None and other.unit is None:
        return Quantity()
    unit = dict(one.unit or {})
    for name, power in (other.unit or {}).items():
        unit[name] = unit.get(name, 0) + (power if sign == "*" else -power)
    unit = {name: power for name, power in unit.items() if power}
    return Quantity(unit, "" if unit else _kind_of_product(sign, one, other))


def _kind_of_product(sign, one, other):
    kinds = {one.kind, other.kind}
    if "hundred" in kinds:
        return ""
    if other.unit is None:
        return one.kind
    if sign == "/":
        same = one.unit == other.unit and (one.unit or (len(kinds) == 1 and one.kind))
        return "share" if same else ""
    if one.unit is None:
        return other.kind
    if "count" in kinds and kinds <= {"count", "percent", "share"}:
        return "count"
    return "percent" if kinds <= {"percent", "share"} else ""


# --- RULES OF FUNCTIONS ---


def least_sample(counts, least):
    """Number of records of the argument with the fewest; ``None`` where nothing is counted.

    :param counts: number of records of each argument, ``None`` where it counts none
    :param least: the smallest of a list of numbers
    """
    known = [count for count in counts if count is not None]
    return least(known) if known else None


def first_sample(counts, _least):
    """Number of records of the first argument; the others are limits or stand in for it."""
    return counts[0]


def branch_sample(counts, least):
    """Number of records of the branch with the fewest, else that of the condition."""
    found = least_sample(counts[1:], least)
    return counts[0] if found is None else found


def all_needed(*arguments):
    """Components without which there is no value: those of all arguments."""
    return frozenset().union(*arguments)


# --- THE TABLE ---


class Function(NamedTuple):
    """What is known of a function in formulas.

    Templates name the arguments ``a``, ``b``, ``c``. A missing argument makes the result missing.

    * ``name``, ``arity``: how it is written and the number of arguments
    * ``words``: text with ``%(a)s``
    * ``sql``: PostgreSQL expression with ``%(a)s``
    * ``evaluate``: the same in Python, for arguments that all have a value
    * ``excel``: the same as a formula of cells, with ``{a}``
    * ``unit``: :class:`Quantity` of the result from those of the arguments, see :func:`same_unit`
    * ``sample``: number of records behind the result, see :func:`least_sample`
    * ``brief``: words in a summary, where they differ
    * ``main``: position of the argument that the result is about
    * ``is_conditional``: the first argument is a comparison of two values
    * ``takes_missing``: ``evaluate`` is called with ``None`` too, and ``needs`` says which
      components must have a value, from the sets of the arguments
    * ``is_lookup``: it takes the code of a KPI and reads another stored value of it. The caller
      provides that value, so the entry has words only. A second argument is a number of periods.
    * ``is_sum``: a lookup that adds the values of several periods
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
    main: int = 0
    is_conditional: bool = False
    takes_missing: bool = False
    needs: Callable = all_needed
    is_lookup: bool = False
    is_sum: bool = False

    @property
    def example(self):
        """Arguments for an explanation of the function."""
        if self.is_conditional:
            return "a > b", "c", "d"
        return ("a", "12") if self.is_lookup and self.arity == 2 else tuple("abc"[: self.arity])

    @property
    def signature(self):
        """How the function is written.

        >>> FUNCTIONS["min"].signature, FUNCTIONS["if"].signature
        ('min(a, b)', 'if(a > b, c, d)')
        """
        return f"{self.name}({', '.join(self.example)})"


# LEAST and GREATEST skip NULL, but a missing value must stay missing
_ONLY_IF_BOTH = "CASE WHEN (%(a)s) IS NOT NULL AND (%(b)s) IS NOT NULL THEN {}(%(a)s, %(b)s) END"

FUNCTIONS = {
    function.name: function
    for function in (
        Function("previous", 1, _lt("%(a)s in the previous period"), is_lookup=True),
        Function("last_year", 1, _lt("%(a)s one year earlier"), is_lookup=True),
        Function("target", 1, _lt("target of %(a)s"), is_lookup=True),
        Function("to_date", 1, _lt("%(a)s of the year so far"), is_lookup=True, is_sum=True),
        Function("rolling", 2, _lt("%(a)s of the last %(b)s periods"), is_lookup=True, is_sum=True),
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
        Function(
            "if",
            3,
            _lt("%(b)s if %(a)s, otherwise %(c)s"),
            # a missing condition is neither
            sql="CASE %(a)s WHEN TRUE THEN %(b)s WHEN FALSE THEN %(c)s END",
            evaluate=lambda a, b, c: None if a is None else b if a else c,
            excel="IF({a},{b},{c})",
            unit=lambda _condition, b, c: same_unit(b, c),
            sample=branch_sample,
            main=1,
            is_conditional=True,
            takes_missing=True,
            needs=lambda a, b, c: a | (b & c),
        ),
        Function(
            "coalesce",
            2,
            _lt("%(a)s, or %(b)s where it has no value"),
            sql="COALESCE(%(a)s, %(b)s)",
            evaluate=lambda a, b: b if a is None else a,
            excel="IFERROR({a},{b})",
            sample=first_sample,
            takes_missing=True,
            needs=lambda a, b: a & b,
        ),
    )
}


class Constant(NamedTuple):
    """A number that formulas name: its code, its words, and whether it is a company setting.

    A setting is the same in all periods, see ``res.company._kpi_constants()``, and a percentage.
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
