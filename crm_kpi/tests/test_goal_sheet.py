# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Targets that are exported to Excel and imported again."""

import base64
import io
import tempfile
import zipfile
from pathlib import Path

import openpyxl

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..workbook.request import WorkbookRequest
from .common import KpiCommon
from .office import convert


@tagged("post_install", "-at_install", "office")
class TestGoalSheet(KpiCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context={**cls.env.context, "tracking_disable": False})
        cls.manager = cls.make_user("Mona", "sales_team.group_sale_manager")
        cls.deals = cls.make_kpi("deals", name="=Deals")
        cls.month = cls.period("month", "2026-03-10")
        values = (
            {"kind": "at_least", "target": 5, "scope": "user", "user_id": cls.ann.id},
            {"kind": "range", "target": 1, "target_max": 3, "scope": "user", "user_id": cls.bob.id},
            {"kind": "improve", "improve_by": 0.25, "scope": "user", "user_id": cls.cid.id,
             "baseline_kind": "fixed", "baseline_fixed": 8},
        )  # fmt: skip
        cls.goals = (
            cls.env["crm.kpi.goal"]
            .create([{"kpi_id": cls.deals.id, "period_id": cls.month.id, **v} for v in values])
            .with_user(cls.manager)
        )
        cls.first, cls.range, cls.better = cls.goals

    def sheet(self):
        """The exported workbook, for editing."""
        wizard = self.env["crm.kpi.export.wizard"].with_user(self.manager)
        action = wizard._export_goals(self.goals, "targets")
        wizard = wizard.browse(int(action["url"].rsplit("/", 1)[1]))
        file = io.BytesIO()
        wizard.env["crm.kpi.export"]._write_workbook(wizard._request(), file)
        return openpyxl.load_workbook(file)

    def row_of(self, book, goal):
        return next(
            row for row in book.active.iter_rows(min_row=6)
            if (row[0].value or "").split(".")[0] == str(goal.id)
        )  # fmt: skip

    def wizard(self, book):
        file = io.BytesIO()
        book.save(file)
        return (
            self.env["crm.kpi.goal.import"]
            .with_user(self.manager)
            .create({"file": base64.b64encode(file.getvalue()), "file_name": "Targets.xlsx"})
        )

    def assert_refused(self, book, text):
        before = [(g.target, g.target_max, g.improve_by, g.note) for g in self.goals]
        wizard = self.wizard(book)
        with self.assertRaisesRegex(UserError, text):
            wizard.action_preview()
        with self.assertRaisesRegex(UserError, text):
            wizard.action_apply()
        self.assertEqual(
            [(g.target, g.target_max, g.improve_by, g.note) for g in self.goals], before
        )

    def test_sheet(self):
        book = self.sheet()
        sheet = book.active
        self.assertTrue(sheet.protection.sheet)
        row = self.row_of(book, self.first)
        self.assertEqual([cell.value for cell in row[1:4]], ["=Deals", "March 2026", "Ann"])
        self.assertEqual(row[1].data_type, "s")
        self.assertTrue(all(cell.protection.locked for cell in row[:6]))
        self.assertEqual([cell.protection.locked for cell in row[6:10]], [False, True, True, False])
        self.assertEqual(
            [c.protection.locked for c in self.row_of(book, self.better)[6:10]],
            [True, True, False, False],
        )
        self.assertTrue(sheet.column_dimensions["A"].hidden)
        [validation] = sheet.data_validations.dataValidation
        self.assertEqual((validation.type, str(validation.sqref)), ("decimal", "G6:I8"))

    def test_round_trip(self):
        book = self.sheet()
        wizard = self.wizard(book)
        wizard.action_preview()
        self.assertFalse(wizard.line_ids)
        with self.assertRaises(UserError):
            wizard.action_apply()
        self.row_of(book, self.first)[6].value = 7.5
        self.row_of(book, self.first)[9].value = "=More"
        self.row_of(book, self.first)[9].data_type = "s"
        self.row_of(book, self.range)[7].value = 4
        self.row_of(book, self.better)[8].value = 0.5
        wizard = self.wizard(book)
        wizard.action_preview()
        self.assertEqual(
            {(line.goal_id, line.field_name): (line.old, line.new) for line in wizard.line_ids},
            {
                (self.first, "Target"): ("5", "7.5"),
                (self.first, "Reason and plan"): ("", "=More"),
                (self.range, "Upper bound"): ("3", "4"),
                (self.better, "Improve by"): ("25\u00a0%", "50\u00a0%"),
            },
        )
        self.assertEqual(self.first.target, 5)
        wizard.action_apply()
        self.assertEqual((self.first.target, self.first.note), (7.5, "=More"))
        self.assertEqual(self.range.target_max, 4)
        # 50 % more than 8
        self.assertEqual((self.better.improve_by, self.better.target), (0.5, 12))
        self.env.flush_all()
        body = self.first.sudo().message_ids[0].body
        self.assertIn("Targets.xlsx", body)
        # the same file again is out of date
        self.assert_refused(book, r"Mona changed .* after the export")

    def test_sheet_saved_by_libreoffice(self):
        """A sheet saved by LibreOffice can be imported, with the values that it computed."""
        book = self.sheet()
        cell = self.row_of(book, self.first)[6]
        cell.value = "=2*6"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "in.xlsx")
            book.save(path)
            saved = Path(folder, "out")
            content = convert(path, "xlsx:Calc MS Excel 2007 XML", saved).read_bytes()
        wizard = (
            self.env["crm.kpi.goal.import"]
            .with_user(self.manager)
            .create({"file": base64.b64encode(content), "file_name": "Targets.xlsx"})
        )
        wizard.action_preview()
        self.assertEqual([(x.goal_id, x.new) for x in wizard.line_ids], [(self.first, "12")])
        wizard.action_apply()
        self.assertEqual(self.first.target, 12)

    def test_sheet_among_others(self):
        """The sheet is found by its mark, wherever it is in the workbook."""
        for place in ("front", "behind", "both"):
            book = self.sheet()
            self.row_of(book, self.first)[6].value = 9
            if place != "behind":
                book.create_sheet("Notes", 0)["A1"] = "Targets of 2026"
                book.create_chartsheet("Chart", 0).add_chart(openpyxl.chart.BarChart())
            if place != "front":
                book.create_sheet("More")
            wizard = self.wizard(book)
            wizard.action_preview()
            self.assertEqual([(x.goal_id, x.new) for x in wizard.line_ids], [(self.first, "9")])

    def test_two_sheets_of_targets(self):
        """It is not clear which of two copies holds the changes."""
        book = self.sheet()
        book.copy_worksheet(book.active)
        self.assert_refused(book, "several sheets of targets")

    def test_damaged_sheet(self):
        """A sheet that breaks off is a file that cannot be read, not an error of the server."""
        whole, broken = io.BytesIO(), io.BytesIO()
        self.sheet().save(whole)
        with zipfile.ZipFile(whole) as old, zipfile.ZipFile(broken, "w") as new:
            for name in old.namelist():
                content = old.read(name)
                new.writestr(name, content[: len(content) // 2] if "sheet1" in name else content)
        wizard = self.env["crm.kpi.goal.import"].create(
            {"file": base64.b64encode(broken.getvalue())}
        )
        with self.assertRaisesRegex(UserError, "cannot be read"):
            wizard.action_preview()

    def test_stale(self):
        book = self.sheet()
        self.row_of(book, self.first)[6].value = 9
        self.range.target = 2
        self.assert_refused(book, rf"A{self.row_of(book, self.range)[0].row}: .*after the export")

    def test_malformed(self):
        for column, value, place in (
            (6, "many", "G"),
            (6, None, "G"),
            (6, True, "G"),
            (6, "80%", "G"),
            (6, 1e300, "G"),
            (7, 4, "H"),
        ):
            book = self.sheet()
            cell = self.row_of(book, self.first)[column]
            cell.value = value
            self.assert_refused(book, rf"{place}{cell.row}: ")
        book = self.sheet()
        self.row_of(book, self.range)[7].value = 0.5
        self.assert_refused(book, rf"H{self.row_of(book, self.range)[0].row}: .*below")
        book = self.sheet()
        self.row_of(book, self.better)[8].value = 0
        self.assert_refused(book, rf"I{self.row_of(book, self.better)[0].row}: ")
        # a formula without a cached value is not an empty cell
        book = self.sheet()
        self.row_of(book, self.first)[6].value = "=1+1"
        self.assert_refused(book, r"G\d+: =1\+1 is not a number")

    def test_forged_sheet(self):
        book = self.sheet()
        key = self.row_of(book, self.first)[0]
        key.value = "999999999." + key.value.split(".", 1)[1]
        self.assert_refused(book, rf"A{key.row}: this goal is not in this database")
        # the key of one row with the names of another, as after sorting only some columns
        book = self.sheet()
        one, two = self.row_of(book, self.first), self.row_of(book, self.range)
        one[0].value, two[0].value = two[0].value, one[0].value
        self.assert_refused(book, "do not belong to this row")
        book = self.sheet()
        one, two = self.row_of(book, self.first), self.row_of(book, self.range)
        for a, b in zip(one, two, strict=True):
            b.value = a.value
        self.assert_refused(book, "twice")
        # a forged signature
        book = self.sheet()
        key = self.row_of(book, self.first)[0]
        key.value = key.value[:-1] + ("0" if key.value[-1] != "0" else "1")
        self.assert_refused(book, "after the export")

    def test_no_sheet(self):
        for content in (b" ", b"PK\x03\x04", b"a,b\n1,2"):
            wizard = self.env["crm.kpi.goal.import"].create({"file": base64.b64encode(content)})
            with self.assertRaises(UserError):
                wizard.action_preview()
        self.assert_refused(openpyxl.Workbook(), "not a sheet of targets")

    def test_rights(self):
        """Users who may not change goals can neither export nor import the sheet."""
        book = self.sheet()
        with self.assertRaises(AccessError):
            self.env["crm.kpi.goal.import"].with_user(self.ann).create({"file": b""})
        file = io.BytesIO()
        book.save(file)
        file.seek(0)
        with self.assertRaisesRegex(UserError, "you may not change it"):
            self.env["crm.kpi.goal"].with_user(self.ann)._read_targets(file)
        with self.assertRaises(AccessError):
            self.env["crm.kpi.export"].with_user(self.ann)._write_workbook(
                WorkbookRequest(layout="targets", goal_ids=self.first.ids), io.BytesIO()
            )
