# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Statements written by hand for the values of a few KPIs: what a refresh is compared with.

Each of them reads the records once and writes all months, quarters and years at the levels of the
company, teams, salespeople and segments. The table has no index and no foreign key.
"""

from typing import NamedTuple

TABLE = """
    CREATE TEMP TABLE by_hand (
        kpi_id int, period_id int, company_id int, team_id int, user_id int, segment_id int,
        record_count int, version int, kpi_sequence int, category_id int, level varchar,
        computed_at timestamp, value float8)
"""
#: Levels and periods of facts with a day. {facts} has the columns day, user_id, team_id,
#: partner_id, country_id and those that {numbers} names; {values} are rows of a code, a value
#: and a number of records.
DATED = """
    INSERT INTO by_hand (kpi_id, period_id, level, team_id, user_id, segment_id, company_id,
                         value, record_count, version, computed_at, kpi_sequence, category_id)
    WITH days AS ({facts}),
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
               NULL, NULL, COALESCE(m.segment_id, country.id, s.unknown_segment_id), {numbers}
          FROM facts f CROSS JOIN crm_kpi_segment_set s
          LEFT JOIN crm_kpi_segment_member m
                 ON m.partner_id = f.partner_id AND m.set_id = s.id
                AND (m.date_from IS NULL OR m.date_from <= f.day)
                AND (m.date_to IS NULL OR m.date_to > f.day)
                AND (m.company_id IS NULL OR m.company_id = %(company)s)
          LEFT JOIN crm_kpi_segment country
                 ON f.partner_id IS NULL AND country.set_id = s.id
                AND country.country_id = f.country_id AND country.active
         WHERE s.active AND s.unknown_segment_id IS NOT NULL
         GROUP BY GROUPING SETS (
               (month, COALESCE(m.segment_id, country.id, s.unknown_segment_id)),
               (quarter, COALESCE(m.segment_id, country.id, s.unknown_segment_id)),
               (year, COALESCE(m.segment_id, country.id, s.unknown_segment_id))))
    SELECT k.id, p.id, r.level, r.team_id, r.user_id, r.segment_id, %(company)s,
           v.value, v.record_count, k.version, now(), k.sequence, k.category_id
      FROM numbers r
     CROSS JOIN LATERAL (VALUES {values}) AS v(code, value, record_count)
      JOIN crm_kpi k ON k.code = v.code
      JOIN crm_kpi_period p ON p.company_id = %(company)s
           AND p.kind = CASE r.kind WHEN 3 THEN 'month' WHEN 5 THEN 'quarter' ELSE 'year' END
           AND p.date_from = COALESCE(r.month, r.quarter, r.year)
