# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The days that periods may have. Working time and fiscal years are computed for all of them."""

from datetime import timedelta

from dateutil.relativedelta import relativedelta

from ..engine import periods as calendar

#: Dates before this are treated as typing errors, not as history.
LONGEST_HISTORY = timedelta(days=365 * 20)
#: How far the days of a custom period may lie ahead.
CUSTOM_AHEAD = relativedelta(years=1)
#: How far the first day of any other period may lie ahead: goals of the next years.
CALENDAR_AHEAD = relativedelta(years=5)


def custom_days(company, today):
    """``(first day, first day after)`` of the days that a custom period may hold.

    They begin with the KPI history of the company.
    """
    first = company.kpi_history_start or today - LONGEST_HISTORY
    return first, today + CUSTOM_AHEAD + timedelta(days=1)


def calendar_days(company, today):
    """The same for calendar and fiscal periods, which hold at least one of these days."""
    first = today - LONGEST_HISTORY
    return min(company.kpi_history_start or first, first), today + CALENDAR_AHEAD


def is_calendar_like(period):
    """Whether a period follows from the calendar or from a fiscal year: it is at most a year."""
    return period.kind in calendar.CALENDAR_KINDS or bool(period.fiscal_from)
