# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""When a silent customer is at risk, and when the customer counts as lost.

A customer is *churned* at a moment when the last qualifying order lies more than the days of
inactivity before it; an order exactly so long ago still counts. A customer who is not churned
is *at risk* when the silence is longer than the usual gap between orders times a factor, and
longer than a minimum number of days. The usual gap is the customer's own median from the
third day with orders on, before that the median of all gaps in the company. In a company
without any gap, no customer is at risk.

Days of inactivity and factor are settings of the company. A segment may override them.
"""

from odoo.tools import SQL

from . import definitions

#: Fields of ``crm.kpi.segment`` that override settings of the company.
OVERRIDES = ("inactivity_days", "at_risk_factor")


def churn_threshold(segment_ids):
    """CTE ``churn_threshold``: what segments override, by period and customer. ``None``
    without such segments.

    Of several segments of a customer, the first one of the first set decides. The membership on
    the first day of the period counts. Reads the CTE ``moment``.

    :param segment_ids: ids of the segments that override settings
    :return: SQL (period_id, partner_id, inactivity, factor); an empty column: as the company
    """
    if not segment_ids:
        return None
    return SQL(
        """
        SELECT DISTINCT ON (moment.period_id, moment.company_id, member.partner_id)
               moment.period_id, moment.company_id, member.partner_id,
               make_interval(days => NULLIF(segment.inactivity_days, 0)) AS inactivity,
               NULLIF(segment.at_risk_factor, 0) AS factor
          FROM moment
          JOIN crm_kpi_segment_member member
            ON (member.date_from IS NULL OR member.date_from <= moment.date_from)
           AND (member.date_to IS NULL OR member.date_to > moment.date_from)
           AND (member.company_id IS NULL OR member.company_id = moment.company_id)
          JOIN crm_kpi_segment segment
            ON segment.id = member.segment_id AND segment.id = ANY(%s)
          JOIN crm_kpi_segment_set segment_set
            ON segment_set.id = segment.set_id
           AND (segment_set.company_id IS NULL OR segment_set.company_id = moment.company_id)
      ORDER BY moment.period_id, moment.company_id, member.partner_id, segment_set.sequence,
               segment_set.id, segment.sequence, segment.id
        """,
        list(segment_ids),
    )


def join_threshold(segment_ids, partner):
    """Join of ``churn_threshold`` to the CTE ``moment``; empty without such segments.

    :param SQL partner: expression of the customer
    """
    if not segment_ids:
        return SQL()
    return SQL(
        """
        LEFT JOIN churn_threshold
               ON churn_threshold.period_id = moment.period_id
              AND churn_threshold.company_id = moment.company_id
              AND churn_threshold.partner_id = %s
        """,
        partner,
    )


def inactivity(segment_ids):
    """Interval of silence that makes a customer churned, after :func:`join_threshold`."""
    if not segment_ids:
        return SQL("moment.company_inactivity")
    return SQL("COALESCE(churn_threshold.inactivity, moment.company_inactivity)")


def factor(segment_ids):
    """Multiple of the usual gap that is a risk, after :func:`join_threshold`."""
    if not segment_ids:
        return SQL("moment.company_factor")
    return SQL("COALESCE(churn_threshold.factor, moment.company_factor)")


def churn_date(last_order, silence):
    """Instant after which a customer counts as churned.

    :param SQL last_order: date of the last qualifying order
    :param SQL silence: interval from :func:`inactivity`
    """
    return SQL("(%s + %s)", last_order, silence)


def at_risk_date(last_order, least_days, multiple, own_gap, company_gap):
    """Instant after which a customer is at risk; empty where no gap is known.

    :param SQL last_order: date of the last qualifying order
    :param SQL least_days: minimum number of days, a setting of the company
    :param SQL multiple: number from :func:`factor`
    :param SQL own_gap: median of the gaps of the customer, in days
    :param SQL company_gap: median of all gaps of the company, in days
    """
    # the company's gap decides whether anything is known: no own gap is known without it
    return SQL(
        """
        CASE WHEN %(company)s IS NOT NULL
             THEN %(last)s + interval '1 day' * GREATEST(
                  %(least)s, %(multiple)s * COALESCE(%(own)s, %(company)s))
        END
        """,
        last=last_order,
        least=least_days,
        multiple=multiple,
        own=own_gap,
        company=company_gap,
    )


def company_gap():
    """CTE ``company_gap``: median of the gaps of all customers of the company until a moment.

    Gaps are whole days: the number of times that each length occurs is enough to know the
    median. Reads the CTE ``moment``.

    :return: SQL (period_id, company_id, days)
    """
    return SQL(
        """
        SELECT period_id, company_id,
               (min(gap) FILTER (WHERE running_count >= (total + 1) / 2)
                + min(gap) FILTER (WHERE running_count >= total / 2 + 1)) / 2.0 AS days
          FROM (SELECT moment.period_id, moment.company_id, counted.gap,
                       (sum(sum(counted.times)) OVER (
                            PARTITION BY moment.company_id, moment.period_id
                            ORDER BY counted.gap))::bigint AS running_count,
                       (sum(sum(counted.times)) OVER (
                            PARTITION BY moment.company_id, moment.period_id))::bigint AS total
                  FROM (SELECT sale.company_id, sale.kpi_gap_days AS gap, count(*) AS times,
                               width_bucket(sale.date_order, company.ends) AS bucket,
                               company.ends
                          FROM sale_order sale
                          JOIN (SELECT company_id, array_agg(DISTINCT until ORDER BY until) AS ends
                                  FROM moment GROUP BY company_id) company
                            ON company.company_id = sale.company_id
                         WHERE sale.kpi_gap_days > 0 AND %s
                      GROUP BY sale.company_id, gap, bucket, company.ends) AS counted
                  JOIN moment
                    ON moment.company_id = counted.company_id
                   AND width_bucket(moment.until, counted.ends) > counted.bucket
              GROUP BY moment.period_id, moment.company_id, counted.gap) AS ranked
         GROUP BY period_id, company_id
        """,
        definitions.is_qualifying("sale"),
    )


def own_gap(gaps, count):
    """Median of the gaps before the first ``count`` orders; empty with fewer than two gaps.

    :param SQL gaps: array of the days since the previous day with an order, by order
    :param SQL count: number of orders
    """
    return SQL(
        """
        (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY gap)
           FROM unnest((%s)[2:%s]) AS gap
         HAVING count(gap) > 1)
        """,
        gaps,
        count,
    )
