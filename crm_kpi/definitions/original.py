# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The definitions that data files of addons ship: what was changed, and the way back.

Odoo loads the data files of KPIs once. A change by a user stays, and a definition that a newer
version ships differently is not taken over. Both show as a difference from the original.
"""

from functools import lru_cache

from lxml import etree

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.modules.module import get_manifest
from odoo.tools.misc import file_path
from odoo.tools.safe_eval import safe_eval

from . import changes
from .prepare import prepare_definition

#: Texts, compared in English. Translations are those of the addon again.
TEXTS = ("name", "description", "reference", "recommendation_reason")
#: What a data file says about a KPI. Whether it is switched on, its readers, its place, its
#: counter-metric and the objectives that it is recommended for are choices of the database.
FIELDS = (
    *TEXTS, "category_id", "metric_class", "kind", "source_id", "domain", "aggregator",
    "value_field", "formula", "maturity_days", "complete_only", "needs_history", "cross_levels",
    "compared_people", "is_component", "unit", "digits", "direction", "min_sample",
    "small_segments", "for_managers_only",
)  # fmt: skip


def shipped_ids(kpis):
    """The external ids of the KPIs that a data file of an addon defines.

    :return: dict of the id of a KPI to ``(addon, name)``
    """
    # superuser: only which addon a KPI comes from. Exported records have external ids, too
    found = (
        kpis.env["ir.model.data"]
        .sudo()
        .search(
            [
                ("model", "=", "crm.kpi"),
                ("res_id", "in", kpis._origin.ids),
                ("module", "not in", ["__export__", "__import__"]),
            ]
        )
    )
    return {data.res_id: (data.module, data.name) for data in found}


def originals(kpis):
    """The shipped definitions of KPIs.

    :return: dict of the id of a KPI to a record of it that is not stored. KPIs that are not shipped,
        or not by the present version of their addon, are missing.
    """
    kpis = kpis.with_context(lang=None)
    found = {}
    for kpi_id, (addon, name) in shipped_ids(kpis).items():
        node = _nodes(addon).get(name)
        if node is not None:
            found[kpi_id] = kpis.new(_values(kpis, addon, node))
    return found


def changed_fields(kpi, original):
    """Names of the fields in which a KPI differs from its original."""
    kpi = kpi.with_context(lang=None)
    return [
        name
        for name in FIELDS
        if changes.definition_of(kpi, [name]) != changes.definition_of(original, [name])
    ]


def original_values(original, names):
    """Values of the original, as they are written."""
    return {
        name: original._fields[name].convert_to_write(original[name], original) for name in names
    }


def restore(kpi):
    """Give a KPI its shipped definition again.

    :return: action of the dialog that asks from when the definition applies, where the KPI has
        values; else ``True``
    """
    kpi.check_access("write")
    shipped = originals(kpi).get(kpi.id)
    if not shipped:
        raise UserError(kpi.env._("The installed version does not ship this KPI."))
    changed = changed_fields(kpi, shipped)
    others = [name for name in changed if name not in changes.DEFINING]
    # texts of data files are in English
    kpi.with_context(lang=None).write(original_values(shipped, others))
    _restore_translations(kpi)
    values = original_values(shipped, [name for name in changed if name in changes.DEFINING])
    wizards = kpi.env["crm.kpi.definition.change"]
    if action := values and wizards.propose(kpi._name, kpi.id, values):
        return action
    return kpi.write(values)


def _restore_translations(kpi):
    """Take over the translations of the addon for the texts of a KPI."""
    [(addon, name)] = shipped_ids(kpi).values()
    resetter = kpi.env["template.reset.mixin"]
    resetter._override_translation_term(addon, [name, f"{addon}.{name}"])
    kpi.invalidate_recordset(TEXTS)


@lru_cache
def _nodes(addon):
    """The elements of the KPIs in the data files of an addon, by their names."""
    nodes = {}
    for name in get_manifest(addon).get("data", ()):
        if name.endswith(".xml"):
            tree = etree.parse(file_path(f"{addon}/{name}"))
            for node in tree.iterfind(".//record[@model='crm.kpi']"):
                nodes[node.get("id")] = node
    return nodes


def _values(kpis, addon, node):
    """The values of the fields in a data file, by their names."""
    values = {}
    for field in node.iterfind("field"):
        if (name := field.get("name")) in FIELDS:
            values[name] = _value(kpis.env, addon, field)
    prepare_definition(kpis.env, values)
    return values


def _value(env, addon, field):
    if name := field.get("ref"):
        return env.ref(name if "." in name else f"{addon}.{name}").id
    if expression := field.get("eval"):
        # the text of a data file of an installed addon, which Odoo evaluates when it loads the file
        return safe_eval(expression, {"Command": Command, "ref": lambda name: env.ref(name).id})
    return field.text
