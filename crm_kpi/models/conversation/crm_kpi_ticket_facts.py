# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is derived of tickets: solution, effort, repetitions, first-contact resolution."""

from odoo import api, fields, models
from odoo.tools import SQL

from ...fields import NullableFloat

#: a further contact within so many days after the closing means it was not solved at once
FCR_DAYS = 7
#: a re-opening within so many days after the first closing counts against it
REOPEN_DAYS = 14


class CrmKpiTicketMixin(models.AbstractModel):
    _inherit = "crm.kpi.ticket.mixin"  # pylint: disable=consider-merging-classes-inherited

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
            SQL("%s IS NOT DISTINCT FROM %s", *both(self._kpi_response_company_field)),
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
