# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Creates the periods that a refresh needs, and deletes old days and weeks."""

from datetime import timedelta

from odoo import fields

from ..engine import periods as calendar
from .fingerprints import first_day
from .scope import kpis_to_refresh

#: Dates before this are treated as typing errors, not as history.
LONGEST_HISTORY = timedelta(days=365 * 20)
#: How long days and weeks are kept; longer periods are not deleted.
SHORT_PERIODS_KEPT = timedelta(weeks=26)
#: Periods deleted in one run of the autovacuum.
_BATCH = 1000


def refresh_periods(company, now):
    """Create the periods of the whole history, and current days and weeks; update their states."""
    # superuser: periods are the same for all users of a company
    model = company.env["crm.kpi.period"].sudo()
    today = calendar.local_day(now, company._kpi_tz())
    first = company.kpi_history_start or _first_day(company, today)
    first = min(first, calendar.shift("month", calendar.start_of("month", today), -1))
    tomorrow = today + timedelta(days=1)
    model._ensure(first, tomorrow, ("month", "quarter", "year"))
    model._ensure_fiscal_years(first, tomorrow)
    for kind in ("day", "week"):
        previous = calendar.shift(kind, calendar.start_of(kind, today), -1)
        model._ensure(previous, tomorrow, (kind,))
    model.search([("company_id", "=", company.id), ("state", "!=", "locked")])._update_states()
    model._ensure_same_parts(now)


def _first_day(company, today):
    """Day of the first record of any source, today without records."""
    sources = kpis_to_refresh(company).source_id
    days = [
        day
        for source in sources | sources.base_source_ids
        if (day := first_day(source, company, today - LONGEST_HISTORY))
    ]
    return min(days, default=today)


def delete_short_periods(env):
    """Delete old days and weeks without goals.

    :return: number deleted, and whether there may be more, as an autovacuum method returns them
    """
    limit = fields.Date.today() - SHORT_PERIODS_KEPT
    old = env["crm.kpi.period"].search(
        [("kind", "in", ["day", "week"]), ("date_to", "<", limit)], limit=_BATCH
    )
    with_goals = env["crm.kpi.goal"].search([("period_id", "in", old.ids)]).period_id
    deletable = old - with_goals
    deletable.write({"state": "provisional"})  # locked ones cannot be deleted
    deletable.unlink()
    return len(deletable), len(old) == _BATCH and bool(deletable)
