# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The stamps of an order (sent, confirmed), and the orders that make a customer.

The order date moves when an order is cancelled and confirmed again; the stamps do not.
"""

from odoo import SUPERUSER_ID
from odoo.tools import SQL

from ..stamps import Stamp, domain_sql, fill_stamps, stamp_query, tracked_changes

SENT = Stamp(
    "sent",
    date="kpi_sent_date",
    when=[("state", "in", ["sent", "sale"])],
    once=True,
    tracked=("known.tracked_sent_at",),
    dated=("known.sent_at",),
)
CONFIRMED = Stamp(
    "confirmed",
    date="kpi_first_confirm_date",
    user="kpi_confirm_user_id",
    team="kpi_confirm_team_id",
    when=[("state", "=", "sale")],
    once=True,
    last_owner=True,
    tracked=("known.confirmed_at",),
    dated=("r.date_order",),
)
#: A confirmed order with an amount. Free samples and returns make no customer.
QUALIFYING = [("state", "=", "sale"), ("amount_untaxed", ">", 0)]


def fill_orders(orders, first, last, renew=False):
    """Fill in the stamps of orders, their amounts, and the categories of their lines.

    :param orders: empty recordset
    :param first, last: range of ids
    :param renew: also of orders that have stamps
    :return: ids of these orders
    """
    query = stamp_query(
        orders,
        orders._kpi_stamps,
        {
            "_label": state_labels(orders),
            "_change": tracked_changes(orders, "state", first, last),
            "_tracked": tracked_states(),
            "_written": first_messages(first, last),
            "known": known_dates(first, last),
            "amount": company_amounts(first, last),
        },
        SQL(
            "r.id BETWEEN %s AND %s AND (r.kpi_is_qualifying IS NULL OR %s)",
            first,
            last,
            renew,
        ),
        known={
            "kpi_amount": SQL("amount.amount"),
            "kpi_is_qualifying": SQL("COALESCE(%s, FALSE)", domain_sql(orders, QUALIFYING)),
        },
    )
    ids = fill_stamps(orders, orders._kpi_stamps, query, known=["kpi_amount", "kpi_is_qualifying"])
    orders.env.cr.execute(fill_categories(ids))
    return ids


def state_labels(orders):
    """Labels of the states in all languages: ``state``, ``label``.

    Tracking keeps the label, in the language of the user who made the change.
    """
    return SQL(
        """
        SELECT DISTINCT selection.value AS state, label.value AS label
          FROM ir_model_fields_selection selection, jsonb_each_text(selection.name) label
         WHERE selection.field_id = %s AND selection.value IN ('sent', 'sale')
        """,
        orders.env["ir.model.fields"]._get(orders._name, "state").id,
    )


def tracked_states():
    """Tracked changes of the state: ``id``, ``sent_at``, ``confirmed_at``."""
    return SQL(
        """
        SELECT _change.id,
               date_trunc('second', min(_change.at)) AS sent_at,
               date_trunc('second', min(_change.at) FILTER (WHERE _label.state = 'sale'))
                   AS confirmed_at
          FROM _change
          JOIN _label ON _label.label = _change.label
      GROUP BY _change.id
        """
    )


def first_messages(first, last):
    """First message of an employee to the customer: ``id``, ``sent_at``."""
    return SQL(
        """
        SELECT m.res_id AS id, min(m.date) AS sent_at
          FROM mail_message m
          JOIN res_users author ON author.partner_id = m.author_id
           AND author.share IS NOT TRUE AND author.id <> %s
     LEFT JOIN mail_message_subtype subtype ON subtype.id = m.subtype_id
         WHERE m.model = 'sale.order' AND m.res_id BETWEEN %s AND %s
           AND (m.message_type IN ('comment', 'email') AND m.subtype_id IS NOT NULL
                AND subtype.internal IS NOT TRUE AND m.is_internal IS NOT TRUE
                OR m.message_type IN ('email_outgoing', 'sms', 'snailmail'))
      GROUP BY m.res_id
        """,
        SUPERUSER_ID,
        first,
        last,
    )


def known_dates(first, last):
    """``id``, ``sent_at`` (where the order was sent), ``tracked_sent_at`` (the same, empty
    unless tracking shows that it was sent), ``confirmed_at`` (from tracking)."""
    return SQL(
        """
        SELECT o.id, sent.at AS sent_at,
               CASE WHEN tracked.sent_at IS NOT NULL THEN sent.at END AS tracked_sent_at,
               tracked.confirmed_at
          FROM sale_order o
     LEFT JOIN _tracked tracked ON tracked.id = o.id
     LEFT JOIN _written written ON written.id = o.id
    CROSS JOIN LATERAL (
                   SELECT COALESCE(tracked.confirmed_at, CASE WHEN o.state = 'sale'
                                                              THEN o.date_order END) AS at
               ) confirmed
    CROSS JOIN LATERAL (
                   SELECT LEAST(COALESCE(written.sent_at, tracked.sent_at, confirmed.at,
                                         date_trunc('second', o.create_date)),
                                confirmed.at) AS at
               ) sent
         WHERE o.id BETWEEN %s AND %s
        """,
        first,
        last,
    )


def company_amounts(first, last):
    """Untaxed amount in the currency of the company, rounded: ``id``, ``amount``."""
    return SQL(
        """
        SELECT o.id,
               round(COALESCE(o.amount_untaxed, 0) / COALESCE(NULLIF(o.currency_rate, 0), 1)
                     / currency.rounding) * currency.rounding AS amount
          FROM sale_order o
          JOIN res_company company ON company.id = o.company_id
          JOIN res_currency currency ON currency.id = company.currency_id
         WHERE o.id BETWEEN %s AND %s
        """,
        first,
        last,
    )


def fill_categories(ids):
    """Statement: product categories of the lines of the orders ``ids`` that were confirmed."""
    return SQL(
        """
        UPDATE sale_order_line l
           SET kpi_categ_id = t.categ_id
          FROM sale_order o, product_product p, product_template t
         WHERE o.id = l.order_id AND p.id = l.product_id AND t.id = p.product_tmpl_id
           AND o.id = ANY(%(ids)s) AND o.kpi_first_confirm_date IS NOT NULL
           AND l.order_id = ANY(%(ids)s)
           AND l.kpi_categ_id IS NULL AND t.categ_id IS NOT NULL
        """,
        ids=list(ids),
    )
