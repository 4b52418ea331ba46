# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.tools import SQL


class CrmKpiCustomerPeriod(models.Model):
    """One row per period and customer with a qualifying order before the period's end.

    Nothing is stored: the rows are made for the periods named in the context key
    ``crm_kpi_period_ids`` (none: no rows). Every customer's orders are gathered once, sorted,
    into arrays; what a row says is then found by binary search in them, so the cost is that of
    sorting the orders once plus the rows themselves.

    All instants are half-open: a customer is active at t when there is a qualifying order in
    [t - L, t), L being the company's inactivity window.
    """

    _name = "crm.kpi.customer.period"
    _description = "Customer in a KPI period"
    _auto = False
    _order = "period_id, partner_id"
    _rec_name = "partner_id"
    _depends = {
        "sale.order": [
            "company_id",
            "partner_id",
            "date_order",
            "kpi_amount",
            "kpi_is_qualifying",
            "kpi_first_confirm_date",
            "kpi_confirm_user_id",
            "kpi_confirm_team_id",
            "user_id",
            "team_id",
        ],
        "res.partner": ["commercial_partner_id", "user_id"],
        "res.company": ["partner_id", "kpi_inactivity_days"],
        "res.users": ["partner_id", "share"],
        "crm.kpi.period": ["company_id", "date_from", "utc_from", "utc_to"],
    }

    period_id = fields.Many2one("crm.kpi.period", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    partner_id = fields.Many2one(
        "res.partner", "Customer", readonly=True, help="The commercial partner."
    )
    user_id = fields.Many2one(
        "res.users",
        "Salesperson",
        readonly=True,
        help="Salesperson of the customer, else of the customer's last order before the period, "
        "else of the first order in it.",
    )
    team_id = fields.Many2one(
        "crm.team",
        "Sales team",
        readonly=True,
        help="Team of the customer's last order before the period, else of the first in it.",
    )
    active_start = fields.Boolean(
        "Active at the start",
        readonly=True,
        help="With an order in the inactivity window before the period.",
    )
    active_end = fields.Boolean(
        "Active at the end",
        readonly=True,
        help="With an order in the inactivity window before the period's end "
        "(of a running period: before now).",
    )
    bought = fields.Boolean(readonly=True, help="With an order in the period.")
    had_before = fields.Boolean(
        "Known customer", readonly=True, help="With an order before the period."
    )
    is_new = fields.Boolean(
        "New customer", readonly=True, help="The first order of all falls in the period."
    )
    lapsed = fields.Boolean(
        "Lost before",
        readonly=True,
        help="Known, but without an order in the inactivity window before the period.",
    )
    won_back = fields.Boolean(readonly=True, help="Lost before, and ordered in the period.")
    churned = fields.Boolean(
        "Lost in the period", readonly=True, help="Active at the start, not at the end."
    )
    orders = fields.Integer(readonly=True, help="Number of orders in the period.")
    revenue = fields.Monetary(
        currency_field="currency_id",
        readonly=True,
        help="Untaxed amount of the orders in the period, in the company's currency.",
    )
    revenue_before = fields.Monetary(
        "Revenue of the year before",
        currency_field="currency_id",
        readonly=True,
        help="Untaxed amount of the orders in the twelve months before the period.",
    )
    currency_id = fields.Many2one(related="company_id.currency_id")

    @property
    def _table_query(self):
        period_ids = [int(id_) for id_ in self.env.context.get("crm_kpi_period_ids") or ()]
        return self._kpi_query(period_ids, fields.Datetime.now())

    @api.model
    def _kpi_query(self, period_ids, now):
        """The rows of these periods as known at ``now`` (naive UTC); later ones have none.

        The id is made of period and partner: it does not depend on what else there is.
        """
        # superuser: only settings of companies are read, to compute for all of them
        companies = self.env["res.company"].sudo().with_context(active_test=False).search([])
        return SQL(
            """
            WITH zone (company_id, tz) AS (VALUES %(zones)s),
            span AS (
                SELECT p.id AS period_id, p.company_id,
                       -- one microsecond before each bound, as bounds are exclusive
                       p.utc_from - interval '1 microsecond' AS before_start,
                       LEAST(p.utc_to, %(now)s::timestamp) - interval '1 microsecond'
                           AS before_end,
                       (p.date_from - interval '1 year') AT TIME ZONE z.tz AT TIME ZONE 'UTC'
                           - interval '1 microsecond' AS before_year,
                       p.utc_from - make_interval(days => co.kpi_inactivity_days)
                           AS active_from_start,
                       LEAST(p.utc_to, %(now)s::timestamp)
                           - make_interval(days => co.kpi_inactivity_days) AS active_from_end
                  FROM crm_kpi_period p
                  JOIN zone z ON z.company_id = p.company_id
                  JOIN res_company co ON co.id = p.company_id
                 WHERE p.id = ANY(%(period_ids)s::int[])
                   AND p.utc_from < %(now)s::timestamp
            ),
            fact AS (
                SELECT o.id, o.company_id, p.commercial_partner_id AS partner_id, o.date_order,
                       -- orders that came in behind the stamps' back have today's owner
                       CASE WHEN o.kpi_first_confirm_date IS NULL THEN NULLIF(o.user_id, 1)
                            ELSE o.kpi_confirm_user_id END AS user_id,
                       CASE WHEN o.kpi_first_confirm_date IS NULL THEN o.team_id
                            ELSE o.kpi_confirm_team_id END AS team_id,
                       sum(o.kpi_amount) OVER (
                           PARTITION BY o.company_id, p.commercial_partner_id
                           ORDER BY o.date_order, o.id) AS total
                  FROM sale_order o
                  JOIN res_partner p ON p.id = o.partner_id
                 WHERE o.kpi_is_qualifying
                   AND o.company_id IN (SELECT company_id FROM span)
                   AND o.date_order <= (SELECT max(before_end) FROM span)
                   AND %(external)s
            ),
            history AS (
                SELECT company_id, partner_id,
                       array_agg(date_order ORDER BY date_order, id) AS dates,
                       array_agg(total ORDER BY date_order, id) AS totals,
                       array_agg(user_id ORDER BY date_order, id) AS users,
                       array_agg(team_id ORDER BY date_order, id) AS teams
                  FROM fact
              GROUP BY company_id, partner_id
            ),
            found AS (
                -- numbers of orders before the start, the end and the year before the start
                SELECT s.*, h.partner_id, h.dates, h.totals, h.users, h.teams,
                       width_bucket(s.before_start, h.dates) AS n_start,
                       width_bucket(s.before_end, h.dates) AS n_end,
                       width_bucket(s.before_year, h.dates) AS n_year
                  FROM span s
                  JOIN history h ON h.company_id = s.company_id AND h.dates[1] <= s.before_end
            ),
            judged AS (
                SELECT f.*,
                       f.n_start > 0 AND f.dates[f.n_start] >= f.active_from_start
                           AS active_start,
                       f.dates[f.n_end] >= f.active_from_end AS active_end
                  FROM found f
            )
            SELECT (j.period_id::bigint << 31) | j.partner_id AS id,
                   j.period_id, j.company_id, j.partner_id,
                   COALESCE(p.user_id, j.users[GREATEST(j.n_start, 1)]) AS user_id,
                   j.teams[GREATEST(j.n_start, 1)] AS team_id,
                   j.active_start,
                   j.active_end,
                   j.n_end > j.n_start AS bought,
                   j.n_start > 0 AS had_before,
                   j.n_start = 0 AS is_new,
                   j.n_start > 0 AND NOT j.active_start AS lapsed,
                   j.n_start > 0 AND NOT j.active_start AND j.n_end > j.n_start AS won_back,
                   j.active_start AND NOT j.active_end AS churned,
                   j.n_end - j.n_start AS orders,
                   j.totals[j.n_end] - COALESCE(j.totals[j.n_start], 0) AS revenue,
                   COALESCE(j.totals[j.n_start], 0) - COALESCE(j.totals[j.n_year], 0)
                       AS revenue_before
              FROM judged j
              JOIN res_partner p ON p.id = j.partner_id
            """,
            zones=SQL(", ").join(
                SQL("(%s, %s)", company.id, company._kpi_tz()) for company in companies
            ),
            now=now,
            period_ids=period_ids,
            external=self.env["sale.order"]._kpi_external_condition(SQL("p.commercial_partner_id")),
        )
