# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.tools import SQL

from ...conversations import interactions


class CrmKpiCorrespondenceMixin(models.AbstractModel):
    """A model with interactions of which most records never have any (contacts, invoices).

    Only records with messages are marked: the others cost nothing.
    """

    _name = "crm.kpi.correspondence.mixin"
    _inherit = ["crm.kpi.interaction.mixin"]
    _description = "KPI: model with occasional interactions"

    @api.model
    def _kpi_concerned(self, ids):
        # a new message marks its record; a change of the record concerns its existing rows
        rows = self.env.execute_query(
            SQL(
                "SELECT DISTINCT res_id FROM crm_kpi_interaction"
                " WHERE res_model = %s AND res_id = ANY(%s)",
                self._name,
                list(ids),
            )
        )
        return [res_id for (res_id,) in rows]

    @api.model
    def _kpi_mark_all_dirty(self):
        """Mark every record with a message that may count (back-fill, changed settings)."""
        self.env.flush_all()
        self.env["crm.kpi.dirty"]._push_query(self._name, self._kpi_to_backfill())

    @api.model
    def _kpi_to_backfill(self):
        return SQL(
            "SELECT DISTINCT m.res_id AS id, m.res_id AS key FROM mail_message m"
            " WHERE m.model = %s AND m.res_id > 0 AND %s",
            self._name,
            interactions.may_count_sql(),
        )
