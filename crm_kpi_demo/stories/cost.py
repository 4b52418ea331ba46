# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Costs, campaigns with their orders, and accounting."""

import random
from collections import defaultdict
from datetime import timedelta

from odoo import fields
from odoo.fields import Command
from odoo.tools import SQL, date_utils

from ..bulk import copy_rows, reserve_ids
from ..history.catalog import SELLERS
from .base import Story

SEED = 56
#: Costs and accounting go back this number of months.
MONTHS_OF_COSTS = 19
#: Margin of order lines without a cost.
MARGIN_RATE = 0.42
SALARIES = {0: 4200, 1: 3700, 2: 3300}  # monthly, by team
#: Description, kind, amount per month.
OVERHEADS = (
    ("Sales office", "sales", 3800),
    ("Agency", "marketing", 2900),
    ("Trade magazines", "marketing", 1400),
    ("Service desk", "service", 8600),
)
#: Title, months ago it began, days it ran, cost, days the cost is for, share of the orders.
CAMPAIGNS = (
    ("Search ads", 18, 560, 24_000, 560, 0.06),
    ("Office fair", 15, 80, 11_500, 5, 0.09),
    ("Ergonomics newsletter", 12, 150, 2_600, 150, 0.05),
    ("Call campaign: quiet zones", 9, 90, 6_200, 40, 0.05),
    ("Workspace trade fair", 6, 80, 13_500, 4, 0.09),
    ("Customer days", 4, 110, 4_100, 2, 0.06),
)
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
OPENING = 180_000
COST_OF_GOODS = 0.57
RENT, OTHER_SALARIES = 7_400, 14_500


