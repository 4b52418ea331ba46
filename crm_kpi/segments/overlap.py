# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How many customers a set has, and which of its segments have the same customers."""

from typing import NamedTuple

from odoo.tools import SQL


class Overlap(NamedTuple):
    """Customers in two segments of a set; ids of the segments."""

    first_id: int
    second_id: int
    count: int


def customer_count(segment_set, companies):
    """``(customers, customers in several segments)`` of a set at present.

    :param companies: those whose order sizes and RFM classes count
    """
    [counts] = segment_set.env.execute_query(
        SQL(
            """
            SELECT count(*), count(*) FILTER (WHERE segments > 1)
              FROM (SELECT count(DISTINCT segment_id) AS segments
                      FROM (%s) AS present GROUP BY partner_id) AS customer
            """,
            _present(segment_set, companies),
        )
    )
    return counts


def overlaps(segment_set, companies, limit=5):
    """List of :class:`Overlap`, those with the most customers first."""
    rows = segment_set.env.execute_query(
        SQL(
            """
            WITH present AS (%s),
                 several AS (SELECT partner_id FROM present
                           GROUP BY partner_id HAVING count(DISTINCT segment_id) > 1)
            SELECT one.segment_id, other.segment_id, count(DISTINCT partner_id)
              FROM several
              JOIN present AS one USING (partner_id)
              JOIN present AS other USING (partner_id)
             WHERE one.segment_id < other.segment_id
          GROUP BY one.segment_id, other.segment_id
          ORDER BY count(DISTINCT partner_id) DESC, one.segment_id, other.segment_id
             LIMIT %s
            """,
            _present(segment_set, companies),
            limit,
        )
    )
    return [Overlap(*row) for row in rows]


def _present(segment_set, companies):
    return SQL(
        """SELECT partner_id, segment_id FROM crm_kpi_segment_member
            WHERE set_id = %s AND date_to IS NULL
              AND (company_id IS NULL OR company_id = ANY(%s))""",
        segment_set.id,
        companies.ids,
    )
