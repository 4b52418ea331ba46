# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Stamps that a change of stage, user or team sets."""

from typing import NamedTuple

from odoo import SUPERUSER_ID


class State(NamedTuple):
    """What the stamps of a ticket depend on."""

    closed: bool
    resolved: bool
    waiting: bool
    user: object
    team: object


def stamps(ticket, before, after, now):
    """New values of the stamps of a ticket that changed from one state to another."""
    vals = {}
    if after.closed and not before.closed:
        vals.update(kpi_last_closed_date=now, **credit("kpi_closed", after))
        if not ticket.kpi_first_closed_date:
            vals.update(kpi_first_closed_date=now, **credit("kpi_first_closed", after))
    elif before.closed and not after.closed:
        vals.update(
            kpi_last_closed_date=False,
            kpi_closed_user_id=False,
            kpi_closed_team_id=False,
            kpi_reopen_count=ticket.kpi_reopen_count + 1,
        )
        if not ticket.kpi_first_reopen_date:
            vals["kpi_first_reopen_date"] = now
    if after.resolved and not before.resolved and not ticket.kpi_first_resolved_date:
        vals.update(kpi_first_resolved_date=now, kpi_first_resolved_user_id=credited(after.user))
    if after.waiting and not before.waiting:
        vals["kpi_waiting_since"] = now
    elif before.waiting and not after.waiting and ticket.kpi_waiting_since:
        waited = (now - ticket.kpi_waiting_since).total_seconds() / 3600
        vals["kpi_waiting_hours"] = ticket.kpi_waiting_hours + max(waited, 0.0)
        vals["kpi_waiting_since"] = False
    if before.user and before.user != after.user:
        vals["kpi_user_changes"] = ticket.kpi_user_changes + 1
    if before.team and before.team != after.team:
        vals["kpi_team_changes"] = ticket.kpi_team_changes + 1
    return vals


def credit(prefix, state):
    """User and team of an event."""
    return {f"{prefix}_user_id": credited(state.user), f"{prefix}_team_id": state.team.id}


def credited(user):
    """Id of the user who gets the credit. Events of OdooBot are not credited to anyone."""
    return user.id if user.id != SUPERUSER_ID else False
