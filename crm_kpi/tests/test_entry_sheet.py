# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The table of manual values as a sheet that is downloaded, filled in and uploaded."""

import base64
import csv
import io
import tempfile
from pathlib import Path

import openpyxl

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..entries.sheet import HEAD, KEY, NAMES, PERIODS
from .office import convert
from .test_entry_grid import EntryGridCase

#: March 2026 in the columns from November to April, as it is counted in Excel.
MARCH, APRIL = NAMES + 5, NAMES + 6


class EntrySheetCase(EntryGridCase):
    def sheet(self, user=None, **options):
        """The downloaded workbook, for editing."""
        file = self.entries(user).get_grid_file(options)
        return openpyxl.load_workbook(io.BytesIO(base64.b64decode(file["content"])))

    def row_of(self, book, kpi, owner=None):
        return next(
            row[0].row
            for row in book.active.iter_rows(min_row=HEAD + 2)
            if row[0].value == kpi.name and owner in (None, row[1].value)
        )

    def upload(self, book, user=None):
        file = io.BytesIO()
        book.save(file)
        return self.upload_bytes(file.getvalue(), user)

    def upload_bytes(self, content, user=None):
        return self.entries(user).read_grid_file(base64.b64encode(content).decode())

    def changes(self, answer):
        """What the file changes, by KPI, owner and period."""
        table = answer["table"]
        lines, columns = table["lines"], table["columns"]
        return {
            (
                lines[change["line"]]["kpi"],
                lines[change["line"]]["owner"],
                columns[change["column"]]["date"],
            ): change["value"]
            for change in answer["changes"]
        }

    def assert_refused(self, book, *texts):
        with self.assertRaises(UserError) as caught:
            self.upload(book)
        for text in texts:
            self.assertIn(text, str(caught.exception))
        self.assertEqual(self.stored(), [])


