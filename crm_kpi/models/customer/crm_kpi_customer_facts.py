# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How the rows of crm.kpi.customer come about: always in sets, by the same statements.

1. What concerns a customer alone (orders, value, rhythm, conversations) is derived for the
   customers marked in the queue, under the ids of any of their contacts.
2. What needs all customers of a company (the usual gap of those without their own, RFM) or the
   clock (twelve months) is derived for the companies with such a change, and once a day.
"""

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL

from ...engine.periods import local_day, utc_midnight

#: Queue of the companies whose customers are to be compared with each other again.
COMPANIES = "res.company"
#: What step 1 derives, beside company and partner.
FACTS = (
    "user_id",
    "team_id",
    "first_order_date",
    "last_order_date",
    "order_count",
    "ltv_to_date",
    "ltv_margin",
    "own_gap_days",
    "last_interaction_date",
    "last_inbound_date",
    "last_outbound_date",
)
#: Those of them whose change may change what step 2 derives.
COMPARED = ("first_order_date", "last_order_date", "order_count", "ltv_to_date", "own_gap_days")
#: What step 2 derives.
STANDING = (
    "churn_date",
    "at_risk_date",
    "revenue_12m",
    "rfm_r",
    "rfm_f",
    "rfm_m",
    "rfm_class",
)
#: Least customers for scores.
RFM_LEAST = 5
#: Months of orders that scores look at.
RFM_MONTHS = 24


class CrmKpiCustomer(models.Model):
    _inherit = "crm.kpi.customer"  # pylint: disable=consider-merging-classes-inherited

    # ------------------------------------------------------------------
    # marking; unlike elsewhere the marks are ids of contacts, the customer may be new
    # ------------------------------------------------------------------
    @api.model
    def _kpi_mark_all_dirty(self):
        """Mark whoever may have a row (back-fill, changed settings)."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO crm_kpi_dirty (res_model, res_id)
                     SELECT %s, partner_id
                       FROM (SELECT p.commercial_partner_id
                               FROM sale_order o JOIN res_partner p ON p.id = o.partner_id
                              WHERE o.state = 'sale'
                              UNION
                             SELECT partner_id FROM crm_kpi_interaction
                              UNION
                             SELECT p.commercial_partner_id
                               FROM calendar_event_res_partner_rel r
                               JOIN res_partner p ON p.id = r.res_partner_id
                              UNION
                             SELECT partner_id FROM crm_kpi_customer) AS c (partner_id)
                      WHERE partner_id IS NOT NULL
                   ORDER BY partner_id
                """,
                self._name,
            )
        )

    @api.model
    def _kpi_mark_companies(self, company_ids):
        """Have all customers of these companies compared again: a setting has changed."""
        self.env["crm.kpi.dirty"]._push(COMPANIES, company_ids)

    @api.model
    def _kpi_stale_ids(self):
        # a meeting of the calendar counts from its end on, without anybody writing anything
        now = fields.Datetime.now()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT p.id
                  FROM calendar_event e
                  JOIN calendar_event_res_partner_rel r ON r.calendar_event_id = e.id
                  JOIN res_partner p ON p.id = r.res_partner_id
                  JOIN res_users u ON u.id = e.user_id AND u.share IS NOT TRUE AND u.id <> %(root)s
                 WHERE e.active AND e.stop <= %(now)s
                   AND e.stop > %(now)s - interval '40 days'
                   AND %(external)s
                   AND NOT EXISTS (SELECT FROM crm_kpi_customer k
                                    WHERE k.partner_id = p.commercial_partner_id
                                      AND k.last_interaction_date >= e.start)
                """,
                now=now,
                root=SUPERUSER_ID,
                external=self.env["sale.order"]._kpi_external_condition(
                    SQL("p.commercial_partner_id")
                ),
            )
        )
        return [*super()._kpi_stale_ids(), *(id_ for (id_,) in rows)]

    # ------------------------------------------------------------------
    # step 1: each customer by itself
    # ------------------------------------------------------------------
    @api.model
    def _kpi_derive(self):
        done = super()._kpi_derive()
        for company in self._companies_to_compare():
            self._kpi_derive_standing(company)
            done += 1
        return done

    @api.model
    def _kpi_derive_records(self, ids):
        """Bring the rows of the customers to whom the contacts ``ids`` belong in line.

        One statement: rows of who is no customer any more go, new ones are inserted, changed
        ones updated and equal ones left alone.
        """
        result = super()._kpi_derive_records(ids)
        columns = SQL(", ").join(SQL.identifier(name) for name in FACTS)
        rows = self.env.execute_query(
            SQL(
                """
                WITH want AS MATERIALIZED (%(want)s),
                changed AS (
                    SELECT w.company_id
                      FROM want w
                 LEFT JOIN crm_kpi_customer k
                        ON k.company_id = w.company_id AND k.partner_id = w.partner_id
                     WHERE k.id IS NULL OR (%(old_compared)s) IS DISTINCT FROM (%(new_compared)s)
                ), gone AS (
                    DELETE FROM crm_kpi_customer k
                     WHERE k.partner_id IN (SELECT id FROM res_partner WHERE id = ANY(%(ids)s)
                                             UNION
                                            SELECT commercial_partner_id FROM res_partner
                                             WHERE id = ANY(%(ids)s))
                       AND NOT EXISTS (SELECT FROM want w
                                        WHERE w.company_id = k.company_id
                                          AND w.partner_id = k.partner_id)
                 RETURNING k.company_id
                ), put AS (
                    INSERT INTO crm_kpi_customer AS k
                                (company_id, partner_id, %(columns)s,
                                 create_uid, create_date, write_uid, write_date)
                         SELECT company_id, partner_id, %(columns)s,
                                %(uid)s, clock_timestamp() AT TIME ZONE 'UTC',
                                %(uid)s, clock_timestamp() AT TIME ZONE 'UTC'
                           FROM want
                    ON CONFLICT (company_id, partner_id) DO UPDATE
                            SET (%(columns)s, write_date) = ROW(%(excluded)s, excluded.write_date)
                          WHERE ROW(%(old)s) IS DISTINCT FROM ROW(%(excluded)s)
                )
                SELECT company_id FROM changed UNION SELECT company_id FROM gone
                """,
                want=self._kpi_facts_query(ids),
                ids=list(ids),
                columns=columns,
                excluded=SQL(", ").join(SQL("excluded.%s", SQL.identifier(name)) for name in FACTS),
                old=SQL(", ").join(SQL("k.%s", SQL.identifier(name)) for name in FACTS),
                old_compared=SQL(", ").join(SQL("k.%s", SQL.identifier(n)) for n in COMPARED),
                new_compared=SQL(", ").join(SQL("w.%s", SQL.identifier(n)) for n in COMPARED),
                uid=SUPERUSER_ID,
            )
        )
        self._kpi_mark_companies([company_id for (company_id,) in rows])
        return result

    @api.model
    def _kpi_facts_query(self, ids):
        """Query of company, partner and FACTS of the customers of the contacts ``ids``."""
        # superuser: rows are derived for all companies, by their time zones and settings
        companies = self.env["res.company"].sudo().with_context(active_test=False).search([])
        return SQL(
            """
            WITH customer AS MATERIALIZED (
                SELECT DISTINCT p.commercial_partner_id AS partner_id
                  FROM res_partner p
                 WHERE p.id = ANY(%(ids)s) AND %(external)s
            ),
            zone (company_id, basis, margin_rate) AS (VALUES %(companies)s),
            sale AS MATERIALIZED (
                SELECT o.id, o.company_id, c.partner_id, o.date_order, o.kpi_amount, o.kpi_margin,
                       z.basis, z.margin_rate,
                       o.kpi_is_qualifying AS qualifying, o.kpi_gap_days,
                       -- orders that came in behind the stamps' back have today's owner
                       CASE WHEN o.kpi_first_confirm_date IS NULL THEN NULLIF(o.user_id, %(root)s)
                            ELSE o.kpi_confirm_user_id END AS user_id,
                       CASE WHEN o.kpi_first_confirm_date IS NULL THEN o.team_id
                            ELSE o.kpi_confirm_team_id END AS team_id
                  FROM customer c
                  JOIN res_partner p ON p.commercial_partner_id = c.partner_id
                  JOIN sale_order o ON o.partner_id = p.id AND o.state = 'sale'
                  JOIN zone z ON z.company_id = o.company_id
            ),
            money AS (
                SELECT company_id, partner_id, sum(amount) AS amount, sum(margin) AS margin
                  FROM (%(money)s) AS m
              GROUP BY company_id, partner_id
            ),
            bought AS (
                SELECT company_id, partner_id,
                       min(date_order) FILTER (WHERE qualifying) AS first_order_date,
                       max(date_order) FILTER (WHERE qualifying) AS last_order_date,
                       count(*) FILTER (WHERE qualifying)::int AS order_count,
                       (array_agg(user_id ORDER BY date_order DESC, id DESC)
                           FILTER (WHERE qualifying))[1] AS user_id,
                       (array_agg(team_id ORDER BY date_order DESC, id DESC)
                           FILTER (WHERE qualifying))[1] AS team_id
                  FROM sale
              GROUP BY company_id, partner_id
            ),
            gap AS (
                SELECT company_id, partner_id,
                       percentile_cont(0.5) WITHIN GROUP (ORDER BY kpi_gap_days) AS days
                  FROM sale
                 WHERE qualifying AND kpi_gap_days > 0
              GROUP BY company_id, partner_id
                HAVING count(*) >= 2
            ),
            contact AS MATERIALIZED (%(contacts)s),
            known AS (
                SELECT company_id, partner_id FROM bought
                 UNION
                SELECT company_id, partner_id FROM money
                 UNION
                SELECT company_id, partner_id FROM contact WHERE company_id IS NOT NULL
            ),
            pair AS (
                SELECT company_id, partner_id FROM known
                 UNION
                -- a contact of all companies that only exchanged messages on itself
                SELECT COALESCE(p.company_id, u.company_id, s.company_id, %(only_company)s),
                       c.partner_id
                  FROM contact c
                  JOIN res_partner p ON p.id = c.partner_id
             LEFT JOIN res_users u ON u.id = c.user_id
             LEFT JOIN res_users s ON s.id = p.user_id
                 WHERE NOT EXISTS (SELECT FROM known WHERE known.partner_id = c.partner_id)
            ),
            talk AS (
                SELECT pair.company_id, pair.partner_id,
                       max(c.date) AS last_date,
                       max(c.date) FILTER (WHERE c.direction <> 'out') AS last_in,
                       max(c.date) FILTER (WHERE c.direction <> 'in') AS last_out
                  FROM pair
                  JOIN contact c
                    ON c.partner_id = pair.partner_id
                   AND (c.company_id = pair.company_id OR c.company_id IS NULL)
              GROUP BY pair.company_id, pair.partner_id
            )
            SELECT pair.company_id, pair.partner_id,
                   COALESCE(NULLIF(p.user_id, %(root)s), b.user_id) AS user_id,
                   b.team_id,
                   b.first_order_date,
                   b.last_order_date,
                   COALESCE(b.order_count, 0) AS order_count,
                   COALESCE(m.amount, 0) AS ltv_to_date,
                   COALESCE(m.margin, 0) AS ltv_margin,
                   g.days AS own_gap_days,
                   t.last_date AS last_interaction_date,
                   t.last_in AS last_inbound_date,
                   t.last_out AS last_outbound_date
              FROM pair
              JOIN res_partner p ON p.id = pair.partner_id
         LEFT JOIN bought b ON b.company_id = pair.company_id AND b.partner_id = pair.partner_id
         LEFT JOIN money m ON m.company_id = pair.company_id AND m.partner_id = pair.partner_id
         LEFT JOIN gap g ON g.company_id = pair.company_id AND g.partner_id = pair.partner_id
         LEFT JOIN talk t ON t.company_id = pair.company_id AND t.partner_id = pair.partner_id
             WHERE pair.company_id IS NOT NULL
            """,
            ids=list(ids),
            external=self.env["sale.order"]._kpi_external_condition(SQL("p.commercial_partner_id")),
            companies=SQL(", ").join(
                SQL(
                    "(%s, %s, %s)",
                    company.id,
                    company.kpi_revenue_basis,
                    company.kpi_margin_rate,
                )
                for company in companies
            ),
            money=SQL(" UNION ALL ").join(self._kpi_money_queries()),
            contacts=SQL(" UNION ALL ").join(self._kpi_contact_queries()),
            only_company=companies.id if len(companies) == 1 else None,
            root=SUPERUSER_ID,
        )

    @api.model
    def _kpi_money_queries(self):
        """Queries (company_id, partner_id, amount, margin) of what customers brought so far.

        They read the relations ``customer``, ``zone`` and ``sale`` of :meth:`_kpi_facts_query`.
        """
        return [
            SQL(
                """
                SELECT company_id, partner_id, kpi_amount AS amount,
                       COALESCE(kpi_margin, kpi_amount * margin_rate) AS margin
                  FROM sale WHERE basis = 'ordered'
                """
            ),
            # credited lines of these orders, in company currency at the rate of the credit note;
            # with them goes the margin that the order had
            SQL(
                """
                SELECT company_id, partner_id, -balance, -balance * share
                  FROM (SELECT s.company_id, s.partner_id, l.id, l.balance,
                               min(COALESCE(s.kpi_margin / NULLIF(s.kpi_amount, 0),
                                            s.margin_rate)) AS share
                          FROM sale s
                          JOIN sale_order_line sl ON sl.order_id = s.id
                          JOIN sale_order_line_invoice_rel r ON r.order_line_id = sl.id
                          JOIN account_move_line l
                            ON l.id = r.invoice_line_id AND l.parent_state = 'posted'
                          JOIN account_move m ON m.id = l.move_id AND m.move_type = 'out_refund'
                         WHERE s.basis = 'ordered'
                      GROUP BY s.company_id, s.partner_id, l.id) AS credited
                """
            ),
            SQL(
                """
                SELECT m.company_id, c.partner_id, m.amount_untaxed_signed,
                       m.amount_untaxed_signed * z.margin_rate
                  FROM customer c
                  JOIN account_move m ON m.commercial_partner_id = c.partner_id
                   AND m.state = 'posted'
                   AND m.move_type IN ('out_invoice', 'out_refund', 'out_receipt')
                  JOIN zone z ON z.company_id = m.company_id AND z.basis = 'invoiced'
                """
            ),
        ]

    @api.model
    def _kpi_contact_queries(self):
        """Queries (partner_id, company_id, user_id, date, direction) of exchanges with customers.

        They read the relation ``customer`` (partner_id: commercial partners). Without company:
        an exchange with the whole house.
        """
        return [
            SQL(
                """
                SELECT c.partner_id, i.company_id, i.user_id, i.date, i.direction
                  FROM customer c
                  JOIN crm_kpi_interaction i ON i.partner_id = c.partner_id AND %s
                """,
                self.env["crm.kpi.interaction"]._kpi_is_contact_sql("i"),
            ),
            # meetings of the calendar that were held with somebody of ours
            SQL(
                """
                SELECT c.partner_id, u.company_id, u.id AS user_id, e.start AS date,
                       'both' AS direction
                  FROM customer c
                  JOIN res_partner p ON p.commercial_partner_id = c.partner_id
                  JOIN calendar_event_res_partner_rel r ON r.res_partner_id = p.id
                  JOIN calendar_event e
                    ON e.id = r.calendar_event_id AND e.active AND e.stop <= %s
                  JOIN res_users u ON u.id = e.user_id AND u.share IS NOT TRUE AND u.id <> %s
                """,
                fields.Datetime.now(),
                SUPERUSER_ID,
            ),
        ]

    # ------------------------------------------------------------------
    # step 2: all customers of a company
    # ------------------------------------------------------------------
    @api.model
    def _companies_to_compare(self):
        """Companies with a marked change, and those whose day has changed."""
        marked = set()
        while ids := self.env["crm.kpi.dirty"]._pop(COMPANIES, 10_000):
            marked.update(ids)
        now = fields.Datetime.now()
        # superuser: all companies, whoever starts the refresh
        companies = self.env["res.company"].sudo().with_context(active_test=False).search([])
        return companies.filtered(
            lambda company: (
                company.id in marked
                or company.kpi_customers_date != local_day(now, company._kpi_tz())
            )
        )

    @api.model
    def _kpi_derive_standing(self, company):
        """Derive STANDING of all customers of a company: one statement."""
        now = fields.Datetime.now()
        tz = company._kpi_tz()
        today = local_day(now, tz)
        self._kpi_update(STANDING, self._kpi_standing_query(company, now))
        self.invalidate_model(STANDING)
        if company.kpi_customers_date != today:
            # one small write a day
            company.kpi_customers_date = today

    @api.model
    def _kpi_standing_query(self, company, now):
        """Query of id and STANDING of the customers of a company."""
        tz = company._kpi_tz()
        today = local_day(now, tz)
        churn_threshold = self.env["crm.kpi.segment"]._churn_threshold_sql()
        facts = SQL(
            """
            SELECT 0 AS moment, l.partner_id, s.last_day, s.days, s.amount, l.orders,
                   l.churn_date < %s AS churned
              FROM limits l
         LEFT JOIN scored s ON s.partner_id = l.partner_id
             WHERE l.orders > 0
            """,
            now,
        )
        return SQL(
            """
            WITH sale AS MATERIALIZED (
                SELECT p.commercial_partner_id AS partner_id, o.date_order, o.kpi_amount,
                       o.kpi_is_qualifying AS qualifying, o.kpi_gap_days,
                       (o.date_order AT TIME ZONE 'UTC' AT TIME ZONE %(tz)s)::date AS day
                  FROM sale_order o
                  JOIN res_partner p ON p.id = o.partner_id
                 WHERE o.company_id = %(company)s AND o.state = 'sale'
            ),
            scored AS (
                SELECT partner_id, max(day) AS last_day, count(DISTINCT day) AS days,
                       sum(kpi_amount) AS amount
                  FROM sale
                 WHERE qualifying AND date_order >= %(since)s AND date_order <= %(now)s
              GROUP BY partner_id
            ),
            year AS (
                SELECT partner_id, sum(kpi_amount) AS amount
                  FROM sale
                 WHERE date_order >= %(year)s AND date_order <= %(now)s
              GROUP BY partner_id
            ),
            usual AS (
                SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY kpi_gap_days) AS days
                  FROM sale
                 WHERE qualifying AND kpi_gap_days > 0
            ),
            span AS (
                SELECT 0 AS period_id, %(company)s AS company_id, %(today)s::date AS date_from
            ),
            churn_threshold AS (%(churn_threshold)s),
            limits AS MATERIALIZED (
                SELECT k.id, k.partner_id, k.order_count AS orders,
                       k.last_order_date
                           + COALESCE(w.inactivity, make_interval(days => %(inactivity)s))
                           AS churn_date,
                       -- without any gap in the company nothing can be expected
                       CASE WHEN COALESCE(k.own_gap_days, usual.days) IS NOT NULL
                            THEN k.last_order_date + interval '1 day' * GREATEST(
                                 %(least)s, COALESCE(w.factor, %(factor)s)
                                            * COALESCE(k.own_gap_days, usual.days))
                       END AS at_risk_date
                  FROM crm_kpi_customer k
            CROSS JOIN usual
             LEFT JOIN churn_threshold w ON w.partner_id = k.partner_id
                 WHERE k.company_id = %(company)s
            ),
            rfm AS (%(rfm)s)
            SELECT l.id, l.churn_date,
                   CASE WHEN l.at_risk_date < l.churn_date THEN l.at_risk_date END
                       AS at_risk_date,
                   COALESCE(y.amount, 0) AS revenue_12m,
                   r.rfm_r, r.rfm_f, r.rfm_m, r.rfm_class
              FROM limits l
         LEFT JOIN year y ON y.partner_id = l.partner_id
         LEFT JOIN rfm r ON r.partner_id = l.partner_id
            """,
            tz=tz,
            company=company.id,
            today=today,
            since=utc_midnight(fields.Date.subtract(today, months=RFM_MONTHS), tz),
            year=utc_midnight(fields.Date.subtract(today, months=12), tz),
            now=now,
            churn_threshold=churn_threshold
            or SQL(
                "SELECT NULL::int AS partner_id, NULL::interval AS inactivity,"
                " NULL::float8 AS factor"
            ),
            inactivity=company.kpi_inactivity_days,
            least=company.kpi_at_risk_days,
            factor=company.kpi_at_risk_factor,
            rfm=self._kpi_rfm_sql(facts),
        )

    @api.model
    def _kpi_rfm_sql(self, facts):
        """Query (moment, partner_id, rfm_r, rfm_f, rfm_m, rfm_class).

        Scores are min(5, 1 + floor(5 × percent rank)) among the customers with orders in the
        months before the moment, so that ties share the lower one; in whole numbers, because
        percent ranks are not.

        :param SQL facts: one row per moment and customer: last_day, days and amount of the
            orders in the months before (NULL without any), all orders so far and whether the
            customer has churned
        """
        score = "LEAST(5, 1 + 5 * (rank() OVER (PARTITION BY moment, days > 0 ORDER BY {}) - 1) / NULLIF(n - 1, 0))::int"
        return SQL(
            """
            SELECT moment, partner_id, rfm_r, rfm_f, rfm_m,
                   CASE WHEN n < %(least)s THEN NULL
                        WHEN churned THEN 'lost'
                        WHEN rfm_r >= 4 THEN
                             CASE WHEN fm >= 4 THEN 'champion'
                                  WHEN fm = 3 THEN 'loyal'
                                  WHEN orders = 1 THEN 'new'
                                  ELSE 'promising' END
                        WHEN rfm_r = 3 THEN
                             CASE WHEN fm >= 3 THEN 'loyal' ELSE 'attention' END
                        WHEN fm >= 4 THEN 'cant_lose'
                        WHEN fm = 3 THEN 'at_risk'
                        WHEN fm IS NOT NULL THEN 'hibernating' END AS rfm_class
              FROM (SELECT *, (rfm_f + rfm_m + 1) / 2 AS fm
                      FROM (SELECT moment, partner_id, orders, churned, n,
                                   CASE WHEN days > 0 AND n >= %(least)s THEN %(r)s END AS rfm_r,
                                   CASE WHEN days > 0 AND n >= %(least)s THEN %(f)s END AS rfm_f,
                                   CASE WHEN days > 0 AND n >= %(least)s THEN %(m)s END AS rfm_m
                              FROM (SELECT *, count(*) FILTER (WHERE days > 0)
                                                  OVER (PARTITION BY moment) AS n
                                      FROM (%(facts)s) AS fact) AS counted) AS scored) AS rated
            """,
            facts=facts,
            least=RFM_LEAST,
            r=SQL(score.format("last_day")),
            f=SQL(score.format("days")),
            m=SQL(score.format("amount")),
        )
