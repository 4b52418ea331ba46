# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Formulas over KPIs: parsed with ``ast`` against a whitelist, never evaluated as Python.

A formula is made of codes of KPIs, numbers, ``+ - * /``, parentheses and the functions
below. A missing component makes the whole formula have no value (``None``, SQL ``NULL``),
and so does a division by zero.

============== =====================================================================
``previous(x)`` the KPI in the period before
``last_year(x)`` the KPI in the same period one year earlier
``target(x)``   the target of the KPI's goal for the same cell
``min(a, b)``   the smaller, ``max(a, b)`` the greater, ``abs(a)`` the absolute value
``require(a, n)`` ``a`` where it is at least ``n``, else no value
``days``, ``months`` length of the period
``annual_discount_rate``, ``margin_rate`` settings of the company
============== =====================================================================

(The KPI *Discount rate* has the code ``discount_rate``: what customers are let off. The rate
by which money of next year is worth less is the *annual* discount rate.)
"""

import ast
from dataclasses import dataclass

from odoo.tools import SQL

SHIFTS = ("previous", "last_year", "target")
FUNCTIONS = {"min": 2, "max": 2, "abs": 1, "require": 2}
#: Settings of the company, see ``res.company._kpi_constants()``.
SETTINGS = ("annual_discount_rate", "margin_rate")
CONSTANTS = ("days", "months", *SETTINGS)
_OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


class FormulaError(ValueError):
    """A formula that cannot be used; ``args[0]`` is a key of the reason, the rest its data.

    Keys: ``syntax`` (text), ``element`` (what is not allowed), ``function`` (name),
    ``arguments`` (name, expected number), ``shift`` (function name: wants one KPI),
    ``empty`` (no KPI in it), ``units`` (unit, other unit).
    """


@dataclass(frozen=True)
class Component:
    """A KPI as used in a formula: its code and how it is looked up."""

    code: str
    shift: str = ""


@dataclass(frozen=True)
class Formula:
    """A checked formula. ``components`` holds what it needs, in order of appearance."""

    tree: ast.expr
    components: tuple

    @property
    def codes(self):
        """Codes of the KPIs in the formula, without repetition."""
        return tuple(dict.fromkeys(component.code for component in self.components))

    @property
    def settings(self):
        """Names of the company's settings in the formula."""
        names = {node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name)}
        return tuple(name for name in SETTINGS if name in names)

    def sample(self, numbers, plus=sum, least=min):
        """How many records the value rests on: a ratio on those of what it divides by, a sum
        on those of all its parts, anything else on those of its weakest part.

        :param numbers: dict of :class:`Component` to its number of records; other periods
            and targets do not count
        :param plus: adds a list of numbers (of ``SQL``, to compile instead of evaluating)
        :param least: the least of a list of numbers
        :return: a number, ``None`` where nothing is counted

        >>> won, lost = Component("won"), Component("lost")
        >>> parse("won / (won + lost)").sample({won: 3, lost: 1})
        4
        """
        return _sample(self.tree, numbers, plus, least)

    def to_sql(self, columns, constants):
        """Compile to SQL.

        :param columns: dict of :class:`Component` to the ``SQL`` of its value
        :param constants: dict of constant name to ``SQL``
        """
        return _to_sql(self.tree, columns, constants)

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
        return _evaluate(self.tree, values, constants or {})

    def in_words(self, names, phrases):
        """The formula as people read it.

        :param names: dict of code to what the KPI or setting is called
        :param phrases: dict of function to a text with the names of its arguments ``%(a)s``
            and ``%(b)s``

        >>> parse("won / (won + lost)").in_words({"won": "Deals won", "lost": "Lost"}, {})
        'Deals won ÷ (Deals won + Lost)'
        >>> parse("a * (1 - previous(a))").in_words({"a": "A"}, {"previous": "%(a)s before"})
        'A × (1 − A before)'
        """
        return _in_words(self.tree, names, phrases)[0]

    def unit(self, units):
        """Powers of the units of the result, e.g. ``{"money": 1, "days": -1}``.

        :param units: dict of code to a unit name, empty for a bare number
        :raise FormulaError: where different units are added or compared
        """
        return {unit: power for unit, power in (_unit(self.tree, units) or {}).items() if power}


