# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The back-fill queue: facts of records that are older than this module.

A row of ``crm.kpi.backfill`` is a part of the work that is not done yet: first the stamps of
records, by ranges of ids; then what is derived from stamps and conversations, model by model,
by ranges of a key, so that what belongs together (the orders of a customer) is derived once.
Each part builds on the parts before it. Each set of records is committed together with the
progress, so that the work can be interrupted at any time and resumes where it was.

While the back-fill runs, nothing is refreshed: a value over half a history would be wrong.
"""

import logging
from collections.abc import Callable
from typing import NamedTuple

import psycopg2

from odoo import fields
from odoo.tools import SQL
from odoo.tools.misc import formatLang

from .failures import error_text
from .planner import planned_for

_logger = logging.getLogger(__name__)

#: Records, or customers, per statement.
BATCH = 50_000
#: The same when users wrote such records meanwhile. These are locked first, so users wait for them.
CONTENDED = 10_000
#: A history with at most this many records is read while the module is installed.
AT_ONCE = 200_000


class FillStep(NamedTuple):
    """Stamps that are filled in by ranges of record ids.

    :param label: what the records are called
    :param table: their table
    :param method: fills in the stamps from one id to another; returns the number of changes
    """

    label: str
    table: str
    method: Callable[[int, int], int]


class BackfillQueue:
    """The queue.

    :param parts: the model ``crm.kpi.backfill``
    """

    def __init__(self, parts):
        self.parts = parts
        self.env = parts.env

    # --- THE WORK ---

    def fill_all(self):
        """Fill in missing stamps now, without the queue; existing stamps are kept."""
        self.env.flush_all()
        for step in self.parts._steps().values():
            lowest, highest = self._id_range(step.table)
            for first in range(lowest, highest + 1, BATCH):
                _fill_set(self.env, step, first, min(first + BATCH - 1, highest), highest)
        self.env.invalidate_all()

    def begin(self, names):
        """Queue parts; a short history is read now, a long one by the scheduled action.

        :param names: keys of the steps, and models with derived facts
        """
        self.env.flush_all()
        steps = self.parts._steps()
        for name in names:
            table = steps[name].table if name in steps else self.env[name]._table
            lowest, highest = self._id_range(table) if name in steps else (1, 0)
            [[total]] = self.env.execute_query(
                SQL("SELECT count(*) FROM %s", SQL.identifier(table))
            )
            self.parts.create(
                {"name": name, "position": lowest - 1, "last_id": highest, "total": total}
            )
        if sum(self.parts.search([]).mapped("total")) <= AT_ONCE:
            self.work()
        else:
            _logger.info("KPI history: %s", self.progress_text())
            self.env.ref("crm_kpi.ir_cron_refresh")._trigger()

    def work(self, between=None, contended=False):
        """Do what is left, set by set.

        :param between: called after every set; a false result interrupts the work
        :param contended: users wrote records of the next set while it was done: it is done again
            in smaller sets, which lock their records first
        :return: whether all is done
        """
        steps = self.parts._steps(renew=True)
        small_sets = BATCH // CONTENDED if contended else 0
        for record in self.parts.search([]):
            if record.name not in steps and record.name not in self.env:
                record.unlink()  # its addon was uninstalled
                continue
            part = BackfillPart(record, steps.get(record.name), small_sets)
            advance = part.try_to_advance if between else part.advance
            while advance():
                self.env.invalidate_all()
                part.small_sets = small_sets = max(0, part.small_sets - 1)
                if between and not between():
                    return False
            if record.error:
                return False  # the next parts build on this one
            record.unlink()
        self.env.invalidate_all()
        return True

    def _id_range(self, table):
        [[lowest, highest]] = self.env.execute_query(
            SQL("SELECT min(id), max(id) FROM %s", SQL.identifier(table))
        )
        return lowest or 1, highest or 0

    # --- PROGRESS ---

    def is_pending(self):
        """Whether refreshes wait. They do not wait for a part that fails."""
        left = self._left()
        return bool(left) and not any(left.mapped("error"))

    def progress_text(self):
        """How much of the history has been read; empty when all of it has."""
        left = self._left()
        if not left:
            return ""
        steps = self.parts._steps()
        now, *later = (
            steps[part.name].label
            if part.name in steps
            else self.env._("%s (conversations and dates)", self.env[part.name]._description)
            for part in left
            if part.name in steps or part.name in self.env
        )
        text = self.env._(
            "%(done)s of %(total)s %(what)s",
            done=formatLang(self.env, left[0].done, digits=0),
            total=formatLang(self.env, left[0].total, digits=0),
            what=now,
        )
        if later:
            text = self.env._("%(progress)s; then %(later)s", progress=text, later=", ".join(later))
        if left[0].error:
            text = self.env._(
                "%(progress)s. The last try failed: %(error)s", progress=text, error=left[0].error
            )
        return text

    def _left(self):
        # superuser: all users may know that values are not complete yet
        return self.parts.sudo().search([])


class BackfillPart:
    """A part of the work.

    :param record: of ``crm.kpi.backfill``
    :param step: its :class:`FillStep`; ``None``: the facts of a model are derived
    :param small_sets: how many of the next sets are small and lock their records first
    """

    def __init__(self, record, step, small_sets=0):
        self.record = record
        self.step = step
        self.small_sets = small_sets
        self.env = record.env

    def advance(self):
        """Do the next set.

        :return: whether there was one
        """
        self.env.flush_all()
        return self._fill_next() if self.step else self._derive_next()

    def try_to_advance(self):
        """Do the next set; an error is noted on the part, and the set is rolled back.

        After an error, refreshes do not wait any more: values of what is known are better than
        no values. The part is tried again by each scheduled refresh.
        """
        failed = bool(self.record.error)
        try:
            with self.env.cr.savepoint():
                more = self.advance()
                self.record.write({"error": False, "failed_since": False})
        except psycopg2.OperationalError:
            raise  # busy elsewhere: the scheduled action tries again
        except Exception as error:
            # any exception: the part must not keep all values from being computed for ever
            _logger.exception("KPI history: %s failed", self.record.name)
            self.record.write(
                {
                    "error": error_text(error),
                    "failed_since": self.record.failed_since or fields.Datetime.now(),
                }
            )
            return False
        if failed:
            # values were computed without it
            self.env.execute_query(
                SQL("UPDATE crm_kpi_computation SET fingerprint = NULL RETURNING 1")
            )
        return more

    def _fill_next(self):
        part, step = self.record, self.step
        if part.position >= part.last_id:
            return False
        first, last = part.position + 1, min(part.position + self._size(), part.last_id)
        if self.small_sets:
            self._lock(step.table, SQL("id BETWEEN %s AND %s", first, last))
        _fill_set(self.env, step, first, last, part.last_id)
        [[count]] = self.env.execute_query(
            SQL(
                "SELECT count(*) FROM %s WHERE id BETWEEN %s AND %s",
                SQL.identifier(step.table),
                first,
                last,
            )
        )
        part.write({"position": last, "done": part.done + count})
        if last == part.last_id:
            self._analyze(step.table)
        return True

    def _derive_next(self):
        """Derive the next records by their keys, without marks."""
        part, model = self.record, self.env[self.record.name]
        query = model._kpi_to_backfill()
        if not part.position:
            # all records are derived, those that are marked by now, too
            self.env["crm.kpi.dirty"]._forget(part.name)
            [[part.total]] = self.env.execute_query(SQL("SELECT count(*) FROM (%s) AS r", query))
        found = self.env.execute_query(
            SQL(
                "SELECT id, key FROM (%s) AS r WHERE key > %s"
                " ORDER BY key FETCH FIRST %s ROWS WITH TIES",
                query,
                part.position,
                self._size(),
            )
        )
        if not found:
            model._kpi_derive()  # records that were changed meanwhile, or change with time alone
            if part.done:
                self._analyze(model._table)
            return False
        ids = [id_ for id_, _key in found]
        if self.small_sets and model._kpi_protected_fields():  # users write its records
            self._lock(model._table, SQL("id = ANY(%s)", ids))
        model._kpi_derive_set(ids)
        part.write({"position": found[-1][1], "done": part.done + len(found)})
        _logger.info("KPI history: %s", BackfillQueue(part.browse()).progress_text())
        return True

    def _size(self):
        return CONTENDED if self.small_sets else BATCH

    def _lock(self, table, condition):
        """Lock records, so that users cannot write them before the set is committed."""
        self.env.cr.execute(
            SQL("SELECT 1 FROM %s WHERE %s FOR NO KEY UPDATE", SQL.identifier(table), condition),
            log_exceptions=False,
        )

    def _analyze(self, table):
        """Renew the statistics of a table whose columns were just filled in."""
        self.env.cr.execute(SQL("ANALYZE %s", SQL.identifier(table)))


def _fill_set(env, step, first, last, highest):
    with planned_for(env.cr, BATCH):
        changed = step.method(first, last)
    _log_set(step, changed, first, last, highest)


def _log_set(step, changed, first, last, highest):
    _logger.info(
        "KPI facts of earlier %s: %s changed (ids %s to %s of %s)",
        step.label,
        changed,
        first,
        last,
        highest,
    )


def forget(records):
    """Empty the stamps and derived fields of records whose dates were set by SQL (imports,
    demo data): :meth:`BackfillQueue.fill_all` then treats them like older records.

    :param records: records of a model with facts, archived ones too
    """
    env = records.env
    columns = [
        name
        for name in records._kpi_protected_fields()
        if records._fields[name].store and records._fields[name].column_type
    ]
    env.flush_all()
    if records and columns:
        env.cr.execute(
            SQL(
                "UPDATE %s SET %s WHERE id = ANY(%s)",
                SQL.identifier(records._table),
                SQL(", ").join(SQL("%s = NULL", SQL.identifier(name)) for name in columns),
                records.ids,
            )
        )
    env.invalidate_all()
