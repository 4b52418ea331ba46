# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from collections import Counter

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..facts.account_move_line import EXPENSES
from .crm_kpi_cost import COST_KINDS

BASES = [("entries", "Cost entries"), ("accounts", "Accounts")]
#: Who may see which accounts are cost accounts.
READERS = "base.group_system,account.group_account_readonly"
EXPENSE_ACCOUNTS = [("account_type", "in", EXPENSES)]


class ResCompany(models.Model):
    _inherit = "res.company"  # pylint: disable=consider-merging-classes-inherited

    kpi_sales_cost_basis = fields.Selection(
        BASES,
        string="Sales costs from",
        required=True,
        default="entries",
        help="One source per kind of cost, so that nothing counts twice. The cost of a campaign "
        "always comes from the entries.",
    )
    kpi_marketing_cost_basis = fields.Selection(
        BASES,
        string="Marketing costs from",
        required=True,
        default="entries",
        help="One source per kind of cost, so that nothing counts twice. The cost of a campaign "
        "always comes from the entries.",
    )
    kpi_service_cost_basis = fields.Selection(
        BASES,
        string="Service costs from",
        required=True,
        default="entries",
        help="One source per kind of cost, so that nothing counts twice. The cost of a campaign "
        "always comes from the entries.",
    )
    kpi_sales_cost_account_ids = fields.Many2many(
        "account.account",
        "crm_kpi_sales_cost_account_rel",
        string="Accounts of sales costs",
        domain=EXPENSE_ACCOUNTS,
        groups=READERS,
    )
    kpi_marketing_cost_account_ids = fields.Many2many(
        "account.account",
        "crm_kpi_marketing_cost_account_rel",
        string="Accounts of marketing costs",
        domain=EXPENSE_ACCOUNTS,
        groups=READERS,
    )
    kpi_service_cost_account_ids = fields.Many2many(
        "account.account",
        "crm_kpi_service_cost_account_rel",
        string="Accounts of service costs",
        domain=EXPENSE_ACCOUNTS,
        groups=READERS,
    )
    kpi_cac_lag_months = fields.Integer(
        string="Months from cost to customer",
        help="New customers are set against the sales and marketing costs of so many months "
        "before: where winning a customer takes three months, enter 3.",
    )

    _kpi_cac_lag_valid = models.Constraint(
        "CHECK (kpi_cac_lag_months BETWEEN 0 AND 36)",
        "Months from cost to customer: enter 0 to 36 months.",
    )

    def _kpi_cost_basis(self, kind):
        """Where the costs of a kind come from: ``entries`` or ``accounts``."""
        self.ensure_one()
        return self[f"kpi_{kind}_cost_basis"]

    @api.constrains(*(f"kpi_{kind}_cost_account_ids" for kind, _label in COST_KINDS))
    def _check_kpi_cost_accounts(self):
        # superuser: an account that is mapped twice is, whether or not the user may read it
        for company in self.sudo():
            accounts = [
                account
                for kind, _label in COST_KINDS
                for account in company[f"kpi_{kind}_cost_account_ids"]
            ]
            for account, count in Counter(accounts).items():
                if count > 1:
                    raise ValidationError(
                        self.env._(
                            "Accounts of sales, marketing and service costs: %s is in more than "
                            "one of them and would count twice. Leave it in one.",
                            account.display_name,
                        )
                    )
                if account.account_type not in EXPENSES:
                    raise ValidationError(
                        self.env._(
                            "Accounts of sales, marketing and service costs: %s is no expense "
                            "account. Choose accounts of an expense type.",
                            account.display_name,
                        )
                    )

    def write(self, vals):
        result = super().write(vals)
        settings = {"kpi_cac_lag_months"}
        for kind, _label in COST_KINDS:
            settings |= {f"kpi_{kind}_cost_basis", f"kpi_{kind}_cost_account_ids"}
        if settings.intersection(vals):
            self.env["crm.kpi.source"]._mark_changed("crm.kpi.cost.period")
        return result
