# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a KPI proposes: its category, the people compared, and rules that many filters have."""

from collections import Counter

from . import fitting
from .filter_words import path_label


def propose_category(kpi):
    """Propose the category of the KPIs with the same source or records, or that of the components."""
    if kpi.category_id:
        return
    counted = Counter(other.category_id for other in _relatives(kpi))
    if counted:
        [(kpi.category_id, _count)] = counted.most_common(1)


def _relatives(kpi):
    if kpi.kind == "formula":
        return kpi.component_ids
    source = kpi.source_id._origin
    if not source:
        return kpi.browse()
    same_records = source.search([("model_id", "=", source.model_id.id)])
    return source.kpi_ids or kpi.search([("source_id", "in", same_records.ids)])


def common_people(records):
    """Who is compared with each other: as the source, or the role that components have in common.

    :param records: a source, or the components of a formula
    """
    found = set(records.mapped("compared_people"))
    found.discard(False)  # a new component
    roles = found & {"sales", "service"}
    if len(roles) == 1:
        found = roles
    return found.pop() if len(found) == 1 else "all"


def common_rules(source):
    """Rules for the filter that are added with one click; users then enter the value.

    The amount of a record, and country and tags of its customer.

    :return: list of dicts of ``label``, ``title`` (the path in words) and ``domain``
    """
    model = source._readable_model() if source else None
    if model is None:
        return []
    amounts = fitting.fitting_paths(model, "value_field", ("monetary",))
    amount = fitting.proposed_path(amounts, "value_field")
    rules = [_rule(model, amount, ">", 0)] if amount else []
    customer = source._paths("partner_field")[:1]
    country = source._paths("country_field")[:1] or [f"{path}.country_id" for path in customer]
    paths = [path for one in country for path in (f"{one}.country_group_ids", one)]
    paths += [f"{path}.category_id" for path in customer]
    return rules + [_rule(model, path, "in", []) for path in paths]


def _rule(model, path, operator, value):
    words = path_label(model, path)
    return {
        "label": words.rpartition(" › ")[2],
        "title": words,
        "domain": repr([(path, operator, value)]),
    }
