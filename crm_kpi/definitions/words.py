# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A KPI in words: how it is computed, which functions there are, and its formatted value."""

from markupsafe import Markup

from odoo.exceptions import ValidationError
from odoo.tools.misc import formatLang

from ..bidi import isolated
from ..engine import formula as engine
from ..engine.functions import CONSTANTS, FUNCTIONS


def computation_text(kpi, names):
    """How a KPI is computed.

    :param names: dict of codes of components to their names, see :func:`component_names`
    """
    if kpi.kind == "formula":
        try:
            return engine.parse(kpi.formula).in_words(names, kpi.env._)
        except engine.FormulaError:
            return kpi.formula
    if kpi.kind == "manual":
        return kpi.env._("Entered by hand")
    aggregate = dict(kpi._fields["aggregator"]._description_selection(kpi.env)).get(kpi.aggregator)
    if kpi.aggregator == "count" or kpi.source_id.model not in kpi.env:
        return aggregate
    return kpi.env._("%(aggregate)s: %(value)s", aggregate=aggregate, value=_value_name(kpi))


def _value_name(kpi):
    path = kpi.value_field or ""
    choices = dict(kpi._fields["value_choice"]._description_selection(kpi.env))
    if path in choices:
        return choices[path]
    try:
        field = kpi.source_id._path_field(path, "")
    except ValidationError:
        return path
    return field._description_string(kpi.env)


def component_names(kpis):
    """Dict of the codes in the formulas of KPIs to the names of these components."""
    codes = set()
    for kpi in kpis.filtered(lambda kpi: kpi.kind == "formula"):
        try:
            codes.update(engine.parse(kpi.formula).codes)
        except engine.FormulaError:
            continue
    # superuser: readers of a formula see the names of its components, not their values
    return {kpi.code: kpi.name for kpi in kpis.sudo()._by_code(codes)} if codes else {}


def function_words(env, function, arguments):
    """A function with its arguments in words, for example *the smaller of A and B*."""
    template = env._(function.words)
    return template % engine.arguments_by_name(arguments)


def formula_help(env):
    """List of the functions and constants of formulas, as HTML."""
    entries = [
        (
            function.signature,
            function_words(env, function, "abc"[: function.arity]),
        )
        for function in FUNCTIONS.values()
    ]
    entries += [(constant.name, env._(constant.words)) for constant in CONSTANTS.values()]
    lines = [Markup("<li><code>%s</code> %s</li>") % entry for entry in entries]
    return Markup("<ul>%s</ul>") % Markup("").join(lines)


def format_value(kpi, value, currency=None):
    """The value with its unit and the decimals of the KPI; "–" for no value."""
    if value is None or value is False:
        return "–"
    return isolated(kpi.env, _with_unit(kpi, value, currency))


def _with_unit(kpi, value, currency):
    if kpi.unit == "money":
        return formatLang(
            kpi.env,
            value,
            currency_obj=currency or kpi.env.company.currency_id,
            rounding_unit="decimals" if kpi.digits else "units",
        )
    if kpi.unit == "percent":
        value *= 100
    text = formatLang(kpi.env, value, digits=kpi.digits)
    return f"{text}{_suffix(kpi, one=text == '1')}"


def _suffix(kpi, one=False):
    """The unit after a number; empty for money, and for numbers without a unit.

    :param one: whether the number is 1
    """
    unit = {
        "percent": "%",
        "hours": kpi.env._("h"),
        "days": kpi.env._("day") if one else kpi.env._("days"),
        "months": kpi.env._("month") if one else kpi.env._("months"),
    }.get(kpi.unit)
    return f"\u00a0{unit}" if unit else ""


def unit_parts(kpi, currency):
    """What stands before and after a number in the unit of a KPI, as :func:`format_value` shows it.

    :return: ``(prefix, suffix)``
    """
    if kpi.unit != "money":
        return "", _suffix(kpi)
    before = currency.position == "before"
    return (f"{currency.symbol}\u00a0", "") if before else ("", f"\u00a0{currency.symbol}")


def points_text(kpi, points):
    """A difference of percentages or scores, with the decimals of the KPI."""
    text = formatLang(kpi.env, points, digits=kpi.digits)
    return kpi.env._("1 point") if text == "1" else kpi.env._("%s points", text)
