# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Origin and first response of records, from their interactions."""

from typing import NamedTuple

from odoo import SUPERUSER_ID
from odoo.tools import SQL

from ..sql import with_queries

#: Fields of a record that :func:`responses` computes.
COLUMNS = (
    "kpi_origin",
    "kpi_first_response_date",
    "kpi_first_response_user_id",
    "kpi_first_response_hours",
    "kpi_first_response_hours_bh",
    "kpi_response_due",
    "kpi_response_in_target",
    "kpi_response_waiting",
)


class Records(NamedTuple):
    """The records to derive. Expressions are over the record ``r``."""

    model: str
    table: str
    ids: list
    company: SQL
    is_open: SQL
    #: hours within which the first response is due, over the company ``x``
    target_hours: SQL
    #: the same for records without a company
    default_hours: float
    #: queries ``(id, date, user_id)`` of events that count as a response beside messages
    other_responses: list


def responses(records):
    """Query with ``id`` and :data:`COLUMNS` of the records.

    Working hours that were computed for the same two instants are kept, even if the calendar has
    changed since; others are left empty for :mod:`.working_hours`.
    """
    return with_queries(
        {
            "interaction": interactions(records),
            "first_message": first_messages(),
            "response": first_responses(records),
            "origin": origins(records),
        },
        SQL(
            """
            SELECT r.id,
                   CASE WHEN o.inbound THEN 'inbound' ELSE 'outbound' END AS kpi_origin,
                   first.date AS kpi_first_response_date,
                   first.user_id AS kpi_first_response_user_id,
                   first.hours AS kpi_first_response_hours,
                   CASE WHEN first.date = r.kpi_first_response_date
                         AND first.hours = r.kpi_first_response_hours
                        THEN r.kpi_first_response_hours_bh END AS kpi_first_response_hours_bh,
                   due.date AS kpi_response_due,
                   COALESCE(first.date <= due.date, FALSE) AS kpi_response_in_target,
                   COALESCE(o.inbound AND first.date IS NULL AND (%(is_open)s), FALSE)
                        AS kpi_response_waiting
              FROM %(table)s AS r
              JOIN origin o ON o.id = r.id
         LEFT JOIN res_company x ON x.id = %(company)s
         LEFT JOIN response ON response.id = r.id
        CROSS JOIN LATERAL (
                    SELECT CASE WHEN o.inbound THEN response.date END AS date,
                           CASE WHEN o.inbound THEN response.user_id END AS user_id,
                           CASE WHEN o.inbound AND response.date IS NOT NULL
                                THEN GREATEST(EXTRACT(EPOCH FROM response.date - r.create_date),
                                              0)::float8 / 3600 END AS hours
                   ) first
        CROSS JOIN LATERAL (
                    -- a changed target applies to new records only
                    SELECT CASE WHEN o.inbound
                                THEN COALESCE(r.kpi_response_due,
                                              r.create_date + COALESCE(%(target)s, %(default)s)
                                                              * interval '1 hour') END AS date
                   ) due
             WHERE r.id = ANY(%(ids)s)
            """,
            is_open=records.is_open,
            table=SQL.identifier(records.table),
            company=records.company,
            target=records.target_hours,
            default=records.default_hours,
            ids=list(records.ids),
        ),
    )


def interactions(records):
    """Stored interactions: ``res_id``, ``date``, ``direction``, ``user_id``, ``message_id``."""
    return SQL(
        """
        SELECT i.res_id, i.date, i.direction, i.user_id, i.message_id
          FROM crm_kpi_interaction i
         WHERE i.res_model = %s AND i.res_id = ANY(%s)
        """,
        records.model,
        list(records.ids),
    )


def first_messages():
    """First message of each side: ``res_id``, ``incoming``, ``outgoing``."""
    return SQL(
        """
        SELECT res_id,
               min(date) FILTER (WHERE direction = 'in') AS incoming,
               min(date) FILTER (WHERE direction <> 'in') AS outgoing
          FROM interaction
      GROUP BY res_id
        """
    )


def first_responses(records):
    """First response since the creation of each record: ``id``, ``date``, ``user_id``.

    Messages are dated to the second and creations to the microsecond: the comparison is by
    the second. At one instant, a message is preferred to another event.
    """
    candidates = [
        SQL(
            "SELECT res_id AS id, date, user_id, message_id AS number"
            " FROM interaction WHERE direction <> 'in'"
        ),
        *(
            SQL("SELECT c.id, c.date, c.user_id, NULL::int FROM (%s) AS c", query)
            for query in records.other_responses
        ),
    ]
    return SQL(
        """
        SELECT DISTINCT ON (c.id) c.id, c.date, c.user_id
          FROM (%(candidates)s) AS c
          JOIN %(table)s AS r ON r.id = c.id
         WHERE c.date >= date_trunc('second', r.create_date)
      ORDER BY c.id, c.date, c.number NULLS LAST
        """,
        candidates=SQL(" UNION ALL ").join(candidates),
        table=SQL.identifier(records.table),
    )


def origins(records):
    """Whether the customer began: ``id``, ``inbound``.

    The customer did when the record was made by the system, by a portal user or a visitor, or
    when the first message is theirs.
    """
    return SQL(
        """
        SELECT r.id,
               COALESCE(
                   r.create_uid IS NOT NULL AND (creator.id = %(root)s OR creator.share)
                   OR m.incoming <= COALESCE(m.outgoing, 'infinity'::timestamp),
                   FALSE) AS inbound
          FROM %(table)s AS r
     LEFT JOIN res_users creator ON creator.id = r.create_uid
     LEFT JOIN first_message m ON m.res_id = r.id
         WHERE r.id = ANY(%(ids)s)
        """,
        root=SUPERUSER_ID,
        table=SQL.identifier(records.table),
        ids=list(records.ids),
    )
