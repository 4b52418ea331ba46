# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Deals: amounts of won leads, and the quotations of one deal.

A *deal* is an opportunity with all its quotations (alternatives and revisions), or a quotation
without an opportunity.
"""

from odoo.tools import SQL

from ..sql import with_queries

#: Fields of an order that :func:`quotations_of_deals` computes.
DEAL_FIELDS = ("kpi_is_quote_head", "kpi_quote_accept_days")


def ordered_amounts(first, last):
    """Leads with an order that is or was confirmed: ``id``, ``amount``, ``is_foreign``.

    ``amount``: untaxed amount of the confirmed orders, empty when all were cancelled.
    ``is_foreign``: orders are in a currency other than that of the lead, which is not converted.
    """
    return SQL(
        """
        SELECT o.opportunity_id AS id,
               round(sum(o.amount_untaxed / COALESCE(NULLIF(o.currency_rate, 0), 1)
                         / currency.rounding) FILTER (WHERE o.state = 'sale'))
                   * min(currency.rounding) AS amount,
               bool_or(COALESCE(lead_company.currency_id, company.currency_id)
                       <> company.currency_id)
                   OR count(DISTINCT company.currency_id) > 1 AS is_foreign
          FROM sale_order o
          JOIN crm_lead l ON l.id = o.opportunity_id
          JOIN res_company company ON company.id = o.company_id
          JOIN res_currency currency ON currency.id = company.currency_id
     LEFT JOIN res_company lead_company ON lead_company.id = l.company_id
         WHERE o.opportunity_id BETWEEN %(first)s AND %(last)s
           AND l.id BETWEEN %(first)s AND %(last)s
           AND (o.state = 'sale' OR o.kpi_first_confirm_date IS NOT NULL)
      GROUP BY o.opportunity_id
        """,
        first=first,
        last=last,
    )


def deal_amounts():
    """Amount of a won lead, and whether its orders were cancelled: ``{column: SQL}``.

    Over the lead ``r`` before, ``s`` with its stamps, and the columns of
    :func:`ordered_amounts` as ``ordered_id`` and ``ordered_amount`` of ``s``. A lead that is not
    won keeps its values.
    """
    return {
        name: SQL(
            "CASE WHEN s.kpi_won_date IS NULL THEN r.%s ELSE %s END", SQL.identifier(name), value
        )
        for name, value in {
            "kpi_deal_amount": SQL(
                "COALESCE(s.ordered_amount,"
                " CASE WHEN s.ordered_id IS NULL THEN r.expected_revenue END, 0)"
            ),
            "kpi_orders_cancelled": SQL("s.ordered_id IS NOT NULL AND s.ordered_amount IS NULL"),
        }.items()
    }


def quotations_of_deals(ids, is_quotation):
    """Place of all quotations in the deals that the orders ``ids`` belong to.

    :param SQL is_quotation: condition on the order ``o``
    :return: SQL with the columns ``id`` and :data:`DEAL_FIELDS`
    """
    return with_queries(
        {"member": deal_members(ids, is_quotation), "ranked": ranked_quotations()},
        SQL(
            """
            SELECT m.id,
                   COALESCE(r.position = 1, FALSE) AS kpi_is_quote_head,
                   CASE WHEN r.position = 1 AND r.accepted_at >= r.kpi_sent_date
                        THEN EXTRACT(EPOCH FROM r.accepted_at - r.kpi_sent_date)::float8 / 86400
                    END AS kpi_quote_accept_days
              FROM member m
         LEFT JOIN ranked r ON r.id = m.id
            """
        ),
    )


def deal_members(ids, is_quotation):
    """Orders of the deals: ``id``, ``company_id``, ``deal_id`` (negative without a lead),
    ``kpi_sent_date``, ``kpi_first_confirm_date``, ``is_quotation``."""
    return SQL(
        """
        SELECT o.id, o.company_id, -o.id AS deal_id, o.kpi_sent_date,
               o.kpi_first_confirm_date, %(is_quotation)s AS is_quotation
          FROM sale_order o
         WHERE o.id = ANY(%(ids)s) AND o.opportunity_id IS NULL
     UNION ALL
        SELECT o.id, o.company_id, o.opportunity_id, o.kpi_sent_date,
               o.kpi_first_confirm_date, %(is_quotation)s
          FROM sale_order o
         WHERE o.opportunity_id IN (SELECT opportunity_id FROM sale_order WHERE id = ANY(%(ids)s))
        """,
        ids=list(ids),
        is_quotation=SQL("(%s)", is_quotation),
    )


def ranked_quotations():
    """Quotations in the order in which they were sent: ``id``, ``kpi_sent_date``,
    ``position``, ``accepted_at`` (first confirmation of any quotation of the deal)."""
    return SQL(
        """
        SELECT id, kpi_sent_date,
               row_number() OVER (
                   PARTITION BY company_id, deal_id ORDER BY kpi_sent_date, id) AS position,
               min(kpi_first_confirm_date) OVER (PARTITION BY company_id, deal_id) AS accepted_at
          FROM member
         WHERE is_quotation
        """
    )
