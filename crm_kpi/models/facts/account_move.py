# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.tools import SQL


class AccountMove(models.Model):
    """Messages on customer invoices are interactions.

    The invoice itself is not an interaction: by email it is posted as a note, which never
    counts. By post it is one of the sent letters, but not a contact with the customer.
    """

    _name = "account.move"
    _inherit = ["account.move", "crm.kpi.correspondence.mixin"]

    _kpi_response_user_field = "invoice_user_id"

    kpi_price_reduction = fields.Boolean(
        "Price reduction only",
        copy=False,
        help="A commercial credit note without defective goods. It does not count in the defect "
        "rate.",
    )

    def write(self, vals):
        result = super().write(vals)
        if "kpi_price_reduction" in vals:
            # the KPI reads it through the lines, whose own write dates do not change
            self.env["crm.kpi.source"]._mark_changed("account.move.line")
        if "state" in vals:
            self._kpi_mark_customers()
        return result

    def _kpi_mark_customers(self):
        """Mark the customers whose value changes when these invoices are posted."""
        # superuser: only ids of contacts are marked, even if the user may not read their orders
        moves = self.sudo().filtered(lambda move: move.is_sale_document(include_receipts=True))
        orders = moves.filtered(
            lambda move: move.move_type == "out_refund"
        ).invoice_line_ids.sale_line_ids.order_id
        partners = moves.commercial_partner_id | orders.partner_id
        self.env["crm.kpi.customer"]._kpi_mark_dirty(partners.ids)

    @api.model
    def _kpi_interaction_record_sql(self):
        return SQL(
            "%s AND r.move_type IN ('out_invoice', 'out_refund', 'out_receipt')",
            super()._kpi_interaction_record_sql(),
        )
