# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Stamps of tickets from before the installation: from tracking and the help desk's dates."""

from odoo import SUPERUSER_ID, api, models
from odoo.tools import SQL


class CrmKpiTicketMixin(models.AbstractModel):
    _inherit = "crm.kpi.ticket.mixin"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _kpi_tracking_sql(self, name, first, last):
        """Query ``(id, at, nth, old, new)`` of the tracked changes of a many2one."""
        return SQL(
            """
            SELECT m.res_id AS id, v.create_date AS at, v.id AS nth,
                   NULLIF(v.old_value_integer, 0) AS old, NULLIF(v.new_value_integer, 0) AS new
              FROM mail_message m
              JOIN mail_tracking_value v ON v.mail_message_id = m.id AND v.field_id = %s
             WHERE m.model = %s AND m.res_id BETWEEN %s AND %s
            """,
            self.env["ir.model.fields"]._get(self._name, name).id or 0,
            self._name,
            first,
            last,
        )

    @api.model
    def _kpi_backfill_stamps(self, first, last):
        """Stamps of the time before the installation, of the tickets in a range of ids.

        From the tracking of stage and user, which the mail thread keeps; where it is silent
        (imports, changes of a team that chose the stage), the help desk's own dates must do.
        Changes of team are not tracked by every help desk: unknown ones count as none.
        """
        stages = self._kpi_stages()
        columns = [
            "kpi_first_closed_date",
            "kpi_first_closed_user_id",
            "kpi_last_closed_date",
            "kpi_closed_user_id",
            "kpi_first_resolved_date",
            "kpi_first_resolved_user_id",
            "kpi_reopen_count",
            "kpi_first_reopen_date",
            "kpi_user_changes",
            "kpi_team_changes",
            "kpi_waiting_since",
            "kpi_waiting_hours",
        ]
        teams = []
        for prefix, date in (
            ("kpi_closed", "last_closed"),
            ("kpi_first_closed", "first_closed"),
            ("kpi_first_resolved", "first_resolved"),
        ):
            if f"{prefix}_team_id" in self._fields:
                columns.append(f"{prefix}_team_id")
                teams.append(
                    SQL(
                        ", CASE WHEN %s IS NOT NULL THEN %s END AS %s",
                        SQL("f.%s", SQL.identifier(date)),
                        self._kpi_column(self._kpi_response_team_field),
                        SQL.identifier(f"{prefix}_team_id"),
                    )
                )

        self._kpi_update(
            columns,
            SQL(
                """
                WITH moves AS MATERIALIZED (%(stage_tracking)s),
                users AS MATERIALIZED (%(user_tracking)s),
                user_spells AS MATERIALIZED (
                    -- whose it was from one moment until another; none is the system's
                    SELECT p.id, p.at, lead(p.at) OVER (PARTITION BY p.id ORDER BY p.at, p.nth)
                               AS until, u.id AS user_id
                      FROM (SELECT r.id, '-infinity'::timestamp AS at, 0 AS nth,
                                   CASE WHEN c.id IS NULL THEN %(user)s ELSE c.old END AS user_id
                              FROM %(table)s r
                         LEFT JOIN (SELECT DISTINCT ON (id) id, old
                                      FROM users ORDER BY id, at, nth) c ON c.id = r.id
                             WHERE r.id BETWEEN %(first)s AND %(last)s
                         UNION ALL
                            SELECT id, at, nth, new FROM users) p
                 LEFT JOIN res_users u ON u.id = p.user_id AND u.id <> %(root)s
                ),
                changes AS (
                    SELECT id, sum(by_user) AS users, sum(by_team) AS teams
                      FROM (SELECT id, 1 AS by_user, 0 AS by_team
                              FROM users WHERE old IS NOT NULL
                         UNION ALL
                            SELECT id, 0, 1 FROM (%(team_tracking)s) c WHERE old IS NOT NULL) c
                  GROUP BY id
                ),
                spells AS (
                    -- the stage at creation, then each one entered
                    SELECT r.id, r.create_date AS at, 0 AS nth,
                           CASE WHEN m.id IS NULL THEN %(stage)s ELSE m.old END AS stage_id
                      FROM %(table)s r
                 LEFT JOIN (SELECT DISTINCT ON (id) id, old FROM moves ORDER BY id, at, nth) m
                        ON m.id = r.id
                     WHERE r.id BETWEEN %(first)s AND %(last)s
                 UNION ALL
                    SELECT id, at, nth, new FROM moves
                ),
                flagged AS (
                    SELECT p.id, p.at, p.nth,
                           COALESCE(s.%(closed)s, FALSE) AS closed,
                           COALESCE(s.kpi_is_resolution, FALSE) AS resolved,
                           COALESCE(s.kpi_is_waiting, FALSE) AS waiting
                      FROM spells p
                 LEFT JOIN %(stages)s s ON s.id = p.stage_id
                ),
                steps AS (
                    SELECT f.*,
                           COALESCE(lag(closed) OVER w, FALSE) AS was_closed,
                           lead(at) OVER w AS until,
                           -- still to come: a stage that does not wait
                           count(*) FILTER (WHERE NOT waiting) OVER (
                               PARTITION BY id ORDER BY at, nth
                               ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) > 0 AS goes_on
                      FROM flagged f
                    WINDOW w AS (PARTITION BY id ORDER BY at, nth)
                ),
                found AS (
                    SELECT id,
                           min(at) FILTER (WHERE closed AND NOT was_closed) AS first_closed,
                           max(at) FILTER (WHERE closed AND NOT was_closed) AS last_closed,
                           (array_agg(closed ORDER BY at DESC, nth DESC))[1] AS ends_closed,
                           min(at) FILTER (WHERE resolved) AS first_resolved,
                           count(*) FILTER (WHERE was_closed AND NOT closed) AS reopened,
                           min(at) FILTER (WHERE was_closed AND NOT closed) AS first_reopened,
                           min(at) FILTER (WHERE waiting AND NOT goes_on) AS waiting_since,
                           COALESCE(sum(EXTRACT(EPOCH FROM until - at))
                                    FILTER (WHERE waiting AND goes_on), 0)::float8 / 3600
                               AS waited
                      FROM steps
                  GROUP BY id
                ),
                tracked AS (
                    SELECT DISTINCT id FROM moves
                ),
                facts AS (
                    -- closed, but the tracking knows no closing: the help desk's own dates
                    SELECT r.id,
                           COALESCE(known.first_closing, CASE WHEN now.closed
                                THEN own.closing END) AS first_closed,
                           CASE WHEN now.closed
                                THEN COALESCE(known.closing, own.closing) END AS last_closed,
                           COALESCE(known.resolving, CASE WHEN now.resolved
                                THEN own.closing END) AS first_resolved,
                           found.reopened, found.first_reopened,
                           CASE WHEN now.waiting
                                THEN COALESCE(known.waiting, own.entry) END AS waiting_since,
                           found.waited
                      FROM %(table)s r
                      JOIN found ON found.id = r.id
                 LEFT JOIN tracked ON tracked.id = r.id
            CROSS JOIN LATERAL (
                            SELECT %(is_closed)s AS closed, %(is_resolved)s AS resolved,
                                   %(is_waiting)s AS waiting) now
            CROSS JOIN LATERAL (
                            SELECT COALESCE(%(stage_date)s, r.create_date) AS entry,
                                   COALESCE(%(closed_date)s, %(stage_date)s, r.create_date)
                                       AS closing) own
            CROSS JOIN LATERAL (
                            -- without any tracking the stage at creation is only a guess
                            SELECT CASE WHEN tracked.id IS NOT NULL
                                        THEN found.first_closed END AS first_closing,
                                   CASE WHEN tracked.id IS NOT NULL AND found.ends_closed
                                        THEN found.last_closed END AS closing,
                                   CASE WHEN tracked.id IS NOT NULL
                                        THEN found.first_resolved END AS resolving,
                                   CASE WHEN tracked.id IS NOT NULL
                                        THEN found.waiting_since END AS waiting) known
                )
                SELECT r.id,
                       f.first_closed AS kpi_first_closed_date,
                       first_closer.user_id AS kpi_first_closed_user_id,
                       f.last_closed AS kpi_last_closed_date,
                       closer.user_id AS kpi_closed_user_id,
                       f.first_resolved AS kpi_first_resolved_date,
                       resolver.user_id AS kpi_first_resolved_user_id,
                       f.reopened AS kpi_reopen_count,
                       f.first_reopened AS kpi_first_reopen_date,
                       COALESCE(changes.users, 0) AS kpi_user_changes,
                       COALESCE(changes.teams, 0) AS kpi_team_changes,
                       f.waiting_since AS kpi_waiting_since,
                       f.waited AS kpi_waiting_hours
                       %(teams)s
                  FROM %(table)s r
                  JOIN facts f ON f.id = r.id
             LEFT JOIN changes ON changes.id = r.id
             LEFT JOIN user_spells first_closer
                    ON first_closer.id = r.id AND first_closer.at <= f.first_closed
                   AND (f.first_closed < first_closer.until OR first_closer.until IS NULL)
             LEFT JOIN user_spells closer
                    ON closer.id = r.id AND closer.at <= f.last_closed
                   AND (f.last_closed < closer.until OR closer.until IS NULL)
             LEFT JOIN user_spells resolver
                    ON resolver.id = r.id AND resolver.at <= f.first_resolved
                   AND (f.first_resolved < resolver.until OR resolver.until IS NULL)
                """,
                stage_tracking=self._kpi_tracking_sql(self._kpi_ticket_stage_field, first, last),
                user_tracking=self._kpi_tracking_sql(self._kpi_response_user_field, first, last),
                team_tracking=self._kpi_tracking_sql(self._kpi_response_team_field, first, last),
                stage=self._kpi_column(self._kpi_ticket_stage_field),
                table=SQL.identifier(self._table),
                stages=SQL.identifier(stages._table),
                closed=SQL.identifier(self._kpi_ticket_stage_closed_field),
                first=first,
                last=last,
                is_closed=self._kpi_stage_sql(self._kpi_ticket_stage_closed_field),
                is_resolved=self._kpi_stage_sql("kpi_is_resolution"),
                is_waiting=self._kpi_stage_sql("kpi_is_waiting"),
                stage_date=self._kpi_date_column(self._kpi_ticket_stage_date_field),
                closed_date=self._kpi_date_column(self._kpi_ticket_closed_date_field),
                root=SUPERUSER_ID,
                user=self._kpi_column(self._kpi_response_user_field),
                teams=SQL("").join(teams),
            ),
        )
