# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Prospecting: replies, meetings and next steps of leads, stalled leads, duplicates."""

from datetime import timedelta

from odoo.tools import SQL

from ..sql import with_queries

#: Days after which an opportunity is stalled, where its stage defines none.
STALL_DAYS = 30
#: A lead with the same address that comes after more days is a new request.
DUPLICATE_DAYS = 180
#: Leads whose company is not known: attempts without a reply, and days after the last one.
DEFAULT_ATTEMPTS = 5
DEFAULT_GRACE_DAYS = 2
#: Fields of a lead that :func:`prospecting` computes.
PROSPECTING_FIELDS = (
    "kpi_days_to_action",
    "kpi_days_to_reply",
    "kpi_days_to_meeting",
    "kpi_stall_date",
    "kpi_next_step_date",
)
#: Fields of a lead with the same value of which make two leads duplicates.
DUPLICATE_KEYS = ("email_normalized", "phone_sanitized")

#: Condition that the lead ``r`` is open.
OPEN_LEAD = SQL("r.active AND r.won_status = 'pending'")


# ----------------------------------------------------------------------
# unresponsive leads
# ----------------------------------------------------------------------
def unresponsive(now, attempt="r"):
    """Condition on the lead ``r`` and its company ``x``: unresponsive at ``now``.

    :param str attempt: row with the attempts of the lead, by default the lead itself
    """
    return SQL(
        """
        COALESCE(%(open)s
             AND %(attempts)s >= COALESCE(x.kpi_unresponsive_attempts, %(fewest)s)
             AND %(last)s <= %(now)s
                 - COALESCE(x.kpi_unresponsive_grace_days, %(grace)s) * interval '1 day', FALSE)
        """,
        open=OPEN_LEAD,
        attempts=SQL.identifier(attempt, "kpi_attempts_since_reply"),
        last=SQL.identifier(attempt, "kpi_last_attempt_date"),
        fewest=DEFAULT_ATTEMPTS,
        now=now,
        grace=DEFAULT_GRACE_DAYS,
    )


def unresponsive_leads(ids, company, now):
    """``id`` and ``kpi_unresponsive`` of the leads ``ids``, by the query ``attempt``.

    :param SQL company: id of the company of the lead ``r``
    """
    return SQL(
        """
        SELECT r.id, %s AS kpi_unresponsive
          FROM crm_lead r
          JOIN attempt ON attempt.id = r.id
     LEFT JOIN res_company x ON x.id = %s
         WHERE r.id = ANY(%s)
        """,
        unresponsive(now, "attempt"),
        company,
        list(ids),
    )


def fewest_attempts():
    """The fewest attempts after which a company calls a lead unresponsive (one row)."""
    return SQL(
        "SELECT LEAST(min(kpi_unresponsive_attempts), %s) FROM res_company", DEFAULT_ATTEMPTS
    )


def changed_unresponsive_leads(company, now, fewest):
    """``id`` of the leads that became unresponsive, or are not any more, as time passed.

    :param SQL company: id of the company of the lead ``r``
    :param int fewest: from :func:`fewest_attempts`, as a value so that the index is used
    """
    return SQL(
        """
        SELECT r.id
          FROM crm_lead r LEFT JOIN res_company x ON x.id = %(company)s
         WHERE r.active AND r.won_status = 'pending'
           AND r.kpi_attempts_since_reply >= %(fewest)s
           AND r.kpi_unresponsive IS NOT TRUE AND %(condition)s
     UNION
        SELECT r.id
          FROM crm_lead r LEFT JOIN res_company x ON x.id = %(company)s
         WHERE r.kpi_unresponsive AND NOT %(condition)s
        """,
        company=company,
        fewest=fewest,
        condition=unresponsive(now),
    )


# ----------------------------------------------------------------------
# replies, meetings, next steps
# ----------------------------------------------------------------------
def prospecting(ids):
    """``id`` and :data:`PROSPECTING_FIELDS` of the leads ``ids``, by the query ``attempt``."""

    def days(column):
        return SQL(
            "EXTRACT(EPOCH FROM %s - attempt.kpi_first_attempt_date)::float8 / 86400", column
        )

    return with_queries(
        {
            "reply": replies(ids),
            "meeting": planned_meetings(ids),
            "activity": planned_activities(ids),
        },
        SQL(
            """
            SELECT r.id,
                   %(action)s AS kpi_days_to_action,
                   %(reply)s AS kpi_days_to_reply,
                   %(meeting)s AS kpi_days_to_meeting,
                   CASE WHEN %(open)s
                        THEN COALESCE(r.date_last_stage_update, r.create_date)
                             + COALESCE(NULLIF(stage.rotting_threshold_days, 0), %(stall)s)
                               * interval '1 day' END AS kpi_stall_date,
                   activity.last_deadline AS kpi_next_step_date
              FROM crm_lead r
              JOIN attempt ON attempt.id = r.id
         LEFT JOIN crm_stage stage ON stage.id = r.stage_id
         LEFT JOIN reply ON reply.id = r.id
         LEFT JOIN meeting ON meeting.id = r.id
         LEFT JOIN activity ON activity.id = r.id
             WHERE r.id = ANY(%(ids)s)
            """,
            ids=list(ids),
            open=OPEN_LEAD,
            stall=STALL_DAYS,
            action=days(SQL("attempt.kpi_first_action_date")),
            reply=days(SQL("reply.first_reply")),
            meeting=days(SQL("LEAST(reply.first_meeting, meeting.first_start)")),
        ),
    )


