# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models
from odoo.tools import SQL

# settings that the history of every customer depends on, see sale.order._kpi_history_query()
HISTORY_SETTINGS = {
    "kpi_tz",
    "kpi_upsell_margin",
    "partner_id",
    "resource_calendar_id",
    "sale_discount_product_id",
}


class ResCompany(models.Model):
    _inherit = "res.company"

    def write(self, vals):
        result = super().write(vals)
        if HISTORY_SETTINGS.intersection(vals):
            self.env.cr.execute(
                SQL(
                    """
                    INSERT INTO crm_kpi_dirty (res_model, res_id)
                         SELECT 'sale.order', min(id)
                           FROM sale_order
                          WHERE company_id = ANY(%s)
                       GROUP BY company_id, partner_id
                    """,
                    self.ids,
                )
            )
        return result
