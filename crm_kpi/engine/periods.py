# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Calendar arithmetic of KPI periods.

A period is half-open: it holds the local days ``date_from <= day < date_to`` and, in UTC,
the instants between the local midnights of these two days.
"""

from datetime import datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

#: Kinds that follow from the calendar; a custom period has any dates.
CALENDAR_KINDS = ("day", "week", "month", "quarter", "year")
#: First days of weeks, as ISO and languages count them.
MONDAY, SUNDAY = 1, 7
#: Kinds that follow from a company's fiscal year, stored as custom periods, with the calendar
#: kind of the same length.
FISCAL_KINDS = {"fiscal_quarter": "quarter", "fiscal": "year"}

_STEP = {
    "day": relativedelta(days=1),
    "week": relativedelta(weeks=1),
    "month": relativedelta(months=1),
    "quarter": relativedelta(months=3),
    "year": relativedelta(years=1),
}


def start_of(kind, day, week_start=MONDAY):
    """First day of the period of this kind that holds ``day``.

    :param week_start: first day of weeks, from Monday (1) to Sunday (7)

    >>> print(start_of("week", date(2027, 1, 1)), start_of("quarter", date(2026, 11, 22)))
    2026-12-28 2026-10-01
    >>> print(start_of("week", date(2027, 1, 1), SUNDAY), start_of("week", date(2027, 1, 3), SUNDAY))
    2026-12-27 2027-01-03
    """
    match kind:
        case "day":
            return day
        case "week":
            return day - timedelta(days=(day.isoweekday() - week_start) % 7)
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case "year":
            return day.replace(month=1, day=1)
    raise ValueError(f"Unknown kind of period: {kind}")


def bounds(kind, day, week_start=MONDAY):
    """``(date_from, date_to)`` of the period of this kind that holds ``day``, half-open.

    >>> print(*bounds("month", date(2028, 2, 29)))
    2028-02-01 2028-03-01
    """
    first = start_of(kind, day, week_start)
    return first, first + _STEP[kind]


def shift(kind, date_from, count):
    """First day of the period ``count`` periods later (negative: earlier).

    >>> print(shift("month", date(2026, 3, 1), -1))
    2026-02-01
    """
    return date_from + _STEP[kind] * count


def spans(kind, date_from, date_to, week_start=MONDAY):
    """All ``(date_from, date_to)`` of this kind that overlap the half-open days given.

    >>> for span in spans("quarter", date(2026, 3, 31), date(2026, 4, 2)):
    ...     print(*span)
    2026-01-01 2026-04-01
    2026-04-01 2026-07-01
    """
    result = []
    first = start_of(kind, date_from, week_start)
    while first < date_to:
        following = first + _STEP[kind]
        result.append((first, following))
        first = following
    return result


def utc_midnight(day, tz):
    """The UTC instant (naive) at which the local ``day`` begins in the time zone ``tz``.

    Where daylight saving skips midnight, the day begins at the first instant there is.

    >>> print(utc_midnight(date(2026, 10, 26), "Europe/Brussels"))
    2026-10-25 23:00:00
    >>> print(utc_midnight(date(2026, 10, 25), "Europe/Brussels"))
    2026-10-24 22:00:00
    """
    local = datetime.combine(day, time.min, tzinfo=ZoneInfo(tz))
    return local.astimezone(timezone.utc).replace(tzinfo=None)


def local_day(instant, tz):
    """The local day of a naive UTC instant.

    >>> print(local_day(datetime(2026, 9, 30, 22, 30), "Europe/Brussels"))
    2026-10-01
    """
    return instant.replace(tzinfo=timezone.utc).astimezone(ZoneInfo(tz)).date()


def code(kind, date_from, date_to):
    """Language-neutral name, sortable within a kind. Only weeks from Monday have ISO numbers.

    >>> code("week", date(2026, 12, 28), date(2027, 1, 4))
    '2026-W53'
    >>> code("quarter", date(2026, 10, 1), date(2027, 1, 1))
    '2026-Q4'
    """
    match kind:
        case "day":
            return date_from.isoformat()
        case "week" if date_from.isoweekday() == MONDAY:
            iso = date_from.isocalendar()
            return f"{iso.year}-W{iso.week:02d}"
        case "month":
            return f"{date_from:%Y-%m}"
        case "quarter":
            return f"{date_from.year}-Q{(date_from.month - 1) // 3 + 1}"
        case "year":
            return str(date_from.year)
    return f"{date_from.isoformat()} – {(date_to - timedelta(days=1)).isoformat()}"


def months_between(date_from, date_to):
    """Length of a period in months, by days where it does not consist of whole months.

    >>> months_between(date(2026, 10, 1), date(2027, 1, 1))
    3.0
    """
    delta = relativedelta(date_to, date_from)
    return float(delta.years * 12 + delta.months) + delta.days / 30.4375


def tracks(periods):
    """Split periods into tracks of periods that do not overlap one another.

    :param periods: iterable of tuples ``(start, end, …)``, half-open, comparable
    :return: list of tracks, each a list of these tuples in order of time

    >>> tracks([(1, 3, "a"), (3, 5, "b"), (1, 5, "c")])
    [[(1, 3, 'a'), (3, 5, 'b')], [(1, 5, 'c')]]
    """
    result = []
    for period in sorted(periods, key=lambda item: (item[0], item[1])):
        for track in result:
            if track[-1][1] <= period[0]:
                track.append(period)
                break
        else:
            result.append([period])
    return result


def pieces(periods):
    """Cut periods that overlap into pieces of time that none of them cuts.

    :param periods: iterable of tuples ``(start, end, id)``, half-open, comparable
    :return: list of pieces ``(start, end, number)`` in order of time, and list of ``(number of the
        piece, id of a period that it is part of)``; time outside of all periods is in no piece

    >>> pieces([(1, 3, "a"), (3, 5, "b"), (1, 5, "c"), (7, 8, "d")])
    ([(1, 3, 0), (3, 5, 1), (7, 8, 3)], [(0, 'a'), (1, 'b'), (0, 'c'), (1, 'c'), (3, 'd')])
    """
    periods = list(periods)
    bounds = sorted({bound for start, end, _id in periods for bound in (start, end)})
    number = {bound: index for index, bound in enumerate(bounds)}
    parts = [
        (index, period_id)
        for start, end, period_id in periods
        for index in range(number[start], number[end])
    ]
    used = sorted({index for index, _id in parts})
    return [(bounds[index], bounds[index + 1], index) for index in used], parts
