# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Formulas over KPIs: parsed with ``ast`` against a whitelist, never evaluated as Python.

A formula consists of codes of KPIs, numbers, ``+ - * /``, parentheses and the functions and
constants in :mod:`.functions`. A missing component or a division by zero gives no value
(``None``, SQL ``NULL``), except where ``if`` or ``coalesce`` does not need it.

:func:`walk` is the only code that knows the shape of a formula. A :class:`Reader` says what
its parts mean: a value, SQL, words, a unit, a number of records, cells of a workbook.
"""

import ast
import math
import operator
from dataclasses import dataclass
from typing import NamedTuple

from .formula_text import fault, formula_form, python_form, stored_form
from .functions import (
    CONSTANTS,
    DIMENSIONS,
    FUNCTIONS,
    KINDS,
    FormulaError,
    Quantity,
    product,
    same_unit,
)

try:
    from odoo.tools import SQL
except ImportError:  # the table of KPIs in docs/ is written without Odoo
    SQL = None

_OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
#: Largest number of periods that are added.
MOST_PERIODS = 60
_COMPARISONS = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "=", ast.NotEq: "<>",
}  # fmt: skip
#: The function of each operator of numbers.
_EVALUATE = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "=": operator.eq, "<>": operator.ne,
}  # fmt: skip


class Component(NamedTuple):
    """A KPI as used in a formula.

    :param shift: name of the lookup function around it, with its number of periods, such as
        ``rolling 12``; empty for none
    """

    code: str
    shift: str = ""

    @property
    def is_sum(self):
        """Whether it is the sum of the values of several periods."""
        return bool(self.shift) and self.function.is_sum

    @property
    def function(self):
        """The lookup function around it, as :class:`.functions.Function`."""
        return FUNCTIONS[self.shift.partition(" ")[0]]

    def in_words(self, name, translate):
        """The KPI with the words of the function around it.

        >>> Component("a", "rolling 12").in_words("A", str)
        'A of the last 12 periods'
        """
        if not self.shift:
            return name
        _function, _space, count = self.shift.partition(" ")
        return translate(self.function.words) % {"a": name, "b": count}


# --- READING A FORMULA ---


class Reader:
    """What the parts of a formula mean; :func:`walk` calls these methods from the inside out."""

    def number(self, value):
        raise NotImplementedError

    def constant(self, name):
        """A name from :data:`.functions.CONSTANTS`."""
        raise NotImplementedError

    def component(self, component):
        """A :class:`Component`: a KPI, or a lookup function around it."""
        raise NotImplementedError

    def call(self, function, arguments):
        """A :class:`.functions.Function` of arguments that were read already."""
        raise NotImplementedError

    def negate(self, operand):
        raise NotImplementedError

    def operate(self, sign, left, right):
        """``sign`` is one of ``+ - * /``."""
        raise NotImplementedError

    def compare(self, sign, left, right):
        """``sign`` is one of ``< <= > >= = <>``, as in SQL and in workbooks."""
        raise NotImplementedError


def walk(node, reader):
    """Read an expression with a :class:`Reader`.

    :raise FormulaError: where the expression is not a formula
    """
    match node:
        case ast.Constant(value=value) if type(value) in (int, float):
            return reader.number(value)
        case ast.Name(id=name) if name in CONSTANTS:
            return reader.constant(name)
        case ast.Name(id=name):
            return reader.component(Component(name))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=keywords):
            return _walk_call(name, arguments, keywords, reader)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return reader.negate(walk(operand, reader))
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return walk(operand, reader)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            return reader.operate(_OPERATORS[type(sign)], walk(left, reader), walk(right, reader))
        case ast.Compare():
            raise FormulaError("condition")
    raise FormulaError("element", formula_form(ast.unparse(node)))


def _walk_call(name, arguments, keywords, reader):
    name = formula_form(name)
    function = FUNCTIONS.get(name)
    if function is None or keywords:
        raise FormulaError("function", name)
    if function.is_lookup:
        return reader.component(_lookup(function, arguments))
    if len(arguments) != function.arity:
        raise FormulaError("arguments", name, function.arity)
    if function.is_conditional:
        condition, *others = arguments
        read = [_walk_condition(condition, reader), *(walk(other, reader) for other in others)]
    else:
        read = [walk(argument, reader) for argument in arguments]
    return reader.call(function, read)


def _lookup(function, arguments):
    match arguments:
        case [ast.Name(id=code)] if function.arity == 1 and code not in CONSTANTS:
            return Component(code, function.name)
        case [ast.Name(id=code), ast.Constant(value=count)] if (
            function.arity == 2
            and code not in CONSTANTS
            and type(count) is int
            and 2 <= count <= MOST_PERIODS
        ):
            return Component(code, f"{function.name} {count}")
    raise FormulaError("shift" if function.arity == 1 else "periods", function.name)


def _walk_condition(node, reader):
    match node:
        case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in _COMPARISONS:
            return reader.compare(_COMPARISONS[type(sign)], walk(left, reader), walk(right, reader))
    raise FormulaError("condition")


def arguments_by_name(arguments):
    """Arguments by the names that the templates of :class:`.functions.Function` use.

    >>> arguments_by_name([1, 2])
    {'a': 1, 'b': 2}
    """
    return dict(zip("abc", arguments, strict=False))


class _Names(Reader):
    """Collects the components and the constants of a formula.

    What it reads is the value of a part without any, ``None`` for other parts.
    """

    def __init__(self):
        self.components, self.constants = [], []

    def number(self, value):
        try:
            value = float(value)
        except OverflowError:  # an integer of more than 308 digits
            value = math.inf
        if not math.isfinite(value):
            raise FormulaError("number")
        return value

    def constant(self, name):
        self.constants.append(name)

    def component(self, component):
        self.components.append(component)

    def call(self, function, arguments):
        pass

    def negate(self, operand):
        return None if operand is None else -operand

    def operate(self, sign, left, right):
        if sign == "/" and right == 0:
            raise FormulaError("zero")
        return None if left is None or right is None else _EVALUATE[sign](left, right)

    def compare(self, sign, left, right):
        pass


class _Evaluation(Reader):
    """The value; ``None`` for no value."""

    def __init__(self, values, constants):
        self.values, self.constants = values, constants

    def number(self, value):
        return float(value)

    def constant(self, name):
        return self.constants.get(name)

    def component(self, component):
        return self.values.get(component)

    def call(self, function, arguments):
        if None in arguments and not function.takes_missing:
            return None
        return function.evaluate(*arguments)

    def negate(self, operand):
        return None if operand is None else -operand

    def operate(self, sign, left, right):
        if left is None or right is None or (sign == "/" and not right):
            return None
        return _EVALUATE[sign](left, right)

    def compare(self, sign, left, right):
        return None if left is None or right is None else _EVALUATE[sign](left, right)


class _Sql(Reader):
    """The value as an ``SQL`` expression."""

    def __init__(self, columns, constants):
        self.columns, self.constants = columns, constants

    def number(self, value):
        return SQL("%s::float8", value)

    def constant(self, name):
        return self.constants[name]

    def component(self, component):
        return self.columns[component]

    def call(self, function, arguments):
        return SQL(function.sql, **arguments_by_name(arguments))

    def negate(self, operand):
        return SQL("(- %s)", operand)

    def operate(self, sign, left, right):
        if sign == "/":
            return SQL("(%s / NULLIF(%s, 0))", left, right)
        return SQL("(%s %s %s)", left, SQL(sign), right)

    def compare(self, sign, left, right):
        return SQL("(%s %s %s)", left, SQL(sign), right)


class _Sample(Reader):
    """The number of records behind the value; ``None`` where nothing is counted."""

    def __init__(self, numbers, plus, least):
        self.numbers, self.plus, self.least = numbers, plus, least

    def number(self, value):
        return None

    def constant(self, name):
        return None

    def component(self, component):
        if component.shift and not component.is_sum:
            return None
        return self.numbers.get(component)

    def call(self, function, arguments):
        return function.sample(arguments, self.least)

    def negate(self, operand):
        return operand

    def operate(self, sign, left, right):
        counted = [count for count in (left, right) if count is not None]
        if not counted:
            return None
        if sign == "/":
            return counted[-1]
        return self.plus(counted) if sign == "+" else self.least(counted)

    def compare(self, sign, left, right):
        counted = [count for count in (left, right) if count is not None]
        return self.least(counted) if counted else None


class _Words(Reader):
    """``(text, rank)``; a part of lower rank needs parentheses inside one of higher rank."""

    SIGNS = {"+": ("+", 1), "-": ("−", 1), "*": ("×", 2), "/": ("÷", 2)}
    COMPARISONS = {"<=": "≤", ">=": "≥", "<>": "≠"}

    def __init__(self, names, translate, brief):
        self.names, self.translate, self.brief = names, translate, brief

    def number(self, value):
        return f"{value:g}", 3

    def constant(self, name):
        return self.names.get(name) or self.translate(CONSTANTS[name].words), 3

    def component(self, component):
        name = self.names.get(component.code, component.code)
        return component.in_words(name, self.translate), 3

    def call(self, function, arguments):
        words = (self.brief and function.brief) or self.translate(function.words)
        if words == "%(a)s":
            return arguments[0]
        texts = [text if rank > 2 else f"({text})" for text, rank in arguments]
        # a clause is read as one part only within parentheses
        return words % arguments_by_name(texts), 0 if function.takes_missing else 3

    def negate(self, operand):
        text, rank = operand
        return f"−{text if rank > 2 else f'({text})'}", 1

    def operate(self, sign, left, right):
        sign, rank = self.SIGNS[sign]
        (left, left_rank), (right, right_rank) = left, right
        # the right side of − and ÷ also needs them at the same rank: a − (b + c), a ÷ (b × c)
        loose = right_rank <= rank if sign in "−÷" else right_rank < rank
        left = left if left_rank >= rank else f"({left})"
        return f"{left} {sign} {f'({right})' if loose else right}", rank

    def compare(self, sign, left, right):
        left, right = (text if rank else f"({text})" for text, rank in (left, right))
        return f"{left} {self.COMPARISONS.get(sign, sign)} {right}", 3


class _Division(Reader):
    """Finds the division that makes a formula a rate, as :class:`_Side`.

    :param inner: reader of the sides, for example of their words
    """

    def __init__(self, inner):
        self.inner = inner

    def number(self, value):
        return _Side(self.inner.number(value))

    def constant(self, name):
        return _Side(self.inner.constant(name))

    def component(self, component):
        return _Side(self.inner.component(component), (component,))

    def call(self, function, arguments):
        read = self.inner.call(function, [side.read for side in arguments])
        components = sum((side.components for side in arguments), ())
        return _Side(read, components, arguments[function.main].division)

    def negate(self, operand):
        return operand._replace(read=self.inner.negate(operand.read))

    def operate(self, sign, left, right):
        read = self.inner.operate(sign, left.read, right.read)
        components = left.components + right.components
        division = None
        if sign == "/" and left.components and right.components:
            division = left, right
        elif not left.components or not right.components:
            # a number beside a rate changes nothing: 100 * a / b, a / b - 1
            division = left.division or right.division
        return _Side(read, components, division)

    def compare(self, sign, left, right):
        read = self.inner.compare(sign, left.read, right.read)
        return _Side(read, left.components + right.components)


class _Side(NamedTuple):
    """A part of a formula.

    :param read: what the inner reader made of it
    :param division: the division in it as two of these
    """

    read: object
    components: tuple = ()
    division: tuple | None = None


class _Quantities(Reader):
    """The :class:`.functions.Quantity` of each part, with its words as :class:`_Words`."""

    def __init__(self, units, words):
        self.units, self.words = units, words

    def number(self, value):
        return Quantity(None, "hundred" if value == 100 else "", self.words.number(value))

    def constant(self, name):
        kind = "percent" if CONSTANTS[name].is_setting else ""
        return Quantity({}, kind, self.words.constant(name))

    def component(self, component):
        unit = self.units.get(component.code)
        return Quantity(
            {unit: 1} if unit in DIMENSIONS else {},
            unit if unit in KINDS else "",
            self.words.component(component),
        )

    def call(self, function, arguments):
        words = self.words.call(function, [argument.words for argument in arguments])
        return self._checked(function.name, function.unit, arguments)._replace(words=words)

    def negate(self, operand):
        return operand._replace(words=self.words.negate(operand.words))

    def operate(self, sign, left, right):
        words = self.words.operate(sign, left.words, right.words)
        if sign in "+-":
            return self._checked(sign, same_unit, [left, right])._replace(words=words)
        return product(sign, left, right)._replace(words=words)

    def compare(self, sign, left, right):
        self._checked(sign, same_unit, [left, right])
        return Quantity(words=self.words.compare(sign, left.words, right.words))

    def _checked(self, sign, rule, arguments):
        try:
            return rule(*arguments)
        except FormulaError as error:
            _reason, *quantities = error.args
            sides = [one._replace(words=one.words[0]) for one in quantities]
            raise FormulaError("units", sign, *sides) from None


class _Needed(Reader):
    """The components without which a part has no value, as a set."""

    def number(self, value):
        return frozenset()

    def constant(self, name):
        return frozenset()

    def component(self, component):
        return frozenset([component])

    def call(self, function, arguments):
        return function.needs(*arguments)

    def negate(self, operand):
        return operand

    def operate(self, sign, left, right):
        return left | right

    def compare(self, sign, left, right):
        return left | right


class _Additive(Reader):
    """``"grows"`` with time, ``"fixed"`` (a number or a setting), or ``None`` for neither."""

    def __init__(self, additive):
        self.additive = additive

    def number(self, value):
        return "fixed"

    def constant(self, name):
        return "fixed" if CONSTANTS[name].is_setting else None

    def component(self, component):
        return "grows" if not component.shift and component.code in self.additive else None

    def call(self, function, arguments):
        return None

    def negate(self, operand):
        return operand if operand == "grows" else None

    def operate(self, sign, left, right):
        grows = {
            "+": [("grows", "grows")],
            "-": [("grows", "grows")],
            "*": [("grows", "fixed"), ("fixed", "grows")],
            "/": [("grows", "fixed")],
        }[sign]
        return "grows" if (left, right) in grows else None

    def compare(self, sign, left, right):
        return None


# --- FORMULAS ---


@dataclass(frozen=True)
class Formula:
    """A checked formula. ``components`` holds what it needs, in order of appearance."""

    tree: ast.expr
    components: tuple
    constants: tuple = ()

    @property
    def codes(self):
        """Codes of the KPIs in the formula, without repetition."""
        return tuple(dict.fromkeys(component.code for component in self.components))

    def _division(self, inner):
        return walk(self.tree, _Division(inner)).division

    @property
    def fraction(self):
        """The components of the numerator and of the denominator; ``None`` for other formulas.

        >>> numerator, denominator = parse("100 * won / (won + lost)").fraction
        >>> [part.code for part in numerator], [part.code for part in denominator]
        (['won'], ['won', 'lost'])
        >>> parse("won + lost").fraction
        """
        division = self._division(_Words({}, str, True))
        return division and tuple(side.components for side in division)

    def divisor_in_words(self, names, translate=str):
        """The denominator of a rate as people read it; empty for other formulas.

        >>> parse("won / (won + lost) - 1").divisor_in_words({"won": "Deals won", "lost": "Lost"})
        'Deals won + Lost'
        """
        division = self._division(_Words(names, translate, True))
        return division[1].read[0] if division else ""

    def divisor(self, values, constants=None):
        """The value of the denominator of a rate; ``None`` for none, and for other formulas.

        >>> parse("won / (won + lost)").divisor({Component("won"): 3, Component("lost"): 1})
        4
        """
        division = self._division(_Evaluation(values, constants or {}))
        return division[1].read if division else None

    @property
    def settings(self):
        """Names of the company's settings in the formula."""
        return tuple(
            name
            for name, constant in CONSTANTS.items()
            if constant.is_setting and name in self.constants
        )

    def sample(self, numbers, plus=sum, least=min):
        """Number of records behind the value.

        A ratio counts the records of its divisor, a sum those of all its parts, anything else
        those of the part with the fewest.

        :param numbers: dict of :class:`Component` to its number of records; other periods
            and targets do not count
        :param plus: adds a list of numbers (of ``SQL``, to compile instead of evaluating)
        :param least: the smallest of a list of numbers
        :return: a number, ``None`` where nothing is counted

        >>> won, lost = Component("won"), Component("lost")
        >>> parse("won / (won + lost)").sample({won: 3, lost: 1})
        4
        """
        return walk(self.tree, _Sample(numbers, plus, least))

    def to_sql(self, columns, constants):
        """Compile to SQL.

        :param columns: dict of :class:`Component` to the ``SQL`` of its value
        :param constants: dict of constant name to ``SQL``
        """
        return walk(self.tree, _Sql(columns, constants))

    def evaluate(self, values, constants=None):
        """Evaluate in Python with the same rules as the SQL.

        :param values: dict of :class:`Component` to a number, ``None`` for no value
        :return: a float, or ``None`` for no value

        >>> won, lost = Component("won"), Component("lost")
        >>> parse("won / (won + lost)").evaluate({won: 3, lost: 1})
        0.75
        >>> parse("won / (won + lost)").evaluate({won: 0, lost: 0}) is None
        True
        """
        value = walk(self.tree, _Evaluation(values, constants or {}))
        # a product can leave the range of numbers, which is an error in PostgreSQL
        return value if value is None or math.isfinite(value) else None

    def in_words(self, names, translate=str, brief=False):
        """The formula as people read it.

        :param names: dict of codes to names of KPIs
        :param translate: translates the words of functions and constants
        :param brief: leave out guards such as ``require(x, n)``

        >>> parse("won / (won + lost)").in_words({"won": "Deals won", "lost": "Lost"})
        'Deals won ÷ (Deals won + Lost)'
        >>> parse("a * (1 - previous(a))").in_words({"a": "A"})
        'A × (1 − A in the previous period)'
        >>> parse("a / require(b + c, 5)").in_words({}, brief=True)
        'a ÷ (b + c)'
        """
        return walk(self.tree, _Words(names, translate, brief))[0]

    def quantity(self, units, names=None, translate=str):
        """What the result measures, as a :class:`.functions.Quantity`.

        :param units: dict of code to the unit of the KPI
        :param names: dict of codes to names, for the words of an error
        :raise FormulaError: where different units are added or compared

        >>> parse("won / n").quantity({"won": "money", "n": "count"}).unit
        {'money': 1}
        """
        found = walk(self.tree, _Quantities(units, _Words(names or {}, translate, True)))
        return found._replace(words=found.words[0])

    @property
    def needed(self):
        """The components without which there is no value.

        >>> sorted(part.code for part in parse("coalesce(won, 0) / (lost + won)").needed)
        ['lost', 'won']
        >>> parse("coalesce(won, lost)").needed
        frozenset()
        """
        return walk(self.tree, _Needed())

    def is_additive(self, additive):
        """Whether the value grows with time as its components do: a weighted sum of them.

        :param additive: codes of the additive KPIs

        >>> parse("orders + 2 * renewals").is_additive({"orders", "renewals"})
        True
        >>> parse("margin_rate * orders").is_additive({"orders"})
        True
        >>> parse("won / closed").is_additive({"won", "closed"})
        False
        """
        return walk(self.tree, _Additive(additive)) == "grows"


