# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A filter in words, as people who read a KPI see it."""

import re
from typing import NamedTuple

from babel.dates import get_day_names

from odoo.fields import Date, Datetime, Domain
from odoo.tools.misc import babel_locale_parse, format_date, format_datetime, formatLang

#: Most values of one condition that are named.
MAX_VALUES = 10
#: A date relative to the present, such as *today -1m =1d*.
RELATIVE = re.compile(r"(today|now)(\s+[-+=]\w+)*|([-+=]\w+\s*)+")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class _Part(NamedTuple):
    """A part of a sentence: one condition, or several that are all joined by *and* or by *or*."""

    texts: list
    sign: str = ""


def filter_text(source, text, model_name=None):
    """The filter of a KPI or of a source in words; empty where it accepts all records.

    :param source: in the environment of the reader
    :param model_name: the model that is filtered, by default that of the source
    """
    env = source.env
    model = env.get(model_name or source.model or "")
    try:
        domain = source._parse_domain(text)
    except ValueError:
        return env._("A filter that cannot be read")
    return filter_words(env["base"] if model is None else model, domain)


def filter_words(model, domain):
    """A domain in words, for example *Untaxed Amount > 10,000 and Country Groups = BeNeLux*.

    :param model: an empty record set, in the environment of the reader
    """
    if domain.is_true():
        return ""
    env = model.env
    stack = []
    # the polish notation, from its end: an operator stands before what it joins
    for item in reversed(list(domain)):
        if item == "!":
            stack.append(_Part([env._("not (%s)", _joined(env, stack.pop()))]))
        elif item in ("&", "|"):
            left, right = stack.pop(), stack.pop()
            stack.append(_Part(_texts(env, left, item) + _texts(env, right, item), item))
        else:
            stack.append(_Part([_condition_words(model, *item)]))
    return _joined(env, stack.pop())


def _texts(env, part, sign):
    if part.sign in ("", sign):
        return part.texts
    return [f"({_joined(env, part)})"]


def _joined(env, part):
    return (env._(" or ") if part.sign == "|" else env._(" and ")).join(part.texts)


def _condition_words(model, path, operator, value):
    env = model.env
    if not isinstance(path, str):
        return env._("all records") if path == value else env._("no record")
    label, field, comodel = field_at(model, path)
    if operator.rstrip("!") in ("any", "not any"):
        return _linked_words(env, label, operator, comodel, Domain(value))
    values = _values(value)
    is_equal = operator in ("=", "in", "=?")
    is_other = operator in ("!=", "<>", "not in")
    if values == [False] and (is_equal or is_other) and (not field or field.type != "boolean"):
        return env._("%s is empty", label) if is_equal else env._("%s is set", label)
    names = {"field": label, "value": values_text(env, field, values)}
    if is_equal:
        return env._("%(field)s = %(value)s", **names)
    if is_other:
        return env._("%(field)s is not %(value)s", **names)
    texts = {
        "<=": env._("%(field)s ≤ %(value)s"),
        ">=": env._("%(field)s ≥ %(value)s"),
        "like": env._("%(field)s contains %(value)s"),
        "not like": env._("%(field)s does not contain %(value)s"),
        "=like": env._("%(field)s has the form %(value)s"),
        "not =like": env._("%(field)s does not have the form %(value)s"),
        "child_of": env._("%(field)s = %(value)s, or below it"),
        "parent_of": env._("%(field)s = %(value)s, or above it"),
    }
    text = texts.get(operator.replace("ilike", "like"))
    return text % names if text else f"{label} {operator} {names['value']}"


def _linked_words(env, label, operator, comodel, domain):
    """A condition on linked records in words."""
    linked = filter_words(env["base"] if comodel is None else comodel, domain)
    is_any = operator.startswith("any")
    if not linked:
        return env._("%s is set", label) if is_any else env._("%s is empty", label)
    names = {"field": label, "filter": linked}
    if is_any:
        return env._("%(field)s with (%(filter)s)", **names)
    return env._("%(field)s without (%(filter)s)", **names)


