# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from odoo import fields
from odoo.fields import Command
from odoo.tools import SQL, date_utils

from ..bulk import copy_rows, reserve_ids
from .base import Story
from .cost import months_of_costs

SEED = 57
RETURNED = 0.04  # share of the invoices with a credit note
#: Account: type, name; an account with a similar name is used if there is one.
BOOKS = {
    "receivable": ("asset_receivable", "Account Receivable"),
    "bank": ("asset_cash", "Bank"),
    "payable": ("liability_payable", "Account Payable"),
    "capital": ("equity", "Capital"),
    "income": ("income", "Product Sales"),
    "goods": ("expense_direct_cost", "Cost of Goods Sold"),
    "salaries": ("expense", "Salary Expenses"),
    "marketing": ("expense", "Sales Expenses"),
    "rent": ("expense", "Rent"),
}
OPENING = 180_000  # on the bank account
COST_OF_GOODS = 0.57  # share of the revenue
RENT, OTHER_SALARIES = 7_400, 14_500  # per month


class DocumentLine(NamedTuple):
    order_line: object
    quantity: float
    amount: float


@dataclass
class Document:
    """An invoice, or a credit note of an invoice."""

    order: object
    date: date
    lines: list  # of DocumentLine
    is_refund: bool
    is_paid: bool
    move_id: int = 0
    prefix: str = ""  # of the number
    number: int = 0

    @property
    def amount(self):
        return round(sum(line.amount for line in self.lines), 2)

    @property
    def sign(self):
        return -1 if self.is_refund else 1

    @property
    def due(self):
        return 0 if self.is_paid else self.amount

    @property
    def name(self):
        return f"{self.prefix}{self.number:05d}"


