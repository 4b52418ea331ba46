# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.tools import SQL


class SaleOrder(models.Model):
    """What happens to orders concerns the rows of their customers (crm.kpi.customer)."""

    _inherit = "sale.order"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _kpi_mark_customers(self, partner_ids):
        result = super()._kpi_mark_customers(partner_ids)
        self.env["crm.kpi.customer"]._kpi_mark_dirty(partner_ids)
        return result

    @api.model
    def _kpi_derive_records(self, ids):
        result = super()._kpi_derive_records(ids)
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO crm_kpi_dirty (res_model, res_id)
                     SELECT DISTINCT 'crm.kpi.customer', partner_id
                       FROM sale_order WHERE id = ANY(%s)
                """,
                list(ids),
            )
        )
        return result