def field_at(model, path):
    """What a path leads to.

    :return: ``(label, field, comodel)``; the field is ``None`` for a part of a date, a property or
        a field that does not exist any more, and the comodel where the field is no link
    """
    labels, field, owner = [], None, model
    for name in path.split("."):
        found = owner._fields.get(name) if owner is not None else None
        if found is None:
            labels.append(name.replace("_", " "))
            field = owner = None
            continue
        field = found
        labels.append(field._description_string(model.env))
        owner = model.env.get(field.comodel_name) if field.comodel_name else None
    return " › ".join(labels), field, owner


def path_label(model, path):
    """The label of a path of fields, for example *Customer › Country*."""
    return field_at(model, path)[0]


# --- VALUES ---


def _values(value):
    several = hasattr(value, "__iter__") and not isinstance(value, str)
    return list(value) if several else [value]


def values_text(env, field, values):
    """The values that a condition compares a field with, in words."""
    if not values:
        return env._("nothing")
    texts = [value_text(env, field, value) for value in values[:MAX_VALUES]]
    if more := len(values) - len(texts):
        texts.append(env._("%s others", more))
    return env._(" or ").join(texts)


def value_text(env, field, value):
    """A value that a condition compares a field with, in words.

    :param field: ``None`` where it is not known
    """
    if field is not None and field.comodel_name and type(value) is int:
        # superuser: the filter of a KPI names this record to its readers
        record = env[field.comodel_name].sudo().browse(value).exists()
        return record.display_name or env._("a deleted record")
    kind = field.type if field is not None else ""
    if value is False and kind != "boolean":
        return env._("empty")
    if kind == "boolean" or isinstance(value, bool):
        return env._("Yes") if value else env._("No")
    if kind == "selection":
        return dict(field._description_selection(env)).get(value, str(value))
    if kind in ("date", "datetime"):
        return _date_text(env, str(value))
    if isinstance(value, int | float):
        return _number_text(env, value)
    return str(value)


def _number_text(env, value):
    if isinstance(value, int) or value.is_integer():
        return formatLang(env, value, digits=0)
    # as many decimals as the condition has
    return formatLang(env, value, digits=min(len(repr(value).partition(".")[2]), 6))


def _date_text(env, text):
    if RELATIVE.fullmatch(text.strip()):
        return _relative_text(env, text.split())
    try:
        if len(text) > 10:
            return format_datetime(env, Datetime.to_datetime(text), dt_format="short")
        return format_date(env, Date.to_date(text))
    except ValueError:
        return text


def _relative_text(env, terms):
    """A relative date, for example *today − 1 month, on day 1*."""
    start = terms[0] if terms[0] in ("today", "now") else ""
    result = env._("today") if start == "today" else env._("now")
    for term in terms[bool(start) :]:
        result += _offset_text(env, term[0], term[1:])
    return result


def _offset_text(env, sign, what):
    if what == "week_start":
        return env._(", first day of the week")
    if what in DAYS:
        names = get_day_names("wide", locale=babel_locale_parse(env.lang))
        texts = {
            "=": env._(", %s of the week"),
            "-": env._(", %s before"),
            "+": env._(", %s after"),
        }
        return texts[sign] % names[DAYS.index(what)]
    number, unit = what[:-1], what[-1]
    if sign == "=":
        texts = {
            "d": env._(", on day %s"),
            "m": env._(", in month %s"),
            "y": env._(", in the year %s"),
            "H": env._(", at %s o'clock"),
        }
        return texts.get(unit, f", {unit} = %s") % number
    units = {
        "d": env._("days"),
        "w": env._("weeks"),
        "m": env._("months"),
        "y": env._("years"),
        "H": env._("hours"),
        "M": env._("minutes"),
        "S": env._("seconds"),
    }
    singular = {
        "d": env._("day"),
        "w": env._("week"),
        "m": env._("month"),
        "y": env._("year"),
        "H": env._("hour"),
    }
    name = (singular.get(unit) if number == "1" else None) or units.get(unit, unit)
    return f" {'−' if sign == '-' else '+'} {number} {name}"
