# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Conditions on an order line: alias ``l``, its product template ``t``, the company ``co``.

``names`` are the fields of order lines: some exist only with optional addons.
"""

from odoo.tools import SQL


def not_extra(names):
    """Conditions that the line is neither a delivery nor a reward."""
    optional = {
        "is_delivery": SQL("l.is_delivery IS NOT TRUE"),
        "reward_id": SQL("l.reward_id IS NULL"),
    }
    return [condition for name, condition in optional.items() if name in names]


def saleable(names):
    """The line is a good or a service, at any price.

    Sections, down payments, expenses, deliveries, discounts and rewards are not; nor is the
    parent line of a combo, whose items have the price.
    """
    return SQL(" AND ").join(
        [
            SQL(
                """
                l.display_type IS NULL
                AND l.is_downpayment IS NOT TRUE
                AND l.is_expense IS NOT TRUE
                AND l.product_uom_qty > 0
                AND t.type <> 'combo'
                AND l.product_id IS DISTINCT FROM co.sale_discount_product_id
                """
            ),
            *not_extra(names),
        ]
    )


def goods(names):
    """The line sells a good or a service for money."""
    return SQL("%s AND l.price_subtotal > 0", saleable(names))


def rebate(names):
    """The line is a discount itself: on the whole order, or a reward."""
    conditions = [
        SQL("l.product_id = co.sale_discount_product_id"),
        SQL("l.extra_tax_data->>'computation_key' LIKE 'global_discount,%%'"),
    ]
    if "reward_id" in names:
        conditions.append(SQL("l.reward_id IS NOT NULL"))
    return SQL("(%s)", SQL(" OR ").join(conditions))
