# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...engine import periods as calendar
from .crm_kpi_cost import COST_KINDS


class CrmKpiCostPeriod(models.Model):
    """What a cost entry, or a journal item of a cost account, costs in a period.

    An entry has a row in every period that shares days with it; in a running period its days
    until today count. For each kind of cost the company's settings name one source, entries or
    accounts; what the other one holds is in no total.
    """

    _name = "crm.kpi.cost.period"
    _description = "Cost in a KPI period"
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
        readonly=True, help="What falls in the period. Empty where another source is in force."
    )
    lagged_amount = fields.Monetary(
        "Amount of the months before",
        readonly=True,
        help="What fell in the period so many months before as the settings say for the cost "
        "of new customers.",
    )
    campaign_amount = fields.Monetary(
        "Campaign cost",
        readonly=True,
        help="What falls in the period of an entry that names a campaign, whatever the source "
        "of the totals is.",
    )

    @api.model
    def _kpi_query(self, period_ids, now):
        """The rows of these periods as known at ``now`` (naive UTC)."""
        # superuser: computed for everybody, read under record rules
        periods = self.sudo().env["crm.kpi.period"].browse(period_ids).exists()
        spans = [self._span(period, now) for period in periods]
        columns = [list(column) for column in zip(*spans, strict=True)] or [[]] * 6
        return SQL(
            """
            WITH span AS (
                SELECT * FROM unnest(%(ids)s::int[], %(companies)s::int[], %(first)s::date[],
                                     %(until)s::date[], %(lag_first)s::date[],
                                     %(lag_until)s::date[])
                    AS t(period_id, company_id, first, until, lag_first, lag_until)
            ),
            shared AS (
                SELECT s.period_id, c.*,
                       c.date_last + 1 - c.date_first AS length,
                       LEAST(c.date_last + 1, s.until) - GREATEST(c.date_first, s.first) AS days,
                       LEAST(c.date_last + 1, s.lag_until) - GREATEST(c.date_first, s.lag_first)
                           AS lag_days,
                       CASE c.kind WHEN 'sales' THEN co.kpi_sales_cost_basis
                                   WHEN 'marketing' THEN co.kpi_marketing_cost_basis
                                   ELSE co.kpi_service_cost_basis END = 'entries' AS counts
                  FROM span s
                  JOIN crm_kpi_cost c ON c.company_id = s.company_id
                                     AND c.date_first < GREATEST(s.until, s.lag_until)
                                     AND c.date_last >= LEAST(s.first, s.lag_first)
                  JOIN res_company co ON co.id = c.company_id
            ),
            cost_row AS (
                SELECT period_id, company_id, id AS cost_id, NULL::int AS move_line_id, kind,
                       campaign_id, team_id, user_id, segment_id,
                       CASE WHEN counts AND days > 0 THEN amount * days / length END AS amount,
                       CASE WHEN counts AND lag_days > 0 THEN amount * lag_days / length END
                           AS lagged_amount,
                       CASE WHEN campaign_id IS NOT NULL AND days > 0 THEN amount * days / length END
                           AS campaign_amount
                  FROM shared
                 UNION ALL
                SELECT s.period_id, l.company_id, NULL, l.id, a.kind, NULL, NULL, NULL, NULL,
                       CASE WHEN l.date >= s.first AND l.date < s.until THEN l.balance END,
                       CASE WHEN l.date >= s.lag_first AND l.date < s.lag_until
                            THEN l.balance END,
                       NULL
                  FROM span s
                  JOIN unnest(%(owners)s::int[], %(accounts)s::int[], %(kinds)s::text[])
                       AS a(company_id, account_id, kind) ON a.company_id = s.company_id
                  JOIN (%(items)s) AS l ON l.company_id = a.company_id
                                       AND l.account_id = a.account_id
                                       AND l.date >= LEAST(s.first, s.lag_first)
                                       AND l.date < GREATEST(s.until, s.lag_until)
            )
            SELECT (period_id::bigint << 32)
                       | (COALESCE(cost_id, move_line_id)::bigint << 1)
                       | (cost_id IS NULL)::int AS id,
                   r.*
              FROM cost_row r
             WHERE COALESCE(amount, lagged_amount, campaign_amount) IS NOT NULL
            """,
            **dict(
                zip(
                    ("ids", "companies", "first", "until", "lag_first", "lag_until"),
                    columns,
                    strict=True,
                )
            ),
            **self._accounts(periods.company_id),
        )

    @staticmethod
    def _span(period, now):
        """Days of a period until today, and the same days some months earlier (half-open)."""
        company = period.company_id
        tomorrow = calendar.local_day(now, company._kpi_tz()) + timedelta(days=1)
        first, until = period.date_from, min(period.date_to, tomorrow)
        lag = relativedelta(months=company.kpi_cac_lag_months)
        return period.id, company.id, first, until, first - lag, until - lag

    @api.model
    def _accounts(self, companies):
        """The journal items of the companies that take costs from accounts, as SQL parts."""
        mapped = [
            (company.id, account.id, kind)
            for company in companies
            for kind, _label in COST_KINDS
            if company._kpi_cost_basis(kind) == "accounts"
            for account in company[f"kpi_{kind}_cost_account_ids"]
        ]
        owners, accounts, kinds = zip(*mapped, strict=True) if mapped else ((), (), ())
        # superuser: costs are summed for everybody, who reads the sums is for the record rules
        lines = self.env["account.move.line"].sudo().with_context(active_test=False)
        query = lines._search(
            [
                ("account_id", "in", list(accounts)),
                ("parent_state", "=", "posted"),
                ("kpi_is_closing", "=", False),
            ],
            bypass_access=True,
        )
        columns = ("id", "company_id", "account_id", "date", "balance")
        items = SQL(
            "SELECT 0 AS id, 0 AS company_id, 0 AS account_id, NULL::date AS date, 0 AS balance"
        )
        if not query.is_empty():
            items = query.select(
                *(lines._field_to_sql(query.table, name, query) for name in columns)
            )
        return {
            "owners": list(owners),
            "accounts": list(accounts),
            "kinds": list(kinds),
            "items": items,
        }
