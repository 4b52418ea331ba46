# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Orders change customer when contacts change company or are merged."""

from odoo import api, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    def write(self, vals):
        if "parent_id" in vals or "is_company" in vals:
            # all orders of the customers left: those that stay and, by them, those that go
            # superuser: only marks ids, the history of a customer is that of all its orders
            self.env["sale.order"].sudo()._kpi_mark_customers(
                self.sudo().commercial_partner_id.ids
            )
        return super().write(vals)


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        # orders move to the survivor by SQL, past write()
        partners = (src_partners | dst_partner).sudo().commercial_partner_id
        self.env["sale.order"].sudo()._kpi_mark_customers(partners.ids)
        return super()._update_foreign_keys(src_partners, dst_partner)
