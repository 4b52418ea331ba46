# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Formulas of KPIs as formulas of cells, and the only shapes a formula in a workbook may have."""

import ast
import math
import re

_SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_FUNCTIONS = {"min": "MIN", "max": "MAX", "abs": "ABS"}

#: Whatever is written as a formula matches this: functions and references that are made here.
SHAPE = re.compile(
    r"""=(?:
        (?:SUM|SUBTOTAL|IF|IFERROR|COUNT|MIN|MAX|ABS|NA)\(
        | '[^'"\[\]:*?/\\!=]{1,31}'! | \$?[A-Z]{1,3}\$?[0-9]{1,7}
        | [0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)? | "" | [-+*/(),:<>=]
    )+""",
    re.X,
)


def ratio_formula(tree, references, constants):
    """Formula of cells that says what the formula of a KPI says: empty where a part is missing.

    :param tree: ``ast`` of a checked formula
    :param references: dict of ``(code, shift)`` to a cell
    :param constants: dict of name to a number

    >>> tree = ast.parse("won / (won + lost)", mode="eval").body
    >>> ratio_formula(tree, {("won", ""): "B2", ("lost", ""): "C2"}, {})
    '=IF(COUNT(B2,C2)<2,"",IFERROR((B2/(B2+C2)),""))'
    """
    cells = list(dict.fromkeys(references.values()))
    counted = ",".join(cells)
    body = _to_cells(tree, references, constants)
    return f'=IF(COUNT({counted})<{len(cells)},"",IFERROR({body},""))'


def _to_cells(node, references, constants):
    match node:
        case ast.Constant(value=value):
            return number(value)
        case ast.Name(id=name) if (name, "") in references:
            return references[name, ""]
        case ast.Name(id=name):
            return number(constants[name])
        case ast.Call(func=ast.Name(id=name), args=[ast.Name(id=code)]) if (
            code,
            name,
        ) in references:
            return references[code, name]
        case ast.Call(func=ast.Name(id=name)):
            arguments = [_to_cells(argument, references, constants) for argument in node.args]
            if name == "require":
                return f"IF({arguments[0]}>={arguments[1]},{arguments[0]},NA())"
            return f"{_FUNCTIONS[name]}({','.join(arguments)})"
        case ast.UnaryOp(op=operator):
            operand = _to_cells(node.operand, references, constants)
            return f"(-{operand})" if isinstance(operator, ast.USub) else operand
    left = _to_cells(node.left, references, constants)
    right = _to_cells(node.right, references, constants)
    return f"({left}{_SIGNS[type(node.op)]}{right})"


def number(value):
    """A number as Excel's formulas write it.

    >>> number(2), number(0.1), number(-3.5)
    ('2', '0.1', '(-3.5)')
    """
    text = f"{float(value):.15g}"
    return f"({text})" if value < 0 else text


def same(one, other):
    """Whether two numbers are one but for the noise of adding floats.

    >>> same(0.1 + 0.2, 0.3), same(1, 1.001), same(None, 0), same(None, None)
    (True, False, False, True)
    """
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)


def is_number(value):
    """Whether a cell can hold it as a number; no value, NaN and infinity are none.

    >>> is_number(0), is_number(False), is_number(float("nan")), is_number(None)
    (True, False, False, False)
    """
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
