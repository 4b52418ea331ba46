# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is wrong with a formula, in words, and the unit that follows from its components."""

import contextlib
import difflib
from typing import NamedTuple

from odoo.exceptions import ValidationError

from ..engine import formula as engine
from ..engine.functions import DIMENSIONS, FUNCTIONS
from ..engine.time_behaviour import check_sums
from .words import component_names, computation_text


class Problem(NamedTuple):
    """Why a formula cannot be saved.

    :param field: field that is named before the sentence; empty where the sentence names it
    :param typed: a part of the formula in place of which ``code`` was probably meant
    """

    text: str
    field: str = "formula"
    typed: str = ""
    code: str = ""


def check_formulas(kpis):
    """Check formulas: syntax, components, units, readers of the components, and cycles."""
    formulas = _other_formulas(kpis)
    own = kpis.filtered(lambda kpi: kpi.kind == "formula")
    for kpi in own:
        with contextlib.suppress(engine.FormulaError):
            formulas[kpi.code] = engine.parse(kpi.formula)
    for kpi in own:
        if problem := find_problem(kpi, formulas):
            raise ValidationError(_with_field(kpi, problem))


def _other_formulas(kpis):
    """The formulas of other KPIs by code, without those that cannot be read."""
    formulas = {}
    stored = kpis.with_context(active_test=False).search([("kind", "=", "formula")])
    for kpi in stored - kpis - kpis._origin:
        with contextlib.suppress(engine.FormulaError):
            formulas[kpi.code] = engine.parse(kpi.formula)
    return formulas


def component_codes(kpi):
    """Codes of the KPIs that a formula uses; none where it cannot be read."""
    if kpi.kind == "formula" and kpi.formula:
        with contextlib.suppress(engine.FormulaError):
            return engine.parse(kpi.formula).codes
    return ()


def check_typed(kpi):
    """What is wrong with a formula while it is typed, and what it means.

    :param kpi: a new record with ``code``, ``formula`` and, if it is chosen, ``unit``
    :return: dict with ``error, typed, code`` (see :class:`Problem`), or with ``words``
    """
    formulas = _other_formulas(kpi)
    with contextlib.suppress(engine.FormulaError):
        formulas[kpi.code] = engine.parse(kpi.formula)
    if problem := find_problem(kpi, formulas):
        return {"error": problem.text, "typed": problem.typed, "code": problem.code}
    return {"words": computation_text(kpi, component_names(kpi))}


def find_problem(kpi, formulas):
    """The first :class:`Problem` of a formula, ``None`` for none.

    :param formulas: dict of code to the formulas that can be read, this one included
    """
    try:
        formula = engine.parse(kpi.formula)
    except engine.FormulaError as error:
        return _unreadable(kpi, error)
    if path := engine.cycle_through(kpi.code, formulas):
        text = kpi.env._(
            "Circular formula: %s. Remove one of them from its formula.", " → ".join(path)
        )
        return Problem(text, field="")
    known = {other.code: other for other in kpi._by_code(formula.codes)}
    for code in formula.codes:
        if code not in known:
            return _unknown(kpi, code)
    return _closed(kpi, kpi.browse().union(*known.values())) or _wrong_unit(kpi, formula, known)


def _with_field(kpi, problem):
    if not problem.field:
        return problem.text
    label = kpi._fields[problem.field]._description_string(kpi.env)
    return f"{label}: {problem.text}"


# --- COMPONENTS ---


def _unknown(kpi, typed):
    """There is no KPI with a code; the closest one, or the one whose name was typed."""
    text = kpi.env._("There is no KPI with the code %s.", typed)
    found = _closest(kpi, typed)
    if not found:
        text = kpi.env._("%s Check the spelling, or create that KPI first.", text)
        return Problem(text)
    return _meant(kpi, text, typed, found)


def _meant(kpi, text, typed, found):
    text = kpi.env._(
        "%(problem)s Did you mean %(name)s (%(code)s)?",
        problem=text,
        name=found.name,
        code=found.code,
    )
    return Problem(text, typed=typed, code=found.code)


