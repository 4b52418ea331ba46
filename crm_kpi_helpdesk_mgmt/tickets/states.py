# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The states of tickets over time (stage, user, team, archived), as rows of ``crm.kpi.ticket.state``.

They are written at each change. The states from before the installation come from the tracking.
"""

from odoo import SUPERUSER_ID
from odoo.tools import SQL

from odoo.addons.crm_kpi.sql import with_queries

#: Fields of a ticket whose earlier values are kept.
FIELDS = frozenset({"stage_id", "user_id", "team_id", "active"})
#: Tracking values are dated by their transaction, which began some time before the change.
TOLERANCE = SQL("interval '1 minute'")


def note_states(ids, at):
    """Statement that ends the states which the tickets ``ids`` have left, and begins new ones.

    The first state of a ticket begins with its creation.

    :param datetime at: when the tickets changed
    """
    return with_queries(
        {
            "changed": SQL(
                """
                SELECT r.id, r.stage_id, r.user_id, r.team_id, COALESCE(r.active, FALSE) AS active,
                       state.id AS state_id,
                       EXISTS (SELECT FROM crm_kpi_ticket_state x WHERE x.ticket_id = r.id)
                           AS is_known
                  FROM helpdesk_ticket r
             LEFT JOIN crm_kpi_ticket_state state
                    ON state.ticket_id = r.id AND state.date_to IS NULL
                 WHERE r.id = ANY(%s)
                   AND (state.id IS NULL
                        OR (state.stage_id, state.user_id, state.team_id, state.active)
                           IS DISTINCT FROM
                           (r.stage_id, r.user_id, r.team_id, COALESCE(r.active, FALSE)))
                """,
                list(ids),
            ),
            "ended": SQL(
                """
                UPDATE crm_kpi_ticket_state state SET date_to = %(at)s, write_date = %(at)s
                  FROM changed WHERE state.id = changed.state_id
                """,
                at=at,
            ),
        },
        SQL(
            """
            INSERT INTO crm_kpi_ticket_state
                        (ticket_id, date_from, stage_id, user_id, team_id, active,
                         create_uid, create_date, write_uid, write_date)
                 SELECT id, CASE WHEN is_known THEN %(at)s::timestamp END,
                        stage_id, user_id, team_id, active,
                        %(uid)s, %(at)s, %(uid)s, %(at)s
                   FROM changed
            """,
            at=at,
            uid=SUPERUSER_ID,
        ),
        materialized={"changed"},
    )


def fill_states(changes):
    """Statements that write the states from before the installation.

    They are written for tickets without a state since the creation, and for tickets that were
    changed before the first change that was lived through.

    :param dict changes: queries ``_stage_change``, ``_user_change``, ``_team_change`` of the
        tracked changes, and ``_ticket`` of the tickets ``(id)``
    """
    to_fill = with_queries(
        changes,
        SQL(
            """
            SELECT t.id, lived.since
              FROM _ticket t
         LEFT JOIN LATERAL (
                   SELECT min(s.date_from) AS since, bool_or(s.date_from IS NULL) AS from_creation
                     FROM crm_kpi_ticket_state s WHERE s.ticket_id = t.id) lived ON TRUE
         LEFT JOIN (SELECT id, min(at) AS first FROM (
                           SELECT id, at FROM _stage_change
                        UNION ALL SELECT id, at FROM _user_change
                        UNION ALL SELECT id, at FROM _team_change) change
                  GROUP BY id) tracked ON tracked.id = t.id
             WHERE lived.from_creation IS NOT TRUE
                OR tracked.first < COALESCE(lived.since, 'infinity') - %s
            """,
            TOLERANCE,
        ),
    )
    yield SQL("CREATE TEMP TABLE _kpi_states_to_fill ON COMMIT DROP AS %s", to_fill)
    # of several earlier rows, those before the first change are replaced
    yield SQL(
        "DELETE FROM crm_kpi_ticket_state s USING _kpi_states_to_fill t"
        " WHERE s.ticket_id = t.id AND s.date_from IS NULL"
    )
    yield with_queries(
        {**changes, "event": events(), "filled": filled(), "moment": moments()},
        SQL(
            """
            INSERT INTO crm_kpi_ticket_state
                        (ticket_id, date_from, date_to, stage_id, user_id, team_id, active,
                         create_uid, create_date, write_uid, write_date)
                 SELECT m.id, NULLIF(m.at, '-infinity'), LEAST(m.until, t.since),
                        stage.id, u.id, team.id,
                        r.active OR r.kpi_last_closed_date IS NOT NULL,
                        %(uid)s, now() AT TIME ZONE 'UTC', %(uid)s, now() AT TIME ZONE 'UTC'
                   FROM moment m
                   JOIN _kpi_states_to_fill t ON t.id = m.id
                   JOIN helpdesk_ticket r ON r.id = m.id
              LEFT JOIN helpdesk_ticket_stage stage ON stage.id = m.stage_id
              LEFT JOIN res_users u ON u.id = m.user_id
              LEFT JOIN helpdesk_ticket_team team ON team.id = m.team_id
                  WHERE m.at < COALESCE(t.since, 'infinity') - %(tolerance)s
            """,
            uid=SUPERUSER_ID,
            tolerance=TOLERANCE,
        ),
    )
    yield SQL("DROP TABLE _kpi_states_to_fill")


def events():
    """The creation of each ticket with its first state, then each change.

    Columns: ``id``, ``at``, ``nth``, and of each field whether it changed, and its new value. A stage
    that was never tracked is entered when the stamps say so; the stage before it is unknown.
    """
    return SQL(
        """
        SELECT r.id, '-infinity'::timestamp AS at, 0 AS nth,
               TRUE AS by_stage,
               CASE WHEN stage.id IS NOT NULL THEN stage.old
                    WHEN entered.at > r.create_date + interval '1 second' THEN NULL
                    ELSE r.stage_id END AS stage_id,
               TRUE AS by_user,
               CASE WHEN u.id IS NOT NULL THEN u.old ELSE r.user_id END AS user_id,
               TRUE AS by_team,
               CASE WHEN team.id IS NOT NULL THEN team.old ELSE r.team_id END AS team_id
          FROM _kpi_states_to_fill t
          JOIN helpdesk_ticket r ON r.id = t.id
    CROSS JOIN LATERAL (SELECT COALESCE(r.kpi_last_closed_date, r.kpi_waiting_since) AS at) entered
     LEFT JOIN (SELECT DISTINCT ON (id) id, old FROM _stage_change ORDER BY id, at, nth) stage
            ON stage.id = r.id
     LEFT JOIN (SELECT DISTINCT ON (id) id, old FROM _user_change ORDER BY id, at, nth) u
            ON u.id = r.id
     LEFT JOIN (SELECT DISTINCT ON (id) id, old FROM _team_change ORDER BY id, at, nth) team
            ON team.id = r.id
     UNION ALL
        SELECT r.id, entered.at, 0, TRUE, r.stage_id, FALSE, NULL, FALSE, NULL
          FROM _kpi_states_to_fill t
          JOIN helpdesk_ticket r ON r.id = t.id
    CROSS JOIN LATERAL (SELECT COALESCE(r.kpi_last_closed_date, r.kpi_waiting_since) AS at) entered
         WHERE entered.at > r.create_date + interval '1 second'
           AND NOT EXISTS (SELECT FROM _stage_change change WHERE change.id = r.id)
     UNION ALL
        SELECT id, at, nth, TRUE, new, FALSE, NULL, FALSE, NULL FROM _stage_change
     UNION ALL
        SELECT id, at, nth, FALSE, NULL, TRUE, new, FALSE, NULL FROM _user_change
     UNION ALL
        SELECT id, at, nth, FALSE, NULL, FALSE, NULL, TRUE, new FROM _team_change
        """
    )


def filled():
    """The events with the value that each field has after them."""
    return SQL(
        """
        SELECT id, at, nth,
               first_value(stage_id) OVER (PARTITION BY id, stage_nth ORDER BY at, nth) AS stage_id,
               first_value(user_id) OVER (PARTITION BY id, user_nth ORDER BY at, nth) AS user_id,
               first_value(team_id) OVER (PARTITION BY id, team_nth ORDER BY at, nth) AS team_id
          FROM (SELECT event.*,
                       sum(by_stage::int) OVER in_order AS stage_nth,
                       sum(by_user::int) OVER in_order AS user_nth,
                       sum(by_team::int) OVER in_order AS team_nth
                  FROM event
                WINDOW in_order AS (PARTITION BY id ORDER BY at, nth ROWS UNBOUNDED PRECEDING)
               ) numbered
        """
    )


def moments():
    """The state after each moment with events: ``id``, ``at``, ``until`` and the fields."""
    return SQL(
        """
        SELECT state.*, lead(at) OVER (PARTITION BY id ORDER BY at) AS until
          FROM (SELECT DISTINCT ON (id, at) id, at, stage_id, user_id, team_id
                  FROM filled ORDER BY id, at, nth DESC) state
        """
    )


def move_closing(ticket_id, old, new):
    """Statements that move the last closing of a ticket, after its date was corrected."""
    before = SQL(
        "ticket_id = %s AND COALESCE(date_from, '-infinity') < %s::timestamp - interval '1 second'",
        ticket_id,
        old,
    )
    after = SQL(
        "ticket_id = %s AND date_from >= %s::timestamp - interval '1 second'", ticket_id, old
    )
    table = SQL("crm_kpi_ticket_state")
    yield SQL("DELETE FROM %s WHERE %s AND date_from >= %s", table, before, new)
    yield SQL("DELETE FROM %s WHERE %s AND date_to <= %s", table, after, new)
    yield SQL(
        "UPDATE %(table)s SET date_to = %(new)s WHERE id = (SELECT id FROM %(table)s"
        " WHERE %(before)s ORDER BY date_from DESC NULLS LAST, id DESC LIMIT 1)",
        table=table,
        new=new,
        before=before,
    )
    yield SQL(
        "UPDATE %(table)s SET date_from = %(new)s WHERE id = (SELECT id FROM %(table)s"
        " WHERE %(after)s ORDER BY date_from, id LIMIT 1)",
        table=table,
        new=new,
        after=after,
    )
