# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The sheet of the definitions of all KPIs in the workbook."""

from ...definitions.definition_words import date_text
from ...definitions.filter_words import filter_text
from .. import content as wb
from ..reader import adds_up
from ..words import selection_text


def definitions_page(reader):
    env, company = reader.env, reader.company
    headers = [
        env._("KPI"),
        env._("Code"),
        env._("Category"),
        env._("Class"),
        env._("Kind"),
        env._("Computed as"),
        env._("Formula"),
        env._("Source"),
        env._("Date"),
        env._("Filter"),
        env._("Unit"),
        env._("Objective"),
        env._("Minimum sample"),
        env._("Counter-metric"),
        env._("Version"),
        env._("Total of rows"),
        env._("Explanation"),
        env._("Literature"),
    ]
    rows = [_row(kpi) for kpi in reader.kpis | reader.kpis.component_ids]
    money = env._(
        "In %(currency)s, the currency of %(company)s.",
        currency=company.currency_id.name,
        company=company.name,
    )
    lines = [
        (
            env._("No value"),
            env._("A dash (–) means that there is nothing to compute. It is not 0."),
        ),
        (env._("Time zone"), company._kpi_tz()),
        (env._("First day of the week"), company._kpi_week_start_name()),
        (env._("Money"), money),
    ]
    table = wb.Table(env._("Definitions"), headers, rows)
    return wb.Page(reader.words["definitions"], env._("Definitions"), [table], lines)


def _row(kpi):
    env = kpi.env
    # superuser: the name, the filter and the date field of a source are not confidential
    source = kpi.sudo().source_id
    total = env._("Sum") if adds_up(kpi) else env._("Not a sum: computed at each level")
    return [
        kpi.name,
        kpi.code,
        kpi.category_id.name,
        selection_text(kpi, "metric_class"),
        selection_text(kpi, "kind"),
        kpi.computation_text or "",
        kpi.formula if kpi.kind == "formula" else "",
        source.name or "",
        date_text(source) if kpi.kind == "aggregate" else "",
        filter_text(source, kpi.domain) if kpi.kind == "aggregate" else "",
        selection_text(kpi, "unit"),
        selection_text(kpi, "direction"),
        kpi.min_sample or None,
        kpi.counter_kpi_id.name or "",
        (kpi.version, "0"),
        total,
        kpi.description or "",
        kpi.reference or "",
    ]
