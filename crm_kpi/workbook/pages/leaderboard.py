# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The sheet that ranks salespeople, with the names that the reader may see."""

from collections import defaultdict

from ...board.ranking import Ranking
from .. import content as wb
from ..formulas import shown_attainment

#: Most salespeople for each KPI.
MAX_RANKS = 50


def leaderboard_page(reader):
    env = reader.env
    goals, values = _goals(reader), _values(reader)
    rows, notes = [], []
    for kpi in reader.kpis:
        ranking = Ranking(reader.context, kpi).leaderboard("value")
        if ranking.note:
            notes.append(ranking.note)
        for entry in ranking.rows[:MAX_RANKS]:
            goal = goals.get((kpi.id, entry.user_id))
            rows.append(_row(reader, kpi, entry, goal, values))
    note = " ".join(dict.fromkeys(notes))
    if not rows and not note:
        note = env._("No salesperson has a value in this period.")
    headers = [
        env._("KPI"),
        env._("Rank"),
        env._("Salesperson"),
        env._("Value"),
        env._("Goal"),
        env._("Attainment"),
        env._("Status"),
    ]
    table = wb.Table(
        env._("Leaderboard"),
        headers,
        rows,
        formats=[None, "0"],
        note=note,
        bar_column=5,
    )
    return wb.Page(reader.words["leaderboard"], env._("Leaderboard"), [table])


def _row(reader, kpi, entry, goal, values):
    key = (kpi.id, entry.user_id)
    # a colleague without a name has only the text that the screen shows
    known = entry.user_id and key in values
    return [
        kpi.name,
        entry.rank,
        entry.name,
        (values[key], reader.number_format(kpi)) if known else entry.value_text,
        entry.target_text or None,
        (shown_attainment(goal.attainment), "0%") if goal else entry.attainment_text or None,
        wb.StatusText(goal.status_text, goal.status) if goal else None,
    ]


def _cell_domain(reader, level_field):
    segment = reader.context.segment
    return [
        ("kpi_id", "in", reader.kpis.ids),
        ("period_id", "=", reader.context.period.id),
        (level_field, "=", "user_segment" if segment else "user"),
        ("segment_id", "=", segment.id),
    ]


def _goals(reader):
    goals = reader.env["crm.kpi.goal"].search(_cell_domain(reader, "scope"))
    return {(goal.kpi_id.id, goal.user_id.id): goal for goal in goals}


def _values(reader):
    found = reader.select(_cell_domain(reader, "level"), ["kpi_id", "user_id", "value"])
    values = {(kpi_id, user_id): value for kpi_id, user_id, value in found}
    known = defaultdict(set)
    for kpi_id, user_id in values:
        known[kpi_id].add(user_id)
    zeros = reader.context.visible_without_records(reader.kpis, known)
    return {**values, **{(kpi.id, user_id): 0.0 for kpi, user_id in zeros}}
