# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How much of a period is gone, in working days of the company."""

from datetime import datetime, time, timedelta

import pytz

from odoo import api, fields, models, tools

from ..engine import pace
from ..engine import periods as calendar


class CrmKpiPeriod(models.Model):
    _inherit = "crm.kpi.period"  # pylint: disable=consider-merging-classes-inherited

    def _elapsed(self, at=None):
        """The part of each period that is gone, for pace, projection and comparison.

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
        # superuser: everybody may know on which days his company works
        hours = company.resource_calendar_id.sudo()
        leaves = hours.env["resource.calendar.leaves"].search(
            [
                *_holidays_of(company),
                ("resource_id", "=", False),
                ("calendar_id", "in", [False, *hours.ids]),
                ("date_from", "<=", last + timedelta(days=1)),
                ("date_to", ">=", first - timedelta(days=1)),
            ]
        )
        written = "".join(map(_stored, (hours, hours.attendance_ids, leaves)))
        return self._work_days(company.id, company._kpi_tz(), first, last, written)

    @api.model
    @tools.ormcache("company_id", "tz_name", "first", "last", "written")
    def _work_days(self, company_id, tz_name, first, last, written):
        """:meth:`_work_calendar` of a time, kept as long as what it follows from stays.

        A year takes Odoo's calendar longer than all else that a board shows of it.

        :param written: what the hours and holidays are; the key, so that nothing else has to
            say when they have changed
        """
        company = self.env["res.company"].browse(company_id)
        hours = company.resource_calendar_id.sudo()  # superuser: as in _work_calendar
        tz = pytz.timezone(tz_name)
        start = tz.localize(datetime.combine(first, time.min))
        stop = tz.localize(datetime.combine(last, time.min))
        ours = _holidays_of(company)
        if hours and hours.attendance_ids and not hours.flexible_hours:
            # the same for everybody: no resource, hence public holidays only
            intervals = hours._work_intervals_batch(start, stop, domain=ours, tz=tz)[False]
            spans = [(begin, end) for begin, end, _attendance in intervals]
        else:
            spans = _office_hours(first, last, tz)
            if hours:
                leaves = hours._leave_intervals_batch(start, stop, domain=ours, tz=tz)[False]
                off = [(begin, end) for begin, end, _leave in leaves]
                spans = [
                    (begin, end)
                    for begin, end in spans
                    if not any(a <= begin and end <= b for a, b in off)
                ]
        days = {}
        for begin, end in spans:
            days.setdefault(begin.astimezone(tz).date(), []).append((_utc(begin), _utc(end)))
        return days


def _holidays_of(company):
    return [("time_type", "=", "leave"), ("company_id", "in", [False, company.id])]


def _stored(records):
    """The values of all columns of some records, as text to compare."""
    names = [name for name, field in records._fields.items() if field.store and field.column_type]
    return repr(records.read(names, load=""))


def _office_hours(first, last, tz):
    days = (first + timedelta(days=i) for i in range((last - first).days))
    return [
        (tz.localize(datetime.combine(day, time(9))), tz.localize(datetime.combine(day, time(17))))
        for day in days
        if day.weekday() < 5
    ]


def _utc(instant):
    return instant.astimezone(pytz.utc).replace(tzinfo=None)


def _part_gone(spans, at):
    """Share of the spans of time that lies before an instant."""
    total = sum((stop - start).total_seconds() for start, stop in spans)
    gone = sum((min(stop, max(start, at)) - start).total_seconds() for start, stop in spans)
    return gone / total if total else 0.0
