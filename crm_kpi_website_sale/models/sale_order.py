# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Carts of the website shop.

Odoo's *abandoned cart* is not stored. It depends on the present time and on the order date,
which changes at the confirmation, and a recovered cart is not an abandoned cart any more. Here
the date of a cart is its creation. Its state is stored, and so is the moment when the delay of
its website is over: from then on it counts as abandoned.
"""

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.crm_kpi.facts import order_lines
from odoo.addons.crm_kpi.sql import Derived

CART_FIELDS = ("kpi_is_cart", "kpi_cart_identified", "kpi_cart_state", "kpi_cart_due")


class SaleOrder(models.Model):
    _inherit = "sale.order"

    kpi_is_cart = fields.Boolean(
        "Counts as cart",
        readonly=True,
        copy=False,
        help="An order of the website shop with at least one product. A cart that was merged into "
        "another cart is empty and does not count.",
    )
    kpi_cart_identified = fields.Boolean(
        "Identified customer",
        readonly=True,
        copy=False,
        help="The visitor logged in or entered an address.",
    )
    kpi_cart_state = fields.Selection(
        [
            ("open", "Not completed"),
            ("payment", "Payment pending"),
            ("completed", "Completed"),
            ("cancelled", "Cancelled"),
        ],
        "Cart",
        readonly=True,
        copy=False,
        help="Completed: confirmed at least once. Carts that are not completed or cancelled count "
        "as abandoned when the delay of the website is over.",
    )
    kpi_cart_due = fields.Datetime(
        "Abandoned from",
        readonly=True,
        copy=False,
        help="Creation of the cart plus the delay in the settings of the website. Until then the "
        "cart counts in no KPI.",
    )

    @api.model
    def _kpi_trigger_fields(self):
        return super()._kpi_trigger_fields() | {"website_id"}

    @api.model
    def _kpi_quotation_condition(self):
        # the shop does not send quotations: the state 'sent' means a pending payment
        return SQL("%s AND o.website_id IS NULL", super()._kpi_quotation_condition())

    @api.model
    def _kpi_derived(self, ids):
        return {
            **super()._kpi_derived(ids),
            "cart": Derived(CART_FIELDS, self._kpi_cart_query(ids)),
        }

    @api.model
    def _kpi_product_line_condition(self):
        """SQL condition of a line (alias l) that puts a product into a cart."""
        return SQL(" AND ").join(
            [
                SQL("l.display_type IS NULL AND l.product_id IS NOT NULL"),
                *order_lines.not_extra(self.env["sale.order.line"]._fields),
            ]
        )

    @api.model
    def _kpi_cart_query(self, ids):
        """Query of the state of carts.

        :param ids: ids of orders, also outside of the shop
        :return: SQL with the columns ``id`` and CART_FIELDS
        """
        return SQL(
            """
            SELECT o.id,
                   w.id IS NOT NULL AND EXISTS (
                       SELECT FROM sale_order_line l
                        WHERE l.order_id = o.id AND %(product_line)s) AS kpi_is_cart,
                   w.id IS NOT NULL AND o.partner_id <> u.partner_id AS kpi_cart_identified,
                   CASE WHEN w.id IS NULL THEN NULL
                        WHEN o.state = 'sale' OR o.kpi_first_confirm_date IS NOT NULL
                        THEN 'completed'
                        WHEN o.state = 'sent' THEN 'payment'
                        WHEN o.state = 'cancel' THEN 'cancelled'
                        ELSE 'open' END AS kpi_cart_state,
                   CASE WHEN w.id IS NOT NULL
                        THEN date_trunc('second', o.create_date) + make_interval(
                            secs => 3600 * COALESCE(NULLIF(w.cart_abandoned_delay, 0), 1))
                    END AS kpi_cart_due
              FROM sale_order o
         LEFT JOIN website w ON w.id = o.website_id
         LEFT JOIN res_users u ON u.id = w.user_id
             WHERE o.id = ANY(%(ids)s)
            """,
            ids=list(ids),
            product_line=self._kpi_product_line_condition(),
        )
