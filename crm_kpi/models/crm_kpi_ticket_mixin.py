# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL

from ..fields import NullableFloat

#: a further contact within so many days after the closing means it was not solved at once
FCR_DAYS = 7
#: a re-opening within so many days after the first closing counts against it
REOPEN_DAYS = 14


class CrmKpiTicketMixin(models.AbstractModel):
    """The facts of a help desk's ticket: closings, re-openings, effort, first-contact resolution.

    Stamps are written when the stage, user or team changes, whatever road the change takes
    (also when a change of team makes the ORM choose another stage). The rest is derived in
    sets. A help desk tells its fields by the class attributes; the model of its stages gets
    ``crm.kpi.ticket.stage.mixin``.

    A glue that wants to know the team of the closings declares ``kpi_closed_team_id`` and
    ``kpi_first_closed_team_id`` with the comodel of its teams: they are stamped when there.
    """

    _name = "crm.kpi.ticket.mixin"
    _inherit = ["crm.kpi.talk.mixin"]
    _description = "KPI: facts of a ticket"

    _kpi_talk_target_field = "kpi_first_response_target_hours"
    _kpi_talk_target_default = 8.0
    _kpi_talk_closed_fields = ("kpi_last_closed_date",)

    #: many2one to a model with ``crm.kpi.ticket.stage.mixin``
    _kpi_ticket_stage_field = "stage_id"
    #: boolean of the stage: tickets in it are closed (solved or not)
    _kpi_ticket_stage_closed_field = "closed"
    #: the customer (stored commercial partner), and the mail address where it is unknown
    _kpi_ticket_customer_field = "commercial_partner_id"
    _kpi_ticket_email_field = "partner_email"
    _kpi_ticket_category_field = "category_id"
    #: many2one to the ticket this one repeats; an empty name where there is none
    _kpi_ticket_duplicate_field = "duplicate_id"
    #: the help desk's own dates, where tracking says nothing about a closing
    _kpi_ticket_closed_date_field = "closed_date"
    _kpi_ticket_stage_date_field = "last_stage_update"

    # --- stamps ---
    kpi_first_closed_date = fields.Datetime(
        "First closed", readonly=True, copy=False, help="When it first entered a closed stage."
    )
    kpi_first_closed_user_id = fields.Many2one(
        "res.users", "First closed by", readonly=True, copy=False
    )
    kpi_last_closed_date = fields.Datetime(
        "Last closed",
        readonly=True,
        copy=False,
        help="When it last entered a closed stage from an open one; empty while it is open. "
        "From one closed stage to another is no new closing.",
    )
    kpi_closed_user_id = fields.Many2one(
        "res.users", "Closed by", readonly=True, copy=False, help="Assigned user at the closing."
    )
    kpi_first_resolved_date = fields.Datetime(
        "First solved",
        readonly=True,
        copy=False,
        help="When it first entered a stage that means solved.",
    )
    kpi_first_resolved_user_id = fields.Many2one(
        "res.users", "First solved by", readonly=True, copy=False
    )
    kpi_reopen_count = fields.Integer("Re-openings", readonly=True, copy=False, default=0)
    kpi_first_reopen_date = fields.Datetime("First re-opened", readonly=True, copy=False)
    kpi_user_changes = fields.Integer(
        "Changes of user",
        readonly=True,
        copy=False,
        default=0,
        help="The first assignment is no change.",
    )
    kpi_team_changes = fields.Integer("Changes of team", readonly=True, copy=False, default=0)
    kpi_waiting_since = fields.Datetime(
        "Waiting since", readonly=True, copy=False, help="In a stage that waits for others."
    )
    kpi_waiting_hours = fields.Float(
        "Waiting hours",
        readonly=True,
        copy=False,
        default=0.0,
        help="Clock hours in stages that wait for others, without the wait that still lasts.",
    )

    # --- derived ---
    kpi_is_resolved = fields.Boolean(
        "Solved", readonly=True, copy=False, help="It is in a stage that means solved."
    )
    kpi_resolution_hours = NullableFloat(
        "Hours to solution",
        readonly=True,
        copy=False,
        aggregator="avg",
        help="Clock hours from creation to the last closing; empty unless solved.",
    )
    kpi_resolution_hours_bh = NullableFloat(
        "Working hours to solution",
        readonly=True,
        copy=False,
        aggregator="avg",
        help="The same in working hours of the calendar, public holidays left out.",
    )
    kpi_resolution_net_hours = NullableFloat(
        "Hours to solution without waiting",
        readonly=True,
        copy=False,
        aggregator="avg",
        help="Hours to solution less the waiting hours.",
    )
    kpi_first_closing_hours = NullableFloat(
        "Hours to first closing",
        readonly=True,
        copy=False,
        aggregator="avg",
        help="Clock hours from creation to the first closing, solved or not.",
    )
    kpi_reopened_14d = fields.Boolean(
        "Re-opened within 14 days",
        readonly=True,
        copy=False,
        help="Re-opened within 14 days after the first closing.",
    )
    kpi_customer_msg_count = fields.Integer(
        "Messages of the customer",
        readonly=True,
        copy=False,
        help="Incoming messages without the request itself.",
    )
    kpi_agent_msg_count = fields.Integer("Messages to the customer", readonly=True, copy=False)
    kpi_fcr = fields.Selection(
        [("yes", "Yes"), ("no", "No")],
        "Solved at first contact",
        readonly=True,
        copy=False,
        help="Solved with no further message of the customer until 7 days after the closing, "
        "never re-opened, in the same team, and with no other ticket of the customer in the same "
        "category within these 7 days. Empty unless solved. Until the 7 days are over, a Yes may "
        "still become a No.",
    )
    kpi_effort_touches = fields.Integer(
        "Effort",
        readonly=True,
        copy=False,
        help="Signs of effort for the customer: further messages, re-openings, changes of team.",
    )

    _kpi_last_closed_idx = models.Index(
        "(kpi_last_closed_date) WHERE kpi_last_closed_date IS NOT NULL"
    )

    # ------------------------------------------------------------------
    # names
    # ------------------------------------------------------------------
    @api.model
    def _kpi_stages(self):
        """Empty recordset of the stages."""
        return self.env[self._fields[self._kpi_ticket_stage_field].comodel_name]

    @api.model
    def _kpi_trigger_fields(self):
        return super()._kpi_trigger_fields() | {
            "active",
            self._kpi_ticket_stage_field,
            *self._kpi_repeat_fields(),
        }

    @api.model
    def _kpi_repeat_fields(self):
        """Fields that decide of which earlier tickets this one is a repetition."""
        names = {
            self._kpi_talk_company_field,
            self._kpi_talk_partner_field,
            self._kpi_ticket_customer_field,
            self._kpi_ticket_email_field,
            self._kpi_ticket_category_field,
            self._kpi_ticket_duplicate_field,
        }
        return names - {""}

    @api.model
    def _kpi_stage_sql(self, name):
        """A boolean of the stage of the record ``r``."""
        return SQL(
            "COALESCE((SELECT s.%s FROM %s s WHERE s.id = %s), FALSE)",
            SQL.identifier(name),
            SQL.identifier(self._kpi_stages()._table),
            self._kpi_column(self._kpi_ticket_stage_field),
        )

    @api.model
    def _kpi_open_sql(self):
        return SQL("r.active AND NOT %s", self._kpi_stage_sql(self._kpi_ticket_stage_closed_field))

    @api.model
    def _kpi_response_candidates_sql(self, ids):
        # solved without a word: answered by the solution
        return [
            *super()._kpi_response_candidates_sql(ids),
            SQL(
                "SELECT r.id, r.kpi_first_resolved_date AS date,"
                " r.kpi_first_resolved_user_id AS user_id FROM %s AS r"
                " WHERE r.id = ANY(%s) AND r.kpi_first_resolved_date IS NOT NULL",
                SQL.identifier(self._table),
                list(ids),
            ),
        ]

    # ------------------------------------------------------------------
    # stamps
    # ------------------------------------------------------------------
    def _kpi_ticket_states(self):
        """``{ticket: what the stamps depend on}``, as it is now."""
        stage, closed = self._kpi_ticket_stage_field, self._kpi_ticket_stage_closed_field
        user, team = self._kpi_talk_user_field, self._kpi_talk_team_field
        return {
            ticket: {
                "closed": ticket[stage][closed],
                "resolved": ticket[stage].kpi_is_resolution,
                "waiting": ticket[stage].kpi_is_waiting,
                "user": ticket[user],
                "team": ticket[team],
            }
            for ticket in self.sudo()  # an agent may not be allowed to read the stages
        }

    @api.model
    def _kpi_credit(self, prefix, state):
        """Stamps of whose event it is."""
        vals = {
            # what the system itself owns is nobody's success
            f"{prefix}_user_id": state["user"].filtered(lambda u: u.id != SUPERUSER_ID).id
        }
        if f"{prefix}_team_id" in self._fields:
            vals[f"{prefix}_team_id"] = state["team"].id
        return vals

    @api.model
    def _kpi_no_credit(self, prefix):
        return {
            name: False
            for name in (f"{prefix}_user_id", f"{prefix}_team_id")
            if name in self._fields
        }

    def _kpi_stamp_changes(self, before):
        """Stamp what happened to the tickets since ``before`` (see `_kpi_ticket_states`)."""
        now = fields.Datetime.now()
        for ticket, new in self._kpi_ticket_states().items():
            vals = ticket._kpi_changes(before[ticket], new, now)
            if vals:
                ticket._kpi_stamp(vals)

    def _kpi_changes(self, old, new, now):
        """Stamps of one ticket's change from a state to another at an instant."""
        self.ensure_one()
        vals = {}
        if new["closed"] and not old["closed"]:
            vals.update(kpi_last_closed_date=now, **self._kpi_credit("kpi_closed", new))
            if not self.kpi_first_closed_date:
                vals.update(kpi_first_closed_date=now, **self._kpi_credit("kpi_first_closed", new))
        elif old["closed"] and not new["closed"]:
            vals.update(
                kpi_last_closed_date=False,
                kpi_reopen_count=self.kpi_reopen_count + 1,
                **self._kpi_no_credit("kpi_closed"),
            )
            if not self.kpi_first_reopen_date:
                vals["kpi_first_reopen_date"] = now
        if new["resolved"] and not old["resolved"] and not self.kpi_first_resolved_date:
            vals.update(kpi_first_resolved_date=now, **self._kpi_credit("kpi_first_resolved", new))
        if new["waiting"] and not old["waiting"]:
            vals["kpi_waiting_since"] = now
        elif old["waiting"] and not new["waiting"] and self.kpi_waiting_since:
            waited = (now - self.kpi_waiting_since).total_seconds() / 3600
            vals["kpi_waiting_hours"] = self.kpi_waiting_hours + max(waited, 0.0)
            vals["kpi_waiting_since"] = False
        for what in ("user", "team"):
            if old[what] and old[what] != new[what]:
                vals[f"kpi_{what}_changes"] = self[f"kpi_{what}_changes"] + 1
        return vals

    @api.model_create_multi
    def create(self, vals_list):
        tickets = super().create(vals_list)
        for ticket, new in tickets._kpi_ticket_states().items():
            old = {**new, "closed": False, "resolved": False, "waiting": False}
            vals = ticket._kpi_changes(old, new, fields.Datetime.to_datetime(ticket.create_date))
            if vals:
                ticket._kpi_stamp(vals)
        return tickets

    def write(self, vals):
        if not self._kpi_repeat_fields().isdisjoint(vals):
            # earlier tickets that this one repeated until now
            self._kpi_mark_repeated()
        if {
            self._kpi_ticket_stage_field,
            self._kpi_talk_user_field,
            self._kpi_talk_team_field,
        }.isdisjoint(vals):
            return super().write(vals)
        before = self._kpi_ticket_states()
        result = super().write(vals)
        self._kpi_stamp_changes(before)
        return result

    def unlink(self):
        self._kpi_mark_repeated()
        return super().unlink()

    # ------------------------------------------------------------------
    # repetitions
    # ------------------------------------------------------------------
    @api.model
    def _kpi_email_sql(self, alias):
        """The bare address in the ticket's mail field, in small letters; NULL when empty."""
        return SQL(
            "lower(substring(%s from '[^<>[:space:]]+@[^<>[:space:]]+'))",
            SQL("%s.%s", SQL.identifier(alias), SQL.identifier(self._kpi_ticket_email_field)),
        )

    @api.model
    def _kpi_repeats_sql(self, first, later):
        """Conditions under which the ticket ``later`` repeats ``first`` (table aliases).

        Same customer, or same mail address where the customer is unknown; same category, none
        being a category of its own; same company; created within 7 days after the closing.

        :return: two conditions, one for known and one for unknown customers; either will do.
            They are apart so that each can use an index.
        """

        def column(alias, name):
            return SQL("%s.%s", SQL.identifier(alias), SQL.identifier(name))

        def both(name):
            return column(first, name), column(later, name)

        customer, other = both(self._kpi_ticket_customer_field)
        parts = [
            SQL("%s <> %s", *both("id")),
            SQL("%s IS NOT DISTINCT FROM %s", *both(self._kpi_ticket_category_field)),
            SQL("%s IS NOT DISTINCT FROM %s", *both(self._kpi_talk_company_field)),
            # the same twice: for an index on the one and on the other date
            SQL(
                "%(created)s >= %(closed)s AND %(created)s < %(closed)s + %(span)s"
                " AND %(closed)s <= %(created)s AND %(closed)s > %(created)s - %(span)s",
                created=column(later, "create_date"),
                closed=column(first, "kpi_last_closed_date"),
                span=SQL("%s * interval '1 day'", FCR_DAYS),
            ),
        ]
        if self._kpi_ticket_duplicate_field:
            parts.append(SQL("%s IS NULL", column(later, self._kpi_ticket_duplicate_field)))
        common = SQL(" AND ").join(parts)
        return (
            SQL("%s = %s AND %s", customer, other, common),
            SQL(
                "%s IS NULL AND %s = %s AND %s",
                customer,
                self._kpi_email_sql(first),
                self._kpi_email_sql(later),
                common,
            ),
        )

    @api.model
    def _kpi_repeated_sql(self, ids):
        """Query of the tickets that were closed within 7 days before one of ``ids`` came."""
        return SQL(" UNION ").join(
            SQL(
                "SELECT f.id FROM %(table)s l JOIN %(table)s f ON %(repeats)s"
                " WHERE l.id = ANY(%(ids)s)",
                table=SQL.identifier(self._table),
                repeats=repeats,
                ids=list(ids),
            )
            for repeats in self._kpi_repeats_sql("f", "l")
        )

    def _kpi_mark_repeated(self):
        """Mark the tickets that these ones are repetitions of, by one statement."""
        ids = [id_ for id_ in self.ids if isinstance(id_, int)]
        if not ids:
            return
        self.flush_model([*self._kpi_repeat_fields(), "kpi_last_closed_date"])
        self.env.cr.execute(
            SQL(
                "INSERT INTO crm_kpi_dirty (res_model, res_id) SELECT %s, x.id FROM (%s) AS x",
                self._name,
                self._kpi_repeated_sql(ids),
            )
        )

    # ------------------------------------------------------------------
    # derivation
    # ------------------------------------------------------------------
    @api.model
    def _kpi_derive_records(self, ids):
        result = super()._kpi_derive_records(ids)
        self._kpi_derive_resolutions(ids)
        repeated = self.env.execute_query(self._kpi_repeated_sql(ids))
        self._kpi_derive_first_contact(sorted({*ids, *(id_ for (id_,) in repeated)}))
        return result

    @api.model
    def _kpi_derive_resolutions(self, ids):
        """Resolution, re-opening and effort (catalogue §4.3) of the tickets ``ids``."""
        self._kpi_update(
            [
                "kpi_is_resolved",
                "kpi_resolution_hours",
                "kpi_resolution_hours_bh",
                "kpi_resolution_net_hours",
                "kpi_first_closing_hours",
                "kpi_reopened_14d",
                "kpi_customer_msg_count",
                "kpi_agent_msg_count",
                "kpi_effort_touches",
            ],
            SQL(
                """
                SELECT r.id,
                       stage.resolved AS kpi_is_resolved,
                       solved.hours AS kpi_resolution_hours,
                       CASE WHEN solved.hours = r.kpi_resolution_hours
                            THEN r.kpi_resolution_hours_bh END AS kpi_resolution_hours_bh,
                       CASE WHEN solved.hours IS NOT NULL
                            THEN GREATEST(solved.hours - COALESCE(r.kpi_waiting_hours, 0), 0) END
                            AS kpi_resolution_net_hours,
                       CASE WHEN r.kpi_first_closed_date IS NOT NULL
                            THEN GREATEST(EXTRACT(EPOCH FROM r.kpi_first_closed_date
                                                             - r.create_date), 0)::float8 / 3600
                            END AS kpi_first_closing_hours,
                       COALESCE(r.kpi_first_reopen_date < r.kpi_first_closed_date
                                                          + %(days)s * interval '1 day', FALSE)
                            AS kpi_reopened_14d,
                       talk.customer AS kpi_customer_msg_count,
                       talk.agent AS kpi_agent_msg_count,
                       talk.customer + COALESCE(r.kpi_reopen_count, 0)
                           + COALESCE(r.kpi_team_changes, 0) AS kpi_effort_touches
                  FROM %(table)s AS r
            CROSS JOIN LATERAL (SELECT %(resolved)s AS resolved) stage
            CROSS JOIN LATERAL (
                        SELECT CASE WHEN stage.resolved AND r.kpi_last_closed_date IS NOT NULL
                                    THEN GREATEST(EXTRACT(EPOCH FROM r.kpi_last_closed_date
                                                                     - r.create_date), 0)::float8
                                         / 3600 END AS hours
                       ) solved
            CROSS JOIN LATERAL (
                        SELECT count(*) FILTER (WHERE i.direction = 'in' AND NOT i.is_request)
                                   AS customer,
                               count(*) FILTER (WHERE i.direction = 'out') AS agent
                          FROM crm_kpi_interaction i
                         WHERE i.res_model = %(model)s AND i.res_id = r.id
                       ) talk
                 WHERE r.id = ANY(%(ids)s)
                """,
                table=SQL.identifier(self._table),
                resolved=self._kpi_stage_sql("kpi_is_resolution"),
                model=self._name,
                days=REOPEN_DAYS,
                ids=list(ids),
            ),
        )
        self._kpi_derive_working_hours(
            ids,
            "create_date",
            "kpi_last_closed_date",
            "kpi_resolution_hours_bh",
            where=SQL("r.kpi_resolution_hours IS NOT NULL"),
        )

    @api.model
    def _kpi_derive_first_contact(self, ids):
        """Catalogue 41 for the tickets ``ids``; the maturity is a matter of the KPI."""
        duplicate = self._kpi_ticket_duplicate_field
        repeats, repeats_by_mail = self._kpi_repeats_sql("r", "l")
        self._kpi_update(
            ["kpi_fcr"],
            SQL(
                """
                SELECT r.id,
                       CASE WHEN r.kpi_resolution_hours IS NULL OR %(duplicate)s THEN NULL
                            WHEN r.kpi_reopen_count > 0
                              OR r.kpi_team_changes > 0
                              OR EXISTS (SELECT FROM crm_kpi_interaction i
                                          WHERE i.res_model = %(model)s AND i.res_id = r.id
                                            AND i.direction = 'in' AND NOT i.is_request
                                            AND i.date < r.kpi_last_closed_date
                                                         + %(days)s * interval '1 day')
                              OR EXISTS (SELECT FROM %(table)s l WHERE %(repeats)s)
                              OR EXISTS (SELECT FROM %(table)s l WHERE %(repeats_by_mail)s)
                            THEN 'no' ELSE 'yes' END AS kpi_fcr
                  FROM %(table)s AS r
                 WHERE r.id = ANY(%(ids)s)
                """,
                duplicate=SQL("%s IS NOT NULL", self._kpi_column(duplicate))
                if duplicate
                else SQL("FALSE"),
                model=self._name,
                days=FCR_DAYS,
                table=SQL.identifier(self._table),
                repeats=repeats,
                repeats_by_mail=repeats_by_mail,
                ids=list(ids),
            ),
        )

    # ------------------------------------------------------------------
    # back-fill
    # ------------------------------------------------------------------
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
                        self._kpi_column(self._kpi_talk_team_field),
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
                user_tracking=self._kpi_tracking_sql(self._kpi_talk_user_field, first, last),
                team_tracking=self._kpi_tracking_sql(self._kpi_talk_team_field, first, last),
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
                user=self._kpi_column(self._kpi_talk_user_field),
                teams=SQL("").join(teams),
            ),
        )

    @api.model
    def _kpi_date_column(self, name):
        return SQL("r.%s", SQL.identifier(name)) if name else SQL("NULL::timestamp")