def _closest(kpi, typed):
    """The KPI whose code or name is most similar to a word or to several."""
    by_text = {}
    # constraints run as superuser: only KPIs that the author may read are proposed
    for other in kpi.sudo(False).search([("code", "!=", kpi.code)]):
        by_text.setdefault(_normal(other.name), other)
        by_text[other.code] = other
    matches = difflib.get_close_matches(_normal(typed), by_text, n=1)
    return by_text[matches[0]] if matches else kpi.browse()


def _normal(text):
    return "_".join(text.lower().split())


def _closed(kpi, components):
    """Refuse components whose values the author of the formula may not read."""
    # constraints run as superuser: sudo(False) asks for the rights of the author
    closed = components.sudo(False)._closed_to_user()
    if not closed:
        return None
    # superuser: names of KPIs and groups only; the author needs to know whom to ask
    closed = closed.sudo()
    return Problem(
        kpi.env._(
            "Only members of %(groups)s can read %(kpis)s. Remove it from the formula, or ask one "
            "of them to define this KPI.",
            kpis=", ".join(closed.mapped("name")),
            groups=", ".join(closed.group_ids.mapped("full_name")),
        )
    )


# --- UNITS ---


def _wrong_unit(kpi, formula, known):
    try:
        check_sums(formula, known)
        quantity = _quantity(formula, known, kpi.env._)
    except engine.FormulaError as error:
        return _unreadable(kpi, error)
    powers = quantity.unit or {}
    expected = {kpi.unit: 1} if kpi.unit in DIMENSIONS else {}
    # money per day is shown as money, a sum of hours as hours
    got = {unit: power for unit, power in powers.items() if unit == "money"}
    if kpi.unit != "money" and not got:
        got = powers
    # a bare number can be a duration: (a - b) * 24
    is_duration = kpi.unit in ("hours", "days", "months") and not powers
    if not kpi.unit or is_duration or got == expected:
        return None
    return Problem(
        kpi.env._(
            "The formula yields %(got)s, not %(unit)s. Change the unit or the formula.",
            got=_kind_in_words(kpi.env, quantity._replace(unit=got or powers)),
            unit=dict(kpi._fields["unit"]._description_selection(kpi.env))[kpi.unit],
        ),
        field="unit",
    )


def _quantity(formula, known, translate=str):
    return formula.quantity(
        {code: part.unit for code, part in known.items()},
        {code: part.name for code, part in known.items()},
        translate,
    )


def proposed_unit(kpi):
    """Unit and decimals that follow from the components: ``(unit, digits)``.

    ``None`` where nothing follows, for example while the formula cannot be read.
    """
    try:
        formula = engine.parse(kpi.formula)
        known = {part.code: part for part in kpi._by_code(formula.codes)}
        if len(known) < len(formula.codes):
            return None
        quantity = _quantity(formula, known)
    except engine.FormulaError:
        return None
    if quantity.unit is None:
        return None
    if quantity.unit:
        # money per day is shown as money
        unit = "money" if quantity.unit.get("money") == 1 else next(iter(quantity.unit))
        if quantity.unit[unit] != 1 or (unit != "money" and len(quantity.unit) > 1):
            return None
    else:
        unit = {"share": "percent", "": "ratio"}.get(quantity.kind, quantity.kind)
    digits = [part.digits for part in known.values() if part.unit == unit]
    return unit, max(digits, default={"percent": 1, "ratio": 2}.get(unit, 0))


def _kind_in_words(env, quantity):
    """What is measured, for example *an amount*."""
    powers = quantity.unit
    if powers == {"money": 1}:
        return env._("an amount")
    if powers == {"hours": 1}:
        return env._("hours")
    if powers == {"days": 1}:
        return env._("days")
    if powers == {"months": 1}:
        return env._("months")
    if powers:
        return " · ".join(
            unit if power == 1 else f"{unit}^{power}" for unit, power in powers.items()
        )
    return {
        "count": env._("a count"),
        "percent": env._("a percentage"),
        "share": env._("a percentage"),
        "score": env._("a score"),
    }.get(quantity.kind) or env._("a plain number")


# --- ERRORS OF THE ENGINE ---


