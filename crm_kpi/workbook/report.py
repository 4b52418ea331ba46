# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The sheets of a workbook in their order: summary, KPIs, then pages of plain tables."""

from itertools import chain, islice

from . import formulas
from .book import LAST_ROW, Book
from .content import NO_VALUE, StatusText
from .formats import DARK
from .kpi_sheet import KpiSheet
from .text import clean

#: Icon of a status, from 1 (red) to 3 (green).
ICONS = {"achieved": 3, "on_track": 3, "at_risk": 2, "off_track": 1, "missed": 1}


def write_report(file, content, flat=False):
    """Write a workbook.

    :param file: path or binary file
    :param content: :class:`~.content.Content`
    :param flat: stream the rows of the pages, which keeps memory flat
    :return: number of live formulas
    """
    book = Book(file, content.rtl, content.letter, content.footer, flat)
    book.describe(content.properties, content.facts)
    summary = book.sheet(content.words["summary"], content.title) if content.cards else None
    places = {}
    for name, measures in content.sheets:
        sheet = book.sheet(name, content.title)
        writer = KpiSheet(sheet, content)
        writer.fill(name, measures)
        for key, place in writer.places.items():
            places.setdefault(key, (sheet, *place))
    if summary:
        _summary(summary, content, places)
    for page in content.pages:
        PageWriter(book, page, content.title).write_page()
    book.close()
    return book.formulas


def _summary(sheet, content, places):
    words = content.words
    sheet.title(content.title, content.subtitle)
    row = 2
    for note in content.notes:
        sheet.text(row, 0, note, font_color="#7A4B00")
        row += 1
    row += 1
    names = ["category", "kpi", "value", "trend", "target", "attainment", "icon", "status",
             "forecast", "change", "basis", "records", "counter", "remark"]  # fmt: skip
    sheet.table(
        row,
        0,
        [words[name] for name in names],
        len(content.cards),
        words["summary"],
        right={2, 4, 5, 8, 11},
    )
    header = row
    for card in content.cards:
        row += 1
        sheet.inner.set_row(row, 30)
        _card(sheet, card, row, places)
    first = header + 1
    if content.cards:
        # the width of the cell is 100 % of the target
        sheet.inner.conditional_format(
            first, 5, row, 5,
            {"type": "data_bar", "bar_solid": True, "bar_color": "#9DB7D5", "min_type": "num",
             "max_type": "num", "min_value": 0, "max_value": 1, "bar_border_color": DARK},
        )  # fmt: skip
        sheet.inner.conditional_format(
            first, 6, row, 6,
            {"type": "icon_set", "icon_style": "3_symbols_circled", "icons_only": True,
             "icons": [{"criteria": ">=", "type": "number", "value": 3},
                       {"criteria": ">=", "type": "number", "value": 2}]},
        )  # fmt: skip
    sheet.widths([20, 30, 12, 18, 12, 9, 6, 14, 12, 26, 26, 8, 24, 26])
    sheet.inner.freeze_panes(first, 2)
    sheet.inner.repeat_rows(header)


def _card(sheet, card, row, places):
    fmt = card.number_format
    sheet.text(row, 0, card.category)
    sheet.text(row, 1, card.name, bold=True)
    place = places.get(card.key)
    if place and formulas.is_number(card.value):
        source, source_row, source_col = place
        sheet.formula(
            row, 2, f"={source.reference(source_row, source_col)}", card.value, fmt, bold=True
        )
        sheet.inner.add_sparkline(
            row,
            3,
            {
                "range": source.cells(source_row, 1, source_row, source_col)[1:],
                "type": "column",
                "series_color": DARK,
                "last_point": True,
                "last_color": "#C55A11",
            },
        )
    else:
        sheet.number(row, 2, card.value, fmt, bold=True)
    if formulas.is_number(card.target):
        sheet.number(row, 4, card.target, fmt)
        attainment = formulas.shown_attainment(card.attainment)
        simple = formulas.is_number(card.value) and card.target
        if simple and formulas.same(card.value / card.target, card.attainment):
            formula = formulas.attainment_formula(f"C{row + 1}", f"E{row + 1}")
            sheet.formula(row, 5, formula, attainment, "0%")
        else:
            sheet.number(row, 5, attainment, "0%")
        sheet.number(row, 8, card.projected, fmt)
    if card.status in ICONS:
        sheet.number(row, 6, ICONS[card.status], "0", align="center")
    if card.status_text:
        sheet.inner.write_string(row, 7, clean(card.status_text), sheet.styles.status(card.status))
    for column, text in ((9, card.change), (10, card.basis), (12, card.counter), (13, card.remark)):
        if text:
            sheet.text(row, column, text, text_wrap=True, indent=1)
    sheet.number(row, 11, card.record_count, "#,##0")


