# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which models and fields a source or a KPI may read: business documents, never secrets.

Values are computed as superuser, and an administrator of KPIs may read all of them. A source on
private messages, attachments or access tokens would show what record rules hide.
"""

import re

from odoo.exceptions import ValidationError
from odoo.fields import Domain

#: Models of business documents, by the beginning of their names. A model of this addon or of
#: another one can also be measured if it sets ``_kpi_measurable``.
DOCUMENTS = (
    "account.analytic.line", "account.invoice.report", "account.move", "account.payment",
    "calendar.", "crm.", "event.", "fleet.", "helpdesk.", "hr.expense", "loyalty.", "maintenance.",
    "mailing.", "membership.", "mrp.", "pos.", "product.", "project.", "purchase.", "rating.rating",
    "repair.", "res.partner", "sale.", "stock.", "survey.", "utm.", "x_",
)  # fmt: skip
#: Models that a path or a filter may pass through, in addition. Not by the beginning of their
#: names: ``res.users.apikeys`` and ``res.users.log`` are not ``res.users``.
LINKS = {
    "account.account", "account.account.tag", "account.journal", "crm.kpi.period",
    "crm.kpi.segment", "crm.kpi.segment.set", "hr.department", "res.company", "res.country",
    "res.country.group", "res.country.state", "res.currency", "res.users", "uom.category",
    "uom.uom",
}  # fmt: skip
#: Fields that hold secrets.
SECRET = re.compile(r"token|passw|secret|api_?key|private_key|hash|totp|oauth|signup", re.I)


def is_measurable(model):
    """Whether the records of a model may be the facts of a source."""
    allowed = getattr(model, "_kpi_measurable", None)
    if allowed is not None:
        return allowed
    return model._name.startswith(DOCUMENTS) and not model._name.startswith("crm.kpi")


def measurable_models(env):
    """The models that the user may choose for a source: list of ``(model, name)``, by name."""
    names = [
        name
        for name, model in env.items()
        if not model._abstract
        and not model._transient
        and is_measurable(model)
        and model.has_access("read")
    ]
    # superuser: names of models that the user may read, as the model selector of Odoo shows them
    found = env["ir.model"].sudo().search_fetch([("model", "in", names)], ["model", "name"])
    return sorted(((model.model, model.name) for model in found), key=lambda one: one[1].lower())


def check_model(model):
    """Refuse a model that is no business document.

    :raise ValidationError: naming the model and the remedy
    """
    if not is_measurable(model):
        raise ValidationError(
            model.env._(
                "Model: %(name)s (%(model)s) holds no business documents and cannot be measured. "
                "Choose leads, orders, invoices, tickets or another business document.",
                name=model._description,
                model=model._name,
            )
        )


def check_path(model, path, label, compared=None):
    """Refuse a path that leads through other models than business documents, or to a secret.

    :param compared: the value that a filter compares the field with
    """
    names = path.split(".")
    for index, name in enumerate(names):
        field = model._fields.get(name)
        if field is None:
            return  # reported by the checks of the definition, or a property
        if is_secret(field):
            raise ValidationError(
                model.env._(
                    "%(label)s: %(path)s cannot be used, because %(field)s can hold a secret. "
                    "Choose another field.",
                    label=label,
                    path=path,
                    field=name,
                )
            )
        if not field.comodel_name:
            return
        model = model.env[field.comodel_name]
        is_last = index == len(names) - 1
        if (not is_last or _is_text(compared)) and not _may_pass(model):
            raise ValidationError(
                model.env._(
                    "%(label)s: %(path)s leads to %(model)s, which holds no business documents. "
                    "Choose another field.",
                    label=label,
                    path=path,
                    model=model._description,
                )
            )


def check_domain(model, domain, label):
    """The same for each condition of a filter, also of those on linked records."""
    for condition in domain.iter_conditions():
        path, compared = condition.field_expr, condition.value
        if condition.operator.rstrip("!") in ("any", "not any"):
            check_path(model, path, label, "")
            linked = model
            for name in path.split("."):
                field = linked._fields.get(name)
                if field is None or not field.comodel_name:
                    break
                linked = linked.env[field.comodel_name]
            else:
                check_domain(linked, Domain(compared), label)
        else:
            check_path(model, path, label, compared)


def is_secret(field):
    """Whether a field can hold a secret, also by the name of the field that it shows."""
    names = (field.name, field.related or "")
    return field.type == "binary" or any(SECRET.search(name) for name in names)


def _may_pass(model):
    return is_measurable(model) or model._name in LINKS


def _is_text(compared):
    """Whether a linked record is compared by its name, which reads the linked record."""
    if isinstance(compared, (list, tuple, set)):
        return any(isinstance(item, str) for item in compared)
    return isinstance(compared, str)
