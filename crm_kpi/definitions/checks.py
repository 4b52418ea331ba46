# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Checks of a KPI's definition. Each raises ``ValidationError`` with the field and the remedy."""

import re
import unicodedata

from odoo.exceptions import ValidationError

from ..engine import formula as engine
from ..engine.functions import DIMENSIONS, FUNCTIONS
from ..engine.values import DAYS_BETWEEN, PSEUDO_FIELDS, days_between
from .filter_words import path_label
from .fitting import DATES

#: Most decimals of a value.
MOST_DIGITS = 6


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


def free_code(kpis, stem):
    """A code that no KPI has yet: ``stem``, or with the next number behind it."""
    found = kpis.with_context(active_test=False).search([("code", "=like", f"{stem}%")])
    taken = set(found.mapped("code"))
    if stem not in taken:
        return stem
    return next(f"{stem}{i}" for i in range(2, len(taken) + 3) if f"{stem}{i}" not in taken)


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


def check_aggregate(kpi):
    """Check source, filter, value and maturity of a KPI that aggregates records."""
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
                    "another calculation."
                )
            )
    elif not kpi.value_field:
        raise ValidationError(
            kpi.env._("Value: choose the field to calculate with, or count records.")
        )
    elif kpi.value_field.startswith(DAYS_BETWEEN):
        _check_days_between(kpi)
    elif kpi.value_field.startswith("@"):
        _check_pseudo_field(kpi)
    else:
        _check_value_field(kpi)
    if kpi.maturity_days < 0:
        raise ValidationError(
            kpi.env._("Wait before final: enter 0 or more days, not %s.", f"{kpi.maturity_days:g}")
        )


def _check_days_between(kpi):
    dates = days_between(kpi.value_field)
    if not dates:
        raise ValidationError(kpi.env._("Value: choose two dates."))
    for path in dates:
        field = kpi.source_id._path_field(path, kpi.env._("Value"))
        kpi.source_id._check_readable(path)
        if field.type not in DATES:
            raise ValidationError(
                kpi.env._("Value: %s is not a date. Choose a date.", _label(kpi, path))
            )
    if kpi.source_id.kind == "cohort":
        raise ValidationError(
            kpi.env._("Value: days between two dates need a source of events or a snapshot.")
        )
    if kpi.unit not in ("days", "count", "ratio"):
        raise ValidationError(
            kpi.env._("Unit: the value is a number of days. Choose the unit Days.")
        )


def _check_pseudo_field(kpi):
    path = kpi.value_field
    if path not in PSEUDO_FIELDS:
        raise ValidationError(
            kpi.env._(
                "Value: %(value)s is unknown. Choose a field or one of %(known)s.",
                value=path,
                known=", ".join(PSEUDO_FIELDS),
            )
        )
    if path == "@customer":
        if kpi.aggregator != "count_distinct":
            raise ValidationError(
                kpi.env._("Calculation: customers can only be counted. Choose Distinct count.")
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
                "Value: %s is not a number. Choose a numeric field, or the calculation "
                "Distinct count.",
                _label(kpi, path),
            )
        )
    if field.type == "monetary" and kpi.unit != "money":
        raise ValidationError(
            kpi.env._(
                "Unit: %s is an amount of money. Choose the unit Money, or another value.",
                _label(kpi, path),
            )
        )
    if field.type != "monetary" and kpi.unit == "money":
        raise ValidationError(
            kpi.env._(
                "Unit: %s is not an amount of money. Choose another unit, or another value.",
                _label(kpi, path),
            )
        )


def _label(kpi, path):
    return path_label(kpi.env[kpi.source_id.model], path)


# --- DISPLAY ---


def check_display(kpi):
    """Check the decimals, the minimum sample and the counter-metric of a KPI."""
    if not 0 <= kpi.digits <= MOST_DIGITS:
        raise ValidationError(
            kpi.env._(
                "Decimals: enter 0 to %(most)s, not %(digits)s.",
                most=MOST_DIGITS,
                digits=kpi.digits,
            )
        )
    if kpi.min_sample < 0:
        raise ValidationError(
            kpi.env._("Minimum sample: enter 0 or more records, not %s.", kpi.min_sample)
        )
    if kpi.counter_kpi_id and kpi.counter_kpi_id._origin == kpi._origin:
        raise ValidationError(
            kpi.env._(
                "Counter-metric: %s cannot balance itself. Choose another KPI, or none.", kpi.name
            )
        )
