# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Records whose customer changes without being written: by merges and new parents."""

from odoo.tools import SQL

from ..engine.periods import local_day
from .difference import TABLE


def fact_columns(env):
    """Tables whose records count by customer: ``(table, partner column, date columns)``.

    They are the tables of the KPI sources that have partner and date as columns of their own.
    Records that a source reaches through another record (order lines) have its dates.
    """
    found = {
        ("crm_lead", "partner_id"): {"create_date", "date_closed"},
        ("sale_order", "partner_id"): {"create_date", "date_order"},
    }
    # superuser: names of tables and columns only
    for source in env["crm.kpi.source"].sudo().search([("kind", "!=", "cohort")]):
        model = env.get(source.model)
        if model is None or not model._auto:
            continue
        for path in (source.partner_field or "").split(","):
            stored = [
                model._fields.get(name) for name in (path.strip(), source.date_field, "create_date")
            ]
            if all(field is not None and field.store for field in stored[:2]):
                dates = {field.name for field in stored[1:] if field and field.store}
                found.setdefault((model._table, stored[0].name), set()).update(dates)
    return [(table, partner, sorted(dates)) for (table, partner), dates in found.items()]


def first_fact_day(segment_set, partners):
    """Earliest local day of partners and their records, ``None`` without partners.

    :param SQL partners: query of ids of partners
    """
    parts = [
        SQL("SELECT MIN(create_date) AS moment FROM res_partner WHERE id IN (%s)", partners)
    ] + [
        SQL(
            "SELECT MIN(LEAST(%s)) AS moment FROM %s AS record WHERE record.%s IN (%s)",
            SQL(", ").join(
                SQL("record.%s::timestamp", SQL.identifier(column)) for column in columns
            ),
            SQL.identifier(table),
            SQL.identifier(partner),
            partners,
        )
        for table, partner, columns in fact_columns(segment_set.env)
    ]
    [(moment,)] = segment_set.env.execute_query(
        SQL("SELECT MIN(moment) FROM (%s) AS facts", SQL(" UNION ALL ").join(parts))
    )
    return moment and local_day(moment, segment_set._reference_company()._kpi_tz())


def new_members():
    """Query (id) of contacts of the customers whose past gets a segment by the temporary
    table of :mod:`.difference`."""
    return SQL(
        """
        SELECT partner.id
          FROM %s AS different
          JOIN res_partner partner ON partner.commercial_partner_id = different.partner_id
         WHERE different.segment_id IS NOT NULL AND different.is_first
        """,
        TABLE,
    )
