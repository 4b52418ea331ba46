# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which segment each customer should be in on a day, by kind of set."""

from odoo.tools import SQL

from ..customers import definitions
from .size import expected_by_size
from .values import VALUE_COLUMNS, tags


def expected(segment_set, company, today):
    """Query (segment_id, partner_id, slot) of the members that a set should have today.

    The slot is 0 in a set with one segment per customer, else the segment: a customer has one
    present membership per slot.

    :param company: company whose orders count, for order sizes and RFM classes
    :param date today: local day
    """
    if segment_set.kind == "domain":
        return _expected_by_filter(segment_set)
    if segment_set.kind == "size":
        return expected_by_size(segment_set, company, today)
    if segment_set.kind == "rfm":
        return _expected_by_class(segment_set, company)
    if segment_set.kind == "tag":
        return _expected_by_tag(segment_set)
    return _expected_by_value(segment_set)


def _customers(segment_set):
    return definitions.all_customers(segment_set.env, segment_set.company_id)


def _in_use(segment_set):
    """Condition: ``segment`` is an active segment of the set, and not *Unknown*."""
    return SQL(
        "segment.set_id = %s AND segment.active AND segment.is_unknown IS NOT TRUE",
        segment_set.id,
    )


def _expected_by_value(segment_set):
    if segment_set.kind == "company_type":
        matches = SQL("COALESCE(segment.is_company, FALSE) = customer.is_company")
    else:
        column = SQL.identifier(VALUE_COLUMNS[segment_set.kind])
        matches = SQL("segment.%s = customer.%s", column, column)
    return SQL(
        """
        SELECT segment.id AS segment_id, customer.id AS partner_id, 0 AS slot
          FROM (%s) AS customer
          JOIN crm_kpi_segment segment ON %s AND %s
        """,
        _customers(segment_set),
        matches,
        _in_use(segment_set),
    )


def _expected_by_tag(segment_set):
    return SQL(
        """
        SELECT DISTINCT segment.id AS segment_id, tagged.partner_id, segment.id AS slot
          FROM (%s) AS tagged
          JOIN crm_kpi_segment segment ON segment.category_id = tagged.category_id AND %s
        """,
        tags(_customers(segment_set)),
        _in_use(segment_set),
    )


def _expected_by_class(segment_set, company):
    return SQL(
        """
        SELECT segment.id AS segment_id, customer.partner_id, 0 AS slot
          FROM crm_kpi_customer customer
          JOIN crm_kpi_segment segment ON segment.rfm_class = customer.rfm_class AND %s
         WHERE customer.company_id = %s
        """,
        _in_use(segment_set),
        company.id,
    )


def _expected_by_filter(segment_set):
    segments = segment_set.segment_ids.filtered(lambda segment: not segment.is_unknown)
    parts = [
        SQL(
            "SELECT %s AS segment_id, %s AS rank, found.id FROM (%s) AS found",
            segment.id,
            rank,
            segment._partner_query() or segment._present_members(),
        )
        for rank, segment in enumerate(segments.sorted(lambda s: (s.sequence, s.id)))
    ]
    if not parts:
        return SQL("SELECT 0 AS segment_id, 0 AS partner_id, 0 AS slot WHERE FALSE")
    matches = SQL(
        """
        SELECT matched.segment_id, matched.rank, customer.id AS partner_id
          FROM (%s) AS matched
          JOIN (%s) AS customer ON customer.id = matched.id
        """,
        SQL(" UNION ALL ").join(parts),
        _customers(segment_set),
    )
    if not segment_set.exclusive:
        return SQL(
            "SELECT segment_id, partner_id, segment_id AS slot FROM (%s) AS matching", matches
        )
    return SQL(
        """
        SELECT DISTINCT ON (partner_id) segment_id, partner_id, 0 AS slot
          FROM (%s) AS matching
      ORDER BY partner_id, rank
        """,
        matches,
    )
