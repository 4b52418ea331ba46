# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Stamps of an order, and its place in the history of its customer.

A *qualifying order* is a confirmed order over more than nothing: free samples and returns
make nobody a customer. A *customer* is a commercial partner as seen by one company; the own
companies and the own staff are none.
"""

from odoo import SUPERUSER_ID, api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...customers import definitions
from ...fields import NullableFloat

# derived for all orders of a customer together, see _kpi_history_query()
HISTORY_FIELDS = (
    "kpi_order_no",
    "kpi_is_cross_sell",
    "kpi_is_upsell",
    "kpi_is_expansion",
    "kpi_cross_sell_amount",
    "kpi_upsell_amount",
    "kpi_days_to_second",
    "kpi_first90_amount",
    "kpi_gap_days",
)
# order lines of optional modules that are no goods sold: column -> condition on the line
OPTIONAL_LINE_CONDITIONS = {
    "is_delivery": SQL("l.is_delivery IS NOT TRUE"),
    "reward_id": SQL("l.reward_id IS NULL"),
}


class SaleOrder(models.Model):
    # crm.kpi.fact.mixin comes with sale_order_interaction
    _inherit = "sale.order"

    kpi_currency_id = fields.Many2one(related="company_id.currency_id", string="Company currency")
    kpi_sent_date = fields.Datetime(
        "First sent on",
        readonly=True,
        copy=False,
        help="When the quotation was first sent; a sale without quotation is sent at its "
        "confirmation.",
    )
    kpi_first_confirm_date = fields.Datetime(
        "First confirmed on",
        readonly=True,
        copy=False,
        help="First confirmation. The order date moves when the order is cancelled and "
        "confirmed again, this one does not.",
    )
    kpi_confirm_user_id = fields.Many2one(
        "res.users",
        "Confirmed for",
        readonly=True,
        copy=False,
        help="Salesperson at the (last) confirmation; a later re-assignment does not move it.",
    )
    kpi_confirm_team_id = fields.Many2one(
        "crm.team",
        "Confirmed for team",
        readonly=True,
        copy=False,
        help="Sales team at the (last) confirmation.",
    )
    # rounded to the currency like every stored amount, so that the lines shown add up
    kpi_amount = fields.Monetary(
        "Untaxed amount (company currency)",
        currency_field="kpi_currency_id",
        compute="_compute_kpi_amount",
        store=True,
        help="Untaxed amount in the company's currency at the rate of the order date.",
    )
    kpi_is_qualifying = fields.Boolean(
        "Counts for customer figures",
        compute="_compute_kpi_is_qualifying",
        store=True,
        help="Confirmed, and over more than nothing.",
    )
    kpi_order_no = fields.Integer(
        "Order number of the customer",
        readonly=True,
        copy=False,
        aggregator=None,
        help="1: the customer's first order (new customer), 2 and more: a repeat order. "
        "Empty for quotations, free orders and returns.",
    )
    kpi_is_cross_sell = fields.Boolean(
        "Cross-sell",
        readonly=True,
        copy=False,
        help="A repeat order with a product of a category the customer never bought before.",
    )
    kpi_is_upsell = fields.Boolean(
        "Upsell",
        readonly=True,
        copy=False,
        help="A repeat order with a new product of a known category that costs clearly more "
        "(see the settings) than anything the customer bought in it.",
    )
    kpi_is_expansion = fields.Boolean(
        "Cross-sell or upsell",
        readonly=True,
        copy=False,
    )
    kpi_cross_sell_amount = fields.Monetary(
        "Cross-sell amount",
        currency_field="kpi_currency_id",
        readonly=True,
        copy=False,
        help="Untaxed amount of the lines that make the order a cross-sell, in company currency.",
    )
    kpi_upsell_amount = fields.Monetary(
        "Upsell amount",
        currency_field="kpi_currency_id",
        readonly=True,
        copy=False,
        help="Untaxed amount of the lines that make the order an upsell, in company currency.",
    )
    kpi_days_to_second = NullableFloat(
        "Days to second purchase",
        readonly=True,
        copy=False,
        aggregator="avg",
        help="On a customer's first order: days to the next order on another day.",
    )
    kpi_first90_amount = fields.Monetary(
        "Amount in the first 90 days",
        currency_field="kpi_currency_id",
        readonly=True,
        copy=False,
        help="On a customer's first order: what the customer ordered within 90 days from it.",
    )

    kpi_gap_days = fields.Integer(
        "Days since the last order",
        readonly=True,
        copy=False,
        aggregator=None,
        help="Days since the last day on which the customer had ordered. Empty on the first "
        "day, and on further orders of one day.",
    )
    kpi_is_high_value = fields.Boolean(
        "High-value customer",
        compute="_compute_kpi_is_high_value",
        search="_search_kpi_is_high_value",
        help="A customer's first order, when the amount of the first 90 days reaches the "
        "amount in the settings of the company.",
    )

    _kpi_sale_idx = models.Index("(company_id, date_order) WHERE state = 'sale'")
    _kpi_sent_idx = models.Index("(kpi_sent_date) WHERE kpi_sent_date IS NOT NULL")

    @api.depends("kpi_order_no", "kpi_first90_amount", "company_id")
    def _compute_kpi_is_high_value(self):
        for order in self:
            threshold = order.company_id.kpi_high_value_threshold
            order.kpi_is_high_value = (
                order.kpi_order_no == 1 and order.kpi_first90_amount >= threshold
            )

    @api.model
    def _search_kpi_is_high_value(self, operator, value):
        if operator != "in":
            return NotImplemented
        # superuser: a setting that every salesperson may know
        companies = self.env["res.company"].sudo().with_context(active_test=False).search([])
        return Domain("kpi_order_no", "=", 1) & Domain.OR(
            Domain("company_id", "=", company.id)
            & Domain("kpi_first90_amount", ">=", company.kpi_high_value_threshold)
            for company in companies
        )

    @api.depends("amount_untaxed", "currency_rate", "company_id")
    def _compute_kpi_amount(self):
        for order in self:
            # the rate is units of the order's currency per unit of the company's
            order.kpi_amount = order.amount_untaxed / (order.currency_rate or 1.0)

    @api.depends("state", "amount_untaxed")
    def _compute_kpi_is_qualifying(self):
        for order in self:
            order.kpi_is_qualifying = order.state == "sale" and order.amount_untaxed > 0

    # ------------------------------------------------------------------
    # stamps
    # ------------------------------------------------------------------
    @api.model_create_multi
    def create(self, vals_list):
        orders = super().create(vals_list)
        # not an event but a record of one (import): its date is the order date
        for order in orders.filtered(lambda order: order.state in ("sent", "sale")):
            order._kpi_note_state(order.date_order, order.filtered(lambda o: o.state == "sale"))
        return orders

    def write(self, vals):
        if "partner_id" in vals or "company_id" in vals:
            self._kpi_mark_former_customers()
        state = vals.get("state")
        confirmed = self.browse()
        if state == "sale":
            confirmed = self.filtered(lambda order: order.state != "sale")
        result = super().write(vals)
        if state in ("sent", "sale"):
            now = fields.Datetime.now()
            date = fields.Datetime.to_datetime(vals.get("date_order")) if confirmed else None
            self._kpi_note_state(date or now, confirmed)
        return result

    def unlink(self):
        self._kpi_mark_former_customers()
        return super().unlink()

    def action_confirm(self):
        result = super().action_confirm()
        # extensions may set the salesperson while they confirm (shop orders)
        self.filtered(lambda order: order.state == "sale")._kpi_credit_confirmation()
        return result

    def _kpi_note_state(self, date, confirmed):
        """Stamp that these orders were sent or confirmed.

        :param datetime date: when
        :param confirmed: the orders among them that became confirmed
        """
        self.filtered(lambda order: not order.kpi_sent_date)._kpi_stamp({"kpi_sent_date": date})
        confirmed.filtered(lambda order: not order.kpi_first_confirm_date)._kpi_stamp(
            {"kpi_first_confirm_date": date}
        )
        confirmed._kpi_credit_confirmation()

    def _kpi_credit_confirmation(self):
        """Stamp whose success the confirmation is."""
        for (user, team), orders in self.grouped(lambda o: (o.user_id, o.team_id)).items():
            # what the system itself owns is nobody's success
            user = user.filtered(lambda user: user.id != SUPERUSER_ID)
            orders._kpi_stamp({"kpi_confirm_user_id": user.id, "kpi_confirm_team_id": team.id})

    # ------------------------------------------------------------------
    # history of the customer
    # ------------------------------------------------------------------
    @api.model
    def _kpi_protected_fields(self):
        return super()._kpi_protected_fields() | {
            name
            for name, field in self._fields.items()
            if name.startswith("kpi_") and field.readonly
        }

    @api.model
    def _kpi_trigger_fields(self):
        return super()._kpi_trigger_fields() | {"state", "date_order", "partner_id", "company_id"}

    def _kpi_mark_former_customers(self):
        """Mark all orders of the customers that these orders are about to leave."""
        # superuser: only marks ids, the history of a customer is that of all its orders
        self._kpi_mark_customers(self.sudo().partner_id.commercial_partner_id.ids)

    @api.model
    def _kpi_mark_customers(self, partner_ids):
        """Mark all orders of these commercial partners, in every company."""
        if not partner_ids:
            return
        self.flush_model(["partner_id"])
        self.env["res.partner"].flush_model(["commercial_partner_id"])
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO crm_kpi_dirty (res_model, res_id)
                     SELECT 'sale.order', o.id
                       FROM res_partner p
                       JOIN sale_order o ON o.partner_id = p.id
                      WHERE p.commercial_partner_id = ANY(%s)
                """,
                list(partner_ids),
            )
        )

    @api.model
    def _kpi_mark_companies(self, company_ids):
        """Mark one order of every contact in these companies: the whole history with it."""
        self.flush_model(["company_id", "partner_id"])
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO crm_kpi_dirty (res_model, res_id)
                     SELECT 'sale.order', min(id)
                       FROM sale_order
                      WHERE company_id = ANY(%s)
                   GROUP BY company_id, partner_id
                """,
                list(company_ids),
            )
        )

    @api.model
    def _kpi_derive_records(self, ids):
        result = super()._kpi_derive_records(ids)
        if ids:
            self._kpi_derive_customers(
                SQL(
                    """
                    SELECT DISTINCT o.company_id, p.commercial_partner_id
                      FROM sale_order o
                      JOIN res_partner p ON p.id = o.partner_id
                     WHERE o.id = ANY(%s)
                    """,
                    list(ids),
                )
            )
        return result

    @api.model
    def _kpi_derive_customers(self, customers):
        """Derive the history of all orders of some customers.

        :param SQL customers: query of two columns, company and commercial partner
        :return: ids of the orders that changed
        """
        return self._kpi_update(HISTORY_FIELDS, self._kpi_history_query(customers))

    @api.model
    def _kpi_goods_condition(self):
        """SQL condition of a line (alias l; t: its template, co: the company) that sells goods
        or services for money."""
        return SQL("%s AND l.price_subtotal > 0", self._kpi_saleable_condition())

    @api.model
    def _kpi_saleable_condition(self):
        """The same for whatever price: no section, down payment, expense, delivery, discount,
        reward, nor the parent of a combo, whose items carry the price."""
        lines = self.env["sale.order.line"]
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
                *(
                    condition
                    for name, condition in OPTIONAL_LINE_CONDITIONS.items()
                    if name in lines._fields
                ),
            ]
        )

    @api.model
    def _kpi_history_query(self, customers):
        """Query of the history fields of all orders of some customers.

        Orders of a customer are ranked by (order date, id). The lines of one order do not see
        each other: a first basket of two categories is no cross-sell.

        :param SQL customers: query of two columns, company and commercial partner
        :return: SQL with the columns ``id`` and HISTORY_FIELDS
        """
        zones = SQL(", ").join(
            SQL("(%s, %s)", company.id, company._kpi_tz())
            # superuser: the query runs over all companies, it only needs their time zones
            for company in self.env["res.company"].sudo().with_context(active_test=False).search([])
        )
        return SQL(
            """
            WITH customer (company_id, partner_id) AS (%(customers)s),
            zone (company_id, tz) AS (VALUES %(zones)s),
            ordered AS (
                SELECT o.id, o.company_id, c.partner_id, o.date_order, o.kpi_amount,
                       NULLIF(o.currency_rate, 0) AS rate,
                       (o.date_order AT TIME ZONE 'UTC' AT TIME ZONE z.tz)::date AS day,
                       o.kpi_is_qualifying AND %(external)s AS qualifying
                  FROM customer c
                  JOIN zone z ON z.company_id = c.company_id
                  JOIN res_partner p ON p.commercial_partner_id = c.partner_id
                  JOIN sale_order o ON o.partner_id = p.id AND o.company_id = c.company_id
            ),
            ranked AS (
                SELECT id, company_id, partner_id, date_order, kpi_amount, rate, day,
                       row_number() OVER w AS no,
                       first_value(date_order) OVER w AS first_at,
                       first_value(day) OVER w AS first_day,
                       NULLIF(day - lag(day) OVER w, 0) AS gap_days
                  FROM ordered
                 WHERE qualifying
                WINDOW w AS (PARTITION BY company_id, partner_id ORDER BY date_order, id)
            ),
            start AS (
                SELECT min(id) FILTER (WHERE no = 1) AS id,
                       EXTRACT(EPOCH FROM min(date_order) FILTER (WHERE day > first_day)
                                          - min(first_at)) / 86400 AS days_to_second,
                       sum(kpi_amount) FILTER (
                           WHERE date_order < first_at + interval '90 days'
                       ) AS first90_amount
                  FROM ranked
              GROUP BY company_id, partner_id
            ),
            line AS (
                SELECT r.id AS order_id, r.company_id, r.partner_id, r.no,
                       t.id AS template_id,
                       COALESCE(l.kpi_categ_id, t.categ_id) AS categ_id,
                       1 + COALESCE(co.kpi_upsell_margin, 0)::numeric AS dearer,
                       l.price_subtotal / COALESCE(r.rate, 1) AS amount,
                       round(l.price_subtotal / COALESCE(r.rate, 1)
                             / (l.product_uom_qty
                                * COALESCE(u.factor, 1) / COALESCE(tu.factor, 1)), 6) AS price
                  FROM ranked r
                  JOIN res_company co ON co.id = r.company_id
                  JOIN sale_order_line l ON l.order_id = r.id
                  JOIN product_product pp ON pp.id = l.product_id
                  JOIN product_template t ON t.id = pp.product_tmpl_id
             LEFT JOIN uom_uom u ON u.id = l.product_uom_id
             LEFT JOIN uom_uom tu ON tu.id = t.uom_id
                 WHERE %(goods)s
            ),
            seen AS (
                SELECT order_id, no, categ_id, amount, price, dearer,
                       count(*) OVER of_category AS before_in_category,
                       max(price) OVER of_category AS highest_price,
                       count(*) OVER of_product AS before_of_product
                  FROM line
                WINDOW of_category AS (
                           PARTITION BY company_id, partner_id, categ_id ORDER BY no
                           GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
                       of_product AS (
                           PARTITION BY company_id, partner_id, template_id ORDER BY no
                           GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
            ),
            judged AS (
                SELECT order_id, amount,
                       before_in_category = 0 AS cross_sell,
                       before_in_category > 0 AND before_of_product = 0
                           AND price >= dearer * highest_price AS upsell
                  FROM seen
                 WHERE no > 1 AND categ_id IS NOT NULL
            ),
            flag AS (
                SELECT order_id AS id,
                       bool_or(cross_sell) AS cross_sell,
                       bool_or(upsell) AS upsell,
                       sum(amount) FILTER (WHERE cross_sell) AS cross_sell_amount,
                       sum(amount) FILTER (WHERE upsell) AS upsell_amount
                  FROM judged
              GROUP BY order_id
            )
            SELECT o.id,
                   r.no::int AS kpi_order_no,
                   COALESCE(f.cross_sell, FALSE) AS kpi_is_cross_sell,
                   COALESCE(f.upsell, FALSE) AS kpi_is_upsell,
                   COALESCE(f.cross_sell OR f.upsell, FALSE) AS kpi_is_expansion,
                   round(f.cross_sell_amount / cu.rounding) * cu.rounding
                       AS kpi_cross_sell_amount,
                   round(f.upsell_amount / cu.rounding) * cu.rounding AS kpi_upsell_amount,
                   s.days_to_second::float8 AS kpi_days_to_second,
                   s.first90_amount AS kpi_first90_amount,
                   r.gap_days AS kpi_gap_days
              FROM ordered o
              JOIN res_company oco ON oco.id = o.company_id
              JOIN res_currency cu ON cu.id = oco.currency_id
         LEFT JOIN ranked r ON r.id = o.id
         LEFT JOIN start s ON s.id = o.id
         LEFT JOIN flag f ON f.id = o.id
            """,
            customers=customers,
            zones=zones,
            external=self._kpi_external_condition(SQL("c.partner_id")),
            goods=self._kpi_goods_condition(),
        )

    @api.model
    def _kpi_external_condition(self, partner):
        """SQL condition that a commercial partner may be a customer.

        :param SQL partner: expression of the partner's id
        """
        return definitions.is_external(self.env, partner)
