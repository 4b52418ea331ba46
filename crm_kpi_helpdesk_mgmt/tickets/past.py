# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Stamps of tickets from before the installation.

They come from the tracking of stage, user and team, which the mail thread keeps. Where there is
no tracking (imports, changes of team that changed the stage), the dates of the help desk itself
are used. Changes of team are only known where the team is tracked.
"""

from typing import NamedTuple

from odoo import SUPERUSER_ID
from odoo.tools import SQL

from odoo.addons.crm_kpi.sql import with_queries

from .facts import stage_flag


class Tickets(NamedTuple):
    """A range of ids of tickets, and the ids of the tracked fields."""

    first: int
    last: int
    stage_field: int
    user_field: int
    team_field: int


#: Fields that :func:`stamps` computes.
COLUMNS = (
    "kpi_first_closed_date",
    "kpi_first_closed_user_id",
    "kpi_first_closed_team_id",
    "kpi_last_closed_date",
    "kpi_closed_user_id",
    "kpi_closed_team_id",
    "kpi_first_resolved_date",
    "kpi_first_resolved_user_id",
    "kpi_reopen_count",
    "kpi_first_reopen_date",
    "kpi_user_changes",
    "kpi_team_changes",
    "kpi_waiting_since",
    "kpi_waiting_hours",
)


def stamps(tickets):
    """Query with ``id`` and the stamps of a range of tickets."""
    return with_queries(
        {
            "stage_change": tracked_changes(tickets, tickets.stage_field),
            "user_change": tracked_changes(tickets, tickets.user_field),
            "team_change": tracked_changes(tickets, tickets.team_field),
            "owner": owners(tickets),
            "change_count": change_counts(),
            "entered": entered_stages(tickets),
            "step": steps(),
            "tracked_event": tracked_events(),
            "event": events(tickets),
        },
        stamp_rows(),
    )


def tracked_changes(tickets, field):
    """Tracked changes of a many2one: ``id`` of the ticket, ``at``, ``nth``, ``old``, ``new``."""
    return SQL(
        """
        SELECT m.res_id AS id, v.create_date AS at, v.id AS nth,
               NULLIF(v.old_value_integer, 0) AS old, NULLIF(v.new_value_integer, 0) AS new
          FROM mail_message m
          JOIN mail_tracking_value v ON v.mail_message_id = m.id AND v.field_id = %s
         WHERE m.model = 'helpdesk.ticket' AND m.res_id BETWEEN %s AND %s
        """,
        field,
        tickets.first,
        tickets.last,
    )


def owners(tickets):
    """Users of each ticket over time: ``id``, ``at``, ``until`` (NULL: now), ``user_id``.

    Tickets of OdooBot belong to no user.
    """
    return SQL(
        """
        SELECT period.id, period.at,
               lead(period.at) OVER (PARTITION BY period.id ORDER BY period.at, period.nth)
                   AS until,
               u.id AS user_id
          FROM (SELECT r.id, '-infinity'::timestamp AS at, 0 AS nth,
                       CASE WHEN c.id IS NULL THEN r.user_id ELSE c.old END AS user_id
                  FROM helpdesk_ticket r
             LEFT JOIN (SELECT DISTINCT ON (id) id, old
                          FROM user_change ORDER BY id, at, nth) c ON c.id = r.id
                 WHERE r.id BETWEEN %(first)s AND %(last)s
             UNION ALL
                SELECT id, at, nth, new FROM user_change) period
     LEFT JOIN res_users u ON u.id = period.user_id AND u.id <> %(root)s
        """,
        first=tickets.first,
        last=tickets.last,
        root=SUPERUSER_ID,
    )


def change_counts():
    """Numbers of changes without the first assignment: ``id``, ``users``, ``teams``."""
    return SQL(
        """
        SELECT id, sum(by_user) AS users, sum(by_team) AS teams
          FROM (SELECT id, 1 AS by_user, 0 AS by_team FROM user_change WHERE old IS NOT NULL
             UNION ALL
                SELECT id, 0, 1 FROM team_change WHERE old IS NOT NULL) c
      GROUP BY id
        """
    )


def entered_stages(tickets):
    """The stage at creation, then each one entered.

    Columns: ``id``, ``at``, ``nth``, ``closed``, ``resolved``, ``waiting``.
    """
    return SQL(
        """
        SELECT entry.id, entry.at, entry.nth,
               COALESCE(s.closed, FALSE) AS closed,
               COALESCE(s.kpi_is_resolution, FALSE) AS resolved,
               COALESCE(s.kpi_is_waiting, FALSE) AS waiting
          FROM (SELECT r.id, r.create_date AS at, 0 AS nth,
                       CASE WHEN c.id IS NULL THEN r.stage_id ELSE c.old END AS stage_id
                  FROM helpdesk_ticket r
             LEFT JOIN (SELECT DISTINCT ON (id) id, old
                          FROM stage_change ORDER BY id, at, nth) c ON c.id = r.id
                 WHERE r.id BETWEEN %s AND %s
             UNION ALL
                SELECT id, at, nth, new FROM stage_change) entry
     LEFT JOIN helpdesk_ticket_stage s ON s.id = entry.stage_id
        """,
        tickets.first,
        tickets.last,
    )


def steps():
    """The stages with what came before and after.

    Columns: those of ``entered``, and ``was_closed``, ``until``, ``goes_on`` (a stage that does
    not wait follows).
    """
    return SQL(
        """
        SELECT e.*,
               COALESCE(lag(closed) OVER in_order, FALSE) AS was_closed,
               lead(at) OVER in_order AS until,
               count(*) FILTER (WHERE NOT waiting) OVER (
                   PARTITION BY id ORDER BY at, nth
                   ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) > 0 AS goes_on
          FROM entered e
        WINDOW in_order AS (PARTITION BY id ORDER BY at, nth)
        """
    )


def tracked_events():
    """What the steps say of each ticket.

    Columns: ``id``, ``first_closed``, ``last_closed``, ``ends_closed``, ``first_resolved``,
    ``reopened``, ``first_reopened``, ``waiting_since``, ``waited``.
    """
    return SQL(
        """
        SELECT id,
               min(at) FILTER (WHERE closed AND NOT was_closed) AS first_closed,
               max(at) FILTER (WHERE closed AND NOT was_closed) AS last_closed,
               (array_agg(closed ORDER BY at DESC, nth DESC))[1] AS ends_closed,
               min(at) FILTER (WHERE resolved) AS first_resolved,
               count(*) FILTER (WHERE was_closed AND NOT closed) AS reopened,
               min(at) FILTER (WHERE was_closed AND NOT closed) AS first_reopened,
               min(at) FILTER (WHERE waiting AND NOT goes_on) AS waiting_since,
               COALESCE(sum(EXTRACT(EPOCH FROM until - at))
                        FILTER (WHERE waiting AND goes_on), 0)::float8 / 3600 AS waited
          FROM step
      GROUP BY id
        """
    )


def events(tickets):
    """Events of each ticket: from the tracking, else from the help desk's own dates.

    Without any tracking of the stage, the stage at creation is unknown, so the steps say
    nothing about dates. Columns as of :func:`tracked_events`, without ``ends_closed``.
    """
    return SQL(
        """
        SELECT r.id,
               COALESCE(known.first_closed, CASE WHEN now.closed THEN own.closing END)
                   AS first_closed,
               CASE WHEN now.closed THEN COALESCE(known.last_closed, own.closing) END
                   AS last_closed,
               COALESCE(known.first_resolved, CASE WHEN now.resolved THEN own.closing END)
                   AS first_resolved,
               found.reopened, found.first_reopened,
               CASE WHEN now.waiting THEN COALESCE(known.waiting_since, own.entry) END
                   AS waiting_since,
               found.waited
          FROM helpdesk_ticket r
          JOIN tracked_event found ON found.id = r.id
     LEFT JOIN (SELECT DISTINCT id FROM stage_change) tracked ON tracked.id = r.id
    CROSS JOIN LATERAL (
                SELECT %(closed)s AS closed, %(resolved)s AS resolved, %(waiting)s AS waiting
               ) now
    CROSS JOIN LATERAL (
                SELECT COALESCE(r.last_stage_update, r.create_date) AS entry,
                       COALESCE(r.closed_date, r.last_stage_update, r.create_date) AS closing
               ) own
     LEFT JOIN LATERAL (
                SELECT found.first_closed, found.first_resolved, found.waiting_since,
                       CASE WHEN found.ends_closed THEN found.last_closed END AS last_closed
               ) known ON tracked.id IS NOT NULL
         WHERE r.id BETWEEN %(first)s AND %(last)s
        """,
        closed=stage_flag("closed"),
        resolved=stage_flag("kpi_is_resolution"),
        waiting=stage_flag("kpi_is_waiting"),
        first=tickets.first,
        last=tickets.last,
    )


def stamp_rows():
    """The stamps: events with the user of that time and the present team."""
    return SQL(
        """
        SELECT r.id,
               e.first_closed AS kpi_first_closed_date,
               first_closer.user_id AS kpi_first_closed_user_id,
               CASE WHEN e.first_closed IS NOT NULL THEN r.team_id END
                   AS kpi_first_closed_team_id,
               e.last_closed AS kpi_last_closed_date,
               closer.user_id AS kpi_closed_user_id,
               CASE WHEN e.last_closed IS NOT NULL THEN r.team_id END AS kpi_closed_team_id,
               e.first_resolved AS kpi_first_resolved_date,
               resolver.user_id AS kpi_first_resolved_user_id,
               e.reopened AS kpi_reopen_count,
               e.first_reopened AS kpi_first_reopen_date,
               COALESCE(c.users, 0) AS kpi_user_changes,
               COALESCE(c.teams, 0) AS kpi_team_changes,
               e.waiting_since AS kpi_waiting_since,
               e.waited AS kpi_waiting_hours
          FROM helpdesk_ticket r
          JOIN event e ON e.id = r.id
     LEFT JOIN change_count c ON c.id = r.id
     LEFT JOIN owner first_closer ON %s
     LEFT JOIN owner closer ON %s
     LEFT JOIN owner resolver ON %s
        """,
        owned_at("first_closer", SQL("e.first_closed")),
        owned_at("closer", SQL("e.last_closed")),
        owned_at("resolver", SQL("e.first_resolved")),
    )


def owned_at(owner, date):
    """Condition over the ticket ``r``: it belonged to an owner at a date."""
    return SQL(
        "%(owner)s.id = r.id AND %(owner)s.at <= %(date)s"
        " AND (%(date)s < %(owner)s.until OR %(owner)s.until IS NULL)",
        owner=SQL.identifier(owner),
        date=date,
    )
