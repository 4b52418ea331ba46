# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What stands above the cards: choices of the filters, the period, the age of the values."""

from dataclasses import dataclass
from datetime import timedelta

from odoo import fields
from odoo.tools.misc import format_datetime

#: Values are called old when the refresh has missed this number of its intervals.
STALE_AFTER = 3


@dataclass
class PeriodInfo:
    """The period in words, and how much of it has elapsed."""

    id: int | None = None
    label: str = ""
    date_from: str | None = None
    date_to: str | None = None
    timing: str = "running"
    state: str = "open"
    state_text: str = ""
    elapsed_text: str = ""
    share: float = 0.0


@dataclass
class Freshness:
    """When the values were last updated; ``stale_text`` says why they may be wrong now."""

    as_of: str = ""
    stale: bool = False
    stale_text: str = ""


def filter_choices(context):
    """What the filters offer: only what the reader may see."""
    return {
        "kinds": context.period_kinds,
        "periods": _periods(context.period_choices),
        "days": _selectable_days(context),
        "companies": _names(context.env.companies),
        "teams": _names(context.visible_teams),
        "users": [{"id": id_, "name": name} for id_, name in context.selectable_users().items()],
        "segment_sets": [
            {
                "id": segment_set.id,
                "name": segment_set.name,
                # only the segments of the chosen set can be chosen
                "segments": _names(segment_set.segment_ids)
                if segment_set == context.segment_set
                else [],
            }
            for segment_set in context.segment_sets
        ],
    }


def chosen_names(context):
    """As :func:`filter_choices` with only what is chosen: all that is seen of closed lists.

    The kinds of period are not read from the database.
    """
    is_custom = context.period_kind == "custom"
    return {
        "kinds": context.period_kinds,
        "periods": [] if is_custom else _periods(context.period),
        "days": _selectable_days(context) if is_custom else None,
        "companies": _names(context.company),
        "teams": _names(context.team),
        "users": _names(context.user),
        "segment_sets": [
            {"id": one.id, "name": one.name, "segments": _names(context.segment)}
            for one in context.segment_set
        ],
    }


def can_choose(context):
    """Which of the filters that not all readers have there are."""
    return {
        "team": bool(context.visible_teams),
        "user": context.sees_all,
        "company": len(context.env.companies) > 1,
    }


def _periods(periods):
    return [
        {
            "id": period.id,
            "label": period.display_name,
            "date": fields.Date.to_string(period.date_from),
        }
        for period in periods
    ]


def _selectable_days(context):
    first, last = context.selectable_days
    return {"first": first.isoformat(), "last": last.isoformat()}


def _names(records):
    return [{"id": record.id, "name": record.name} for record in records]


def period_info(context):
    """The chosen period, as a :class:`PeriodInfo`."""
    period, elapsed, env = context.period, context.elapsed, context.env
    if not period:
        return PeriodInfo(label=env._("Not computed yet"))
    return PeriodInfo(
        id=period.id,
        label=period.display_name,
        date_from=fields.Date.to_string(period.date_from),
        date_to=last_day(period),
        timing=context.timing,
        state=period.state,
        state_text=dict(period._fields["state"]._description_selection(env))[period.state],
        elapsed_text=elapsed_text(env, elapsed),
        share=elapsed.share,
    )


def last_day(period):
    """The last day of a period as text; ``None`` without a period."""
    return fields.Date.to_string(period.date_to - timedelta(days=1)) if period else None


def elapsed_text(env, elapsed):
    """How much of a period has elapsed, in words."""
    if elapsed.over:
        return env._("Whole period")
    if not elapsed.begun:
        return env._("Not started")
    return env._("%(days)s of %(total)s working days", days=elapsed.days, total=elapsed.total)


def backfill_text(env):
    """The progress of reading the history; empty when it is complete."""
    progress = env["crm.kpi.backfill"]._progress_text()
    if not progress:
        return ""
    return env._("The history is being read: %s. Values follow after that.", progress)


def freshness(context):
    """When the values were last updated, as :class:`Freshness`."""
    env = context.env
    if text := backfill_text(env):
        return Freshness(stale=True, stale_text=text)
    # superuser: only the time and the interval of the refresh are read, they are not confidential
    cron = env.ref("crm_kpi.ir_cron_refresh", raise_if_not_found=False)
    cron = cron and cron.sudo()
    [computed] = env["crm.kpi"]._read_group(
        [("state", "=", "published")], [], ["last_refresh:max"]
    )[0]
    last = max(filter(None, [computed, cron and cron.lastcall]), default=None)
    if not last:
        return Freshness(stale=True, stale_text=env._("Not computed yet"))
    interval = timedelta(hours=1)
    if cron:
        interval = max(interval, timedelta(**{cron.interval_type: cron.interval_number}))
    as_of = format_datetime(env, last, dt_format="short")
    if context.now - last <= interval * STALE_AFTER:
        return Freshness(as_of)
    return Freshness(as_of, True, env._("Last updated on %s", as_of))
