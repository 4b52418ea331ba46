# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Creates the periods that a refresh needs, and deletes old days and weeks."""

from datetime import timedelta

from odoo import fields

from ..engine import periods as calendar
from ..goals.baseline import unknown_baselines
from ..periods.bounds import LONGEST_HISTORY
from ..periods.comparison import earlier_days
from .failures import confined
from .fingerprints import first_day, first_day_bound
from .scope import kpis_to_refresh

#: How long days and weeks are shown. Those of the year before are kept with them, for comparison.
SHORT_PERIODS_KEPT = timedelta(weeks=26)
_YEAR = timedelta(weeks=52)
#: Periods deleted in one run of the autovacuum.
_BATCH = 1000


def refresh_periods(company, now):
    """Create the periods of the whole history, and recent days and weeks; update their states."""
    # superuser: periods are the same for all users of a company
    model = company.env["crm.kpi.period"].sudo()
    check_time_zone(company)
    today = calendar.local_day(now, company._kpi_tz())
    begin = company.kpi_history_start or first_day_of_history(company, today)
    first = min(begin, calendar.shift("month", calendar.start_of("month", today), -1))
    tomorrow = today + timedelta(days=1)
    model._ensure(first, tomorrow, ("month", "quarter", "year"))
    model._ensure_fiscal_years(first, tomorrow)
    for kind in ("day", "week"):
        _ensure_short(model, kind, today, begin)
    for (owner, kind), spans in unknown_baselines(model.env).items():
        if owner == company:
            model._ensure_spans(kind, _known(spans, company.kpi_history_start))
    model.search([("company_id", "=", company.id), ("state", "!=", "locked")])._update_states()
    model._ensure_same_parts(now)


def _ensure_short(model, kind, today, begin):
    """Create days or weeks without a gap since the first recent one, and those of last year.

    There would be a gap after some days without a refresh. When weeks begin on another day than
    before, recent weeks are created again with the new first day.
    """
    company = model.env.company
    running = calendar.start_of(kind, today, company._kpi_week_start())
    previous = calendar.shift(kind, running, -1)
    recent = [
        ("company_id", "=", company.id),
        ("kind", "=", kind),
        ("date_from", ">=", today - SHORT_PERIODS_KEPT),
    ]
    oldest = model.search(recent, order="date_from", limit=1)
    since = min(previous, oldest.date_from or previous)
    shown = model._ensure(since, today + timedelta(days=1), (kind,))
    last_year = {earlier_days(kind, period.date_from, years=1) for period in shown}
    model._ensure_spans(kind, _known(last_year, begin))


def _known(spans, begin):
    """Days that do not all lie before the history of the KPIs."""
    return {span for span in spans if not begin or span[1] > begin}


def check_time_zone(company):
    """Tell the administrator that another time zone is used than the one that was chosen."""
    # superuser: bookkeeping of the refresh
    failures = company.env["crm.kpi.failure"].sudo()
    name, used = f"time zone of {company.name}", company._kpi_tz()
    wanted = next(iter(company._kpi_wanted_tz()), used)
    if wanted == used:
        failures._forget(name)
        return
    text = company.env._(
        "The database does not know the time zone %(wanted)s of %(company)s. Its days begin at "
        "midnight of %(used)s. Choose another time zone in the settings of KPIs.",
        wanted=wanted,
        company=company.name,
        used=used,
    )
    failures._note(name, company.env._("Time zone"), text, company)


def first_day_of_history(company, today):
    """Day of the first record of any source, today without records."""
    kpis = kpis_to_refresh(company)
    sources = kpis.source_id
    earliest, first = today - LONGEST_HISTORY, today
    columns = {}
    bounds = [
        (first_day_bound(source, company, earliest, columns), source)
        for source in sources | sources.base_source_ids
    ]
    # most records are not read: their source has no earlier one than another source
    for bound, source in sorted(bounds, key=lambda pair: pair[0]):
        if bound >= first:
            break
        # a source that cannot be used fails on its KPIs; the periods of the others are needed
        with confined(kpis.filtered(lambda kpi, own=source: kpi.source_id == own)):
            first = min(first, first_day(source, company, earliest) or today)
    return first


def delete_short_periods(env):
    """Delete old days and weeks that no goal, baseline or comparison with last year needs.

    Weeks are kept until the weeks of the next year do not need them any more: a snapshot of the
    past could not be computed again. Days would be too many; those that are compared are computed
    again.

    :return: number deleted, and whether there may be more, as an autovacuum method returns them
    """
    today = fields.Date.today()
    shown = today - SHORT_PERIODS_KEPT
    compared = shown - _YEAR - timedelta(weeks=2)
    old = env["crm.kpi.period"].search(
        [
            "|",
            "&",
            ("kind", "in", ["day", "week"]),
            ("date_to", "<", compared),
            "&",
            "&",
            ("kind", "=", "day"),
            ("date_to", "<", shown),
            ("date_from", ">", today - _YEAR),
        ],
        limit=_BATCH,
    )
    needed = env["crm.kpi.goal"].search([("period_id", "in", old.ids)]).period_id
    for (company, kind), spans in unknown_baselines(env).items():
        needed |= env["crm.kpi.period"].with_company(company)._on(kind, spans)
    # those of which a refresh writes values right now are deleted another time
    deletable = (old - needed).try_lock_for_update()
    deletable.write({"state": "provisional"})  # locked ones cannot be deleted
    deletable.unlink()
    return len(deletable), len(old) == _BATCH and bool(deletable)
