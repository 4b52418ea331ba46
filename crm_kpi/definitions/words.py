# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A KPI in words: how it is computed, which functions there are, and its formatted value."""

import math

from markupsafe import Markup

from odoo.exceptions import ValidationError
from odoo.tools.misc import formatLang

from ..bidi import isolated
from ..engine import formula as engine
from ..engine.functions import CONSTANTS, FUNCTIONS
from ..engine.values import days_between
from .filter_words import path_label

#: A number closer to 0 than this is shown as 0.
NOISE = 1e-9


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
    model = kpi.env[kpi.source_id.model]
    if dates := days_between(path):
        return days_text(model, dates)
    try:
        field = kpi.source_id._path_field(path, "")
    except ValidationError:
        return path
    return field._description_string(kpi.env)


def days_text(model, dates):
    """The days between two dates of the records of a model, in words."""
    start, end = (path_label(model, date) for date in dates)
    return model.env._("days from %(start)s to %(end)s", start=start, end=end)


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


def component_parts(kpis):
    """KPIs as parts of formulas, in the same form as :func:`formula_parts`."""
    return [{"code": kpi.code, "words": kpi.name, "insert": kpi.code} for kpi in kpis]


def formula_parts(env):
    """The functions and constants of formulas: list of dicts with ``code, words, insert``."""
    functions = [
        {
            "code": function.signature,
            "words": function_words(env, function, function.example),
            "insert": f"{function.name}(",
        }
        for function in FUNCTIONS.values()
    ]
    constants = [
        {"code": constant.name, "words": env._(constant.words), "insert": constant.name}
        for constant in CONSTANTS.values()
    ]
    return functions + constants


def formula_help(env):
    """List of the functions and constants of formulas, as HTML."""
    line = Markup("<li><code>%(code)s</code> %(words)s</li>")
    return Markup("<ul>%s</ul>") % Markup("").join(line % part for part in formula_parts(env))


def format_value(kpi, value, currency=None):
    """The value with its unit and the decimals of the KPI; "–" for no value."""
    if value is None or value is False:
        return "–"
    return isolated(kpi.env, _with_unit(kpi, value, currency))


def _with_unit(kpi, value, currency):
    if kpi.unit == "money":
        currency = currency or kpi.env.company.currency_id
        prefix, suffix = unit_parts(kpi, currency)
        digits = shown_digits(value, currency.decimal_places if kpi.digits else 0)
        if digits:
            # less than one unit is shown in cents
            digits = max(digits, currency.decimal_places)
        return f"{prefix}{formatLang(kpi.env, value, digits=digits)}{suffix}"
    if kpi.unit == "percent":
        value *= 100
    text = formatLang(kpi.env, value, digits=shown_digits(value, kpi.digits))
    return f"{text}{_suffix(kpi, one=text == '1')}"


def shown_digits(value, digits):
    """Decimals of a number: more than the usual ones where it would be shown as 0.

    >>> shown_digits(0.3, 0), shown_digits(0.0042, 1), shown_digits(0, 1), shown_digits(12, 1)
    (1, 3, 1, 1)
    >>> shown_digits(1e-17, 0)  # the noise of adding floats
    0
    """
    size = abs(value)
    if size < NOISE or round(size, digits):
        return digits
    return -math.floor(math.log10(size))


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


def number_formats(kpis):
    """How a browser shows the numbers of KPIs.

    Money of companies with different currencies has no symbol.

    :return: dict of the id of a KPI to ``prefix, suffix, factor, digits``
    """
    currencies = kpis.env.companies.currency_id
    formats = {}
    for kpi in kpis:
        mixed = kpi.unit == "money" and len(currencies) > 1
        prefix, suffix = ("", "") if mixed else unit_parts(kpi, currencies[:1])
        formats[kpi.id] = {
            "prefix": prefix,
            "suffix": suffix,
            "factor": 100 if kpi.unit == "percent" else 1,
            "digits": kpi.digits,
        }
    return formats


def points_text(kpi, points):
    """A difference of percentages or scores, with the decimals of the KPI."""
    text = formatLang(kpi.env, points, digits=kpi.digits)
    return kpi.env._("1 point") if text == "1" else kpi.env._("%s points", text)


def original_text(kpi, is_shipped, changed):
    """What became of a shipped definition, and what an upgrade does with it; empty for other KPIs.

    :param is_shipped: whether the installed version ships the KPI
    :param changed: names of the fields that differ from the original
    """
    env = kpi.env
    if not kpi.is_shipped:
        return False
    if not is_shipped:
        return env._(
            "An earlier version shipped this KPI, the installed one does not. An upgrade keeps it."
        )
    if changed:
        labels = (kpi._fields[name]._description_string(env) for name in changed)
        return env._(
            "Differs from the original: %s. An upgrade does not change the KPI. “Back to the "
            "original” takes over what the installed version ships.",
            ", ".join(labels),
        )
    return env._(
        "As shipped. An upgrade does not change the KPI. If a newer version ships another "
        "definition, the KPI is marked, and “Back to the original” takes the new one over."
    )