class AccountingStory(Story):
    """Invoices and credit notes of the orders, and monthly journal entries for the rest."""

    name = "accounting"
    derived = ("account.move",)
    tables = ("account_move_line",)

    def create_records(self):
        self.accounts = {name: self._account(*how) for name, how in BOOKS.items()}
        months = months_of_costs(self.demo.today)
        sales, general = self._create_journals()
        documents = self._documents(months[0])
        self._insert_invoices(documents, sales)
        self._create_monthly_entries(documents, general, months)

    def _create_journals(self):
        journals = (
            ("Furniture sales", "FSAL", "sale", self.accounts["income"].id),
            ("Furniture books", "FBOO", "general", False),
        )
        return self.env["account.journal"].create(
            [
                {
                    "name": name,
                    "code": code,
                    "type": kind,
                    "company_id": self.env.company.id,
                    "default_account_id": account_id,
                    "refund_sequence": kind == "sale",
                }
                for name, code, kind, account_id in journals
            ]
        )

    def _account(self, kind, name):
        """An account of the company, created if there is none."""
        company = self.env.company
        model = self.env["account.account"].with_company(company)
        domain = [("company_ids", "in", company.id), ("account_type", "=", kind)]
        return (
            model.search([*domain, ("name", "=", name)], limit=1)
            or model.search([*domain, ("name", "ilike", name.split()[0])], limit=1)
            or model.create(
                {
                    "name": name,
                    "code": model._search_new_account_code("100001"),
                    "account_type": kind,
                    "company_ids": [Command.set(company.ids)],
                }
            )
        )

    # ------------------------------------------------------------------
    # invoices
    # ------------------------------------------------------------------
    def _documents(self, since):
        """Invoices of the orders, and credit notes of some: plain data."""
        chance = random.Random(SEED)  # noqa: S311
        today = self.demo.today
        sold = self.demo.orders.filtered(lambda order: order.state == "sale")
        documents = []
        for order in sold.sorted("date_order"):
            day = order.date_order.date() + timedelta(days=chance.randint(0, 6))
            if not since <= day <= today:
                continue
            lines = [
                DocumentLine(line, line.product_uom_qty, line.price_subtotal)
                for line in order.order_line
                if line.product_id
            ]
            is_paid = day < today - timedelta(days=35) and chance.random() < 0.96
            documents.append(Document(order, day, lines, is_refund=False, is_paid=is_paid))
            back = day + timedelta(days=chance.randint(6, 28))
            goods = [line for line in lines if line.order_line.product_id.type == "consu"]
            if goods and chance.random() < RETURNED and back <= today:
                line, quantity, amount = chance.choice(goods)
                returned = max(1, round(quantity * chance.uniform(0.1, 0.6)))
                credit = DocumentLine(line, returned, round(amount * returned / quantity, 2))
                documents.append(Document(order, back, [credit], is_refund=True, is_paid=True))
        return documents

    def _insert_invoices(self, documents, journal):
        """Insert copies of a model invoice and a model credit note."""
        originals = self._model_documents(documents, journal)
        self._number(documents, journal)
        count = sum(len(document.lines) + 1 for document in documents)
        line_ids = iter(reserve_ids(self.env, "account_move_line", count))
        moves, move_lines, links = [], [], []
        for document in documents:
            original = originals[document.is_refund]
            moves.append(self._move_values(document, original))
            rows = list(self._move_line_values(document, original))
            for row in rows:
                row["id"] = next(line_ids)
            move_lines += rows
            links += [
                (row["id"], line.order_line.id)
                for row, line in zip(rows, document.lines, strict=False)
            ]
        copy_rows(self.env, "account_move", moves)
        copy_rows(self.env, "account_move_line", move_lines)
        self._link_invoices(links)
        for original in originals.values():
            original.button_draft()
            original.with_context(force_delete=True).unlink()
        self.env.invalidate_all()

    def _number(self, documents, journal):
        """Set the ids and the numbers of the documents."""
        numbers = defaultdict(int)
        ids = reserve_ids(self.env, "account_move", len(documents))
        for document, move_id in zip(documents, ids, strict=True):
            document.move_id = move_id
            refund = "R" if document.is_refund else ""
            document.prefix = f"{refund}{journal.code}/{document.date.year}/"
            numbers[document.prefix] += 1
            document.number = numbers[document.prefix]

    def _move_values(self, document, original):
        """Columns of a document that differ from its model."""
        order, day = document.order, fields.Date.to_string(document.date)
        total, due, sign = document.amount, document.due, document.sign
        partner = order.partner_invoice_id
        return {
            "model_id": original.id,
            "id": document.move_id,
            "name": document.name,
            "sequence_prefix": document.prefix,
            "sequence_number": document.number,
            "date": day,
            "invoice_date": day,
            "invoice_date_due": day,
            "partner_id": partner.id,
            "partner_shipping_id": partner.id,
            "commercial_partner_id": partner.commercial_partner_id.id,
            "invoice_partner_display_name": partner.display_name,
            "invoice_user_id": order.user_id.id or None,
            "team_id": order.team_id.id or None,
            "campaign_id": order.campaign_id.id or None,
            "invoice_origin": order.name,
            "payment_reference": None if document.is_refund else document.name,
            "payment_state": "paid" if document.is_paid else "not_paid",
            "amount_untaxed": total,
            "amount_tax": 0,
            "amount_total": total,
            "amount_residual": due,
            "amount_untaxed_signed": sign * total,
            "amount_untaxed_in_currency_signed": sign * total,
            "amount_tax_signed": 0,
            "amount_total_signed": sign * total,
            "amount_total_in_currency_signed": sign * total,
            "amount_residual_signed": sign * due,
            "create_date": day,
            "access_token": None,
        }

    def _move_line_values(self, document, original):
        """Columns of the lines that differ from their models; the payment term comes last."""
        day, sign = fields.Date.to_string(document.date), document.sign
        common = {
            "move_id": document.move_id,
            "move_name": document.name,
            "ref": None,
            "date": day,
            "invoice_date": day,
            "partner_id": document.order.partner_invoice_id.commercial_partner_id.id,
            "create_date": day,
        }
        by_product = {line.product_id: line for line in original.invoice_line_ids}
        for line, quantity, amount in document.lines:
            yield {
                **common,
                **self._balance(-sign * amount),
                "model_id": by_product[line.product_id].id,
                "quantity": quantity,
                "kpi_units": quantity if line.product_id.type == "consu" else 0,
                "price_unit": line.price_unit,
                "discount": line.discount,
                "price_subtotal": amount,
                "price_total": amount,
            }
        [term] = original.line_ids.filtered(lambda line: line.display_type == "payment_term")
        yield {
            **common,
            **self._balance(sign * document.amount),
            "model_id": term.id,
            "name": document.name,
            "date_maturity": day,
            "amount_residual": sign * document.due,
            "amount_residual_currency": sign * document.due,
            "reconciled": document.is_paid,
        }

    @staticmethod
    def _balance(amount):
        return {
            "balance": amount,
            "amount_currency": amount,
            "debit": max(amount, 0),
            "credit": max(-amount, 0),
        }

    def _model_documents(self, documents, journal):
        """A posted invoice and a credit note, created by the ORM, with a line of every product."""
        products = self.env["product.product"].union(
            *(line.order_line.product_id for document in documents for line in document.lines)
        )
        result = {}
        for refund, kind in ((False, "out_invoice"), (True, "out_refund")):
            move = self.env["account.move"].create(
                {
                    "move_type": kind,
                    "partner_id": self.env.company.partner_id.id,
                    "journal_id": journal.id,
                    "company_id": self.env.company.id,
                    "invoice_date": self.demo.today,
                    "invoice_payment_term_id": False,
                    "invoice_line_ids": [
                        Command.create(
                            {
                                "product_id": product.id,
                                "account_id": self.accounts["income"].id,
                                "tax_ids": [Command.clear()],
                            }
                        )
                        for product in products
                    ],
                }
            )
            move.action_post()
            # its number is used by the first copy
            move.name = f"MODEL/{kind}"
            result[refund] = move
        self.env.flush_all()
        return result

    def _link_invoices(self, links):
        """Link the orders to their invoices."""
        if not links:
            return
        self.env.cr.execute(
            SQL(
                """
                WITH link AS (
                    INSERT INTO sale_order_line_invoice_rel (invoice_line_id, order_line_id)
                    SELECT * FROM unnest(%s::int[], %s::int[])
                 RETURNING order_line_id),
                line AS (
                    UPDATE sale_order_line l
                       SET qty_invoiced = product_uom_qty, qty_to_invoice = 0,
                           untaxed_amount_invoiced = price_subtotal,
                           untaxed_amount_to_invoice = 0, invoice_status = 'invoiced'
                     WHERE id IN (SELECT order_line_id FROM link)
                 RETURNING order_id)
                UPDATE sale_order SET invoice_status = 'invoiced'
                 WHERE id IN (SELECT order_id FROM line)
                """,
                *(list(column) for column in zip(*links, strict=True)),
            )
        )

    # ------------------------------------------------------------------
    # monthly entries
    # ------------------------------------------------------------------
    def _create_monthly_entries(self, documents, journal, months):
        """Goods, salaries and rent, and payments."""
        revenue, paid = defaultdict(float), defaultdict(float)
        for document in documents:
            month = document.date.replace(day=1)
            amount = document.sign * document.amount
            revenue[month] += amount
            if document.is_paid:
                later = date_utils.add(month, months=1)
                paid[later] += amount
        costs = self.env["crm.kpi.cost"]._read_group(
            [("company_id", "=", self.env.company.id)], ["kind"], ["amount:sum"]
        )
        monthly = {kind: amount / len(months) for kind, amount in costs}
        owed = 0.0
        values = [self._entry(journal, months[0], {"bank": OPENING, "capital": -OPENING})]
        for month in months:
            last = min(date_utils.end_of(month, "month"), self.demo.today)
            share = last.day / date_utils.end_of(month, "month").day
            spent = {
                "goods": round(revenue[month] * COST_OF_GOODS, 2),
                "salaries": round(
                    share * (monthly.get("sales", 0) + monthly.get("service", 0) + OTHER_SALARIES)
                ),
                "marketing": round(share * monthly.get("marketing", 0)),
                "rent": RENT,
            }
            total = round(sum(spent.values()), 2)
            received = round(paid[month], 2)
            balances = {
                **spent,
                "payable": round(owed - total, 2),
                "bank": round(received - owed, 2),
                "receivable": -received,
            }
            values.append(self._entry(journal, last, balances))
            owed = total
        self.env["account.move"].create(values).action_post()

    def _entry(self, journal, day, balances):
        return {
            "move_type": "entry",
            "journal_id": journal.id,
            "company_id": self.env.company.id,
            "date": day,
            "line_ids": [
                Command.create({"account_id": self.accounts[name].id, "balance": balance})
                for name, balance in balances.items()
                if balance
            ],
        }
