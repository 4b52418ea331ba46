# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Values that a check gives to the components of a formula, as text with one line for each.

    deals_won = 6
    previous(revenue_ordered) = 1600
    margin_rate = 25 %
    deals_lost = none

A component that is a formula itself needs no value if its own components have one.
"""

import contextlib
import math
import re

from odoo.exceptions import UserError

from ..definitions.words import format_value
from ..engine import formula as engine
from ..engine.functions import CONSTANTS
from .preview_values import parse

#: Written in place of the number of a component that has no value.
NO_VALUE = "none"
NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)(%?)")


def read(env, text):
    """The values in a text: dict of keys, see :func:`keys_of`, to numbers and ``None``.

    :raise UserError: what cannot be read, and what to write instead
    """
    values = {}
    for line in re.split(r"[\n;]", text or ""):
        if not line.strip():
            continue
        name, sign, number = line.partition("=")
        key = _without_blanks(name)
        if not sign or not key:
            raise UserError(
                env._(
                    "Component values: “%s” cannot be read. Write one line for each component, "
                    "for example deals_won = 6.",
                    line.strip(),
                )
            )
        if key in values:
            raise UserError(
                env._("Component values: %s has two values. Remove one of them.", name.strip())
            )
        values[key] = _number(env, name.strip(), number)
    return values


def _without_blanks(text):
    return re.sub(r"\s", "", text).lower()


def _number(env, name, text):
    text = _without_blanks(text).replace("\N{MINUS SIGN}", "-")
    if text == NO_VALUE:
        return None
    found = NUMBER.fullmatch(text)
    value = float(found[1]) if found else math.inf
    if not math.isfinite(value):
        raise UserError(
            env._(
                "Component values: enter the value of %s as a number such as 6000, 0.5 or 25 %%, "
                "without a separator of thousands, or write none for no value.",
                name,
            )
        )
    return value / 100 if found[2] else value


def keys_of(formula):
    """How the parts of a formula that need a value are written.

    >>> keys_of(engine.parse("rolling(a, 12) / previous(b) / months"))
    ['rolling(a,12)', 'previous(b)', 'months']
    """
    keys = [_key(part) for part in formula.components]
    return list(dict.fromkeys([*keys, *formula.constants]))


def _key(part):
    if not part.shift:
        return part.code
    name, _blank, count = part.shift.partition(" ")
    return f"{name}({part.code},{count})" if count else f"{name}({part.code})"


def proposed(kpi):
    """A text in which only the numbers are missing; empty where there is no formula."""
    with contextlib.suppress(UserError):
        return "\n".join(f"{key} = " for key in keys_of(parse(kpi)))
    return ""


def evaluate(kpi, values):
    """The value of a formula with the given values, ``None`` for no value.

    :param values: see :func:`read`
    :raise UserError: a value is missing, or is not used
    """
    used, missing = set(), []
    result = _evaluate(kpi, values, used, missing)
    if missing:
        raise UserError(
            kpi.env._(
                "Component values: a line is missing for %(names)s. Add one such as %(name)s = 6.",
                names=", ".join(dict.fromkeys(missing)),
                name=missing[0],
            )
        )
    if unused := values.keys() - used:
        raise UserError(
            kpi.env._(
                "Component values: the formula does not use %(names)s. It uses %(keys)s.",
                names=", ".join(sorted(unused)),
                keys=", ".join(keys_of(parse(kpi))),
            )
        )
    return result


def _evaluate(kpi, values, used, missing):
    formula = parse(kpi)
    numbers, constants = {}, {}
    for part in formula.components:
        key = _key(part)
        component = kpi._by_code([part.code])
        if key in values:
            used.add(key)
            numbers[part] = values[key]
        elif component.kind == "formula" and not part.shift:
            numbers[part] = _evaluate(component, values, used, missing)
        else:
            missing.append(key)
    for name in formula.constants:
        if name in values:
            used.add(name)
            constants[name] = values[name]
        else:
            missing.append(name)
    return None if missing else formula.evaluate(numbers, constants)


def in_words(kpi, text, currency):
    """The values with names and units, for example *Deals won 6 · Deals lost 4*."""
    env = kpi.env
    try:
        values = read(env, text)
    except UserError:
        return text
    parts = {key: part for key in values if (part := _part(key))}
    # superuser: readers of a formula see the names of its components, not their values
    codes = {part.code for part in parts.values()}
    components = {one.code: one for one in kpi.sudo()._by_code(codes)}
    texts = []
    for key, value in values.items():
        part = parts.get(key)
        if part and part.code in components:
            component = components[part.code]
            name = part.in_words(component.name, env._)
            texts.append(f"{name} {format_value(component, value, currency)}")
        else:
            name = env._(CONSTANTS[key].words) if key in CONSTANTS else key
            texts.append(f"{name} {'–' if value is None else f'{value:g}'}")
    return " · ".join(texts)


def _part(key):
    """The component that a key stands for, ``None`` for a constant and for what is none."""
    with contextlib.suppress(engine.FormulaError):
        components = engine.parse(key).components
        return components[0] if len(components) == 1 else None
    return None
