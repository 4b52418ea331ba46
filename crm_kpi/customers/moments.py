# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The moments at which customers are judged: now, or the end of a period."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from odoo.tools import SQL

from ..engine.periods import local_day, utc_midnight


class Moment(NamedTuple):
    """A moment of a company, with the settings of the company that hold then."""

    #: period that ends then; 0: now
    period_id: int
    company_id: int
    kind: str
    #: local days of the period, half-open
    date_from: date
    date_to: date
    #: UTC instant at which the period begins
    utc_from: datetime
    #: UTC instant to which ages are counted: the period's end, of a running period now
    at: datetime
    #: UTC instant before which records count
    until: datetime
    tz: str
    inactivity_days: int
    at_risk_factor: float
    at_risk_days: int
    revenue_basis: str


_TYPES = Moment(
    period_id="int",
    company_id="int",
    kind="text",
    date_from="date",
    date_to="date",
    utc_from="timestamp",
    at="timestamp",
    until="timestamp",
    tz="text",
    inactivity_days="int",
    at_risk_factor="float8",
    at_risk_days="int",
    revenue_basis="text",
)


def ends_of(periods, now):
    """The ends of periods that have begun before ``now``; a running period ends now.

    :param periods: records of ``crm.kpi.period``
    :param datetime now: naive UTC
    """
    return [
        _moment(
            period.company_id,
            period_id=period.id,
            kind=period.kind,
            date_from=period.date_from,
            date_to=period.date_to,
            utc_from=period.utc_from,
            at=min(period.utc_to, now),
            until=min(period.utc_to, now),
        )
        for period in periods
        if period.utc_from < now
    ]


def present(companies, now, until=None):
    """Now, for each company. Records of the very second of ``now`` count already.

    :param companies: records of ``res.company``
    :param datetime now: naive UTC
    :param datetime until: instant before which records count instead
    """
    found = []
    for company in companies:
        today = local_day(now, company._kpi_tz())
        found.append(
            _moment(
                company,
                period_id=0,
                kind="day",
                date_from=today,
                date_to=today + timedelta(days=1),
                utc_from=utc_midnight(today, company._kpi_tz()),
                at=now,
                until=until or now + timedelta(microseconds=1),
            )
        )
    return found


def _moment(company, **values):
    return Moment(
        company_id=company.id,
        tz=company._kpi_tz(),
        inactivity_days=company.kpi_inactivity_days,
        at_risk_factor=company.kpi_at_risk_factor,
        at_risk_days=company.kpi_at_risk_days,
        revenue_basis=company.kpi_revenue_basis,
        **values,
    )


def moment(moments):
    """CTE ``moment``: the moments with all instants that are looked up.

    Instants named ``before_…`` are the last microsecond before a bound, because bounds are
    exclusive. The rows are listed in the statement instead of read from the table of periods:
    PostgreSQL then knows their number without statistics, and does not compute what all
    of them share again for each row.

    :return: SQL (period_id, company_id, date_from, utc_from, at, until, day_end, day_year_ago,
        year_ago, before_start, before_end, before_year, before_two_years, before_base,
        before_base_end, before_year_ago, before_rfm, company_inactivity, company_factor,
        at_risk_days, revenue_basis)
    """
    columns = [list(column) for column in zip(*moments, strict=True)] or [[]] * len(_TYPES)
    return SQL(
        """
        SELECT named.period_id, named.company_id, named.date_from, named.utc_from, named.at,
               named.until, named.tz, local.day_year_ago,
               ((named.until - interval '1 microsecond') AT TIME ZONE 'UTC'
                    AT TIME ZONE named.tz)::date AS day_end,
               named.utc_from - interval '1 microsecond' AS before_start,
               named.until - interval '1 microsecond' AS before_end,
               %(before_year)s AS before_year,
               %(before_two_years)s AS before_two_years,
               %(before_base)s AS before_base,
               %(before_base_end)s AS before_base_end,
               %(year_ago)s AS year_ago,
               %(before_year_ago)s AS before_year_ago,
               %(before_rfm)s AS before_rfm,
               make_interval(days => named.inactivity_days) AS company_inactivity,
               named.at_risk_factor AS company_factor,
               named.at_risk_days,
               named.revenue_basis
          FROM unnest(%(columns)s) AS named (%(names)s)
    CROSS JOIN LATERAL (
               SELECT (named.at AT TIME ZONE 'UTC' AT TIME ZONE named.tz)::date AS day
               ) today
    CROSS JOIN LATERAL (
               SELECT (today.day - interval '1 year')::date AS day_year_ago,
                      (today.day - interval '2 years')::date AS day_rfm,
                      -- as the comparison with last year elsewhere: whole weeks
                      CASE WHEN named.kind IN ('day', 'week') THEN interval '364 days'
                           ELSE interval '1 year' END AS back
               ) local
        """,
        before_year=_before("named.date_from - interval '1 year'"),
        before_two_years=_before("named.date_from - interval '2 years'"),
        before_base=_before("named.date_from - local.back"),
        before_base_end=_before("named.date_to - local.back"),
        year_ago=_midnight("local.day_year_ago"),
        before_year_ago=_before("local.day_year_ago"),
        before_rfm=_before("local.day_rfm"),
        names=SQL(", ").join(map(SQL.identifier, Moment._fields)),
        columns=SQL(", ").join(
            SQL("%s::%s[]", column, SQL(kind)) for column, kind in zip(columns, _TYPES, strict=True)
        ),
    )


def _midnight(day):
    return SQL("(%s)::timestamp AT TIME ZONE named.tz AT TIME ZONE 'UTC'", SQL(day))


def _before(day):
    return SQL("%s - interval '1 microsecond'", _midnight(day))
