# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The definitions that everything about customers shares. Each exists only here.

*Customer*
    A commercial partner, so that all contacts and addresses of a company are one customer.
    Contacts of the own companies, of internal users (archived ones too) and of the public user
    are never customers: see :func:`internal_partners`. The public user is excluded because
    orders of unknown website visitors would otherwise form one big customer.
*Confirmed order*
    Order in the state *Sales Order*, locked or not. Sums of money contain all of them, returns
    included.
*Qualifying order*
    Confirmed order with an untaxed amount above zero. Only qualifying orders make a customer
    new, active, repeating, lost or give RFM scores: a free sample or a return does not.
*Amount of an order*
    Untaxed, in the currency of the order's company, at the rate stored on the order, rounded
    to that currency. It is the stored field ``kpi_amount``, so that listed orders add up to
    the total that is shown for them.
*Lifetime value*
    Amounts of all confirmed orders, less the credited lines of these orders at the rate of the
    credit note. With the company setting *Revenue basis: invoiced* it is instead the untaxed
    amount of all posted customer invoices, receipts and credit notes. An order counts from its
    order date on, a document from the beginning of its (invoice) date on.
*Contact*
    A message, call or letter (except an invoice by post), or a meeting of the calendar that an
    internal user held and that is over. It counts for the customer of the contact.
