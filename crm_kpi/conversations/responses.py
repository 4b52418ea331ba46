# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Origin and first response of records, from their interactions."""

from typing import NamedTuple

from odoo import SUPERUSER_ID
from odoo.tools import SQL

from ..sql import select_list, with_queries
from . import working_hours
from .customers import Customer, customer_columns, is_customer

#: Fields of a record that :func:`responses` computes.
COLUMNS = (
    "kpi_origin",
    "kpi_response_start",
    "kpi_first_response_date",
    "kpi_first_response_user_id",
    "kpi_first_response_hours",
    "kpi_first_response_hours_bh",
    "kpi_response_due",
    "kpi_response_in_target",
    "kpi_response_waiting",
    "kpi_response_user_id",
)
#: The one that :func:`with_working_hours` fills in.
HOURS = "kpi_first_response_hours_bh"


class Records(NamedTuple):
    """The records to derive. Expressions are over the record ``r``."""

    model: str
    table: str
    ids: list
    company: SQL
    customer: Customer
    #: the responsible user
    owner: SQL
    is_open: SQL
    #: hours within which the first response is due, over the company ``x``
    target_hours: SQL
    #: the same for records without a company
    default_hours: float
    #: queries ``(id, date, user_id)`` of events, other than messages, that count as a response
    other_responses: list


def responses(records):
    """Query with ``id`` and :data:`COLUMNS` of the records.

    Working hours that were computed for the same two instants are kept, even if the calendar has
    changed since; others are left empty for :func:`with_working_hours`.
    """
    return with_queries(
        {
            "interaction": interactions(records),
            "answer": answers(records),
            "first_message": first_messages(),
            "origin": origins(records),
            "response": first_responses(),
        },
        SQL(
            """
            SELECT r.id,
                   CASE WHEN o.start IS NOT NULL THEN 'inbound' ELSE 'outbound' END AS kpi_origin,
                   o.start AS kpi_response_start,
                   first.date AS kpi_first_response_date,
                   first.user_id AS kpi_first_response_user_id,
                   first.hours AS kpi_first_response_hours,
                   CASE WHEN first.date = r.kpi_first_response_date
                         AND first.hours = r.kpi_first_response_hours
                        THEN r.kpi_first_response_hours_bh END AS kpi_first_response_hours_bh,
                   due.date AS kpi_response_due,
                   COALESCE(first.date <= due.date, FALSE) AS kpi_response_in_target,
                   COALESCE(o.start IS NOT NULL AND first.date IS NULL AND (%(is_open)s), FALSE)
                        AS kpi_response_waiting,
                   -- an answer without an author does not count for the present owner
                   CASE WHEN first.date IS NOT NULL THEN first.user_id
                        WHEN o.start IS NOT NULL THEN %(owner)s END AS kpi_response_user_id
              FROM %(table)s AS r
              JOIN origin o ON o.id = r.id
         LEFT JOIN res_company x ON x.id = %(company)s
         LEFT JOIN response ON response.id = r.id
        CROSS JOIN LATERAL (
                    SELECT response.date, response.user_id,
                           CASE WHEN response.date IS NOT NULL
                                THEN GREATEST(EXTRACT(EPOCH FROM response.date - o.start),
                                              0)::float8 / 3600 END AS hours
                   ) first
        CROSS JOIN LATERAL (
                    -- a changed target applies to new records only
                    SELECT o.start + COALESCE(r.kpi_response_due - r.kpi_response_start,
                                              COALESCE(%(target)s, %(default)s)
                                              * interval '1 hour') AS date
                   ) due
             WHERE r.id = ANY(%(ids)s)
            """,
            is_open=records.is_open,
            owner=records.owner,
            table=SQL.identifier(records.table),
            company=records.company,
            target=records.target_hours,
            default=records.default_hours,
            ids=list(records.ids),
        ),
    )


