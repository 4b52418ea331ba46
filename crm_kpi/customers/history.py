# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The history of customers: their orders, documents, contacts and referrals, sorted by time.

The history of a customer is one row with sorted arrays. What holds at a moment is found in the
arrays by binary search (``width_bucket``), so the cost is that of sorting the records once,
plus one row for each customer and moment.

Sums are kept in millionths as whole numbers: exact, and of fixed length, so that PostgreSQL
finds an element of an array without reading those before.
"""

from datetime import timedelta

from odoo import SUPERUSER_ID
from odoo.tools import SQL

from . import churn, definitions

#: Columns of ``customer_history``, with their types in PostgreSQL.
COLUMNS = {
    "company_id": "int4",
    "partner_id": "int4",
    "own_user_id": "int4",
    "dates": "timestamp[]",
    "users": "int4[]",
    "teams": "int4[]",
    "gaps": "int4[]",
    "cross_sells": "timestamp[]",
    "upsells": "timestamp[]",
    "all_dates": "timestamp[]",
    "amounts": "int8[]",
    "margins": "int8[]",
    "list_amounts": "int8[]",
    "discounts": "int8[]",
    "referral_dates": "timestamp[]",
    "contact_dates": "timestamp[]",
    "ledger_dates": "timestamp[]",
    "ledger_amounts": "int8[]",
    "ledger_margins": "int8[]",
}
#: Factor from the sums in arrays to amounts.
MILLIONTH = SQL("0.000001")
_MILLION = SQL("1000000")
_COMPANIES = SQL("SELECT company_id FROM moment")


# ------------------------------------------------------------------
# orders
# ------------------------------------------------------------------
def orders(env, customers=None):
    """CTE ``confirmed_order``: the confirmed orders of customers until the last moment.

    Reads the CTE ``moment``.

    :param SQL customers: query of commercial partners; all without it
    :return: SQL (id, company_id, partner_id, date_order, qualifying, gap_days, is_cross_sell,
        is_upsell, user_id, team_id, amount, margin, list_amount, discount_amount)
    """
    return SQL(
        """
        SELECT sale.id, sale.company_id, partner.commercial_partner_id AS partner_id,
               sale.date_order,
               %(qualifying)s AS qualifying,
               sale.kpi_gap_days AS gap_days,
               sale.kpi_is_cross_sell AS is_cross_sell,
               sale.kpi_is_upsell AS is_upsell,
               %(user)s AS user_id,
               %(team)s AS team_id,
               %(amount)s AS amount,
               %(margin)s AS margin,
               sale.kpi_list_amount AS list_amount,
               sale.kpi_discount_amount AS discount_amount
          FROM sale_order sale
          JOIN res_partner partner ON partner.id = sale.partner_id
     LEFT JOIN res_company company ON company.id = sale.company_id
         WHERE %(confirmed)s
           AND sale.company_id IN (%(companies)s)
           AND sale.date_order <= (SELECT max(before_end) FROM moment)
           AND %(external)s
        """,
        qualifying=definitions.is_qualifying("sale"),
        user=definitions.salesperson("sale"),
        team=definitions.sales_team("sale"),
        amount=definitions.company_amount("sale"),
        margin=definitions.margin("sale", "company"),
        confirmed=definitions.is_confirmed("sale"),
        companies=_COMPANIES,
        external=SQL("partner.commercial_partner_id IN (%s)", customers)
        if customers
        else definitions.is_external(env, SQL("partner.commercial_partner_id")),
    )


def running_totals():
    """CTE ``summed_order``: the orders, with the sums of all orders of the customer so far.

    Reads the CTE ``confirmed_order``.

    :return: SQL (the columns of :func:`orders`, total_amount, total_margin, total_list,
        total_discount), sums in millionths
    """
    return SQL(
        """
        SELECT confirmed_order.*,
               %(amount)s AS total_amount,
               %(margin)s AS total_margin,
               %(list)s AS total_list,
               %(discount)s AS total_discount
          FROM confirmed_order
        WINDOW so_far AS (PARTITION BY company_id, partner_id ORDER BY date_order, id)
        """,
        amount=_running_total("amount"),
        margin=_running_total("margin"),
        list=_running_total("list_amount"),
        discount=_running_total("discount_amount"),
    )


def history():
    """CTE ``history``: the orders of each customer as sorted arrays.

    Of the qualifying orders: ``dates``, ``users``, ``teams`` and ``gaps`` (days since the
    previous day with an order), dates of those that are ``cross_sells`` and ``upsells``. Of all
    confirmed orders: ``all_dates``, and the running totals ``amounts``, ``margins``,
    ``list_amounts`` and ``discounts``, whose first element is 0. Reads the CTE ``summed_order``.

    :return: SQL (company_id, partner_id, dates, users, teams, gaps, cross_sells, upsells,
        all_dates, amounts, margins, list_amounts, discounts)
    """
    return SQL(
        """
        SELECT company_id, partner_id,
               array_agg(date_order ORDER BY date_order, id) FILTER (WHERE qualifying) AS dates,
               array_agg(user_id ORDER BY date_order, id) FILTER (WHERE qualifying) AS users,
               array_agg(team_id ORDER BY date_order, id) FILTER (WHERE qualifying) AS teams,
               array_agg(gap_days ORDER BY date_order, id) FILTER (WHERE qualifying) AS gaps,
               array_agg(date_order ORDER BY date_order, id)
                   FILTER (WHERE qualifying AND is_cross_sell) AS cross_sells,
               array_agg(date_order ORDER BY date_order, id)
                   FILTER (WHERE qualifying AND is_upsell) AS upsells,
               array_agg(date_order ORDER BY date_order, id) AS all_dates,
               0::bigint || array_agg(total_amount ORDER BY date_order, id) AS amounts,
               0::bigint || array_agg(total_margin ORDER BY date_order, id) AS margins,
               0::bigint || array_agg(total_list ORDER BY date_order, id) AS list_amounts,
               0::bigint || array_agg(total_discount ORDER BY date_order, id) AS discounts
          FROM summed_order
      GROUP BY company_id, partner_id
        """
    )


def gathered():
    """CTE ``customer_history``: all that is known of each customer with a qualifying order.

    Reads the CTEs ``history``, ``referral``, ``last_contact`` and ``ledger``.

    :return: SQL (:data:`COLUMNS`)
    """
    return SQL(
        """
        SELECT history.company_id, history.partner_id,
               NULLIF(partner.user_id, %(root)s) AS own_user_id,
               history.dates, history.users, history.teams, history.gaps,
               history.cross_sells, history.upsells, history.all_dates,
               history.amounts, history.margins, history.list_amounts, history.discounts,
               referral.dates AS referral_dates,
               last_contact.dates AS contact_dates,
               ledger.dates AS ledger_dates,
               ledger.amounts AS ledger_amounts,
               ledger.margins AS ledger_margins
          FROM history
          JOIN res_partner partner ON partner.id = history.partner_id
     LEFT JOIN referral
            ON referral.company_id = history.company_id
           AND referral.partner_id = history.partner_id
     LEFT JOIN last_contact
            ON last_contact.company_id = history.company_id
           AND last_contact.partner_id = history.partner_id
     LEFT JOIN ledger
            ON ledger.company_id = history.company_id AND ledger.partner_id = history.partner_id
         WHERE history.dates IS NOT NULL
        """,
        root=SUPERUSER_ID,
    )


def rhythm(shortest_days, longest_days):
    """CTE ``rhythm``: the histories, with the usual gaps of the customers.

    ``rhythms`` has the median of all gaps so far, by qualifying order. It is computed only for
    orders after which a moment lies in a silence that may be a risk. Reads the CTEs
    ``customer_history`` and ``moment``.

    :param shortest_days: shorter silences are no risk
    :param longest_days: after longer silences customers count as churned
    :return: SQL (:data:`COLUMNS`, rhythms)
    """
    return SQL(
        """
        SELECT history.*,
               CASE WHEN cardinality(history.dates) > 2 THEN ARRAY(
                   SELECT CASE
                          WHEN number > 2
                           AND width_bucket(history.dates[number] + %(shortest)s, %(ends)s)
                               < width_bucket(LEAST(history.dates[number + 1],
                                                    history.dates[number] + %(longest)s),
                                              %(ends)s)
                          THEN %(own_gap)s
                          END
                     FROM generate_subscripts(history.dates, 1) AS number
                 ORDER BY number)
               END AS rhythms
          FROM customer_history AS history
        OFFSET 0
        """,
        # read once for all customers, because it names none of their columns
        ends=SQL("(SELECT array_agg(DISTINCT at ORDER BY at) FROM moment)"),
        own_gap=churn.own_gap(SQL("history.gaps"), SQL("number")),
        # one day less and one day more than may matter
        shortest=timedelta(days=shortest_days - 1),
        longest=timedelta(days=longest_days + 1),
    )


# ------------------------------------------------------------------
# lifetime value
# ------------------------------------------------------------------
def ledger(customers=None):
    """CTE ``ledger``: sums of the documents that belong to the lifetime value, besides orders.

    Reads the CTE ``moment``.

    :param SQL customers: query of commercial partners; all without it
    :return: SQL (company_id, partner_id, dates, amounts, margins): sorted instants from which
        documents count, and the sums so far in millionths
    """
    return SQL(
        """
        SELECT company_id, partner_id,
               array_agg(date ORDER BY date, id) AS dates,
               array_agg(amount ORDER BY date, id) AS amounts,
               array_agg(margin ORDER BY date, id) AS margins
          FROM (SELECT company_id, partner_id, date, id,
                       %(amount)s AS amount,
                       %(margin)s AS margin
                  FROM (SELECT document.id, document.company_id, document.partner_id,
                               document.amount, document.margin,
                               document.day::timestamp AT TIME ZONE zone.tz AT TIME ZONE 'UTC'
                                   AS date
                          FROM (%(credited)s UNION ALL %(invoices)s) AS document
                          JOIN (SELECT DISTINCT company_id, tz FROM moment) AS zone
                            ON zone.company_id = document.company_id) AS dated
                WINDOW so_far AS (PARTITION BY company_id, partner_id ORDER BY date, id)
               ) AS added
         WHERE date <= (SELECT max(before_end) FROM moment)
         GROUP BY company_id, partner_id
        """,
        amount=_running_total("amount"),
        margin=_running_total("margin"),
        credited=SQL("(%s)", definitions.credited_lines(_COMPANIES, customers)),
        invoices=SQL("(%s)", definitions.invoices(_COMPANIES, customers)),
    )


def lifetime_value(basis, orders_total, ledger_total):
    """Amount or margin that a customer brought so far.

    :param SQL basis: company setting ``kpi_revenue_basis``
    :param SQL orders_total: sum of the orders so far, in millionths
    :param SQL ledger_total: sum of the documents so far, in millionths
    """
    return SQL(
        "(CASE WHEN %s THEN COALESCE(%s, 0) ELSE 0 END + COALESCE(%s, 0)) * %s",
        definitions.counts_orders(basis),
        orders_total,
        ledger_total,
        MILLIONTH,
    )


# ------------------------------------------------------------------
# contacts and referrals
# ------------------------------------------------------------------
def last_contacts(env, now, daily=False):
    """CTE ``last_contact``: the last contact with each customer before each moment.

    A contact without a company counts in all companies. Reads the CTE ``moment``.

    :param datetime now: meetings that are not over by then do not count
    :param daily: also the last contact of each local day
    :return: SQL (company_id, partner_id, dates): sorted instants
    """
    return SQL(
        """
        SELECT company_id, partner_id, array_agg(date ORDER BY date) AS dates
          FROM (SELECT company.company_id, contact.partner_id, max(contact.date) AS date
                  FROM (SELECT company_id, max(tz) AS tz,
                               array_agg(DISTINCT until ORDER BY until) AS ends
                          FROM moment GROUP BY company_id) AS company
                  JOIN (%(contacts)s) AS contact
                    ON contact.company_id = company.company_id OR contact.company_id IS NULL
              GROUP BY company.company_id, contact.partner_id,
                       width_bucket(contact.date, company.ends)%(day)s) AS last
         GROUP BY company_id, partner_id
        """,
        contacts=definitions.contacts(env, now),
        day=SQL(", (contact.date AT TIME ZONE 'UTC' AT TIME ZONE company.tz)::date")
        if daily
        else SQL(),
    )


def referrals(env):
    """CTE ``referral``: when the leads were created that customers referred.

    Leads that were lost as unqualified do not count. A lead without a company belongs to the
    only company of the database, if there is only one.

    :return: SQL (company_id, partner_id, dates): sorted instants
    """
    # superuser: only whether the database has more than one company
    only = env["res.company"].sudo().search([], limit=2)
    return SQL(
        """
        SELECT company_id, partner_id, array_agg(date ORDER BY date) AS dates
          FROM (SELECT COALESCE(%(company)s, %(only)s) AS company_id,
                       partner.commercial_partner_id AS partner_id,
                       r.create_date AS date
                  FROM crm_lead r
                  JOIN res_partner partner ON partner.id = r.kpi_referrer_id
             LEFT JOIN crm_lost_reason reason ON reason.id = r.lost_reason_id
                 WHERE reason.kpi_disqualified IS NOT TRUE) AS referral
         GROUP BY company_id, partner_id
        """,
        company=env["crm.lead"]._kpi_company_sql(),
        only=only.id if len(only) == 1 else None,
    )


def _running_total(column):
    """Sum of a column so far in millionths, over the window ``so_far``."""
    return SQL("(sum(COALESCE(%s, 0) * %s) OVER so_far)::bigint", SQL.identifier(column), _MILLION)
