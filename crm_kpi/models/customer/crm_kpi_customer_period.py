# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.tools import SQL

from ...customers import period
from ...fields import NullableFloat


class CrmKpiCustomerPeriod(models.Model):
    """One row per period and customer with a qualifying order before the period's end.

    The rows are computed when they are read, by the statement in ``customers/period.py``.
    Columns that are not read are not computed. Whether and since when a partner is a customer
    depends on qualifying orders; amounts are those of all confirmed orders, returns included.
    """

    _name = "crm.kpi.customer.period"
    _description = "Customer in a KPI period"
    _kpi_measurable = True
    _inherit = ["crm.kpi.period.rows"]
    _auto = False
    _order = "period_id, partner_id"
    _rec_name = "partner_id"
    _depends = {
        "sale.order": [
            "company_id",
            "partner_id",
            "date_order",
            "kpi_amount",
            "kpi_is_qualifying",
            "kpi_first_confirm_date",
            "kpi_confirm_user_id",
            "kpi_confirm_team_id",
            "user_id",
            "team_id",
        ],
        "res.partner": ["commercial_partner_id", "user_id"],
        "res.company": ["partner_id", "kpi_inactivity_days"],
        "res.users": ["partner_id", "share"],
        "crm.kpi.period": ["company_id", "date_from", "utc_from", "utc_to"],
    }

    partner_id = fields.Many2one(
        "res.partner", "Customer", readonly=True, help="The commercial partner."
    )
    user_id = fields.Many2one(
        "res.users",
        "Salesperson",
        readonly=True,
        help="Salesperson of the customer, else of the customer's last order before the period, "
        "else of the first order in the period.",
    )
    own_user_id = fields.Many2one(
        "res.users",
        "Own salesperson",
        readonly=True,
        help="Salesperson on the contact of the customer; not taken from orders.",
    )
    team_id = fields.Many2one(
        "crm.team",
        "Sales team",
        readonly=True,
        help="Team of the customer's last order before the period, else of the first order in it.",
    )
    active_start = fields.Boolean(
        "Active at the start",
        readonly=True,
        help="With an order within the days of inactivity before the period.",
    )
    active_end = fields.Boolean(
        "Active at the end",
        readonly=True,
        help="With an order within the days of inactivity before the period's end (in the current "
        "period: before now).",
    )
    bought = fields.Boolean(readonly=True, help="With an order in the period.")
    had_before = fields.Boolean(
        "Known customer", readonly=True, help="With an order before the period."
    )
    is_new = fields.Boolean(
        "New customer", readonly=True, help="The first order of the customer is in the period."
    )
    lapsed = fields.Boolean(
        "Lost before",
        readonly=True,
        help="With an order before the period, but none within the days of inactivity before it.",
    )
    won_back = fields.Boolean(readonly=True, help="Lost before, and ordered in the period.")
    churned = fields.Boolean(
        "Lost in the period", readonly=True, help="Active at the start, not at the end."
    )
    active_year_ago = fields.Boolean(
        "Active a year before the end",
        readonly=True,
        help="With an order within the days of inactivity before the day one year before the end.",
    )
    is_top = fields.Boolean(
        "Top customer",
        readonly=True,
        help="Among the fifth of the customers active at the start that has the highest revenue "
        "of the 24 months before. No customer when fewer than five are active.",
    )
    is_at_risk = fields.Boolean(
        "At risk",
        readonly=True,
        help="Active at the end, but without an order for longer than the minimum number of days "
        "and the multiple of the usual time between orders in the settings. The usual time is the "
        "customer's own median from the third day with orders on, before that the median of all "
        "customers.",
    )
    cross_sold = fields.Boolean(
        "Cross-sold", readonly=True, help="With a cross-sell order in the period."
    )
    upsold = fields.Boolean(readonly=True, help="With an upsell order in the period.")
    orders = fields.Integer(readonly=True, help="Number of orders in the period.")
    referrals = fields.Integer(
        readonly=True,
        help="Leads created in the period with the customer, or a contact of the customer, as "
        "referrer.",
    )
    tenure_months = NullableFloat(
        "Customer for (months)",
        readonly=True,
        aggregator="avg",
        help="Months of 30.4375 days from the first order to the start of the period.",
    )
    last_interaction_date = fields.Datetime(
        "Last contact",
        readonly=True,
        help="The last message, call or meeting before the period's end.",
    )
    interaction_days = NullableFloat(
        "Days since the last contact",
        readonly=True,
        aggregator="avg",
        help="From the last contact to the period's end (in the current period: to now). Empty "
        "without any contact.",
    )
    revenue = fields.Monetary(
        currency_field="currency_id",
        readonly=True,
        help="Untaxed amount of the orders in the period, in the company's currency. Returns and "
        "other orders below zero are deducted, as in all amounts here.",
    )
    revenue_before = fields.Monetary(
        "Revenue of the year before",
        currency_field="currency_id",
        readonly=True,
        help="Untaxed amount of the orders in the twelve months before the period.",
    )
    revenue_base = fields.Monetary(
        "Revenue of the same period last year",
        currency_field="currency_id",
        readonly=True,
        help="Untaxed amount of the orders in the period of the same length a year earlier.",
    )
    has_base = fields.Boolean(
        "Revenue last year", readonly=True, help="With revenue in the same period last year."
    )
    revenue_kept = fields.Monetary(
        currency_field="currency_id",
        readonly=True,
        help="Revenue of the period, at most that of the same period last year, at least zero.",
    )
    revenue_year = fields.Monetary(
        "Revenue of the last year",
        currency_field="currency_id",
        readonly=True,
        help="Untaxed amount of the orders in the twelve months before the period's end.",
    )
    margin_year = fields.Monetary(
        "Margin of the last year",
        currency_field="currency_id",
        readonly=True,
        help="Margin of the orders in the twelve months before the period's end.",
    )
    revenue_at_risk = fields.Monetary(
        currency_field="currency_id",
        readonly=True,
        help="Revenue of the last year if the customer is at risk, else 0.",
    )
    list_amount = fields.Monetary(
        "Amount before discount",
        currency_field="currency_id",
        readonly=True,
        help="Untaxed value of the orders in the period before discounts.",
    )
    discount_amount = fields.Monetary(
        "Discount",
        currency_field="currency_id",
        readonly=True,
        help="Discount on the orders in the period.",
    )
    ltv = fields.Monetary(
        "Lifetime value",
        currency_field="currency_id",
        readonly=True,
        help="Untaxed amount of all confirmed orders until the period's end, less the credit notes "
        "for them. Depending on the settings, the untaxed amount of all invoices, less all credit "
        "notes, instead.",
    )
    ltv_margin = fields.Monetary(
        "Lifetime margin",
        currency_field="currency_id",
        readonly=True,
        help="Margin in the lifetime value: from the costs of the orders where they are recorded, "
        "else by the margin rate of the company. Credit notes deduct the margin of their order.",
    )
    return_user_id = fields.Many2one(
        "res.users",
        "Won back by",
        readonly=True,
        help="Salesperson of the first order in the period, if the customer was lost before.",
    )
    return_team_id = fields.Many2one(
        "crm.team",
        "Won back by team",
        readonly=True,
        help="Team of the first order in the period, if the customer was lost before.",
    )
    day_end = fields.Date(
        "Last day",
        readonly=True,
        help="Last day of the period (in the current period: today). The segment of the customer is "
        "looked up on this day.",
    )
    day_year_ago = fields.Date(
        "Day a year before the end",
        readonly=True,
        help="The segment of the customer one year before the period's end is looked up on this "
        "day.",
    )

    @api.model
    def _kpi_row_count(self, company):
        # superuser: only their number
        customers = self.env["crm.kpi.customer"].sudo()
        return customers.search_count([("company_id", "=", company.id), ("order_count", ">", 0)])

    _kpi_is_kept = True
    _kpi_ranks = {"is_top": ("active_start", "revenue_two_years")}

    @api.model
    def _kpi_keep(self, company, now):
        """Keep the histories of the customers of a company."""
        # superuser, here and below: the histories are those of all customers, for a refresh only
        return self.env["crm.kpi.customer.history"].sudo()._kpi_update(company, now)

    @api.model
    def _kpi_kept_query(self, period_ids, now):
        """The rows of these periods, made from the kept histories."""
        companies = self.env["crm.kpi.period"].sudo().browse(period_ids).exists().company_id
        histories = self.env["crm.kpi.customer.history"].sudo()._kpi_query(companies)
        return self._kpi_query(period_ids, now, histories=histories)

    @api.model
    def _kpi_changed_query(self, period_ids, now):
        """The rows of the customers whose history changed."""
        histories = self.env["crm.kpi.customer.history"].sudo()
        return SQL(" UNION ALL ").join(
            SQL(
                "SELECT rows.*, %s AS change FROM (%s) AS rows",
                change,
                self._kpi_query(
                    period_ids, now, histories=histories._kpi_changed_query(change), some=True
                ),
            )
            for change in (-1, 1)
        )

    @api.model
    def _kpi_shared(self, periods, now):
        """Who is at risk depends on the usual gap of all customers."""
        found = {id_: str(days) for id_, days in self.env.execute_query(period.gaps(periods, now))}
        return {"is_at_risk": found, "revenue_at_risk": found}

    @api.model
    def _kpi_query(self, period_ids, now, **options):
        """The rows of these periods as known at ``now`` (naive UTC). Later periods have none.

        The id of a row is made of the ids of period and partner, so it does not change when
        other rows come or go.

        :param options: as in :func:`~odoo.addons.crm_kpi.customers.period.query`
        """
        # superuser: settings only; the rows are computed for all companies and read under
        # record rules
        companies = self.env["res.company"].sudo().with_context(active_test=False).search([])
        periods = self.env["crm.kpi.period"].sudo().browse(period_ids).exists()
        segments = self.env["crm.kpi.segment"]._overriding()
        inactivity = companies.mapped("kpi_inactivity_days") + segments.mapped("inactivity_days")
        return period.query(
            self.env,
            periods,
            now,
            segments.ids,
            shortest_days=min(companies.mapped("kpi_at_risk_days")),
            longest_days=max(inactivity),
            **options,
        )
