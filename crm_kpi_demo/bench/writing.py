# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What users write: queries of a confirmed order and of a message, with and without KPIs."""

MESSAGE = {
    "body": "A message with a sentence or two about the matter.",
    "message_type": "comment",
    "subtype_xmlid": "mail.mt_comment",
}


def measure_writing(env, meter):
    """Runs in databases without ``crm_kpi``, too: the difference is what KPIs cost."""
    partner = env["res.partner"].create({"name": "Customer", "email": "customer@example.com"})
    product = env["product.product"].create({"name": "Product", "list_price": 100})
    for name in ("cold", "warm"):  # the first one fills the caches
        order = env["sale.order"].create(
            {
                "partner_id": partner.id,
                "order_line": [(0, 0, {"product_id": product.id, "product_uom_qty": 1})],
            }
        )
        env.cr.flush()
        with meter.measure(f"confirm.{name}"):
            order.action_confirm()
            env.cr.flush()
        with meter.measure(f"message.{name}"):
            order.message_post(**MESSAGE)
            env.cr.flush()
    env.cr.rollback()
