# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Customers now: the rows of ``crm.kpi.customer``.

A row is written in two steps:

1. :data:`FACTS` concern one customer alone (orders, value, usual gap, contacts). They are
   derived for the customers whose records changed: :func:`facts`.
2. :data:`STANDING` compares all customers of a company (RFM, usual gap of customers without
   their own) or depends on the day (twelve months). It is derived for the companies with such
   a change, and once a day: :func:`standing`.

Both steps use the CTEs that judge customers at the end of a period. Now is the end of a period
that ends now, so orders, documents and contacts of the future do not count yet. Once a day,
the customers with an order or document that was in the future the day before are derived
again: :func:`records_of_new_days`.
"""

from odoo import SUPERUSER_ID
from odoo.tools import SQL

from ..engine.periods import local_day, utc_midnight
from ..sql import with_queries
from . import churn, definitions, history, moments, rfm

#: What step 1 derives, besides company and partner.
FACTS = (
    "user_id",
    "team_id",
    "first_order_date",
    "last_order_date",
    "order_count",
    "ltv_to_date",
    "ltv_margin",
    "own_gap_days",
    "last_interaction_date",
    "last_inbound_date",
    "last_outbound_date",
)
#: Facts whose change may change what step 2 derives.
COMPARED = ("first_order_date", "last_order_date", "order_count", "ltv_to_date", "own_gap_days")
#: What step 2 derives.
STANDING = (
    "churn_date",
    "at_risk_date",
    "revenue_12m",
    "rfm_r",
    "rfm_f",
    "rfm_m",
    "rfm_class",
)
_CUSTOMERS = SQL("SELECT partner_id FROM customer")
#: Days after the end of a meeting in which a refresh still notices it.
MEETING_DAYS = 40


# ------------------------------------------------------------------
# step 1: facts of customers
# ------------------------------------------------------------------
def facts(env, companies, ids, now):
    """Query (company_id, partner_id, *FACTS) of the customers of some contacts.

    :param companies: all companies, also archived ones
    :param ids: ids of contacts
    :param datetime now: naive UTC
    """
    return with_queries(
        {
            "moment": moments.moment(moments.present(companies, now)),
            "customer": customer(env, ids),
            "confirmed_order": history.orders(env, _CUSTOMERS),
            "summed_order": history.running_totals(),
            "history": history.history(),
            "ordered": ordered(),
            "ledger": history.ledger(_CUSTOMERS),
            "contact": contact(env, now),
            "known": known(),
            "pair": pair(companies),
            "last_contact": last_contact(),
        },
        customer_facts(),
    )


def customer(env, ids):
    """CTE ``customer``: the customers to which contacts belong.

    :return: SQL (partner_id)
    """
    return SQL(
        """
        SELECT DISTINCT partner.commercial_partner_id AS partner_id
          FROM res_partner partner
         WHERE partner.id = ANY(%s) AND %s
        """,
        list(ids),
        definitions.is_external(env, SQL("partner.commercial_partner_id")),
    )


def ordered():
    """CTE ``ordered``: what the orders of each customer say now.

    :return: SQL (company_id, partner_id, user_id, team_id, first_order_date, last_order_date,
        order_count, own_gap_days, total_amount, total_margin), totals in
        millionths
    """
    return SQL(
        """
        SELECT history.company_id, history.partner_id,
               history.users[position.orders] AS user_id,
               history.teams[position.orders] AS team_id,
               history.dates[1] AS first_order_date,
               history.dates[position.orders] AS last_order_date,
               position.orders AS order_count,
               %(own_gap)s AS own_gap_days,
               history.amounts[position.total] AS total_amount,
               history.margins[position.total] AS total_margin
          FROM history
          JOIN moment ON moment.company_id = history.company_id
    CROSS JOIN LATERAL (
               SELECT width_bucket(moment.before_end, history.dates) AS orders,
                      width_bucket(moment.before_end, history.all_dates) + 1 AS total
               ) AS position
        """,
        own_gap=churn.own_gap(SQL("history.gaps"), SQL("position.orders")),
    )


def contact(env, now):
    """CTE ``contact``: the contacts with the customers.

    :return: SQL (company_id, partner_id, user_id, date, direction)
    """
    return SQL(
        "SELECT * FROM (%s) AS contact WHERE date <= (SELECT max(before_end) FROM moment)",
        definitions.contacts(env, now, _CUSTOMERS),
    )


def known():
    """CTE ``known``: companies and their customers with an order, document or contact.

    :return: SQL (company_id, partner_id)
    """
    return SQL(
        """
        SELECT company_id, partner_id FROM ordered
         UNION
        SELECT company_id, partner_id FROM ledger
         UNION
        SELECT company_id, partner_id FROM contact WHERE company_id IS NOT NULL
        """
    )


def pair(companies):
    """CTE ``pair``: the rows that there are to be.

    A customer with contacts of no company only belongs to the company of the contact, else of
    the user who had the contact, else of the salesperson, else to the only company.

    :return: SQL (company_id, partner_id)
    """
    return SQL(
        """
        SELECT company_id, partner_id FROM known
         UNION
        SELECT COALESCE(partner.company_id, talker.company_id, salesperson.company_id, %s),
               contact.partner_id
          FROM contact
          JOIN res_partner partner ON partner.id = contact.partner_id
     LEFT JOIN res_users talker ON talker.id = contact.user_id
     LEFT JOIN res_users salesperson ON salesperson.id = partner.user_id
         WHERE NOT EXISTS (SELECT FROM known WHERE known.partner_id = contact.partner_id)
        """,
        companies.id if len(companies) == 1 else None,
    )


def last_contact():
    """CTE ``last_contact``: the last contacts of each pair.

    :return: SQL (company_id, partner_id, any_date, inbound_date, outbound_date)
    """
    return SQL(
        """
        SELECT pair.company_id, pair.partner_id,
               max(contact.date) AS any_date,
               max(contact.date) FILTER (WHERE contact.direction <> 'out') AS inbound_date,
               max(contact.date) FILTER (WHERE contact.direction <> 'in') AS outbound_date
          FROM pair
          JOIN contact
            ON contact.partner_id = pair.partner_id
           AND (contact.company_id = pair.company_id OR contact.company_id IS NULL)
      GROUP BY pair.company_id, pair.partner_id
        """
    )


def customer_facts():
    """The rows, from the CTEs above: SQL (company_id, partner_id, *FACTS)."""
    return SQL(
        """
        SELECT pair.company_id, pair.partner_id,
               COALESCE(NULLIF(partner.user_id, %(root)s), ordered.user_id) AS user_id,
               ordered.team_id,
               ordered.first_order_date,
               ordered.last_order_date,
               COALESCE(ordered.order_count, 0) AS order_count,
               %(ltv)s AS ltv_to_date,
               %(ltv_margin)s AS ltv_margin,
               ordered.own_gap_days,
               last_contact.any_date AS last_interaction_date,
               last_contact.inbound_date AS last_inbound_date,
               last_contact.outbound_date AS last_outbound_date
          FROM pair
          JOIN moment ON moment.company_id = pair.company_id
          JOIN res_partner partner ON partner.id = pair.partner_id
     LEFT JOIN ordered
            ON ordered.company_id = pair.company_id AND ordered.partner_id = pair.partner_id
     LEFT JOIN ledger
            ON ledger.company_id = pair.company_id AND ledger.partner_id = pair.partner_id
     LEFT JOIN last_contact
            ON last_contact.company_id = pair.company_id
           AND last_contact.partner_id = pair.partner_id
        """,
        root=SUPERUSER_ID,
        ltv=history.lifetime_value(
            SQL("moment.revenue_basis"),
            SQL("ordered.total_amount"),
            SQL("ledger.amounts[width_bucket(moment.before_end, ledger.dates)]"),
        ),
        ltv_margin=history.lifetime_value(
            SQL("moment.revenue_basis"),
            SQL("ordered.total_margin"),
            SQL("ledger.margins[width_bucket(moment.before_end, ledger.dates)]"),
        ),
    )


# ------------------------------------------------------------------
# step 1: writing
# ------------------------------------------------------------------
def write_facts(facts_query, ids):
    """Statement that brings the rows of the customers of some contacts in line with the facts.

    Rows of partners that are no longer customers are deleted, new ones inserted, changed ones
    updated, and equal ones left alone.

    :param SQL facts_query: query from :func:`facts`
    :param ids: ids of contacts
    :return: SQL (company_id) of the companies whose customers are to be compared again
    """
    return with_queries(
        {
            "fact": facts_query,
            "changed": _changed(),
            "deleted": _delete_rows(ids),
            "written": _write_rows(),
        },
        SQL("SELECT company_id FROM changed UNION SELECT company_id FROM deleted"),
    )


def _changed():
    """CTE ``changed``: companies of new rows and of changed :data:`COMPARED` columns."""
    return SQL(
        """
        SELECT fact.company_id
          FROM fact
     LEFT JOIN crm_kpi_customer present
            ON present.company_id = fact.company_id AND present.partner_id = fact.partner_id
         WHERE present.id IS NULL OR (%s) IS DISTINCT FROM (%s)
        """,
        _columns(COMPARED, "present"),
        _columns(COMPARED, "fact"),
    )


def _delete_rows(ids):
    """CTE ``deleted``: delete the rows of partners that are no longer customers."""
    return SQL(
        """
        DELETE FROM crm_kpi_customer present
              WHERE present.partner_id IN (
                        SELECT id FROM res_partner WHERE id = ANY(%(ids)s)
                         UNION
                        SELECT commercial_partner_id FROM res_partner WHERE id = ANY(%(ids)s))
                AND NOT EXISTS (
                        SELECT FROM fact
                         WHERE fact.company_id = present.company_id
                           AND fact.partner_id = present.partner_id)
          RETURNING present.company_id
        """,
        ids=list(ids),
    )


def _write_rows():
    """CTE ``written``: insert new rows, update changed ones."""
    return SQL(
        """
        INSERT INTO crm_kpi_customer AS present
                    (company_id, partner_id, %(columns)s,
                     create_uid, create_date, write_uid, write_date)
             SELECT company_id, partner_id, %(columns)s,
                    %(uid)s, clock_timestamp() AT TIME ZONE 'UTC',
                    %(uid)s, clock_timestamp() AT TIME ZONE 'UTC'
               FROM fact
        ON CONFLICT (company_id, partner_id) DO UPDATE
                SET (%(columns)s, write_date) = ROW(%(new)s, excluded.write_date)
              WHERE ROW(%(old)s) IS DISTINCT FROM ROW(%(new)s)
        """,
        columns=SQL(", ").join(map(SQL.identifier, FACTS)),
        new=_columns(FACTS, "excluded"),
        old=_columns(FACTS, "present"),
        uid=SUPERUSER_ID,
    )


def _columns(names, alias):
    return SQL(", ").join(SQL.identifier(alias, name) for name in names)


# ------------------------------------------------------------------
# step 2: all customers of a company
# ------------------------------------------------------------------
def standing(env, company, now, segment_ids):
    """Query (id, *STANDING) of the customers of a company.

    :param datetime now: naive UTC
    :param segment_ids: ids of the segments that override settings, see :mod:`.churn`
    """
    return with_queries(
        {
            "moment": moments.moment(moments.present(company, now)),
            "confirmed_order": history.orders(env),
            "recent": recent(),
            "company_gap": churn.company_gap(),
            "churn_threshold": churn.churn_threshold(segment_ids),
            "standing": silence(segment_ids),
            "rfm": rfm.scores(_rfm_facts()),
        },
        SQL(
            """
            SELECT standing.id, standing.churn_date,
                   -- a customer who would be lost before is never at risk
                   CASE WHEN standing.at_risk_date < standing.churn_date
                        THEN standing.at_risk_date END AS at_risk_date,
                   COALESCE(standing.revenue_12m, 0) AS revenue_12m,
                   rfm.rfm_r, rfm.rfm_f, rfm.rfm_m, rfm.rfm_class
              FROM standing
         LEFT JOIN rfm ON rfm.partner_id = standing.partner_id
            """
        ),
    )


def recent():
    """CTE ``recent``: the orders of each customer in the months that scores look at.

    :return: SQL (partner_id, last_day, days, amount, revenue_12m)
    """
    return SQL(
        """
        SELECT dated.partner_id,
               max(dated.day) FILTER (WHERE dated.qualifying) AS last_day,
               count(DISTINCT dated.day) FILTER (WHERE dated.qualifying) AS days,
               sum(dated.amount) FILTER (WHERE dated.qualifying) AS amount,
               sum(dated.amount) FILTER (WHERE dated.is_of_year) AS revenue_12m
          FROM (SELECT confirmed_order.partner_id, confirmed_order.qualifying,
                       confirmed_order.amount,
                       (confirmed_order.date_order AT TIME ZONE 'UTC'
                            AT TIME ZONE moment.tz)::date AS day,
                       confirmed_order.date_order > moment.before_year_ago AS is_of_year
                  FROM confirmed_order
                  JOIN moment ON moment.company_id = confirmed_order.company_id
                 WHERE confirmed_order.date_order > moment.before_rfm) AS dated
      GROUP BY dated.partner_id
        """
    )


def silence(segment_ids):
    """CTE ``standing``: from when on each customer is at risk and churned.

    :return: SQL (id, partner_id, orders, churn_date, at_risk_date, at, last_day, days, amount,
        revenue_12m)
    """
    return SQL(
        """
        SELECT customer.id, customer.partner_id, customer.order_count AS orders,
               %(churn_date)s AS churn_date,
               %(at_risk_date)s AS at_risk_date,
               moment.at,
               recent.last_day, recent.days, recent.amount, recent.revenue_12m
          FROM moment
          JOIN crm_kpi_customer customer ON customer.company_id = moment.company_id
     LEFT JOIN company_gap ON company_gap.company_id = moment.company_id
     LEFT JOIN recent ON recent.partner_id = customer.partner_id
               %(threshold)s
        """,
        churn_date=churn.churn_date(SQL("customer.last_order_date"), churn.inactivity(segment_ids)),
        at_risk_date=churn.at_risk_date(
            SQL("customer.last_order_date"),
            SQL("moment.at_risk_days"),
            churn.factor(segment_ids),
            SQL("customer.own_gap_days"),
            SQL("company_gap.days"),
        ),
        threshold=churn.join_threshold(segment_ids, SQL("customer.partner_id")),
    )


def _rfm_facts():
    return SQL(
        """
        SELECT 0 AS moment, partner_id, last_day, days, amount, orders, churn_date < at AS churned
          FROM standing
         WHERE orders > 0
        """
    )


# ------------------------------------------------------------------
# whose row is to be derived
# ------------------------------------------------------------------
def possible_customers():
    """Query (partner_id) of all partners that may have a row."""
    return SQL(
        """
        SELECT partner_id
          FROM (SELECT partner.commercial_partner_id
                  FROM sale_order sale
                  JOIN res_partner partner ON partner.id = sale.partner_id
                 WHERE %s
                 UNION
                SELECT partner_id FROM crm_kpi_interaction
                 UNION
                SELECT partner.commercial_partner_id
                  FROM calendar_event_res_partner_rel attendee
                  JOIN res_partner partner ON partner.id = attendee.res_partner_id
                 UNION
                SELECT partner_id FROM crm_kpi_customer) AS possible (partner_id)
         WHERE partner_id IS NOT NULL
      ORDER BY partner_id
        """,
        definitions.is_confirmed("sale"),
    )


def after_meetings(env, now):
    """Query (id) of contacts whose meeting is over since their row was derived.

    No record is written when a meeting ends.
    """
    return SQL(
        """
        SELECT DISTINCT partner.id
          FROM calendar_event meeting
          JOIN calendar_event_res_partner_rel attendee ON attendee.calendar_event_id = meeting.id
          JOIN res_partner partner ON partner.id = attendee.res_partner_id
          JOIN res_users organiser ON organiser.id = meeting.user_id AND %(internal)s
         WHERE %(held)s
           AND meeting.stop > %(now)s - make_interval(days => %(days)s)
           AND %(external)s
           AND NOT EXISTS (SELECT FROM crm_kpi_customer present
                            WHERE present.partner_id = partner.commercial_partner_id
                              AND present.last_interaction_date >= meeting.start)
        """,
        internal=definitions.is_internal_user("organiser"),
        held=definitions.is_held("meeting", now),
        now=now,
        days=MEETING_DAYS,
        external=definitions.is_external(env, SQL("partner.commercial_partner_id")),
    )


def records_of_new_days(companies, now):
    """Query (id) of contacts with an order or document of the days since a company's customers
    were last compared: it may have been in the future then. ``None`` without such days.

    :param companies: companies whose local day changed since then
    """
    parts = []
    for company in companies.filtered("kpi_customers_date"):
        since = company.kpi_customers_date
        parts.append(
            SQL(
                """
                SELECT sale.partner_id AS id
                  FROM sale_order sale
                 WHERE %(confirmed)s AND sale.company_id = %(company)s
                   AND sale.date_order >= %(midnight)s AND sale.date_order <= %(now)s
                 UNION
                SELECT move.partner_id
                  FROM account_move move
                 WHERE move.move_type IN ('out_invoice', 'out_refund', 'out_receipt')
                   AND move.state = 'posted' AND move.company_id = %(company)s
                   AND COALESCE(move.invoice_date, move.date) > %(since)s
                   AND COALESCE(move.invoice_date, move.date) <= %(today)s
                """,
                confirmed=definitions.is_confirmed("sale"),
                company=company.id,
                midnight=utc_midnight(since, company._kpi_tz()),
                since=since,
                today=local_day(now, company._kpi_tz()),
                now=now,
            )
        )
    return SQL(" UNION ").join(parts) if parts else None
