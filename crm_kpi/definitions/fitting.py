# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which fields of a model fit the parts of a source or the value of a KPI, and which are proposed."""

from .filter_words import path_label
from .measurable import is_measurable, is_secret

DATES = ("date", "datetime")
NUMBERS = ("integer", "float", "monetary")
#: Parts of a source: types of their fields, or the model that they lead to.
PARTS = {
    "date_field": DATES,
    "date_end_field": DATES,
    "user_field": "res.users",
    "team_field": "crm.team",
    "company_field": "res.company",
    "partner_field": "res.partner",
    "segment_field": "crm.kpi.segment",
    "country_field": "res.country",
}
#: The parts that are proposed for each source.
PROPOSED = (
    "date_field",
    "user_field",
    "team_field",
    "company_field",
    "partner_field",
    "country_field",
)
#: Where the only field that fits is proposed by any name.
_BY_ANY_NAME = {"user_field", "team_field", "partner_field"}
#: Names of fields that are meant for a part, best first.
PREFERRED = {
    "date_field": (
        "invoice_date", "date_order", "date_done", "date_begin", "start", "request_date",
        "date_start", "start_date", "date", "create_date",
    ),
    "date_end_field": (
        "date_closed", "closed_date", "close_date", "date_done", "date_end", "end_date", "stop",
    ),
    "user_field": ("invoice_user_id", "salesman_id", "user_id", "responsible_id", "manager_id"),
    "team_field": ("team_id", "crm_team_id", "sale_team_id"),
    "company_field": ("company_id",),
    "partner_field": ("order_partner_id", "partner_id", "customer_id", "commercial_partner_id"),
    "country_field": ("country_id",),
    "value_field": (
        "amount_untaxed_signed", "amount_untaxed", "price_subtotal", "expected_revenue",
        "amount_total", "amount", "unit_amount",
    ),
}  # fmt: skip
#: Fields of each record that say nothing about the business: a date that moves with each change,
#: who changed it last, the order in lists.
NEVER = {"id", "write_date", "write_uid", "sequence", "color"}
#: Shown last: who created a record seldom gets the credit for it.
LAST = {"create_uid"}


def fits(field, expected):
    """Whether a field has one of the expected types, or leads to the expected model."""
    if isinstance(expected, tuple):
        return field.type in expected
    return field.type == "many2one" and field.comodel_name == expected


def fitting_paths(model, part, expected):
    """Paths of the stored fields that fit, best first.

    With the fields of the document that a record is a line of, such as the order of an order line,
    and with the team of the salesperson.
    """
    paths = _own_paths(model, part, expected)
    # not the amount of an order for each of its lines
    if part != "value_field" and (document := _document(model)):
        linked = model.env[document.comodel_name]
        paths += [f"{document.name}.{path}" for path in _own_paths(linked, part, expected)]
    if part == "team_field":
        people = fitting_paths(model, "user_field", PARTS["user_field"])
        paths += [f"{path}.sale_team_id" for path in people if _name(path) not in LAST]
    known = PREFERRED.get(part, ())
    ranks = {name: rank for rank, name in enumerate(known)}

    def rank(path):
        name = _name(path)
        order = ranks.get(name, len(known))
        return (name in LAST, order, path.count("."), path_label(model, path).lower())

    return sorted(paths, key=rank)


def proposed_path(paths, part):
    """The path to propose of those that fit; ``False`` where none is meant for the part."""
    paths = [path for path in paths if _name(path) not in LAST]
    if len(paths) == 1 and part in _BY_ANY_NAME:
        return paths[0]
    return next((path for path in paths if _name(path) in PREFERRED.get(part, ())), False)


def paths_label(model, paths):
    """The labels of one or several paths, which are separated by commas."""
    return ", ".join(path_label(model, path.strip()) for path in paths.split(","))


def labelled(model, paths):
    """List of ``(path, label)``; labels that are not unique are followed by the path."""
    labels = {path: paths_label(model, path) for path in paths}
    values = list(labels.values())
    return [
        (path, f"{label} ({path})" if values.count(label) > 1 else label)
        for path, label in labels.items()
    ]


def _own_paths(model, part, expected):
    return [
        name
        for name, field in model._fields.items()
        if fits(field, expected)
        and (field.store or field.inherited)
        and name not in NEVER
        and not is_secret(field)
        and not _is_mirror(field)
        and model._has_field_access(field, "read")
    ]


def _is_mirror(field):
    """Whether a field shows another field of the same record, as ``user_id`` of an invoice does."""
    return bool(field.related) and "." not in field.related


def _document(model):
    """The link to the document that each record is a line of; ``None`` where it is none."""
    links = [
        field
        for field in model._fields.values()
        if field.type == "many2one"
        and field.store
        and field.ondelete == "cascade"
        and field.required
        and field.comodel_name != model._name
        and is_measurable(model.env[field.comodel_name])
        and model.env[field.comodel_name].has_access("read")
        and model._has_field_access(field, "read")
    ]
    return links[0] if len(links) == 1 else None


def _name(path):
    return path.rpartition(".")[2]
