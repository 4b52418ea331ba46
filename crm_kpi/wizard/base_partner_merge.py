# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.tools import SQL


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        # The records of the merged contacts move to the remaining contact and count in its
        # segments. Their own memberships would count the customer twice on the same day.
        self.env.cr.execute(
            SQL(
                "DELETE FROM crm_kpi_segment_member WHERE partner_id = ANY(%s)",
                src_partners.ids,
            )
        )
        # the rows of the merged customers go; the row of the remaining one is derived again
        self.env.cr.execute(
            SQL("DELETE FROM crm_kpi_customer WHERE partner_id = ANY(%s)", src_partners.ids)
        )
        # Orders move to the remaining contact without write(), and their place in the history of
        # the customer changes. superuser: only marks ids for the next refresh; the user who
        # merges contacts may have no right to read orders.
        customers = (src_partners | dst_partner).sudo().commercial_partner_id
        self.env["sale.order"].sudo()._kpi_mark_customers(customers.ids)
        self.env["crm.kpi.interaction"].sudo()._kpi_mark_partners(customers.ids)
        self.env["crm.kpi.customer"].sudo()._kpi_mark_dirty((customers | dst_partner).ids)
        result = super()._update_foreign_keys(src_partners, dst_partner)
        self.env["crm.kpi.segment.set"]._mark_moved_facts(dst_partner.ids)
        return result
