# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A workbook that writes text only as text, and formulas only in known shapes."""

import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell

from . import text as texts
from .content import NO_VALUE
from .formats import DARK, GRID, LIGHT, Styles
from .formulas import SHAPE, is_number

#: The last row that Excel has, counted from 0.
LAST_ROW = 1_048_575
A4, LETTER = 9, 1
#: Widths of columns, in characters.
NARROWEST, WIDEST = 7, 44


class Book:
    """A file being written.

    :param file: path or binary file
    :param flat: whether rows are streamed. Memory stays flat, but there are no Excel tables, and
        an earlier row cannot be written any more
    """

    def __init__(self, file, rtl=False, letter=False, footer="", flat=False):
        # text is written by write_string only; these options are a second protection
        options = {
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "nan_inf_to_errors": False,
        }
        if flat:
            options["constant_memory"] = True
        self.workbook = xlsxwriter.Workbook(file, options)
        self.flat = flat
        self.rtl = rtl
        self.paper = LETTER if letter else A4
        self.footer = footer
        self.styles = Styles(self.workbook)
        self.formulas = 0
        self._sheet_names, self._table_names = set(), set()

    def sheet(self, name, title):
        return Sheet(self, texts.sheet_name(name, self._sheet_names), title)

    def table_name(self, name):
        return texts.table_name(name, self._table_names)

    def describe(self, properties, facts):
        """Set the properties of the file."""
        known = {"title", "subject", "author", "company", "category", "keywords", "comments"}
        described = {k: texts.one_line(v, 250) for k, v in properties.items() if k in known}
        if properties.get("created"):
            described["created"] = properties["created"]
        self.workbook.set_properties(described)
        for name, value in facts.items():
            self.workbook.set_custom_property(
                texts.one_line(name, 200), texts.one_line(value, 250) or NO_VALUE, "text"
            )

    def close(self):
        self.workbook.close()


class Sheet:
    """A sheet of a :class:`Book`; rows and columns count from 0."""

    def __init__(self, book, name, title):
        self.book, self.name = book, name
        self.inner = book.workbook.add_worksheet(name)
        self.styles = book.styles
        if book.rtl:
            self.inner.right_to_left()
        self.inner.hide_gridlines(2)
        self.inner.set_landscape()
        self.inner.set_paper(book.paper)
        self.inner.fit_to_pages(1, 0)
        self.inner.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
        self.inner.set_header(f"&L{texts.page_text(title)}&R&A")
        self.inner.set_footer(f"&L{texts.page_text(book.footer)}&R&P / &N")

    # --- CELLS ---

    def text(self, row, col, value, **look):
        value = texts.clean(value)
        if value.startswith(texts.RISKY):
            look["quote_prefix"] = True
        self._done(self.inner.write_string(row, col, value, self.styles.get(**look)))

    def number(self, row, col, value, number_format="General", note=NO_VALUE, **look):
        """A number, or a note in its place if there is none."""
        if not is_number(value):
            self.text(
                row, col, note or NO_VALUE, align="right", **{"font_color": "#666666", **look}
            )
            return
        look = self.styles.get(num_format=number_format, **look)
        self._done(self.inner.write_number(row, col, value, look))

    def formula(self, row, col, formula, value, number_format="General", **look):
        """A live formula, with its value for programs that do not calculate."""
        if not SHAPE.fullmatch(formula):
            raise ValueError(f"not a formula of a workbook: {formula!r}")
        look = self.styles.get(num_format=number_format, **look)
        self._done(self.inner.write_formula(row, col, formula, look, value))
        self.book.formulas += 1

    @staticmethod
    def _done(code):
        # xlsxwriter returns a negative code when a cell was not written
        if code:
            raise ValueError(f"a cell could not be written ({code})")

    def reference(self, row, col, absolute=False):
        """``'Sheet'!A1`` of a cell, for formulas on other sheets."""
        cell = xl_rowcol_to_cell(row, col, row_abs=absolute, col_abs=absolute)
        return f"'{self.name}'!{cell}"

    def cells(self, row1, col1, row2, col2):
        """``='Sheet'!$A$1:$B$2``, for charts and sparklines."""
        first = xl_rowcol_to_cell(row1, col1, row_abs=True, col_abs=True)
        last = xl_rowcol_to_cell(row2, col2, row_abs=True, col_abs=True)
        return f"='{self.name}'!{first}:{last}"

    # --- PARTS ---

    def title(self, title, subtitle=""):
        self.inner.set_row(0, 24)
        self.text(0, 0, title, bold=True, font_size=16, font_color=DARK)
        if subtitle:
            self.text(1, 0, subtitle, font_color="#555555")

    def headers(self, row, col, names, **look):
        look = {
            "bold": True,
            "font_color": "#FFFFFF",
            "bg_color": DARK,
            "text_wrap": True,
            "valign": "top",
            **look,
        }
        for offset, name in enumerate(names):
            self.text(row, col + offset, name, **look)

    def table(self, row, col, names, count, name, autofilter=True, right=()):
        """An Excel table: headers at ``row``; the caller writes the ``count`` rows of cells.

        :param right: columns of numbers, whose headers are aligned to the right
        """
        names = texts.headers(names)
        if self.book.flat or not count:
            self.headers(row, col, names)
            return
        look = {
            "bold": True,
            "font_color": "#FFFFFF",
            "bg_color": DARK,
            "text_wrap": True,
            "valign": "top",
        }
        looks = [
            self.styles.get(**look, align="right" if i in right else "left")
            for i in range(len(names))
        ]
        self._done(
            self.inner.add_table(
                row,
                col,
                row + count,
                col + len(names) - 1,
                {
                    "name": self.book.table_name(name),
                    "style": "Table Style Light 1",
                    "autofilter": autofilter,
                    "columns": [
                        {"header": header, "header_format": look}
                        for header, look in zip(names, looks, strict=True)
                    ],
                },
            )
        )

    def total_look(self):
        return {"bold": True, "top": 1, "border_color": GRID, "bg_color": LIGHT}

    def widths(self, widths, first=0):
        for offset, width in enumerate(widths):
            self.inner.set_column(
                first + offset, first + offset, min(max(width + 2, NARROWEST), WIDEST)
            )
