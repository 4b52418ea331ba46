# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL

from ...customers import definitions
from ...facts import deals, order_facts, order_history, order_lines, orders
from ...fields import NullableFloat
from ...sql import Derived


class SaleOrder(models.Model):
    """Stamps of an order, its value and content, its deal, and its place in the history of
    the customer."""

    _name = "sale.order"
    _inherit = ["sale.order", "crm.kpi.interaction.mixin"]

    _kpi_stamps = (orders.SENT, orders.CONFIRMED)
    _kpi_correctable = (orders.CONFIRMED,)
    _kpi_response_lead_field = "opportunity_id"

    kpi_currency_id = fields.Many2one(related="company_id.currency_id", string="Company currency")

    # --- stamps ---
    kpi_sent_date = fields.Datetime(
        "First sent on",
        readonly=True,
        copy=False,
        help="When the quotation was first sent. Without a quotation, the confirmation.",
    )
    kpi_first_confirm_date = fields.Datetime(
        "First confirmed on",
        readonly=True,
        copy=False,
        help="First confirmation. Unlike the order date, it does not change when the order is "
        "cancelled and confirmed again.",
    )
    kpi_confirm_user_id = fields.Many2one(
        "res.users",
        "Confirmed for",
        readonly=True,
        copy=False,
        help="Salesperson at the (last) confirmation. Later assignments do not change it.",
    )
    kpi_confirm_team_id = fields.Many2one(
        "crm.team",
        "Confirmed for team",
        readonly=True,
        copy=False,
        help="Sales team at the (last) confirmation.",
    )

    # --- value ---
    # rounded to the currency like every stored amount, so that listed amounts add up
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
        help="Confirmed, with an amount above zero.",
    )
    kpi_margin = fields.Monetary(
        "Margin (company currency)",
        currency_field="kpi_currency_id",
        readonly=True,
        copy=False,
        help="For confirmed orders: the untaxed amount times the margin rate of the company, or "
        "the margin over the cost of the lines where costs are kept.",
    )
    kpi_list_amount = fields.Monetary(
        "Amount before discount",
        currency_field="kpi_currency_id",
        readonly=True,
        copy=False,
        help="Untaxed value of the goods and services before discounts, in company currency.",
    )
    kpi_discount_amount = fields.Monetary(
        "Discount",
        currency_field="kpi_currency_id",
        readonly=True,
        copy=False,
        help="Untaxed, in company currency: discounts on lines, discounts on the whole order, and "
        "rewards. A lower price from a pricelist is not a discount.",
    )
    kpi_is_renewal = fields.Boolean(
        "Renewal",
        readonly=True,
        copy=False,
        help="The order has the renewal tag of the settings.",
    )

    # --- content ---
    kpi_item_count = NullableFloat(
        "Items",
        readonly=True,
        copy=False,
        help="Pieces sold; a pack counts its pieces. A line sold by the hour, weight or length "
        "counts as one.",
    )
    kpi_product_count = fields.Integer(
        "Different products",
        readonly=True,
        copy=False,
        help="Number of different products, without their variants. Delivery, discounts, rewards "
        "and down payments do not count.",
    )
    kpi_sample_qty = NullableFloat(
        "Samples",
        readonly=True,
        copy=False,
        help="Quantity of products that have the sample tag of the settings.",
    )

    # --- quotation and deal ---
    kpi_is_quotation = fields.Boolean(
        "Counts as quotation",
        readonly=True,
        copy=False,
        help="It was sent to the customer, or sold directly.",
    )
    kpi_is_quote_head = fields.Boolean(
        "First quotation of the deal",
        readonly=True,
        copy=False,
        help="The quotation that was sent first among those of an opportunity, or the only one. "
        "It represents the deal: alternatives and revisions do not count again.",
    )
    kpi_quote_accept_days = NullableFloat(
        "Days to acceptance",
        readonly=True,
        copy=False,
        aggregator="avg",
        help="On the first quotation of a deal: days until any quotation of the deal was "
        "confirmed for the first time.",
    )
    kpi_quote_to_order_days = NullableFloat(
        "Days from quotation to order",
        readonly=True,
        copy=False,
        aggregator="avg",
        help="From the first sending to the first confirmation.",
    )

    # --- history of the customer ---
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
        help="A repeat order with a product of a category that the customer never bought before.",
    )
    kpi_is_upsell = fields.Boolean(
        "Upsell",
        readonly=True,
        copy=False,
        help="A repeat order with a new product of a known category whose price exceeds the "
        "customer's highest price in it by the percentage of the settings.",
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
        help="On a customer's first order: amount of all orders of the customer in the 90 days "
        "from it.",
    )
    kpi_gap_days = fields.Integer(
        "Days since the last order",
        readonly=True,
        copy=False,
        aggregator=None,
        help="Days since the last day with an order of the customer. Empty on the first day, and "
        "on further orders of one day.",
    )
    kpi_is_high_value = fields.Boolean(
        "High-value customer",
        compute="_compute_kpi_is_high_value",
        search="_search_kpi_is_high_value",
        help="A customer's first order, if the amount of the first 90 days reaches the amount in "
        "the settings of the company.",
    )
    kpi_campaign_cost_known = fields.Boolean(
        "Campaign with known cost",
        compute="_compute_kpi_campaign_cost_known",
        search="_search_kpi_campaign_cost_known",
        help="The order has a campaign with at least one cost entry in the order's company.",
    )

    _kpi_sale_idx = models.Index("(company_id, date_order) WHERE state = 'sale'")
    _kpi_sent_idx = models.Index("(kpi_sent_date) WHERE kpi_sent_date IS NOT NULL")

    # ------------------------------------------------------------------
    # computed fields
    # ------------------------------------------------------------------
    @api.depends("amount_untaxed", "currency_rate", "company_id")
    def _compute_kpi_amount(self):
        for order in self:
            # the rate is units of the order's currency per unit of the company's currency
            order.kpi_amount = order.amount_untaxed / (order.currency_rate or 1.0)

    @api.depends(*(condition[0] for condition in orders.QUALIFYING))
    def _compute_kpi_is_qualifying(self):
        qualifying = self.filtered_domain(Domain(orders.QUALIFYING))
        for order in self:
            order.kpi_is_qualifying = order in qualifying

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
        # superuser: reads a setting of the companies that every salesperson may know
        companies = self.env["res.company"].sudo().with_context(active_test=False).search([])
        return Domain("kpi_order_no", "=", 1) & Domain.OR(
            Domain("company_id", "=", company.id)
            & Domain("kpi_first90_amount", ">=", company.kpi_high_value_threshold)
            for company in companies
        )

    @api.depends("campaign_id", "company_id")
    def _compute_kpi_campaign_cost_known(self):
        known = self.env["crm.kpi.cost"]._campaigns_known()
        for order in self:
            order.kpi_campaign_cost_known = order.campaign_id.id in known.get(
                order.company_id.id, ()
            )

    @api.model
    def _search_kpi_campaign_cost_known(self, operator, value):
        if operator != "in":
            return NotImplemented
        return Domain.OR(
            Domain("company_id", "=", company_id) & Domain("campaign_id", "in", list(campaign_ids))
            for company_id, campaign_ids in self.env["crm.kpi.cost"]._campaigns_known().items()
        )

    # ------------------------------------------------------------------
    # events
    # ------------------------------------------------------------------
    @api.model
    def _kpi_trigger_fields(self):
        return super()._kpi_trigger_fields() | {
            "company_id",
            "currency_id",
            "date_order",
            "opportunity_id",
            "partner_id",
            "pricelist_id",
            "signed_on",
            "state",
            "tag_ids",
        }

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        # created as sent or confirmed (import): the date of the event is the order date
        for order in records.filtered(lambda order: order.state in ("sent", "sale")):
            order._kpi_note_state(order.date_order, order.filtered(lambda o: o.state == "sale"))
        return records

    def write(self, vals):
        state = vals.get("state")
        confirmed = self.filtered(lambda order: state == "sale" and order.state != "sale")
        moved = self.browse()
        if "date_order" in vals:
            date = fields.Datetime.to_datetime(vals["date_order"])
            moved = self.filtered(lambda order: order.state == "sale" and order.date_order != date)
            if moved and not self._kpi_may_correct():
                raise AccessError(
                    self.env._(
                        "The order date of a confirmed order decides when the order counts. A "
                        "sales administrator or KPI manager can correct it, with a reason: "
                        "Actions, Correct credit."
                    )
                )
        if "partner_id" in vals or "company_id" in vals:
            self._kpi_mark_former_customers()
        if "opportunity_id" in vals:
            self._kpi_mark_deals()
            # superuser: only ids are marked, even of leads that the user may not read
            leads = self.sudo().opportunity_id
        result = super().write(vals)
        if state in ("sent", "sale"):
            given = fields.Datetime.to_datetime(vals.get("date_order"))
            now = fields.Datetime.now()
            for order in self:
                # confirmed without a date and never sent: an import in two steps, which gave the
                # order date before
                imported = order in confirmed and not order.kpi_sent_date and order.date_order
                order._kpi_note_state(given or imported or now, order & confirmed)
        for order in moved.filtered(lambda order: order.state == "sale" and order.date_order):
            # an order is not sent or confirmed after its order date
            early = {
                name: order.date_order
                for name in (orders.SENT.date, orders.CONFIRMED.date)
                if order[name] and order[name] > order.date_order
            }
            if early:
                order._kpi_stamp(early)
        if "opportunity_id" in vals:
            # superuser: as above
            leads |= self.sudo().opportunity_id
            leads._kpi_mark_dirty(leads.ids)
        return result

    def unlink(self):
        self._kpi_mark_former_customers()
        self._kpi_mark_deals()
        # superuser: only ids are marked, even of leads that the user may not read
        leads = self.sudo().opportunity_id
        result = super().unlink()
        leads._kpi_mark_dirty(leads.ids)
        return result

    def action_confirm(self):
        result = super().action_confirm()
        # extensions may set the salesperson during the confirmation (shop orders)
        orders.CONFIRMED.note(self.filtered(lambda order: order.state == "sale"))
        return result

    def _kpi_stamp_to_correct(self):
        return super()._kpi_stamp_to_correct() if self.state == "sale" else None

    def _kpi_correction_fields(self, stamp):
        # the order counts on its order date
        return {**super()._kpi_correction_fields(stamp), "date": "date_order"}

    def _kpi_correction_values(self, stamp, changes):
        values = super()._kpi_correction_values(stamp, changes)
        if date := changes.get("date"):
            values["date_order"] = date
            if self.kpi_sent_date > date:
                values["kpi_sent_date"] = date
        return values

    def _kpi_note_state(self, date, confirmed):
        """Stamp that these orders were sent or confirmed.

        :param datetime date: date of the event
        :param confirmed: the orders among them that became confirmed
        """
        orders.SENT.note(self, date)
        orders.CONFIRMED.note(confirmed, date)

    @api.model
    def _kpi_backfill_stamps(self, first, last, renew=False):
        """Stamps of the time before the installation, for a range of ids.

        :param renew: also of orders that have stamps
        :return: number of these orders
        """
        return len(orders.fill_orders(self, first, last, renew=renew))

    # ------------------------------------------------------------------
    # marking
    # ------------------------------------------------------------------
    @api.model
    def _kpi_marks(self, ids):
        # the replies, last interaction and first action of a lead depend on its orders
        return {
            **super()._kpi_marks(ids),
            "crm.lead": SQL(
                "SELECT opportunity_id AS id FROM sale_order"
                " WHERE id = ANY(%s) AND opportunity_id IS NOT NULL",
                list(ids),
            ),
        }

    @api.model
    def _kpi_mark_orders(self, condition):
        """Mark the orders that fulfil an SQL condition on the table sale_order."""
        self.env.flush_all()
        self.env["crm.kpi.dirty"]._push_query(
            self._name, SQL("SELECT id FROM sale_order WHERE %s", condition)
        )

    def _kpi_mark_deals(self):
        """Mark all quotations of the deals of these orders."""
        # superuser: only ids are marked, and a deal consists of all its quotations
        self._kpi_mark_orders(SQL("opportunity_id = ANY(%s)", self.sudo().opportunity_id.ids))

    @api.model
    def _kpi_mark_products(self, products):
        """Mark the orders with a line of these variants."""
        self._kpi_mark_orders(
            SQL(
                "id IN (SELECT order_id FROM sale_order_line WHERE product_id = ANY(%s))",
                products.ids,
            )
        )

    def _kpi_mark_former_customers(self):
        """Mark all orders of the present customers of these orders."""
        # superuser: only ids are marked, and a history consists of all orders of the customer
        self._kpi_mark_customers(self.sudo().partner_id.commercial_partner_id.ids)

    @api.model
    def _kpi_mark_customers(self, partner_ids):
        """Mark these commercial partners as customers, and all their orders, in every company."""
        if partner_ids:
            self.flush_model(["partner_id"])
            self.env["res.partner"].flush_model(["commercial_partner_id"])
            self.env["crm.kpi.dirty"]._push_query(
                self._name,
                SQL(
                    "SELECT o.id FROM res_partner p JOIN sale_order o ON o.partner_id = p.id"
                    " WHERE p.commercial_partner_id = ANY(%s)",
                    list(partner_ids),
                ),
            )
        self.env["crm.kpi.customer"]._kpi_mark_dirty(partner_ids)

    @api.model
    def _kpi_mark_companies(self, company_ids):
        """Mark one order of every contact in these companies: the whole history with it."""
        self.flush_model(["company_id", "partner_id"])
        self.env["crm.kpi.dirty"]._push_query(
            self._name,
            SQL(
                "SELECT min(id) AS id FROM sale_order WHERE company_id = ANY(%s)"
                " GROUP BY company_id, partner_id",
                list(company_ids),
            ),
        )

    # ------------------------------------------------------------------
    # derived fields
    # ------------------------------------------------------------------
    @api.model
    def _kpi_derive_records(self, ids):
        result = super()._kpi_derive_records(ids)
        self.env["crm.kpi.dirty"]._push_query(
            "crm.kpi.customer",
            SQL("SELECT DISTINCT partner_id AS id FROM sale_order WHERE id = ANY(%s)", list(ids)),
        )
        return result

    @api.model
    def _kpi_derived(self, ids):
        quotation = self._kpi_quotation_condition()
        return {
            **super()._kpi_derived(ids),
            "history": Derived(order_history.HISTORY_FIELDS, self._kpi_history_query(ids)),
            "fact": Derived(
                order_facts.FACT_FIELDS, order_facts.order_facts(ids, self._kpi_rules())
            ),
            "deal": Derived(deals.DEAL_FIELDS, deals.quotations_of_deals(ids, quotation)),
        }

    @api.model
    def _kpi_history_query(self, ids):
        """Query of the history of all orders of the customers of the orders ``ids``."""
        # superuser: the query needs the time zones of all companies
        companies = self.env["res.company"].sudo().with_context(active_test=False).search([])
        return order_history.order_history(
            SQL(
                "SELECT DISTINCT o.company_id, p.commercial_partner_id"
                " FROM sale_order o JOIN res_partner p ON p.id = o.partner_id"
                " WHERE o.id = ANY(%s)",
                ids,
            ),
            zones=[(company.id, company._kpi_tz()) for company in companies],
            external=self._kpi_external_condition(SQL("customer.partner_id")),
            goods=self._kpi_goods_condition(),
        )

    @api.model
    def _kpi_to_backfill(self):
        # the history of a customer is derived once, with all its orders
        return SQL(
            "SELECT o.id, COALESCE(p.commercial_partner_id, p.id) AS key"
            " FROM sale_order o JOIN res_partner p ON p.id = o.partner_id"
        )

    @api.model
    def _kpi_mark_all_dirty(self):
        # in the order of the customers: as above
        self.env.flush_all()
        self.env["crm.kpi.dirty"]._push_query(
            self._name, SQL("%s ORDER BY key", self._kpi_to_backfill())
        )

    @api.model
    def _kpi_rules(self):
        """What counts in the facts of an order."""
        names = self.env["sale.order.line"]._fields
        return order_facts.Rules(
            goods=self._kpi_goods_condition(),
            saleable=order_lines.saleable(names),
            rebate=order_lines.rebate(names),
            quotation=self._kpi_quotation_condition(),
            margin=self._kpi_margin_sql(),
            # pieces and packs of pieces
            pieces=f"{self.env.ref('uom.product_uom_unit').id}/%",
        )

    @api.model
    def _kpi_goods_condition(self):
        """SQL condition of a line (alias l; t: its template, co: the company) that sells goods
        or services for money."""
        return order_lines.goods(self.env["sale.order.line"]._fields)

    @api.model
    def _kpi_quotation_condition(self):
        """SQL condition that an order (alias o) is a quotation that was sent to a customer."""
        return SQL("o.kpi_sent_date IS NOT NULL")

    @api.model
    def _kpi_margin_sql(self):
        """SQL of the margin of an order (alias o; co: its company) in company currency."""
        return SQL("o.kpi_amount * COALESCE(co.kpi_margin_rate, 1)")

    @api.model
    def _kpi_external_condition(self, partner):
        """SQL condition that a commercial partner may be a customer.

        :param SQL partner: expression of the partner's id
        """
        return definitions.is_external(self.env, partner)
