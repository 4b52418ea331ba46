# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.misc import format_amount

from ...fields import NullableFloat

STATUSES = [
    ("active", "Active"),
    ("at_risk", "At risk"),
    ("churned", "Churned"),
    ("prospect", "Prospect"),
]
#: status by shape, so that nobody depends on colours
SHAPES = {"active": "●", "at_risk": "▲", "churned": "✕", "prospect": "○"}
RFM_CLASSES = [
    ("champion", "Champion"),
    ("loyal", "Loyal"),
    ("promising", "Promising"),
    ("new", "New"),
    ("attention", "Needs attention"),
    ("cant_lose", "Can't lose"),
    ("at_risk", "At risk"),
    ("hibernating", "Hibernating"),
    ("lost", "Lost"),
]


class CrmKpiCustomer(models.Model):
    """What a company knows of a customer: one row per commercial partner and company.

    There is a row for whoever has a confirmed order or an exchange of messages with the
    company. Two companies that share a customer have a row each. The rows are derived in sets
    (``crm_kpi_customer_facts.py``) and written by nobody else.

    What ages by itself (lost or not, days since) is not stored: the dates are, and the rest is
    compared with the clock when it is read.
    """

    _name = "crm.kpi.customer"
    _inherit = ["crm.kpi.fact.mixin"]
    _description = "Customer"
    _order = "ltv_to_date desc, id"
    _rec_name = "partner_id"
    _rec_names_search = ["partner_id"]

    partner_id = fields.Many2one(
        "res.partner",
        "Customer",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
        help="The commercial partner: all contacts of a company are one customer.",
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    currency_id = fields.Many2one(related="company_id.currency_id")
    country_id = fields.Many2one(related="partner_id.country_id")
    industry_id = fields.Many2one(related="partner_id.industry_id")
    user_id = fields.Many2one(
        "res.users",
        "Salesperson",
        readonly=True,
        index="btree_not_null",
        help="Salesperson of the customer, else of the customer's last order.",
    )
    team_id = fields.Many2one(
        "crm.team", "Sales Team", readonly=True, help="Team of the customer's last order."
    )
    # ---- orders
    first_order_date = fields.Datetime(
        "First order", readonly=True, help="Date of the first order of more than zero."
    )
    last_order_date = fields.Datetime(
        "Last order", readonly=True, help="Date of the latest order of more than zero."
    )
    order_count = fields.Integer(
        "Orders", readonly=True, help="Number of confirmed orders of more than zero."
    )
    ltv_to_date = fields.Monetary(
        "Lifetime value",
        currency_field="currency_id",
        readonly=True,
        help="Untaxed amount of all confirmed orders less what was credited of them, each at the "
        "rate of its own date. By the settings instead: what was invoiced, less credit notes.",
    )
    ltv_margin = fields.Monetary(
        "Lifetime margin",
        currency_field="currency_id",
        readonly=True,
        help="The part of the lifetime value that is margin, by the costs of the order lines "
        "where they are kept, else by the margin rate in the settings.",
    )
    revenue_12m = fields.Monetary(
        "Revenue of 12 months",
        currency_field="currency_id",
        readonly=True,
        help="Untaxed amount of the orders of the last twelve months, brought up to date daily.",
    )
    own_gap_days = NullableFloat(
        "Usual gap (days)",
        readonly=True,
        aggregator=None,
        help="Median number of days from one day with an order to the next; known from the "
        "third such day on.",
    )
    at_risk_date = fields.Datetime(
        "At risk from",
        readonly=True,
        help="The last order plus twice (see the settings) the usual gap, that of the company's "
        "customers as long as the own one is not known, and at least 30 days. Empty when the "
        "customer would count as churned before.",
    )
    churn_date = fields.Datetime(
        "Churned from",
        readonly=True,
        help="The last order plus the days of inactivity in the settings. An order exactly so "
        "long ago still counts.",
    )
    # ---- recency, frequency, monetary value
    rfm_r = fields.Integer(
        "Recency",
        readonly=True,
        aggregator=None,
        help="1 (long ago) to 5 (lately), by the last order of the last 24 months and in "
        "comparison with all customers. 0: none, or fewer than five customers.",
    )
    rfm_f = fields.Integer(
        "Frequency",
        readonly=True,
        aggregator=None,
        help="1 (rarely) to 5 (often), by the days with orders in the last 24 months.",
    )
    rfm_m = fields.Integer(
        "Monetary value",
        readonly=True,
        aggregator=None,
        help="1 (little) to 5 (much), by the revenue of the last 24 months.",
    )
    rfm_class = fields.Selection(
        RFM_CLASSES,
        "RFM class",
        readonly=True,
        help="What recency, frequency and monetary value say together. Brought up to date "
        "daily; empty with fewer than five customers.",
    )
    rfm_scores = fields.Char(
        "R–F–M",
        compute="_compute_rfm_scores",
        help="Recency, frequency and monetary value, 1 to 5.",
    )
    # ---- conversations
    last_interaction_date = fields.Datetime(
        "Last contact",
        readonly=True,
        help="The latest message, call or meeting with anybody there: on leads, orders, tickets, "
        "invoices and contacts. Notes, automatic mails, newsletters and orders are none.",
    )
    last_inbound_date = fields.Datetime(
        "Last heard from", readonly=True, help="The latest sign of the customer."
    )
    last_outbound_date = fields.Datetime(
        "Last contacted", readonly=True, help="The latest message, call or meeting of ours."
    )
    # ---- as of now
    status = fields.Selection(
        STATUSES,
        compute="_compute_status",
        search="_search_status",
        help="Active: with an order in the days of inactivity in the settings. At risk: so far "
        "active, but silent for clearly longer than usual. Churned: silent for longer. "
        "Prospect: no order yet.",
    )
    status_text = fields.Char("Standing", compute="_compute_status")
    is_at_risk = fields.Boolean("At risk", compute="_compute_status", search="_search_is_at_risk")
    is_churned = fields.Boolean("Churned", compute="_compute_status", search="_search_is_churned")
    days_since_last_order = NullableFloat(
        "Days since the last order",
        compute="_compute_days",
        search="_search_days_since_last_order",
    )
    days_since_last_interaction = NullableFloat(
        "Days since the last contact",
        compute="_compute_days",
        search="_search_days_since_last_interaction",
    )
    referral_count = fields.Integer(
        "Referrals made",
        compute="_compute_referral_count",
        help="Leads and opportunities that name the customer, or a contact there, as referrer.",
    )

    _customer_uniq = models.UniqueIndex(
        "(company_id, partner_id)", "A company knows a customer only once."
    )

    # ------------------------------------------------------------------
    # read
    # ------------------------------------------------------------------
    @api.depends("order_count", "at_risk_date", "churn_date")
    def _compute_status(self):
        now = fields.Datetime.now()
        labels = dict(self._fields["status"]._description_selection(self.env))
        for customer in self:
            if not customer.order_count:
                status = "prospect"
            elif customer.churn_date and customer.churn_date < now:
                status = "churned"
            elif customer.at_risk_date and customer.at_risk_date < now:
                status = "at_risk"
            else:
                status = "active"
            customer.status = status
            customer.status_text = f"{SHAPES[status]} {labels[status]}"
            customer.is_at_risk = status == "at_risk"
            customer.is_churned = status == "churned"

    def _field_to_sql(self, alias, field_expr, query=None):
        # lets lists be grouped by it
        if field_expr == "status":
            now = fields.Datetime.now()
            column = {
                name: SQL.identifier(alias, name)
                for name in ("order_count", "churn_date", "at_risk_date")
            }
            return SQL(
                """
                CASE WHEN COALESCE(%s, 0) = 0 THEN 'prospect'
                     WHEN %s < %s THEN 'churned'
                     WHEN %s < %s THEN 'at_risk'
                     ELSE 'active' END
                """,
                column["order_count"],
                column["churn_date"],
                now,
                column["at_risk_date"],
                now,
            )
        return super()._field_to_sql(alias, field_expr, query)

    @api.model
    def _status_domain(self, status):
        """Domain of the customers with a status now."""
        now = fields.Datetime.now()
        bought = Domain("order_count", ">", 0)
        churned = bought & Domain("churn_date", "<", now)
        at_risk = bought & Domain("at_risk_date", "<", now) & ~Domain("churn_date", "<", now)
        return {
            "prospect": ~bought,
            "churned": churned,
            "at_risk": at_risk,
            "active": bought & ~churned & ~at_risk,
        }[status]

    @api.model
    def _search_status(self, operator, value):
        if operator != "in":
            return NotImplemented
        return Domain.OR(
            self._status_domain(status) for status, _label in STATUSES if status in value
        )

    @api.model
    def _search_is_at_risk(self, operator, value):
        return self._status_domain("at_risk") if operator == "in" else NotImplemented

    @api.model
    def _search_is_churned(self, operator, value):
        return self._status_domain("churned") if operator == "in" else NotImplemented

    @api.depends("last_order_date", "last_interaction_date")
    def _compute_days(self):
        now = fields.Datetime.now()
        for customer in self:
            for date, days in (
                ("last_order_date", "days_since_last_order"),
                ("last_interaction_date", "days_since_last_interaction"),
            ):
                since = customer[date]
                customer[days] = since and max((now - since) / timedelta(days=1), 0.0)

    @api.model
    def _search_days_since_last_order(self, operator, value):
        return self._search_days("last_order_date", operator, value)

    @api.model
    def _search_days_since_last_interaction(self, operator, value):
        return self._search_days("last_interaction_date", operator, value)

    @api.model
    def _search_days(self, date, operator, value):
        """Days since a date as a condition on the date; no date fulfils none."""
        reverse = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
        if operator == "in" and set(value) == {False}:
            return Domain(date, "=", False)
        if operator not in reverse or value is False:
            return NotImplemented
        moment = fields.Datetime.now() - timedelta(days=value)
        return Domain(date, reverse[operator], moment)

    @api.depends("rfm_r", "rfm_f", "rfm_m")
    def _compute_rfm_scores(self):
        for customer in self:
            scores = (customer.rfm_r, customer.rfm_f, customer.rfm_m)
            customer.rfm_scores = "–".join(map(str, scores)) if all(scores) else False

    @api.depends("partner_id", "company_id")
    def _compute_referral_count(self):
        # superuser: how many, whoever sells to them; opening them is under the viewer's rights
        groups = (
            self.env["crm.lead"]
            .sudo()
            .with_context(active_test=False)
            ._read_group(
                [
                    ("kpi_referrer_id.commercial_partner_id", "in", self.partner_id.ids),
                    ("company_id", "in", [False, *self.company_id.ids]),
                ],
                ["kpi_referrer_id", "company_id"],
                ["__count"],
            )
        )
        for customer in self:
            customer.referral_count = sum(
                count
                for referrer, company, count in groups
                if referrer.commercial_partner_id == customer.partner_id
                and company in (customer.company_id, self.env["res.company"])
            )

    @api.depends("partner_id", "company_id")
    def _compute_display_name(self):
        for customer in self:
            customer.display_name = customer.partner_id.display_name

    def _value_text(self):
        """The lifetime value with its currency, without cents."""
        self.ensure_one()
        return format_amount(self.env, self.ltv_to_date, self.currency_id, trailing_zeroes=False)

    # ------------------------------------------------------------------
    # actions
    # ------------------------------------------------------------------
    def action_open_partner(self):
        self.ensure_one()
        return self.partner_id.get_formview_action()

    def action_open_orders(self):
        """The customer's confirmed orders in this company, under the rights of the viewer."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("sale.action_orders")
        return {
            **action,
            "name": self.env._("Orders of %s", self.partner_id.display_name),
            "domain": [
                ("partner_id", "child_of", self.partner_id.id),
                ("company_id", "=", self.company_id.id),
                ("state", "=", "sale"),
            ],
            "context": {},
        }

    def action_open_interactions(self):
        """The exchanges behind the last contact, under the rights of the viewer."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_kpi.action_crm_kpi_interaction")
        return {
            **action,
            "name": self.env._("Exchanges with %s", self.partner_id.display_name),
            "domain": [
                ("partner_id", "=", self.partner_id.id),
                ("company_id", "in", [self.company_id.id, False]),
            ],
            "context": {},
        }

    def action_open_referrals(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("crm.crm_lead_all_leads")
        return {
            **action,
            "name": self.env._("Referred by %s", self.partner_id.display_name),
            "domain": [
                ("kpi_referrer_id", "child_of", self.partner_id.id),
                ("company_id", "in", [self.company_id.id, False]),
            ],
            "context": {"active_test": False},
        }
