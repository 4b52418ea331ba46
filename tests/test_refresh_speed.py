# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Time of a refresh on a large database, as ratios to alternatives.

A rebuild against a statement written by hand for the same cells; an unchanged refresh by source;
the goals of 500 salespeople against those of Odoo's gamification. See :mod:`scale_case`.
"""

import logging
import time
from datetime import timedelta

import pytest
from scale_case import ScaleCase

from odoo.tests import tagged

from odoo.addons.crm_kpi.refresh.aggregates import Aggregates
from odoo.addons.crm_kpi.refresh.steps import CompanyRefresh

_logger = logging.getLogger(__name__)

pytestmark = pytest.mark.benchmark

#: KPIs of confirmed orders that are rebuilt: sums, counts, a median, distinct customers.
REBUILT = (
    "revenue_ordered",
    "orders_count",
    "new_customers",
    "items_sold",
    "buying_customers",
    "median_order_value",
)
#: The same cells written by hand in SQL, in one scan of the orders.
BY_HAND = """
    INSERT INTO by_hand (kpi_id, period_id, level, team_id, user_id, segment_id, company_id,
                         value, record_count, version, computed_at, kpi_sequence, category_id)
    WITH days AS (
        SELECT (o.date_order AT TIME ZONE 'UTC' AT TIME ZONE %(tz)s)::date AS day,
               NULLIF(o.kpi_confirm_user_id, 1) AS user_id, o.kpi_confirm_team_id AS team_id,
               c.commercial_partner_id AS partner_id, o.kpi_is_qualifying AS q,
               o.kpi_order_no = 1 AS first, o.kpi_amount AS amount, o.kpi_item_count AS items
          FROM sale_order o JOIN res_partner c ON c.id = o.partner_id
         WHERE o.state = 'sale' AND o.company_id = %(company)s AND o.date_order < %(until)s),
    facts AS MATERIALIZED (
        SELECT *, date_trunc('month', day)::date AS month,
               date_trunc('quarter', day)::date AS quarter, date_trunc('year', day)::date AS year
          FROM days),
    numbers AS (
        SELECT GROUPING(month, quarter, year) AS kind, month, quarter, year,
               CASE GROUPING(team_id, user_id)
                    WHEN 3 THEN 'company' WHEN 1 THEN 'team' ELSE 'user' END AS level,
               team_id, user_id, NULL::int AS segment_id, {numbers}
          FROM facts f
         GROUP BY GROUPING SETS (
               (month), (month, team_id), (month, user_id), (quarter), (quarter, team_id),
               (quarter, user_id), (year), (year, team_id), (year, user_id))
         UNION ALL
        SELECT GROUPING(month, quarter, year), month, quarter, year, 'segment',
               NULL, NULL, COALESCE(m.segment_id, s.unknown_segment_id), {numbers}
          FROM facts f CROSS JOIN crm_kpi_segment_set s
          LEFT JOIN crm_kpi_segment_member m
                 ON m.partner_id = f.partner_id AND m.set_id = s.id
                AND (m.date_from IS NULL OR m.date_from <= f.day)
                AND (m.date_to IS NULL OR m.date_to > f.day)
                AND (m.company_id IS NULL OR m.company_id = %(company)s)
         WHERE s.active AND s.unknown_segment_id IS NOT NULL
         GROUP BY GROUPING SETS (
               (month, COALESCE(m.segment_id, s.unknown_segment_id)),
               (quarter, COALESCE(m.segment_id, s.unknown_segment_id)),
               (year, COALESCE(m.segment_id, s.unknown_segment_id))))
    SELECT k.id, p.id, r.level, r.team_id, r.user_id, r.segment_id, %(company)s,
           v.value, v.record_count, k.version, now(), k.sequence, k.category_id
      FROM numbers r
     CROSS JOIN LATERAL (VALUES
           ('revenue_ordered', r.revenue, r.n_all), ('orders_count', r.n_q, r.n_q),
           ('new_customers', r.n_first, r.n_first), ('items_sold', r.items, r.n_q),
           ('buying_customers', r.customers, r.n_customers),
           ('median_order_value', r.median, r.n_median)) AS v(code, value, record_count)
      JOIN crm_kpi k ON k.code = v.code
      JOIN crm_kpi_period p ON p.company_id = %(company)s
           AND p.kind = CASE r.kind WHEN 3 THEN 'month' WHEN 5 THEN 'quarter' ELSE 'year' END
           AND p.date_from = COALESCE(r.month, r.quarter, r.year)
