# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL

from ...fields import NullableFloat


class CrmKpiCustomerPeriod(models.Model):
    """One row per period and customer with a qualifying order before the period's end.

    Every customer's orders are gathered once, sorted, into arrays; what a row says is then found
    by binary search in them, so the cost is that of sorting the orders once plus the rows
    themselves. Columns that a reader of the rows does not name are not computed, nor is what
    only they need: PostgreSQL drops them.

    All instants are half-open: a customer is active at t when there is a qualifying order in
    [t - L, t), L being the inactivity window of the company, or of the customer's segment.
    Who is a customer, and since when, is a matter of qualifying orders; amounts of money are
    those of all confirmed orders, returns included.
    """

    _name = "crm.kpi.customer.period"
    _description = "Customer in a KPI period"
    _inherit = ["crm.kpi.period.rows"]
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
    own_user_id = fields.Many2one(
        "res.users",
        "Own salesperson",
        readonly=True,
        help="Salesperson of the customer, nobody else.",
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
    active_year_ago = fields.Boolean(
        "Active a year before the end",
        readonly=True,
        help="With an order in the inactivity window before the day a year before the end.",
    )
    is_top = fields.Boolean(
        "Among the best",
        readonly=True,
        help="Of the customers active at the start, the fifth with the highest revenue of the 24 "
        "months before. Nobody where there are fewer than five.",
    )
    is_at_risk = fields.Boolean(
        "At risk",
        readonly=True,
        help="Not lost, but silent at the end for longer than the days and the multiple of the "
        "usual gap in the settings. The usual gap is the customer's own median from the third "
        "day with orders on, before that the median of all customers.",
    )
    cross_sold = fields.Boolean(
        "Cross-sold", readonly=True, help="With a cross-sell order in the period."
    )
    upsold = fields.Boolean(readonly=True, help="With an upsell order in the period.")
    orders = fields.Integer(readonly=True, help="Number of orders in the period.")
    referrals = fields.Integer(
        readonly=True,
        help="Leads created in the period that name the customer, or a contact there, as referrer.",
    )
    tenure_months = NullableFloat(
        "Customer for (months)",
        readonly=True,
        aggregator="avg",
        help="Months of 30.4375 days from the first order to the start of the period.",
    )
    last_interaction_date = fields.Datetime(
        "Last contact",
        readonly=True,
        help="The last message, call or meeting before the period's end.",
    )
    interaction_days = NullableFloat(
        "Days since the last contact",
        readonly=True,
        aggregator="avg",
        help="From the last contact to the period's end (of a running period: to now). Empty "
        "when there never was any.",
    )
    revenue = fields.Monetary(
        currency_field="currency_id",
        readonly=True,
        help="Untaxed amount of the orders in the period, in the company's currency. As in all "
        "amounts here, returns and other orders below zero are deducted.",
    )
    revenue_before = fields.Monetary(
        "Revenue of the year before",
        currency_field="currency_id",
        readonly=True,
        help="Untaxed amount of the orders in the twelve months before the period.",
    )
    revenue_base = fields.Monetary(
        "Revenue of the same period last year",
        currency_field="currency_id",
        readonly=True,
        help="Untaxed amount of the orders in the period of the same length a year earlier.",
    )
    has_base = fields.Boolean(
        "Revenue last year", readonly=True, help="With revenue in the same period last year."
    )
    revenue_kept = fields.Monetary(
        currency_field="currency_id",
        readonly=True,
        help="The revenue of the period as far as it does not exceed that of the same period "
        "last year; never below zero.",
    )
    revenue_year = fields.Monetary(
        "Revenue of the last year",
        currency_field="currency_id",
        readonly=True,
        help="Untaxed amount of the orders in the twelve months before the period's end.",
    )
    margin_year = fields.Monetary(
        "Margin of the last year",
        currency_field="currency_id",
        readonly=True,
        help="Margin of the orders in the twelve months before the period's end.",
    )
    revenue_at_risk = fields.Monetary(
        currency_field="currency_id",
        readonly=True,
        help="The revenue of the last year of a customer at risk, of others 0.",
    )
    list_amount = fields.Monetary(
        "Amount before discount",
        currency_field="currency_id",
        readonly=True,
        help="Untaxed value of the orders in the period before discounts.",
    )
    discount_amount = fields.Monetary(
        "Discount", currency_field="currency_id", readonly=True, help="What was let off of it."
    )
    ltv = fields.Monetary(
        "Lifetime value",
        currency_field="currency_id",
        readonly=True,
        help="Untaxed amount of all confirmed orders until the period's end, less the lines of "
        "credit notes for them. By the settings instead: what was invoiced, less credit notes.",
    )
    ltv_margin = fields.Monetary(
        "Lifetime margin",
        currency_field="currency_id",
        readonly=True,
        help="The margin in the lifetime value: of the orders, where their costs are known, else "
        "by the margin rate of the company. Credit notes take the margin of their order.",
    )
    return_user_id = fields.Many2one(
        "res.users",
        "Won back by",
        readonly=True,
        help="Salesperson of the first order in the period, of a customer who was lost before.",
    )
    return_team_id = fields.Many2one(
        "crm.team",
        "Won back by team",
        readonly=True,
        help="Team of the first order in the period, of a customer who was lost before.",
    )
    day_end = fields.Date(
        "Last day",
        readonly=True,
        help="Last day of the period (of a running one: today), to know the customer's segment.",
    )
    day_year_ago = fields.Date(
        "Day a year before the end",
        readonly=True,
        help="To know the customer's segment a year before the period's end.",
    )

    @api.model
    def _kpi_query(self, period_ids, now):
        """The rows of these periods as known at ``now`` (naive UTC); later ones have none.

        The id is made of period and partner: it does not depend on what else there is.

        Each relation but ``span`` is used once, so that PostgreSQL merges it into the one that
        uses it and leaves out what nobody asks for. ``OFFSET 0`` keeps what is looked up in the
        arrays from being looked up again wherever it is used.
        """
        churn_threshold = self.env["crm.kpi.segment"]._churn_threshold_sql()
        return SQL(
            """
            WITH span AS (%(span)s),
            found AS (
                -- numbers of orders: n_ of those that make a customer, m_ (and one) of all
                SELECT s.*, h.partner_id, h.own_user_id, h.dates, h.users, h.teams, h.rhythms,
                       h.amounts, h.margins, h.lists, h.discounts,
                       %(inactivity)s AS inactivity,
                       %(factor)s AS factor,
                       width_bucket(s.before_start, h.dates) AS n_start,
                       width_bucket(s.before_end, h.dates) AS n_end,
                       width_bucket(s.before_year_ago, h.dates) AS n_year_ago,
                       width_bucket(s.before_start, h.all_dates) + 1 AS m_start,
                       width_bucket(s.before_end, h.all_dates) + 1 AS m_end,
                       width_bucket(s.before_year, h.all_dates) + 1 AS m_year,
                       width_bucket(s.before_two_years, h.all_dates) + 1 AS m_two_years,
                       width_bucket(s.before_base, h.all_dates) + 1 AS m_base,
                       width_bucket(s.before_base_end, h.all_dates) + 1 AS m_base_end,
                       width_bucket(s.before_year_ago, h.all_dates) + 1 AS m_year_ago,
                       width_bucket(s.before_end, h.cross_sells)
                           > width_bucket(s.before_start, h.cross_sells) AS cross_sold,
                       width_bucket(s.before_end, h.upsells)
                           > width_bucket(s.before_start, h.upsells) AS upsold,
                       width_bucket(s.before_end, r.dates)
                           - width_bucket(s.before_start, r.dates) AS referrals,
                       c.dates[width_bucket(s.before_end, c.dates)] AS last_interaction_date,
                       l.amounts[width_bucket(s.before_end, l.dates)] AS ledger_amount,
                       l.margins[width_bucket(s.before_end, l.dates)] AS ledger_margin,
                       g.days AS company_gap
                  FROM (%(rhythm)s) h
             LEFT JOIN (%(referrals)s) r
                    ON r.company_id = h.company_id AND r.partner_id = h.partner_id
             LEFT JOIN (%(contacts)s) c
                    ON c.company_id = h.company_id AND c.partner_id = h.partner_id
             LEFT JOIN (%(ledger)s) l
                    ON l.company_id = h.company_id AND l.partner_id = h.partner_id
                  JOIN span s ON s.company_id = h.company_id AND h.dates[1] <= s.before_end
             LEFT JOIN (%(gaps)s) g ON g.period_id = s.period_id
                %(churn_threshold)s
                OFFSET 0
            ),
            judged AS (
                SELECT f.*,
                       f.n_start > 0 AND f.dates[f.n_start] >= f.utc_from - f.inactivity
                           AS active_start,
                       f.dates[f.n_end] >= f.at - f.inactivity AS active_end,
                       f.n_year_ago > 0
                           AND f.dates[f.n_year_ago] >= f.year_ago - f.inactivity
                           AS active_year_ago,
                       f.amounts[f.m_end] - f.amounts[f.m_start] AS revenue,
                       f.amounts[f.m_base_end] - f.amounts[f.m_base] AS revenue_base,
                       f.amounts[f.m_start] - f.amounts[f.m_two_years] AS revenue_two_years
                  FROM found f
                OFFSET 0
            ),
            told AS (
                SELECT (j.period_id::bigint << 31) | j.partner_id AS id,
                       j.period_id, j.company_id, j.partner_id,
                       j.own_user_id,
                       COALESCE(j.own_user_id, j.users[GREATEST(j.n_start, 1)]) AS user_id,
                       j.teams[GREATEST(j.n_start, 1)] AS team_id,
                       j.active_start,
                       j.active_end,
                       j.active_year_ago,
                       j.n_end > j.n_start AS bought,
                       j.n_start > 0 AS had_before,
                       j.n_start = 0 AS is_new,
                       j.n_start > 0 AND NOT j.active_start AS lapsed,
                       j.active_start AND NOT j.active_end AS churned,
                       r.is_at_risk,
                       CASE r.is_at_risk
                            WHEN TRUE THEN (j.amounts[j.m_end] - j.amounts[j.m_year_ago]) * %(micro)s
                            WHEN FALSE THEN 0 END AS revenue_at_risk,
                       COALESCE(j.cross_sold, FALSE) AS cross_sold,
                       COALESCE(j.upsold, FALSE) AS upsold,
                       j.n_end - j.n_start AS orders,
                       COALESCE(j.referrals, 0) AS referrals,
                       CASE WHEN j.n_start > 0
                            THEN EXTRACT(EPOCH FROM j.utc_from - j.dates[1])::float8
                                 / (86400 * 30.4375) END AS tenure_months,
                       j.last_interaction_date,
                       EXTRACT(EPOCH FROM j.at - j.last_interaction_date)::float8 / 86400
                           AS interaction_days,
                       j.revenue * %(micro)s AS revenue,
                       (j.amounts[j.m_start] - j.amounts[j.m_year]) * %(micro)s AS revenue_before,
                       j.revenue_base * %(micro)s AS revenue_base,
                       j.revenue_base > 0 AS has_base,
                       GREATEST(LEAST(j.revenue, j.revenue_base), 0) * %(micro)s AS revenue_kept,
                       (j.amounts[j.m_end] - j.amounts[j.m_year_ago]) * %(micro)s AS revenue_year,
                       (j.margins[j.m_end] - j.margins[j.m_year_ago]) * %(micro)s AS margin_year,
                       (j.lists[j.m_end] - j.lists[j.m_start]) * %(micro)s AS list_amount,
                       (j.discounts[j.m_end] - j.discounts[j.m_start]) * %(micro)s
                           AS discount_amount,
                       (CASE j.revenue_basis WHEN 'invoiced' THEN 0 ELSE j.amounts[j.m_end] END
                            + COALESCE(j.ledger_amount, 0)) * %(micro)s AS ltv,
                       (CASE j.revenue_basis WHEN 'invoiced' THEN 0 ELSE j.margins[j.m_end] END
                            + COALESCE(j.ledger_margin, 0)) * %(micro)s AS ltv_margin,
                       b.won_back,
                       CASE WHEN b.won_back THEN j.users[j.n_start + 1] END AS return_user_id,
                       CASE WHEN b.won_back THEN j.teams[j.n_start + 1] END AS return_team_id,
                       j.revenue_two_years,
                       j.day_end,
                       j.day_year_ago
                  FROM judged j
            CROSS JOIN LATERAL (
                       SELECT j.n_start > 0 AND NOT j.active_start AND j.n_end > j.n_start
                              AS won_back) b
            CROSS JOIN LATERAL (
                       -- unknown where the company has no gap to go by
                       SELECT CASE WHEN j.company_gap IS NOT NULL
                                   THEN j.active_end
                                        AND j.dates[j.n_end] + interval '1 day' * GREATEST(
                                            j.at_risk_days,
                                            j.factor
                                            * COALESCE(j.rhythms[j.n_end], j.company_gap)) < j.at
                              END AS is_at_risk) r
                OFFSET 0
            )
            SELECT t.*,
                   t.active_start
                       AND ntile(5) OVER best = 1
                       AND count(*) OVER (PARTITION BY t.period_id, t.active_start) >= 5
                       AS is_top
              FROM told t
            WINDOW best AS (PARTITION BY t.period_id, t.active_start
                            ORDER BY t.revenue_two_years DESC, t.partner_id)
            """,
            span=self._kpi_span_sql(period_ids, now),
            rhythm=self._kpi_rhythm_sql(),
            referrals=self._kpi_referrals_sql(),
            contacts=self._kpi_contacts_sql(now),
            ledger=self._kpi_ledger_sql(),
            gaps=self._kpi_gaps_sql(),
            churn_threshold=SQL(
                """
                LEFT JOIN (%s) w ON w.period_id = s.period_id AND w.partner_id = h.partner_id
                """,
                churn_threshold,
            )
            if churn_threshold
            else SQL(),
            inactivity=SQL("COALESCE(w.inactivity, s.company_inactivity)")
            if churn_threshold
            else SQL("s.company_inactivity"),
            factor=SQL("COALESCE(w.factor, s.company_factor)")
            if churn_threshold
            else SQL("s.company_factor"),
            micro=SQL("0.000001"),
        )

    def _kpi_companies(self):
        # superuser: only settings of companies are read, to compute for all of them
        return self.env["res.company"].sudo().with_context(active_test=False).search([])

    @api.model
    def _kpi_span_sql(self, period_ids, now):
        """Query of the periods and the instants that matter in them.

        ``before_`` is one microsecond earlier, as bounds are exclusive; ``at`` is the period's
        end, of a running one now. The periods are named one by one, not looked up in their
        table: PostgreSQL then knows how many there are, whatever its statistics say, and does
        not gather what all of them share anew for each row.
        """

        def midnight(day):
            return SQL("(%s)::timestamp AT TIME ZONE p.tz AT TIME ZONE 'UTC'", SQL(day))

        def before(day):
            return SQL("%s - interval '1 microsecond'", midnight(day))

        # superuser: computed for everybody, read under record rules
        periods = self.env["crm.kpi.period"].sudo().browse(period_ids).exists()
        rows = [
            (
                period.id,
                period.company_id.id,
                period.kind,
                period.date_from,
                period.date_to,
                period.utc_from,
                min(period.utc_to, now),
                period.company_id._kpi_tz(),
                period.company_id.kpi_inactivity_days,
                period.company_id.kpi_at_risk_factor,
                period.company_id.kpi_at_risk_days,
                period.company_id.kpi_revenue_basis,
            )
            for period in periods
            if period.utc_from < now
        ]
        types = (
            "int", "int", "text", "date", "date", "timestamp", "timestamp", "text",
            "int", "float8", "int", "text",
        )  # fmt: skip
        columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * len(types)
        return SQL(
            """
            SELECT p.period_id, p.company_id, p.date_from, p.utc_from, p.at, d.day_year_ago,
                   ((p.at - interval '1 microsecond') AT TIME ZONE 'UTC' AT TIME ZONE p.tz)::date
                       AS day_end,
                   p.utc_from - interval '1 microsecond' AS before_start,
                   p.at - interval '1 microsecond' AS before_end,
                   %(before_year)s AS before_year,
                   %(before_two_years)s AS before_two_years,
                   %(before_base)s AS before_base,
                   %(before_base_end)s AS before_base_end,
                   %(year_ago)s AS year_ago,
                   %(before_year_ago)s AS before_year_ago,
                   make_interval(days => p.inactivity_days) AS company_inactivity,
                   p.at_risk_factor AS company_factor,
                   p.at_risk_days,
                   p.revenue_basis
              FROM unnest(%(columns)s)
                   AS p (period_id, company_id, kind, date_from, date_to, utc_from, at, tz,
                         inactivity_days, at_risk_factor, at_risk_days, revenue_basis)
        CROSS JOIN LATERAL (
                   SELECT ((p.at AT TIME ZONE 'UTC' AT TIME ZONE p.tz)::date
                           - interval '1 year')::date AS day_year_ago,
                          -- as the same period of last year elsewhere: weeks are whole ones
                          CASE WHEN p.kind IN ('day', 'week') THEN interval '364 days'
                               ELSE interval '1 year' END AS back) d
            """,
            before_year=before("p.date_from - interval '1 year'"),
            before_two_years=before("p.date_from - interval '2 years'"),
            before_base=before("p.date_from - d.back"),
            before_base_end=before("p.date_to - d.back"),
            year_ago=midnight("d.day_year_ago"),
            before_year_ago=before("d.day_year_ago"),
            columns=SQL(", ").join(
                SQL("%s::%s[]", column, SQL(kind))
                for column, kind in zip(columns, types, strict=True)
            ),
        )

    @api.model
    def _kpi_rhythm_sql(self):
        """Query of the customers: their orders, sorted, as arrays.

        Of the orders that make a customer: ``dates``, ``users``, ``teams``, ``gaps`` (days since
        the day with an order before) and ``rhythms``: the median of all gaps so far, found only
        where a period may end in a silence that is long enough to be a risk. Of all confirmed
        orders: ``all_dates`` and what they add up to, beginning with 0.
        """
        companies = self._kpi_companies()
        segments = self.env["crm.kpi.segment"]._overriding()
        return SQL(
            """
            SELECT h.*, NULLIF(p.user_id, %(root)s) AS own_user_id,
                   CASE WHEN cardinality(h.dates) > 2 THEN ARRAY(
                       SELECT CASE
                              WHEN n > 2
                               AND width_bucket(h.dates[n] + %(shortest)s, ends.at)
                                   < width_bucket(LEAST(h.dates[n + 1], h.dates[n] + %(longest)s),
                                                  ends.at)
                              THEN (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY gap)
                                      FROM unnest(h.gaps[2:n]) AS gap
                                    HAVING count(gap) > 1)
                              END
                         FROM generate_subscripts(h.dates, 1) AS n,
                              (SELECT array_agg(DISTINCT at ORDER BY at) AS at FROM span) AS ends
                     ORDER BY n)
                   END AS rhythms
              FROM (SELECT company_id, partner_id,
                           array_agg(date_order ORDER BY date_order, id) FILTER (WHERE counts)
                               AS dates,
                           array_agg(user_id ORDER BY date_order, id) FILTER (WHERE counts)
                               AS users,
                           array_agg(team_id ORDER BY date_order, id) FILTER (WHERE counts)
                               AS teams,
                           array_agg(kpi_gap_days ORDER BY date_order, id) FILTER (WHERE counts)
                               AS gaps,
                           array_agg(date_order ORDER BY date_order, id)
                               FILTER (WHERE counts AND kpi_is_cross_sell) AS cross_sells,
                           array_agg(date_order ORDER BY date_order, id)
                               FILTER (WHERE counts AND kpi_is_upsell) AS upsells,
                           array_agg(date_order ORDER BY date_order, id) AS all_dates,
                           0::bigint || array_agg(amount ORDER BY date_order, id) AS amounts,
                           0::bigint || array_agg(margin ORDER BY date_order, id) AS margins,
                           0::bigint || array_agg(list ORDER BY date_order, id) AS lists,
                           0::bigint || array_agg(discount ORDER BY date_order, id)
                               AS discounts
                      FROM (%(orders)s) AS o
                  GROUP BY company_id, partner_id) h
              JOIN res_partner p ON p.id = h.partner_id
            OFFSET 0
            """,
            root=SUPERUSER_ID,
            orders=self._kpi_orders_sql(),
            # a day less and a day more than may matter
            shortest=timedelta(days=min(companies.mapped("kpi_at_risk_days")) - 1),
            longest=timedelta(
                days=max(
                    *companies.mapped("kpi_inactivity_days"),
                    *segments.mapped("inactivity_days"),
                    0,
                )
                + 1
            ),
        )

    @api.model
    def _kpi_orders_sql(self):
        """Query of all confirmed orders of customers, with the sums of all until each."""

        def total(amount):
            # whole numbers: exact, and found in an array at once
            return SQL(
                "(sum(%s * 1000000) OVER so_far)::bigint", SQL("COALESCE(o.%s, 0)", SQL(amount))
            )

        return SQL(
            """
            SELECT o.id, o.company_id, p.commercial_partner_id AS partner_id, o.date_order,
                   o.kpi_is_qualifying AS counts,
                   o.kpi_gap_days, o.kpi_is_cross_sell, o.kpi_is_upsell,
                   -- orders that came in behind the stamps' back have today's owner
                   CASE WHEN o.kpi_first_confirm_date IS NULL THEN NULLIF(o.user_id, %(root)s)
                        ELSE o.kpi_confirm_user_id END AS user_id,
                   CASE WHEN o.kpi_first_confirm_date IS NULL THEN o.team_id
                        ELSE o.kpi_confirm_team_id END AS team_id,
                   %(amount)s AS amount,
                   %(margin)s AS margin,
                   %(list)s AS list,
                   %(discount)s AS discount
              FROM sale_order o
              JOIN res_partner p ON p.id = o.partner_id
             WHERE o.state = 'sale'
               AND o.company_id IN (SELECT company_id FROM span)
               AND o.date_order <= (SELECT max(before_end) FROM span)
               AND %(external)s
            WINDOW so_far AS (PARTITION BY o.company_id, p.commercial_partner_id
                              ORDER BY o.date_order, o.id)
            """,
            root=SUPERUSER_ID,
            amount=total("kpi_amount"),
            margin=total("kpi_margin"),
            list=total("kpi_list_amount"),
            discount=total("kpi_discount_amount"),
            external=self.env["sale.order"]._kpi_external_condition(SQL("p.commercial_partner_id")),
        )

    @api.model
    def _kpi_referrals_sql(self):
        """Query of the customers who referred leads: when these were created, sorted."""
        # superuser: whether there is more than one company is no secret
        only = self.env["res.company"].sudo().search([], limit=2)
        return SQL(
            """
            SELECT company_id, partner_id, array_agg(date ORDER BY date) AS dates
              FROM (SELECT COALESCE(%(company)s, %(only)s) AS company_id,
                           p.commercial_partner_id AS partner_id, r.create_date AS date
                      FROM crm_lead r
                      JOIN res_partner p ON p.id = r.kpi_referrer_id
                 LEFT JOIN crm_lost_reason x ON x.id = r.lost_reason_id
                     WHERE x.kpi_disqualified IS NOT TRUE) AS referral
             GROUP BY company_id, partner_id
            """,
            company=self.env["crm.lead"]._kpi_company_sql(),
            # in a database of one company a lead that names none can only be that one's
            only=only.id if len(only) == 1 else None,
        )

    @api.model
    def _kpi_contacts_sql(self, now):
        """Query of the customers whom somebody talked to: the last time before each end.

        What names no company, such as a message to the contact itself, counts in all of them.
        """
        return SQL(
            """
            SELECT company_id, partner_id, array_agg(date ORDER BY date) AS dates
              FROM (SELECT s.company_id, i.partner_id, max(i.date) AS date
                      FROM (SELECT company_id, array_agg(DISTINCT at ORDER BY at) AS ends
                              FROM span GROUP BY company_id) s
                      JOIN (%s) i
                        ON i.company_id = s.company_id OR i.company_id IS NULL
                  GROUP BY s.company_id, i.partner_id, width_bucket(i.date, s.ends)) AS last
             GROUP BY company_id, partner_id
            """,
            SQL(" UNION ALL ").join(self._kpi_contact_queries(now)),
        )

    @api.model
    def _kpi_contact_queries(self, now):
        """Queries (company_id, partner_id, date) of exchanges with commercial partners."""
        return [
            SQL(
                """
                SELECT i.company_id, i.partner_id, i.date
                  FROM crm_kpi_interaction i WHERE i.partner_id IS NOT NULL AND %s
                """,
                self.env["crm.kpi.interaction"]._kpi_is_contact_sql("i"),
            ),
            # meetings of the calendar that somebody of ours held
            SQL(
                """
                SELECT u.company_id, p.commercial_partner_id AS partner_id, e.start AS date
                  FROM calendar_event e
                  JOIN calendar_event_res_partner_rel a ON a.calendar_event_id = e.id
                  JOIN res_partner p ON p.id = a.res_partner_id
                  JOIN res_users u ON u.id = e.user_id AND u.share IS NOT TRUE AND u.id <> %s
                 WHERE e.active AND e.stop <= %s
                """,
                SUPERUSER_ID,
                now,
            ),
        ]

    @api.model
    def _kpi_ledger_sql(self):
        """Query of what customers brought beside their orders, added up, sorted by time.

        The revenue basis of the company decides: credit notes for the orders, or all that was
        invoiced. A document counts from the beginning of its day on.
        """
        return SQL(
            """
            SELECT company_id, partner_id,
                   array_agg(date ORDER BY date, id) AS dates,
                   array_agg(amount ORDER BY date, id) AS amounts,
                   array_agg(margin ORDER BY date, id) AS margins
              FROM (SELECT company_id, partner_id, date, id,
                           (sum(amount * 1000000) OVER so_far)::bigint AS amount,
                           (sum(margin * 1000000) OVER so_far)::bigint AS margin
                      FROM (SELECT d.id, d.company_id, d.partner_id, d.amount, d.margin,
                                   d.day::timestamp AT TIME ZONE z.tz AT TIME ZONE 'UTC' AS date
                              FROM (%s) d
                              JOIN (VALUES %s) z (company_id, tz)
                                ON z.company_id = d.company_id) AS dated
                    WINDOW so_far AS (PARTITION BY company_id, partner_id ORDER BY date, id)
                   ) AS added
             GROUP BY company_id, partner_id
            """,
            SQL(" UNION ALL ").join(SQL("(%s)", query) for query in self._kpi_ledger_queries()),
            self._kpi_zones_sql(),
        )

    @api.model
    def _kpi_ledger_queries(self):
        """Queries (id, company_id, partner_id, day, amount, margin) of documents."""
        return [
            # lines of credit notes for orders, at the rate of the credit note; the margin
            # goes with them as it came with the order
            SQL(
                """
                SELECT DISTINCT ON (l.id)
                       l.id, o.company_id, p.commercial_partner_id AS partner_id,
                       COALESCE(m.invoice_date, m.date) AS day, -l.balance AS amount,
                       -l.balance * COALESCE(o.kpi_margin / NULLIF(o.kpi_amount, 0),
                                             co.kpi_margin_rate::numeric) AS margin
                  FROM account_move m
                  JOIN account_move_line l ON l.move_id = m.id AND l.display_type = 'product'
                  JOIN sale_order_line_invoice_rel r ON r.invoice_line_id = l.id
                  JOIN sale_order_line s ON s.id = r.order_line_id
                  JOIN sale_order o ON o.id = s.order_id AND o.state = 'sale'
                  JOIN res_company co ON co.id = o.company_id
                   AND co.kpi_revenue_basis IS DISTINCT FROM 'invoiced'
                  JOIN res_partner p ON p.id = o.partner_id
                 WHERE m.move_type = 'out_refund' AND m.state = 'posted'
                   AND m.company_id IN (SELECT company_id FROM span)
              ORDER BY l.id, s.id
                """
            ),
            SQL(
                """
                SELECT m.id, m.company_id, m.commercial_partner_id,
                       COALESCE(m.invoice_date, m.date), m.amount_untaxed_signed,
                       m.amount_untaxed_signed * co.kpi_margin_rate::numeric
                  FROM account_move m
                  JOIN res_company co ON co.id = m.company_id
                   AND co.kpi_revenue_basis = 'invoiced'
                 WHERE m.move_type IN ('out_invoice', 'out_refund', 'out_receipt')
                   AND m.state = 'posted'
                   AND m.company_id IN (SELECT company_id FROM span)
                """
            ),
        ]

    @api.model
    def _kpi_gaps_sql(self):
        """Query of the median of all gaps of all customers until the end of each period.

        Gaps are whole days: how often there was each of them says it all.
        """
        return SQL(
            """
            SELECT period_id,
                   (min(gap) FILTER (WHERE upto >= (n + 1) / 2)
                    + min(gap) FILTER (WHERE upto >= n / 2 + 1)) / 2.0 AS days
              FROM (SELECT s.period_id, g.gap,
                           (sum(sum(g.n)) OVER (PARTITION BY s.period_id ORDER BY g.gap))::bigint
                               AS upto,
                           (sum(sum(g.n)) OVER (PARTITION BY s.period_id))::bigint AS n
                      FROM (SELECT o.company_id, o.kpi_gap_days AS gap, count(*) AS n,
                                   width_bucket(o.date_order, e.ends) AS bucket, e.ends
                              FROM sale_order o
                              JOIN (SELECT company_id, array_agg(DISTINCT at ORDER BY at) AS ends
                                      FROM span GROUP BY company_id) e
                                ON e.company_id = o.company_id
                             WHERE o.kpi_gap_days > 0 AND o.kpi_is_qualifying
                          GROUP BY o.company_id, gap, bucket, e.ends) AS g
                      JOIN span s ON s.company_id = g.company_id
                                 AND width_bucket(s.at, g.ends) > g.bucket
                  GROUP BY s.period_id, g.gap) AS counted
             GROUP BY period_id
            """
        )

    def _kpi_zones_sql(self):
        return SQL(", ").join(
            SQL("(%s, %s)", company.id, company._kpi_tz()) for company in self._kpi_companies()
        )
