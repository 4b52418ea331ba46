# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Order sizes: bands of the amount that a customer ordered in twelve months."""

from odoo import fields
from odoo.tools import SQL

from ..customers import definitions
from ..engine.periods import utc_midnight


def bands(segment_set):
    """Query (id, lower, upper) of the segments: amounts from, and below. The highest band has
    no upper amount."""
    return SQL(
        """
        SELECT segment.id, segment.amount_min AS lower,
               LEAD(segment.amount_min) OVER (ORDER BY segment.amount_min, segment.id) AS upper
          FROM crm_kpi_segment segment
         WHERE segment.set_id = %s AND segment.active AND segment.is_unknown IS NOT TRUE
        """,
        segment_set.id,
    )


def in_band(amount):
    """Condition that an amount lies in the band ``band``."""
    return SQL("%(amount)s >= band.lower AND (band.upper IS NULL OR %(amount)s < band.upper)",
               amount=amount)  # fmt: skip


def ordered_amounts(company, since, until):
    """Query (partner_id, amount) of the qualifying orders of customers in a company.

    :param datetime since: UTC instant from which orders count
    :param datetime until: UTC instant before which orders count
    """
    return SQL(
        """
        SELECT partner.commercial_partner_id AS partner_id, SUM(%(amount)s) AS amount
          FROM sale_order sale
          JOIN res_partner partner ON partner.id = sale.partner_id
         WHERE %(qualifying)s AND sale.company_id = %(company)s
           AND sale.date_order >= %(since)s AND sale.date_order < %(until)s
      GROUP BY partner.commercial_partner_id
        """,
        amount=definitions.company_amount("sale"),
        qualifying=definitions.is_qualifying("sale"),
        company=company.id,
        since=since,
        until=until,
    )


def expected_by_size(segment_set, company, today):
    """Expected members of a set of order sizes, see :func:`.expected.expected`.

    The amount is that of the twelve months before ``today``. Customers of other companies are
    only in it when they ordered here.
    """
    tz = company._kpi_tz()
    return SQL(
        """
        SELECT band.id AS segment_id, customer.id AS partner_id, 0 AS slot
          FROM (%(customers)s) AS customer
     LEFT JOIN (%(ordered)s) AS ordered ON ordered.partner_id = customer.id
          JOIN (%(bands)s) AS band ON %(in_band)s
         WHERE customer.company_id IS NULL OR customer.company_id = %(company)s
            OR ordered.partner_id IS NOT NULL
        """,
        customers=definitions.all_customers(segment_set.env, segment_set.company_id),
        ordered=ordered_amounts(
            company,
            utc_midnight(fields.Date.subtract(today, months=12), tz),
            utc_midnight(today, tz),
        ),
        bands=bands(segment_set),
        in_band=in_band(SQL("COALESCE(ordered.amount, 0)")),
        company=company.id,
    )
