# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which manual values are due.

A value is due when the latest complete period has none, and one of the periods before it has a value
of the same KPI, team, salesperson and segment.
"""

from typing import NamedTuple

from ..engine import periods as calendar

#: Periods before the latest complete one of which a value makes the next one due.
LOOK_BACK = 3


class EntryKey(NamedTuple):
    """What an entry is about, without its period."""

    kpi_id: int
    team_id: int | bool
    user_id: int | bool
    segment_id: int | bool


class DueEntries(NamedTuple):
    """The values of one kind of period that are due.

    :param date_from: first day of the latest complete period
    """

    period_kind: str
    date_from: object
    keys: set


def key_of(entry):
    """The :class:`EntryKey` of an entry. The team of a salesperson may change: it does not count."""
    team = entry.team_id if not entry.user_id else entry.team_id.browse()
    return EntryKey(entry.kpi_id.id, team.id, entry.user_id.id, entry.segment_id.id)


def due_entries(company, today):
    """The values that are due, as list of :class:`DueEntries`.

    :param company: in the environment of the reader, whose entries count
    :param today: the local day
    """
    result = []
    for kind in calendar.CALENDAR_KINDS:
        latest = calendar.shift(kind, calendar.start_of(kind, today, company._kpi_week_start()), -1)
        entries = company.env["crm.kpi.entry"].search(
            [
                ("company_id", "=", company.id),
                ("period_kind", "=", kind),
                ("kpi_id.state", "=", "published"),
                ("kpi_id.kind", "=", "manual"),
                ("kpi_id.active", "=", True),
                ("date_from", ">=", calendar.shift(kind, latest, -LOOK_BACK)),
                ("date_from", "<=", latest),
            ]
        )
        there = {key_of(entry) for entry in entries if entry.date_from == latest}
        before = {
            key_of(entry)
            for entry in entries
            # a salesperson who left enters no more values
            if entry.date_from < latest and (not entry.user_id or entry.user_id.active)
        }
        if due := before - there:
            result.append(DueEntries(kind, latest, due))
    return result
