# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""From messages to interactions.

A message counts when a person wrote it to the other side, or the other side wrote it to us.
Notes, logs, tracking, robots, templates and automatic replies do not count.

* ``out``: an employee wrote, sent or called; a done activity of a kind that counts
* ``both``: a meeting
* ``in``: a mail, or a comment of a customer (portal) or guest. The customer of the record is on this
  side also with an internal login.
"""

from typing import NamedTuple

from odoo import SUPERUSER_ID
from odoo.tools import SQL

from ..sql import select_list, with_queries
from .customers import Customer, customer_columns, is_customer

#: Columns of an interaction that follow from the messages. Those that follow from the record
#: (company, customer, lead …) come with :class:`Records`.
COLUMNS = (
    "res_model",
    "res_id",
    "date",
    "day",
    "channel",
    "direction",
    "user_id",
    "is_request",
    "is_attempt",
    "is_turn",
    "reply_date",
    "reply_user_id",
    "reply_hours",
    "turn_user_id",
)
#: Message types that are never written by a person.
AUTOMATIC_TYPES = ("user_notification", "out_of_office", "auto_comment", "tracking")
#: Message types that only an employee sends.
SENT_TYPES = ("sms", "snailmail", "whatsapp_message")


def may_count(message_type, has_activity):
    """Whether a message may be an interaction, by what is known without its author.

    Most messages are logs and tracking: they are left out before anything is read of them.
    """
    return message_type not in AUTOMATIC_TYPES and (message_type != "notification" or has_activity)


def may_count_sql():
    """:func:`may_count` as a condition over the message ``m``."""
    return SQL(
        "m.message_type <> ALL(%s)"
        " AND (m.message_type <> 'notification' OR m.mail_activity_type_id IS NOT NULL)",
        list(AUTOMATIC_TYPES),
    )


class Records(NamedTuple):
    """The records whose messages are read. Conditions and values are over the record ``r``."""

    model: str
    table: str
    ids: list
    #: column of ``crm_kpi_interaction`` to its value
    values: dict
    customer: Customer
    #: the responsible user
    owner: SQL
    #: whether messages on the record can be interactions
    condition: SQL
    #: the instant from which the record was closed, infinity while it is open
    closed_from: SQL
    #: ids of the subtypes of messages that only say that the record was created
    creation_subtypes: list
    #: whether mails sent in mass from a list of records are written by the sender
    mass_mail_counts: bool


class Company(NamedTuple):
    """Settings of a company that decide how messages are read."""

    id: int
    time_zone: str
    #: regular expression for the subjects of automatic replies
    automatic_reply: str


class Messages(NamedTuple):
    """How messages are read, the same for all models. Expressions are over the message ``m``."""

    #: whether an app knows that the message does not count
    ignored: SQL
    date: SQL
    public_users: list
    companies: list


def interactions(records, messages):
    """Query of the interactions of records.

    Columns: ``message_id``, those of :data:`COLUMNS` and of ``records.values``.
    """
    return with_queries(
        {
            "staff": staff(),
            "robot": robots(messages.public_users),
            "company": company_settings(messages.companies),
            "record": records_read(records),
            "message": classified_messages(records, messages),
            "counted": counted_messages(),
        },
        interaction_rows(records),
        materialized={"record"},
    )


def staff():
    """Employees by contact: ``partner_id``, ``user_id``. Messages of archived ones count too."""
    return SQL(
        """
        SELECT DISTINCT ON (partner_id) partner_id, id AS user_id
          FROM res_users
         WHERE share IS NOT TRUE AND id <> %s
      ORDER BY partner_id, active DESC, id
        """,
        SUPERUSER_ID,
    )


def robots(public_users):
    """Contacts that write without a person: ``partner_id``."""
    return SQL(
        "SELECT partner_id FROM res_users WHERE id = %s OR id = ANY(%s::int[])",
        SUPERUSER_ID,
        public_users,
    )


def company_settings(companies):
    """``company_id``, ``time_zone``, ``automatic_reply``."""
    return SQL(
        """
        SELECT unnest(%s::int[]) AS company_id, unnest(%s::text[]) AS time_zone,
               unnest(%s::text[]) AS automatic_reply
        """,
        [company.id for company in companies],
        [company.time_zone for company in companies],
        [company.automatic_reply for company in companies],
    )


def records_read(records):
    """The records: ``record_id``, ``record_create_date``, ``closed_from``, ``owner_id``, those of
    :func:`~.customers.customer_columns` and their values.
    """
    return SQL(
        """
        SELECT r.id AS record_id, r.create_date AS record_create_date,
               %(closed_from)s AS closed_from, %(owner)s AS owner_id, %(customer)s, %(values)s
          FROM %(table)s AS r
         WHERE r.id = ANY(%(ids)s) AND %(condition)s
        """,
        closed_from=records.closed_from,
        owner=records.owner,
        customer=select_list(customer_columns(records.customer)),
        values=select_list(records.values),
        table=SQL.identifier(records.table),
        ids=list(records.ids),
        condition=records.condition,
    )


def classified_messages(records, messages):
    """All messages on the records, with direction (NULL: does not count) and channel.

    Columns: ``message_id``, ``res_id``, ``create_date``, ``subject``, ``user_id`` (the
    employee on our side), ``date``, ``direction``, ``channel``, ``is_creation``. A mail that the
    sender dated more than a day after its arrival is dated by the arrival.
    """
    return SQL(
        """
        SELECT m.id AS message_id, m.res_id, m.create_date, m.subject,
               CASE WHEN NOT side.is_customer THEN staff.user_id END AS user_id,
               CASE WHEN m.message_type = 'email' AND m.date > m.create_date + interval '1 day'
                    THEN m.create_date
                    ELSE %(date)s END AS date,
               %(direction)s AS direction,
               %(channel)s AS channel,
               m.subtype_id = ANY(%(creation)s::int[]) AS is_creation
          FROM mail_message m
          JOIN record ON record.record_id = m.res_id
     LEFT JOIN mail_message_subtype subtype ON subtype.id = m.subtype_id
     LEFT JOIN mail_activity_type activity ON activity.id = m.mail_activity_type_id
     LEFT JOIN staff ON staff.partner_id = m.author_id
     LEFT JOIN robot ON robot.partner_id = m.author_id
     LEFT JOIN res_partner author ON author.id = staff.partner_id
    CROSS JOIN LATERAL (SELECT %(is_customer)s AS is_customer) side
         WHERE m.model = %(model)s AND m.res_id = ANY(%(ids)s)
        """,
        date=messages.date,
        direction=direction(records, messages),
        channel=channel(),
        creation=records.creation_subtypes,
        is_customer=is_customer("author", "record"),
        model=records.model,
        ids=list(records.ids),
    )


def direction(records, messages):
    """``out``, ``in``, ``both`` or NULL for the message ``m``, its author and activity type.

    An employee who is the customer of the record can log notes on it: these are no messages.
    """
    return SQL(
        """
        CASE WHEN m.message_type = ANY(%(automatic)s)
               OR robot.partner_id IS NOT NULL
               OR %(ignored)s
             THEN NULL
             WHEN side.is_customer AND m.message_type = 'comment'
              AND (m.subtype_id IS NULL OR subtype.internal OR m.is_internal)
             THEN NULL
             WHEN staff.partner_id IS NOT NULL AND NOT side.is_customer
             THEN CASE WHEN activity.kpi_touch IS NOT NULL THEN 'out'
                       WHEN m.mail_activity_type_id IS NOT NULL
                       THEN CASE activity.category WHEN 'phonecall' THEN 'out'
                                                   WHEN 'meeting' THEN 'both' END
                       WHEN m.message_type = ANY(%(sent)s) THEN 'out'
                       WHEN m.message_type = 'email_outgoing' AND %(mass_mail_counts)s THEN 'out'
                       WHEN m.message_type IN ('comment', 'email')
                        AND m.subtype_id IS NOT NULL
                        AND subtype.internal IS NOT TRUE
                        AND m.is_internal IS NOT TRUE
                        AND m.subtype_id <> ALL(%(creation)s::int[])
                       THEN 'out' END
             WHEN m.message_type = 'email'
               OR m.message_type = 'comment'
                  AND (m.author_id IS NOT NULL OR m.author_guest_id IS NOT NULL)
             THEN 'in' END
        """,
        automatic=list(AUTOMATIC_TYPES),
        ignored=messages.ignored,
        sent=list(SENT_TYPES),
        mass_mail_counts=records.mass_mail_counts,
        creation=records.creation_subtypes,
    )


def channel():
    """Channel of the message ``m`` and its activity type."""
    return SQL(
        """
        CASE WHEN activity.kpi_touch IS NOT NULL THEN activity.kpi_touch
             WHEN m.mail_activity_type_id IS NOT NULL AND activity.category = 'phonecall'
             THEN 'call'
             WHEN m.mail_activity_type_id IS NOT NULL AND activity.category = 'meeting'
             THEN 'meeting'
             WHEN m.message_type = 'sms' THEN 'sms'
             WHEN m.message_type = 'snailmail' THEN 'letter'
             WHEN m.message_type = 'whatsapp_message' THEN 'whatsapp'
             ELSE 'email' END
        """
    )


def counted_messages():
    """Messages that count, in their order on the record.

    Columns: those of ``message`` and ``record``, and

    * ``day``: in the time zone of the company
    * ``may_be_attempt``: outgoing, before the record was closed
    * ``outgoing_so_far``: number of messages of ours until and with this one
    * ``previous_direction``, ``number_in_direction``
    """
    return SQL(
        """
        SELECT message.*, record.*,
               (message.date AT TIME ZONE 'UTC'
                AT TIME ZONE COALESCE(company.time_zone, 'UTC'))::date AS day,
               message.direction = 'out' AND message.date < record.closed_from
                   AS may_be_attempt,
               count(*) FILTER (WHERE message.direction <> 'in')
                   OVER on_record AS outgoing_so_far,
               lag(message.direction) OVER on_record AS previous_direction,
               row_number() OVER (PARTITION BY message.res_id, message.direction
                                  ORDER BY message.date, message.message_id)
                   AS number_in_direction
          FROM message
          JOIN record ON record.record_id = message.res_id
     LEFT JOIN company ON company.company_id = record.company_id
         WHERE message.direction IS NOT NULL
           AND (message.direction = 'in'
                AND message.subject ~* company.automatic_reply) IS NOT TRUE
        WINDOW on_record AS (PARTITION BY message.res_id
                             ORDER BY message.date, message.message_id)
        """
    )


def interaction_rows(records):
    """The interactions, each turn of the customer with its answer.

    Columns: ``message_id``, those of :data:`COLUMNS` and of ``records.values``.
    """
    return SQL(
        """
        SELECT c.message_id, %(model)s AS res_model, c.res_id, c.date, c.day, c.channel,
               c.direction, c.user_id,
               c.direction = 'in' AND c.number_in_direction = 1
                   AND (COALESCE(c.is_creation, FALSE)
                        OR c.create_date <= c.record_create_date
                        OR c.date <= c.record_create_date) AS is_request,
               c.may_be_attempt
                   AND row_number() OVER (
                           PARTITION BY c.res_id, c.day, c.channel, c.may_be_attempt
                           ORDER BY c.date, c.message_id) = 1 AS is_attempt,
               turn.is_turn,
               reply.date AS reply_date,
               reply.user_id AS reply_user_id,
               EXTRACT(EPOCH FROM reply.date - c.date)::float8 / 3600 AS reply_hours,
               CASE WHEN reply.date IS NOT NULL THEN reply.user_id
                    WHEN turn.is_turn THEN c.owner_id END AS turn_user_id,
               %(values)s
          FROM counted c
    CROSS JOIN LATERAL (
               SELECT c.direction = 'in' AND c.previous_direction IS DISTINCT FROM 'in'
                      AS is_turn) turn
     LEFT JOIN counted reply
            ON turn.is_turn AND reply.res_id = c.res_id
           AND reply.direction <> 'in' AND reply.outgoing_so_far = c.outgoing_so_far + 1
        """,
        model=records.model,
        values=SQL(", ").join(SQL("c.%s", SQL.identifier(name)) for name in records.values),
    )


def store_interactions(records, query):
    """Statement that makes the stored interactions of records equal to a query.

    Rows that the query does not have are deleted, new ones inserted, changed ones updated.
    Equal rows are not touched. The customers of the others, before and after, are marked.
    It returns the number of changes. No user is written: a check of two more foreign keys would
    cost a tenth of the time.
    """
    names = [SQL.identifier(name) for name in (*COLUMNS, *records.values)]
    return SQL(
        """
        WITH expected AS MATERIALIZED (%(query)s),
        stored AS MATERIALIZED (
            SELECT * FROM crm_kpi_interaction
             WHERE res_model = %(model)s AND res_id = ANY(%(ids)s)
        ),
        -- PostgreSQL has no nested loop for a full join: it is quick without statistics, too
        difference AS MATERIALIZED (
            SELECT expected.*, stored.id AS stored_id, stored.partner_id AS partner_before
              FROM expected FULL JOIN stored ON stored.message_id = expected.message_id
             WHERE ROW(%(expected)s) IS DISTINCT FROM ROW(%(stored)s)
        ),
        deleted AS (
            DELETE FROM crm_kpi_interaction
             WHERE id = ANY(ARRAY(SELECT stored_id FROM difference WHERE message_id IS NULL))
        ),
        written AS (
            INSERT INTO crm_kpi_interaction
                        (message_id, %(columns)s, create_date, write_date)
                 SELECT message_id, %(columns)s,
                        clock_timestamp() AT TIME ZONE 'UTC',
                        clock_timestamp() AT TIME ZONE 'UTC'
                   FROM difference
                  WHERE message_id IS NOT NULL
            ON CONFLICT (message_id) DO UPDATE
                    SET (%(columns)s, write_date) = ROW(%(new)s, excluded.write_date)
        ),
        marked AS (
            INSERT INTO crm_kpi_dirty (res_model, res_id)
                 SELECT 'crm.kpi.customer', partner_before FROM difference
                  WHERE partner_before IS NOT NULL
                  UNION
                 SELECT 'crm.kpi.customer', partner_id FROM difference
                  WHERE partner_id IS NOT NULL
        )
        SELECT count(*) FROM difference
        """,
        query=query,
        model=records.model,
        ids=list(records.ids),
        columns=SQL(", ").join(names),
        expected=SQL(", ").join(SQL("expected.%s", name) for name in names),
        stored=SQL(", ").join(SQL("stored.%s", name) for name in names),
        new=SQL(", ").join(SQL("excluded.%s", name) for name in names),
    )
