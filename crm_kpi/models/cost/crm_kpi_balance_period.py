# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...engine import periods as calendar

#: What is owned or owed within a year; the other account types are in no ratio of these.
ASSETS = ("asset_receivable", "asset_cash", "asset_current", "asset_prepayments")
LIABILITIES = ("liability_payable", "liability_current", "liability_credit_card")


class CrmKpiBalancePeriod(models.Model):
    """Balance of a current asset or liability account at the end of a period.

    All posted journal items until the end of the period count (of a running one: until today),
    so the past can be told at any time. The items are added up once, between the ends of the
    periods, whatever their number.
    """

    _name = "crm.kpi.balance.period"
    _description = "Balance at the end of a KPI period"
    _inherit = ["crm.kpi.period.rows"]
    _auto = False
    _order = "period_id, account_id"
    _rec_name = "account_id"
    _depends = {
        "account.account": ["account_type"],
        "account.move.line": ["account_id", "balance", "company_id", "date", "parent_state"],
        "crm.kpi.period": ["company_id", "date_to"],
    }

    account_id = fields.Many2one("account.account", readonly=True)
    is_liability = fields.Boolean("Owed", readonly=True, help="Owed rather than owned.")
    amount = fields.Monetary(
        readonly=True, help="Balance at the end; what is owed is positive as well."
    )

    @api.model
    def _kpi_query(self, period_ids, now):
        """The rows of these periods as known at ``now`` (naive UTC)."""
        # superuser: computed for everybody, read under record rules
        periods = self.sudo().env["crm.kpi.period"].browse(period_ids).exists()
        ends = {}
        for period in periods:
            today = calendar.local_day(now, period.company_id._kpi_tz())
            ends[period] = min(period.date_to, today + timedelta(days=1))
        bounds = sorted(set(ends.values()))
        return SQL(
            """
            WITH span AS (
                SELECT * FROM unnest(%(ids)s::int[], %(companies)s::int[], %(numbers)s::int[])
                    AS t(period_id, company_id, number)
            ),
            moved AS (
                -- the bucket is the number of ends that are not later than the day
                SELECT l.company_id, l.account_id, a.account_type = ANY(%(liabilities)s) AS owed,
                       width_bucket(l.date, %(bounds)s::date[]) AS bucket,
                       sum(l.balance) AS balance
                  FROM account_move_line l
                  JOIN account_account a ON a.id = l.account_id
                 WHERE l.parent_state = 'posted'
                   AND l.company_id = ANY(%(companies)s::int[])
                   AND a.account_type = ANY(%(types)s)
              GROUP BY 1, 2, 3, 4
            )
            SELECT (s.period_id::bigint << 31) | m.account_id AS id,
                   s.period_id, s.company_id, m.account_id, m.owed AS is_liability,
                   sum(m.balance) * CASE WHEN m.owed THEN -1 ELSE 1 END AS amount
              FROM span s
              JOIN moved m ON m.company_id = s.company_id AND m.bucket < s.number
          GROUP BY s.period_id, s.company_id, m.account_id, m.owed
            """,
            ids=periods.ids,
            companies=[period.company_id.id for period in periods],
            numbers=[bounds.index(ends[period]) + 1 for period in periods],
            bounds=bounds or [fields.Date.today()],
            liabilities=list(LIABILITIES),
            types=[*ASSETS, *LIABILITIES],
        )