class PageWriter:
    """Writes a page of plain tables; rows beyond the limit of a sheet go on further sheets.

    :param title: title of the workbook, for the headers of printed pages
    """

    def __init__(self, book, page, title):
        self.book, self.page, self.title = book, page, title
        self.sheet, self.row, self.widths = None, 0, []

    def write_page(self):
        page = self.page
        self._next_sheet()
        for name, text in page.lines:
            self.sheet.text(self.row, 0, name, bold=True, valign="top")
            self.sheet.text(self.row, 1, text, text_wrap=len(str(text)) > 60)
            self.row += 1
        self.row += bool(page.lines)
        for table in page.tables:
            self._table(table)
        if page.lines:
            widths = self.widths
            widths[:2] = [max(18, *(widths[:1] or [0])), max(40, *(widths[1:2] or [0]))]
        self._end_sheet()

    def _next_sheet(self):
        if self.sheet:
            self._end_sheet()
        self.sheet = self.book.sheet(self.page.name, self.title)
        self.sheet.title(self.page.title)
        self.row = 2

    def _end_sheet(self):
        # many columns: wrap long texts, so that a printed page can be read
        widths = self.widths
        self.sheet.widths([min(w, 26) for w in widths] if len(widths) > 12 else widths)

    def _table(self, table):
        left = len(table.rows) if hasattr(table.rows, "__len__") else 0
        rows = iter(table.rows)
        if self.row + 3 > LAST_ROW:  # no room for title, headers and a row
            self._next_sheet()
        if len(self.page.tables) > 1:
            self.sheet.text(self.row, 0, table.title, bold=True, font_size=12, font_color=DARK)
            self.row += 1
        if table.note:
            self.sheet.text(self.row, 0, table.note, font_color="#7A4B00")
            self.row += 1
        while True:
            room = LAST_ROW - self.row
            self._headers(table, min(left, room))
            first = self.row
            for cells in islice(rows, room):
                self._cells(table, cells)
            left -= self.row - first
            self._bars(table, first)
            following = next(rows, None) if self.row > LAST_ROW else None
            if following is None:
                break
            rows = chain([following], rows)
            self._next_sheet()
        self.row += 1

    def _headers(self, table, count):
        if len(self.page.tables) == 1:
            self.sheet.inner.freeze_panes(self.row + 1, 1)
            self.sheet.inner.repeat_rows(self.row)
        self.sheet.table(self.row, 0, table.headers, count, table.title)
        for column, header in enumerate(table.headers):
            _widen(self.widths, column, len(str(header)) / 1.4)
        self.row += 1

    def _cells(self, table, cells):
        sheet, row, widths = self.sheet, self.row, self.widths
        for column, value in enumerate(cells):
            fmt = table.formats[column] if column < len(table.formats) else None
            if isinstance(value, StatusText):
                style = sheet.styles.status(value.status)
                sheet.inner.write_string(row, column, clean(value.text) or NO_VALUE, style)
                _widen(widths, column, len(value.text))
                continue
            if isinstance(value, tuple):
                value, fmt = value
            if formulas.is_number(value):
                sheet.number(row, column, value, fmt or "General")
                _widen(widths, column, 16 if "yy" in (fmt or "") else 10)
            elif value is None or value is False:
                if fmt:
                    sheet.number(row, column, None)
            else:
                sheet.text(row, column, value, **({"text_wrap": True, "valign": "top"}
                           if len(str(value)) > 26 else {}))  # fmt: skip
                _widen(widths, column, len(str(value)))
        self.row += 1

    def _bars(self, table, first):
        """Bars in the cells of a column; the width of a cell is 100 %."""
        if table.bar_column is None or self.row == first:
            return
        self.sheet.inner.conditional_format(
            first, table.bar_column, self.row - 1, table.bar_column,
            {"type": "data_bar", "bar_solid": True, "bar_color": "#9DB7D5", "min_type": "num",
             "max_type": "num", "min_value": 0, "max_value": 1},
        )  # fmt: skip


def _widen(widths, column, width):
    while len(widths) <= column:
        widths.append(8)
    widths[column] = max(widths[column], int(width))
