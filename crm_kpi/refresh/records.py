# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which records are counted in a value, and why others are not."""

from typing import NamedTuple

from odoo import fields
from odoo.fields import Domain
from odoo.tools import SQL

from ..bounded import count_rows
from ..engine.cells import Column
from .by_segment import SetRow, facts_by_segment
from .fact_plan import FactPlan, plan_for_reader
from .fact_query import FactQuery
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
#: Why the records dated in a period are included in a value, or not.
REASONS = ("included", "cancelled", "source", "filter", "young", "empty", "others", "no_company")


class Counted(NamedTuple):
    """A number of records, and how many of them the reader may open."""

    count: int
    visible: int


def count_reasons(source, kpi, period, cell, now, visible=None, reader=None):
    """Number of the records dated in a period, by why they are included in a value or not.

    :param visible: SQL of the ids of the records that the reader may open; ``None``: all
    :param reader: environment; only of the records that its user may read
    :return: dict of reason to :class:`Counted`: ``included`` and, where there are any,
        ``cancelled`` (included with a value of 0, because all of their orders were cancelled),
        ``others`` (of another team, salesperson or segment), ``source`` (not accepted by the
        filter of the source), ``filter`` (by that of the KPI), ``young`` (not mature yet),
        ``empty`` (without a value to aggregate), ``no_company`` (they would be included, but
        belong to no company)
    """
    with told_to_reader(source.env):
        may_open = SQL("TRUE") if visible is None else SQL("record_id IN %s", visible)
        rows = source.env.execute_query(
            SQL(
                """SELECT reason, count(*), count(*) FILTER (WHERE %s)
                     FROM (%s) AS explained GROUP BY reason""",
                may_open,
                _reasons(source, kpi, period, cell, now, reader=reader),
            )
        )
    counts = {reason: Counted(count, may_open) for reason, count, may_open in rows}
    return {"included": Counted(0, 0), **counts}


def record_ids_by_reason(
    source, kpi, period, cell, now, reasons, limit=None, visible=None, reader=None
):
    """Ids of the records that :func:`count_reasons` counts for some reasons, newest first.

    :param visible: only those of these ids, as SQL
    """
    with told_to_reader(source.env):
        rows = source.env.execute_query(
            SQL(
                """SELECT DISTINCT record_id FROM (%s) AS explained
                    WHERE reason = ANY(%s) AND %s
                    ORDER BY record_id DESC %s""",
                _reasons(source, kpi, period, cell, now, reader=reader),
                list(reasons),
                SQL("TRUE") if visible is None else SQL("record_id IN %s", visible),
                SQL("LIMIT %s", limit) if limit else SQL(),
            )
        )
    return [record_id for (record_id,) in rows if record_id]


def reasons_of_record(source, kpis, period, now, record_id):
    """Why one record is included in KPIs of a source in a period, or not.

    :return: dict of KPI id to a reason of :func:`count_reasons`, without the KPIs in whose period
        the record is not dated
    """
    domain = Domain("id", "=", record_id)
    company = {"level": "company"}
    with told_to_reader(source.env):
        parts = [
            SQL(
                "SELECT %s AS kpi_id, reason FROM (%s) AS explained",
                kpi.id,
                _reasons(source, kpi, period, company, now, domain),
            )
            for kpi in kpis
        ]
        return dict(source.env.execute_query(SQL(" UNION ALL ").join(parts))) if parts else {}


def count_all(source, kpi, company, reader):
    """Number of records of any date that the filters of a source and a KPI accept.

    It ends at a limit, see :mod:`~odoo.addons.crm_kpi.bounded`.

    :param reader: environment; only of the records that its user may read
    :return: ``None`` for a cohort, which has rows of periods only
    """
    if source.kind == "cohort":
        return None
    with told_to_reader(source.env):
        facts = FactQuery(source, company)
        facts.restrict_to_company()
        facts.restrict_to_reader(reader)
        facts.query.add_where(facts.condition(source._parse_domain(kpi.domain)))
        return count_rows(source.env, facts.query.select(SQL("1")))


