# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Workbooks of stored values: only what the reader may see, with the texts of the screen."""

import io
import tempfile
from pathlib import Path

import openpyxl

from odoo.fields import Command
from odoo.tests import freeze_time, tagged

from ..workbook.request import WorkbookRequest
from .common_export import SECRET, ExportCase
from .office import formula_cells


@tagged("post_install", "-at_install", "office")
class TestExport(ExportCase):
    def test_manager(self):
        """Rows and totals, computed by hand: 2 of 5 leads of March, of all salespeople."""
        name, live, book = self.workbook(self.manager)
        self.assertRegex(name, r"^KPI_sheet_\d{4}-\d\d-\d\d\.xlsx$")
        sheet = book[self.category.name]
        people = self.block(sheet, "Share won", "Salesperson")
        self.assertEqual(people["Ann"], [1.0, 0.5])
        self.assertEqual(people["Bob"], [0.0, 1.0])
        self.assertEqual(people["Cid"], ["–", 0.0])
        self.assertEqual(people["Unassigned"], ["–", 0.0])
        self.assertEqual(people["Total"], [0.5, 0.4])
        self.assertEqual(self.block(sheet, "Share won", "Value")["Whole company"], [0.5, 0.4])
        teams = self.block(sheet, "=Amount & more", "Sales team")
        self.assertEqual(teams["North"], [150, 60.5])
        self.assertEqual(teams["Total"], [150, 1067.5])
        median = self.block(sheet, "Median amount", "Salesperson")
        self.assertEqual(median["Ann"], [100, 15])
        self.assertEqual(median["Total (the rows do not add up)"], [75, 20])
        # the total of a ratio is a formula, the total of a median is a number
        live_people = self.block(live[self.category.name], "Share won", "Salesperson")
        self.assertRegex(live_people["Total"][1], r"^=IF\(COUNT")
        live_median = self.block(live[self.category.name], "Median amount", "Salesperson")
        self.assertEqual(live_median["Total (the rows do not add up)"][1], 20)

    def test_every_value_is_stored(self):
        """Each number in the row of a person is the stored value of that cell."""
        _name, _live, book = self.workbook(self.manager)
        sheet = book[self.category.name]
        for kpi in self.rate | self.amount | self.median:
            people = self.block(sheet, kpi.name, "Salesperson")
            for user in self.ann | self.bob | self.cid:
                stored = [
                    self.value(kpi, period, "user", user_id=user)
                    for period in (self.february, self.march)
                ]
                shown = [None if cell == "–" else cell for cell in people[user.name]]
                self.assertEqual(shown, stored, (kpi.name, user.name))

    def test_forecast_of_a_running_month(self):
        """4 of 22 working days are over: 60.5 is extrapolated, 1,007 is dated ahead and known."""
        self.march.write({"state": "open"})
        self.env["crm.kpi.computation"].search([("period_id", "=", self.march.id)]).unlink()
        with freeze_time("2026-03-05 23:30:00"):
            self.env["crm.kpi"]._refresh(periods=self.march, kpis=self.kpis)
            _name, _live, book = self.workbook(self.manager)
        sheet = book[self.category.name]
        rows = self.block(sheet, "=Amount & more", "Value")
        self.assertEqual(rows["Whole company"], [150, 1067.5])
        self.assertAlmostEqual(rows["Forecast"][1], 1007 + 60.5 * 22 / 4)
        self.assertEqual(self.block(sheet, "Median amount", "Value")["Forecast"][1], 20)

    def test_recalculated(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "book.xlsx")
            env = self.env(user=self.manager.id)
            with path.open("wb") as file:
                env["crm.kpi.export"]._write_workbook(WorkbookRequest(**self.options()), file)
            cells = formula_cells(path)
        self.assertGreater(len(cells), 20)
        for place, (formula, cached, again) in cells.items():
            self.assertAlmostEqual(cached, again, 9, (place, formula))

    def test_as_on_screen(self):
        """The summary shows the same values and texts as the cards of the board."""
        board = self.env["crm.kpi.board"].create(
            {
                "name": "Mine & yours",
                "user_id": self.manager.id,
                "card_ids": [Command.create({"kpi_id": kpi.id}) for kpi in self.rate | self.amount],
            }
        )
        env = self.env(user=self.manager.id)
        filters = self.options()["filters"]
        screen = env["crm.kpi.board"].get_board(board.id, filters)
        file = io.BytesIO()
        request = WorkbookRequest(board_id=board.id, filters=screen["filters"])
        name = env["crm.kpi.export"]._write_workbook(request, file)
        self.assertTrue(name.startswith("Mine_yours_"))
        sheet = openpyxl.load_workbook(file, data_only=True)["Summary"]
        rows = {row[1]: row for row in sheet.iter_rows(values_only=True) if row[1]}
        for card in screen["cards"]:
            row = rows[card["kpi"]["name"]]
            self.assertEqual(row[2], card["value"])
            self.assertEqual(row[11], card["record_count"])
            if card["change"]:
                self.assertIn(card["change"]["text"], row[9])
                self.assertEqual(row[10], card["change"]["basis_text"])

    def test_salesperson(self):
        """Ann gets her row and the shared totals, but no rows of colleagues, no KPIs of other
        groups, and no totals that a KPI does not share."""
        self.company.kpi_ranking = "off"
        _name, _live, book = self.workbook(self.ann)
        sheet = book[self.category.name]
        people = self.block(sheet, "Share won", "Salesperson")
        self.assertEqual(people["Ann"], [1.0, 0.5])
        # the total includes rows that Ann cannot see: it is the stored value, with a note
        self.assertEqual(people["Total (includes rows that are not shown)"], [0.5, 0.4])
        self.assertNotIn("Bob", people)
        amount = self.block(sheet, "=Amount & more", "Value")
        self.assertEqual(amount["Whole company"], ["–", "–"])
        texts = self.texts(book)
        self.assertFalse({"Bob", "Cid", SECRET} & texts)
        goals = [row[3] for row in book["Goals"].iter_rows(values_only=True)]
        self.assertIn("Ann", goals)
        self.assertNotIn("Bob", goals)

    def test_closed_kpi(self):
        """Only members of its group get the KPI, in any sheet of their workbooks."""
        self.assertNotIn(SECRET, self.texts(self.workbook(self.manager)[2]))
        self.manager.group_ids |= self.closed_group
        book = self.workbook(self.manager)[2]
        self.assertIn(SECRET, self.texts(book))

    def test_other_company(self):
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = self.make_user("Stranger", "sales_team.group_sale_manager", company=elsewhere)
        _name, _live, book = self.workbook(stranger)
        texts = self.texts(book)
        self.assertFalse({"Ann", "Bob", "=Lead 100.0", self.company.name} & texts)
        self.assertNotIn(
            "Goals", {row[0] for row in book["Goals"].iter_rows(values_only=True)} - {"Goals"}
        )

    def test_small_segments(self):
        """No sheet shows the percentage of few records, or how many they are."""
        self.company.kpi_min_cell = 6
        # a new KPI, because locked values stay as they were reported
        rate = self.make_kpi(
            "again",
            name="Share again",
            kind="formula",
            formula="test_won / test_all",
            unit="percent",
        )
        self.env["crm.kpi"]._refresh(periods=self.february | self.march, kpis=rate)
        segments = self.env["crm.kpi.segment.set"].search(
            [("company_id", "in", [False, self.company.id])]
        )
        stored = self.env["crm.kpi.value"].search(
            [("kpi_id", "=", rate.id), ("period_id", "=", self.march.id),
             ("level", "=", "segment"), ("record_count", ">", 0)]
        )  # fmt: skip
        self.assertTrue(stored)
        for chosen in stored.segment_id.set_id & segments:
            book = self.workbook(
                self.manager, filters={"segment_set_id": chosen.id}, kpi_ids=rate.ids
            )[1]
            rows = self.block(book[self.category.name], "Share again", "Segment")
            for cell in stored.filtered(lambda c, s=chosen: c.segment_id.set_id == s):
                self.assertTrue(cell.withheld)
                self.assertEqual(rows[cell.segment_id.display_name][-1], "too little data")

    def test_without_the_records_that_the_reader_may_not_read(self):
        """A reader of all values who has no access to leads, as an agent or a marketer."""
        agent = self.make_user("agent", "crm_kpi.group_kpi_user_all")
        _name, _live, book = self.workbook(agent)
        _name, _live, whole = self.workbook(self.manager)
        self.assertIn("Records", whole.sheetnames)
        self.assertEqual(book.sheetnames, [name for name in whole.sheetnames if name != "Records"])
        summary = [cell.value for row in book["Summary"].iter_rows() for cell in row if cell.value]
        [note] = [text for text in summary if str(text).startswith("Without the records")]
        for kpi in self.rate | self.amount | self.median:
            self.assertIn(kpi.name, note)
        whole_text = str(list(whole["Summary"].iter_rows(values_only=True)))
        self.assertNotIn("Without the records", whole_text)

    def test_records(self):
        """Exactly the included records that the reader may see."""
        book = self.workbook(self.manager)[2]
        rows = [r for r in book["Records"].iter_rows(values_only=True) if r[0] == "=Amount & more"]
        listed = {row[1]: row[6] for row in rows if row[1] and row[1].startswith("=Lead")}
        self.assertEqual(sorted(listed.values()), [7, 10, 20, 30.5, 1000])
        own = self.workbook(self.ann)[2]
        rows = [r for r in own["Records"].iter_rows(values_only=True) if r[0] == "Median amount"]
        self.assertEqual({row[3] for row in rows if (row[1] or "").startswith("=Lead")} - {None},
                         {"Ann"})  # fmt: skip

    def test_audit(self):
        self.env["crm.kpi.restatement"].create(
            {
                "kpi_id": self.amount.id,
                "period_id": self.march.id,
                "company_id": self.company.id,
                "level": "company",
                "value_locked": 1067.5,
                "value_now": 1068.5,
                "reason": "late",
                "date": "2026-05-01 08:00:00",
            }
        )
        book = self.workbook(self.manager)[2]
        rows = list(book["Audit"].iter_rows(values_only=True))
        facts = {row[0]: row[1] for row in rows}
        self.assertEqual(facts["Made for"], "Mona (kpi_mona)")
        self.assertIn("Europe/Brussels", facts["Made on"])
        self.assertEqual(facts["Company"], self.company.name)
        self.assertIn("2026-03-01", facts["Period"])
        [line] = [row for row in rows if row[3] == 1067.5]
        self.assertEqual(line[4], 1068.5)
        # 08:00 UTC is 10:00 in Brussels in May
        self.assertEqual(line[6].hour, 10)
        # all seven leads are explained: five of March, two of them won
        counted = {(r[0], r[1], r[2]): r[3] for r in rows if r[0] == "Share won" and r[3]}
        self.assertEqual(counted["Share won", "won", "Included"], 2)
        self.assertEqual(counted["Share won", "won", "Outside the filter of the KPI"], 3)
        self.assertEqual(counted["Share won", "all", "Included"], 5)
        definitions = {r[1]: r for r in book["Definitions"].iter_rows(values_only=True)}
        self.assertEqual(definitions["test_rate"][6], "test_won / test_all")
        self.assertIn("test_won", definitions)

    def test_language(self):
        """Texts are in the reader's language; sheets run right to left for such languages."""
        self.env["res.lang"]._activate_lang("ar_001")
        self.manager.lang = "ar_001"
        book = self.workbook(self.manager)[1]
        self.assertTrue(all(sheet.sheet_view.rightToLeft for sheet in book))

    def test_plain_rows(self):
        _name, live, book = self.workbook(self.manager, layout="list")
        self.assertEqual(book.sheetnames, ["Values", "Definitions", "Audit"])
        rows = {
            (row[0], row[2], row[4], row[5]): row
            for row in book["Values"].iter_rows(min_row=4, values_only=True)
        }
        self.assertEqual(rows["Share won", "March 2026", "Salesperson", "Ann"][6], 0.5)
        self.assertEqual(rows["Share won", "March 2026", "Salesperson", "Ann"][10], "✔ Achieved")
        self.assertEqual(live["Values"].cell(5, 1).data_type, "s")
