# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A value split by salesperson or by segment, and by both."""

from dataclasses import dataclass

from .context import number_or_none

#: Salespeople in a heat map: those with the most records.
HEAT_MAP_ROWS = 15


@dataclass
class Bar:
    """A row of a bar list; ``share`` is its length compared with the longest bar.

    :param record_id: the salesperson or segment; ``None`` for *Unassigned*
    """

    record_id: int | None
    name: str
    value: float
    value_text: str
    record_count: int
    share: float
    mine: bool


@dataclass
class Mark:
    """A mark across the bars of a bar list; all empty where it is not shown."""

    value: float | None
    text: str
    share: float | None


@dataclass
class HeatMapCell:
    """A value of a heat map; ``share`` is 0 for the worst value and 1 for the best."""

    value: float | None
    value_text: str
    record_count: int
    share: float | None


@dataclass
class HeatMapRow:
    """A salesperson, with a cell for each column."""

    id: int | bool
    name: str
    cells: list[HeatMapCell]


@dataclass
class HeatMap:
    """Salespeople by segments; ``columns`` are dicts of ``id`` and ``name``.

    :param note: how many values are withheld, in words; empty without any
    """

    columns: list[dict]
    rows: list[HeatMapRow]
    note: str


def longest_bar(rows, *marks):
    """The value of a bar of full length: of the largest value, or of the largest mark.

    :param rows: from :meth:`~.context.BoardContext.breakdown`, of one KPI
    :param marks: further values on the same scale, may be ``None``
    """
    known = [mark for mark in marks if mark is not None]
    return max((abs(value) for value in [*(row.value for row in rows), *known]), default=0) or 1


def bars(context, kpis, breakdown, dimension, limit=None, longest=None):
    """The values of some KPIs as :class:`Bar`, the best first: dict of KPI id to list.

    :param breakdown: from :meth:`~.context.BoardContext.breakdown`
    :param limit: number of bars of a KPI
    :param longest: value of a bar of full length, by default the largest of the rows
    """
    shown = {}
    for kpi in kpis:
        rows = breakdown.get(kpi.id, [])
        rows = sorted(rows, key=lambda row: row.value, reverse=kpi.direction != "decrease")
        shown[kpi] = rows[:limit]
    model = {"user": "res.users", "segment": "crm.kpi.segment"}[dimension]
    # names are read only for the rows that are shown, and for all KPIs at once
    ids = dict.fromkeys(row.owner_id for rows in shown.values() for row in rows if row.owner_id)
    names = {owner.id: owner.display_name for owner in context.env[model].browse(ids)}
    unassigned = context.env._("Unassigned")
    result = {}
    for kpi, rows in shown.items():
        full = longest or longest_bar(breakdown.get(kpi.id, []))
        result[kpi.id] = [
            Bar(
                record_id=row.owner_id,
                name=names.get(row.owner_id) or unassigned,
                value=row.value,
                value_text=context.format_value(kpi, row.value),
                record_count=row.record_count,
                share=max(row.value, 0) / full,
                mine=dimension == "user" and row.owner_id == context.env.uid,
            )
            for row in rows
        ]
    return result


def mark(context, kpi, value, longest):
    """A value as a :class:`Mark` across bars.

    :param longest: value of a bar of full length
    """
    share = None if value is None else max(value, 0) / longest
    return Mark(value, context.format_value(kpi, value), share)


def heat_map(context, kpi):
    """Salespeople by segments, where the KPI is computed for both at once.

    :return: :class:`HeatMap`, ``None`` without any value
    """
    domain = [
        ("kpi_id", "=", kpi.id),
        ("period_id", "=", context.period.id),
        ("level", "=", "user_segment"),
        ("segment_id.set_id", "=", context.segment_set.id),
    ]
    if context.team:
        domain.append(("user_id", "in", context.members(context.team).ids))
    rows = context.env["crm.kpi.value"].search(domain)
    rows = rows.filtered(lambda row: row.value is not False)
    if not rows:
        return None
    by_user = rows.grouped("user_id")
    record_counts = {user: sum(row.record_count for row in by_user[user]) for user in by_user}
    users = sorted(by_user, key=lambda user: -record_counts[user])[:HEAT_MAP_ROWS]
    segments = rows.segment_id.sorted(lambda segment: (segment.sequence, segment.name or ""))
    cells = {(row.user_id, row.segment_id): row for row in rows}
    values = [row.value for row in rows]
    low, span = min(values), max(values) - min(values)
    notes = context.notes_on_withheld(
        domain, {"level": "user_segment", "segment_id": segments[:1].id}
    )

    def cell(row):
        if not row:
            return HeatMapCell(None, context.value_text(kpi, row), 0, None)
        share = (row.value - low) / span if span else 0.5
        return HeatMapCell(
            value=number_or_none(row.value),
            value_text=context.value_text(kpi, row),
            record_count=row.record_count,
            share=1 - share if kpi.direction == "decrease" else share,
        )

    return HeatMap(
        columns=[{"id": segment.id, "name": segment.name} for segment in segments],
        rows=[
            HeatMapRow(
                id=user.id,
                name=user.name or context.env._("Unassigned"),
                cells=[cell(cells.get((user, segment))) for segment in segments],
            )
            for user in users
        ],
        note=notes.get(kpi.id, ""),
    )
