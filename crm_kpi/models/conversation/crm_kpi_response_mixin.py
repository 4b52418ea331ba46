# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

import pytz

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL

from ...fields import NullableFloat

ORIGINS = [("inbound", "Inbound"), ("outbound", "Outbound")]


class CrmKpiResponseMixin(models.AbstractModel):
    """Who began the conversation of a record, and when it was first answered.

    Derived in sets from ``crm.kpi.interaction``. A model that inherits it names its fields by
    the attributes of ``crm.kpi.interaction.mixin`` and those below.
    """

    _name = "crm.kpi.response.mixin"
    _inherit = ["crm.kpi.interaction.mixin"]
    _description = "KPI: origin and first response"

    #: field of res.company with the hours within which the first response is due
    _kpi_response_target_field = ""
    #: value of that field for records without company
    _kpi_response_target_default = 1.0

    kpi_origin = fields.Selection(
        ORIGINS,
        "Origin",
        readonly=True,
        copy=False,
        help="Inbound: the customer made the first step (form, portal, mail). "
        "Outbound: an employee created it and nothing had come in before he wrote.",
    )
    kpi_first_response_date = fields.Datetime(
        "First response",
        readonly=True,
        copy=False,
        help="Inbound only: the first message, call or meeting of an employee. "
        "Notes, logs, templates and automatic mails are no response.",
    )
    kpi_first_response_user_id = fields.Many2one(
        "res.users", "First response by", readonly=True, copy=False
    )
    kpi_first_response_hours = NullableFloat(
        "Hours to first response",
        readonly=True,
        copy=False,
        aggregator="avg",
        help="Clock hours from creation to the first response; empty while unanswered.",
    )
    kpi_first_response_hours_bh = NullableFloat(
        "Working hours to first response",
        readonly=True,
        copy=False,
        aggregator="avg",
        help="The same in working hours of the calendar, public holidays left out.",
    )
    kpi_response_due = fields.Datetime(
        "First response due",
        readonly=True,
        copy=False,
        help="Inbound only: creation plus the target of the company at that time.",
    )
    kpi_response_in_target = fields.Boolean(
        "First response in time", readonly=True, copy=False, help="Answered by the due time."
    )
    kpi_response_waiting = fields.Boolean(
        "Waits for first response",
        readonly=True,
        copy=False,
        help="Inbound, still open and not answered yet.",
    )

    _kpi_response_waiting_idx = models.Index("(id) WHERE kpi_response_waiting")

    # ------------------------------------------------------------------
    # to extend
    # ------------------------------------------------------------------
    @api.model
    def _kpi_open_sql(self):
        """Condition over the record ``r``: it is still open."""
        return SQL("TRUE")

    @api.model
    def _kpi_response_candidates_sql(self, ids):
        """Further queries ``(id, date, user_id)`` of what counts as a response to ``ids``."""
        return []

    @api.model
    def _kpi_calendar_sql(self):
        """Working-hours calendar of the record ``r``: an id, or NULL for round the clock.

        The team's, where teams have one, else the company's.
        """
        company = SQL(
            "(SELECT x.resource_calendar_id FROM res_company x WHERE x.id = %s)",
            self._kpi_company_sql(),
        )
        team = self._kpi_response_team_field
        teams = self.env[self._fields[team].comodel_name] if team else None
        if teams is None or "resource_calendar_id" not in teams._fields:
            return company
        return SQL(
            "COALESCE((SELECT x.resource_calendar_id FROM %s x WHERE x.id = %s), %s)",
            SQL.identifier(teams._table),
            self._kpi_column(team),
            company,
        )

    # ------------------------------------------------------------------
    # derivation
    # ------------------------------------------------------------------
    @api.model
    def _kpi_stale_ids(self):
        # something else than a message ended the waiting
        rows = self.env.execute_query(
            SQL(
                "SELECT r.id FROM %s AS r WHERE r.kpi_response_waiting AND (%s) IS NOT TRUE",
                SQL.identifier(self._table),
                self._kpi_open_sql(),
            )
        )
        return sorted({*super()._kpi_stale_ids(), *(id_ for (id_,) in rows)})

    @api.model
    def _kpi_derive_records(self, ids):
        result = super()._kpi_derive_records(ids)
        self._kpi_derive_responses(ids)
        return result

    @api.model
    def _kpi_derive_responses(self, ids):
        """Origin (conventions G13) and first response of the records ``ids``."""
        target = (
            SQL("x.%s", SQL.identifier(self._kpi_response_target_field))
            if self._kpi_response_target_field
            else SQL("NULL::float8")
        )
        candidates = [
            SQL(
                "SELECT res_id AS id, date, user_id, message_id AS nth FROM ix"
                " WHERE direction <> 'in'"
            ),
            *(
                SQL("SELECT c.id, c.date, c.user_id, NULL::int FROM (%s) AS c", query)
                for query in self._kpi_response_candidates_sql(ids)
            ),
        ]
        source = SQL(
            """
            WITH ix AS MATERIALIZED (
                SELECT i.res_id, i.date, i.direction, i.user_id, i.message_id
                  FROM crm_kpi_interaction i
                 WHERE i.res_model = %(model)s AND i.res_id = ANY(%(ids)s)
            ), talk AS (
                SELECT res_id,
                       min(date) FILTER (WHERE direction = 'in') AS first_in,
                       min(date) FILTER (WHERE direction <> 'in') AS first_out
                  FROM ix
              GROUP BY res_id
            ), answer AS (
                SELECT DISTINCT ON (c.id) c.id, c.date, c.user_id
                  FROM (%(candidates)s) AS c
                  JOIN %(table)s AS r ON r.id = c.id
                 -- messages are dated to the second, creations to the microsecond
                 WHERE c.date >= date_trunc('second', r.create_date)
              ORDER BY c.id, c.date, c.nth NULLS LAST
            ), origin AS (
                SELECT r.id,
                       COALESCE(
                           r.create_uid IS NOT NULL AND (u.id = %(root)s OR u.share)
                           OR talk.first_in <= COALESCE(talk.first_out, 'infinity'::timestamp),
                           FALSE) AS inbound
                  FROM %(table)s AS r
             LEFT JOIN res_users u ON u.id = r.create_uid
             LEFT JOIN talk ON talk.res_id = r.id
                 WHERE r.id = ANY(%(ids)s)
            )
            SELECT r.id,
                   CASE WHEN o.inbound THEN 'inbound' ELSE 'outbound' END AS kpi_origin,
                   f.date AS kpi_first_response_date,
                   f.user_id AS kpi_first_response_user_id,
                   f.hours AS kpi_first_response_hours,
                   -- working hours of a pair never change again, whatever becomes of the
                   -- calendar: kept, or emptied for the next step
                   CASE WHEN f.date = r.kpi_first_response_date
                         AND f.hours = r.kpi_first_response_hours
                        THEN r.kpi_first_response_hours_bh END AS kpi_first_response_hours_bh,
                   due.date AS kpi_response_due,
                   COALESCE(f.date <= due.date, FALSE) AS kpi_response_in_target,
                   COALESCE(o.inbound AND f.date IS NULL AND (%(open)s), FALSE)
                        AS kpi_response_waiting
              FROM %(table)s AS r
              JOIN origin o ON o.id = r.id
         LEFT JOIN res_company x ON x.id = %(company)s
         LEFT JOIN answer ON answer.id = r.id
        CROSS JOIN LATERAL (
                    SELECT CASE WHEN o.inbound THEN answer.date END AS date,
                           CASE WHEN o.inbound THEN answer.user_id END AS user_id,
                           CASE WHEN o.inbound AND answer.date IS NOT NULL
                                THEN GREATEST(EXTRACT(EPOCH FROM answer.date - r.create_date),
                                              0)::float8 / 3600 END AS hours
                   ) f
        CROSS JOIN LATERAL (
                    -- the promise that held when it came in; a new target is for new records
                    SELECT CASE WHEN o.inbound
                                THEN COALESCE(r.kpi_response_due,
                                              r.create_date + COALESCE(%(target)s, %(default)s)
                                                              * interval '1 hour') END AS date
                   ) due
             WHERE r.id = ANY(%(ids)s)
            """,
            open=self._kpi_open_sql(),
            table=SQL.identifier(self._table),
            company=self._kpi_company_sql(),
            model=self._name,
            root=SUPERUSER_ID,
            candidates=SQL(" UNION ALL ").join(candidates),
            target=target,
            default=self._kpi_response_target_default,
            ids=list(ids),
        )
        self._kpi_update(
            [
                "kpi_origin",
                "kpi_first_response_date",
                "kpi_first_response_user_id",
                "kpi_first_response_hours",
                "kpi_first_response_hours_bh",
                "kpi_response_due",
                "kpi_response_in_target",
                "kpi_response_waiting",
            ],
            source,
        )
        self._kpi_derive_working_hours(
            ids, "create_date", "kpi_first_response_date", "kpi_first_response_hours_bh"
        )

    # ------------------------------------------------------------------
    # working hours
    # ------------------------------------------------------------------
    @api.model
    def _kpi_derive_working_hours(self, ids, start, stop, column, where=None):
        """Fill ``column`` with the working hours from ``start`` to ``stop`` where it is empty.

        Only of the records ``ids`` whose ``stop`` is known (and that fulfil ``where``). The work intervals of each
        calendar, leaves removed, go along as sorted arrays in which PostgreSQL searches; a
        record without calendar counts round the clock.
        """
        start, stop, target = (SQL("r.%s", SQL.identifier(name)) for name in (start, stop, column))
        where = SQL(
            "r.id = ANY(%s) AND %s IS NOT NULL AND %s IS NOT NULL AND %s IS NULL AND %s",
            list(ids),
            start,
            stop,
            target,
            where or SQL("TRUE"),
        )
        ranges = self.env.execute_query(
            SQL(
                "SELECT %s, min(%s), max(%s), array_agg(r.id) FROM %s AS r WHERE %s GROUP BY 1",
                self._kpi_calendar_sql(),
                start,
                stop,
                SQL.identifier(self._table),
                where,
            )
        )
        for calendar_id, first, last, row_ids in ranges:
            if not calendar_id:
                hours = SQL("GREATEST(EXTRACT(EPOCH FROM %s - %s), 0)::float8 / 3600", stop, start)
                with_calendar = SQL("")
            else:
                lo, hi, before = self._kpi_work_intervals(calendar_id, first, last)
                with_calendar = SQL(
                    "CROSS JOIN (SELECT %s::timestamp[] AS lo, %s::timestamp[] AS hi,"
                    " %s::float8[] AS before) AS w",
                    lo,
                    hi,
                    before,
                )
                hours = SQL(
                    "GREATEST(%s - %s, 0)",
                    self._kpi_hours_until_sql(stop),
                    self._kpi_hours_until_sql(start),
                )
            self._kpi_update(
                [column],
                SQL(
                    "SELECT r.id, %s AS %s FROM %s AS r %s WHERE r.id = ANY(%s)",
                    hours,
                    SQL.identifier(column),
                    SQL.identifier(self._table),
                    with_calendar,
                    row_ids,
                ),
            )

    @api.model
    def _kpi_hours_until_sql(self, instant):
        """Working hours from the first interval of the arrays ``w`` until an instant."""
        # width_bucket: how many intervals have begun; array[0] is NULL: none has
        index = SQL("width_bucket(%s, w.lo)", instant)
        return SQL(
            "COALESCE(w.before[%(index)s] + EXTRACT(EPOCH FROM"
            " LEAST(%(instant)s, w.hi[%(index)s]) - w.lo[%(index)s])::float8 / 3600, 0)",
            index=index,
            instant=instant,
        )

    @api.model
    def _kpi_work_intervals(self, calendar_id, first, last):
        """Work intervals of a calendar between two naive UTC instants, leaves removed.

        :return: lists of their beginnings and ends (naive UTC, sorted, disjoint) and of the
            hours worked before each
        """
        # superuser: working hours are the same for all readers
        calendar = self.env["resource.calendar"].sudo().browse(calendar_id)
        if calendar.company_id:
            calendar = calendar.with_company(calendar.company_id)
        # whole days more, because leaves and flexible calendars are cut at the ends
        intervals = calendar._work_intervals_batch(
            pytz.utc.localize(first - timedelta(days=1)),
            pytz.utc.localize(last + timedelta(days=1)),
        )[False]
        spans = sorted(
            tuple(edge.astimezone(pytz.utc).replace(tzinfo=None) for edge in interval[:2])
            for interval in intervals
        )
        lo, hi, before, total = [], [], [], 0.0
        for start, stop in spans:
            if hi and start < hi[-1]:  # overlapping lines of a calendar count once
                start = hi[-1]
            if stop <= start:
                continue
            lo.append(start)
            hi.append(stop)
            before.append(total)
            total += (stop - start).total_seconds() / 3600
        return lo, hi, before
