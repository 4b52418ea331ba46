# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A condition that a record does not satisfy, in words: what it has, and what it must have."""

from odoo.exceptions import AccessError
from odoo.tools.misc import format_date, format_datetime, formatLang

from ..definitions.filter_words import values_text


def condition_words(record, domain):
    """For example *Type is Lead, but must be Opportunity*.

    :param record: in the environment of the reader. A value that the reader may not see is left
        out.
    :param domain: a condition, or several of which one must hold
    """
    env = record.env
    texts = []
    for condition in domain.iter_conditions():
        label, field, actual = _value_at(record, condition.field_expr)
        needed = _needed(env, field, condition)
        if actual and needed:
            text = env._(
                "%(field)s is %(value)s, but %(needed)s", field=label, value=actual, needed=needed
            )
        elif needed:
            text = env._("%(field)s %(needed)s", field=label, needed=needed)
        else:
            text = env._("%s does not fit the filter", label)
        texts.append(text)
    return env._(" or ").join(dict.fromkeys(texts))


def _value_at(record, path):
    """``(label, field, text)`` of the end of a path; no text where the reader may not see it."""
    labels, field, value = [], None, record
    model = record
    for name in path.split("."):
        field = model._fields.get(name)
        if field is None:
            break  # a part of a date, or a property
        labels.append(field._description_string(record.env))
        model = model.env[field.comodel_name] if field.comodel_name else model
        try:
            value = None if value is None else _read(value, field, name)
        except AccessError:
            value = None
        if not field.comodel_name:
            break
    text = "" if value is None else _text(record, field, value)
    return " › ".join(labels), field, text


def _read(value, field, name):
    value._check_field_access(field, "read")
    if field.comodel_name:
        return value.mapped(name)
    return value[:1][name] if value else ""  # at the end of an empty link


def _text(record, field, value):
    """A value as people read it."""
    env = record.env
    if field.comodel_name:
        try:
            return ", ".join(value.mapped("display_name")) or env._("empty")
        except AccessError:
            return ""
    if value == "":
        return env._("empty")
    if field.type == "boolean":
        return env._("Yes") if value else env._("No")
    if value is False:
        return env._("empty")
    match field.type:
        case "selection":
            return dict(field._description_selection(env)).get(value, str(value))
        case "date":
            return format_date(env, value)
        case "datetime":
            return format_datetime(env, value, dt_format="short")
        case "float" | "monetary":
            return formatLang(env, value)
    return str(value)


def _needed(env, field, condition):
    """What a value must be; empty where that has no short words."""
    operator, value = condition.operator, condition.value
    if operator in ("=", "!=") and value is False and field.type != "boolean":
        return env._("must be empty") if operator == "=" else env._("must be set")
    several = hasattr(value, "__iter__") and not isinstance(value, str)
    values = list(value) if several else [value]
    texts = {
        "=": env._("must be %s"),
        "in": env._("must be %s"),
        "!=": env._("must not be %s"),
        "not in": env._("must not be %s"),
        "<": env._("must be less than %s"),
        "<=": env._("must be at most %s"),
        ">": env._("must be more than %s"),
        ">=": env._("must be at least %s"),
    }
    if operator not in texts:
        return ""
    return texts[operator] % values_text(env, field, values)
