# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Checks of a KPI's definition. Each raises ``ValidationError`` with the field and the remedy."""

import re
import unicodedata

from odoo.exceptions import ValidationError

from ..engine import formula as engine
from ..engine.functions import FUNCTIONS

#: Units with a dimension: only values of the same unit may be added. The others are numbers.
DIMENSIONS = ("money", "hours", "days", "months")


def check_code(kpi):
    if not re.fullmatch(r"[a-z][a-z0-9_]*", kpi.code) or not _is_component(kpi.code):
        raise ValidationError(
            kpi.env._(
                "Code: %s cannot be used. Start with a lower-case letter, then use lower-case "
                "letters, digits and underscores, for example deals_won. Words with a meaning in "
                "formulas, such as days, min, in or not, are reserved.",
                kpi.code,
            )
        )


def code_from_name(name):
    """A code that can be used, made from a name.

    >>> code_from_name("Crème – deals > 10.000 €"), code_from_name("2026 leads"), code_from_name("Days")
    ('creme_deals_10_000', 'kpi_2026_leads', 'days_kpi')
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    code = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    if not code[:1].isalpha():
        code = f"kpi_{code}".rstrip("_")
    return code if _is_component(code) else f"{code}_kpi"


def _is_component(code):
    """Whether a formula that consists of the code alone is that KPI.

    Keywords of the language that formulas are parsed with are not.
    """
    if code in FUNCTIONS:
        return False
    try:
        return engine.parse(code).codes == (code,)
    except engine.FormulaError:
        return False


# --- AGGREGATES ---


def check_aggregate(kpi, pseudo_fields):
    """Check source, filter, value and maturity of a KPI that aggregates records.

    :param pseudo_fields: values other than fields, such as ``@customer``
    """
    source = kpi.source_id
    if not source:
        raise ValidationError(
            kpi.env._("Source: choose where the records of %s come from.", kpi.name)
        )
    if source.model not in kpi.env:
        return  # its app is not installed: nothing can be checked or computed
    source._check_domain(kpi.env._("Filter"), kpi.domain)
    if kpi.aggregator == "count":
        if kpi.unit in DIMENSIONS:
            raise ValidationError(
                kpi.env._(
                    "Unit: a count of records is a number. Choose the unit Number, or "
                    "another aggregate."
                )
            )
    elif not kpi.value_field:
        raise ValidationError(kpi.env._("Value: choose the field to aggregate, or count records."))
    elif kpi.value_field.startswith("@"):
        _check_pseudo_field(kpi, pseudo_fields)
    else:
        _check_value_field(kpi)
    if kpi.maturity_days < 0:
        raise ValidationError(
            kpi.env._("Maturity days: enter 0 or more days, not %s.", kpi.maturity_days)
        )


def _check_pseudo_field(kpi, pseudo_fields):
    path = kpi.value_field
    if path not in pseudo_fields:
        raise ValidationError(
            kpi.env._(
                "Value: %(value)s is unknown. Choose a field or one of %(known)s.",
                value=path,
                known=", ".join(pseudo_fields),
            )
        )
    if path == "@customer":
        if kpi.aggregator != "count_distinct":
            raise ValidationError(
                kpi.env._("Aggregate: customers can only be counted (distinct count).")
            )
    elif kpi.source_id.kind != "snapshot":
        raise ValidationError(
            kpi.env._("Value: only records of a snapshot have an age. Choose a field.")
        )


def _check_value_field(kpi):
    path = kpi.value_field
    field = kpi.source_id._path_field(path, kpi.env._("Value"))
    kpi.source_id._check_readable(path)
    if kpi.aggregator == "count_distinct":
        if kpi.unit in DIMENSIONS:
            raise ValidationError(
                kpi.env._("Unit: a distinct count is a number. Choose the unit Number.")
            )
        return
    if field.type not in ("integer", "float", "monetary", "boolean"):
        raise ValidationError(
            kpi.env._(
                "Value: %(field)s is not a number. Choose a numeric field, or the "
                "aggregate Distinct count.",
                field=path,
            )
        )
    if (kpi.unit == "money") != (field.type == "monetary"):
        raise ValidationError(
            kpi.env._(
                "Unit: Money is only for monetary fields, and monetary fields need it. "
                "%(field)s has the type %(type)s. Change the unit or the value.",
                field=path,
                type=field.type,
            )
        )


# --- FORMULAS ---


def check_formulas(kpis):
    """Check formulas: syntax, components, units, readers of the components, and cycles.

    The KPIs can be unsaved.
    """
    formulas = {}
    own = kpis.filtered(lambda kpi: kpi.kind == "formula")
    stored = kpis.with_context(active_test=False).search([("kind", "=", "formula")])
    # a KPI that is edited and not saved stands for the stored one
    for kpi in [*(stored - kpis._origin), *own]:
        try:
            formulas[kpi.code or ""] = engine.parse(kpi.formula)
        except engine.FormulaError as error:
            if kpi in own:
                raise ValidationError(formula_message(kpi.env, error)) from error
    for kpi in own:
        _check_components(kpi, formulas[kpi.code or ""])
    _order, cycle = engine.evaluation_order(formulas)
    if caught := [kpi.code for kpi in kpis if kpi.code in cycle]:
        raise ValidationError(
            kpis.env._(
                "Formula: %(code)s uses itself through %(others)s. Remove one of them from its "
                "formula.",
                code=caught[0],
                others=", ".join(cycle),
            )
        )


def _check_components(kpi, formula):
    known = {other.code: other for other in kpi._by_code(formula.codes)}
    if missing := [code for code in formula.codes if code not in known]:
        raise ValidationError(
            kpi.env._(
                "Formula: there is no KPI with the code %s. Check the spelling, or "
                "create that KPI first.",
                ", ".join(missing),
            )
        )
    _check_unit(kpi, formula, known)
    _check_readable(kpi, kpi.browse().union(*known.values()))


def _check_readable(kpi, components):
    """Refuse components whose values the author of the formula may not read."""
    # constraints run as superuser: sudo(False) asks for the rights of the author
    if closed := components.sudo(False)._closed_to_user():
        closed = (
            closed.sudo()
        )  # names of KPIs and groups only: the author needs to know whom to ask
        raise ValidationError(
            kpi.env._(
                "Formula: only members of %(groups)s can read %(kpis)s. Remove it from the "
                "formula, or ask one of them to define this KPI.",
                kpis=", ".join(closed.mapped("name")),
                groups=", ".join(closed.group_ids.mapped("full_name")),
            )
        )


def _check_unit(kpi, formula, known):
    units = {code: part.unit if part.unit in DIMENSIONS else "" for code, part in known.items()}
    try:
        powers = formula.unit(units)
    except engine.FormulaError as error:
        raise ValidationError(formula_message(kpi.env, error)) from error
    expected = {kpi.unit: 1} if kpi.unit in DIMENSIONS else {}
    # money per day is shown as money, a sum of hours as hours
    got = {unit: power for unit, power in powers.items() if unit == "money"}
    if kpi.unit != "money" and not got:
        got = powers
    if kpi.unit in ("hours", "days", "months") and not powers:
        return  # a bare number can be a duration: (a - b) * 24
    if got != expected:
        raise ValidationError(
            kpi.env._(
                "Unit: the formula yields %(got)s, not %(unit)s. Change the unit or the formula.",
                got=" · ".join(
                    unit if power == 1 else f"{unit}^{power}" for unit, power in got.items()
                )
                or kpi.env._("a bare number"),
                unit=dict(kpi._fields["unit"]._description_selection(kpi.env))[kpi.unit],
            )
        )


def formula_message(env, error):
    """The sentence for a :class:`~..engine.functions.FormulaError`."""
    reason, *data = error.args
    match reason:
        case "syntax":
            return env._("Formula: it cannot be read (%s). Check parentheses and operators.", *data)
        case "element":
            return env._(
                "Formula: %s is not allowed. Use codes of KPIs, numbers, + - * / and the "
                "functions listed below the field.",
                *data,
            )
        case "function":
            return env._(
                "Formula: there is no function %s. The functions are listed below the field.", *data
            )
        case "arguments":
            return env._(
                "Formula: number of arguments of %(name)s: %(count)s.", name=data[0], count=data[1]
            )
        case "shift":
            return env._("Formula: %s takes the code of one KPI in parentheses.", *data)
        case "empty":
            return env._("Formula: enter a formula with at least one KPI.")
        case "number":
            return env._("Formula: it contains a number that is too large. Enter a smaller number.")
    return env._(
        "Formula: it adds or compares %(left)s and %(right)s. Use KPIs of the same unit.",
        left=data[0] or env._("a bare number"),
        right=data[1] or env._("a bare number"),
    )
