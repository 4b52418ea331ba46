# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Stamps that follow from a changed setting of a stage.

The setting says how the stage is read, nothing has happened to its tickets: a closing is dated
by the moment a ticket entered the stage, and a stage that is opened re-opens no ticket.
"""

from odoo import SUPERUSER_ID
from odoo.tools import SQL

#: When the ticket ``r`` entered its stage.
ENTERED = SQL("COALESCE(r.last_stage_update, r.create_date)")
USER = SQL("NULLIF(r.user_id, %s)", SUPERUSER_ID)
TEAM = SQL("r.team_id")


def stamps(setting, value):
    """Stamps of the ticket ``r`` in a stage whose setting became ``value``: dict of SQL."""
    if setting == "closed" and value:
        return {
            **first_time("kpi_last_closed_date", ENTERED),
            **first_time("kpi_first_closed_date", ENTERED),
            **credit("kpi_closed", "kpi_last_closed_date", team=True),
            **credit("kpi_first_closed", "kpi_first_closed_date", team=True),
        }
    if setting == "closed":
        return {
            "kpi_last_closed_date": SQL("NULL::timestamp"),
            "kpi_closed_user_id": SQL("NULL::int"),
            "kpi_closed_team_id": SQL("NULL::int"),
        }
    if setting == "kpi_is_resolution" and value:
        return {
            **first_time("kpi_first_resolved_date", ENTERED),
            **credit("kpi_first_resolved", "kpi_first_resolved_date"),
        }
    if setting == "kpi_is_waiting":
        return (
            first_time("kpi_waiting_since", ENTERED)
            if value
            else {"kpi_waiting_since": SQL("NULL::timestamp")}
        )
    return {}


def first_time(date, moment):
    """A date that is kept where it is set."""
    return {date: SQL("COALESCE(r.%s, %s)", SQL.identifier(date), moment)}


def credit(prefix, date, team=False):
    """User, and team, of an event; kept where its date is set."""
    values = {f"{prefix}_user_id": USER}
    if team:
        values[f"{prefix}_team_id"] = TEAM
    return {
        name: SQL(
            "CASE WHEN r.%s IS NULL THEN %s ELSE r.%s END",
            SQL.identifier(date),
            value,
            SQL.identifier(name),
        )
        for name, value in values.items()
    }
