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


def fill_deal_amounts(ids):
    """Statement that fills in the amount of the won leads among ``ids``, and whether their
    orders were cancelled.

    It returns ``id`` and ``is_foreign``: the lead has orders in a currency other than its own,
    which the statement does not convert.
    """
    return SQL(
        """
        WITH ordered AS (%(ordered)s)
        UPDATE crm_lead l
           SET kpi_deal_amount = COALESCE(o.amount, CASE WHEN o.id IS NULL
                                                         THEN l.expected_revenue END, 0),
               kpi_orders_cancelled = o.id IS NOT NULL AND o.amount IS NULL
          FROM crm_lead self
     LEFT JOIN ordered o ON o.id = self.id
         WHERE self.id = l.id AND l.id = ANY(%(ids)s) AND l.kpi_won_date IS NOT NULL
     RETURNING l.id, COALESCE(o.is_foreign, FALSE) AS is_foreign
        """,
        ordered=ordered_amounts(ids),
        ids=list(ids),
    )


def ordered_amounts(ids):
    """Leads with an order that is or was confirmed: ``id``, ``amount``, ``is_foreign``.

    ``amount``: untaxed amount of the confirmed orders, empty when all were cancelled.
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
         WHERE o.opportunity_id = ANY(%s)
           AND (o.state = 'sale' OR o.kpi_first_confirm_date IS NOT NULL)
      GROUP BY o.opportunity_id
        """,
        list(ids),
    )


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
