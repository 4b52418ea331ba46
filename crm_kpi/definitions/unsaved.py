# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A KPI while it is edited: its values are those of a form, nothing is stored."""

from odoo.exceptions import UserError

from . import checks, formula_checks
from .changes import DEFINING
from .prepare import prepare_definition

#: Fields that a preview depends on.
PREVIEWED = DEFINING | {"name", "code", "digits", "direction", "small_segments", "company_id"}


def unsaved_kpi(kpis, kpi_id, form):
    """A KPI that is not saved, with the values of a form.

    :param kpis: an empty record in the environment of the user
    :param kpi_id: the KPI that is edited, ``None`` for a new one
    :param form: the fields of the form; those of :data:`PREVIEWED` count
    """
    env = kpis.env
    origin = kpis.browse(kpi_id or ()).exists()
    if origin:
        origin._check_figures()
        origin.check_access("write")
    if not isinstance(form, dict):
        raise UserError(env._("The values of the form cannot be read."))
    known = {name: form[name] for name in PREVIEWED & form.keys()}
    for name, value in known.items():
        field = kpis._fields[name]
        try:
            field.convert_to_cache(value, kpis)
        except (TypeError, ValueError, OverflowError) as error:
            label = field._description_string(env)
            text = env._("%s: this value cannot be read. Enter it again.", label)
            raise UserError(text) from error
    if not origin:
        known = {**kpis.default_get(sorted(PREVIEWED)), **known}
    prepare_definition(env, known)
    kpi = kpis.new(known, origin=origin or None)
    kpi.source_id.check_access("read")
    kpi.company_id.check_access("read")
    if "date_field" in known and kpi.kind == "aggregate":
        kpi.source_id = kpi.source_id._draft_dated_by(known["date_field"])
    return kpi


def check_definition(kpi):
    """Refuse what saving would refuse."""
    if kpi.code:
        checks.check_code(kpi)
    checks.check_display(kpi)
    if kpi.kind == "formula":
        formula_checks.check_formulas(kpi)
    else:
        checks.check_aggregate(kpi)


def missing_text(kpi):
    """What to fill in before the KPI can be computed, in words; empty if nothing is missing."""
    env = kpi.env
    if kpi.kind == "formula":
        return "" if kpi.formula else env._("Enter a formula to see a preview.")
    if kpi.kind == "manual":
        return "" if kpi._origin else env._("Values are entered when the KPI is saved.")
    if not kpi.source_id:
        return env._("Choose a source to see a preview.")
    if kpi.source_id.model not in env:
        return env._("The app that brings %s is not installed.", kpi.source_id.model)
    if kpi.aggregator != "count" and not kpi.value_field:
        return env._("Choose the field that is computed to see a preview.")
    return ""
