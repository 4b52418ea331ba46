# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""KPIs that convert amounts at the exchange rates of their days."""

from odoo.exceptions import ValidationError
from odoo.tools import SQL


def is_converted(kpi):
    """Whether a KPI converts amounts: those of documents in a currency of their own.

    The rows of a cohort are made in the currency of the company.
    """
    source, path = kpi.source_id, kpi.value_field
    if source.kind == "cohort" or not path or path.startswith("@") or source.model not in kpi.env:
        return False
    try:
        field = source._path_field(path, "")
    except ValidationError:
        return False  # the refresh notes that it does not exist any more
    if field.type != "monetary":
        return False
    return field.get_currency_field(kpi.env[field.model_name]) == "currency_id"


def rates_stamp(env):
    """A text that changes when an exchange rate is entered, corrected or deleted."""
    env["res.currency.rate"].flush_model()
    [[count, last]] = env.execute_query(
        SQL("SELECT count(*), max(write_date) FROM res_currency_rate")
    )
    return f"{count}:{last or ''}"
