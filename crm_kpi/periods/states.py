# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""When a period is future, running, provisional or locked."""

from ..engine import periods as calendar

#: Kind of the periods that the refresh keeps for comparisons: the first working days of an
#: earlier period.
SAME_PART = ("to_date", "Same part")


def state_at(period, now):
    """State of a period at a UTC instant: ``future``, ``open``, ``provisional`` or ``locked``.

    A closed period stays provisional for the number of periods of its kind that the company
    sets; custom periods count in months. Afterwards it is locked. Periods that a manager
    unlocked, and those kept for comparisons, stay provisional.
    """
    if now < period.utc_from:
        return "future"
    if now < period.utc_to:
        return "open"
    if period.unlocked or period.kind == SAME_PART[0]:
        return "provisional"
    company = period.company_id
    kind = "month" if period.kind == "custom" else period.kind
    today = calendar.local_day(now, company._kpi_tz())
    running = calendar.start_of(kind, today, company._kpi_week_start())
    first_provisional = calendar.shift(kind, running, -company.kpi_provisional_periods)
    return "locked" if period.date_to <= first_provisional else "provisional"


def locks_on(period):
    """The first day on which a period is locked without a manager.

    ``None`` for periods that are never locked so: unlocked ones and those kept for comparisons.
    """
    if period.unlocked or period.kind == SAME_PART[0] or not period.date_to:
        return None
    company = period.company_id
    kind = "month" if period.kind == "custom" else period.kind
    first = calendar.start_of(kind, period.date_to, company._kpi_week_start())
    if first < period.date_to:
        first = calendar.shift(kind, first, 1)
    return calendar.shift(kind, first, company.kpi_provisional_periods)