"""
ORDERS = DATED.format(
    facts="""
        SELECT (o.date_order AT TIME ZONE 'UTC' AT TIME ZONE %(tz)s)::date AS day,
               NULLIF(o.kpi_confirm_user_id, 1) AS user_id, o.kpi_confirm_team_id AS team_id,
               c.commercial_partner_id AS partner_id, NULL::int AS country_id,
               o.kpi_is_qualifying AS q, o.kpi_order_no = 1 AS first, o.kpi_amount AS amount,
               o.kpi_item_count AS items
          FROM sale_order o JOIN res_partner c ON c.id = o.partner_id
         WHERE o.state = 'sale' AND o.company_id = %(company)s AND o.date_order < %(until)s""",
    numbers="""
        sum(f.amount)::float8 AS revenue, count(*) AS n_all, count(*) FILTER (WHERE f.q) AS n_q,
        count(*) FILTER (WHERE f.first) AS n_first, sum(f.items) FILTER (WHERE f.q) AS items,
        count(DISTINCT f.partner_id) FILTER (WHERE f.q) AS customers,
        count(f.partner_id) FILTER (WHERE f.q) AS n_customers,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY f.amount) FILTER (WHERE f.q) AS median,
        count(f.amount) FILTER (WHERE f.q) AS n_median""",
    values="""
        ('revenue_ordered', r.revenue, r.n_all), ('orders_count', r.n_q, r.n_q),
        ('new_customers', r.n_first, r.n_first), ('items_sold', r.items, r.n_q),
        ('buying_customers', r.customers, r.n_customers),
        ('median_order_value', r.median, r.n_median)""",
)
LEADS = DATED.format(
    facts="""
        SELECT (l.create_date AT TIME ZONE 'UTC' AT TIME ZONE %(tz)s)::date AS day,
               NULLIF(l.user_id, 1) AS user_id, l.team_id, c.commercial_partner_id AS partner_id,
               l.country_id,
               l.kpi_was_lead AND l.create_date <= %(now)s - interval '30 days' AS was_lead
          FROM crm_lead l
     LEFT JOIN res_partner c ON c.id = l.partner_id
     LEFT JOIN crm_lost_reason reason ON reason.id = l.lost_reason_id
         WHERE l.company_id = %(company)s AND l.create_date < %(until)s
           AND reason.kpi_disqualified IS NOT TRUE""",
    numbers="count(*) AS n, count(*) FILTER (WHERE f.was_lead) AS n_lead",
    values="('new_leads', r.n, r.n), ('leads_qualifiable', r.n_lead, r.n_lead)",
)
#: Customers by their state at the start of periods: the last order before it, and the next one.
CUSTOMERS = """
    INSERT INTO by_hand (kpi_id, period_id, level, team_id, user_id, segment_id, company_id,
                         value, record_count, version, computed_at, kpi_sequence, category_id)
    WITH orders AS (
        SELECT c.commercial_partner_id AS partner_id, o.date_order,
               o.kpi_confirm_user_id AS user_id, o.kpi_confirm_team_id AS team_id,
               lead(o.date_order) OVER history AS next, row_number() OVER history AS number
          FROM sale_order o JOIN res_partner c ON c.id = o.partner_id
         WHERE o.state = 'sale' AND o.kpi_is_qualifying AND o.company_id = %(company)s
        WINDOW history AS (PARTITION BY c.commercial_partner_id ORDER BY o.date_order, o.id)),
    periods AS (
        SELECT id, date_from, utc_from, LEAST(utc_to, %(now)s) AS utc_end
          FROM crm_kpi_period
         WHERE company_id = %(company)s AND kind IN ('month', 'quarter', 'year')
           AND utc_from < %(now)s),
    facts AS MATERIALIZED (
        SELECT p.id AS period_id, p.date_from AS day, o.partner_id, o.user_id, o.team_id,
               o.date_order >= p.utc_from - make_interval(days => %(inactivity)s) AS active,
               COALESCE(o.next < p.utc_end, FALSE) AS bought
          FROM orders o
          JOIN periods p
            ON o.date_order < p.utc_from AND (o.next IS NULL OR o.next >= p.utc_from)
         UNION ALL
        SELECT p.id, p.date_from, o.partner_id, o.user_id, o.team_id, NULL, TRUE
          FROM orders o
          JOIN periods p ON o.date_order >= p.utc_from AND o.date_order < p.utc_end
         WHERE o.number = 1),
    numbers AS (
        SELECT period_id, CASE GROUPING(team_id, user_id)
                    WHEN 3 THEN 'company' WHEN 1 THEN 'team' ELSE 'user' END AS level,
               team_id, user_id, NULL::int AS segment_id, count(*) FILTER (WHERE active) AS active,
               count(*) FILTER (WHERE bought) AS bought, count(*) FILTER (WHERE NOT active) AS lapsed
          FROM facts
         GROUP BY GROUPING SETS ((period_id), (period_id, team_id), (period_id, user_id))
         UNION ALL
        SELECT f.period_id, 'segment', NULL, NULL, COALESCE(m.segment_id, s.unknown_segment_id),
               count(*) FILTER (WHERE f.active), count(*) FILTER (WHERE f.bought),
               count(*) FILTER (WHERE NOT f.active)
          FROM facts f CROSS JOIN crm_kpi_segment_set s
          LEFT JOIN crm_kpi_segment_member m
                 ON m.partner_id = f.partner_id AND m.set_id = s.id
                AND (m.date_from IS NULL OR m.date_from <= f.day)
                AND (m.date_to IS NULL OR m.date_to > f.day)
                AND (m.company_id IS NULL OR m.company_id = %(company)s)
         WHERE s.active AND s.unknown_segment_id IS NOT NULL
         GROUP BY f.period_id, COALESCE(m.segment_id, s.unknown_segment_id))
    SELECT k.id, r.period_id, r.level, r.team_id, r.user_id, r.segment_id, %(company)s,
           v.value, v.value, k.version, now(), k.sequence, k.category_id
      FROM numbers r
     CROSS JOIN LATERAL (VALUES ('customers_at_start', r.active), ('customers_bought', r.bought),
                                ('customers_lapsed', r.lapsed)) AS v(code, value)
      JOIN crm_kpi k ON k.code = v.code
"""


class ByHand(NamedTuple):
    """A statement for the values of KPIs of one source."""

    source: str
    kpis: tuple
    statement: str


STATEMENTS = (
    ByHand(
        "order",
        (
            "revenue_ordered",
            "orders_count",
            "new_customers",
            "items_sold",
            "buying_customers",
            "median_order_value",
        ),
        ORDERS,
    ),
    ByHand("lead_created", ("new_leads", "leads_qualifiable"), LEADS),
    ByHand("customer", ("customers_at_start", "customers_bought", "customers_lapsed"), CUSTOMERS),
)