"""
NUMBERS = """
    sum(f.amount)::float8 AS revenue, count(*) AS n_all, count(*) FILTER (WHERE f.q) AS n_q,
    count(*) FILTER (WHERE f.first) AS n_first, sum(f.items) FILTER (WHERE f.q) AS items,
    count(DISTINCT f.partner_id) FILTER (WHERE f.q) AS customers,
    count(f.partner_id) FILTER (WHERE f.q) AS n_customers,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY f.amount) FILTER (WHERE f.q) AS median,
    count(f.amount) FILTER (WHERE f.q) AS n_median
"""


@tagged("post_install", "-at_install")
class TestRefreshSpeed(ScaleCase):
    def seconds(self, work):
        start = time.perf_counter()
        work()
        self.env.flush_all()
        return time.perf_counter() - start

    def test_refresh(self):
        # in one transaction: a rollback in between would leave a table of values that is large
        # and has no statistics for the planner
        self._unchanged_refresh()
        self._rebuild_against_sql()
        self._goals_against_gamification()

    def _rebuild_against_sql(self):
        """Time of a rebuild, as a multiple of a hand-written statement for the same cells."""
        source = self.env.ref("crm_kpi.crm_kpi_source_order")
        kpis = self.kpis._by_code(REBUILT)
        kpis.cross_levels = False
        periods = self.periods.filtered(lambda p: p.kind in ("month", "quarter", "year"))

        def engine():
            self.env.cr.execute("DELETE FROM crm_kpi_value WHERE kpi_id = ANY(%s)", [kpis.ids])
            self.env["crm.kpi.computation"].search([("kpi_id", "in", kpis.ids)]).unlink()
            return self.seconds(
                lambda: Aggregates(source, self.company, self.now).refresh(periods, kpis)
            )

        def by_hand():
            self.env.cr.execute("DROP TABLE IF EXISTS by_hand")
            self.env.cr.execute("CREATE TEMP TABLE by_hand (LIKE crm_kpi_value INCLUDING ALL)")
            names = {
                "tz": self.company._kpi_tz(),
                "company": self.company.id,
                "until": max(periods.mapped("utc_to")),
            }
            return self.seconds(lambda: self.env.cr.execute(BY_HAND.format(numbers=NUMBERS), names))

        pairs = [(engine(), by_hand()) for _round in range(3)]
        ours, theirs = (min(times) for times in zip(*pairs, strict=True))
        self.env.cr.execute(
            """SELECT count(*), count(*) FILTER (
                      WHERE v.kpi_id IS NULL OR h.kpi_id IS NULL OR v.record_count <> h.record_count
                         OR abs(v.value - h.value) > 0.005)
                 FROM (SELECT * FROM crm_kpi_value
                        WHERE kpi_id = ANY(%s) AND period_id = ANY(%s) AND record_count > 0) v
                 FULL JOIN (SELECT * FROM by_hand WHERE record_count > 0) h
                   ON v.kpi_id = h.kpi_id AND v.period_id = h.period_id AND v.level = h.level
                  AND COALESCE(v.team_id, 0) = COALESCE(h.team_id, 0)
                  AND COALESCE(v.user_id, 0) = COALESCE(h.user_id, 0)
                  AND COALESCE(v.segment_id, 0) = COALESCE(h.segment_id, 0)""",
            [kpis.ids, periods.ids],
        )
        [[cells, different]] = self.env.cr.fetchall()
        _logger.warning(
            "rebuild of %s cells: %.1f s, by hand %.1f s: %.2f times",
            cells, ours, theirs, ours / theirs,
        )  # fmt: skip
        self.assertGreater(cells, 1000)
        self.assertEqual(different, 0)

    def _unchanged_refresh(self):
        """A refresh without any change: one scan per source, nothing is written. The times are
        logged, not asserted: formulas are one step for all of them."""
        for step in self._steps():
            step.run()
        slow = {}
        for step in self._steps():
            took = self.seconds(step.run)
            _logger.warning("unchanged: %-20s %6.0f ms", step.name, took * 1000)
            self.assertFalse(step.refresh.written, step.name)
            if took > 1:
                slow[step.name] = took
        _logger.warning("unchanged: slower than a second: %s", slow or "none")

    def _steps(self):
        return CompanyRefresh(self.company, None, None, self.now).steps()

    def _goals_against_gamification(self):
        """Goals of 500 salespeople on 20 KPIs, against the batch mode of gamification."""
        month = self.periods.filtered(lambda p: p.kind == "month" and p.utc_to > self.now)
        template = self.kpis._by_code(["deals_won"])
        ours = self.kpis
        theirs = self.env["gamification.goal.definition"]
        lead = self.env["ir.model"]._get("crm.lead")
        field = {
            name: self.env["ir.model.fields"]._get("crm.lead", name)
            for name in ("user_id", "create_date")
        }
        for number in range(20):
            domain = f"[('expected_revenue', '>', {number})]"
            ours |= template.copy({"code": f"speed_{number}", "domain": domain})
            theirs |= theirs.create(
                {
                    "name": f"Speed {number}",
                    "computation_mode": "count",
                    "model_id": lead.id,
                    "domain": domain,
                    "field_date_id": field["create_date"].id,
                    "batch_mode": True,
                    "batch_distinctive_field": field["user_id"].id,
                    "batch_user_expression": "user.id",
                }
            )
        source = template.source_id.copy(
            {"code": "speed", "date_field": "create_date", "domain": "[]", "user_field": "user_id"}
        )
        ours.write({"source_id": source.id, "state": "published"})
        # as the goal wizard makes them: no messages are sent
        self.env["crm.kpi.goal"].with_context(tracking_disable=True).create(
            [
                {
                    "kpi_id": kpi.id,
                    "period_id": month.id,
                    "scope": "user",
                    "user_id": user.id,
                    "target": 1000,
                }
                for kpi in ours
                for user in self.salespeople
            ]
        )
        goals = self.env["gamification.goal"].create(
            [
                {
                    "definition_id": definition.id,
                    "user_id": user.id,
                    "target_goal": 1000,
                    "start_date": month.date_from,
                    "end_date": month.date_to - timedelta(days=1),
                    "state": "inprogress",
                }
                for definition in theirs
                for user in self.salespeople
            ]
        )
        ours.cross_levels = False  # gamification has no values of customers
        self.env.flush_all()
        self.env.invalidate_all()
        aggregates = Aggregates(source, self.company, self.now)
        values = self.seconds(lambda: aggregates.refresh(month, ours))
        mine = self.seconds(lambda: self.env["crm.kpi.goal"]._refresh(self.company))
        self.env.invalidate_all()
        other = self.seconds(goals.update_goal)
        sample = self.env["crm.kpi.goal"].search([("kpi_id", "=", ours[0].id)])
        self.assertEqual(len(sample), len(self.salespeople))
        expected = dict(
            self.env["crm.lead"]
            .with_context(active_test=False)
            ._read_group(
                [
                    ("create_date", ">=", month.utc_from),
                    ("create_date", "<", month.utc_to),
                    ("expected_revenue", ">", 0),
                    ("user_id", "in", self.salespeople.ids),
                ],
                ["user_id"],
                ["__count"],
            )
        )
        self.assertEqual(
            {goal.user_id: goal.value for goal in sample},
            {user: expected.get(user, 0) for user in self.salespeople},
        )
        _logger.warning(
            "%s goals: %.1f s, values of all levels for them %.1f s; gamification %.1f s",
            len(goals), mine, values, other,
        )  # fmt: skip
        self.assertLess(mine, other)
