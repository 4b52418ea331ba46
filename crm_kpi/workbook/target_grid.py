# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The sheet of targets: keys and names are locked, cells that may change are open."""

from collections import namedtuple

from . import formulas
from .book import Book
from .formats import DARK
from .marked_sheet import read_rows
from .text import headers, one_line

#: Identifies the file. The number changes when the columns change.
MARK = "crm_kpi targets 2"
#: Columns of the names: KPI, period, for, kind of goal, unit.
NAMES = 5
#: Fields behind the names and the earlier values, in the order of their columns.
FIELDS = ("target", "target_max", "improve_by", "note")
#: Columns that help to choose a target: last period, its value, its target. They are not read.
HELP = 3
FIRST = NAMES + HELP
#: The key is the last column and hidden, so that all texts are in columns that users see.
KEY = FIRST + len(FIELDS)
#: Row of the column heads, counted from 0.
HEAD = 4

#: A row to write: key, names, number format, name of the last period with its value and target (a
#: number or a text), dict of open field to its value; other fields of the row are closed.
GridRow = namedtuple("GridRow", "key names number_format help values")
#: A row that was read: number, key, names, dict of field to ``(cell, value)``.
ReadRow = namedtuple("ReadRow", "number key names values")


def write_grid(file, content, names, rows, hint):
    """Write the sheet.

    :param content: :class:`~.content.Content` for title, language and properties
    :param names: headers of the names, of the help and of the open fields
    :param rows: list of :class:`GridRow`
    """
    book = Book(file, content.rtl, content.letter, content.footer)
    book.describe(content.properties, content.facts)
    sheet = book.sheet(content.title, content.title)
    sheet.title(content.title, content.subtitle)
    sheet.text(2, 0, hint, font_color="#7A4B00")
    look = {"bold": True, "font_color": "#FFFFFF", "bg_color": DARK}
    for column, name in enumerate(headers(names)):
        sheet.text(HEAD, column, name, **look)
    sheet.text(HEAD, KEY, MARK, **look)
    widths = [0] * NAMES
    for row, line in enumerate(rows, start=HEAD + 1):
        for column, name in enumerate(line.names):
            sheet.text(row, column, name)
            widths[column] = max(widths[column], len(name or ""))
        _write_help(sheet, row, line)
        _write_open(sheet, row, line)
        sheet.text(row, KEY, line.key)
    if rows:
        sheet.inner.data_validation(
            HEAD + 1, FIRST, HEAD + len(rows), FIRST + 2,
            {"validate": "decimal", "criteria": "between", "minimum": -1e15, "maximum": 1e15,
             "error_title": one_line(content.words["only_numbers"], 32),
             "error_message": one_line(hint, 250)},
        )  # fmt: skip
    sheet.widths([*(max(width, 12) for width in widths), 16, 14, 14, 14, 14, 14, 40])
    sheet.inner.set_column(KEY, KEY, None, None, {"hidden": True})
    sheet.inner.freeze_panes(HEAD + 1, NAMES)
    sheet.inner.repeat_rows(HEAD)
    sheet.inner.protect("", {"format_columns": True, "format_rows": True, "autofilter": True})
    book.close()


def _write_help(sheet, row, line):
    period, *values = line.help
    look = {"font_color": "#555555"}
    sheet.text(row, NAMES, period, **look)
    for column, value in enumerate(values, start=NAMES + 1):
        if isinstance(value, str):
            sheet.text(row, column, value, align="right", **look)
        else:
            sheet.number(row, column, value, line.number_format, **look)


def _write_open(sheet, row, line):
    for column, field in enumerate(FIELDS, start=FIRST):
        if field not in line.values:
            sheet.text(row, column, "", bg_color="#E3E8EE")
            continue
        value, look = line.values[field], {"locked": False, "bg_color": "#FFFBE6"}
        number_format = "0.##%" if field == "improve_by" else line.number_format
        if formulas.is_number(value):
            sheet.number(row, column, value, number_format, **look)
        elif field == "note":
            sheet.text(row, column, value or "", text_wrap=True, **look)
        else:
            look = sheet.styles.get(num_format=number_format, **look)
            sheet.inner.write_blank(row, column, None, look)


def read_grid(file):
    """Rows of a sheet of targets, as :class:`ReadRow`.

    :raise ~.marked_sheet.SheetError: the file is not a sheet of targets
    """
    _head, *rows = read_rows(file, KEY, lambda cell: cell == MARK)
    return [
        ReadRow(
            row.number,
            str(row.cells[KEY] or ""),
            tuple(str(name or "") for name in row.cells[:NAMES]),
            {
                field: (row.name(column), row.value(column))
                for column, field in enumerate(FIELDS, start=FIRST)
            },
        )
        for row in rows
    ]
