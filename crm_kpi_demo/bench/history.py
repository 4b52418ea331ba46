# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The back-fill and the first refresh after an installation on a database with history."""

import logging
import time
from datetime import timedelta
from itertools import pairwise

from odoo.addons.crm_kpi.refresh.refresh import Refresh, run_step

from .meter import Meter
from .second_process import LOOK, second_process, until_told

_logger = logging.getLogger(__name__)

TABLES = ("crm_lead", "sale_order", "crm_kpi_value")


def measure_history(env, meter):
    """Back-fill with commits, as the scheduled action works."""
    with meter.measure("backfill", commit=True):
        backfill(env, meter)
    meter.note_tables("backfill", *TABLES[:2])
    env.cr.execute("ANALYZE")
    env.cr.commit()


def measure_first(env, meter):
    """First refresh with commits and statistics, by one scheduled action."""
    refresh(env, meter, "first")
    meter.note_tables("first", *TABLES)


def measure_workers(env, meter):
    """The same by both scheduled actions, each in a process."""
    with (
        second_process(meter, "second", "second_worker"),
        meter.measure("workers", commit=True),
    ):
        env["crm.kpi"]._cron_refresh()


def help_when_called(env, meter):
    """Run the second scheduled action when the first one calls it."""
    meter.note(ready=1)
    second = env.ref("crm_kpi.ir_cron_second")
    calls = env["ir.cron.trigger"]
    helped = Meter(env)
    for _number in until_told(meter):
        env.cr.rollback()  # a new transaction sees the call
        if calls.search_count([("cron_id", "=", second.id)], limit=1):
            with helped.measure("help", commit=True):
                env["crm.kpi"]._cron_second()
            calls.search([("cron_id", "=", second.id)]).unlink()
            env.cr.commit()
        time.sleep(LOOK)
    meter.note(**helped.figures)


def measure_without_statistics(env, meter):
    """The same in one transaction, in a database that PostgreSQL knows nothing of."""
    _forget_statistics(env)
    with meter.measure("bare_backfill"):
        env["crm.kpi.backfill"]._continue()
    with meter.measure("bare_first"):
        cells = env["crm.kpi"]._refresh()
    meter.note(**{"bare_first.cells": int(cells)})
    with meter.measure("bare_commit", commit=True):
        pass


def measure_small_company(env, meter):
    """The first refresh of a small company with weeks of two years and a free period."""
    _measure_many_periods(env, meter, "small", with_statistics=True)


def measure_small_company_without_statistics(env, meter):
    """The same in a database that PostgreSQL knows nothing of."""
    _measure_many_periods(env, meter, "small_bare", with_statistics=False)


def _measure_many_periods(env, meter, name, with_statistics):
    backfill(env, meter)
    [company] = env["res.company"].search([], limit=1)
    model = env["crm.kpi.period"].with_company(company)
    last = env.cr.now().date()
    two_years_ago = last - timedelta(days=730)
    model._ensure(two_years_ago, last, ("week",))
    model.create({"kind": "custom", "date_from": two_years_ago, "date_to": last, "name": "Free"})
    env.cr.commit()
    if with_statistics:
        env.cr.execute("ANALYZE")
        env.cr.commit()
    else:
        _forget_statistics(env)
    with meter.measure(name):
        cells = env["crm.kpi"]._refresh()
    meter.note(**{f"{name}.cells": int(cells)})


def _forget_statistics(env):
    env.cr.execute("DELETE FROM pg_statistic")
    env.cr.execute("UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE relkind = 'r'")
    env.cr.commit()  # pylint: disable=invalid-commit


def refresh(env, meter, name):
    """Run all steps with a commit after each of them, and note each of them.

    :return: number of cells written
    """
    cells, total = 0, dict.fromkeys(("wall", "cpu", "python", "temp_mb", "queries"), 0)
    for step in Refresh(env).steps():
        label = f"{name}.step.{step.name.removesuffix(f' of {env.company.name}')}"
        with meter.measure(label, commit=True) as seconds:
            written = run_step(step)
        meter.note(**{f"{label}.cells": written})
        cells += written
        total = {key: total[key] + seconds[key] for key in total}
    meter.note(
        **{f"{name}.{key}": round(value, 3) for key, value in total.items()},
        **{f"{name}.cells": cells},
    )
    _logger.warning("%s: %s cells in %.1f s", name, cells, total["wall"])
    return cells


def backfill(env, meter):
    """Read the history; the time of each part of the queue is that between two sets."""
    parts = env["crm.kpi.backfill"]
    clock = [(None, meter.database_seconds())]

    def between():
        env.cr.commit()
        left = parts.search([], limit=1)
        clock.append((left.name, meter.database_seconds()))
        return True

    while not parts._continue(between):
        if parts.search([("error", "!=", False)]):
            raise ValueError(parts.search([], limit=1).error)
    env.cr.commit()
    by_part = {}
    for (_name, before), (name, after) in pairwise(clock):
        by_part[name] = by_part.get(name, 0) + after - before
    meter.note(**{f"backfill.part.{name}.cpu": round(cpu, 2) for name, cpu in by_part.items()})
