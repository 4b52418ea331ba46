# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The audit sheet: for whom, when and from what the workbook was made."""

from odoo.tools.misc import format_datetime

from ...board import header
from ...board.explain import explain
from .. import content as wb
from ..formats import MOMENT
from ..words import selection_text

#: Most restatements that are listed.
MAX_RESTATEMENTS = 500


def audit_page(reader):
    tables = [_versions(reader), _restatements(reader)]
    if reader.context.period and reader.request.records:
        tables.append(_record_counts(reader))
    lines = [*_reader_lines(reader), *_period_lines(reader), *_count_lines(reader)]
    return wb.Page(reader.words["audit"], reader.env._("Audit"), tables, lines)


def _reader_lines(reader):
    env, context = reader.env, reader.context
    tz = reader.company._kpi_tz()
    made_on = format_datetime(env, context.now, tz=tz, dt_format="medium")
    rights = (
        env._("all values of the company")
        if context.sees_all
        else env._("own values, and totals that KPIs share")
    )
    return [
        (env._("Made for"), f"{env.user.name} ({env.user.login})"),
        (env._("Made on"), f"{made_on} ({tz})"),
        (env._("Values as of"), header.freshness(context).as_of or env._("Not computed yet")),
        (env._("Company"), reader.company.name),
        (env._("Board"), reader.board.name if reader.board else "–"),
        (env._("Values of"), reader.owner_text),
        (env._("Segments"), context.segment_set.name or "–"),
        (env._("Rights"), rights),
        (env._("Language"), env.lang or "en_US"),
    ]


def _period_lines(reader):
    env, context = reader.env, reader.context
    lines = []
    if context.period:
        shown = header.period_info(context)
        lines += [
            (env._("Period"), f"{shown.label} ({shown.date_from} – {shown.date_to})"),
            (env._("State"), f"{shown.state_text}, {shown.elapsed_text}"),
        ]
    if reader.request.layout != "list":
        first = reader.periods[:1].display_name or "–"
        comparisons = env["crm.kpi.board"]._fields["comparison"]._description_selection(env)
        lines += [
            (
                env._("Periods shown"),
                env._("%(count)s, from %(first)s", count=len(reader.periods), first=first),
            ),
            (env._("Compared with"), dict(comparisons)[context.comparison]),
        ]
    return lines


def _count_lines(reader):
    env = reader.env
    values = reader.counts["values"]
    if reader.request.layout == "list":
        values = env["crm.kpi.value"].search_count(reader.list_domain())
    return [
        (env._("Values read"), str(values)),
        (env._("Goals read"), str(reader.counts["goals"])),
    ]


def _versions(reader):
    """Version, time and number of records of each KPI."""
    env, context = reader.env, reader.context
    values = context.values(reader.kpis, context.period) if context.period else {}
    rows = []
    for kpi in reader.kpis:
        value = values.get((kpi.id, context.period.id))
        computed = value and value.computed_at
        rows.append(
            [
                kpi.name,
                kpi.code,
                (value.version if value else kpi.version, "0"),
                computed and (reader.excel_moment(computed), MOMENT),
                (value.record_count, "#,##0") if value else None,
                _remark(kpi, value),
            ]
        )
    headers = [
        env._("KPI"),
        env._("Code"),
        env._("Version"),
        env._("Computed on"),
        env._("Records"),
        env._("Remark"),
    ]
    return wb.Table(env._("Versions"), headers, rows)


def _remark(kpi, value):
    if kpi.last_error:
        return kpi.env._("The computation failed")
    return (value and value.definition_text) or ""


def _restatements(reader):
    env = reader.env
    restatements = env["crm.kpi.restatement"].search(
        [("kpi_id", "in", reader.kpis.ids), ("period_id", "in", reader.periods.ids)],
        limit=MAX_RESTATEMENTS,
    )
    rows = []
    for restatement in restatements:
        number_format = reader.number_format(restatement.kpi_id)
        names = [
            restatement[f"{part}_id"].display_name or env._("Unassigned")
            for part in restatement.level.split("_")
        ]
        rows.append(
            [
                restatement.kpi_id.name,
                restatement.period_id.display_name,
                " · ".join(names),
                (restatement.value_locked, number_format),
                (restatement.value_now, number_format),
                selection_text(restatement, "reason"),
                (reader.excel_moment(restatement.date), MOMENT),
            ]
        )
    headers = [
        env._("KPI"),
        env._("Period"),
        env._("For"),
        env._("Locked value"),
        env._("Value now"),
        env._("Reason"),
        env._("Found on"),
    ]
    note = "" if rows else env._("No locked value of these periods differs from the records.")
    return wb.Table(env._("Restatements"), headers, rows, note=note)


def _record_counts(reader):
    """Numbers of included and, by reason, of excluded records."""
    env = reader.env
    rows = []
    for kpi in reader.kpis:
        for part in explain(reader.context, kpi):
            if part.included is None:
                continue
            found = [part.included, part.zero, *part.excluded, part.others]
            rows += [
                [kpi.name, part.name, row.text, (row.count, "#,##0"), part.note]
                for row in found
                if row
            ]
    headers = [
        env._("KPI"),
        env._("Component"),
        env._("Reason"),
        env._("Records"),
        env._("Remark"),
    ]
    return wb.Table(env._("Included and excluded records"), headers, rows)
