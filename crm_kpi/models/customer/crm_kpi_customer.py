# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.misc import format_amount

from ...customers import present, rfm
from ...customers.status_reason import status_reason
from ...engine.periods import local_day
from ...fields import NullableFloat

#: Queue of the companies whose customers are to be compared with each other again.
COMPANIES = "res.company"

STATUSES = [
    ("active", "Active"),
    ("at_risk", "At risk"),
    ("churned", "Churned"),
    ("prospect", "Prospect"),
]
#: Symbols by status, so that colours are not needed to tell them apart.
SHAPES = {"active": "●", "at_risk": "▲", "churned": "✕", "prospect": "○"}


class CrmKpiCustomer(models.Model):
    """What a company knows of a customer: one row per commercial partner and company.

    There is a row for each customer with a confirmed order or a contact with the company. Two
    companies that share a customer have a row each. The rows are derived in sets, by the
    statements in ``customers/present.py``.

    Values that change with the clock (churned or not, days since) are not stored. The dates are
    stored and compared with the clock when they are read.
    """

    _name = "crm.kpi.customer"
    _inherit = ["crm.kpi.fact.mixin"]
    _description = "Customer"
    _kpi_measurable = True
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
    phone = fields.Char(related="partner_id.phone")
    email = fields.Char(related="partner_id.email")
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
        "First order",
        readonly=True,
        help="Date of the first confirmed order with an amount above zero.",
    )
    last_order_date = fields.Datetime(
        "Last order",
        readonly=True,
        help="Date of the last confirmed order with an amount above zero.",
    )
    order_count = fields.Integer(
        "Orders", readonly=True, help="Number of confirmed orders with an amount above zero."
    )
    ltv_to_date = fields.Monetary(
        "Lifetime value",
        currency_field="currency_id",
        readonly=True,
        help="Untaxed amount of all confirmed orders, less the credit notes for them, each at the "
        "rate of its own date. Depending on the settings, the untaxed amount of all invoices, "
        "less all credit notes, instead.",
    )
    ltv_margin = fields.Monetary(
        "Lifetime margin",
        currency_field="currency_id",
        readonly=True,
        help="Margin in the lifetime value: from the costs of the order lines where costs are "
        "recorded, else by the margin rate in the settings.",
    )
    revenue_12m = fields.Monetary(
        "Revenue of 12 months",
        currency_field="currency_id",
        readonly=True,
        help="Untaxed amount of the orders of the last twelve months, updated daily.",
    )
    own_gap_days = NullableFloat(
        "Usual time between orders (days)",
        readonly=True,
        aggregator=None,
        help="Median number of days from one day with an order to the next. Empty before the "
        "third day with an order.",
    )
    at_risk_date = fields.Datetime(
        "At risk from",
        readonly=True,
        help="Last order plus the usual time between orders times the factor in the settings, and at "
        "least the minimum number of days in the settings. Before the third day with an order, the "
        "median of all customers of the company is used. Empty when the customer would count as "
        "churned before.",
    )
    churn_date = fields.Datetime(
        "Counts as lost on",
        readonly=True,
        help="Last order plus the days of inactivity in the settings. At exactly this moment the "
        "customer is still active.",
    )
    # ---- recency, frequency, monetary value
    rfm_r = fields.Integer(
        "Recency",
        readonly=True,
        aggregator=None,
        help="1 (long ago) to 5 (recent): last order of the last 24 months, compared with all "
        "customers. 0: no order, or fewer than five customers.",
    )
    rfm_f = fields.Integer(
        "Frequency",
        readonly=True,
        aggregator=None,
        help="1 (rare) to 5 (frequent): number of days with orders in the last 24 months.",
    )
    rfm_m = fields.Integer(
        "Monetary value",
        readonly=True,
        aggregator=None,
        help="1 (low) to 5 (high): revenue of the last 24 months.",
    )
    rfm_class = fields.Selection(
        rfm.CLASSES,
        "RFM class",
        readonly=True,
        help="Class by recency, frequency and monetary value. Updated daily; empty with fewer "
        "than five customers.",
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
        help="Last message, call or meeting with the customer: on leads, orders, tickets, "
        "invoices and contacts. Notes, automatic mails, newsletters and orders do not count.",
    )
    last_inbound_date = fields.Datetime(
        "Last heard from",
        readonly=True,
        help="Last message, call or meeting that came from the customer.",
    )
    last_outbound_date = fields.Datetime(
        "Last contacted", readonly=True, help="Last message, call or meeting from the company."
    )
    # ---- as of now
    status = fields.Selection(
        STATUSES,
        compute="_compute_status",
        search="_search_status",
        help="Active: the last order lies within the days of inactivity in the settings. At risk: "
        "still active, but without an order for much longer than usual. Churned: no order "
        "within the days of inactivity. Prospect: no order yet.",
    )
    status_text = fields.Char("Status (text)", compute="_compute_status")
    status_reason = fields.Char(
        "Reason",
        compute="_compute_status_reason",
        help="Why the customer is at risk or lost: the time since the last order, and the usual time "
        "between orders or the limit in the settings.",
    )
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
        help="Leads and opportunities with the customer, or a contact of the customer, as referrer.",
    )

    _customer_uniq = models.UniqueIndex(
        "(company_id, partner_id)", "There is one row per customer and company."
    )
    _at_risk_idx = models.Index("(company_id, churn_date, at_risk_date) WHERE order_count > 0")

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

    @api.depends(
        "status", "last_order_date", "days_since_last_order", "own_gap_days", "at_risk_date",
        "churn_date",
    )  # fmt: skip
    @api.depends_context("lang")
    def _compute_status_reason(self):
        for customer in self:
            customer.status_reason = status_reason(customer)

    def _field_to_sql(self, alias, field_expr, query=None):
        # so that lists can be grouped by status
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
        """Days since a date as a condition on the date. Without a date, no comparison is true."""
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
        # superuser: only their number; opening them is subject to the rights of the user
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
        """The lifetime value with its currency."""
        self.ensure_one()
        return format_amount(self.env, self.ltv_to_date, self.currency_id, trailing_zeroes=False)

    # ------------------------------------------------------------------
    # derivation, see customers/present.py
    # ------------------------------------------------------------------
    @api.model
    def _kpi_companies(self):
        # superuser: rows are derived for all companies; only settings are read
        return self.env["res.company"].sudo().with_context(active_test=False).search([])

    @api.model
    def _kpi_mark_all_dirty(self):
        """Mark all partners that may have a row (back-fill, changed settings).

        The marks are ids of contacts, not of rows: the customer may have no row yet.
        """
        self.env.flush_all()
        self.env["crm.kpi.dirty"]._push_query(self._name, self._kpi_to_backfill())

    @api.model
    def _kpi_to_backfill(self):
        return SQL(
            "SELECT partner_id AS id, partner_id AS key FROM (%s) AS p",
            present.possible_customers(),
        )

    @api.model
    def _kpi_mark_companies(self, company_ids):
        """Mark companies whose customers are to be compared again: a setting has changed."""
        self.env["crm.kpi.dirty"]._push(COMPANIES, company_ids)

    @api.model
    def _kpi_stale_ids(self):
        now = fields.Datetime.now()
        queries = [present.after_meetings(self.env, now)]
        new_days = present.records_of_new_days(self._kpi_companies_of_new_day(now), now)
        if new_days:
            queries.append(new_days)
        found = self.env.execute_query(SQL(" UNION ").join(queries))
        return [*super()._kpi_stale_ids(), *(id_ for (id_,) in found)]

    @api.model
    def _kpi_derive(self):
        done = super()._kpi_derive()
        now = fields.Datetime.now()
        for company in self._kpi_companies_to_compare(now):
            self._kpi_derive_standing(company, now)
            done += 1
        return done

    @api.model
    def _kpi_derive_records(self, ids):
        """Derive the rows of the customers to which the contacts ``ids`` belong."""
        result = super()._kpi_derive_records(ids)
        facts = present.facts(self.env, self._kpi_companies(), ids, fields.Datetime.now())
        rows = self.env.execute_query(present.write_facts(facts, ids))
        self._kpi_mark_companies([company_id for (company_id,) in rows])
        return result

    @api.model
    def _kpi_companies_of_new_day(self, now):
        """Companies whose customers were not compared yet on the local day of ``now``."""
        return self._kpi_companies().filtered(
            lambda company: company.kpi_customers_date != local_day(now, company._kpi_tz())
        )

    @api.model
    def _kpi_companies_to_compare(self, now):
        """Companies with a marked change, and those whose day has changed."""
        marked = set()
        while ids := self.env["crm.kpi.dirty"]._pop(COMPANIES, 10_000):
            marked.update(ids)
        return self._kpi_companies_of_new_day(now) | self._kpi_companies().filtered(
            lambda company: company.id in marked
        )

    @api.model
    def _kpi_derive_standing(self, company, now):
        """Derive what compares the customers of a company, or depends on the day."""
        segment_ids = self.env["crm.kpi.segment"]._overriding().ids
        self._kpi_update(present.STANDING, present.standing(self.env, company, now, segment_ids))
        self.invalidate_model(present.STANDING)
        today = local_day(now, company._kpi_tz())
        if company.kpi_customers_date != today:
            # one small write a day
            company.kpi_customers_date = today

    # ------------------------------------------------------------------
    # actions
    # ------------------------------------------------------------------
    def action_open_partner(self):
        self.ensure_one()
        return self.partner_id.get_formview_action()

    def action_send_email(self):
        """Compose an email to these customers; it is kept on their contacts."""
        partners = self.partner_id
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Send email"),
            "res_model": "mail.compose.message",
            "views": [(False, "form")],
            "target": "new",
            "context": {
                "default_model": "res.partner",
                "default_res_ids": partners.ids,
                **(
                    {"default_composition_mode": "mass_mail"}
                    if len(partners) > 1
                    else {"default_partner_ids": partners.ids}
                ),
            },
        }

    def action_schedule_activity(self):
        """Schedule an activity on the contacts of these customers."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Schedule activity"),
            "res_model": "mail.activity.schedule",
            "views": [(False, "form")],
            "target": "new",
            "context": {"active_model": "res.partner", "active_ids": self.partner_id.ids},
        }

    def action_open_orders(self):
        """The customer's confirmed orders in this company, under the rights of the user."""
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
        """The conversations with the customer, under the rights of the user."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_kpi.crm_kpi_interaction_action")
        return {
            **action,
            "name": self.env._("Conversations with %s", self.partner_id.display_name),
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