class CostStory(Story):
    """Costs of all kinds, campaigns with their orders, invoices and journal entries."""

    name = "cost"
    derived = ("account.move",)
    tables = ("account_move_line",)

    def write(self):
        sellers, teams, orders = self.demo.sellers, self.demo.teams, self.demo.orders
        generator = random.Random(SEED)  # noqa: S311
        self.env.company.kpi_margin_rate = MARGIN_RATE
        today = self.demo.today
        months = [
            date_utils.start_of(date_utils.subtract(today, months=back), "month")
            for back in range(MONTHS_OF_COSTS, -1, -1)
        ]
        sold = orders.filtered(lambda order: order.state == "sale")
        self._cost_entries(sellers, teams, months, today)
        self._campaigns(sold, today, generator)
        self._books(sold.sorted("date_order"), months, today, generator)

    def _cost_entries(self, sellers, teams, months, today):
        values = []
        for month in months:
            span = {"date_first": month, "date_last": date_utils.end_of(month, "month")}
            age = (today.year - month.year) * 12 + today.month - month.month
            for seller, user in zip(SELLERS, sellers, strict=True):
                if seller.left <= age <= seller.joined:
                    values.append(
                        {
                            **span,
                            "name": f"Salary {seller.name}",
                            "kind": "sales",
                            "amount": SALARIES[seller.team],
                            "user_id": user.id,
                            "team_id": teams[seller.team].id,
                        }
                    )
            for name, kind, amount in OVERHEADS:
                # savings: customers solve simple requests themselves
                saved = 0.82 if kind == "service" and age < 9 else 1.0
                values.append({**span, "name": name, "kind": kind, "amount": amount * saved})
        self.env["crm.kpi.cost"].create(values)

    def _campaigns(self, orders, today, generator):
        """Campaigns, their costs, and the orders that come from them."""
        campaigns = self.env["utm.campaign"].create(
            [
                {"title": title, "user_id": self.demo.user("manager").id}
                for title, *_rest in CAMPAIGNS
            ]
        )
        costs, shares = [], []
        for campaign, (title, ago, days, cost, paid, share) in zip(
            campaigns, CAMPAIGNS, strict=True
        ):
            first = today - timedelta(days=round(ago * 30.4))
            costs.append(
                {
                    "name": title,
                    "kind": "marketing",
                    "date_first": first,
                    "date_last": first + timedelta(days=paid - 1),
                    "amount": cost,
                    "campaign_id": campaign.id,
                }
            )
            shares.append((first, first + timedelta(days=days), share, campaign.id))
        self.env["crm.kpi.cost"].create(costs)
        found = []
        for order in orders:
            day = order.date_order.date()
            running = [(share, id_) for first, last, share, id_ in shares if first <= day < last]
            draw = generator.random()
            for share, campaign_id in running:
                if draw < share:
                    found.append((order.id, campaign_id))
                    break
                draw -= share
        self.env.cr.execute(
            SQL(
                """
                WITH found AS (SELECT * FROM unnest(%s::int[], %s::int[]) AS f (id, campaign_id)),
                ordered AS (
                    UPDATE sale_order o SET campaign_id = f.campaign_id
                      FROM found f WHERE f.id = o.id
                 RETURNING o.opportunity_id, o.campaign_id)
                UPDATE crm_lead l SET campaign_id = o.campaign_id
                  FROM ordered o WHERE o.opportunity_id = l.id
                """,
                [order_id for order_id, _campaign in found],
                [campaign_id for _order, campaign_id in found],
            )
        )
        self.env.invalidate_all()
        self.demo.name_records("campaign", campaigns)

    # ------------------------------------------------------------------
    # accounting
    # ------------------------------------------------------------------
    def _books(self, orders, months, today, generator):
        """Invoices and credit notes, copied by SQL, and monthly entries for the rest."""
        accounts = {name: self._account(*how) for name, how in BOOKS.items()}
        sales, general = self.env["account.journal"].create(
            [
                {
                    "name": name,
                    "code": code,
                    "type": kind,
                    "company_id": self.env.company.id,
                    "default_account_id": account and account.id,
                    "refund_sequence": kind == "sale",
                }
                for name, code, kind, account in (
                    ("Furniture sales", "FSAL", "sale", accounts["income"]),
                    ("Furniture books", "FBOO", "general", False),
                )
            ]
        )
        documents = self._documents(orders, months[0], today, generator)
        self._invoices(documents, sales, accounts, today)
        self._monthly_entries(documents, general, accounts, months, today)

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

    def _documents(self, orders, since, today, generator):
        """Invoices of the orders, and credit notes of some: plain data."""
        documents = []
        for order in orders:
            day = order.date_order.date() + timedelta(days=generator.randint(0, 6))
            if not since <= day <= today:
                continue
            lines = [
                (line, line.product_uom_qty, line.price_subtotal)
                for line in order.order_line
                if line.product_id
            ]
            invoice = {"order": order, "date": day, "lines": lines, "refund": False}
            invoice["paid"] = day < today - timedelta(days=35) and generator.random() < 0.96
            documents.append(invoice)
            back = day + timedelta(days=generator.randint(6, 28))
            goods = [line for line in lines if line[0].product_id.type == "consu"]
            if generator.random() < RETURNED and back <= today and goods:
                line, quantity, amount = generator.choice(goods)
                some = max(1, round(quantity * generator.uniform(0.1, 0.6)))
                documents.append(
                    {
                        "order": order,
                        "date": back,
                        "lines": [(line, some, round(amount * some / quantity, 2))],
                        "refund": True,
                        "paid": True,
                    }
                )
        for document in documents:
            document["amount"] = round(sum(amount for *_line, amount in document["lines"]), 2)
        return documents

    def _invoices(self, documents, journal, accounts, today):
        originals = self._model_documents(documents, journal, accounts, today)
        numbers = defaultdict(int)
        ids = reserve_ids(self.env, "account_move", len(documents))
        count = sum(len(document["lines"]) + 1 for document in documents)
        line_ids = iter(reserve_ids(self.env, "account_move_line", count))
        moves, lines, links = [], [], []
        for document, move_id in zip(documents, ids, strict=True):
            order, day = document["order"], fields.Date.to_string(document["date"])
            sign = -1 if document["refund"] else 1
            prefix = f"{'R' if sign < 0 else ''}{journal.code}/{document['date'].year}/"
            numbers[prefix] += 1
            name = f"{prefix}{numbers[prefix]:05d}"
            total = document["amount"]
            due = 0 if document["paid"] else total
            partner = order.partner_invoice_id
            original = originals[document["refund"]]
            moves.append(
                {
                    "model_id": original.id,
                    "id": move_id,
                    "name": name,
                    "sequence_prefix": prefix,
                    "sequence_number": numbers[prefix],
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
                    "payment_reference": None if sign < 0 else name,
                    "payment_state": "paid" if document["paid"] else "not_paid",
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
            )
            common = {
                "move_id": move_id,
                "move_name": name,
                "ref": None,
                "date": day,
                "invoice_date": day,
                "partner_id": partner.commercial_partner_id.id,
                "create_date": day,
            }
            by_product = {line.product_id: line for line in original.invoice_line_ids}
            for line, quantity, amount in document["lines"]:
                line_id = next(line_ids)
                links.append((line_id, line.id))
                lines.append(
                    {
                        **common,
                        **self._balance(-sign * amount),
                        "model_id": by_product[line.product_id].id,
                        "id": line_id,
                        "quantity": quantity,
                        "kpi_units": quantity if line.product_id.type == "consu" else 0,
                        "price_unit": line.price_unit,
                        "discount": line.discount,
                        "price_subtotal": amount,
                        "price_total": amount,
                    }
                )
            [term] = original.line_ids.filtered(lambda line: line.display_type == "payment_term")
            lines.append(
                {
                    **common,
                    **self._balance(sign * total),
                    "model_id": term.id,
                    "id": next(line_ids),
                    "name": name,
                    "date_maturity": day,
                    "amount_residual": sign * due,
                    "amount_residual_currency": sign * due,
                    "reconciled": document["paid"],
                }
            )
        copy_rows(self.env, "account_move", moves)
        copy_rows(self.env, "account_move_line", lines)
        self._link_invoices(links)
        for original in originals.values():
            original.button_draft()
            original.with_context(force_delete=True).unlink()
        self.env.invalidate_all()

    @staticmethod
    def _balance(amount):
        return {
            "balance": amount,
            "amount_currency": amount,
            "debit": max(amount, 0),
            "credit": max(-amount, 0),
        }

    def _model_documents(self, documents, journal, accounts, today):
        """A posted invoice and a credit note, created by the ORM, with a line of every product."""
        products = self.env["product.product"].union(
            *(line.product_id for document in documents for line, *_numbers in document["lines"])
        )
        result = {}
        for refund, kind in ((False, "out_invoice"), (True, "out_refund")):
            move = self.env["account.move"].create(
                {
                    "move_type": kind,
                    "partner_id": self.env.company.partner_id.id,
                    "journal_id": journal.id,
                    "company_id": self.env.company.id,
                    "invoice_date": today,
                    "invoice_payment_term_id": False,
                    "invoice_line_ids": [
                        Command.create(
                            {
                                "product_id": product.id,
                                "account_id": accounts["income"].id,
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

    def _monthly_entries(self, documents, journal, accounts, months, today):
        """Goods, salaries and rent, and payments."""
        revenue, paid = defaultdict(float), defaultdict(float)
        for document in documents:
            month = document["date"].replace(day=1)
            amount = document["amount"] * (-1 if document["refund"] else 1)
            revenue[month] += amount
            if document["paid"]:
                later = date_utils.add(month, months=1)
                paid[later] += amount
        costs = self.env["crm.kpi.cost"]._read_group(
            [("company_id", "=", self.env.company.id)], ["kind"], ["amount:sum"]
        )
        monthly = {kind: amount / len(months) for kind, amount in costs}
        owed = 0.0
        values = [self._entry(journal, accounts, months[0], {"bank": OPENING, "capital": -OPENING})]
        for month in months:
            last = min(date_utils.end_of(month, "month"), today)
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
            values.append(self._entry(journal, accounts, last, balances))
            owed = total
        self.env["account.move"].create(values).action_post()

    def _entry(self, journal, accounts, day, balances):
        return {
            "move_type": "entry",
            "journal_id": journal.id,
            "company_id": self.env.company.id,
            "date": day,
            "line_ids": [
                Command.create({"account_id": accounts[name].id, "balance": balance})
                for name, balance in balances.items()
                if balance
            ],
        }
