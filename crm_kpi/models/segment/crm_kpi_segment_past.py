# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Order sizes and RFM classes of the past: from the orders, month by month."""

from odoo import fields, models
from odoo.tools import SQL

from ...engine.periods import utc_midnight
from ..customer.crm_kpi_customer_facts import RFM_MONTHS


class CrmKpiSegmentSet(models.Model):
    _inherit = "crm.kpi.segment.set"  # pylint: disable=consider-merging-classes-inherited

    def _reconstruct_sizes(self, company, today):
        """Sizes of the past from the orders, month by month, for customers not yet recorded.

        :return: number of rows made
        """
        tz = company._kpi_tz()
        month = today.replace(day=1)
        sizes = SQL(
            """
            WITH monthly AS (
                SELECT c.commercial_partner_id AS partner_id,
                       date_trunc('month', o.date_order AT TIME ZONE 'UTC'
                                           AT TIME ZONE %(tz)s)::date AS month,
                       SUM(%(amount)s) AS amount
                  FROM sale_order o
                  JOIN res_partner c ON c.id = o.partner_id
                  JOIN crm_kpi_segment_difference x
                    ON x.partner_id = c.commercial_partner_id
                   AND x.segment_id IS NOT NULL AND x.is_first
                 WHERE %(qualifying)s AND o.company_id = %(company)s
                   AND o.date_order < %(until)s
                 GROUP BY 1, 2),
            grid AS (%(grid)s),
            size AS (
                SELECT g.partner_id, g.month,
                       COALESCE(ROUND(SUM(m.amount) OVER (
                           PARTITION BY g.partner_id ORDER BY g.month
                           ROWS BETWEEN 12 PRECEDING AND 1 PRECEDING), 6), 0) AS amount
                  FROM grid g LEFT JOIN monthly m USING (partner_id, month))
            SELECT z.partner_id, z.month AS moment, b.id AS segment_id
              FROM size z
         LEFT JOIN (%(bands)s) b ON z.amount >= b.lower
               AND (b.upper IS NULL OR z.amount < b.upper)
            """,
            tz=tz,
            amount=self._company_amount("o"),
            qualifying=self._qualifying("o"),
            company=company.id,
            until=utc_midnight(month, tz),
            grid=_months_since_the_first(month),
            bands=self._bands(),
        )
        return self._insert_history(
            company,
            sizes,
            # the first size held before the first order, too
            date_from=SQL("CASE WHEN number > 1 THEN moment END"),
            date_recorded=SQL("COALESCE(date_from, %s)", fields.Date.subtract(today, days=1)),
            only=SQL("TRUE"),
        )

    def _reconstruct_rfm(self, company, today):
        """Classes of the past from the orders, month by month, when a company is new to the set.

        What a customer is today says how it ended, so it must not hold for the past.

        :return: number of rows made
        """
        if self.env.execute_query(
            SQL(
                "SELECT 1 FROM crm_kpi_segment_member WHERE set_id = %s AND company_id = %s LIMIT 1",
                self.id,
                company.id,
            )
        ):
            return 0
        tz = company._kpi_tz()
        month = today.replace(day=1)
        months = SQL("ROWS BETWEEN %s PRECEDING AND 1 PRECEDING", RFM_MONTHS)
        facts = SQL(
            """
            WITH monthly AS (
                SELECT c.commercial_partner_id AS partner_id,
                       date_trunc('month', d.at)::date AS month,
                       MAX(d.at::date) AS last_day, COUNT(DISTINCT d.at::date) AS days,
                       SUM(%(amount)s) AS amount, COUNT(*) AS orders,
                       MAX(o.date_order) AS last_order
                  FROM sale_order o
                  JOIN res_partner c ON c.id = o.partner_id
            CROSS JOIN LATERAL (SELECT o.date_order AT TIME ZONE 'UTC'
                                       AT TIME ZONE %(tz)s AS at) d
                 WHERE %(qualifying)s AND o.company_id = %(company)s
                   AND o.date_order < %(until)s
                   AND c.commercial_partner_id IN (SELECT id FROM (%(customers)s) AS customer)
                 GROUP BY 1, 2),
            grid AS (%(grid)s)
            SELECT g.month AS moment, g.partner_id,
                   MAX(m.last_day) OVER lately AS last_day,
                   SUM(m.days) OVER lately AS days,
                   SUM(m.amount) OVER lately AS amount,
                   SUM(m.orders) OVER ever AS orders,
                   MAX(m.last_order) OVER ever + make_interval(days => %(window)s)
                       < g.month::timestamp AT TIME ZONE %(tz)s AT TIME ZONE 'UTC' AS churned
              FROM grid g LEFT JOIN monthly m USING (partner_id, month)
            WINDOW lately AS (PARTITION BY g.partner_id ORDER BY g.month %(months)s),
                   ever AS (PARTITION BY g.partner_id ORDER BY g.month
                            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
            """,
            tz=tz,
            amount=self._company_amount("o"),
            qualifying=self._qualifying("o"),
            company=company.id,
            until=utc_midnight(month, tz),
            customers=self._customers(),
            grid=_months_since_the_first(month),
            months=months,
            window=company.kpi_inactivity_days,
        )
        classes = SQL(
            """
            SELECT r.partner_id, r.moment, s.id AS segment_id
              FROM (%s) AS r
         LEFT JOIN crm_kpi_segment s ON s.rfm_class = r.rfm_class
               AND s.set_id = %s AND s.active AND s.is_unknown IS NOT TRUE
            """,
            self.env["crm.kpi.customer"]._kpi_rfm_sql(facts),
            self.id,
        )
        return self._insert_history(
            company,
            classes,
            date_from=SQL("moment"),
            date_recorded=SQL("date_from"),
            only=SQL("date_from < %s", today),
        )

    def _insert_history(self, company, moments, date_from, date_recorded, only):
        """Record in which segments customers were, from their segment at moments in order.

        :param moments: query of ``partner_id``, ``moment`` and ``segment_id`` (NULL: in none)
        :param date_from: since when a step holds, by its ``moment`` and ``number``
        :param date_recorded: when it is taken to have been recorded, by its ``date_from``
        :param only: condition of the steps to record
        :return: number of rows made
        """
        self.env.cr.execute(
            SQL(
                """
                WITH noted AS (
                    SELECT m.partner_id, m.moment, m.segment_id,
                           LAG(m.segment_id) OVER w AS previous, ROW_NUMBER() OVER w AS number
                      FROM (%(moments)s) AS m
                    WINDOW w AS (PARTITION BY m.partner_id ORDER BY m.moment)),
                steps AS (
                    SELECT segment_id, partner_id, %(date_from)s AS date_from,
                           LEAD(moment) OVER (PARTITION BY partner_id ORDER BY moment) AS date_to
                      FROM noted
                     WHERE number = 1 OR segment_id IS DISTINCT FROM previous)
                INSERT INTO crm_kpi_segment_member
                       (set_id, segment_id, partner_id, company_id, slot,
                        date_from, date_to, date_recorded)
                SELECT %(set)s, segment_id, partner_id, %(company)s, 0,
                       date_from, date_to, %(date_recorded)s
                  FROM steps WHERE segment_id IS NOT NULL AND %(only)s
                """,
                moments=moments,
                date_from=date_from,
                date_recorded=date_recorded,
                only=only,
                set=self.id,
                company=company.id,
            )
        )
        return self.env.cr.rowcount


def _months_since_the_first(month):
    """Query of the months of each customer in ``monthly``, from the first one to ``month``."""
    return SQL(
        """
        SELECT f.partner_id, g.month::date AS month
          FROM (SELECT partner_id, MIN(month) AS first FROM monthly GROUP BY partner_id) f
    CROSS JOIN generate_series(f.first::timestamp, %s::timestamp, interval '1 month') AS g(month)
        """,
        month,
    )
