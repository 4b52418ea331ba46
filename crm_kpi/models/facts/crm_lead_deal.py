# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models


class CrmLead(models.Model):
    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    def unlink(self):
        # superuser: the quotations are only marked. Without their opportunity, which the
        # database takes from them, each is a deal of its own
        orders = self.sudo().order_ids
        result = super().unlink()
        orders._kpi_mark_dirty(orders.ids)
        return result
