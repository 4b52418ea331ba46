# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A company with the accounts and journals that the tests of accounting need."""

from odoo import Command

from .common_history import HistoryCase
from .test_catalogue import CatalogueCase

ACCOUNTS = {
    "receivable": ("K1100", "asset_receivable"),
    "bank": ("K1200", "asset_cash"),
    "machines": ("K1500", "asset_fixed"),
    "payable": ("K2100", "liability_payable"),
    "loan": ("K2500", "liability_non_current"),
    "earnings": ("K2900", "equity_unaffected"),
    "capital": ("K2910", "equity"),
    "income": ("K4000", "income"),
    "interest": ("K4500", "income_other"),
    "goods": ("K5000", "expense_direct_cost"),
    "salaries": ("K6000", "expense"),
    "advertising": ("K6100", "expense"),
    "depreciation": ("K6800", "expense_depreciation"),
}


class FinanceCase(CatalogueCase, HistoryCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.accounts = {
            name: cls.env["account.account"].create(
                {
                    "name": name.capitalize(),
                    "code": code,
                    "account_type": kind,
                    "company_ids": [Command.set(cls.company.ids)],
                }
            )
            for name, (code, kind) in ACCOUNTS.items()
        }
        cls.sale_journal, cls.general_journal = cls.env["account.journal"].create(
            [
                {
                    "name": name,
                    "code": code,
                    "type": kind,
                    "company_id": cls.company.id,
                    "default_account_id": account and cls.accounts[account].id,
                }
                for name, code, kind, account in (
                    ("Sales", "KSALE", "sale", "income"),
                    ("General", "KGEN", "general", False),
                )
            ]
        )
        cls.goods_sold = cls.env["product.product"].create(
            {"name": "Lamp", "type": "consu", "taxes_id": [Command.clear()]}
        )

    @classmethod
    def _invoice(cls, date, amount=100.0, kind="out_invoice", post=True, lines=None, **values):
        """A customer invoice or credit note; ``lines`` (dicts) replace the line of ``amount``."""
        partner = values.pop("partner", None) or cls._customer()
        if lines is None:
            lines = [{"product_id": cls.goods.id, "quantity": 1, "price_unit": amount}]
        move = cls.env["account.move"].create(
            {
                "move_type": kind,
                "partner_id": partner.id,
                "invoice_date": date,
                "company_id": cls.company.id,
                "journal_id": cls.sale_journal.id,
                "invoice_user_id": False,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "account_id": cls.accounts["income"].id,
                            "tax_ids": [Command.clear()],
                            **line,
                        }
                    )
                    for line in lines
                ],
                **values,
            }
        )
        if post:
            move.action_post()
        return move

    @classmethod
    def _entry(cls, date, *lines, post=True, **values):
        """A journal entry; ``lines`` are pairs of the name of an account and its balance."""
        move = cls.env["account.move"].create(
            {
                "move_type": "entry",
                "date": date,
                "company_id": cls.company.id,
                "journal_id": cls.general_journal.id,
                "line_ids": [
                    Command.create(
                        {
                            "account_id": cls.accounts[name].id,
                            "debit": max(balance, 0.0),
                            "credit": max(-balance, 0.0),
                        }
                    )
                    for name, balance in lines
                ],
                **values,
            }
        )
        if post:
            move.action_post()
        return move

    @classmethod
    def _cost(cls, kind, first, last, amount, **values):
        return cls.env["crm.kpi.cost"].create(
            {
                "kind": kind,
                "date_first": first,
                "date_last": last,
                "amount": amount,
                "company_id": cls.company.id,
                **values,
            }
        )
