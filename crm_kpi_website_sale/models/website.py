# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models
from odoo.tools import SQL


class Website(models.Model):
    _inherit = "website"

    def write(self, vals):
        result = super().write(vals)
        if vals.keys() & {"cart_abandoned_delay", "user_id"}:
            # the delay of abandoned carts, and the user of unknown visitors
            self.env["sale.order"]._kpi_mark_orders(SQL("website_id = ANY(%s)", self.ids))
        return result
