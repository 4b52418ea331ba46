# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Fiscal years and quarters of a company. They are stored as custom periods."""

from datetime import timedelta
from itertools import pairwise

from ..engine import periods as calendar


def fiscal_spans(company, kind, date_from, date_to):
    """Fiscal years or quarters of a company that overlap some days.

    :param kind: one of :data:`~..engine.periods.FISCAL_KINDS`
    :return: list of ``(first day, first day after)``. It is empty where they equal those of the
        calendar, and for quarters of a year that begins on a day that not every month has.
    """
    if (company.fiscalyear_last_month, company.fiscalyear_last_day) == ("12", 31):
        return []
    spans, day = [], date_from
    while day < date_to:
        year = company.compute_fiscalyear_dates(day)
        first, day = year["date_from"], year["date_to"] + timedelta(days=1)
        if kind == "fiscal":
            spans.append((first, day))
        elif first.day <= 28 and first != calendar.start_of("quarter", first):
            starts = [calendar.shift("quarter", first, count) for count in range(5)]
            spans += pairwise(starts)
    return [(first, after) for first, after in spans if date_from < after and first < date_to]


def spans(company, kind, date_from, date_to):
    """Periods of any kind but custom that overlap some days.

    :return: the kind that they are stored as, and a list of ``(first day, first day after)``
    """
    if kind in calendar.FISCAL_KINDS:
        if found := fiscal_spans(company, kind, date_from, date_to):
            return "custom", found
        kind = calendar.FISCAL_KINDS[kind]  # the same days
    return kind, calendar.spans(kind, date_from, date_to)


def is_fiscal(company, date_from, date_to):
    """Whether these days are a fiscal year or quarter of the company."""
    return any(
        (date_from, date_to) in fiscal_spans(company, kind, date_from, date_to)
        for kind in calendar.FISCAL_KINDS
    )
