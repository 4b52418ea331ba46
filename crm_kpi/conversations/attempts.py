# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Attempts to reach the prospect of a lead, their replies and first action.

An attempt is a day and channel with an outgoing message on the lead: three mails on one day
are one attempt, a mail and a call are two. A reply is an incoming message, a meeting, or a
signed quotation.
"""

from odoo.tools import SQL

from ..sql import with_queries

#: Fields of a lead that :func:`attempts` computes.
COLUMNS = (
    "kpi_first_attempt_date",
    "kpi_first_attempt_user_id",
    "kpi_last_attempt_date",
    "kpi_first_reply_date",
    "kpi_last_reply_date",
    "kpi_last_interaction_date",
    "kpi_attempt_count",
    "kpi_attempts_since_reply",
    "kpi_first_action_date",
)


def attempts(ids):
    """Query with ``id`` and :data:`COLUMNS` of the leads ``ids``."""
    return with_queries(
        {
            "interaction": lead_interactions(ids),
            "first_attempt": first_attempts(),
            "exchange": exchanges(),
            "orders": lead_orders(ids),
            "tries": counted_attempts(),
        },
        SQL(
            """
            SELECT r.id,
                   first_attempt.date AS kpi_first_attempt_date,
                   first_attempt.user_id AS kpi_first_attempt_user_id,
                   exchange.last_attempt AS kpi_last_attempt_date,
                   LEAST(exchange.first_reply, orders.first_signed) AS kpi_first_reply_date,
                   GREATEST(exchange.last_reply, orders.last_signed) AS kpi_last_reply_date,
                   exchange.last AS kpi_last_interaction_date,
                   COALESCE(tries.total, 0) AS kpi_attempt_count,
                   COALESCE(tries.since_reply, 0) AS kpi_attempts_since_reply,
                   LEAST(tries.reply, orders.ordered,
                         CASE WHEN r.date_conversion > first_attempt.date
                              THEN r.date_conversion END,
                         CASE WHEN r.won_status = 'won' AND r.kpi_won_date > first_attempt.date
                              THEN r.kpi_won_date END) AS kpi_first_action_date
              FROM crm_lead AS r
         LEFT JOIN first_attempt ON first_attempt.lead_id = r.id
         LEFT JOIN exchange ON exchange.lead_id = r.id
         LEFT JOIN orders ON orders.lead_id = r.id
         LEFT JOIN tries ON tries.lead_id = r.id
             WHERE r.id = ANY(%s)
            """,
            list(ids),
        ),
    )


def lead_interactions(ids):
    """Interactions on leads (``on_lead``) and on their orders.

    Columns: ``lead_id``, ``on_lead``, ``message_id``, ``date``, ``day``, ``channel``,
    ``direction``, ``user_id``.
    """
    return SQL(
        """
        SELECT i.lead_id, i.res_model = 'crm.lead' AS on_lead, i.message_id, i.date, i.day,
               i.channel, i.direction, i.user_id
          FROM crm_kpi_interaction i
         WHERE i.lead_id = ANY(%s)
        """,
        list(ids),
    )


def first_attempts():
    """First message of ours on each lead: ``lead_id``, ``date``, ``user_id``."""
    return SQL(
        """
        SELECT DISTINCT ON (lead_id) lead_id, date, user_id
          FROM interaction
         WHERE on_lead AND direction <> 'in'
      ORDER BY lead_id, date, message_id
        """
    )


def exchanges():
    """``lead_id``, ``last`` (also on orders), ``last_attempt``, ``first_reply``, ``last_reply``."""
    return SQL(
        """
        SELECT lead_id,
               max(date) AS last,
               max(date) FILTER (WHERE on_lead AND direction = 'out') AS last_attempt,
               min(date) FILTER (WHERE on_lead AND direction <> 'out') AS first_reply,
               max(date) FILTER (WHERE on_lead AND direction <> 'out') AS last_reply
          FROM interaction
      GROUP BY lead_id
        """
    )


def lead_orders(ids):
    """``lead_id``, ``first_signed``, ``last_signed``, ``ordered`` (after the first attempt)."""
    return SQL(
        """
        SELECT o.opportunity_id AS lead_id,
               min(o.signed_on) AS first_signed,
               max(o.signed_on) AS last_signed,
               min(o.create_date) FILTER (WHERE o.create_date > first_attempt.date) AS ordered
          FROM sale_order o
     LEFT JOIN first_attempt ON first_attempt.lead_id = o.opportunity_id
         WHERE o.opportunity_id = ANY(%s)
      GROUP BY o.opportunity_id
        """,
        list(ids),
    )


def counted_attempts():
    """``lead_id``, ``total``, ``since_reply``, ``reply`` (the first after the first attempt)."""
    return SQL(
        """
        SELECT i.lead_id,
               count(DISTINCT (i.day, i.channel)) FILTER (WHERE i.direction = 'out') AS total,
               count(DISTINCT (i.day, i.channel)) FILTER (
                   WHERE i.direction = 'out'
                     AND COALESCE(i.date > GREATEST(exchange.last_reply, orders.last_signed),
                                  TRUE)) AS since_reply,
               min(i.date) FILTER (WHERE i.direction <> 'out' AND i.date > first_attempt.date)
                   AS reply
          FROM interaction i
          JOIN exchange ON exchange.lead_id = i.lead_id
     LEFT JOIN orders ON orders.lead_id = i.lead_id
     LEFT JOIN first_attempt ON first_attempt.lead_id = i.lead_id
         WHERE i.on_lead
      GROUP BY i.lead_id
        """
    )
