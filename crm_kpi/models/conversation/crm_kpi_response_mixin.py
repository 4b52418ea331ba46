# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.tools import SQL

from ...conversations import responses, working_hours
from ...fields import NullableFloat
from ...sql import Derived

ORIGINS = [("inbound", "Inbound"), ("outbound", "Outbound")]


class CrmKpiResponseMixin(models.AbstractModel):
    """Which side began the conversation of a record, and when it was first answered.

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
        "Outbound: an employee created the record, and the customer did not write before the "
        "first answer.",
    )
    kpi_response_start = fields.Datetime(
        "Waits for first response since",
        readonly=True,
        copy=False,
        help="Inbound only: the creation; on a record created by an employee, the first message "
        "of the customer.",
    )
    kpi_first_response_date = fields.Datetime(
        "First response",
        readonly=True,
        copy=False,
        help="Inbound only: the first message, call or meeting of an employee. "
        "Notes, logs, templates and automatic mails do not count.",
    )
    kpi_first_response_user_id = fields.Many2one(
        "res.users", "First response by", readonly=True, copy=False
    )
    kpi_response_user_id = fields.Many2one(
        "res.users",
        "First response credited to",
        readonly=True,
        copy=False,
        help="Inbound only: the author of the first response, also when there is none, as for a "
        "ticket solved without an assigned user. The present owner while unanswered.",
    )
    kpi_first_response_hours = NullableFloat(
        "Hours to first response",
        readonly=True,
        copy=False,
        aggregator="avg",
        help="Clock hours until the first response. Empty while unanswered.",
    )
    kpi_first_response_hours_bh = NullableFloat(
        "Working hours to first response",
        readonly=True,
        copy=False,
        aggregator="avg",
        help="Working hours of the calendar, without public holidays, until the first response.",
    )
    kpi_response_due = fields.Datetime(
        "First response due",
        readonly=True,
        copy=False,
        help="Inbound only: start of the wait plus the response target that the company had then.",
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

    _kpi_response_waiting_idx = models.Index("(id) WHERE kpi_response_waiting IS TRUE")

    # ------------------------------------------------------------------
    # to extend
    # ------------------------------------------------------------------
    @api.model
    def _kpi_open_sql(self):
        """Condition over the record ``r``: it is still open."""
        return SQL("TRUE")

    @api.model
    def _kpi_response_candidates_sql(self, ids):
        """Further queries ``(id, date, user_id)`` of events that count as a response."""
        return []

    @api.model
    def _kpi_calendar_sql(self):
        """Working-hours calendar of the record ``r``: an id, or NULL for round the clock.

        The calendar of the team where teams have one, else that of the company.
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
        # a record that was closed does not wait any more
        rows = self.env.execute_query(
            SQL(
                "SELECT r.id FROM %s AS r WHERE r.kpi_response_waiting IS TRUE AND (%s) IS NOT TRUE",
                SQL.identifier(self._table),
                self._kpi_open_sql(),
            )
        )
        return sorted({*super()._kpi_stale_ids(), *(id_ for (id_,) in rows)})

    @api.model
    def _kpi_derived(self, ids):
        query = self._kpi_with_working_hours(self._kpi_response_query(ids))
        return {**super()._kpi_derived(ids), "response": Derived(responses.COLUMNS, query)}

    @api.model
    def _kpi_response_query(self, ids):
        """Query of the origin and first response of the records ``ids``."""
        field = self._kpi_response_target_field
        return responses.responses(
            responses.Records(
                model=self._name,
                table=self._table,
                ids=ids,
                company=self._kpi_company_sql(),
                customer=self._kpi_customer(),
                owner=self._kpi_column(self._kpi_response_user_field),
                is_open=self._kpi_open_sql(),
                target_hours=SQL("x.%s", SQL.identifier(field)) if field else SQL("NULL::float8"),
                default_hours=self._kpi_response_target_default,
                other_responses=self._kpi_response_candidates_sql(ids),
            )
        )

    @api.model
    def _kpi_with_working_hours(self, query):
        """The query of responses with the working hours that it left empty.

        The calendars and their spans are read first, which costs less than a second update of
        the records.
        """
        calendar, table = self._kpi_calendar_sql(), SQL.identifier(self._table)
        spans = self.env.execute_query(responses.spans_without_hours(query, table, calendar))
        # superuser: working hours are the same for all users
        calendars = self.env["resource.calendar"].sudo()
        return responses.with_working_hours(
            query,
            table,
            calendar,
            {
                id_: working_hours.work_intervals(calendars.browse(id_), first, last)
                for id_, first, last in spans
                if id_
            },
        )

    @api.model
    def _kpi_derive_working_hours(self, ids, start, stop, column, where=None):
        """Fill ``column`` with the working hours from ``start`` to ``stop`` where it is empty.

        Of the records ``ids`` with both dates that fulfil ``where``. A record without calendar
        counts round the clock.
        """
        start, stop = (SQL("r.%s", SQL.identifier(name)) for name in (start, stop))
        table = SQL.identifier(self._table)
        ranges = self.env.execute_query(
            SQL(
                """
                SELECT %(calendar)s, min(%(start)s), max(%(stop)s), array_agg(r.id)
                  FROM %(table)s AS r
                 WHERE r.id = ANY(%(ids)s) AND %(start)s IS NOT NULL AND %(stop)s IS NOT NULL
                   AND r.%(column)s IS NULL AND %(where)s
              GROUP BY 1
                """,
                calendar=self._kpi_calendar_sql(),
                start=start,
                stop=stop,
                table=table,
                ids=list(ids),
                column=SQL.identifier(column),
                where=where or SQL("TRUE"),
            )
        )
        for calendar_id, first, last, row_ids in ranges:
            if calendar_id:
                # superuser: working hours are the same for all users
                calendar = self.env["resource.calendar"].sudo().browse(calendar_id)
                intervals = working_hours.work_intervals(calendar, first, last)
                join = SQL("CROSS JOIN %s AS w", working_hours.intervals_table(intervals))
                hours = working_hours.worked_hours(start, stop)
            else:
                join = SQL()
                hours = working_hours.clock_hours(start, stop)
            self._kpi_update(
                [column],
                SQL(
                    "SELECT r.id, %s AS %s FROM %s AS r %s WHERE r.id = ANY(%s)",
                    hours,
                    SQL.identifier(column),
                    table,
                    join,
                    row_ids,
                ),
            )
