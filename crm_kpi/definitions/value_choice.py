# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a KPI sums, averages or counts: how the form offers, proposes and takes it over.

The functions change the KPI of a form, which need not be saved.
"""

from ..engine import values
from . import fitting
from .proposals import common_rules


def choice_of(path):
    """The kind of a value: ``field``, a pseudo field, or days between two dates.

    >>> choice_of("amount_untaxed"), choice_of("@customer"), choice_of(False)
    ('field', '@customer', 'field')
    """
    kind = (path or "").split(":")[0]
    return kind if kind in (*values.PSEUDO_FIELDS, values.DAYS_BETWEEN) else "field"


def offered_paths(kpi):
    """What the lists of the form offer: dict of ``dates`` and ``value`` to choices and types, and
    of ``rules`` to :func:`~.proposals.common_rules`."""
    model = kpi.source_id._readable_model() if kpi.source_id else None
    if model is None:
        return {}
    dates = fitting.fitting_paths(model, "date_field", fitting.DATES)
    chosen = (kpi.date_field, *(values.chosen_dates(kpi.value_field) or ()))
    dates += [path for path in chosen if path and path not in dates]
    paths = fitting.fitting_paths(model, "value_field", fitting.NUMBERS)
    own = [path for path in values.value_paths(kpi.value_field) if path not in paths]
    if len(own) == 1:
        paths += own
    types = None if kpi.aggregator == "count_distinct" else list(fitting.NUMBERS)
    return {
        "dates": {"choices": fitting.labelled(model, dates), "types": list(fitting.DATES)},
        "value": {"choices": fitting.labelled(model, paths), "types": types},
        "rules": common_rules(kpi.source_id),
    }


def take_choice(kpi):
    """Set the value that was chosen."""
    if kpi.value_choice == values.DAYS_BETWEEN:
        take_dates(kpi)
    elif kpi.value_choice != "field":
        kpi.value_field = kpi.value_choice
    elif (kpi.value_field or "").startswith("@"):
        kpi.value_field = False


def take_dates(kpi):
    """Set the days between the two dates that were chosen."""
    if kpi.value_choice == values.DAYS_BETWEEN:
        kpi.value_field = values.between(kpi.value_start, kpi.value_end)
        if kpi.unit == "count":
            kpi.unit = "days"


def propose_value(kpi):
    """Propose the amount of the records where a field is aggregated."""
    model = kpi.source_id._readable_model() if kpi.source_id else None
    adds = kpi.aggregator not in ("count", "count_distinct")
    if kpi.value_field or not adds or kpi.value_choice != "field" or model is None:
        return
    paths = fitting.fitting_paths(model, "value_field", fitting.NUMBERS)
    kpi.value_field = fitting.proposed_path(paths, "value_field")
    is_money = kpi.value_field and model._fields[kpi.value_field].type == "monetary"
    if is_money and kpi.unit == "count":
        kpi.unit = "money"


def take_source(kpi):
    """Clear filter and value when the new source has another model."""
    if not kpi.source_id or kpi.source_id._origin == kpi._origin.source_id:
        return
    if kpi.source_id.model != kpi._origin.source_id.model:
        kpi.domain = "[]"
        if kpi.value_field not in values.PSEUDO_FIELDS:
            kpi.value_field = False
    propose_value(kpi)