def parse(text):
    """Check a formula and return it as a :class:`Formula`.

    :raise FormulaError: see there

    >>> parse("a / b").codes
    ('a', 'b')
    >>> parse("__import__('os')")
    Traceback (most recent call last):
    ...
    odoo.addons.crm_kpi.engine.functions.FormulaError: ('function', '__import__')
    """
    if not (text := stored_form(text)):
        raise FormulaError("empty")
    if "#" in text:  # what follows would be ignored
        raise FormulaError("sign", "#")
    names = _Names()
    try:
        tree = ast.parse(python_form(text), mode="eval").body
        walk(tree, names)
    except FormulaError:
        raise
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise FormulaError(*fault(text)) from error
    if not names.components:
        raise FormulaError("empty")
    return Formula(tree, tuple(dict.fromkeys(names.components)), tuple(names.constants))


def evaluation_order(formulas):
    """Codes of formulas in an order in which each comes after those it uses.

    :param formulas: dict of code to :class:`Formula`; other codes count as given
    :return: ``(order, cycle)``: the ordered codes, and those in a cycle or depending on one

    >>> evaluation_order({"b": parse("a + 1"), "c": parse("b * 2")})
    (['b', 'c'], [])
    >>> evaluation_order({"b": parse("c + 1"), "c": parse("b * 2")})
    ([], ['b', 'c'])
    """
    order, waiting = [], dict(formulas)
    while waiting:
        ready = [
            code
            for code, formula in waiting.items()
            if not any(other in waiting for other in formula.codes)
        ]
        if not ready:
            break
        order += ready
        for code in ready:
            del waiting[code]
    return order, sorted(waiting)


def cycle_through(code, formulas):
    """The codes from a formula back to itself; empty if it does not use itself.

    >>> cycle_through("b", {"b": parse("a + c"), "c": parse("b * 2")})
    ['b', 'c', 'b']
    >>> cycle_through("b", {"b": parse("c + 1"), "c": parse("c * 2")})
    []
    """
    paths, seen = [[code]], set()
    while paths:
        path = paths.pop(0)
        for other in formulas[path[-1]].codes if path[-1] in formulas else ():
            if other == code:
                return [*path, other]
            if other not in seen:
                seen.add(other)
                paths.append([*path, other])
    return []
