# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging
from collections import namedtuple
from functools import partial

import psycopg2

from odoo import api, fields, models
from odoo.tools import SQL
from odoo.tools.misc import formatLang

_logger = logging.getLogger(__name__)

# records (or customers) per statement
BATCH = 50_000
# a history of so many records is read while the module is installed, a longer one afterwards
AT_ONCE = 200_000

#: Facts of the records with ids in a range: what they are called, their table, and the method
#: that fills in those from one id to another.
Step = namedtuple("Step", "what table method")


class CrmKpiBackfill(models.Model):
    """The stamps of records that are older than this module, from what Odoo kept of them.

    Tracking values say when a stage or state was entered; where there are none (imports,
    changes within one transaction), the dates on the record itself have to do. The rules are
    those of the stamps themselves, so that a history lived through with the module installed
    and the same history filled in afterwards give the same facts; only the owner at the event
    is lost, it is the present one.

    A record is a part of the work that is not done yet: first the stamps of records by their
    ids, then what is derived from them and from conversations, model by model. Parts build on
    those before them. Each set is committed with how far it got, so that the work may be
    interrupted at any time and goes on where it was. Until all is done nothing is refreshed:
    no figure is better than one of half a history.
    """

    _name = "crm.kpi.backfill"
    _description = "KPI: facts of the time before the installation"
    _log_access = False
    _order = "id"

    name = fields.Char(required=True, help="Key of a step, or a model whose facts are derived.")
    position = fields.Integer(
        help="All records up to this id are done. Of a model: 1 once its records are marked."
    )
    last_id = fields.Integer(help="Records after this id came in with their stamps.")
    done = fields.Integer()
    total = fields.Integer()
    error = fields.Char(help="Why the last try failed; it is tried again by each refresh.")

    # ------------------------------------------------------------------
    # the work
    # ------------------------------------------------------------------
    @api.model
    def _steps(self, renew=False):
        """The stamps: dict of key to :class:`Step`, in the order in which they are filled in.

        :param renew: also of records that have stamps: while a long history waits for its turn
            they are changed by people, and stamped without what went before
        """
        leads, orders = self.env["crm.lead"], self.env["sale.order"]
        return {
            "leads": Step(
                self.env._("leads"), "crm_lead", partial(leads._kpi_backfill_stamps, renew=renew)
            ),
            "orders": Step(
                self.env._("orders"),
                "sale_order",
                partial(orders._kpi_backfill_stamps, renew=renew),
            ),
            "customers": Step(
                self.env._("customers"), "res_partner", orders._kpi_backfill_customers
            ),
            "invoice_lines": Step(
                self.env._("invoice lines"),
                "account_move_line",
                self.env["account.move.line"]._kpi_fill_units,
            ),
        }

    @api.model
    def _run(self):
        """Fill in the stamps that are missing, now; rows that have theirs are left alone."""
        self.env.flush_all()
        for step in self._steps().values():
            lowest, highest = self._id_range(step.table)
            for first in range(lowest, highest + 1, BATCH):
                last = min(first + BATCH - 1, highest)
                self._log(step, step.method(first, last), first, last, highest)
        self.env.invalidate_all()

    @api.model
    def _begin(self, names):
        """Have facts filled in: a short history now, a long one by the scheduled action.

        :param names: keys of :meth:`_steps`, and models with derived facts
        """
        self.env.flush_all()
        steps = self._steps()
        for name in names:
            table = steps[name].table if name in steps else self.env[name]._table
            lowest, highest = self._id_range(table) if name in steps else (1, 1)
            [[total]] = self.env.execute_query(
                SQL("SELECT count(*) FROM %s", SQL.identifier(table))
            )
            self.create({"name": name, "position": lowest - 1, "last_id": highest, "total": total})
        if sum(self.search([]).mapped("total")) <= AT_ONCE:
            self._continue()
        else:
            _logger.info("KPI history: %s", self._progress_text())
            self.env.ref("crm_kpi.ir_cron_refresh")._trigger()

    @api.model
    def _id_range(self, table):
        [[lowest, highest]] = self.env.execute_query(
            SQL("SELECT min(id), max(id) FROM %s", SQL.identifier(table))
        )
        return lowest or 1, highest or 0

    @api.model
    def _continue(self, between=None):
        """Do what is left, set by set.

        :param between: called after every set; a false result interrupts the work
        :return: whether all is done
        """
        steps = self._steps(renew=True)
        for part in self.search([]):
            if part.name not in steps and part.name not in self.env:
                part.unlink()  # its addon is not there any more
                continue
            advance = part._try if between else part._advance
            while advance(steps.get(part.name)):
                self.env.invalidate_all()
                if between and not between():
                    return False
            if part.error:
                return False  # the next parts build on this one
            part.unlink()
        self.env.invalidate_all()
        return True

    def _try(self, step):
        """As :meth:`_advance`, but an error is noted on the part and nothing of the set is kept.

        Figures of what is known are better than none at all: refreshes do not wait any more.
        """
        failed = bool(self.error)
        try:
            with self.env.cr.savepoint():
                more = self._advance(step)
                self.error = False
        except psycopg2.OperationalError:
            raise  # busy elsewhere: the scheduled action tries again
        except Exception as error:
            _logger.exception("KPI history: %s failed", self.name)
            self.error = str(error) or type(error).__name__
            return False
        if failed:
            # figures were computed without it
            self.env.execute_query(
                SQL("UPDATE crm_kpi_computation SET fingerprint = NULL RETURNING 1")
            )
        return more

    def _advance(self, step):
        """Do the next set.

        :return: whether there was one
        """
        self.ensure_one()
        self.env.flush_all()
        return self._fill_next(step) if step else self._derive_next()

    def _fill_next(self, step):
        if self.position >= self.last_id:
            return False
        first, last = self.position + 1, min(self.position + BATCH, self.last_id)
        changed = step.method(first, last)
        [[count]] = self.env.execute_query(
            SQL(
                "SELECT count(*) FROM %s WHERE id BETWEEN %s AND %s",
                SQL.identifier(step.table),
                first,
                last,
            )
        )
        self.write({"position": last, "done": self.done + count})
        self._log(step, changed, first, last, self.last_id)
        return True

    def _derive_next(self):
        """Mark all records, then derive them from the queue, which outlives an interruption."""
        model = self.env[self.name]
        queue = self.env["crm.kpi.dirty"]
        if not self.position:
            model._kpi_mark_all_dirty()
            self.write({"position": 1, "total": queue._count(self.name)})
            return True
        if not model._kpi_derive_next():
            model._kpi_derive()  # what time has overtaken
            return False
        # what was changed meanwhile is in the queue, too
        self.done = max(self.done, self.total - queue._count(self.name))
        _logger.info("KPI history: %s", self._progress_text())
        return True

    @api.model
    def _log(self, step, changed, first, last, highest):
        _logger.info(
            "KPI facts of earlier %s: %s changed (ids %s to %s of %s)",
            step.what,
            changed,
            first,
            last,
            highest,
        )

    # ------------------------------------------------------------------
    # how far it is
    # ------------------------------------------------------------------
    @api.model
    def _is_pending(self):
        """Whether figures have to wait."""
        # superuser: whether figures are to be expected is for everybody to know
        left = self.sudo().search([])
        return bool(left) and not any(left.mapped("error"))

    @api.model
    def _progress_text(self):
        """How much of the history has been read; empty when all of it has."""
        # superuser: as above
        left = self.sudo().search([])
        if not left:
            return ""
        steps = self._steps()
        now, *later = (
            steps[part.name].what
            if part.name in steps
            else self.env._("%s (conversations and facts)", self.env[part.name]._description)
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

    @api.model
    def _forget(self, records):
        """Empty the stamps and derived fields of records whose dates were set by SQL (imports,
        demo data), so that :meth:`_run` treats them like those of the time before.

        :param records: records of a model with facts, archived ones too
        """
        columns = [
            name
            for name in records._kpi_protected_fields()
            if records._fields[name].store and records._fields[name].column_type
        ]
        self.env.flush_all()
        if records and columns:
            self.env.cr.execute(
                SQL(
                    "UPDATE %s SET %s WHERE id = ANY(%s)",
                    SQL.identifier(records._table),
                    SQL(", ").join(SQL("%s = NULL", SQL.identifier(name)) for name in columns),
                    records.ids,
                )
            )
        self.env.invalidate_all()
