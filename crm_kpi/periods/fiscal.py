# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Fiscal years and quarters of a company: their days and their names.

They are stored as custom periods; quarters that equal those of the calendar are stored as quarters.
"""

from datetime import timedelta
from itertools import pairwise

from babel.dates import format_date

from ..engine import periods as calendar


def fiscal_spans(company, kind, date_from, date_to):
    """Fiscal years or quarters of a company that overlap some days.

    :param kind: one of :data:`~..engine.periods.FISCAL_KINDS`
    :return: list of ``(first day, first day after)``. It is empty where the fiscal year is the
        calendar year, and for quarters of a year that begins on a day that not every month has.
    """
    if (company.fiscalyear_last_month, company.fiscalyear_last_day) == ("12", 31):
        return []
    spans, day = [], date_from
    while day < date_to:
        first, day = year_of(company, day)
        if kind == "fiscal":
            spans.append((first, day))
        elif first.day <= 28:
            starts = [calendar.shift("quarter", first, count) for count in range(5)]
            spans += [(start, after) for start, after in pairwise(starts) if after <= day]
    return [(first, after) for first, after in spans if date_from < after and first < date_to]


def year_of(company, day):
    """``(first day, first day after)`` of the fiscal year that holds a day."""
    year = company.compute_fiscalyear_dates(day)
    return year["date_from"], year["date_to"] + timedelta(days=1)


def spans(company, kind, date_from, date_to):
    """Periods of any kind but custom that overlap some days.

    :return: the kind that they are stored as, and a list of ``(first day, first day after)``
    """
    if kind in calendar.FISCAL_KINDS:
        found = fiscal_spans(company, kind, date_from, date_to)
        kind = calendar.FISCAL_KINDS[kind]
        if any(calendar.bounds(kind, span[0]) != span for span in found):
            return "custom", found
    return kind, calendar.spans(kind, date_from, date_to, company._kpi_week_start())


def year_start(company, date_from, date_to):
    """First day of the fiscal year of the company that these days are a year or quarter of.

    ``None`` for other days, and where the fiscal year is the calendar year.
    """
    if (date_to - date_from).days > 366:
        return None
    for kind in calendar.FISCAL_KINDS:
        if (date_from, date_to) in fiscal_spans(company, kind, date_from, date_to):
            return year_of(company, date_from)[0]
    return None


def fiscal_name(env, locale, year_from, date_from, date_to):
    """Name of a fiscal year or quarter, such as ``FY 2026/27`` and ``Q1 FY 2026/27``.

    :param year_from: first day of its fiscal year
    """
    last = calendar.shift("year", year_from, 1) - timedelta(days=1)
    years = str(year_from.year)
    if last.year != year_from.year:
        years = f"{years}/{last:%y}"
    name = env._("FY %(years)s", years=years)
    if calendar.shift("quarter", date_from, 1) != date_to:
        return name
    months = (date_from.year - year_from.year) * 12 + date_from.month - year_from.month
    # the calendar's quarter of the same number gives the name in the language: Q1, T1
    quarter = format_date(year_from.replace(month=months + 1, day=1), "QQQ", locale=locale)
    return env._("%(quarter)s %(fiscal_year)s", quarter=quarter, fiscal_year=name)
