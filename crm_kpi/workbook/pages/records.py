# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The sheet of the records behind the values."""

from typing import NamedTuple

from odoo.exceptions import AccessError, UserError

from .. import content as wb
from ..formats import DAY, MOMENT
from ..reader import excel_day

#: Most records for each KPI.
MAX_RECORDS = 500


class Records(NamedTuple):
    """The records behind the value of a KPI.

    :param visible: number of records that the reader may see
    :param counted: number of records behind the value
    """

    rows: list
    visible: int
    counted: int


def records_page(reader):
    """The page, and the KPIs whose records the reader may not read. Without any other KPI there is
    no page.

    :return: ``(page or None, KPIs)``
    """
    env = reader.env
    rows, lines = [], []
    refused = reader.kpis.browse()
    for kpi in reader.kpis:
        try:
            records = _records(reader, kpi)
        except AccessError:
            refused |= kpi
            lines.append((kpi.name, env._("You may not read these records.")))
            continue
        except UserError as error:
            # its definition cannot be used any more: the other KPIs are shown
            lines.append((kpi.name, str(error)))
            continue
        rows += records.rows
        if records.counted:
            text = env._(
                "Records: %(counted)s, visible to you: %(visible)s, listed: %(shown)s.",
                counted=records.counted,
                visible=records.visible,
                shown=len(records.rows),
            )
            value = reader.context.values(kpi, reader.context.period).get(
                (kpi.id, reader.context.period.id)
            )
            if value and value.definition_text:
                text = f"{text} {value.definition_text}."
            lines.append((kpi.name, text))
    if refused == reader.kpis:
        return None, refused
    headers = [
        env._("KPI"),
        env._("Record"),
        env._("Date"),
        env._("Salesperson"),
        env._("Sales team"),
        env._("Customer"),
        env._("Value"),
        env._("ID"),
    ]
    table = wb.Table(
        env._("Records"),
        headers,
        rows,
        formats=[None, None, None, None, None, None, None, "0"],
        note="" if rows else env._("There are no records behind these values."),
    )
    return wb.Page(reader.words["records_page"], env._("Records"), [table], lines), refused


def _records(reader, kpi):
    """The :class:`Records` of a KPI in the chosen cell."""
    context = reader.context
    stored = context.values(kpi, context.period).get((kpi.id, context.period.id))
    if not stored:
        return Records([], 0, 0)
    action = kpi._open_cell_records(context.period, context.cell._asdict())
    if action["res_model"] == "crm.kpi.value":
        return Records([], 0, 0)
    [(_field, _operator, ids)] = action["domain"]
    records = reader.env[action["res_model"]].with_context(**action["context"]).browse(ids)
    paths = _paths(kpi, action["res_model"])
    rows = [
        [kpi.name, record.display_name, *(_cell(reader, record, path) for path in paths), record.id]
        for record in records[:MAX_RECORDS]
    ]
    reader.env.invalidate_all(flush=False)
    return Records(rows, len(ids), stored.record_count)


def _paths(kpi, model):
    """Paths of date, salesperson, team, customer and value of the records behind a KPI."""
    # superuser: only the definition of the source is read, which the definitions page shows
    part = kpi.sudo()._aggregates_behind()[:1]
    source = part.source_id
    if model != source.model:
        return [None] * 5
    value = part.value_field if part.aggregator not in ("count", "count_distinct") else None
    if value and value.startswith("@"):
        value = None
    return [source.date_field, source.user_field, source.team_field, source.partner_field, value]


def _cell(reader, record, path):
    """The value of a record at a path; empty where the reader may not read it."""
    if not path:
        return None
    try:
        for name in path.split("."):
            field = record._fields.get(name)
            if field is None:
                return None
            record = record[name]
        if field.relational:
            return ", ".join(record.mapped("display_name")) or None
    except AccessError:
        return None
    if field.type == "datetime":
        return record and (reader.excel_moment(record), MOMENT)
    if field.type == "date":
        return record and (excel_day(record), DAY)
    if field.type in ("integer", "float", "monetary"):
        return (record, "#,##0.00" if field.type != "integer" else "#,##0")
    return str(record) if record not in (None, False) else None
