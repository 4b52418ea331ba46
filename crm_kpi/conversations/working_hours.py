# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Hours between two instants of many records, by the clock or by a calendar.

The work intervals of a calendar are sent along as sorted arrays in which PostgreSQL searches:
one statement per calendar, none per record.
"""

from datetime import timedelta
from typing import NamedTuple

import pytz

from odoo.tools import SQL


class WorkIntervals(NamedTuple):
    """Work intervals of a calendar: naive UTC, sorted, without overlap."""

    starts: list
    stops: list
    #: hours worked before each interval
    hours_before: list


def work_intervals(calendar, first, last):
    """The work intervals of a calendar between two naive UTC instants, without leaves."""
    if calendar.company_id:
        calendar = calendar.with_company(calendar.company_id)
    # one more day on each side, because leaves and flexible calendars are cut at the ends
    found = calendar._work_intervals_batch(
        pytz.utc.localize(first - timedelta(days=1)),
        pytz.utc.localize(last + timedelta(days=1)),
    )[False]
    spans = sorted(
        tuple(edge.astimezone(pytz.utc).replace(tzinfo=None) for edge in interval[:2])
        for interval in found
    )
    intervals, hours = WorkIntervals([], [], []), 0.0
    for start, stop in spans:
        if intervals.stops and start < intervals.stops[-1]:
            start = intervals.stops[-1]  # overlapping lines of a calendar count once
        if stop <= start:
            continue
        intervals.starts.append(start)
        intervals.stops.append(stop)
        intervals.hours_before.append(hours)
        hours += (stop - start).total_seconds() / 3600
    return intervals


def intervals_table(intervals):
    """The arrays as a table of one row: ``starts``, ``stops``, ``hours_before``."""
    return SQL(
        "(SELECT %s::timestamp[] AS starts, %s::timestamp[] AS stops, %s::float8[] AS hours_before)",
        intervals.starts,
        intervals.stops,
        intervals.hours_before,
    )


def intervals_by_calendar(intervals):
    """The same of several calendars, with ``calendar_id``.

    :param intervals: dict of calendar id to its :class:`WorkIntervals`
    """
    return SQL(" UNION ALL ").join(
        SQL("SELECT %s::int4 AS calendar_id, t.* FROM %s AS t", id_, intervals_table(of_calendar))
        for id_, of_calendar in (intervals or {None: WorkIntervals([], [], [])}).items()
    )


def clock_hours(start, stop):
    """Hours by the clock from one instant to another, never negative."""
    return SQL("GREATEST(EXTRACT(EPOCH FROM %s - %s), 0)::float8 / 3600", stop, start)


def worked_hours(start, stop):
    """Working hours from one instant to another, by the arrays of the table ``w``."""
    return SQL("GREATEST(%s - %s, 0)", worked_until(stop), worked_until(start))


def worked_until(instant):
    """Working hours from the first interval of the table ``w`` until an instant."""
    # width_bucket: number of intervals that have begun; element 0 of an array is NULL
    return SQL(
        "COALESCE(w.hours_before[%(index)s] + EXTRACT(EPOCH FROM"
        " LEAST(%(instant)s, w.stops[%(index)s]) - w.starts[%(index)s])::float8 / 3600, 0)",
        index=SQL("width_bucket(%s, w.starts)", instant),
        instant=instant,
    )
