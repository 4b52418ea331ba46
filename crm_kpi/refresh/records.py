# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which records are counted in a value, and why others are not."""

from odoo import fields
from odoo.fields import Domain
from odoo.tools import SQL

from ..engine.cells import Column
from .by_segment import SetRow, facts_by_segment
from .fact_plan import FactPlan, plan_for_reader
from .failures import told_to_reader


def counted_record_ids(source, kpi, period, cell, limit=None):
    """Ids of exactly the records that a cell counts, newest first.

    :param cell: dict with ``level``, ``team_id``, ``user_id``, ``segment_id`` (ids)
    """
    with told_to_reader(source.env):
        return _counted_record_ids(source, kpi, period, cell, limit)


def _counted_record_ids(source, kpi, period, cell, limit):
    plan = plan_for_reader(source, period.company_id, period, fields.Datetime.now(), kpi)
    table, where = _cell_facts(plan, cell, period.company_id)
    where.append(SQL("f0"))
    if kpi.aggregator == "sum_known":
        where.append(SQL("v0 <> 0"))
    elif plan.columns[0].value is not None and kpi.aggregator not in ("count", "sum"):
        where.append(SQL("v0 IS NOT NULL"))
    rows = source.env.execute_query(
        SQL(
            """WITH facts AS (%s) SELECT DISTINCT record_id FROM %s WHERE %s
                ORDER BY record_id DESC %s""",
            plan.facts(),
            table,
            SQL(" AND ").join(where),
            SQL("LIMIT %s", limit) if limit else SQL(),
        )
    )
    return [record_id for (record_id,) in rows if record_id]


#: Value of a record, and the field that says why it is 0.
ZERO_BECAUSE = {"kpi_deal_amount": "kpi_orders_cancelled"}


def count_reasons(source, kpi, period, cell, now):
    """Number of the records dated in a period, by why they are included in a value or not.

    :return: dict with ``included`` and, where there are any, ``cancelled`` (included with a value
        of 0, because all of their orders were cancelled), ``others`` (of another team,
        salesperson or segment), ``source`` (not accepted by the filter of the source),
        ``filter`` (by that of the KPI), ``young`` (not mature yet), ``empty`` (without a value
        to aggregate), ``no_company`` (they would be included, but belong to no company)
    """
    with told_to_reader(source.env):
        return _count_reasons(source, kpi, period, cell, now)


def _count_reasons(source, kpi, period, cell, now):
    builder = FactPlan(
        source, period.company_id, period, now, domain=Domain.TRUE, or_no_company=True
    )
    value = builder.value(kpi)
    zero = kpi.aggregator != "count" and ZERO_BECAUSE.get(kpi.value_field)
    if value is None or kpi.aggregator == "sum":
        value = SQL("1")
    company = builder.facts.owning_company()
    flags = [
        builder.facts.condition(source._parse_domain(source.domain)),
        builder.condition(kpi, mature=False),
        builder.condition(kpi),
        SQL("(%s) IS NOT NULL", value),
        SQL("%s IS NULL", company) if company else SQL("FALSE"),
        builder.facts.path(zero) if zero else SQL("FALSE"),
    ]
    plan = builder.plan()
    plan.columns = [Column(0, flag, None, "count") for flag in flags]
    table, where = _cell_facts(plan, cell, period.company_id)
    rows = source.env.execute_query(
        SQL(
            """WITH facts AS MATERIALIZED (%s),
                    mine AS (SELECT DISTINCT record_id FROM %s WHERE %s)
               SELECT CASE WHEN facts.f4 THEN 'no_company'
                           WHEN mine.record_id IS NULL THEN 'others'
                           WHEN NOT facts.f0 THEN 'source' WHEN NOT facts.f1 THEN 'filter'
                           WHEN NOT facts.f2 THEN 'young' WHEN NOT facts.f3 THEN 'empty'
                           WHEN facts.f5 THEN 'cancelled'
                           ELSE 'included' END, count(*)
                 FROM facts LEFT JOIN mine ON mine.record_id = facts.record_id
                WHERE NOT facts.f4 OR (facts.f0 AND facts.f1 AND facts.f2 AND facts.f3)
                GROUP BY 1""",
            plan.facts(),
            table,
            SQL(" AND ").join([SQL("TRUE"), *where]),
        )
    )
    return {"included": 0, **dict(rows)}


def _cell_facts(plan, cell, company):
    """``(table, conditions)`` of the facts of a cell."""
    level, where = cell["level"], []
    table = SQL("facts AS f")
    if "segment" in level:
        segment = company.env["crm.kpi.segment"].browse(cell["segment_id"])
        sets = [SetRow(segment.set_id.id, segment.set_id.unknown_segment_id.id or None)]
        rows = facts_by_segment(plan, sets, company.id, SQL("f.record_id"))
        table = SQL("(%s) AS f", rows)
        where.append(SQL("segment_id = %s", segment.id))
    where += [
        SQL("%s = %s", SQL.identifier(f"{name}_id"), cell[f"{name}_id"])
        if cell[f"{name}_id"]
        else SQL("%s IS NULL", SQL.identifier(f"{name}_id"))
        for name in ("team", "user")
        if name in level.split("_")
    ]
    return table, where
