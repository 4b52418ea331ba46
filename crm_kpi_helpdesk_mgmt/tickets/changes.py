# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Counters and durations that follow from a change of stage, user or team."""

from typing import NamedTuple

from odoo.fields import Domain

from .stamps import CLOSED, STAMPS, WAITING


class State(NamedTuple):
    """What a change is recognised by: the stamps whose condition is met, user and team."""

    met: frozenset
    user: object
    team: object


def states(tickets):
    """``{ticket: State}``, as they are now."""
    met = {stamp.name: tickets.filtered_domain(Domain(stamp.when)) for stamp in STAMPS}
    return {
        ticket: State(
            frozenset(name for name, those in met.items() if ticket in those),
            ticket.user_id,
            ticket.team_id,
        )
        for ticket in tickets
    }


def counters(ticket, before, after, now):
    """New values of the counters of a ticket that changed from one state to another.

    To be written before the stamps, because the waiting hours depend on the old stamp.
    """
    vals = {}
    left = before.met - after.met
    if CLOSED.name in left:
        vals["kpi_reopen_count"] = ticket.kpi_reopen_count + 1
    if WAITING.name in left and ticket.kpi_waiting_since:
        waited = (now - ticket.kpi_waiting_since).total_seconds() / 3600
        vals["kpi_waiting_hours"] = ticket.kpi_waiting_hours + max(waited, 0.0)
    # the first assignment is not a change
    if before.user and before.user != after.user:
        vals["kpi_user_changes"] = ticket.kpi_user_changes + 1
    if before.team and before.team != after.team:
        vals["kpi_team_changes"] = ticket.kpi_team_changes + 1
    return vals
