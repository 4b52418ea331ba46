# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Facts of the traces of mailings: one SQL builder per CTE."""

from odoo import SUPERUSER_ID
from odoo.tools import SQL

from odoo.addons.crm_kpi.conversations.addresses import bare_address
from odoo.addons.crm_kpi.sql import with_queries

#: Seconds within which a click is not a response, for mailings whose company is unknown.
DEFAULT_CLICK_SECONDS = 10
#: Fields of a trace that :func:`facts` computes.
COLUMNS = (
    "kpi_email",
    "kpi_delivered",
    "kpi_responded",
    "kpi_user_id",
    "kpi_team_id",
    "kpi_partner_id",
    "kpi_company_id",
)


def facts(ids, recipients):
    """Query with ``id`` and :data:`COLUMNS` of the traces ``ids``, empty until they are sent.

    :param SQL recipients: query ``(id, partner_id)`` of traces whose record has a contact
    """
    return with_queries(
        {
            "sent": sent_traces(ids),
            "recipient": recipients,
            "known": known_contacts(),
            "owned": owned_traces(),
        },
        fact_rows(ids),
    )


def sent_traces(ids):
    """Traces that were sent: ``id``, ``email``."""
    return SQL(
        "SELECT id, %s AS email FROM mailing_trace WHERE id = ANY(%s) AND sent_datetime IS NOT NULL",
        bare_address(SQL("email")),
        list(ids),
    )


def known_contacts():
    """Contacts with the addresses: ``email``, ``id``. The oldest active one of an address."""
    return SQL(
        """
        SELECT DISTINCT ON (p.email_normalized) p.email_normalized AS email, p.id
          FROM res_partner p
         WHERE p.email_normalized IN (SELECT email FROM sent)
      ORDER BY p.email_normalized, p.active DESC, p.id
        """
    )


def owned_traces():
    """Sender and recipient: ``id``, ``user_id``, ``team_id``, ``company_id``, ``partner_id``.

    The sender and their team are kept once they are known. Team and company stay when the sender
    is deleted later. Mailings of OdooBot are not credited to anyone.
    """
    return SQL(
        """
        SELECT t.id,
               COALESCE(t.kpi_user_id, u.id) AS user_id,
               CASE WHEN t.kpi_user_id IS NULL AND u.id IS NOT NULL THEN u.sale_team_id
                    ELSE t.kpi_team_id END AS team_id,
               CASE WHEN t.kpi_user_id IS NULL AND u.id IS NOT NULL THEN u.company_id
                    ELSE t.kpi_company_id END AS company_id,
               COALESCE(recipient.partner_id, known.id) AS partner_id
          FROM mailing_trace t
          JOIN sent ON sent.id = t.id
     LEFT JOIN mailing_mailing m ON m.id = t.mass_mailing_id
     LEFT JOIN res_users u ON u.id = NULLIF(m.user_id, %s)
     LEFT JOIN recipient ON recipient.id = t.id
     LEFT JOIN known ON known.email = sent.email
        """,
        SUPERUSER_ID,
    )


def fact_rows(ids):
    """``id`` and :data:`COLUMNS`. An SMS counts as delivered until its report arrives."""
    return SQL(
        """
        SELECT t.id,
               sent.email AS kpi_email,
               d.delivered AS kpi_delivered,
               CASE WHEN d.delivered THEN COALESCE(
                   t.trace_status = 'reply' OR t.reply_datetime IS NOT NULL
                   OR t.links_click_datetime >= t.sent_datetime
                      + COALESCE(c.kpi_click_seconds, %(seconds)s) * interval '1 second',
                   FALSE) ELSE d.delivered END AS kpi_responded,
               o.user_id AS kpi_user_id,
               o.team_id AS kpi_team_id,
               o.partner_id AS kpi_partner_id,
               COALESCE(o.company_id, p.company_id) AS kpi_company_id
          FROM mailing_trace t
     LEFT JOIN sent ON sent.id = t.id
     LEFT JOIN owned o ON o.id = t.id
     LEFT JOIN res_partner p ON p.id = o.partner_id
     LEFT JOIN res_company c ON c.id = COALESCE(o.company_id, p.company_id)
    CROSS JOIN LATERAL (
               SELECT CASE WHEN sent.id IS NOT NULL THEN
                      t.trace_status IN ('sent', 'open', 'reply')
                      OR t.trace_status = 'pending' AND t.trace_type = 'sms' END
               ) AS d (delivered)
         WHERE t.id = ANY(%(ids)s)
        """,
        seconds=DEFAULT_CLICK_SECONDS,
        ids=list(ids),
    )
