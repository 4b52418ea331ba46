# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is known of the past of a snapshot.

Odoo overwrites most fields: a filter on the present stage would count the month ends of the past by
the stage of today. A past period is computed only from fields that do not change, as the source
declares, and from fields whose history is kept.

The history of a model is another model, named by ``_kpi_history``. Its rows are states of a record:
``date_from`` (empty: since the creation), ``date_to`` (empty: now), a link to the record, named by
``_kpi_history_record``, and fields with the names that they have on the record. A history that has gaps
says until when a field is unknown: ``_unknown_until(company, names)``.
"""

from odoo.models import LOG_ACCESS_COLUMNS
from odoo.tools import SQL

from ..engine.values import value_paths
from ..sql import select_list
from .due import RELATIVE_DATE

#: Fields that no record changes.
FIXED = {"id", "create_date", "create_uid"}
#: Parts of a source that say to whom a record is credited.
CREDITED = ("company_field", "user_field", "team_field", "partner_field")


def history_model(model):
    """The model with the earlier states of the records of a model; ``None`` if none are kept."""
    name = getattr(model, "_kpi_history", "")
    return model.env[name] if name else None


def history_fields(model):
    """Names of the fields whose earlier values are kept."""
    history = history_model(model)
    if history is None:
        return set()
    return {
        name
        for name, field in history._fields.items()
        if field.column_type and field.store and name in model._fields
    } - {"id", *LOG_ACCESS_COLUMNS}


def known_fields(source):
    """Names of the fields whose value at the end of a past period is known."""
    dates = {*source._paths("date_field"), *source._paths("date_end_field")}
    model = source.env[source.model]
    return FIXED | dates | {*source._paths("stable_fields")} | history_fields(model)


def is_rebuilt(kpi):
    """Whether the past periods of a snapshot KPI can be computed."""
    source = kpi.source_id
    if not source.rebuildable or source.model not in kpi.env:
        return False
    if RELATIVE_DATE.search(f"{kpi.domain} {source.domain}"):
        return False  # it is relative to the present, not to the end of the period
    try:
        names = _names_of(source, kpi.domain)
    except ValueError:
        return True  # the refresh reports the filter
    names.update(path.split(".")[0] for path in value_paths(kpi.value_field))
    return names <= known_fields(source)


def unknown_until(kpi, company):
    """Until when fields that a snapshot is computed from are not known, of any open record.

    :return: naive UTC; ``None``: all is known, or the past is not computed
    """
    source = kpi.source_id
    if source.kind != "snapshot" or not source.rebuildable or not is_rebuilt(kpi):
        return None
    history = history_model(kpi.env[source.model])
    if not hasattr(history, "_unknown_until"):
        return None
    try:
        names = _names_of(source, source.domain) | _names_of(source, kpi.domain)
    except ValueError:
        return None  # the refresh reports the filter
    paths = [path for part in CREDITED for path in source._paths(part)]
    names.update(path.split(".")[0] for path in (*paths, *value_paths(kpi.value_field)))
    return history._unknown_until(company, names)


def _names_of(source, domain):
    """Names of the fields in a filter.

    :raise ValueError: it cannot be read
    """
    conditions = source._parse_domain(domain).iter_conditions()
    return {condition.field_expr.split(".")[0] for condition in conditions}


def states(model):
    """The records of a model as a table, once per state that they had.

    Columns: those of the model, with the values of the state, ``history_from`` and ``history_to``. A
    record that was deleted, but whose states are kept, counts until then; its other fields are empty.
    """
    history, kept = history_model(model), history_fields(model)
    record_id = SQL.identifier("state", history._kpi_history_record)
    values = {
        name: SQL.identifier("state" if name in kept else "record", name)
        for name, field in model._fields.items()
        if field.store and field.column_type
    }
    values["id"] = record_id
    if "create_date" in values:
        values["create_date"] = SQL("COALESCE(record.create_date, state.date_from)")
    return SQL(
        """(SELECT %(columns)s, state.date_from AS history_from, state.date_to AS history_to
              FROM %(history)s AS state
         LEFT JOIN %(table)s AS record ON record.id = %(record_id)s)""",
        columns=select_list(values),
        table=SQL.identifier(model._table),
        history=SQL.identifier(history._table),
        record_id=record_id,
    )