def replies(ids):
    """After the first attempt: ``id``, ``first_reply``, ``first_meeting`` (that was held)."""
    return SQL(
        """
        SELECT attempt.id,
               min(i.date) FILTER (WHERE i.date > attempt.kpi_first_attempt_date) AS first_reply,
               min(i.date) FILTER (WHERE i.channel = 'meeting') AS first_meeting
          FROM attempt
          JOIN crm_kpi_interaction i
            ON i.lead_id = attempt.id AND i.res_model = 'crm.lead'
           AND i.direction <> 'out' AND i.date >= attempt.kpi_first_attempt_date
         WHERE i.lead_id = ANY(%s)
      GROUP BY attempt.id
        """,
        list(ids),
    )


def planned_meetings(ids):
    """Meetings in the calendar after the first attempt: ``id``, ``first_start``."""
    return SQL(
        """
        SELECT attempt.id, min(event.start) AS first_start
          FROM attempt
          JOIN calendar_event event
            ON event.opportunity_id = attempt.id AND event.active
           AND event.start >= attempt.kpi_first_attempt_date
         WHERE event.opportunity_id = ANY(%s)
      GROUP BY attempt.id
        """,
        list(ids),
    )


def planned_activities(ids):
    """Open activities: ``id``, ``last_deadline``."""
    return SQL(
        """
        SELECT a.res_id AS id, max(a.date_deadline) AS last_deadline
          FROM mail_activity a
         WHERE a.res_model = 'crm.lead' AND a.res_id = ANY(%s) AND a.active
      GROUP BY a.res_id
        """,
        list(ids),
    )


# ----------------------------------------------------------------------
# duplicates
# ----------------------------------------------------------------------
def duplicates(ids):
    """``id`` and ``kpi_duplicate_of_id`` of the leads ``ids`` and of the leads that may be a
    duplicate of them."""
    return with_queries(
        {"touched": touched_leads(ids)},
        SQL(
            """
            SELECT r.id, original.id AS kpi_duplicate_of_id
              FROM touched
              JOIN crm_lead r ON r.id = touched.id
         LEFT JOIN LATERAL (
                       SELECT earlier.id
                         FROM (%s) AS earlier
                     ORDER BY earlier.create_date DESC, earlier.id DESC
                        LIMIT 1
                   ) original ON TRUE
            """,
            SQL(" UNION ALL ").join(earlier_lead(key) for key in DUPLICATE_KEYS),
        ),
    )


def touched_leads(ids):
    """``id`` of the leads whose original may have changed."""
    return SQL(
        """
        SELECT unnest(%(ids)s) AS id
         UNION
        SELECT id FROM crm_lead WHERE kpi_duplicate_of_id = ANY(%(ids)s)
         UNION
        %(later)s
        """,
        ids=list(ids),
        later=SQL(" UNION ").join(later_leads(key, ids) for key in DUPLICATE_KEYS),
    )


def later_leads(key, ids):
    """``id`` of the leads with the same address as one of ``ids``, up to the span after it.

    One range per address: thousands of leads with one address cost no more than as many leads
    with different addresses.
    """
    return SQL(
        """
        SELECT r.id
          FROM (SELECT %(key)s AS address, min(create_date) AS first, max(create_date) AS last
                  FROM crm_lead
                 WHERE id = ANY(%(ids)s) AND %(key)s IS NOT NULL
              GROUP BY 1) AS same
          JOIN crm_lead r
            ON r.%(key)s = same.address
           AND r.create_date BETWEEN same.first AND same.last + %(span)s
        """,
        key=SQL.identifier(key),
        ids=list(ids),
        span=timedelta(days=DUPLICATE_DAYS),
    )


def earlier_lead(key):
    """``id`` and ``create_date`` of the last lead before the lead ``r`` with its address."""
    return SQL(
        """
        (SELECT e.id, e.create_date
           FROM crm_lead e
          WHERE e.%(key)s = r.%(key)s
            AND (e.create_date, e.id) < (r.create_date, r.id)
            AND e.create_date >= r.create_date - %(span)s
            AND e.won_status IS DISTINCT FROM 'won'
            AND COALESCE(e.company_id = r.company_id, TRUE)
       ORDER BY e.create_date DESC, e.id DESC
          LIMIT 1)
        """,
        key=SQL.identifier(key),
        span=timedelta(days=DUPLICATE_DAYS),
    )
