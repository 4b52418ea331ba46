# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""User and team that a ticket counts for: those at the closing, while it is open the present."""

from odoo.tools import SQL


def responsible_user(alias):
    """Expression over a ticket."""
    return _responsible(alias, "user_id", "kpi_closed_user_id")


def responsible_team(alias):
    """Expression over a ticket."""
    return _responsible(alias, "team_id", "kpi_closed_team_id")


def _responsible(alias, present, at_closing):
    ticket = SQL.identifier(alias)
    return SQL(
        "CASE WHEN %(ticket)s.kpi_last_closed_date IS NULL THEN %(ticket)s.%(present)s"
        " ELSE %(ticket)s.%(at_closing)s END",
        ticket=ticket,
        present=SQL.identifier(present),
        at_closing=SQL.identifier(at_closing),
    )