class CrmKpiTicketStageMixin(models.AbstractModel):
    """A stage of tickets: whether it means solved, and whether it waits for others."""

    _name = "crm.kpi.ticket.stage.mixin"
    _description = "KPI: stage of tickets"

    #: model with ``crm.kpi.ticket.mixin`` whose stages these are
    _kpi_ticket_model = ""
    #: external ids of closed stages that do not mean solved, and of stages that wait
    _kpi_unresolved_stages = ()
    _kpi_waiting_stages = ()

    kpi_is_resolution = fields.Boolean(
        "Means solved",
        help="Tickets closed in this stage count as solved. Off for stages such as cancelled or "
        "rejected, which close a ticket without solving it.",
    )
    kpi_is_waiting = fields.Boolean(
        "Waits for others",
        help="Tickets in this stage wait for the customer or a third party: the time in it can "
        "be left out of the hours to solution.",
    )

    @api.model
    def _kpi_stage_closed_field(self):
        return self.env[self._kpi_ticket_model]._kpi_ticket_stage_closed_field

    @api.model_create_multi
    def create(self, vals_list):
        closed = self._kpi_stage_closed_field()
        return super().create(
            [{"kpi_is_resolution": vals.get(closed, False), **vals} for vals in vals_list]
        )

    def write(self, vals):
        closed = self._kpi_stage_closed_field()
        watched = {closed, "kpi_is_resolution", "kpi_is_waiting"}
        if watched.isdisjoint(vals):
            return super().write(vals)
        before = {stage: {name: stage[name] for name in watched} for stage in self}
        result = super().write(vals)
        for name, value in vals.items():
            if name in watched:
                changed = self.filtered(lambda s, n=name, v=value: before[s][n] != bool(v))
                changed._kpi_stage_changed(name, bool(value))
                if name == closed and "kpi_is_resolution" not in vals:
                    changed.write({"kpi_is_resolution": value})
        return result

    @api.model
    def _kpi_init_stages(self):
        """Fill the flags of the stages there are at installation."""
        stages = self.with_context(active_test=False).search([])

        def known(xmlids):
            refs = (self.env.ref(xmlid, raise_if_not_found=False) for xmlid in xmlids)
            return self.browse([ref.id for ref in refs if ref])

        closed = stages.filtered(self._kpi_stage_closed_field())
        (closed - known(self._kpi_unresolved_stages)).kpi_is_resolution = True
        known(self._kpi_waiting_stages).kpi_is_waiting = True

    def _kpi_stage_changed(self, name, value):
        """Make the stamps of the tickets in these stages agree with a changed flag.

        The flag says how a stage is to be read, nothing has happened to its tickets: a closing
        is dated by the moment they entered the stage, and opening a stage is no re-opening.
        """
        if not self:
            return
        tickets = self.env[self._kpi_ticket_model]
        self.env.flush_all()
        entry = SQL(
            "COALESCE(%s, r.create_date)",
            tickets._kpi_date_column(tickets._kpi_ticket_stage_date_field),
        )
        user = SQL(
            "NULLIF(%s, %s)", tickets._kpi_column(tickets._kpi_talk_user_field), SUPERUSER_ID
        )
        team = tickets._kpi_column(tickets._kpi_talk_team_field)

        def credit(prefix, new):
            names = {f"{prefix}_user_id": user, f"{prefix}_team_id": team}
            return {
                name: SQL("CASE WHEN %s THEN %s ELSE %s END", new, value, tickets._kpi_column(name))
                for name, value in names.items()
                if name in tickets._fields
            }

        sets = {}
        if name == self._kpi_stage_closed_field() and value:
            fresh = SQL("r.kpi_last_closed_date IS NULL")
            first = SQL("r.kpi_first_closed_date IS NULL")
            sets["kpi_last_closed_date"] = SQL("COALESCE(r.kpi_last_closed_date, %s)", entry)
            sets["kpi_first_closed_date"] = SQL("COALESCE(r.kpi_first_closed_date, %s)", entry)
            sets.update(credit("kpi_closed", fresh))
            sets.update(credit("kpi_first_closed", first))
        elif name == self._kpi_stage_closed_field():
            sets["kpi_last_closed_date"] = SQL("NULL::timestamp")
            sets.update({key: SQL("NULL::int") for key in tickets._kpi_no_credit("kpi_closed")})
        elif name == "kpi_is_resolution" and value:
            sets["kpi_first_resolved_date"] = SQL("COALESCE(r.kpi_first_resolved_date, %s)", entry)
            sets.update(credit("kpi_first_resolved", SQL("r.kpi_first_resolved_date IS NULL")))
        elif name == "kpi_is_waiting" and value:
            sets["kpi_waiting_since"] = SQL("COALESCE(r.kpi_waiting_since, %s)", entry)
        elif name == "kpi_is_waiting":
            sets["kpi_waiting_since"] = SQL("NULL::timestamp")
        stage = tickets._kpi_column(tickets._kpi_ticket_stage_field)
        if sets:
            tickets._kpi_update(
                list(sets),
                SQL(
                    "SELECT r.id, %s FROM %s AS r WHERE %s = ANY(%s)",
                    SQL(", ").join(
                        SQL("%s AS %s", value, SQL.identifier(key)) for key, value in sets.items()
                    ),
                    SQL.identifier(tickets._table),
                    stage,
                    self.ids,
                ),
            )
            tickets.invalidate_model(list(sets))
        self.env.cr.execute(
            SQL(
                "INSERT INTO crm_kpi_dirty (res_model, res_id)"
                " SELECT %s, r.id FROM %s AS r WHERE %s = ANY(%s)",
                tickets._name,
                SQL.identifier(tickets._table),
                stage,
                self.ids,
            )
        )
