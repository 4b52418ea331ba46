# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The figures of a public data set, against plain Python over its files.

The oracle below reads the csv files itself and shares nothing with the importer or the
engine: dates, corrected typing errors and sums are its own. The totals that are printed in the
issue (4,238 won deals over 10,005,534 and so on) are checked apart from it.
"""

import csv
import os
import tempfile
import unittest
from collections import defaultdict
from datetime import date
from pathlib import Path

from odoo.tests import TransactionCase, tagged

from tools.sales_files import ImportProblem, read_files
from tools.sales_import import import_sales

FOLDER = Path(
    os.environ.get("CRM_KPI_SALES_DATA")
    or Path(__file__).resolve().parents[1] / "../shared/data/crm_sales_opportunities"
)
CODES = ("deals_won", "deals_lost", "win_rate", "deals_won_amount", "sales_cycle_days_mean")


def read(name):
    with (FOLDER / f"{name}.csv").open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def day(text):
    month, day_, year = text.split("/")
    return date(int(year), int(month), int(day_))


class Oracle:
    """Expected values by ``(kind of period, first day, level, name)``."""

    def __init__(self):
        manager = {row["sales_agent"]: row["manager"] for row in read("sales_teams")}
        sector = {row["account"]: row["sector"] for row in read("accounts")}
        self.deals = defaultdict(list)  # cell: (won, amount, days)
        for row in read("sales_pipeline"):
            if row["deal_stage"] not in ("Won", "Lost"):
                continue
            closed = day(row["close_date"])
            deal = (
                row["deal_stage"] == "Won",
                int(row["close_value"]),
                (closed - day(row["engage_date"])).days,
            )
            name = sector[row["account"]].replace("technolgy", "technology").capitalize()
            for period in (
                ("year", date(closed.year, 1, 1)),
                ("quarter", date(closed.year, (closed.month - 1) // 3 * 3 + 1, 1)),
                ("month", date(closed.year, closed.month, 1)),
            ):
                for whose in (
                    ("company", None),
                    ("user", row["sales_agent"]),
                    ("team", manager[row["sales_agent"]]),
                    ("segment", name),
                ):
                    self.deals[(*period, *whose)].append(deal)

    def value(self, code, cell):
        """Value of a KPI in a cell with at least one closed deal; False for no value."""
        deals = self.deals[cell]
        won = [deal for deal in deals if deal[0]]
        if code == "deals_won":
            return len(won)
        if code == "deals_lost":
            return len(deals) - len(won)
        if code == "win_rate":
            return len(won) / len(deals)
        if code == "deals_won_amount":
            return sum(amount for _won, amount, _days in won)
        return sum(days for _won, _amount, days in won) / len(won) if won else False


@tagged("post_install", "-at_install")
@unittest.skipUnless(
    (FOLDER / "sales_pipeline.csv").is_file(),
    f"the sales data set is not in {FOLDER}: set CRM_KPI_SALES_DATA to its folder",
)
class TestSalesPipeline(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # a separate company, so that other records in the database do not count
        cls.company = cls.env["res.company"].create(
            {"name": "Sales pipeline", "kpi_tz": "America/New_York"}
        )
        cls.env.user.company_ids += cls.company
        cls.env = cls.env(
            context=dict(cls.env.context, allowed_company_ids=cls.company.ids, lang="en_US")
        )
        cls.counts = import_sales(cls.env, FOLDER)
        periods = cls.env["crm.kpi.period"]._ensure(
            "2016-10-01", "2018-01-01", ("month", "quarter", "year")
        )
        kpis = cls.env["crm.kpi"].search([("code", "in", CODES)])
        cls.env["crm.kpi"]._refresh(periods, kpis)
        cls.oracle = Oracle()
        cls.values = defaultdict(dict)
        industry = cls.env.ref("crm_kpi.segment_set_industry")
        for row in cls.env["crm.kpi.value"].search(
            [("company_id", "=", cls.company.id), ("kpi_id", "in", kpis.ids)]
        ):
            if row.level not in ("company", "user", "team", "segment"):
                continue
            if row.level == "segment" and row.segment_id.set_id != industry:
                continue
            whose = row[f"{row.level}_id"].name if row.level != "company" else None
            cell = (row.period_id.kind, row.period_id.date_from, row.level, whose)
            cls.values[row.kpi_id.code][cell] = row.value

    def cell(self, code, kind, first, level="company", name=None):
        return self.values[code].get((kind, first, level, name), False)

    def test_leads_do_not_wait_for_an_answer(self):
        """A user loaded the leads, so they are not unanswered inbound leads."""
        inbound = self.env["crm.lead"].search_count(
            [("company_id", "=", self.company.id), ("kpi_origin", "=", "inbound")]
        )
        self.assertEqual(inbound, 0)

    def test_loaded(self):
        self.assertEqual(self.counts["crm.lead"], 8800)
        self.assertEqual(self.counts["sale.order"], 4238)
        self.assertEqual(self.counts["res.partner"], 85)
        leads = self.env["crm.lead"].with_context(active_test=False)
        leads = leads.search([("company_id", "=", self.company.id)])
        self.assertEqual(len(leads.filtered(lambda lead: lead.won_status == "pending")), 2089)
        self.assertFalse(leads.filtered(lambda lead: not lead.partner_id and lead.order_ids))
        self.assertEqual(set(leads.tag_ids.mapped("name")), {"Central", "East", "West"})
        self.assertFalse(self.env["mail.mail"].search([("res_id", "in", leads.ids[:100])]))

    def test_headlines(self):
        year = date(2017, 1, 1)
        self.assertEqual(self.cell("deals_won", "year", year), 4238)
        self.assertEqual(self.cell("deals_lost", "year", year), 2473)
        self.assertAlmostEqual(self.cell("win_rate", "year", year), 0.6315, 4)
        self.assertEqual(self.cell("deals_won_amount", "year", year), 10_005_534)
        self.assertAlmostEqual(self.cell("sales_cycle_days_mean", "year", year), 51.78, 2)
        quarters = [date(2017, month, 1) for month in (1, 4, 7, 10)]
        self.assertEqual(
            [self.cell("deals_won", "quarter", first) for first in quarters],
            [531, 1254, 1257, 1196],
        )
        self.assertEqual(
            [self.cell("deals_won_amount", "quarter", first) for first in quarters],
            [1_134_672, 3_086_111, 2_982_255, 2_802_496],
        )

    def test_no_deal_was_closed_before(self):
        self.assertEqual(self.cell("deals_won", "year", date(2016, 1, 1)), 0)
        self.assertIs(self.cell("win_rate", "quarter", date(2016, 10, 1)), False)

    def test_every_cell(self):
        """Company, managers, agents and sectors in every month, quarter and year."""
        levels = {cell[2] for cell in self.oracle.deals}
        self.assertEqual(levels, {"company", "user", "team", "segment"})
        for code in CODES:
            for cell in self.oracle.deals:
                with self.subTest(code=code, cell=cell):
                    expected = self.oracle.value(code, cell)
                    found = self.cell(code, *cell)
                    if expected is False:
                        self.assertIs(found, False)
                    elif expected == 0 and found is False and code != "win_rate":
                        pass  # a zero of Unassigned is not stored: there is no record to count
                    else:
                        self.assertIsNot(found, False)
                        # from noon in summer time to noon in winter time is one hour more than whole days
                        self.assertAlmostEqual(
                            found, expected, delta=0.05 if code == "sales_cycle_days_mean" else 1e-6
                        )

    def test_no_other_cells(self):
        """Agents without closed deals have no values: no deal is credited to another user."""
        for code in ("deals_won", "deals_lost", "deals_won_amount"):
            for cell, found in self.values[code].items():
                if cell not in self.oracle.deals:
                    with self.subTest(code=code, cell=cell):
                        self.assertIn(found, (0, False))

    def test_second_run_creates_nothing(self):
        """A second run finds all records and creates none."""
        before = self.env["crm.lead"].search_count([])
        self.assertEqual(import_sales(self.env, FOLDER), {})
        self.assertEqual(self.env["crm.lead"].search_count([]), before)


@tagged("post_install", "-at_install")
class TestSalesFiles(TransactionCase):
    """Errors in the files are reported; nothing is guessed."""

    def setUp(self):
        super().setUp()
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.write(
            "accounts",
            "account,sector,year_established,revenue,employees,office_location,subsidiary_of",
            "Acme,technolgy,1996,1100.04,2822,Korea,",
        )
        self.write("products", "product,series,sales_price", "GTX Pro,GTX,4821")
        self.write("sales_teams", "sales_agent,manager,regional_office", "Ann,Bob,East")
        self.deals("1,Ann,GTXPro,Acme,Won,10/20/2016,3/1/2017,1054")

    def write(self, name, *lines):
        (self.folder / f"{name}.csv").write_text("\n".join(lines) + "\n")

    def deals(self, *lines):
        head = "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value"
        self.write("sales_pipeline", head, *lines)

    def refuse(self, pattern):
        with self.assertRaisesRegex(ImportProblem, pattern):
            read_files(self.folder)

    def test_typing_errors_are_corrected(self):
        data = read_files(self.folder)
        self.assertEqual(data["sales_pipeline"][0]["product"], "GTX Pro")
        self.assertEqual(data["sales_pipeline"][0]["close_date"], date(2017, 3, 1))
        self.assertEqual(data["accounts"][0]["sector"], "technology")
        self.assertEqual(data["accounts"][0]["office_location"], "South Korea")

    def test_missing_file(self):
        (self.folder / "products.csv").unlink()
        self.refuse("products.csv is missing")

    def test_missing_column(self):
        self.write("products", "product,series", "GTX Pro,GTX")
        self.refuse("products.csv has no column sales_price")

    def test_unknown_names(self):
        self.deals("1,Cid,GTZ Pro,Akme,Won,10/20/2016,3/1/2017,1054")
        self.refuse("(?s)line 2: unknown account 'Akme'.*product 'GTZ Pro'.*sales_agent 'Cid'")

    def test_bad_dates(self):
        self.deals(
            "1,Ann,GTXPro,Acme,Won,20/10/2016,3/1/2017,1054",
            "2,Ann,GTXPro,Acme,Lost,10/20/2016,,0",
        )
        self.refuse("(?s)line 2: engage_date '20/10/2016'.*line 3: close_date is missing")
