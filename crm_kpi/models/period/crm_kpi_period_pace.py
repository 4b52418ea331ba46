# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How much of a period has elapsed, in working days of the company."""

from datetime import date, datetime, time, timedelta

import pytz

from odoo import fields, models
from odoo.tools.lru import LRU

from ...engine import pace
from ...engine import periods as calendar

#: Years of working hours that are kept in memory: 260 days each.
_KEPT_YEARS = LRU(64)


class CrmKpiPeriod(models.Model):
    _inherit = "crm.kpi.period"  # pylint: disable=consider-merging-classes-inherited

    def _elapsed(self, at=None):
        """The part of each period that has elapsed, for pace, projection and comparison.

        :param at: naive UTC instant, default now
        :return: dict of period to :class:`~..engine.pace.Elapsed`
        """
        at = at or fields.Datetime.now()
        result = {}
        for company, periods in self.grouped("company_id").items():
            days = periods._work_calendar(company)
            today = calendar.local_day(at, company._kpi_tz())
            part = _part_gone(days.get(today, ()), at)
            for period in periods:
                result[period] = pace.elapsed(period.date_from, period.date_to, days, today, part)
        return result

    def _working_days(self):
        """The working days of each period.

        :return: dict of period to a sorted list of dates
        """
        result = {}
        for company, periods in self.grouped("company_id").items():
            days = sorted(periods._work_calendar(company))
            for period in periods:
                result[period] = [d for d in days if period.date_from <= d < period.date_to]
        return result

    def _work_calendar(self, company):
        """Working days from the first to the last day of the periods of one company.

        The working hours of the company count, without its public holidays, as local days
        of the KPI time zone. Without working hours (or with flexible ones, which name no
        days) Monday to Friday from 9 to 17 count.

        :return: dict of date to a list of ``(start, stop)`` as naive UTC instants
        """
        first = min(self.mapped("date_from"))
        last = max(self.mapped("date_to"))
        tz = pytz.timezone(company._kpi_tz())
        # superuser: everybody may know on which days his company works
        hours = company.resource_calendar_id.sudo()
        off = []
        if hours:
            ours = [("time_type", "=", "leave"), ("company_id", "in", [False, company.id])]
            start, stop = (tz.localize(datetime.combine(day, time.min)) for day in (first, last))
            # the same for everybody: no resource, hence public holidays only
            leaves = hours._leave_intervals_batch(start, stop, domain=ours, tz=tz)[False]
            off = [(_utc(begin), _utc(end)) for begin, end, _leave in leaves]
        days = {}
        for year in range(first.year, (last - timedelta(days=1)).year + 1):
            days |= {
                day: left
                for day, spans in _regular_days(hours, tz, year).items()
                if first <= day < last and (left := _without(spans, off))
            }
        return days


def _regular_days(hours, tz, year):
    """Working hours of a year, holidays or not: ``{day: [(start, stop)]}`` in naive UTC.

    Every pace and every comparison needs them. They are kept by all that they follow from, so
    that nobody has to tell when working hours change.
    """
    hours = hours if not hours.flexible_hours else hours.browse()
    week = [(a.dayofweek, a.week_type, a.day_period, a.display_type, a.hour_from, a.hour_to)
            for a in hours.attendance_ids]  # fmt: skip
    key = (tz.zone, year, hours.two_weeks_calendar, *week)
    days = _KEPT_YEARS.get(key)
    if days is None:
        days = {}
        for begin, end in _hours_of_year(hours if week else None, tz, year):
            days.setdefault(begin.astimezone(tz).date(), []).append((_utc(begin), _utc(end)))
        _KEPT_YEARS[key] = days
    return days


def _hours_of_year(hours, tz, year):
    first, last = date(year, 1, 1), date(year + 1, 1, 1)
    if hours:
        start, stop = (tz.localize(datetime.combine(day, time.min)) for day in (first, last))
        intervals = hours._attendance_intervals_batch(start, stop, tz=tz)[False]
        return [(begin, end) for begin, end, _attendance in intervals]
    days = (first + timedelta(days=i) for i in range((last - first).days))
    return [
        (tz.localize(datetime.combine(day, time(9))), tz.localize(datetime.combine(day, time(17))))
        for day in days
        if day.weekday() < 5
    ]


def _without(spans, off):
    """The spans of time without those in which nobody works."""
    for start, stop in off:
        spans = [
            (begin, end)
            for first, last in spans
            for begin, end in ((first, min(last, start)), (max(first, stop), last))
            if begin < end
        ]
    return spans


def _utc(instant):
    return instant.astimezone(pytz.utc).replace(tzinfo=None)


def _part_gone(spans, at):
    """Share of the spans of time that lies before an instant."""
    total = sum((stop - start).total_seconds() for start, stop in spans)
    worked = sum((min(stop, max(start, at)) - start).total_seconds() for start, stop in spans)
    return worked / total if total else 0.0