def parse(text):
    """Check a formula and return it as a :class:`Formula`.

    :raise FormulaError: see there

    >>> parse("a / b").codes
    ('a', 'b')
    >>> parse("__import__('os')")
    Traceback (most recent call last):
    ...
    odoo.addons.crm_kpi.engine.formula.FormulaError: ('function', '__import__')
    """
    if not (text := (text or "").strip()):
        raise FormulaError("empty")
    try:
        tree = ast.parse(text, mode="eval").body
        _check(tree)
    except FormulaError:
        raise
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise FormulaError("syntax", str(getattr(error, "msg", error))) from error
    components = tuple(dict.fromkeys(_components(tree)))
    if not components:
        raise FormulaError("empty")
    return Formula(tree, components)


def evaluation_order(formulas):
    """Codes of formulas in an order in which each comes after those it uses.

    :param formulas: dict of code to :class:`Formula`; other codes count as given
    :return: ``(order, cycle)``: the ordered codes, and those caught in a cycle or
        depending on one

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


def _check(node):
    match node:
        case ast.BinOp(op=operator) if type(operator) in _OPERATORS:
            _check(node.left)
            _check(node.right)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
            _check(node.operand)
        case ast.Constant(value=value) if type(value) in (int, float):
            pass
        case ast.Name():
            pass
        case ast.Call(func=ast.Name(id=name), keywords=[]) if name in SHIFTS:
            if len(node.args) != 1 or not isinstance(node.args[0], ast.Name):
                raise FormulaError("shift", name)
            if node.args[0].id in CONSTANTS:
                raise FormulaError("shift", name)
        case ast.Call(func=ast.Name(id=name), keywords=[]) if name in FUNCTIONS:
            if len(node.args) != FUNCTIONS[name]:
                raise FormulaError("arguments", name, FUNCTIONS[name])
            for argument in node.args:
                _check(argument)
        case ast.Call(func=ast.Name(id=name)):
            raise FormulaError("function", name)
        case _:
            raise FormulaError("element", ast.unparse(node))


def _components(node):
    match node:
        case ast.Name(id=name) if name not in CONSTANTS:
            yield Component(name)
        case ast.Call(func=ast.Name(id=name)) if name in SHIFTS:
            yield Component(node.args[0].id, name)
        case ast.Call():
            for argument in node.args:
                yield from _components(argument)
        case ast.BinOp():
            yield from _components(node.left)
            yield from _components(node.right)
        case ast.UnaryOp():
            yield from _components(node.operand)


def _to_sql(node, columns, constants):
    match node:
        case ast.Constant(value=value):
            return SQL("%s::float8", value)
        case ast.Name(id=name) if name in CONSTANTS:
            return constants[name]
        case ast.Name(id=name):
            return columns[Component(name)]
        case ast.Call(func=ast.Name(id=name)) if name in SHIFTS:
            return columns[Component(node.args[0].id, name)]
        case ast.Call(func=ast.Name(id=name)):
            arguments = [_to_sql(argument, columns, constants) for argument in node.args]
            if name == "abs":
                return SQL("abs(%s)", arguments[0])
            left, right = arguments
            if name == "require":
                return SQL("CASE WHEN (%(l)s) >= (%(r)s) THEN (%(l)s) END", l=left, r=right)
            # LEAST and GREATEST skip NULL, but no value must stay no value
            return SQL(
                "CASE WHEN (%(l)s) IS NOT NULL AND (%(r)s) IS NOT NULL THEN %(f)s(%(l)s, %(r)s) END",
                l=left,
                r=right,
                f=SQL("LEAST") if name == "min" else SQL("GREATEST"),
            )
        case ast.UnaryOp(op=operator):
            operand = _to_sql(node.operand, columns, constants)
            return SQL("(- %s)", operand) if isinstance(operator, ast.USub) else operand
        case ast.BinOp(op=operator):
            left = _to_sql(node.left, columns, constants)
            right = _to_sql(node.right, columns, constants)
            if isinstance(operator, ast.Div):
                return SQL("(%s / NULLIF(%s, 0))", left, right)
            return SQL("(%s %s %s)", left, SQL(_OPERATORS[type(operator)]), right)
    raise FormulaError("element", ast.unparse(node))


def _evaluate(node, values, constants):
    match node:
        case ast.Constant(value=value):
            return float(value)
        case ast.Name(id=name) if name in CONSTANTS:
            return constants.get(name)
        case ast.Name(id=name):
            return values.get(Component(name))
        case ast.Call(func=ast.Name(id=name)) if name in SHIFTS:
            return values.get(Component(node.args[0].id, name))
        case ast.Call(func=ast.Name(id=name)):
            arguments = [_evaluate(argument, values, constants) for argument in node.args]
            if None in arguments:
                return None
            if name == "require":
                return arguments[0] if arguments[0] >= arguments[1] else None
            return {"min": min, "max": max, "abs": abs}[name](*arguments)
        case ast.UnaryOp(op=operator):
            operand = _evaluate(node.operand, values, constants)
            return -operand if operand is not None and isinstance(operator, ast.USub) else operand
    left = _evaluate(node.left, values, constants)
    right = _evaluate(node.right, values, constants)
    if left is None or right is None:
        return None
    match node.op:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
    return left / right if right else None


def _sample(node, numbers, plus, least):
    match node:
        case ast.Name(id=name) if name not in CONSTANTS:
            return numbers.get(Component(name))
        case ast.UnaryOp():
            return _sample(node.operand, numbers, plus, least)
        case ast.BinOp():
            parts = [node.left, node.right]
        case ast.Call(func=ast.Name(id="require"), args=[value, _bound]):
            return _sample(value, numbers, plus, least)
        case ast.Call(func=ast.Name(id=name)) if name not in SHIFTS:
            parts = node.args
        case _:
            return None
    counted = [
        number for part in parts if (number := _sample(part, numbers, plus, least)) is not None
    ]
    if not counted:
        return None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return counted[-1]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return plus(counted)
    return least(counted)


#: Sign and rank of the operators; what ranks lower goes in parentheses.
_SIGNS = {ast.Add: ("+", 1), ast.Sub: ("−", 1), ast.Mult: ("×", 2), ast.Div: ("÷", 2)}


def _in_words(node, names, phrases):
    """``(text, rank)`` of a part of a formula."""
    match node:
        case ast.Constant(value=value):
            return f"{value:g}", 3
        case ast.Name(id=name):
            return names.get(name, name), 3
        case ast.Call(func=ast.Name(id=name), args=arguments):
            texts = [_in_words(argument, names, phrases)[0] for argument in arguments]
            default = f"{name}({', '.join(['%(a)s', '%(b)s'][: len(texts)])})"
            return phrases.get(name, default) % dict(zip("ab", texts, strict=False)), 3
        case ast.UnaryOp(op=operator):
            text, rank = _in_words(node.operand, names, phrases)
            if isinstance(operator, ast.UAdd):
                return text, rank
            return f"−{text if rank > 2 else f'({text})'}", 1
    sign, rank = _SIGNS[type(node.op)]
    left, left_rank = _in_words(node.left, names, phrases)
    right, right_rank = _in_words(node.right, names, phrases)
    # a − (b + c) and a ÷ (b × c) are not what they are without parentheses
    loose = right_rank <= rank if isinstance(node.op, ast.Sub | ast.Div) else right_rank < rank
    return (
        f"{left if left_rank >= rank else f'({left})'} {sign} {f'({right})' if loose else right}",
        rank,
    )


def _unit(node, units):
    """Powers of units as a dict; ``None`` for a bare number, which goes with any unit."""
    match node:
        case ast.Constant():
            return None
        case ast.Name(id=name) if name in CONSTANTS:
            return {}
        case ast.Name(id=name):
            return {units[name]: 1} if units.get(name) else {}
        case ast.Call(func=ast.Name(id=name)) if name in SHIFTS:
            code = node.args[0].id
            return {units[code]: 1} if units.get(code) else {}
        case ast.UnaryOp():
            return _unit(node.operand, units)
        case ast.Call(args=[operand]):
            return _unit(operand, units)
        case ast.Call(args=[first, second]):
            return _same(_unit(first, units), _unit(second, units))
    left, right = _unit(node.left, units), _unit(node.right, units)
    if isinstance(node.op, ast.Add | ast.Sub):
        return _same(left, right)
    sign = -1 if isinstance(node.op, ast.Div) else 1
    result = dict(left or {})
    for unit, power in (right or {}).items():
        result[unit] = result.get(unit, 0) + sign * power
    if left is None and right is None:
        return None
    return result


def _same(left, right):
    if left is None or right is None:
        return right if left is None else left
    clean = [{u: p for u, p in side.items() if p} for side in (left, right)]
    if clean[0] != clean[1]:
        raise FormulaError("units", *(" · ".join(side) for side in clean))
    return clean[0]