@tagged("post_install", "-at_install", "office")
class TestEntrySheet(EntrySheetCase):
    def test_sheet(self):
        """Names, periods and values; only the cells of values can be changed."""
        self.save((self.visits, self.ann, "2026-03-01", 12), rows="user")
        self.save((self.quality, self.bob, "2026-03-01", 0.25), rows="user")
        sheet = self.sheet(rows="user", team_id=self.north.id).active
        self.assertTrue(sheet.protection.sheet)
        rows = [[cell.value for cell in row][:KEY] for row in sheet.iter_rows(min_row=HEAD + 1)]
        self.assertEqual(rows[0][:4], ["KPI", "For", "Unit", "November 2025"])
        self.assertEqual(rows[0][-1], "April 2026")
        none = [None] * 4
        self.assertEqual(
            rows[1:],
            [
                ["Visits", "Ann", "", *none, 12, None],
                ["Visits", "Bob", "", *none, None, None],
                ["Quality", "Ann", "%", *none, None, None],
                ["Quality", "Bob", "%", *none, 0.25, None],
            ],
        )
        row = HEAD + 2
        locked = [sheet.cell(row, column).protection.locked for column in range(1, KEY + 2)]
        self.assertEqual(locked, [True] * 3 + [False] * 6 + [True])
        self.assertEqual(sheet.cell(HEAD + 5, MARCH).number_format, "0%")
        hidden = {name for name, column in sheet.column_dimensions.items() if column.hidden}
        self.assertEqual(len(hidden), 1)
        self.assertTrue(sheet.row_dimensions[PERIODS + 1].hidden)

    def test_round_trip(self):
        """Values of the file are unsaved changes of the table; empty cells change nothing."""
        self.save((self.visits, False, "2026-02-01", 5), (self.visits, False, "2026-01-01", 4))
        book = self.sheet()
        self.assertEqual(self.changes(self.upload(book)), {})
        visits, quality = self.row_of(book, self.visits), self.row_of(book, self.quality)
        book.active.cell(visits, MARCH).value = 7
        book.active.cell(visits, MARCH - 1).value = 6
        book.active.cell(visits, MARCH - 2).value = None
        book.active.cell(quality, MARCH).value = 0.5
        book.active.cell(quality, APRIL).value = 0
        answer = self.upload(book)
        company = self.company.name
        self.assertEqual(
            self.changes(answer),
            {
                ("Visits", company, "2026-03-01"): 7,
                ("Visits", company, "2026-02-01"): 6,
                ("Quality", company, "2026-03-01"): 0.5,
                ("Quality", company, "2026-04-01"): 0,
            },
        )
        self.assertEqual(len(self.stored()), 2, "nothing is saved")
        saved = [
            {**answer["table"]["lines"][change["line"]], **change,
             "date": answer["table"]["columns"][change["column"]]["date"]}
            for change in answer["changes"]
        ]  # fmt: skip
        self.entries().save_grid({}, saved)
        self.assertEqual(
            {(kpi.name, day): value for kpi, _user, day, _end, value in self.stored()},
            {
                ("Visits", "2026-01-01"): 4,
                ("Visits", "2026-02-01"): 6,
                ("Visits", "2026-03-01"): 7,
                ("Quality", "2026-03-01"): 0.5,
                ("Quality", "2026-04-01"): 0,
            },
        )
        self.assertEqual(self.upload(book)["changes"], [])

    def test_other_periods_and_lines(self):
        """The table of the file is shown, whatever was shown before; rows can be sorted."""
        book = self.sheet(period_kind="quarter", rows="user", date="2025-05-05")
        sheet = book.active
        row = self.row_of(book, self.quality, "Cid")
        first = HEAD + 2
        for column in range(1, KEY + 2):
            one, two = sheet.cell(first, column), sheet.cell(row, column)
            one.value, two.value = two.value, one.value
        sheet.cell(first, APRIL).value = 0.75
        answer = self.upload(book)
        self.assertEqual(answer["table"]["period_kind"], "quarter")
        self.assertEqual(self.changes(answer), {("Quality", "Cid", "2025-04-01"): 0.75})

    def test_wrong_cells_are_named(self):
        """All of them in one message."""
        book = self.sheet()
        visits, quality = self.row_of(book, self.visits), self.row_of(book, self.quality)
        book.active.cell(visits, MARCH).value = "abc"
        book.active.cell(quality, APRIL).value = "=1+1"
        book.active.cell(visits, APRIL).value = True
        column, last = (openpyxl.utils.get_column_letter(number) for number in (MARCH, APRIL))
        self.assert_refused(
            book,
            "Nothing was changed.",
            f"{column}{visits}: “abc” is not a number.",
            f"{last}{visits}: “True” is not a number.",
            f"{last}{quality}: “=1+1” is not a number.",
        )

    def test_texts_are_read_as_they_are_typed(self):
        """In the language of the user; a separator of thousands stands before three digits."""
        self.env["res.lang"]._activate_lang("de_DE")
        for lang, text, kpi, value in (
            ("en_US", "1,234.5", self.visits, 1234.5),
            ("en_US", " -7 ", self.visits, -7),
            ("en_US", "25%", self.quality, 0.25),
            ("en_US", "25", self.quality, 0.25),
            ("de_DE", "1.234,5", self.visits, 1234.5),
            ("de_DE", "12,5 %", self.quality, 0.125),
            ("en_US", "12,5", self.visits, None),
            ("de_DE", "12.5", self.visits, None),
            ("en_US", "1,23,456", self.visits, None),
            ("en_US", "1e5", self.visits, None),
            ("en_US", "٣", self.visits, None),
        ):
            with self.subTest(lang=lang, text=text):
                book = self.sheet()
                book.active.cell(self.row_of(book, kpi), MARCH).value = text
                file = io.BytesIO()
                book.save(file)
                entries = self.entries().with_context(lang=lang)
                content = base64.b64encode(file.getvalue()).decode()
                if value is None:
                    with self.assertRaises(UserError):
                        entries.read_grid_file(content)
                else:
                    [change] = entries.read_grid_file(content)["changes"]
                    self.assertAlmostEqual(change["value"], value)

    def test_several_entries(self):
        """Their sum may stay in the file, but is not changed by it."""
        for team in (self.north, self.south):
            self.env["crm.kpi.entry"].create(
                {
                    "kpi_id": self.visits.id,
                    "company_id": self.company.id,
                    "date": "2026-03-05",
                    "user_id": self.ann.id,
                    "team_id": team.id,
                    "value": 5,
                }
            )
        book = self.sheet(rows="user")
        cell = book.active.cell(self.row_of(book, self.visits, "Ann"), MARCH)
        self.assertEqual(cell.value, 10)
        self.assertTrue(cell.protection.locked)
        self.assertEqual(self.upload(book)["changes"], [])
        cell.value = 11
        with self.assertRaisesRegex(UserError, "there are several entries"):
            self.upload(book)

    def test_wrong_rows(self):
        """Names that were moved, lines twice, and lines that are gone."""
        book = self.sheet()
        visits, quality = self.row_of(book, self.visits), self.row_of(book, self.quality)
        key = book.active.cell(visits, KEY + 1)
        key.value = book.active.cell(quality, KEY + 1).value
        self.assert_refused(book, f"A{visits}: KPI and person do not belong to this row.")
        for column in (1, 2):
            value = book.active.cell(quality, column).value
            book.active.cell(visits, column).value = value
        self.assert_refused(book, f"A{quality}: this line is on the sheet twice.")
        for forged in (
            "kpi0_team0_user0",
            "x",
            None,
            f"kpi{self.make_kpi('other').id}_team0_user0",
        ):
            key.value = forged
            self.assert_refused(book, f"A{visits}: this KPI, team or person is not in the table.")
        book = self.sheet()
        self.visits.name = "Visits to customers"
        self.assert_refused(book, "KPI and person do not belong to this row.")

    def test_other_files(self):
        for content, text in (
            (b"", "it is not a sheet of manual values"),
            (b"a;b\n1;2", "it is not a sheet of manual values"),
            (b"PK\x03\x04", "it cannot be read"),
            (b"\x00\x01\x02", "File: it"),
        ):
            with self.assertRaisesRegex(UserError, text):
                self.upload_bytes(content)
        for content in ("***", 5, None, [1]):
            with self.assertRaisesRegex(UserError, "File: it"):
                self.entries().read_grid_file(content)
        self.assert_refused(openpyxl.Workbook(), "it is not a sheet of manual values")
        for mark in ("crm_kpi values 1 planet user", "crm_kpi values 1 month", "crm_kpi values 1 "):
            book = self.sheet()
            book.active.cell(PERIODS + 1, KEY + 1).value = mark
            self.assert_refused(book, "it is not a sheet of manual values")
        book = self.sheet()
        book.active.cell(PERIODS + 1, MARCH).value = "from 2026-02-01"
        self.assert_refused(book, "it is not a sheet of manual values")
        with self.assertRaisesRegex(UserError, "larger than 10 MB"):
            self.upload_bytes(b"x" * ((10 << 20) + 1))

    def as_csv(self, book, delimiter, encoding):
        """The sheet as Excel saves it: numbers as texts."""
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=delimiter)
        for row in book.active.iter_rows(values_only=True):
            writer.writerow(["" if value is None else value for value in row])
        return out.getvalue().encode(encoding)

    def test_csv(self):
        """With each separator and encoding that Excel writes."""
        self.visits.name = "Besüche"
        book = self.sheet()
        book.active.cell(self.row_of(book, self.visits), MARCH).value = "1,234.5"
        book.active.cell(self.row_of(book, self.quality), MARCH).value = "12%"
        for delimiter, encoding in ((";", "utf-8-sig"), (",", "cp1252"), ("\t", "utf-16")):
            with self.subTest(delimiter):
                answer = self.upload_bytes(self.as_csv(book, delimiter, encoding))
                company = self.company.name
                self.assertEqual(
                    self.changes(answer),
                    {
                        ("Besüche", company, "2026-03-01"): 1234.5,
                        ("Quality", company, "2026-03-01"): 0.12,
                    },
                )
        book.active.cell(self.row_of(book, self.visits), MARCH).value = "abc"
        letter = openpyxl.utils.get_column_letter(MARCH)
        with self.assertRaisesRegex(UserError, f"{letter}{self.row_of(book, self.visits)}: “abc”"):
            self.upload_bytes(self.as_csv(book, ";", "utf-8"))

    def test_csv_saved_by_libreoffice(self):
        """Numbers as they are shown, with hidden cells; what was not edited stays as it is."""
        self.save(
            (self.quality, False, "2026-01-01", 0.125), (self.visits, False, "2026-02-01", 2.5)
        )
        book = self.sheet()
        book.active.cell(self.row_of(book, self.visits), MARCH).value = 1234
        book.active.cell(self.row_of(book, self.quality), MARCH).value = 0.5
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "in.xlsx")
            book.save(path)
            kind = "csv:Text - txt - csv (StarCalc):44,34,76"
            content = convert(path, kind, Path(folder, "out")).read_bytes()
        self.assertEqual(
            set(self.changes(self.upload_bytes(content)).values()),
            {1234, 0.5},
        )

    def test_rights(self):
        """Only users who enter values download and upload them."""
        book = self.sheet()
        with self.assertRaises(AccessError):
            self.sheet(self.ann)
        with self.assertRaises(AccessError):
            self.upload(book, self.ann)