def _reasons(source, kpi, period, cell, now, domain=Domain.TRUE, reader=None):
    """SQL of the records dated in a period: ``record_id``, ``reason``.

    :param domain: only these records
    """
    builder = FactPlan(source, period.company_id, period, now, domain=domain, or_no_company=True)
    if reader is not None:
        builder.facts.restrict_to_reader(reader)
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
    return SQL(
        """WITH facts AS MATERIALIZED (%s),
                mine AS (SELECT DISTINCT record_id FROM %s WHERE %s)
           SELECT facts.record_id,
                  CASE WHEN facts.f4 THEN 'no_company'
                       WHEN mine.record_id IS NULL THEN 'others'
                       WHEN NOT facts.f0 THEN 'source' WHEN NOT facts.f1 THEN 'filter'
                       WHEN NOT facts.f2 THEN 'young' WHEN NOT facts.f3 THEN 'empty'
                       WHEN facts.f5 THEN 'cancelled'
                       ELSE 'included' END AS reason
             FROM facts LEFT JOIN mine ON mine.record_id = facts.record_id
            WHERE NOT facts.f4 OR (facts.f0 AND facts.f1 AND facts.f2 AND facts.f3)""",
        plan.facts(),
        table,
        SQL(" AND ").join([SQL("TRUE"), *where]),
    )


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


class Sizes(NamedTuple):
    """How large the records behind a sum are.

    :param count: number of records that are not 0, and ``total``: their sum
    :param earlier: number of positive records in earlier periods, and their quartiles ``q1``, ``q3``
    :param largest: list of ``(record id, value)``, the largest first
    """

    count: int
    total: float
    earlier: int
    q1: float | None
    q3: float | None
    largest: list


def record_sizes(source, kpi, period, earlier, cell, limit):
    """The :class:`Sizes` of the records that a sum counts, in one scan.

    :param earlier: periods with the records that the usual size is made of
    :param cell: as in :func:`counted_record_ids`
    :param limit: most records in ``largest``
    """
    with told_to_reader(source.env):
        now = fields.Datetime.now()
        plan = plan_for_reader(source, period.company_id, period | earlier, now, kpi)
        table, where = _cell_facts(plan, cell, period.company_id)
        rows = source.env.execute_query(
            SQL(
                """WITH facts AS (%(facts)s),
                        sizes AS MATERIALIZED (
                            SELECT record_id, period_id = %(period)s AS is_present,
                                   sum(v0)::float8 AS value
                              FROM %(table)s WHERE %(where)s
                             GROUP BY record_id, period_id),
                        present AS (
                            SELECT count(*) AS count, sum(value) AS total
                              FROM sizes WHERE is_present),
                        usual AS (
                            SELECT count(*) AS count,
                                   percentile_cont(0.25) WITHIN GROUP (ORDER BY value) AS q1,
                                   percentile_cont(0.75) WITHIN GROUP (ORDER BY value) AS q3
                              FROM sizes WHERE NOT is_present AND value > 0)
                   SELECT present.count, present.total, usual.count, usual.q1, usual.q3,
                          large.record_id, large.value
                     FROM present CROSS JOIN usual
                     LEFT JOIN LATERAL (
                            SELECT record_id, value FROM sizes WHERE is_present
                             ORDER BY value DESC, record_id LIMIT %(limit)s) AS large ON TRUE""",
                facts=plan.facts(),
                period=period.id,
                table=table,
                where=SQL(" AND ").join([SQL("f0 AND v0 <> 0"), *where]),
                limit=limit,
            )
        )
    count, total, before, q1, q3 = rows[0][:5]
    largest = [(record_id, value) for *_sums, record_id, value in rows if record_id]
    return Sizes(count, total or 0.0, before, q1, q3, largest)
