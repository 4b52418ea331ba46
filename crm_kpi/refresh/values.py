# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Runs the storing statement, and notes what was computed."""

import dataclasses
import logging
from datetime import datetime
from functools import partial
from typing import NamedTuple

import psycopg2

from odoo.tools import SQL

from ..fields import UncheckedMany2one
from ..sql import unnest
from .planner import MANY, planned_for, update_statistics
from .store import among_targets, store_statement

_logger = logging.getLogger(__name__)

#: Key of ``cr.cache``: number of KPIs in periods that were computed.
COMPUTED = "crm_kpi.computed"


class ComputationRow(NamedTuple):
    """A row of ``crm.kpi.computation``; its fields name the columns.

    :param undecided: of a row that is new
    :param revision: 1 if formulas that use the value have to be computed again, else 0
    :param stored_at: empty if the stored values are what they were
    """

    kpi_id: int
    period_id: int
    fingerprint: str
    version: int
    computed_at: datetime
    undecided: bool
    revision: int
    stored_at: datetime


@dataclasses.dataclass
class Stored:
    """What was stored; sets of ``(kpi id, period id)``.

    :param written: number of cells deleted, restated, inserted or updated
    :param changed: where there is such a cell
    :param rewritten: where not all such cells were restated
    :param recounted: see :func:`~.store.recounted`
    """

    written: int = 0
    changed: set = dataclasses.field(default_factory=set)
    rewritten: set = dataclasses.field(default_factory=set)
    recounted: set = dataclasses.field(default_factory=set)

    def add(self, other):
        """Add what another statement has stored."""
        self.written += other.written
        self.changed |= other.changed
        self.rewritten |= other.rewritten
        self.recounted |= other.recounted


def keep(env, targets):
    """Lock the KPIs and periods of some targets: until the end of the transaction, no other one
    can delete them.

    Without foreign keys, PostgreSQL does not check that they exist when values are inserted. It
    raises ``SerializationFailure`` here, before the work, for one that was deleted meanwhile.
    """
    for table, column in (("crm_kpi", "kpi_id"), ("crm_kpi_period", "period_id")):
        ids = sorted({getattr(target, column) for target in targets})
        env.cr.execute(
            SQL(
                "SELECT 1 FROM %s WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE",
                SQL.identifier(table),
                ids,
            )
        )


def delete_orphans(env, *models):
    """Delete rows that refer to a record that does not exist, of models without foreign keys; or
    empty the column, as ``ondelete`` says.

    A refresh can insert such rows when another transaction deletes a team, user or segment in the
    same moment.

    :return: number of rows
    """
    count = 0
    for model in models:
        table = SQL.identifier(model._table)
        exists = {"cascade": {}, "set null": {}}
        for field in model._fields.values():
            if isinstance(field, UncheckedMany2one):
                column = SQL.identifier(field.name)
                other = SQL.identifier(env[field.comodel_name]._table)
                exists[field.ondelete][column] = SQL("%s IN (SELECT id FROM %s)", column, other)
        for ondelete, conditions in exists.items():
            if not conditions:
                continue
            change = SQL("DELETE FROM %s", table)
            if ondelete == "set null":
                values = (
                    SQL("%s = CASE WHEN %s THEN %s END", column, condition, column)
                    for column, condition in conditions.items()
                )
                change = SQL("UPDATE %s SET %s", table, SQL(", ").join(values))
            kept = SQL(" AND ").join(
                SQL("(%s IS NULL OR %s)", column, condition)
                for column, condition in conditions.items()
            )
            env.cr.execute(SQL("%s WHERE NOT (%s)", change, kept))
            count += env.cr.rowcount
        model.invalidate_model()
    return count


def store_cells(env, targets, computed, company_id, now, **options):
    """Run the statement of :func:`~.store.store_statement`, which has the same parameters.

    :return: :class:`Stored`
    """
    keep(env, targets)
    update_statistics(env.cr, "crm_kpi_value")
    statement = partial(store_statement, computed, targets, company_id, now, **options)
    # Few records can have many cells. Groups are hashed: PostgreSQL expects few facts, for which it
    # would sort, and sorting millions of them takes three times as long.
    with planned_for(env.cr, MANY, enable_sort="off"):
        rows = _first_stored(env, targets, statement)
        is_first = rows is not None
        [[deleted, restated, stored, recounted, changed]] = (
            rows if is_first else env.execute_query(statement())
        )
    if is_first:
        changed = [(target.kpi_id, target.period_id, 1) for target in targets]
    env["crm.kpi.value"].invalidate_model()
    env["crm.kpi.restatement"].invalidate_model()
    if deleted or restated or stored:
        _logger.debug("KPI cells: %s stored, %s deleted, %s restated", stored, deleted, restated)
    return Stored(
        written=deleted + restated + stored,
        changed={(kpi_id, period_id) for kpi_id, period_id, _is_stored in changed or ()},
        rewritten={
            (kpi_id, period_id) for kpi_id, period_id, is_stored in changed or () if is_stored
        },
        recounted=set(map(tuple, recounted or ())),
    )


def _first_stored(env, targets, statement):
    """Run the statement for targets without cells; ``None`` where they have some."""
    if any(target.locked for target in targets) or env.execute_query(
        SQL(
            "SELECT 1 FROM crm_kpi_value AS value WHERE %s LIMIT 1", among_targets("value", targets)
        )
    ):
        return None
    try:
        with env.cr.savepoint(flush=False):
            return env.execute_query(statement(is_first=True))
    except psycopg2.errors.UniqueViolation:
        # Another transaction has stored cells that this one does not see. PostgreSQL raises
        # SerializationFailure in the other statement, and Odoo repeats the call.
        return None


def note_computed(env, due, now, stored):
    """Keep what the values were computed from.

    Where only the records changed, and no cell with them, what depends on the values stays as it
    is: formulas, and the decision which of them are withheld.

    :param due: dict of ``(kpi, period)`` to :class:`~.due.Due`
    :param stored: :class:`Stored`
    """

    def has(kpi, period, found, keys):
        return not found.only_records or (kpi.id, period.id) in keys

    rows = [
        ComputationRow(
            kpi.id,
            period.id,
            found.cache_key.encode(),
            kpi.version,
            now,
            undecided=period.company_id.kpi_min_cell > 0,
            revision=int(has(kpi, period, found, stored.changed)),
            stored_at=now if has(kpi, period, found, stored.rewritten) else None,
        )
        for (kpi, period), found in due.items()
    ]
    env.execute_query(
        SQL(
            """INSERT INTO crm_kpi_computation AS computation
                      (kpi_id, period_id, fingerprint, version, computed_at, undecided, revision,
                       stored_at)
               SELECT * FROM %s
                   ON CONFLICT (kpi_id, period_id) DO UPDATE
                  SET fingerprint = EXCLUDED.fingerprint, computed_at = EXCLUDED.computed_at,
                      version = EXCLUDED.version,
                      revision = computation.revision + EXCLUDED.revision,
                      stored_at = COALESCE(EXCLUDED.stored_at, computation.stored_at),
                      recompute = FALSE, content = NULL
               RETURNING 1""",
            unnest(ComputationRow, rows, "computed"),
        )
    )
    env["crm.kpi.computation"].invalidate_model()
    env.cr.cache[COMPUTED] = computed_count(env) + len(rows)


def computed_count(env):
    """Number of KPIs in periods that were computed with this cursor."""
    return env.cr.cache.get(COMPUTED, 0)