"""

from odoo import SUPERUSER_ID
from odoo.tools import SQL


# ------------------------------------------------------------------
# customers
# ------------------------------------------------------------------
def internal_partners(env):
    """Query (partner_id) of the contacts that are never customers."""
    return SQL(
        """
        SELECT partner_id FROM res_company WHERE partner_id IS NOT NULL
         UNION ALL
        SELECT partner_id FROM res_users WHERE share IS NOT TRUE AND partner_id IS NOT NULL
         UNION ALL
        SELECT public_user.partner_id
          FROM res_groups_users_rel member
          JOIN res_users public_user ON public_user.id = member.uid
         WHERE member.gid = %s AND public_user.partner_id IS NOT NULL
        """,
        env["ir.model.data"]._xmlid_to_res_id("base.group_public"),
    )


def is_external(env, partner):
    """Condition: a commercial partner may be a customer.

    :param SQL partner: expression of the id of the commercial partner
    """
    return SQL("%s NOT IN (%s)", partner, internal_partners(env))


def all_customers(env, company=None):
    """Query (id, company_id, industry_id, country_id, is_company) of all customers.

    Archived contacts stay customers, because their history counts.

    :param company: only customers that this company may see; all without it
    """
    # CASE: PostgreSQL estimates that "column = other column" is true for 1 row in 200 and would
    # plan nested loops over all customers; for a CASE it estimates one half.
    return SQL(
        """
        SELECT partner.id, partner.company_id, partner.industry_id, partner.country_id,
               COALESCE(partner.is_company, FALSE) AS is_company
          FROM res_partner partner
         WHERE CASE WHEN partner.commercial_partner_id = partner.id THEN TRUE ELSE FALSE END
           AND %s
           AND %s
        """,
        is_external(env, SQL("partner.id")),
        SQL("(partner.company_id IS NULL OR partner.company_id = %s)", company.id)
        if company
        else SQL("TRUE"),
    )


# ------------------------------------------------------------------
# orders
# ------------------------------------------------------------------
def is_confirmed(order):
    """Condition: an order is confirmed.

    :param str order: alias of the table ``sale_order``, as in the functions below
    """
    return SQL("%s = 'sale'", SQL.identifier(order, "state"))


def is_qualifying(order):
    """Condition: an order is a qualifying order."""
    return SQL.identifier(order, "kpi_is_qualifying")


def company_amount(order):
    """Amount of an order in the currency of its company."""
    return SQL.identifier(order, "kpi_amount")


def margin(order, company):
    """Margin of a confirmed order: the derived one, before it is derived by the margin rate.

    :param str company: alias of the order's row in ``res_company``
    """
    return SQL(
        "COALESCE(%s, %s * COALESCE(%s, 1)::numeric)",
        SQL.identifier(order, "kpi_margin"),
        company_amount(order),
        SQL.identifier(company, "kpi_margin_rate"),
    )


def salesperson(order):
    """Salesperson at the confirmation; of an order that was never stamped, the present one."""
    return SQL(
        "CASE WHEN %s IS NULL THEN NULLIF(%s, %s) ELSE %s END",
        SQL.identifier(order, "kpi_first_confirm_date"),
        SQL.identifier(order, "user_id"),
        SUPERUSER_ID,
        SQL.identifier(order, "kpi_confirm_user_id"),
    )


def sales_team(order):
    """Sales team at the confirmation; of an order that was never stamped, the present one."""
    return SQL(
        "CASE WHEN %s IS NULL THEN %s ELSE %s END",
        SQL.identifier(order, "kpi_first_confirm_date"),
        SQL.identifier(order, "team_id"),
        SQL.identifier(order, "kpi_confirm_team_id"),
    )


# ------------------------------------------------------------------
# lifetime value: what is added to the orders, or stands in their place
# ------------------------------------------------------------------
def counts_orders(basis):
    """Condition: the lifetime value consists of orders and credited lines, not of invoices.

    :param SQL basis: expression of the company setting ``kpi_revenue_basis``
    """
    return SQL("%s IS DISTINCT FROM 'invoiced'", basis)


def credited_lines(companies, customers=None):
    """Query (id, company_id, partner_id, day, amount, margin) of credited order lines.

    A credited line is counted once, for the order of its first order line. It takes away the
    margin in the proportion in which the order brought it.

    :param SQL companies: query of the ids of the companies of the orders
    :param SQL customers: query of commercial partners; all without it
    """
    return SQL(
        """
        SELECT DISTINCT ON (line.id)
               line.id, sale.company_id, partner.commercial_partner_id AS partner_id,
               COALESCE(move.invoice_date, move.date) AS day,
               -line.balance AS amount,
               -line.balance * COALESCE(%(margin)s / NULLIF(%(amount)s, 0),
                                        company.kpi_margin_rate::numeric) AS margin
          FROM account_move move
          JOIN account_move_line line ON line.move_id = move.id AND line.display_type = 'product'
          JOIN sale_order_line_invoice_rel invoiced ON invoiced.invoice_line_id = line.id
          JOIN sale_order_line sale_line ON sale_line.id = invoiced.order_line_id
          JOIN sale_order sale ON sale.id = sale_line.order_id AND %(confirmed)s
          JOIN res_company company ON company.id = sale.company_id AND %(ordered)s
          JOIN res_partner partner ON partner.id = sale.partner_id AND %(customers)s
         WHERE move.move_type = 'out_refund' AND move.state = 'posted'
           AND sale.company_id IN (%(companies)s)
      ORDER BY line.id, sale_line.id
        """,
        margin=margin("sale", "company"),
        amount=company_amount("sale"),
        confirmed=is_confirmed("sale"),
        ordered=counts_orders(SQL("company.kpi_revenue_basis")),
        companies=companies,
        customers=_among(SQL("partner.commercial_partner_id"), customers),
    )


def invoices(companies, customers=None):
    """Query (id, company_id, partner_id, day, amount, margin) of posted customer documents of
    the companies whose lifetime values consist of invoices.

    :param SQL companies: query of ids of companies
    :param SQL customers: query of commercial partners; all without it
    """
    return SQL(
        """
        SELECT move.id, move.company_id, move.commercial_partner_id AS partner_id,
               COALESCE(move.invoice_date, move.date) AS day,
               move.amount_untaxed_signed AS amount,
               move.amount_untaxed_signed * company.kpi_margin_rate::numeric AS margin
          FROM account_move move
          JOIN res_company company
            ON company.id = move.company_id AND NOT (%(ordered)s)
         WHERE move.move_type IN ('out_invoice', 'out_refund', 'out_receipt')
           AND move.state = 'posted'
           AND move.company_id IN (%(companies)s)
           AND %(customers)s
        """,
        ordered=counts_orders(SQL("company.kpi_revenue_basis")),
        companies=companies,
        customers=_among(SQL("move.commercial_partner_id"), customers),
    )


# ------------------------------------------------------------------
# contacts
# ------------------------------------------------------------------
def contacts(env, now, customers=None):
    """Query (company_id, partner_id, user_id, date, direction) of contacts with customers.

    ``company_id`` is empty where all companies are meant, such as in a message on the contact
    itself. ``direction`` is ``in``, ``out`` or ``both``.

    :param datetime now: meetings that are not over by then do not count
    :param SQL customers: query of commercial partners; all without it
    """
    return SQL(
        """
        SELECT interaction.company_id, interaction.partner_id, interaction.user_id,
               interaction.date, interaction.direction
          FROM crm_kpi_interaction interaction
         WHERE interaction.partner_id IS NOT NULL AND %(is_contact)s AND %(interactions)s
         UNION ALL
        SELECT organiser.company_id, partner.commercial_partner_id, organiser.id, meeting.start,
               'both'
          FROM calendar_event meeting
          JOIN calendar_event_res_partner_rel attendee ON attendee.calendar_event_id = meeting.id
          JOIN res_partner partner ON partner.id = attendee.res_partner_id AND %(attendees)s
          JOIN res_users organiser ON organiser.id = meeting.user_id AND %(internal)s
         WHERE %(held)s
        """,
        is_contact=env["crm.kpi.interaction"]._kpi_is_contact_sql("interaction"),
        interactions=_among(SQL("interaction.partner_id"), customers),
        attendees=_among(SQL("partner.commercial_partner_id"), customers),
        internal=is_internal_user("organiser"),
        held=is_held("meeting", now),
    )


def is_held(meeting, now):
    """Condition: a meeting of the calendar is over and was not cancelled."""
    return SQL("%s AND %s <= %s", SQL.identifier(meeting, "active"),
               SQL.identifier(meeting, "stop"), now)  # fmt: skip


def is_internal_user(user):
    """Condition: a user is an employee, not OdooBot or a portal user."""
    return SQL(
        "%s IS NOT TRUE AND %s <> %s",
        SQL.identifier(user, "share"),
        SQL.identifier(user, "id"),
        SUPERUSER_ID,
    )


def _among(partner, customers):
    return SQL("%s IN (%s)", partner, customers) if customers else SQL("TRUE")
