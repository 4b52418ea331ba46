# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The sheet of plain rows: one row for each stored value."""

from .. import content as wb
from ..formats import DAY
from ..formulas import shown_attainment
from ..reader import excel_day
from ..words import selection_text

#: Values that are read at a time.
BATCH = 5000


def values_page(reader):
    env = reader.env
    headers = [
        env._("KPI"),
        env._("Category"),
        env._("Period"),
        env._("From"),
        env._("Level"),
        env._("For"),
        env._("Value"),
        env._("Records"),
        env._("Goal"),
        env._("Attainment"),
        env._("Status"),
        env._("Definition version"),
        reader.words["signal"],
        env._("Remark"),
    ]
    rows = _rows(reader)
    table = wb.Table(env._("Values"), headers, rows if reader.request.is_streamed else list(rows))
    return wb.Page(reader.words["values"], env._("Values"), [table])


def _rows(reader):
    """Rows in batches by id, so that memory stays flat."""
    model = reader.env["crm.kpi.value"]
    last = 0
    while True:
        domain = [*reader.list_domain(), ("id", ">", last)]
        values = model.search(domain, limit=BATCH, order="id")
        if not values:
            return
        last = values[-1].id
        for value in values:
            yield _row(reader, value)
        model.invalidate_model(flush=False)


def _row(reader, value):
    kpi, goal = value.kpi_id, value.goal_id
    number = (value.value, reader.number_format(kpi, value.currency_id))
    return [
        kpi.name,
        kpi.category_id.name,
        value.period_id.display_name,
        (excel_day(value.date_from), DAY),
        selection_text(value, "level"),
        value.scope_name,
        number,
        (value.record_count, "#,##0"),
        goal.target_text if goal else None,
        (shown_attainment(goal.attainment), "0%") if goal else None,
        goal.status_text if goal else None,
        (value.version, "0"),
        value.signal_text or None,
        value.definition_text or None,
    ]
