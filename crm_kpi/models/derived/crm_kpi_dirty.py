# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from collections import defaultdict

from odoo import api, fields, models
from odoo.tools import SQL

#: Marks of this transaction that are not written yet: key of ``cr.precommit.data``.
WAITING = "crm_kpi.marks"


def marked_ids(ids):
    """Query of the column ``id`` with these ids."""
    return SQL("SELECT unnest(%s) AS id", list(ids))


class CrmKpiDirty(models.Model):
    """Queue of the records whose derived KPI fields must be computed again.

    Rows are only appended, so the same record may have many rows. There is no unique key: an
    ``ON CONFLICT`` would wait for other transactions, or lose a mark that is set while the
    older mark is processed. Rows are deleted in the transaction that derives their records: if
    the derivation fails, the rows are still there.

    The marks of a transaction are collected and written by one statement before the commit, or
    before records are derived in the same transaction: :meth:`_write_marks`.
    """

    _name = "crm.kpi.dirty"
    _description = "KPI: record to derive again"
    _log_access = False

    res_model = fields.Char("Model", required=True)
    res_id = fields.Many2oneReference("Record", model_field="res_model", required=True)

    _model_idx = models.Index("(res_model, id)")

    @api.model
    def _push(self, model_name, ids):
        """Mark the records ``ids`` of ``model_name``; written at the end of the transaction."""
        ids = [id_ for id_ in ids if isinstance(id_, int) and id_ > 0]
        if not ids:
            return
        precommit = self.env.cr.precommit
        if WAITING not in precommit.data:
            precommit.data[WAITING] = defaultdict(set)
            precommit.add(self._write_marks)
        precommit.data[WAITING][model_name].update(ids)

    @api.model
    def _write_marks(self):
        """Write the marks that were collected in this transaction: one statement.

        Marks that follow from them (the lead of an order) are found by the same statement.
        """
        self.env.flush_all()
        waiting = self.env.cr.precommit.data.pop(WAITING, None)
        if not waiting:
            return
        queries = []
        for model_name, ids in waiting.items():
            model = self.env.get(model_name)
            if hasattr(model, "_kpi_marks"):
                marks = model._kpi_marks(sorted(ids))
            else:
                marks = {model_name: marked_ids(ids)}
            queries += [
                SQL("SELECT %s, marked.id FROM (%s) AS marked", name, query)
                for name, query in marks.items()
            ]
        self.env.cr.execute(
            SQL(
                "INSERT INTO crm_kpi_dirty (res_model, res_id) %s",
                SQL(" UNION ").join(queries),
            )
        )

    @api.model
    def _push_query(self, model_name, query):
        """Mark the records of ``model_name`` whose ids a query returns.

        :param SQL query: query with a column ``id``; the fields that it reads must be flushed
        """
        self.env.cr.execute(
            SQL(
                "INSERT INTO crm_kpi_dirty (res_model, res_id)"
                " SELECT %s, marked.id FROM (%s) AS marked",
                model_name,
                query,
            )
        )

    @api.model
    def _forget(self, model_name):
        """Delete the marks of a model whose records are all derived now."""
        self._write_marks()
        self.env.cr.execute(SQL("DELETE FROM crm_kpi_dirty WHERE res_model = %s", model_name))

    @api.model
    def _pop(self, model_name, limit):
        """Delete at most ``limit`` marks of a model from the queue.

        :return: sorted list of distinct record ids; empty when no mark is left that is not
            locked by another transaction
        """
        self._write_marks()
        rows = self.env.execute_query(
            SQL(
                """
                -- an array is computed once; IN might be computed again for each row
                DELETE FROM crm_kpi_dirty
                 WHERE id = ANY(ARRAY(SELECT id
                                        FROM crm_kpi_dirty
                                       WHERE res_model = %s
                                    ORDER BY id
                                       LIMIT %s
                                  FOR UPDATE SKIP LOCKED))
             RETURNING res_id
                """,
                model_name,
                limit,
            )
        )
        return sorted({res_id for (res_id,) in rows})
