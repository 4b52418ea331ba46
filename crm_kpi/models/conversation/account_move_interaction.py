# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.tools import SQL


class AccountMove(models.Model):
    """Messages on invoices to customers are interactions.

    The document itself is none when sent by mail: it is posted as a note, which never counts.
    Sent by post it is one of the letters sent, but no contact with the customer.
    """

    _name = "account.move"
    _inherit = ["account.move", "crm.kpi.correspondence.mixin"]

    _kpi_response_user_field = "invoice_user_id"

    @api.model
    def _kpi_interaction_record_sql(self):
        return SQL(
            "%s AND r.move_type IN ('out_invoice', 'out_refund', 'out_receipt')",
            super()._kpi_interaction_record_sql(),
        )

    # ------------------------------------------------------------------
    # value of the customer
    # ------------------------------------------------------------------
    def write(self, vals):
        result = super().write(vals)
        if "state" in vals:
            self._kpi_mark_customers()
        return result

    def _kpi_mark_customers(self):
        """Mark the customers whose value changes with the posting of these invoices."""
        # superuser: only marks ids of contacts, whoever may read their orders
        moves = self.sudo().filtered(lambda move: move.is_sale_document(include_receipts=True))
        orders = moves.filtered(
            lambda move: move.move_type == "out_refund"
        ).invoice_line_ids.sale_line_ids.order_id
        partners = moves.commercial_partner_id | orders.partner_id
        self.env["crm.kpi.customer"]._kpi_mark_dirty(partners.ids)
