# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import api, fields, models

from ...engine import periods as calendar
from ...facts import balances


class CrmKpiBalancePeriod(models.Model):
    """Balance of a current asset or liability account at the end of a period.

    All posted journal items until the end of the period count (in a running period: until
    today). So the balance of a past period can be computed at any time.
    """

    _name = "crm.kpi.balance.period"
    _description = "Balance at the end of a KPI period"
    _kpi_measurable = True
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
    is_liability = fields.Boolean("Liability", readonly=True, help="A liability, not an asset.")
    amount = fields.Monetary(
        readonly=True, help="Balance at the end. Liabilities are positive, too."
    )

    @api.model
    def _kpi_query(self, period_ids, now):
        """The rows of these periods as known at ``now`` (naive UTC)."""
        # superuser: computed for all users, read under record rules
        periods = self.sudo().env["crm.kpi.period"].browse(period_ids).exists()
        ends = []
        for period in periods:
            today = calendar.local_day(now, period.company_id._kpi_tz())
            until = min(period.date_to, today + timedelta(days=1))
            ends.append(balances.PeriodEnd(period.id, period.company_id.id, until))
        return balances.period_balances(ends)
