# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Targets that are exported to Excel and imported again."""

import base64
import io
import tempfile
import zipfile
from pathlib import Path

import openpyxl
from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..workbook.request import WorkbookRequest
from ..workbook.target_grid import KEY
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
            if (row[KEY].value or "").split(".")[0] == str(goal.id)
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
        self.assertEqual([cell.value for cell in row[:3]], ["=Deals", "March 2026", "Ann"])
        self.assertEqual(row[0].data_type, "s")
        self.assertTrue(all(cell.protection.locked for cell in (*row[:8], row[KEY])))
        self.assertEqual([cell.protection.locked for cell in row[8:12]], [False, True, True, False])
        self.assertEqual(
            [c.protection.locked for c in self.row_of(book, self.better)[8:12]],
            [True, True, False, False],
        )
        [validation] = sheet.data_validations.dataValidation
        self.assertEqual((validation.type, str(validation.sqref)), ("decimal", "I6:K8"))

    def test_texts_are_in_columns_that_are_seen(self):
        """Title, periods and instructions; only the key is hidden."""
        april = self.period("month", "2026-04-10")
        self.goals += self.first.copy({"period_id": april.id})
        sheet = self.sheet().active
        hidden = {name for name, column in sheet.column_dimensions.items() if column.hidden}
        self.assertEqual(hidden, {"M"})
        self.assertEqual(sheet["A1"].value, "Targets")
        # the periods of the goals, not the running one of the board
        self.assertEqual(sheet["A2"].value, "KPI company · March 2026 – April 2026")
        self.assertIn("yellow cells", sheet["A3"].value)
        self.assertEqual(
            [cell.value for cell in sheet[5]][:12],
            ["KPI", "Period", "For", "Goal", "Unit", "Last period", "Last value", "Last target",
             "Target", "Upper bound", "Improve by", "Notes and plan"],
        )  # fmt: skip

    def test_workbook_of_chosen_rows_names_their_periods(self):
        """Also a workbook of chosen goals or values is not about the period of a board."""
        self.make_lead("2026-03-10 10:00:00", user_id=self.ann.id)
        self.deals._refresh(self.month, self.deals)
        export = self.env["crm.kpi.export"].with_user(self.manager)
        for request in (
            WorkbookRequest(layout="goals", goal_ids=self.goals.ids),
            WorkbookRequest(layout="list", value_ids=self.cells(self.deals, self.month).ids),
        ):
            self.assertEqual(export._reader(request).subtitle, "KPI company · March 2026")

    def test_last_value_and_target(self):
        """They are those of February, the latest month that is over."""
        february = self.period("month", "2026-02-10")
        for user, number in ((self.ann, 3), (self.cid, 7)):
            for _i in range(number):
                self.make_lead("2026-02-10 10:00:00", user_id=user.id)
        self.make_lead("2026-03-10 10:00:00", user_id=self.ann.id)
        self.deals._refresh(february + self.month, self.deals)
        values = {"kpi_id": self.deals.id, "period_id": february.id, "scope": "user"}
        self.env["crm.kpi.goal"].create(
            [
                {**values, "user_id": self.ann.id, "target": 4},
                {**values, "user_id": self.bob.id, "kind": "range", "target": 1, "target_max": 2},
            ]
        )
        later = self.first.copy({"period_id": self.period("month", "2026-05-10").id})
        self.goals += later
        with freeze_time("2026-03-20 12:00:00"):
            book = self.sheet()
        shown = {goal: [cell.value for cell in self.row_of(book, goal)[5:8]] for goal in self.goals}
        self.assertEqual(
            shown,
            {
                self.first: ["February 2026", 3, 4],
                self.range: ["February 2026", 0, "1 – 2"],
                self.better: ["February 2026", 7, "–"],
                # April is not over, and neither is March
                later: ["February 2026", 3, 4],
            },
        )

    def test_round_trip(self):
        book = self.sheet()
        wizard = self.wizard(book)
        wizard.action_preview()
        self.assertFalse(wizard.line_ids)
        with self.assertRaises(UserError):
            wizard.action_apply()
        self.row_of(book, self.first)[8].value = 7.5
        self.row_of(book, self.first)[11].value = "=More"
        self.row_of(book, self.first)[11].data_type = "s"
        self.row_of(book, self.range)[9].value = 4
        self.row_of(book, self.better)[10].value = 0.5
        wizard = self.wizard(book)
        wizard.action_preview()
        self.assertEqual(
            {(line.goal_id, line.field_name): (line.old, line.new) for line in wizard.line_ids},
            {
                (self.first, "Target"): ("5", "7.5"),
                (self.first, "Notes and plan"): ("", "=More"),
                (self.range, "Upper bound"): ("3", "4"),
                (self.better, "Improve by"): ("25\u00a0%", "50\u00a0%"),
            },
        )
        self.assertEqual(wizard.apply_text, "Apply 4 changes")
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
        cell = self.row_of(book, self.first)[8]
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
            self.row_of(book, self.first)[8].value = 9
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
        self.row_of(book, self.first)[8].value = 9
        self.range.target = 2
        self.assert_refused(book, rf"A{self.row_of(book, self.range)[0].row}: .*after the export")

    def test_malformed(self):
        for column, value, place in (
            (8, "many", "I"),
            (8, None, "I"),
            (8, True, "I"),
            (8, "80%", "I"),
            (8, 1e300, "I"),
            (9, 4, "J"),
        ):
            book = self.sheet()
            cell = self.row_of(book, self.first)[column]
            cell.value = value
            self.assert_refused(book, rf"{place}{cell.row}: ")
        book = self.sheet()
        self.row_of(book, self.range)[9].value = 0.5
        self.assert_refused(book, rf"J{self.row_of(book, self.range)[0].row}: .*below")
        book = self.sheet()
        self.row_of(book, self.better)[10].value = 0
        self.assert_refused(book, rf"K{self.row_of(book, self.better)[0].row}: ")
        # a formula without a cached value is not an empty cell
        book = self.sheet()
        self.row_of(book, self.first)[8].value = "=1+1"
        self.assert_refused(book, r"I\d+: “=1\+1” is not a number")

    def test_forged_sheet(self):
        book = self.sheet()
        key = self.row_of(book, self.first)[KEY]
        key.value = "999999999." + key.value.split(".", 1)[1]
        self.assert_refused(book, rf"A{key.row}: this goal is not in this database")
        # the key of one row with the names of another, as after sorting only some columns
        book = self.sheet()
        one, two = self.row_of(book, self.first), self.row_of(book, self.range)
        one[KEY].value, two[KEY].value = two[KEY].value, one[KEY].value
        self.assert_refused(book, "do not belong to this row")
        book = self.sheet()
        one, two = self.row_of(book, self.first), self.row_of(book, self.range)
        for a, b in zip(one, two, strict=True):
            b.value = a.value
        self.assert_refused(book, "twice")
        # a forged signature
        book = self.sheet()
        key = self.row_of(book, self.first)[KEY]
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
