# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What is derived of tickets: solution, re-opening, effort, first contact resolution."""

from odoo.tools import SQL

from odoo.addons.crm_kpi.stamps import TOLERANCE

from .repeats import REPEAT_DAYS, repeats

#: A re-opening counts when it happens within N days after the first closing.
REOPEN_DAYS = 14
#: Fields that :func:`resolutions` computes.
RESOLUTION_COLUMNS = (
    "kpi_is_resolved",
    "kpi_resolution_hours",
    "kpi_resolution_hours_bh",
    "kpi_resolution_net_hours",
    "kpi_first_closing_hours",
    "kpi_reopened_14d",
    "kpi_customer_msg_count",
    "kpi_agent_msg_count",
    "kpi_effort_touches",
)


def stage_flag(name):
    """A boolean of the stage of the ticket ``r``."""
    return SQL(
        "COALESCE((SELECT s.%s FROM helpdesk_ticket_stage s WHERE s.id = r.stage_id), FALSE)",
        SQL.identifier(name),
    )


def is_open():
    """Condition over the ticket ``r``."""
    return SQL("r.active AND NOT %s", stage_flag("closed"))


def solutions(ids):
    """Query ``(id, date, user_id)`` of the first solutions: a solution answers a ticket."""
    return SQL(
        """
        SELECT r.id, r.kpi_first_resolved_date AS date, r.kpi_first_resolved_user_id AS user_id
          FROM helpdesk_ticket r
         WHERE r.id = ANY(%s) AND r.kpi_first_resolved_date IS NOT NULL
        """,
        list(ids),
    )


def resolutions(ids):
    """Query with ``id`` and :data:`RESOLUTION_COLUMNS` of the tickets ``ids``.

    Working hours are kept while the hours are the same, else empty: they are filled afterwards.
    """
    return SQL(
        """
        SELECT r.id,
               stage.resolved AS kpi_is_resolved,
               solved.hours AS kpi_resolution_hours,
               CASE WHEN solved.hours = r.kpi_resolution_hours
                    THEN r.kpi_resolution_hours_bh END AS kpi_resolution_hours_bh,
               CASE WHEN solved.hours IS NOT NULL
                    THEN GREATEST(solved.hours - COALESCE(r.kpi_waiting_hours, 0), 0)
                    END AS kpi_resolution_net_hours,
               CASE WHEN r.create_date - r.kpi_first_closed_date <= %(tolerance)s
                    THEN GREATEST(EXTRACT(EPOCH FROM r.kpi_first_closed_date - r.create_date),
                                  0)::float8 / 3600 END AS kpi_first_closing_hours,
               COALESCE(r.kpi_first_reopen_date < r.kpi_first_closed_date
                                                  + %(days)s * interval '1 day', FALSE)
                    AS kpi_reopened_14d,
               message.from_customer AS kpi_customer_msg_count,
               message.from_agent AS kpi_agent_msg_count,
               message.from_customer + COALESCE(r.kpi_reopen_count, 0)
                   + COALESCE(r.kpi_team_changes, 0) AS kpi_effort_touches
          FROM helpdesk_ticket r
    CROSS JOIN LATERAL (SELECT %(resolved)s AS resolved) stage
    CROSS JOIN LATERAL (
                -- a ticket that was imported after its closing has no duration
                SELECT CASE WHEN stage.resolved
                             AND r.create_date - r.kpi_last_closed_date <= %(tolerance)s
                            THEN GREATEST(EXTRACT(EPOCH FROM r.kpi_last_closed_date
                                                             - r.create_date), 0)::float8 / 3600
                            END AS hours
               ) solved
    CROSS JOIN LATERAL (
                SELECT count(*) FILTER (WHERE i.direction = 'in' AND NOT i.is_request)
                           AS from_customer,
                       count(*) FILTER (WHERE i.direction = 'out') AS from_agent
                  FROM crm_kpi_interaction i
                 WHERE i.res_model = 'helpdesk.ticket' AND i.res_id = r.id
               ) message
         WHERE r.id = ANY(%(ids)s)
        """,
        resolved=stage_flag("kpi_is_resolution"),
        days=REOPEN_DAYS,
        tolerance=TOLERANCE,
        ids=list(ids),
    )


def first_contacts(ids):
    """Query of ``id`` and ``kpi_fcr`` of the tickets ``ids``.

    Empty unless solved, and for duplicates. The answer may still change until
    :data:`~.repeats.REPEAT_DAYS` after the closing; KPIs wait until then.
    """
    same_customer, same_address = repeats("r", "later")
    return SQL(
        """
        SELECT r.id,
               CASE WHEN r.kpi_resolution_hours IS NULL OR r.duplicate_id IS NOT NULL THEN NULL
                    WHEN r.kpi_reopen_count > 0
                      OR r.kpi_team_changes > 0
                      OR EXISTS (SELECT FROM crm_kpi_interaction i
                                  WHERE i.res_model = 'helpdesk.ticket' AND i.res_id = r.id
                                    AND i.direction = 'in' AND NOT i.is_request
                                    AND i.date < r.kpi_last_closed_date
                                                 + %(days)s * interval '1 day')
                      OR EXISTS (SELECT FROM helpdesk_ticket later WHERE %(same_customer)s)
                      OR EXISTS (SELECT FROM helpdesk_ticket later WHERE %(same_address)s)
                    THEN 'no' ELSE 'yes' END AS kpi_fcr
          FROM helpdesk_ticket r
         WHERE r.id = ANY(%(ids)s)
        """,
        days=REPEAT_DAYS,
        same_customer=same_customer,
        same_address=same_address,
        ids=list(ids),
    )
