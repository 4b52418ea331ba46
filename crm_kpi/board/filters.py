# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What stands above the cards: filters and their choices, the period, how old the numbers are."""

from datetime import timedelta

from odoo import fields
from odoo.tools.misc import format_datetime

#: Without a refresh for so many of its intervals the numbers are called old.
STALE_AFTER = 3


def filters(look):
    """The filters as they were understood; what the screen shows and the address keeps."""
    return {
        "period_kind": look.kind,
        "date": look.date,
        "date_to": _last_day(look.period) if look.kind == "custom" else False,
        "comparison": look.comparison,
        "company_id": look.company.id,
        "scope": look.scope,
        "team_id": look.team.id,
        "user_id": look.user.id,
        "segment_set_id": look.segment_set.id,
        "segment_id": look.segment.id,
    }


def options(look):
    """What may be chosen: only what is the reader's to see."""
    return {
        "kinds": look.kinds,
        "periods": [
            {
                "id": period.id,
                "label": period.display_name,
                "date": fields.Date.to_string(period.date_from),
            }
            for period in look.offered
        ],
        "companies": _names(look.env.companies),
        "teams": _names(look.teams),
        "users": _names(look.users),
        "segment_sets": [
            {
                "id": segment_set.id,
                "name": segment_set.name,
                # those of other sets are asked for once they can be chosen
                "segments": _names(segment_set.segment_ids)
                if segment_set == look.segment_set
                else [],
            }
            for segment_set in look.segment_sets
        ],
    }


def _names(records):
    return [{"id": record.id, "name": record.name} for record in records]


def period(look):
    """The period in words, and how much of it is elapsed."""
    shown, elapsed, env = look.period, look.elapsed, look.env
    if not shown:
        return {
            "id": False,
            "label": env._("Not computed yet"),
            "date_from": False,
            "date_to": False,
            "timing": "running",
            "state": "open",
            "state_text": "",
            "elapsed_text": "",
            "share": 0.0,
        }
    if elapsed.over:
        text = env._("Whole period")
    elif not elapsed.begun:
        text = env._("Not begun")
    else:
        text = env._("%(days)s of %(total)s working days", days=elapsed.days, total=elapsed.total)
    return {
        "id": shown.id,
        "label": shown.display_name,
        "date_from": fields.Date.to_string(shown.date_from),
        "date_to": _last_day(shown),
        "timing": "past" if elapsed.over else "running" if elapsed.begun else "future",
        "state": shown.state,
        "state_text": dict(shown._fields["state"]._description_selection(env))[shown.state],
        "elapsed_text": text,
        "share": elapsed.share,
    }


def _last_day(shown):
    return bool(shown) and fields.Date.to_string(shown.date_to - timedelta(days=1))


def freshness(look):
    """When the numbers were last brought up to date, and whether that is too long ago."""
    env = look.env
    if progress := env["crm.kpi.backfill"]._progress_text():
        text = env._("The history is being read: %s. Figures follow right after it.", progress)
        return {"as_of": False, "stale": True, "stale_text": text}
    # superuser: when the refresh last ran is no secret; nothing else of it is read
    cron = env.ref("crm_kpi.ir_cron_refresh", raise_if_not_found=False)
    cron = cron and cron.sudo()
    [computed] = env["crm.kpi"]._read_group(
        [("state", "=", "published")], [], ["last_refresh:max"]
    )[0]
    last = max(filter(None, [computed, cron and cron.lastcall]), default=None)
    if not last:
        return {"as_of": False, "stale": True, "stale_text": env._("Never computed yet")}
    step = timedelta(hours=1)
    if cron:
        step = max(step, timedelta(**{cron.interval_type: cron.interval_number}))
    text = format_datetime(env, last, dt_format="short")
    stale = look.now - last > step * STALE_AFTER
    return {
        "as_of": text,
        "stale": stale,
        "stale_text": env._("These numbers are from %s", text) if stale else False,
    }
