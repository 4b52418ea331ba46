# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Stamps of tickets from before the installation.

They come from the tracking of stage, user and team, which the mail thread keeps. Where the stage
was not tracked (imports, changes of team that changed the stage), the dates of the help desk
itself are used. Changes of team are only known where the team is tracked.
"""

from odoo import SUPERUSER_ID
from odoo.tools import SQL

from odoo.addons.crm_kpi.stamps import fill_stamps, stamp_query, tracked_changes

from .stamps import STAMPS
from .states import fill_states


def fill_tickets(tickets, first, last):
    """Fill in the stamps, counters and states of the tickets in a range of ids.

    :param tickets: empty recordset
    :return: ids of these tickets
    """
    counters = {
        "kpi_reopen_count": SQL("COALESCE(past.reopened, 0)"),
        "kpi_waiting_hours": SQL("COALESCE(past.waited, 0)"),
        "kpi_user_changes": SQL("COALESCE(change_count.users, 0)"),
        "kpi_team_changes": SQL("COALESCE(change_count.teams, 0)"),
    }
    changes = {
        f"_{name}_change": tracked_changes(tickets, f"{name}_id", first, last)
        for name in ("stage", "user", "team")
    }
    query = stamp_query(
        tickets,
        STAMPS,
        {
            **changes,
            "_step": steps(first, last),
            "past": tracked_events(),
            "change_count": change_counts(),
            "owner": owners(first, last),
        },
        SQL("r.id BETWEEN %s AND %s", first, last),
        known=counters,
        spells="owner",
    )
    ids = fill_stamps(tickets, STAMPS, query, known=counters)
    ticket = SQL("SELECT id FROM helpdesk_ticket WHERE id BETWEEN %s AND %s", first, last)
    for statement in fill_states({"_ticket": ticket, **changes}):
        tickets.env.cr.execute(statement)
    return ids


def steps(first, last):
    """The stage at creation, then each one entered.

    Columns: ``id``, ``at``, ``nth`` (0: at creation), ``closed``, ``resolved``, ``waiting``,
    ``was_closed``, ``until``, ``goes_on`` (a stage that does not wait follows).
    """
    return SQL(
        """
        SELECT entered.*,
               COALESCE(lag(closed) OVER in_order, FALSE) AS was_closed,
               lead(at) OVER in_order AS until,
               count(*) FILTER (WHERE NOT waiting) OVER (
                   PARTITION BY id ORDER BY at, nth
                   ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) > 0 AS goes_on
          FROM (SELECT entry.id, entry.at, entry.nth,
                       COALESCE(s.closed, FALSE) AS closed,
                       COALESCE(s.kpi_is_resolution, FALSE) AS resolved,
                       COALESCE(s.kpi_is_waiting, FALSE) AS waiting
                  FROM (%s) entry
             LEFT JOIN helpdesk_ticket_stage s ON s.id = entry.stage_id) entered
        WINDOW in_order AS (PARTITION BY id ORDER BY at, nth)
        """,
        entered_stages(first, last),
    )


def entered_stages(first, last):
    """The stage at creation, then each one entered: ``id``, ``at``, ``nth``, ``stage_id``."""
    return SQL(
        """
        SELECT r.id, r.create_date AS at, 0 AS nth,
               CASE WHEN change.id IS NULL THEN r.stage_id ELSE change.old END AS stage_id
          FROM helpdesk_ticket r
     LEFT JOIN (SELECT DISTINCT ON (id) id, old FROM _stage_change ORDER BY id, at, nth) change
            ON change.id = r.id
         WHERE r.id BETWEEN %s AND %s
     UNION ALL
        SELECT id, at, nth, new FROM _stage_change
        """,
        first,
        last,
    )


def tracked_events():
    """What the steps say of the tickets whose stage was tracked.

    Columns: ``id``, ``first_closed``, ``last_closed``, ``first_resolved``, ``reopened``,
    ``first_reopened``, ``waiting_since``, ``waited`` (hours).
    """
    return SQL(
        """
        SELECT id,
               min(at) FILTER (WHERE closed AND NOT was_closed) AS first_closed,
               CASE WHEN (array_agg(closed ORDER BY at DESC, nth DESC))[1]
                    THEN max(at) FILTER (WHERE closed AND NOT was_closed) END AS last_closed,
               min(at) FILTER (WHERE resolved) AS first_resolved,
               count(*) FILTER (WHERE was_closed AND NOT closed) AS reopened,
               min(at) FILTER (WHERE was_closed AND NOT closed) AS first_reopened,
               min(at) FILTER (WHERE waiting AND NOT goes_on) AS waiting_since,
               COALESCE(sum(EXTRACT(EPOCH FROM until - at))
                        FILTER (WHERE waiting AND goes_on), 0)::float8 / 3600 AS waited
          FROM _step
      GROUP BY id
        -- without a tracked change, the stage at creation is unknown
        HAVING max(nth) > 0
        """
    )


def change_counts():
    """Numbers of changes without the first assignment: ``id``, ``users``, ``teams``."""
    return SQL(
        """
        SELECT id, sum(by_user) AS users, sum(by_team) AS teams
          FROM (SELECT id, 1 AS by_user, 0 AS by_team FROM _user_change WHERE old IS NOT NULL
             UNION ALL
                SELECT id, 0, 1 FROM _team_change WHERE old IS NOT NULL) change
      GROUP BY id
        """
    )


def owners(first, last):
    """Users of each ticket over time: ``id``, ``at``, ``until`` (NULL: now), ``user_id``.

    Tickets of OdooBot belong to no user.
    """
    return SQL(
        """
        SELECT spell.id, spell.at,
               lead(spell.at) OVER (PARTITION BY spell.id ORDER BY spell.at, spell.nth) AS until,
               u.id AS user_id
          FROM (SELECT r.id, '-infinity'::timestamp AS at, 0 AS nth,
                       CASE WHEN change.id IS NULL THEN r.user_id ELSE change.old END AS user_id
                  FROM helpdesk_ticket r
             LEFT JOIN (SELECT DISTINCT ON (id) id, old
                          FROM _user_change ORDER BY id, at, nth) change ON change.id = r.id
                 WHERE r.id BETWEEN %(first)s AND %(last)s
             UNION ALL
                SELECT id, at, nth, new FROM _user_change) spell
     LEFT JOIN res_users u ON u.id = spell.user_id AND u.id <> %(root)s
        """,
        first=first,
        last=last,
        root=SUPERUSER_ID,
    )
