# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""KPIs from the books, on worked examples.

The numbers in the names and the expected values are those of docs/CATALOGUE.md.
"""

import re
from datetime import timedelta

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common_finance import FinanceCase

OCTOBER = "2026-10-01"


@tagged("post_install", "-at_install")
class TestInvoices(FinanceCase):
    def test_19_revenue_invoiced_net(self):
        """Untaxed amounts of posted documents only; credit notes are subtracted once."""
        belgium = self.env.ref("base.be")
        self.company.account_fiscal_country_id = belgium
        tax = self.env["account.tax"].create(
            {
                "name": "20 %",
                "amount": 20,
                "company_id": self.company.id,
                "country_id": belgium.id,
                "tax_group_id": self.env["account.tax.group"]
                .create({"name": "VAT", "company_id": self.company.id, "country_id": belgium.id})
                .id,
            }
        )
        line = {"product_id": self.goods.id, "quantity": 1, "price_unit": 1000}
        self._invoice(
            "2026-10-05",
            lines=[{**line, "tax_ids": [Command.set(tax.ids)]}],
            invoice_user_id=self.ann.id,
            team_id=self.north.id,
        )
        self._invoice("2026-10-06", 500, post=False)
        self._invoice("2026-10-31", 200, kind="out_refund")
        self._invoice("2026-11-01", 50)
        # income without an invoice
        self._entry("2026-10-07", ("receivable", 70), ("income", -70))
        with self.at("2026-11-10 12:00"):
            self._refresh("revenue_invoiced_net", "refund_rate")
        self.assertEqual(self._read("revenue_invoiced_net", OCTOBER), 800)
        self.assertAlmostEqual(self._read("refund_rate", OCTOBER), 0.2)
        by_rep = {
            user: self._read("revenue_invoiced_net", OCTOBER, level="user", user_id=user)
            for user in (self.ann, self.env["res.users"])
        }
        self.assertEqual(list(by_rep.values()), [1000, -200], "unassigned is kept")
        of_team = self._read("revenue_invoiced_net", OCTOBER, level="team", team_id=self.north)
        self.assertEqual(of_team, 1000)
        # no invoice: nothing was invoiced, and there is no rate
        self.assertEqual(self._read("revenue_invoiced_net", "2026-09-01") or 0, 0)
        self.assertIsNone(self._read("refund_rate", "2026-09-01"))

    def test_19_late_posting_is_seen(self):
        draft = self._invoice("2026-10-06", 500, post=False)
        with self.at("2026-11-10 12:00"):
            self._refresh("revenue_invoiced_net")
            self.assertEqual(self._read("revenue_invoiced_net", OCTOBER), 0)
            draft.action_post()
            self._refresh("revenue_invoiced_net")
            self.assertEqual(self._read("revenue_invoiced_net", OCTOBER), 500)
            draft.button_draft()
            self._refresh("revenue_invoiced_net")
            self.assertEqual(self._read("revenue_invoiced_net", OCTOBER), 0)

    def test_19_currency(self):
        """Invoices are converted at the rate of their date, not of today."""
        dollar = self.env.ref("base.USD")
        dollar.active = True
        self.env["res.currency.rate"].create(
            [
                {
                    "currency_id": dollar.id,
                    "name": day,
                    "rate": rate,
                    "company_id": self.company.id,
                }
                for day, rate in (("2026-10-01", 2.0), ("2026-11-01", 4.0))
            ]
        )
        self._invoice("2026-10-05", 1000, currency_id=dollar.id)
        with self.at("2026-11-10 12:00"):
            self._refresh("revenue_invoiced_net")
        self.assertAlmostEqual(self._read("revenue_invoiced_net", OCTOBER), 500)

    def test_a_currency_without_rate(self):
        """Amounts that count one to one are named on each KPI that adds them up."""
        currency = self.env["res.currency"].create({"name": "ZZZ", "symbol": "Z"})
        pricelist = self.env["product.pricelist"].create(
            {"name": "ZZZ", "currency_id": currency.id, "company_id": self.company.id}
        )
        customer = self._customer()
        lead = self._lead(expected_revenue=1)
        self._order(customer, "2026-10-02", 50)
        own_lead = self._lead(expected_revenue=5)
        self._order(customer, "2026-10-02", 60, opportunity_id=own_lead.id)
        orders = [
            self._order(customer, "2026-10-05", 300, pricelist_id=pricelist.id),
            self._order(
                customer, "2026-10-06", 400, pricelist_id=pricelist.id, opportunity_id=lead.id
            ),
        ]
        (lead | own_lead).action_set_won()
        invoice = self._invoice("2026-10-05", 1000, currency_id=currency.id)
        self._invoice("2026-10-05", 1000)
        ordered = self.env["crm.kpi"]._by_code(["revenue_ordered"])
        ordered.copy({"code": "test_converted", "value_field": "amount_untaxed"})
        codes = {
            "revenue_ordered": 2,
            "average_order_value": 2,
            "deals_won_amount": 1,
            "avg_deal_size": 1,
            "revenue_invoiced_net": 1,
            "income_balance": 1,
            # customers are made from orders
            "revenue_of_base": 2,
            # converted by the KPI, not by the document
            "test_converted": 2,
            "orders_count": 0,
            "deals_won": 0,
            "new_leads": 0,
        }

        def counts():
            kpis = self.env["crm.kpi"]._by_code(codes)
            kpis.invalidate_recordset(["data_warning"])
            found = {}
            for kpi in kpis:
                text = kpi.data_warning or ""
                match = re.search(r"Amounts in ZZZ .*rate: (\d+)\. Enter the rate", text)
                found[kpi.code] = int(match.group(1)) if match else 0
            return found

        self.assertEqual(counts(), codes)
        self.assertIn("Amounts in ZZZ", ordered.with_user(self.ann).data_warning)
        # the rate alone does not change the documents
        rate = self.env["res.currency.rate"].create(
            {
                "currency_id": currency.id, "name": "2026-01-01", "rate": 1.0,
                "company_id": self.company.id,
            }
        )  # fmt: skip
        self.assertEqual(set(counts().values()), {0}, "a fixed rate of 1 is no mistake")
        rate.rate = 2.0
        codes["test_converted"] = 0
        self.assertEqual(counts(), codes)
        for order in orders:
            order.date_order = order.date_order + timedelta(hours=1)
            self.assertEqual(order.currency_rate, 2)
        codes.update(revenue_ordered=0, average_order_value=0, deals_won_amount=0, avg_deal_size=0)
        codes["revenue_of_base"] = 0
        self.assertEqual(counts(), codes)
        invoice.button_draft()
        invoice.invoice_date = "2026-10-06"
        invoice.action_post()
        self.assertEqual(invoice.amount_untaxed_signed, 500)
        self.assertEqual(set(counts().values()), {0})

    def test_19_down_payment(self):
        """A down payment counts when it is invoiced; the final invoice deducts it."""
        self._invoice("2026-10-05", 300)
        self._invoice(
            "2026-10-20",
            lines=[
                {"product_id": self.goods.id, "quantity": 1, "price_unit": 1000},
                {
                    "product_id": self.goods.id,
                    "quantity": -1,
                    "price_unit": 300,
                    "is_downpayment": True,
                },
            ],
        )
        with self.at("2026-11-10 12:00"):
            self._refresh("revenue_invoiced_net")
        self.assertEqual(self._read("revenue_invoiced_net", OCTOBER), 1000)

    def _goods(self, quantity, **values):
        return {"product_id": self.goods_sold.id, "quantity": quantity, "price_unit": 3, **values}

    def test_44_defect_rate(self):
        """Units of goods in the unit of the product."""
        dozen = self.env.ref("uom.product_uom_dozen")
        self._invoice("2026-10-05", lines=[self._goods(140)], invoice_user_id=self.ann.id)
        self._invoice("2026-10-06", lines=[self._goods(5, product_uom_id=dozen.id)])
        # services, down payments, drafts and vendor bills are not goods sold
        self._invoice("2026-10-07", 1000)
        self._invoice("2026-10-08", lines=[self._goods(1, is_downpayment=True)])
        self._invoice("2026-10-09", lines=[self._goods(999)], post=False)
        back = self._invoice("2026-10-20", kind="out_refund", lines=[self._goods(6)])
        cheaper = self._invoice("2026-10-21", kind="out_refund", lines=[self._goods(50)])
        cheaper.kpi_price_reduction = True
        with self.at("2026-11-10 12:00"):
            self._refresh("defect_rate", "units_invoiced")
            self.assertEqual(self._read("units_invoiced", OCTOBER), 200)
            self.assertAlmostEqual(self._read("defect_rate", OCTOBER), 0.03)
            of_ann = self._read("defect_rate", OCTOBER, level="user", user_id=self.ann)
            self.assertEqual(of_ann, 0)
            # the reason of a credit note is not on its lines, but changes the value
            back.kpi_price_reduction = True
            self._refresh("defect_rate")
            self.assertEqual(self._read("defect_rate", OCTOBER), 0)
        self.assertIsNone(self._read("defect_rate", "2026-09-01"), "nothing was invoiced")

    def test_44_units_of_the_past(self):
        """The back-fill gives the same units as the creation of the lines."""
        dozen = self.env.ref("uom.product_uom_dozen")
        move = self._invoice(
            "2026-10-05",
            lines=[
                self._goods(2.5, product_uom_id=dozen.id),
                {"product_id": self.goods.id, "quantity": 7, "price_unit": 1},
                {"name": "Without product", "quantity": 4, "price_unit": 1},
            ],
        )
        entry = self._entry("2026-10-05", ("bank", 10), ("income", -10))
        lines = move.line_ids + entry.line_ids
        before = lines.mapped("kpi_units")
        self.assertEqual(sum(before), 30)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE account_move_line SET kpi_units = NULL WHERE id = ANY(%s)", [lines.ids]
        )
        lines.invalidate_recordset()
        lines._kpi_fill_units(min(lines.ids), max(lines.ids))
        lines.invalidate_recordset()
        self.assertEqual(lines.mapped("kpi_units"), before)


@tagged("post_install", "-at_install")
class TestBooks(FinanceCase):
    def test_26_gross_margin_accounting(self):
        """Income less cost of revenue of the period, at company level only."""
        self._invoice("2026-10-05", 1000, invoice_user_id=self.ann.id)
        self._invoice("2026-10-06", 500)
        self._entry("2026-10-31", ("goods", 1250), ("bank", -1250))
        self._entry("2026-10-31", ("salaries", 400), ("interest", -30), ("bank", -370))
        self._entry("2026-10-31", ("goods", 99), ("bank", -99), post=False)
        self._entry("2026-11-01", ("goods", 77), ("bank", -77))
        with self.at("2026-11-10 12:00"):
            self._refresh("gross_margin_accounting", "gross_margin_accounting_pct")
        self.assertEqual(self._read("gross_margin_accounting", OCTOBER), 250)
        self.assertAlmostEqual(self._read("gross_margin_accounting_pct", OCTOBER), 1 / 6)
        self.assertIsNone(self._read("gross_margin_accounting_pct", "2026-11-01"), "no income")
        # today's cost of a product does not change the past
        self.goods.with_company(self.company).standard_price = 900
        with self.at("2026-11-10 12:30"):
            self._refresh("gross_margin_accounting")
        self.assertEqual(self._read("gross_margin_accounting", OCTOBER), 250)
        levels = self.env["crm.kpi.value"].search(
            [("kpi_id.code", "=", "gross_margin_accounting"), ("company_id", "=", self.company.id)]
        )
        self.assertEqual(set(levels.mapped("level")), {"company"})

    def test_58_net_profit(self):
        """All types of income and expenses, without closing entries."""
        self._entry("2026-12-05", ("bank", 100_000), ("income", -100_000))
        self._entry("2026-12-06", ("bank", 20_000), ("interest", -20_000))
        self._entry("2026-12-10", ("salaries", 40_000), ("goods", 30_000), ("bank", -70_000))
        self._entry("2026-12-31", ("depreciation", 20_000), ("machines", -20_000))
        self._entry("2026-12-31", ("loan", 5_000), ("bank", -5_000))
        with self.at("2027-01-10 12:00"):
            self._refresh("net_profit")
            self.assertEqual(self._read("net_profit", "2026-12-01"), 30_000)
            # the closing entry sets the accounts to zero, which is not a loss
            self._entry("2026-12-31", ("income", 100_000), ("capital", -100_000))
            self._entry("2026-12-30", ("salaries", -40_000), ("earnings", 40_000))
            # paid by the owner: an expense like any other
            self._entry("2026-12-15", ("advertising", 1_000), ("capital", -1_000))
            self._refresh("net_profit")
            self.assertEqual(self._read("net_profit", "2026-12-01"), 29_000)
            self.assertEqual(self._read("net_profit", "2026-12-01", kind="year"), 29_000)

    def test_58_no_books(self):
        """A company without journal items has no value, not a profit of zero."""
        with self.at("2027-01-10 12:00"):
            self._refresh("net_profit", "gross_margin_accounting", "current_ratio")
        for code in ("net_profit", "gross_margin_accounting", "current_ratio"):
            self.assertIsNone(self._read(code, "2026-12-01"), code)

    def test_58_last_day_of_the_year(self):
        """The fiscal year ends on the day set on the company, also in leap years."""
        self.company.write({"fiscalyear_last_month": "2", "fiscalyear_last_day": 28})
        closing = self._entry("2028-02-29", ("income", 10), ("capital", -10)).line_ids
        usual = self._entry("2028-12-31", ("income", 10), ("capital", -10)).line_ids
        found = self.env["account.move.line"].search(
            [("kpi_is_closing", "=", True), ("company_id", "=", self.company.id)]
        )
        self.assertEqual(found, closing)
        self.assertEqual((closing + usual).mapped("kpi_is_closing"), [True, True, False, False])

    def test_58b_current_ratio(self):
        """Balances at the end of old periods too; no value without liabilities."""
        self._entry("2026-08-10", ("bank", 150_000), ("machines", 70_000), ("capital", -220_000))
        self._entry("2026-09-10", ("receivable", 50_000), ("income", -50_000))
        self._entry("2026-10-10", ("machines", 100_000), ("payable", -100_000))
        self._entry("2026-10-31", ("machines", 9_000), ("loan", -9_000))
        paid = self._entry("2026-11-02", ("payable", 50_000), ("bank", -50_000))
        self._entry("2026-11-25", ("payable", 25_000), ("bank", -25_000))  # in the future
        with self.at("2026-11-10 12:00"):
            self._refresh("current_ratio")
            ratios = [
                self._read("current_ratio", f"2026-{month:02d}-01") for month in (8, 9, 10, 11)
            ]
            self.assertEqual(ratios, [None, None, 2.0, 3.0])
            self.assertEqual(self._read("current_assets", "2026-09-01"), 200_000)
            quarter = self._read("current_ratio", OCTOBER, kind="quarter")
            self.assertEqual(quarter, 3.0, "the running quarter ends today")
            # a late entry changes the balances of its month and of later months
            paid.button_draft()
            paid.write({"date": "2026-10-30", "name": False})
            paid.action_post()
            self._refresh("current_ratio")
            self.assertEqual(self._read("current_ratio", OCTOBER), 3.0)
            # so does a change of the type of an account
            self.accounts["payable"].account_type = "liability_non_current"
            self._refresh("current_ratio")
            self.assertIsNone(self._read("current_ratio", OCTOBER))

    def test_58_accounts_behind_a_number(self):
        self._entry("2026-10-10", ("bank", 100), ("payable", -40), ("capital", -60))
        with self.at("2026-11-10 12:00"):
            self._refresh("current_ratio")
            cell = self.env["crm.kpi.value"].search(
                [
                    ("kpi_id.code", "=", "current_ratio"),
                    ("company_id", "=", self.company.id),
                    ("period_id.name", "=", "2026-10"),
                ]
            )
            accountant = self._accountant()
            params = cell.with_user(accountant).action_open_records()["params"]
            shown = params["kpi_id"], params["filters"]
            boards = self.env["crm.kpi.board"].with_user(accountant).with_company(self.company)
            amounts = []
            for part in boards.get_explanation(*shown):
                action = boards.open_part(*shown, part["kpi_id"], part["period_id"], "included")
                rows = (
                    self.env["crm.kpi.balance.period"]
                    .with_user(accountant)
                    .with_context(**action["context"])
                    .search(action["domain"])
                )
                amounts.append({row.account_id: row.amount for row in rows})
        self.assertEqual(amounts, [{self.accounts["bank"]: 100}, {self.accounts["payable"]: 40}])

    def test_58_rights(self):
        """Only users with accounting rights read journal items, in any KPI group."""
        self._entry("2026-10-10", ("bank", 100), ("income", -100))
        manager = new_test_user(
            self.env,
            login="kpi_finance_manager",
            groups="crm_kpi.group_kpi_admin,sales_team.group_sale_manager",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        codes = ("net_profit", "current_ratio", "gross_margin_accounting")
        with self.at("2026-11-10 12:00"):
            self._refresh(*codes)
        domain = [("kpi_id.code", "in", codes), ("company_id", "=", self.company.id)]
        cells = self.env["crm.kpi.value"].search(domain)
        for user in (self.ann, manager):
            values = self.env["crm.kpi.value"].with_user(user)
            self.assertFalse(values.search(domain), user.login)
            with self.assertRaises(AccessError):
                values.browse(cells[0].id).read(["value"])
            with self.assertRaises(AccessError):
                self.env["crm.kpi.balance.period"].with_user(user).search([])
        found = self.env["crm.kpi.value"].with_user(self._accountant()).search(domain)
        self.assertEqual(found, cells)

    def _accountant(self):
        return new_test_user(
            self.env,
            login="kpi_accountant",
            groups="account.group_account_manager,crm_kpi.group_kpi_manager",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
