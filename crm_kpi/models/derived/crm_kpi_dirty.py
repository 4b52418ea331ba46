# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.tools import SQL


class CrmKpiDirty(models.Model):
    """Queue of the records whose derived KPI fields are to be computed again.

    It is only appended to (the same record may stand in it many times) and it has no unique
    key on purpose: an ``ON CONFLICT`` would wait for other transactions, or lose a mark that
    is set while the older one is being worked off. What takes rows out derives them in the
    same transaction, so a failed derivation gives its rows back.
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
    def _count(self, model_name):
        """Number of marks of a model."""
        [[count]] = self.env.execute_query(
            SQL("SELECT count(*) FROM crm_kpi_dirty WHERE res_model = %s", model_name)
        )
        return count

    @api.model
    def _pop(self, model_name, limit):
        """Take at most ``limit`` marks of a model out of the queue.

        :return: sorted list of distinct record ids; empty when nothing is left that no other
            transaction is busy with
        """
        rows = self.env.execute_query(
            SQL(
                """
                -- an array is computed once; IN may be, anew, for each row of the table
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
