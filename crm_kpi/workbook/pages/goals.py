# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The sheet of goals."""

from .. import content as wb
from ..formats import MOMENT
from ..formulas import shown_attainment
from ..words import selection_text


def goals_page(reader):
    env, goals = reader.env, reader.listed_goals()
    headers = [
        env._("KPI"),
        env._("Period"),
        env._("Level"),
        env._("For"),
        env._("Kind of goal"),
        env._("Goal"),
        env._("Target"),
        env._("Upper bound"),
        env._("Value"),
        env._("Attainment"),
        env._("Expected by now"),
        env._("Forecast"),
        env._("Records"),
        env._("Status"),
        env._("Status since"),
        env._("Pace"),
        reader.words["signal"],
        env._("Notes and plan"),
    ]
    table = wb.Table(
        env._("Goals"),
        headers,
        [_row(reader, goal) for goal in goals],
        bar_column=9,
        note="" if goals else env._("There are no goals for these KPIs in this period."),
    )
    return wb.Page(reader.words["goals"], env._("Goals"), [table])


def _row(reader, goal):
    number_format = reader.number_format(goal.kpi_id, goal.currency_id)
    since = goal.status_since
    return [
        goal.kpi_id.name,
        goal.period_id.display_name,
        selection_text(goal, "scope"),
        goal.scope_name,
        selection_text(goal, "kind"),
        goal.target_text,
        (goal.target, number_format),
        (goal.target_max, number_format) if goal.kind == "range" else None,
        (goal.value, number_format),
        (shown_attainment(goal.attainment), "0%"),
        (goal.expected, "0%"),
        (goal.projected, number_format),
        (goal.record_count, "#,##0"),
        wb.StatusText(goal.status_text, goal.status),
        since and (reader.excel_moment(since), MOMENT),
        goal.pace_text or "",
        goal.signal_text or "",
        goal.note or "",
    ]
