# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Values of a KPI before they are written: its source, its code, the form of its formula."""

from ..engine import formula as engine
from . import checks


def prepare_new(kpis, vals):
    """Complete the values of a new KPI."""
    prepare_definition(kpis.env, vals)
    if vals.get("name") and not vals.get("code"):
        vals["code"] = checks.free_code(kpis, checks.code_from_name(vals["name"]))


def prepare_definition(env, vals):
    """Set the source of a manual KPI or of a formula, and store signs such as × and ÷ in one form."""
    if vals.get("kind") == "manual":
        source = env.ref("crm_kpi.crm_kpi_source_entry")
        vals.update(source_id=source.id, value_field="value")
        if vals.get("aggregator", "count") == "count":
            vals["aggregator"] = "sum"
    elif vals.get("kind") == "formula":
        vals["source_id"] = False
    if isinstance(vals.get("formula"), str):
        vals["formula"] = engine.stored_form(vals["formula"])


def with_dated_source(env, vals, source=None):
    """Values with the source that counts by the date that is chosen, instead of the date.

    :param source: the present one
    """
    if "date_field" not in vals:
        return vals
    vals = dict(vals)
    path = vals.pop("date_field")
    chosen = env["crm.kpi.source"].browse(vals["source_id"]) if "source_id" in vals else source
    if chosen:
        vals["source_id"] = chosen._dated_by(path).id
    return vals
