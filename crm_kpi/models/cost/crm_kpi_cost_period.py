# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...engine import periods as calendar
from ...facts import costs
from .crm_kpi_cost import COST_KINDS


class CrmKpiCostPeriod(models.Model):
    """Cost of a cost entry, or of a journal item of a cost account, in a period.

    An entry has a row in every period that shares days with it. In a running period its days
    until today count. For each kind of cost the company's settings name one source, entries or
    accounts; the other source is in no total.
    """

    _name = "crm.kpi.cost.period"
    _description = "Cost in a KPI period"
    _kpi_measurable = True
    _inherit = ["crm.kpi.period.rows"]
    _auto = False
    _order = "period_id, kind, id"
    _depends = {
        "account.move": ["date", "move_type", "state"],
        "account.move.line": ["account_id", "balance", "company_id", "date", "parent_state"],
        "crm.kpi.cost": [
            "amount",
            "campaign_id",
            "company_id",
            "date_first",
            "date_last",
            "kind",
            "segment_id",
            "team_id",
            "user_id",
        ],
        "crm.kpi.period": ["company_id", "date_from", "date_to"],
        "res.company": [
            "kpi_cac_lag_months",
            *(f"kpi_{kind}_cost_basis" for kind, _label in COST_KINDS),
            *(f"kpi_{kind}_cost_account_ids" for kind, _label in COST_KINDS),
        ],
    }

    cost_id = fields.Many2one("crm.kpi.cost", "Entry", readonly=True)
    move_line_id = fields.Many2one("account.move.line", "Journal item", readonly=True)
    kind = fields.Selection(COST_KINDS, readonly=True)
    campaign_id = fields.Many2one("utm.campaign", readonly=True)
    team_id = fields.Many2one("crm.team", "Sales Team", readonly=True)
    user_id = fields.Many2one("res.users", "Salesperson", readonly=True)
    segment_id = fields.Many2one("crm.kpi.segment", readonly=True)
    amount = fields.Monetary(
        readonly=True, help="Part in the period. Empty if the company uses the other source."
    )
    lagged_amount = fields.Monetary(
        "Amount of the months before",
        readonly=True,
        help="Part in the same period N months before. N is the delay in the settings for the "
        "cost of new customers.",
    )
    campaign_amount = fields.Monetary(
        "Campaign cost",
        readonly=True,
        help="Part in the period of an entry with a campaign, with either source of the totals.",
    )

    @api.model
    def _kpi_query(self, period_ids, now):
        """The rows of these periods as known at ``now`` (naive UTC)."""
        # superuser: computed for all users, read under record rules
        periods = self.sudo().env["crm.kpi.period"].browse(period_ids).exists()
        return costs.period_costs(
            [self._span(period, now) for period in periods],
            self._accounts(periods.company_id),
            self._account_items(periods.company_id),
        )

    @staticmethod
    def _span(period, now):
        company = period.company_id
        tomorrow = calendar.local_day(now, company._kpi_tz()) + timedelta(days=1)
        first, until = period.date_from, min(period.date_to, tomorrow)
        lag = relativedelta(months=company.kpi_cac_lag_months)
        return costs.Span(period.id, company.id, first, until, first - lag, until - lag)

    @api.model
    def _accounts(self, companies):
        """The accounts from which these companies take costs."""
        return [
            costs.CostAccount(company.id, account.id, kind)
            for company in companies
            for kind, _label in COST_KINDS
            if company._kpi_cost_basis(kind) == "accounts"
            for account in company[f"kpi_{kind}_cost_account_ids"]
        ]

    @api.model
    def _account_items(self, companies):
        """Query of the posted journal items of these accounts."""
        # superuser: costs are summed for all users; record rules decide who reads the sums
        lines = self.env["account.move.line"].sudo().with_context(active_test=False)
        query = lines._search(
            [
                ("account_id", "in", [a.account_id for a in self._accounts(companies)]),
                ("parent_state", "=", "posted"),
                ("kpi_is_closing", "=", False),
            ],
            bypass_access=True,
        )
        if query.is_empty():
            return SQL(
                "SELECT 0 AS id, 0 AS company_id, 0 AS account_id, NULL::date AS date, 0 AS balance"
            )
        return query.select(
            *(
                lines._field_to_sql(query.table, name, query)
                for name in ("id", "company_id", "account_id", "date", "balance")
            )
        )
