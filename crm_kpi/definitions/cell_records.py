# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The records behind a value."""

from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL

#: An action carries the ids of at most this many records.
MAX_RECORDS = 50_000


def open_records(kpi, period, cell, name=None):
    """Action that opens the records that a cell counts.

    A formula opens the records of its components if they are all of one model, else the
    components' values.

    :param cell: dict with ``level`` and, as ids, ``team_id``, ``user_id``, ``segment_id``
    """
    name = _name_of_version(kpi, period, cell, name or f"{kpi.name} · {period.display_name}")
    # superuser: which records were counted does not depend on the reader. The list itself opens
    # under the rights of the reader.
    parts = kpi.sudo()._aggregates_behind()
    values = kpi.env["crm.kpi.value"]
    all_readable = all(values._may_read(part, period, cell) for part in parts)
    if cell.get("segment_id"):
        # superuser: only whether a value is withheld. The number of its records is, too
        all_readable &= not values.sudo().search_count(
            [
                ("kpi_id", "in", (kpi.sudo() | parts).ids),
                ("period_id", "=", period.id),
                ("is_hidden", "=", True),
                *((key, "=", value) for key, value in cell.items()),
            ],
            limit=1,
        )
    record_models = {part.source_id._record_model() for part in parts}
    if len(record_models) == 1:
        ids = []
        for part in parts.filtered(lambda part: part._is_reliable(period.sudo())):
            ids += part.source_id._record_ids(part, period.sudo(), cell, limit=MAX_RECORDS)
        ids = list(dict.fromkeys(ids))
        return _records_action(kpi, record_models.pop(), ids, name, period, all_readable)
    return {
        "type": "ir.actions.act_window",
        "name": kpi.env._("Components of %s", name),
        "res_model": "crm.kpi.value",
        "view_mode": "list,form",
        "domain": [
            ("kpi_id", "in", kpi.sudo().component_ids.ids),  # superuser: only ids
            ("period_id", "=", period.id),
            *((key, "=", value) for key, value in cell.items()),
        ],
    }


def visible_ids(kpi, period):
    """SQL of the ids of the records that a reader may open behind an aggregate.

    :param kpi: in the environment of the reader
    """
    # superuser: which model is opened does not depend on the reader
    records = _records(kpi, kpi.sudo().source_id._record_model(), period)
    if not records.has_access("read"):
        return SQL("(SELECT NULL::int4 WHERE FALSE)")
    return records._search(kpi._openable(records)).subselect()


def openable(kpi, period, ids):
    """Those of the records behind an aggregate that a reader may open.

    :param kpi: in the environment of the reader
    """
    # superuser: which model is opened does not depend on the reader
    records = _records(kpi, kpi.sudo().source_id._record_model(), period)
    if not records.has_access("read"):
        return records
    return records.search(Domain("id", "in", ids) & kpi._openable(records))


def open_by_reason(kpi, period, cell, now, reasons, name, reader=None):
    """Action that opens records that are included in an aggregate or excluded from it.

    :param reasons: see :func:`~...refresh.records.count_reasons`
    :param reader: environment; only of the records that its user may read
    """
    # superuser: which records were counted does not depend on the reader. The list itself opens
    # under the rights of the reader.
    source = kpi.sudo().source_id
    ids = source._record_ids_by_reason(
        kpi.sudo(), period.sudo(), cell, now, reasons, limit=MAX_RECORDS, reader=reader
    )
    return _records_action(kpi, source._record_model(), ids, name, period, True)


def _name_of_version(kpi, period, cell, name):
    """The name of the list; it says so where the value has an earlier definition."""
    value = kpi.env["crm.kpi.value"].search(
        [
            ("kpi_id", "=", kpi.id),
            ("period_id", "=", period.id),
            ("level", "=", cell["level"]),
            *((key, "=", cell.get(key, False)) for key in ("team_id", "user_id", "segment_id")),
        ],
        limit=1,
    )
    if not value or value.version == kpi.version:
        return name
    return kpi.env._(
        "%(name)s, by the present definition (the value has an earlier one, with %(count)s records)",
        name=name,
        count=value.record_count,
    )


def _records_action(kpi, model, ids, name, period, tell_count):
    """Action that opens those of the records that the reader may see.

    :param tell_count: whether the reader may know the number of all records
    """
    records = _records(kpi, model, period)
    if not records.has_access("read"):
        raise AccessError(
            kpi.env._(
                "You may not read the records of %(name)s: %(model)s. Ask an administrator for "
                "one of these roles: %(groups)s.",
                name=name,
                model=records._description,
                groups=", ".join(kpi.env["ir.model.access"].group_names_with_access(model, "read")),
            )
        )
    visible = records.search(Domain("id", "in", ids) & kpi._openable(records))
    if tell_count and len(visible) < len(ids):
        name = kpi.env._(
            "%(name)s (%(seen)s of %(all)s records are visible to you)",
            name=name,
            seen=len(visible),
            all=len(ids),
        )
    return {
        "type": "ir.actions.act_window",
        "name": name,
        "res_model": model,
        "view_mode": "list,form",
        "views": [(False, "list"), (False, "form")],
        "domain": [("id", "in", visible.ids)],
        "context": {
            "active_test": False,
            "create": False,
            "crm_kpi_period_ids": period.ids,
        },
    }


def _records(kpi, model, period):
    # archived records count too, such as lost leads; models that build their rows per period
    # read the period from the context
    return kpi.env[model].with_context(active_test=False, crm_kpi_period_ids=period.ids)
