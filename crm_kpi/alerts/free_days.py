# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""On which days a user is off, by their own calendar or that of the company."""

from datetime import timedelta, timezone

import pytz

from ..engine.alert_state import MAX_DAYS


class FreeDays:
    """The free days from a moment on. A calendar is read once per user that hears something."""

    def __init__(self, now):
        self.start = now.replace(tzinfo=timezone.utc)
        self.stop = self.start + timedelta(days=MAX_DAYS)
        self.known = {}

    def of(self, user, company, tz):
        """Says of a local day whether the user is off.

        Without a calendar, or with flexible hours, which name no days, Saturday and Sunday are free.

        :param user: as superuser: only on which days a user works is read
        """
        resource = user.resource_ids.filtered(lambda resource: resource.company_id == company)[:1]
        hours = resource.calendar_id or company.resource_calendar_id
        if not hours or hours.flexible_hours:
            return lambda day: day.weekday() > 4
        key = resource, hours, tz
        if key not in self.known:
            zone = pytz.timezone(tz)
            intervals = hours._work_intervals_batch(
                self.start - timedelta(days=1),
                self.stop,
                resources=resource or None,
                domain=[("time_type", "=", "leave"), ("company_id", "in", [False, company.id])],
                tz=zone,
            )[resource.id]
            self.known[key] = {begin.astimezone(zone).date() for begin, _end, _meta in intervals}
        days = self.known[key]
        return lambda day: day not in days
