# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""When a KPI without values has some."""

from datetime import timedelta

from odoo import fields
from odoo.tools.misc import format_datetime, format_time


def waits_for_values(kpi):
    """Whether a KPI is computed by the next refresh for the first time."""
    is_on = kpi.state == "published" and kpi.active
    return is_on and not kpi.last_refresh and not kpi.last_error


def first_values_text(env):
    """When the values of a KPI that was just published are computed."""
    if progress := env["crm.kpi.backfill"]._progress_text():
        return env._("First values when the history has been read: %s.", progress)
    # superuser: only when the scheduled refresh runs
    cron = env.ref("crm_kpi.ir_cron_refresh").sudo()
    if not cron.active:
        return env._("The scheduled refresh is switched off.")
    now = fields.Datetime.now()
    if cron.nextcall <= now:
        return env._("First values after the next refresh, which is due now.")
    if cron.nextcall - now < timedelta(days=1):
        time = format_time(env, cron.nextcall, time_format="short")
    else:
        time = format_datetime(env, cron.nextcall, dt_format="short")
    return env._("First values after the next refresh (%s).", time)
