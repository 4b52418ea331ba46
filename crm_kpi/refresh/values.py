# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Runs the storing statement, and notes what was computed."""

import logging
from datetime import datetime
from typing import NamedTuple

from odoo.tools import SQL

from ..sql import unnest
from .planner import MANY, planned_for, update_statistics

_logger = logging.getLogger(__name__)


class ComputationRow(NamedTuple):
    """A row of ``crm.kpi.computation``; its fields name the columns."""

    kpi_id: int
    period_id: int
    fingerprint: str
    version: int
    computed_at: datetime


def store_cells(env, statement):
    """Run a statement of :func:`~.store.store_statement`.

    :return: number of cells deleted, restated, inserted or updated
    """
    update_statistics(env.cr, "crm_kpi_value")
    # few records can have many cells
    with planned_for(env.cr, MANY):
        [[deleted, restated, stored]] = env.execute_query(statement)
    env["crm.kpi.value"].invalidate_model()
    env["crm.kpi.restatement"].invalidate_model()
    if deleted or restated or stored:
        _logger.debug("KPI cells: %s stored, %s deleted, %s restated", stored, deleted, restated)
    return deleted + restated + stored


def note_computed(env, due, now):
    """Keep what the values were computed from.

    :param due: dict of ``(kpi, period)`` to :class:`~.due.Due`
    """
    rows = [
        ComputationRow(kpi.id, period.id, found.cache_key.encode(), kpi.version, now)
        for (kpi, period), found in due.items()
    ]
    env.execute_query(
        SQL(
            """INSERT INTO crm_kpi_computation AS computation
                      (kpi_id, period_id, fingerprint, version, computed_at, revision)
               SELECT kpi_id, period_id, fingerprint, version, computed_at, 1 FROM %s
                   ON CONFLICT (kpi_id, period_id) DO UPDATE
                  SET fingerprint = EXCLUDED.fingerprint, computed_at = EXCLUDED.computed_at,
                      version = EXCLUDED.version, revision = computation.revision + 1,
                      recompute = FALSE
               RETURNING 1""",
            unnest(ComputationRow, rows, "computed"),
        )
    )
    env["crm.kpi.computation"].invalidate_model()