def formula_message(kpi, error):
    """The sentence for a :class:`~..engine.functions.FormulaError`, with the name of the field."""
    return _with_field(kpi, _unreadable(kpi, error))


def _unreadable(kpi, error):
    """The :class:`Problem` for a :class:`~..engine.functions.FormulaError`."""
    reason, *data = error.args
    if reason == "operator":
        return _no_operator(kpi, *data)
    if reason == "function":
        return _unknown_function(kpi, *data)
    if reason == "units":
        return Problem(_mixed_units(kpi.env, *data))
    return Problem(_syntax(kpi.env, reason, *data) or _wrong_part(kpi.env, reason, *data))


def _syntax(env, reason, *data):
    """Why a formula cannot be read, with the place; ``None`` for other reasons."""
    match reason:
        case "operand" if data[0]:
            return env._("After “%s”, a KPI or a number is missing.", *data)
        case "operand":
            return env._("At the beginning, a KPI or a number is missing.")
        case "unclosed":
            return env._("The parenthesis before “%s” is not closed.", *data)
        case "unopened":
            return env._("After “%s”, there is a closing parenthesis too many.", *data)
        case "sign":
            return env._("“%s” is not allowed. Use + - * /, parentheses and commas.", *data)
        case "syntax":
            return env._("It is too long or has too many parentheses. Split it into several KPIs.")
    return None


def _wrong_part(env, reason, *data):
    """Why a part of a formula is refused."""
    match reason:
        case "element":
            return env._(
                "“%s” is not allowed. Use codes of KPIs, numbers, + - * / and the functions listed "
                "below the field.",
                *data,
            )
        case "arguments":
            return env._("Number of arguments of %(name)s: %(count)s.", name=data[0], count=data[1])
        case "shift":
            return env._("%s takes the code of one KPI in parentheses.", *data)
        case "periods":
            return env._(
                "%(name)s takes the code of one KPI and a number of periods from 2 to %(most)s, for "
                "example %(name)s(deals_won, 12).",
                name=data[0],
                most=engine.MOST_PERIODS,
            )
        case "sum":
            return env._(
                "%(function)s adds the values of several periods. It takes a count or a sum of "
                "records, which %(kpi)s is not.",
                function=data[0],
                kpi=data[1],
            )
        case "condition":
            return env._(
                "Two values are compared only in the first place of if, for example "
                "if(deals_won > 0, 1, 0)."
            )
        case "number":
            return env._("It contains a number that is too large. Enter a smaller number.")
        case "zero":
            return env._("You cannot divide by 0.")
    return env._("Enter a formula with at least one KPI.")


def _no_operator(kpi, left, right, words):
    """Two parts side by side; several words without a code are probably the name of a KPI."""
    is_name = left[0].isalpha() and not kpi._by_code([left, right])
    if is_name and (found := _closest(kpi, words)):
        return _meant(kpi, kpi.env._("Write the code of a KPI, not “%s”.", words), words, found)
    return Problem(
        kpi.env._(
            "Between “%(left)s” and “%(right)s”, an operator such as + is missing.",
            left=left,
            right=right,
        )
    )


def _unknown_function(kpi, name):
    if found := difflib.get_close_matches(name.lower(), FUNCTIONS, n=1):
        text = kpi.env._(
            "There is no function %(name)s. Did you mean %(found)s?", name=name, found=found[0]
        )
        return Problem(text, typed=name, code=found[0])
    return Problem(
        kpi.env._("There is no function %s. The functions are listed below the field.", name)
    )


def _mixed_units(env, sign, left, right):
    sides = {
        "left": f"{_kind_in_words(env, left)} ({left.words})",
        "right": f"{_kind_in_words(env, right)} ({right.words})",
    }
    if sign == "+":
        return env._("You cannot add %(left)s and %(right)s.", **sides)
    if sign == "-":
        return env._("You cannot subtract %(right)s from %(left)s.", **sides)
    if sign in FUNCTIONS:
        return env._(
            "%(function)s needs values of one unit, not %(left)s and %(right)s.",
            function=sign,
            **sides,
        )
    return env._("You cannot compare %(left)s and %(right)s.", **sides)
