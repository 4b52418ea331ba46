# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models


class ResPartner(models.Model):
    _inherit = "res.partner"

    def write(self, vals):
        if "user_id" in vals:
            # the customer's salesperson
            self.env["crm.kpi.customer"]._kpi_mark_dirty(self.ids)
        if not {"parent_id", "is_company"}.intersection(vals):
            return super().write(vals)
        before = self._kpi_customers()
        # all orders of the customers left: those that stay and, by them, those that move
        # superuser: only marks ids, the history of a customer is that of all its orders
        self.env["sale.order"].sudo()._kpi_mark_customers(set(before.values()))
        self.env["crm.kpi.interaction"].sudo()._kpi_mark_partners(set(before.values()))
        # the same contacts are of another customer afterwards
        self.env["crm.kpi.customer"]._kpi_mark_dirty({*before, *before.values()})
        result = super().write(vals)
        after = self._kpi_customers()
        moved = [partner_id for partner_id in after if before.get(partner_id) != after[partner_id]]
        if moved:
            self.env["crm.kpi.segment.set"]._mark_moved_facts(moved)
        return result

    def _kpi_customers(self):
        """Commercial partner by id of these contacts and all below them."""
        # sudo: only ids, for the queue of what the next refresh looks at
        contacts = self.sudo().with_context(active_test=False)
        family = contacts.search([("id", "child_of", self.ids)])
        return {partner.id: partner.commercial_partner_id.id for partner in family}
