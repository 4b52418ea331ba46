# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Formulas of KPIs as formulas of cells, and the only forms a formula in a workbook may have."""

import math
import re

from ..engine import formula as engine
from ..engine.functions import FUNCTIONS
from ..engine.pace import whole_percent

#: Functions of Excel that formulas of KPIs use.
_OF_KPIS = {
    name for function in FUNCTIONS.values() for name in re.findall(r"[A-Z]+(?=\()", function.excel)
}

#: Every formula in a workbook matches this pattern.
SHAPE = re.compile(
    rf"""=(?:
        (?:{"|".join(sorted({"SUM", "SUBTOTAL", "IF", "IFERROR", "INT", "COUNT", *_OF_KPIS}))})\(
        | '[^'"\[\]:*?/\\!=]{{1,31}}'! | \$?[A-Z]{{1,3}}\$?[0-9]{{1,7}}
        | [0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)? | "" | [-+*/(),:<>=]
    )+""",
    re.X,
)


def ratio_formula(tree, references, constants):
    """Formula of cells that computes what the formula of a KPI does: empty where a part is missing.

    :param tree: ``ast`` of a checked formula
    :param references: dict of ``(code, shift)`` to a cell
    :param constants: dict of name to a number

    >>> tree = engine.parse("won / (won + lost)").tree
    >>> ratio_formula(tree, {("won", ""): "B2", ("lost", ""): "C2"}, {})
    '=IF(COUNT(B2,C2)<2,"",IFERROR((B2/(B2+C2)),""))'
    """
    cells = list(dict.fromkeys(references.values()))
    counted = ",".join(cells)
    body = engine.walk(tree, _Cells(references, constants))
    return f'=IF(COUNT({counted})<{len(cells)},"",IFERROR({body},""))'


class _Cells(engine.Reader):
    """The value as a formula of cells."""

    def __init__(self, references, constants):
        self.references, self.constants = references, constants

    def number(self, value):
        return number(value)

    def constant(self, name):
        return number(self.constants[name])

    def component(self, component):
        return self.references[component]

    def call(self, function, arguments):
        return function.excel.format(**engine.arguments_by_name(arguments))

    def negate(self, operand):
        return f"(-{operand})"

    def operate(self, sign, left, right):
        return f"({left}{sign}{right})"

    def compare(self, sign, left, right):
        return f"{left}{sign}{right}"


def number(value):
    """A number as Excel's formulas write it.

    >>> number(2), number(0.1), number(-3.5)
    ('2', '0.1', '(-3.5)')
    """
    text = f"{float(value):.15g}"
    return f"({text})" if value < 0 else text


def attainment_formula(value, target):
    """The attainment of a goal from two cells, rounded down like the texts of goals.

    >>> attainment_formula("C2", "E2")
    '=IFERROR(INT(C2/E2*100+0.000000001)/100,"")'
    """
    return f'=IFERROR(INT({value}/{target}*100+0.000000001)/100,"")'


def shown_attainment(attainment):
    """The attainment of a goal as a number of a cell, rounded down like the texts of goals.

    >>> shown_attainment(0.996), shown_attainment(None)
    (0.99, None)
    """
    return attainment if attainment is None or attainment is False else whole_percent(attainment)


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
