# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The writer of workbooks, without a database: text typed by users stays text."""

import ast
import doctest
import io
import re
import tempfile
import unicodedata
import zipfile
from datetime import datetime
from pathlib import Path
from unittest.mock import patch

import openpyxl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from odoo.tests import BaseCase, tagged

from odoo.addons.crm_kpi.engine import formula as engine
from odoo.addons.crm_kpi.workbook import book, formats, formulas, kpi_sheet, reader, text
from odoo.addons.crm_kpi.workbook import content as wb
from odoo.addons.crm_kpi.workbook.report import write_report

from .office import formula_cells

NS = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
NASTY = [
    "=1+1",
    "=Sheet!$A$1",
    "='Summary'!A1",
    "{=SUM(A1:A9)}",
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "http://example.com/x",
    "mailto:a@example.com",
    "internal:Sheet!A1",
    "file:///etc/passwd",
    "&R&P &[File] & <b>",
    "a\x00b\x1f\x7f\ufffe\ud800",
    "_x003D_1+1",
    "x" * 40000,
    "'quoted'",
    "[a]:*?/\\",
    "History",
    "",
    "  ",
    "שלום مرحبا",
    "😀" * 40,
    '"; DROP TABLE x',
    "</v></c><f>1</f>",
    "A1",
    "R1C1",
    "TRUE",
    "1e9",
    "#REF!",
    "${jndi:x}",
]
WORDS = [
    "summary",
    "goals",
    "leaderboard",
    "records_page",
    "definitions",
    "audit",
    "values",
    "period",
    "whole",
    "team",
    "user",
    "segment",
    "heat",
    "category",
    "kpi",
    "value",
    "trend",
    "target",
    "forecast",
    "records",
    "attainment",
    "icon",
    "status",
    "projected",
    "change",
    "basis",
    "counter",
    "remark",
    "total",
    "not_summable",
    "partial",
    "chart_note",
]


def make_content(names, **values):
    """A workbook with names typed by users."""
    pick = lambda i: names[i % len(names)]  # noqa: E731
    formula = engine.parse("won / (won + lost)")
    won, lost = ("won", ""), ("lost", "")
    row = lambda label, a, b: wb.Row(  # noqa: E731
        label,
        [None if x + y == 0 else x / (x + y) for x, y in zip(a, b, strict=True)],
        {0: pick(1)},
        {won: a, lost: b},
        record_count=3,
        target=0.5,
        attainment=(a[-1] / (a[-1] + b[-1])) / 0.5,
        status="at_risk",
        status_text=pick(2),
    )
    rate = wb.Measure(
        key=1,
        name=pick(3),
        about=pick(4),
        category=pick(5),
        number_format=formats.number_format("percent", 1),
        part_formats={won: "#,##0", lost: "#,##0"},
        direction="increase",
        unit="percent",
        whole=row(pick(6), [0.0, 3.0, 6.0], [0.0, 5.0, 4.0]),
        targets=[None, 0.5, 0.5],
        forecasts=[None, None, 0.7],
        counts=[0, 8, 10],
        blocks=[
            wb.Block(
                "user",
                pick(7),
                [
                    row(pick(8), [0.0, 1.0, 4.0], [0.0, 3.0, 1.0]),
                    row(pick(9), [0.0, 2.0, 2.0], [0.0, 2.0, 3.0]),
                ],
            ),
            wb.Block("segment", pick(0), [row(pick(1), [0.0, 3.0, 9.0], [0.0, 5.0, 4.0])]),
        ],
        formula=formula,
        constants=[{}, {}, {}],
        part_names={won: pick(10), lost: pick(11)},
        part_summable={won: True, lost: True},
        heat=([pick(12), pick(13)], [(pick(14), [0.1, None]), (pick(15), [None, 0.2])]),
    )
    money = wb.Measure(
        key=2,
        name=pick(16),
        about=pick(17),
        category=pick(5),
        number_format=formats.number_format("money", 2, pick(18)),
        part_formats={},
        direction="decrease",
        unit="money",
        whole=wb.Row(pick(19), [1.0, 2.5, float("nan")], record_count=2),
        targets=[None] * 3,
        forecasts=[None] * 3,
        counts=[1, 2, 0],
        blocks=[
            wb.Block("user", pick(20), [wb.Row(pick(21), [1.0, 2.0, None])]),
            wb.Block("segment", pick(20), [wb.Row(pick(21), [0.5, 1.0, None]),
                                           wb.Row(pick(22), [0.5, 1.5, float("inf")])]),
        ],
        summable=True,
    )  # fmt: skip
    card = wb.Card(
        key=1, category=pick(5), name=pick(3), value=0.6, value_text="60 %", number_format="0.0%",
        target=0.5, target_text="≥ 50 %", attainment=1.2, status="achieved", status_text=pick(23),
        projected=0.7, change=pick(24), basis=pick(25), record_count=10, remark=pick(26), counter=pick(27),
    )  # fmt: skip
    table = wb.Table(
        pick(28),
        [pick(29), pick(30), pick(31)],
        [[wb.StatusText(pick(i), "missed"), i, (float("nan"), pick(i))] for i in range(len(names))],
        formats=[None, "0"],
        note=pick(32),
    )
    content = wb.Content(
        title=pick(0),
        subtitle=pick(1),
        words={word: word for word in WORDS},
        periods=[pick(2), pick(3), pick(4)],
        running=True,
        cards=[card],
        sheets=[(pick(5), [rate, money]), (pick(5), [rate])],
        pages=[wb.Page(pick(6), pick(7), [table, table], [(pick(8), pick(9))])],
        notes=[pick(10)],
        properties={"title": pick(11), "author": pick(12), "created": datetime(2026, 11, 22)},
        facts={"Filters": pick(13), "Other": pick(14)},
        footer=pick(15),
    )
    for name, value in values.items():
        setattr(content, name, value)
    return content


