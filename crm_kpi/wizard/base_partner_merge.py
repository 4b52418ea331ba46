# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.tools import SQL


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        # The records of the merged contacts follow the survivor, and so does their segment:
        # two histories in one would count a customer twice on the same day.
        self.env.cr.execute(
            SQL(
                "DELETE FROM crm_kpi_segment_member WHERE partner_id = ANY(%s)",
                src_partners.ids,
            )
        )
        # so do the rows of what is known of the customers: those of the survivor are derived
        self.env.cr.execute(
            SQL("DELETE FROM crm_kpi_customer WHERE partner_id = ANY(%s)", src_partners.ids)
        )
        # orders move to the survivor past write(): what they are in its history changes
        # superuser: only marks ids for the next refresh, and who merges need not read orders
        customers = (src_partners | dst_partner).sudo().commercial_partner_id
        self.env["sale.order"].sudo()._kpi_mark_customers(customers.ids)
        self.env["crm.kpi.interaction"].sudo()._kpi_mark_partners(customers.ids)
        self.env["crm.kpi.customer"].sudo()._kpi_mark_dirty((customers | dst_partner).ids)
        result = super()._update_foreign_keys(src_partners, dst_partner)
        self.env["crm.kpi.segment.set"]._mark_moved_facts(dst_partner.ids)
        return result
