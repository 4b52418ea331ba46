# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Values of a record that are no field: its customer, its age, the days between two dates."""

#: Values that each record of a source has in addition to its fields.
PSEUDO_FIELDS = ("@customer", "@age_days", "@age_hours")
#: Days from one date to another, written as ``@days_between:create_date:date_closed``.
DAYS_BETWEEN = "@days_between"


def between(start, end):
    """The value that is the days between two dates; a date that is not chosen yet is empty."""
    return f"{DAYS_BETWEEN}:{start or ''}:{end or ''}"


def chosen_dates(value_field):
    """The two dates that are chosen, empty where one is missing; ``None`` for other values."""
    kind, *dates = (value_field or "").split(":")
    return tuple(dates) if kind == DAYS_BETWEEN and len(dates) == 2 else None


def days_between(value_field):
    """The paths of the two dates, ``None`` for other values."""
    dates = chosen_dates(value_field)
    return dates if dates and all(dates) else None


def value_paths(value_field):
    """Paths of the fields that a value is made of."""
    if not value_field:
        return ()
    return days_between(value_field) or (() if value_field.startswith("@") else (value_field,))