def spans_without_hours(query, table, calendar):
    """Where working hours are missing: ``calendar_id``, ``first``, ``last`` (instants).

    :param SQL query: from :func:`responses`
    :param SQL table: table of the records
    :param SQL calendar: id of the calendar of the record ``r``
    """
    return SQL(
        """
        SELECT %(calendar)s AS calendar_id, min(s.kpi_response_start) AS first,
               max(s.kpi_first_response_date) AS last
          FROM (%(query)s) AS s
          JOIN %(table)s AS r ON r.id = s.id
         WHERE s.kpi_first_response_date IS NOT NULL AND s.kpi_first_response_hours_bh IS NULL
      GROUP BY 1
        """,
        calendar=calendar,
        query=query,
        table=table,
    )


def with_working_hours(query, table, calendar, intervals):
    """The query of :func:`responses` with the working hours that it left empty.

    Without a calendar, hours count round the clock.

    :param intervals: dict of calendar id to its :class:`.working_hours.WorkIntervals`
    """
    start, stop = SQL("s.kpi_response_start"), SQL("s.kpi_first_response_date")
    return SQL(
        """
        SELECT s.id, %(columns)s,
               CASE WHEN s.kpi_first_response_hours_bh IS NOT NULL OR %(stop)s IS NULL
                    THEN s.kpi_first_response_hours_bh
                    WHEN owner.calendar_id IS NULL THEN %(clock)s
                    ELSE %(worked)s END AS kpi_first_response_hours_bh
          FROM (%(query)s) AS s
          JOIN %(table)s AS r ON r.id = s.id
    CROSS JOIN LATERAL (SELECT %(calendar)s AS calendar_id) owner
     LEFT JOIN (%(intervals)s) AS w ON w.calendar_id = owner.calendar_id
        """,
        columns=SQL(", ").join(
            SQL("s.%s", SQL.identifier(name)) for name in COLUMNS if name != HOURS
        ),
        start=start,
        stop=stop,
        clock=working_hours.clock_hours(start, stop),
        worked=working_hours.worked_hours(start, stop),
        query=query,
        table=table,
        calendar=calendar,
        intervals=working_hours.intervals_by_calendar(intervals),
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


def answers(records):
    """What can answer a record: ``id``, ``date``, ``user_id``, ``number``.

    At one instant, a message (with a number) is preferred to another event.
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
    return SQL(" UNION ALL ").join(candidates)


def first_messages():
    """First message of the customer and first answer: ``id``, ``incoming``, ``answered``."""
    return SQL(
        """
        SELECT id, min(incoming) AS incoming, min(answered) AS answered
          FROM (SELECT res_id AS id, date AS incoming, NULL::timestamp AS answered
                  FROM interaction WHERE direction = 'in'
             UNION ALL
                SELECT id, NULL, date FROM answer) event
      GROUP BY id
        """
    )


def origins(records):
    """Since when the customer waits for the first response: ``id``, ``start`` (NULL: outbound).

    A record that the system, a portal user, a visitor or its own customer created is a request:
    the customer waits since the creation. On a record of an employee, the customer waits since
    their first message, if nothing answered before it.
    """
    return SQL(
        """
        SELECT r.id,
               CASE WHEN r.create_uid IS NOT NULL
                     AND (creator.id = %(root)s OR creator.share OR %(is_customer)s)
                    THEN r.create_date
                    WHEN m.incoming <= COALESCE(m.answered, 'infinity'::timestamp)
                    THEN m.incoming END AS start
          FROM %(table)s AS r
     LEFT JOIN res_users creator ON creator.id = r.create_uid
     LEFT JOIN res_partner author ON author.id = creator.partner_id
    CROSS JOIN LATERAL (SELECT %(customer)s) customer
     LEFT JOIN first_message m ON m.id = r.id
         WHERE r.id = ANY(%(ids)s)
        """,
        root=SUPERUSER_ID,
        is_customer=is_customer("author", "customer"),
        customer=select_list(customer_columns(records.customer)),
        table=SQL.identifier(records.table),
        ids=list(records.ids),
    )


def first_responses():
    """First answer since the customer waits: ``id``, ``date``, ``user_id``.

    Messages are dated to the second and creations to the microsecond: the comparison is by
    the second.
    """
    return SQL(
        """
        SELECT DISTINCT ON (answer.id) answer.id, answer.date, answer.user_id
          FROM answer
          JOIN origin o ON o.id = answer.id
         WHERE answer.date >= date_trunc('second', o.start)
      ORDER BY answer.id, answer.date, answer.number NULLS LAST
        """
    )
