# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Snapshots that cannot be rebuilt, of periods at whose end no refresh ran."""

from odoo import fields
from odoo.tools import SQL
from odoo.tools.misc import format_date

from ..engine import periods as calendar


def early_snapshots(kpis, periods):
    """The days of values that are not those of the last day of their closed period.

    The refresh computes such a snapshot while its period runs. Where it did not run on the last
    day, the value is that of an earlier day. A formula has the earliest day of its components.

    :return: dict of ``(KPI id, period id)`` to a date
    """
    now = fields.Datetime.now()
    closed = periods.filtered(lambda period: period.utc_to and period.utc_to <= now)
    if not closed:
        return {}
    # superuser: only times are read, and the reader may not see all components
    kpis.sudo()._with_components().mapped("source_id")  # read for all KPIs at once
    parts = {
        kpi.id: kpi.sudo()._aggregates_behind().filtered(lambda part: part._is_stock())
        for kpi in kpis
    }
    stocks = kpis.browse().union(*parts.values())
    if not stocks:
        return {}
    rows = kpis.env.execute_query(
        SQL(
            """SELECT kpi_id, period_id, computed_at FROM crm_kpi_computation
                WHERE kpi_id = ANY(%s) AND period_id = ANY(%s) AND computed_at IS NOT NULL""",
            stocks.ids,
            closed.ids,
        )
    )
    moments = {(kpi_id, period_id): moment for kpi_id, period_id, moment in rows}
    result = {}
    for period in closed:
        # superuser: every user may know the time zone of the KPIs
        tz = period.sudo().company_id._kpi_tz()
        last_day = calendar.shift("day", period.date_to, -1)
        for kpi in kpis:
            known = [moments.get((part.id, period.id)) for part in parts[kpi.id]]
            if not any(known):
                continue
            day = calendar.local_day(min(filter(None, known)), tz)
            if day < last_day:
                result[kpi.id, period.id] = day
    return result


def early_text(env, day):
    """Why a value is that of a day before the end of its period, in words."""
    return env._("As of %s, because no refresh ran at the end of the period", format_date(env, day))
