# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Working time of a company: the working days of a period and the part that has elapsed.

The working hours of the company count, without its public holidays, as local days of the KPI
time zone. Without working hours, or with flexible ones (which name no days), Monday to Friday
from 9 to 17 count.
"""

from datetime import date, datetime, time, timedelta

import pytz

from odoo.tools.lru import LRU

from ..engine import pace
from ..engine import periods as calendar

#: Years of working hours that are kept in memory: 260 days each.
_YEARS_IN_MEMORY = LRU(64)


def elapsed_parts(periods, at):
    """The part of each period that has elapsed, for pace, forecast and comparison.

    :param at: naive UTC instant
    :return: dict of period to :class:`~..engine.pace.Elapsed`
    """
    result = {}
    for company, own in periods.grouped("company_id").items():
        hours = working_hours(company, min(own.mapped("date_from")), max(own.mapped("date_to")))
        today = calendar.local_day(at, company._kpi_tz())
        share = _elapsed_share(hours.get(today, ()), at)
        for period in own:
            result[period] = pace.elapsed(period.date_from, period.date_to, hours, today, share)
    return result


def working_days(periods):
    """The working days of each period: dict of period to a sorted list of dates."""
    result = {}
    for company, own in periods.grouped("company_id").items():
        first, last = min(own.mapped("date_from")), max(own.mapped("date_to"))
        days = sorted(working_hours(company, first, last))
        for period in own:
            result[period] = [day for day in days if period.date_from <= day < period.date_to]
    return result


def working_hours(company, first, last):
    """Working hours of a company from a first day until, without it, a last day.

    :return: dict of date to a list of ``(start, stop)`` as naive UTC instants; a day without
        working hours is missing
    """
    tz = pytz.timezone(company._kpi_tz())
    # superuser: every user may know on which days the company works
    hours = company.resource_calendar_id.sudo()
    leaves = []
    if hours:
        domain = [("time_type", "=", "leave"), ("company_id", "in", [False, company.id])]
        start, stop = (tz.localize(datetime.combine(day, time.min)) for day in (first, last))
        # leaves without a resource are public holidays
        found = hours._leave_intervals_batch(start, stop, domain=domain, tz=tz)[False]
        leaves = [(_utc(begin), _utc(end)) for begin, end, _leave in found]
    days = {}
    for year in range(first.year, (last - timedelta(days=1)).year + 1):
        for day, intervals in _hours_of_year(hours, tz, year).items():
            if first <= day < last and (left := _without(intervals, leaves)):
                days[day] = left
    return days


def _hours_of_year(hours, tz, year):
    """Working hours of a year, public holidays included: ``{day: [(start, stop)]}`` in naive UTC.

    Every pace and every comparison needs them, so they are kept in memory. The key holds all
    that they follow from: changed working hours need no invalidation.
    """
    hours = hours if not hours.flexible_hours else hours.browse()
    week = [
        (a.dayofweek, a.week_type, a.day_period, a.display_type, a.hour_from, a.hour_to)
        for a in hours.attendance_ids
    ]
    key = (tz.zone, year, hours.two_weeks_calendar, *week)
    days = _YEARS_IN_MEMORY.get(key)
    if days is None:
        days = {}
        intervals = _attendances(hours, tz, year) if week else _office_hours(tz, year)
        for begin, end in intervals:
            days.setdefault(begin.astimezone(tz).date(), []).append((_utc(begin), _utc(end)))
        _YEARS_IN_MEMORY[key] = days
    return days


def _attendances(hours, tz, year):
    """Intervals of the attendances of working hours in a year."""
    start, stop = (tz.localize(datetime(y, 1, 1)) for y in (year, year + 1))
    intervals = hours._attendance_intervals_batch(start, stop, tz=tz)[False]
    return [(begin, end) for begin, end, _attendance in intervals]


def _office_hours(tz, year):
    """Monday to Friday from 9 to 17."""
    first, last = date(year, 1, 1), date(year + 1, 1, 1)
    days = (first + timedelta(days=i) for i in range((last - first).days))
    return [
        tuple(tz.localize(datetime.combine(day, time(hour))) for hour in (9, 17))
        for day in days
        if day.weekday() < 5
    ]


def _without(intervals, leaves):
    """Intervals without the leaves."""
    for start, stop in leaves:
        intervals = [
            (begin, end)
            for first, last in intervals
            for begin, end in ((first, min(last, start)), (max(first, stop), last))
            if begin < end
        ]
    return intervals


def _utc(instant):
    return instant.astimezone(pytz.utc).replace(tzinfo=None)


def _elapsed_share(intervals, at):
    """Share of the intervals that lies before an instant, 0 to 1."""
    total = sum((stop - start).total_seconds() for start, stop in intervals)
    worked = sum((min(stop, max(start, at)) - start).total_seconds() for start, stop in intervals)
    return worked / total if total else 0.0
