# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Refreshes of a database whose values are known: nothing new, a new day, changes of old records."""

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tools import SQL

from odoo.addons.crm_kpi.refresh.refresh import Refresh, run_step

from .history import TABLES, refresh

#: Orders of locked periods that are changed at once, at most.
LOCKED = 12_000


def measure_changes(env, meter):
    """In the order in which the values that one change leaves do not disturb the next measure."""
    refresh(env, meter, "settle")
    refresh(env, meter, "unchanged")
    cancel_order(env)
    refresh(env, meter, "cancelled")
    for name in ("locked_scan", "locked", "locked_again"):
        if name == "locked_scan":
            forget_locked_orders(env)
        else:
            meter.note(**{f"{name}.orders": change_locked_orders(env)})
        step = next(s for s in Refresh(env).steps() if s.name.startswith("order of "))
        with meter.measure(name, commit=True):
            cells = run_step(step)
        meter.note(**{f"{name}.cells": cells})
    refresh(env, meter, "after_locked")
    today = fields.Datetime.now()
    with (
        patch.object(fields.Datetime, "now", lambda: today + timedelta(days=1)),
        patch.object(fields.Date, "today", lambda: (today + timedelta(days=1)).date()),
    ):
        refresh(env, meter, "daily")
    meter.note_tables("changes", *TABLES)


def cancel_order(env):
    """Cancel a confirmed order of a locked period of a customer with further orders."""
    env.cr.execute(
        """SELECT o.id FROM sale_order o
            WHERE o.state = 'sale' AND o.date_order < now() - interval '18 months'
              AND EXISTS (SELECT FROM sale_order later WHERE later.partner_id = o.partner_id
                             AND later.state = 'sale' AND later.date_order > o.date_order)
         ORDER BY o.date_order DESC, o.id LIMIT 1"""
    )
    env["sale.order"].browse(env.cr.fetchone()).action_cancel()
    env.cr.commit()


def forget_locked_orders(env):
    """Have the values of orders in locked periods computed again, without a change."""
    env.cr.execute(
        """UPDATE crm_kpi_computation computation SET fingerprint = NULL
             FROM crm_kpi kpi, crm_kpi_source source, crm_kpi_period period
            WHERE kpi.id = computation.kpi_id AND source.id = kpi.source_id
              AND period.id = computation.period_id
              AND source.code = 'order' AND period.state = 'locked'"""
    )
    env.cr.commit()
    env.invalidate_all()


def change_locked_orders(env):
    """Change the amounts of confirmed orders of locked periods, one of sixteen.

    :return: their number
    """
    env.cr.execute(
        SQL(
            """UPDATE sale_order SET amount_untaxed = amount_untaxed + 1, kpi_amount = kpi_amount + 1,
                      amount_total = amount_total + 1, write_date = now() AT TIME ZONE 'UTC'
                WHERE id IN (
                      SELECT id FROM sale_order WHERE state = 'sale' AND id %% 16 = 3
                         AND date_order < (SELECT max(utc_to) FROM crm_kpi_period
                                            WHERE state = 'locked' AND kind = 'month')
                       ORDER BY id LIMIT %s)""",
            LOCKED,
        )
    )
    count = env.cr.rowcount
    env.cr.commit()
    env.invalidate_all()
    return count
