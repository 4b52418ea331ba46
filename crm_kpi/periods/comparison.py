# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which days a period is compared with: the period before, last year, the same elapsed part."""

from dateutil.relativedelta import relativedelta

from ..engine import pace
from ..engine import periods as calendar
from .working_time import working_days


def calendar_length(kind, date_from, date_to):
    """Kind of the calendar with the length of a period.

    Custom dates that span a whole year or quarter, as fiscal periods do, count as one.
    """
    if kind == "custom" and date_to:
        for length in ("quarter", "year"):
            if calendar.shift(length, date_from, 1) == date_to:
                return length
    return kind


def earlier_days(length, date_from, years=0):
    """Days of the period before one of a calendar length, or of the same one years earlier.

    Days and weeks of an earlier year begin on the same weekday: 364 days earlier.

    :return: ``(first day, first day after)``; ``None`` for a length that the calendar has not
    """
    if length not in calendar.CALENDAR_KINDS:
        return None
    if years and length in ("day", "week"):
        start = date_from - relativedelta(days=364 * years)
    elif years:
        start = calendar.shift("year", date_from, -years)
    else:
        start = calendar.shift(length, date_from, -1)
    return start, calendar.shift(length, start, 1)


def custom_earlier_days(date_from, date_to, years=0):
    """Days that custom days are compared with: as many before them, or the same ones years earlier.

    :return: ``(first day, first day after)``

    >>> print(*custom_earlier_days(date(2026, 3, 10), date(2026, 3, 13)))
    2026-03-07 2026-03-10
    >>> print(*custom_earlier_days(date(2024, 2, 29), date(2024, 3, 2), years=1))
    2023-02-28 2023-03-02
    """
    if not years:
        return date_from - (date_to - date_from), date_from
    return calendar.shift("year", date_from, -years), calendar.shift("year", date_to, -years)


def days_elapsed(elapsed):
    """Whole working days of a running period that have elapsed, rounded."""
    return round(elapsed.share * elapsed.total)


def part_ends(period, counts):
    """First days after the first N working days of a period, for each N of ``counts``."""
    days = working_days(period)[period]
    ends = (pace.same_part(days, count) for count in counts)
    return [min(end or period.date_to, period.date_to) for end in ends]


def same_part_days(period, elapsed):
    """Days of an earlier period that correspond to the elapsed part of a running one.

    :param elapsed: :class:`~..engine.pace.Elapsed` of the running period
    :return: ``(first day, first day after)``, ``None`` until half a working day has elapsed
    """
    count = days_elapsed(elapsed)
    return (period.date_from, *part_ends(period, [count])) if count else None