def written(content, flat=False):
    file = io.BytesIO()
    write_report(file, content, flat)
    return file


def parts(file, pattern):
    """XML of the parts of a workbook whose names match."""
    with zipfile.ZipFile(file) as package:
        return {
            name: etree.fromstring(package.read(name))
            for name in package.namelist()
            if re.fullmatch(pattern, name)
        }


def formulas_of(file):
    return [
        (name, cell.get("r"), cell.find("m:f", NS).text)
        for name, root in parts(file, r"xl/worksheets/sheet\d+\.xml").items()
        for cell in root.iterfind(".//m:c", NS)
        if cell.find("m:f", NS) is not None
    ]


@tagged("post_install", "-at_install", "office")
class TestWorkbookText(BaseCase):
    def test_doctests(self):
        for module in (text, formats, formulas, reader):
            result = doctest.testmod(module)
            self.assertFalse(result.failed, module.__name__)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.benign = [cell for _, cell, _ in formulas_of(written(make_content(["Name"] * 40)))]

    def assert_harmless(self, names):
        nasty = written(make_content(names))
        # with any names, the same cells hold formulas: none comes from a text
        self.assertEqual(
            self.benign,
            [cell for _sheet, cell, _text in formulas_of(nasty)],
        )
        for _sheet, _cell, formula in formulas_of(nasty):
            self.assertRegex("=" + formula, formulas.SHAPE)
        for name, root in parts(nasty, r"xl/worksheets/sheet\d+\.xml").items():
            self.assertIsNone(root.find(".//m:hyperlinks", NS), name)
            codes = re.sub("&&", "", root.findtext(".//m:oddHeader", "", NS))
            self.assertEqual(re.findall("&.", codes), ["&L", "&R", "&A"])
            codes = re.sub("&&", "", root.findtext(".//m:oddFooter", "", NS))
            self.assertEqual(re.findall("&.", codes), ["&L", "&R", "&P", "&N"])
        for name, root in parts(nasty, r"xl/charts/chart\d+\.xml").items():
            charts = "{http://schemas.openxmlformats.org/drawingml/2006/chart}f"
            for reference in root.iter(charts):
                self.assertRegex("=" + reference.text, formulas.SHAPE, name)
        for name, root in parts(nasty, r"xl/tables/table\d+\.xml").items():
            self.assertRegex(root.get("name"), r"^kpi_[A-Za-z0-9_]+$", name)
            headers = [c.get("name").casefold() for c in root.iterfind(".//m:tableColumn", NS)]
            self.assertEqual(len(set(headers)), len(headers))
        # a reader accepts it
        again = openpyxl.load_workbook(nasty)
        self.assertEqual(len(set(map(str.casefold, again.sheetnames))), len(again.sheetnames))
        return again

    def test_corpus(self):
        for shift in range(0, len(NASTY), 5):
            self.assert_harmless(NASTY[shift:] + NASTY[:shift])

    @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.one_of(st.text(max_size=60), st.sampled_from(NASTY)), min_size=1))
    def test_fuzz(self, names):
        self.assert_harmless(names)

    def test_names_of_all_scripts(self):
        """Vowel signs, tones and joiners stay in the names of sheets and files."""
        names = [
            "กำไรขั้นต้น",
            "ग्राहक संतुष्टि",
            "வாடிக்கையாளர்",
            "לקוחות חֲדָשִׁים",
            "العُملاء الجُدُد",
            "အရောင်း",
            "می\u200cخواهم",
            "বিক্রয়",
        ]
        taken = set()
        self.assertEqual(
            [text.sheet_name(name, taken) for name in names],
            [unicodedata.normalize("NFC", name) for name in names],
        )
        self.assertEqual(text.file_stem(names[0]), names[0])
        self.assertEqual(text.file_stem(names[1]), names[1].replace(" ", "_"))
        again = self.assert_harmless([*names, *NASTY])
        self.assertIn("အရောင်း", again.sheetnames)

    def test_names_fit_the_limits_of_excel(self):
        """Excel counts in units of UTF-16, and refuses some characters and equal names."""
        taken, long = set(), "𐐀" * 20  # letters beyond the basic plane: two units each
        names = [
            text.sheet_name(name, taken)
            for name in (long, long, "กำ" * 20, "a" * 40, "A" * 40, "[]:*?/\\'", "\u0e31\u200d",
                         "é", "e\u0301", "x\u202ey\u2066", "👩\u200d💻 Sales", "History")
        ]  # fmt: skip
        for name in names:
            self.assertLessEqual(len(name.encode("utf-16-le")) // 2, 31, name)
            self.assertTrue(name.strip("'"), name)
            self.assertFalse(set(name) & set("[]:*?/\\'"), name)
            self.assertNotRegex(name, "[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
        self.assertEqual(len({name.casefold() for name in names}), len(names))
        self.assertEqual(names[7:], ["é", "é 2", "xy", "Sales", "History 2"])
        # a file name has 255 bytes at most, with the day and the extension
        for name in ("กำไร" * 50, "𐐀" * 200, "../../etc", "\u0e31"):
            stem = text.file_stem(name)
            self.assertLessEqual(len(f"{stem}_2026-11-30.xlsx".encode()), 255)
            self.assertFalse({"/", "\\"} & set(stem))

    def test_cells_without_controls_of_direction(self):
        """Such controls make a reader see another number or name than the cell holds."""
        controls = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        name = "a" + "b".join(controls) + "c שלום"
        file = written(make_content([name, *NASTY]))
        with zipfile.ZipFile(file) as package:
            for part in package.namelist():
                content = package.read(part).decode("utf-8", errors="ignore")
                self.assertFalse(set(controls) & set(content), part)
        self.assertEqual(text.clean(name), "a" + "b" * (len(controls) - 1) + "c שלום")

    def test_cells_fit_the_limit_of_excel(self):
        for long in ("x" * 40000, "😀" * 20000, "กำ" * 20000):
            cut = text.clean(long)
            self.assertLessEqual(len(cut.encode("utf-16-le")) // 2, 32767)
            self.assertGreaterEqual(len(cut.encode("utf-16-le")) // 2, 32766)
            self.assertEqual(cut[-1], "…")
        self.assertEqual(text.clean("x" * 32767), "x" * 32767)

    def test_text_stays_literal(self):
        """Text stays literal, with the quote prefix where a CSV import would see a formula."""
        again = self.assert_harmless(NASTY)
        page = again.worksheets[-1]
        cells = {cell.value: cell for row in page.iter_rows() for cell in row if cell.value}
        for name in ("=1+1", "{=SUM(A1:A9)}", "@SUM(A1)", "-2+3"):
            self.assertEqual(cells[name].data_type, "s", name)
        found = [c for row in page.iter_rows() for c in row if c.value == "{=SUM(A1:A9)}"]
        self.assertTrue(all(c.style_array and c.quotePrefix for c in found if c.column > 1))

    def test_rows_beyond_the_limit_of_a_sheet(self):
        """They go on further sheets, each with the headers; no row is lost or written twice."""
        rows = [[f"Row {number}", number, "On track"] for number in range(30)]
        headers = ["Name", "Number", "Status"]
        cells = [[name, number, wb.StatusText(text, "on_track")] for name, number, text in rows]
        look = {"bar_column": 1}
        for last_row, flat, count in (
            (9, False, 30),
            (9, True, 30),
            (9, False, 14),
            (33, False, 30),
        ):
            with self.subTest(last_row=last_row, flat=flat, count=count):
                content = make_content(["x"] * 30)
                content.cards, content.sheets = [], []
                listed = iter(cells[:count]) if flat else cells[:count]
                two = [
                    wb.Table("One", headers, listed, **look),
                    wb.Table("Two", headers, [rows[0]]),
                ]
                content.pages = [
                    wb.Page("One", "One", two[:1]),
                    wb.Page(
                        "Both", "Both", [wb.Table("One", headers, cells[:count], **look), two[1]]
                    ),
                ]
                with patch("odoo.addons.crm_kpi.workbook.report.LAST_ROW", last_row):
                    file = written(content, flat)
                book = openpyxl.load_workbook(file)
                for name, expected in (("One", rows[:count]), ("Both", [*rows[:count], rows[0]])):
                    sheets = [sheet for sheet in book if sheet.title.split()[0] == name]
                    found = []
                    for sheet in sheets:
                        self.assertLessEqual(sheet.max_row, last_row + 1)
                        lines = [list(line[:3]) for line in sheet.iter_rows(values_only=True)]
                        self.assertIn(headers, lines)
                        found += [line for line in lines if str(line[0]).startswith("Row ")]
                    self.assertEqual(found, expected)
                    if last_row == 9:
                        self.assertGreater(len(sheets), 1)

    def test_corpus_recalculated(self):
        """LibreOffice opens the workbook and computes the same values."""
        for shift in (0, 20, 26):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "book.xlsx")
                write_report(path, make_content(NASTY[shift:] + NASTY[:shift]))
                cells = formula_cells(path)
            self.assertGreater(len(cells), 20)
            for place, (formula, cached, again) in cells.items():
                self.assertAlmostEqual(cached, again, 9, (place, formula))

    def test_formula_shape(self):
        sheet = book.Book(io.BytesIO()).sheet("x", "x")
        for formula in (
            '=HYPERLINK("http://x")',
            "=cmd|x!A1",
            "1+1",
            "='[1]x'!A1",
            "=WEBSERVICE(A1)",
        ):
            with self.assertRaises(ValueError):
                sheet.formula(0, 0, formula, 1)
        with self.assertRaises(ValueError):
            sheet.text(2_000_000, 0, "lost")


@tagged("post_install", "-at_install", "office")
class TestWorkbookNumbers(BaseCase):
    def cells(self, content, sheet):
        file = written(content)
        formulas_ = openpyxl.load_workbook(file)[sheet]
        cached = openpyxl.load_workbook(file, data_only=True)[sheet]
        return formulas_, cached

    def find(self, sheet, label, after=1):
        return next(row[0].row for row in sheet.iter_rows(min_row=after) if row[0].value == label)

    def content(self):
        names = [f"Name {i}" for i in range(40)]
        return make_content(names)

    def test_ratio(self):
        """A ratio reads its components; the total divides their sums: 6 of 10, not 60 %."""
        live, cached = self.cells(self.content(), "Name 5")
        row = self.find(cached, "Name 8")
        self.assertEqual(cached.cell(row, 4).value, 0.8)
        self.assertEqual(cached.cell(row + 1, 4).value, 0.4)
        self.assertEqual(cached.cell(row + 2, 4).value, 0.6)
        self.assertEqual(cached.cell(row + 2, 1).value, "total")
        self.assertRegex(live.cell(row + 2, 4).value, r"^=IF\(COUNT\(")
        # nothing to divide by: no value, not zero
        self.assertEqual(cached.cell(row + 2, 2).value, "Name 1")
        self.assertEqual(cached.cell(row, 2).value, "Name 1")

    def test_not_summable(self):
        """Overlapping rows do not add up: the total is the stored value, with a note."""
        live, cached = self.cells(self.content(), "Name 5")
        row = self.find(cached, "Name 1", after=4)
        self.assertEqual(cached.cell(row + 1, 4).value, 0.6)
        self.assertEqual(live.cell(row + 1, 4).value, 0.6)
        self.assertEqual(cached.cell(row + 1, 1).value, "partial")

    def test_sum(self):
        live, cached = self.cells(self.content(), "Name 5")
        row = self.find(cached, "Name 22")
        self.assertEqual(cached.cell(row + 1, 3).value, 2.5)
        self.assertRegex(live.cell(row + 1, 3).value, r"^=SUBTOTAL\(109,C\d+:C\d+\)$")
        # neither NaN nor infinity
        self.assertEqual(cached.cell(row, 4).value, "–")
        self.assertEqual(cached.cell(row + 1, 4).value, "–")

    def test_recalculated(self):
        """LibreOffice computes the values that the file has cached."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "book.xlsx")
            write_report(path, self.content())
            cells = formula_cells(path)
        self.assertGreater(len(cells), 20)
        for place, (formula, cached, again) in cells.items():
            self.assertAlmostEqual(cached, again, 9, (place, formula))

    def test_formula_words(self):
        """All functions of KPI formulas, against the engine's own evaluation."""
        one, two = ("a", ""), ("b", "previous")
        tree = (
            "max(a, previous(b)) - min(a, 2) * abs(0 - previous(b)) / days + require(a, 1)"
            " + if(a <> 3, 10, 20) + coalesce(a / (a - 3.5), 100)"
        )
        formula = engine.parse(tree)
        content = self.formula_content(formula, {one: 3.5, two: 4.0}, {"days": 30})
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "book.xlsx")
            write_report(path, content)
            cells = {k: v for k, v in formula_cells(path).items() if k[0] == "S"}
        [(text_, cached, again)] = cells.values()
        self.assertIn("MAX(", text_)
        self.assertAlmostEqual(cached, 4 - 2 * 4 / 30 + 3.5 + 10 + 100, 9)
        self.assertAlmostEqual(again, cached, 9)

    def test_formula_without_a_part_is_not_live(self):
        """A formula of cells is empty where a part is missing; a value that needs none is not."""
        formula = engine.parse("coalesce(a, b) + 1")
        for number, live in ((2.0, 1), (None, 0)):
            content = self.formula_content(formula, {("a", ""): number, ("b", ""): 5.0}, {})
            sheet = openpyxl.load_workbook(written(content))["S"]
            found = [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
            self.assertEqual(len(found), live, number)

    def formula_content(self, formula, parts, constants):
        """A workbook with one KPI in one period: the numbers of its parts, and its value."""
        row = wb.Row("x", [None], parts={part: [number] for part, number in parts.items()})
        values = {engine.Component(*part): number for part, number in parts.items()}
        row.values = [formula.evaluate(values, constants)]
        content = self.content()
        measure = content.sheets[0][1][1]
        measure.formula, measure.constants = formula, [constants]
        measure.part_names = {part: part[0] for part in parts}
        measure.part_formats = dict.fromkeys(parts, "0")
        measure.whole, measure.blocks, measure.forecasts = row, [], [None]
        measure.targets = measure.counts = [None]
        content.periods, content.sheets = ["p"], [("S", [measure])]
        content.cards[0].key = None
        return content

    def test_parts(self):
        """Charts refer to cells, tables cover their rows, panes and pages are set."""
        file = written(self.content())
        charts = parts(file, r"xl/charts/chart\d+\.xml")
        self.assertEqual(len(charts), 2 + 2 + 2)
        self.assertTrue(all(b"c:strRef" in etree.tostring(root) for root in charts.values()))
        hatched = [r for r in charts.values() if b"wdUpDiag" in etree.tostring(r)]
        self.assertEqual(len(hatched), 2)
        again = openpyxl.load_workbook(file)
        sheet = again["Name 5"]
        self.assertEqual(sheet.freeze_panes, "B4")
        self.assertEqual(sheet.page_setup.orientation, "landscape")
        self.assertEqual(sheet.page_setup.paperSize, 9)
        tables = {table.name: table for table in sheet.tables.values()}
        self.assertIn("kpi_Name_3_user", tables)
        self.assertEqual(again.properties.title, "Name 11")

    def test_right_to_left(self):
        file = written(make_content(["Name"] * 40, rtl=True, letter=True))
        again = openpyxl.load_workbook(file)
        self.assertTrue(all(sheet.sheet_view.rightToLeft for sheet in again))
        self.assertEqual(again.worksheets[0].page_setup.paperSize, 1)

    def test_streamed_rows(self):
        """Streamed rows: no Excel tables, the same cells."""
        rows = ([f"=row {i}", i, i / 3] for i in range(3000))
        table = wb.Table("List", ["Text", "Number", "Share"], rows, formats=[None, "0", "0%"])
        content = make_content(["Name"] * 40, sheets=[], cards=[],
                               pages=[wb.Page("List", "List", [table])])  # fmt: skip
        file = written(content, flat=True)
        sheet = openpyxl.load_workbook(file)["List"]
        self.assertEqual(sheet.cell(3003, 1).value, "=row 2999")
        self.assertEqual(sheet.cell(3003, 1).data_type, "s")
        self.assertEqual(sheet.cell(3003, 2).value, 2999)
        self.assertFalse(formulas_of(file))

    def test_tree_is_whitelisted(self):
        with self.assertRaises(KeyError):
            formulas.ratio_formula(ast.parse("a + secret", mode="eval").body, {("a", ""): "A1"}, {})
        self.assertEqual(kpi_sheet.CHART_HEIGHT % 10, 0)
