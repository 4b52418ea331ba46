# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The stamps of a ticket: closings, solution, re-opening, waiting.

The closing date of helpdesk_mgmt changes with every write of a closed stage, and is not set
when a ticket is created closed or when a change of team changes the stage.
"""

from odoo.tools import SQL

from odoo.addons.crm_kpi.stamps import Stamp

#: The help desk's own dates of the present stage.
STAGE_DATES = ("r.last_stage_update", "r.create_date")
FIRST_CLOSED = Stamp(
    "first_closed",
    date="kpi_first_closed_date",
    user="kpi_first_closed_user_id",
    team="kpi_first_closed_team_id",
    when=[("stage_id.closed", "=", True)],
    once=True,
    tracked=("past.first_closed",),
    dated=("r.closed_date", *STAGE_DATES),
)
CLOSED = Stamp(
    "closed",
    date="kpi_last_closed_date",
    user="kpi_closed_user_id",
    team="kpi_closed_team_id",
    when=FIRST_CLOSED.when,
    tracked=("past.last_closed",),
    dated=FIRST_CLOSED.dated,
)
RESOLVED = Stamp(
    "resolved",
    date="kpi_first_resolved_date",
    user="kpi_first_resolved_user_id",
    when=[("stage_id.kpi_is_resolution", "=", True)],
    once=True,
    tracked=("past.first_resolved",),
    dated=FIRST_CLOSED.dated,
)
REOPENED = Stamp(
    "reopened",
    date="kpi_first_reopen_date",
    when=[("kpi_reopen_count", ">", 0)],
    once=True,
    tracked=("past.first_reopened",),
)
WAITING = Stamp(
    "waiting",
    date="kpi_waiting_since",
    when=[("stage_id.kpi_is_waiting", "=", True)],
    tracked=("past.waiting_since",),
    dated=STAGE_DATES,
)
#: The stamps that the closing date of an import dates.
CLOSINGS = (FIRST_CLOSED, CLOSED, RESOLVED)
STAMPS = (FIRST_CLOSED, CLOSED, RESOLVED, REOPENED, WAITING)


def imported_closing(ticket):
    """Closing date of a closed ticket that lies before its creation: only imports set it."""
    date = ticket.stage_id.closed and ticket.closed_date
    return date if date and date < ticket.create_date else False


def changed_setting(setting, value):
    """Stamps of the ticket ``r`` in a stage whose setting became ``value``: dict of SQL.

    Nothing has happened to the ticket: the event is dated by the moment at which it entered
    the stage, and a stage that is opened re-opens no ticket.
    """
    entered = SQL("COALESCE(r.last_stage_update, r.create_date)")
    values = {}
    for stamp in STAMPS:
        if stamp.depends != (f"stage_id.{setting}",):
            continue
        if value:
            date = SQL("COALESCE(r.%s, %s)", SQL.identifier(stamp.date), entered)
            values.update({stamp.date: date, **stamp.owner_sql(date)})
        elif not stamp.once:
            values.update(
                {name: SQL("NULL::%s", SQL(kind)) for name, kind in stamp.columns.items()}
            )
    return values
