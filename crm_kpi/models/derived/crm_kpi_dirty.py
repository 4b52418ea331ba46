# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.tools import SQL


class CrmKpiDirty(models.Model):
    """Queue of the records whose derived KPI fields must be computed again.

    Rows are only appended, so the same record may have many rows. There is no unique key: an
    ``ON CONFLICT`` would wait for other transactions, or lose a mark that is set while the
    older mark is processed. Rows are deleted in the transaction that derives their records: if
    the derivation fails, the rows are still there.
    """

    _name = "crm.kpi.dirty"
    _description = "KPI: record to derive again"
    _log_access = False

    res_model = fields.Char("Model", required=True)
    res_id = fields.Many2oneReference("Record", model_field="res_model", required=True)

    _model_idx = models.Index("(res_model, id)")

    @api.model
    def _push(self, model_name, ids):
        """Mark the records ``ids`` of ``model_name``: one statement, nothing is computed."""
        ids = [id_ for id_ in ids if isinstance(id_, int) and id_ > 0]
        if ids:
            self.env.cr.execute(
                SQL(
                    "INSERT INTO crm_kpi_dirty (res_model, res_id) SELECT %s, unnest(%s)",
                    model_name,
                    ids,
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
    def _count(self, model_name):
        """Number of marks of a model."""
        [[count]] = self.env.execute_query(
            SQL("SELECT count(*) FROM crm_kpi_dirty WHERE res_model = %s", model_name)
        )
        return count

    @api.model
    def _pop(self, model_name, limit):
        """Delete at most ``limit`` marks of a model from the queue.

        :return: sorted list of distinct record ids; empty when no mark is left that is not
            locked by another transaction
        """
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
