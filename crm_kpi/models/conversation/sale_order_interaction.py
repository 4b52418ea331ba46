# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.tools import SQL


class SaleOrder(models.Model):
    """Messages on quotations and orders are interactions, of the order and of its lead."""

    _name = "sale.order"
    _inherit = ["sale.order", "crm.kpi.interaction.mixin"]

    _kpi_response_lead_field = "opportunity_id"

    @api.model
    def _kpi_trigger_fields(self):
        return super()._kpi_trigger_fields() | {"signed_on"}

    @api.model
    def _kpi_mark_dirty(self, ids):
        ids = list(ids)
        result = super()._kpi_mark_dirty(ids)
        # the lead's replies, last interaction and first action look at its orders
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO crm_kpi_dirty (res_model, res_id)
                     SELECT DISTINCT 'crm.lead', opportunity_id
                       FROM sale_order
                      WHERE id = ANY(%s) AND opportunity_id IS NOT NULL
                """,
                [id_ for id_ in ids if isinstance(id_, int)],
            )
        )
        return result

    def write(self, vals):
        if "opportunity_id" not in vals:
            return super().write(vals)
        # superuser: leads are only marked, whether the user sees them or not
        leads = self.sudo().opportunity_id  # only their ids go to the queue
        result = super().write(vals)
        leads |= self.sudo().opportunity_id
        leads._kpi_mark_dirty(leads.ids)
        return result

    def unlink(self):
        # superuser: leads are only marked, whether the user sees them or not
        leads = self.sudo().opportunity_id
        result = super().unlink()
        leads._kpi_mark_dirty(leads.ids)
        return result
