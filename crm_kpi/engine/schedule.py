# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""When mails that are sent again and again are sent next."""

from datetime import datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from .periods import local_day


def next_instant(frequency, moment, tz, hour, weekday=0, day=1):
    """The next instant to send at, after a moment; both are naive UTC.

    :param frequency: ``daily``, ``weekly``, or else monthly
    :param hour: hour of the local day, also on days on which the clock changes
    :param weekday: of weekly mails, Monday is 0
    :param day: of monthly mails; in a shorter month its last day

    >>> print(next_instant("daily", datetime(2026, 10, 24, 5), "Europe/Brussels", 7))
    2026-10-25 06:00:00
    >>> print(next_instant("weekly", datetime(2026, 10, 24, 5), "America/New_York", 7))
    2026-10-26 11:00:00
    >>> print(next_instant("monthly", datetime(2026, 2, 3), "Europe/Brussels", 7, day=31))
    2026-02-28 06:00:00
    """
    today = local_day(moment, tz)
    match frequency:
        case "daily":
            days = [today, today + timedelta(days=1)]
        case "weekly":
            first = today + timedelta(days=(weekday - today.weekday()) % 7)
            days = [first, first + timedelta(days=7)]
        case _:
            start = today.replace(day=1)
            days = [start + relativedelta(months=i, day=day) for i in (0, 1)]
    instants = [
        datetime.combine(local, time(hour), ZoneInfo(tz))
        .astimezone(timezone.utc)
        .replace(tzinfo=None)
        for local in days
    ]
    return next((at for at in instants if at > moment), instants[-1])
