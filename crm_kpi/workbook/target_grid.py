# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The sheet of targets: keys and names are locked, cells that may change are open."""

import zipfile
from collections import namedtuple

import openpyxl

from . import formulas
from .book import Book
from .formats import DARK
from .text import headers, one_line

#: Identifies the file. The number changes when the columns change.
MARK = "crm_kpi targets 1"
#: Fields behind the key, the names and the unit, in the order of their columns.
FIELDS = ("target", "target_max", "improve_by", "note")
NAMES = 5
FIRST = 1 + NAMES
ROWS, BYTES = 20_000, 100 << 20

#: A row to write: key, names, number format, dict of open field to its value; other fields of
#: the row are closed.
GridRow = namedtuple("GridRow", "key names number_format values")
#: A row that was read: number, key, names, dict of field to ``(cell, value)``.
ReadRow = namedtuple("ReadRow", "number key names values")


class GridError(ValueError):
    """The file is not a sheet of targets; ``args[0]``: ``file``, ``size``, ``rows``, ``sheet``
    (none of its sheets has the mark) or ``sheets`` (several have it)."""


def write_grid(file, content, names, rows, hint):
    """Write the sheet.

    :param content: :class:`~.content.Content` for title, language and properties
    :param names: headers of the names and of the open fields
    :param rows: list of :class:`GridRow`
    """
    book = Book(file, content.rtl, content.letter, content.footer)
    book.describe(content.properties, content.facts)
    sheet = book.sheet(content.title, content.title)
    sheet.title(content.title, content.subtitle)
    sheet.text(2, 0, hint, font_color="#7A4B00")
    look = {"bold": True, "font_color": "#FFFFFF", "bg_color": DARK}
    sheet.text(4, 0, MARK, **look)
    for column, name in enumerate(headers(names), start=1):
        sheet.text(4, column, name, **look)
    widths = [0] * (1 + len(names))
    for row, line in enumerate(rows, start=5):
        sheet.text(row, 0, line.key)
        for column, name in enumerate(line.names, start=1):
            sheet.text(row, column, name)
            widths[column] = max(widths[column], len(name or ""))
        for column, field in enumerate(FIELDS, start=FIRST):
            if field not in line.values:
                sheet.text(row, column, "", bg_color="#E3E8EE")
                continue
            value, open_look = line.values[field], {"locked": False, "bg_color": "#FFFBE6"}
            number_format = "0.##%" if field == "improve_by" else line.number_format
            if formulas.is_number(value):
                sheet.number(row, column, value, number_format, **open_look)
            elif field == "note":
                sheet.text(row, column, value or "", text_wrap=True, **open_look)
            else:
                look_ = sheet.styles.get(num_format=number_format, **open_look)
                sheet.inner.write_blank(row, column, None, look_)
    if rows:
        last = 4 + len(rows)
        sheet.inner.data_validation(
            5, FIRST, last, FIRST + 2,
            {"validate": "decimal", "criteria": "between", "minimum": -1e15, "maximum": 1e15,
             "error_title": one_line(content.words["only_numbers"], 32),
             "error_message": one_line(hint, 250)},
        )  # fmt: skip
    sheet.widths([0, *(max(width, 12) for width in widths[1 : 1 + NAMES]), 14, 14, 14, 40])
    sheet.inner.set_column(0, 0, None, None, {"hidden": True})
    sheet.inner.freeze_panes(5, 1 + NAMES)
    sheet.inner.repeat_rows(4)
    sheet.inner.protect("", {"format_columns": True, "format_rows": True, "autofilter": True})
    book.close()


def read_grid(file):
    """Rows of a sheet of targets, as :class:`ReadRow`.

    :raise GridError: the file is not a sheet of targets
    """
    try:
        return _rows(file)
    except GridError:
        raise
    except Exception as error:
        # any exception that the reader raises on a damaged file
        raise GridError("file") from error


def _rows(file):
    with zipfile.ZipFile(file) as package:
        if sum(part.file_size for part in package.infolist()) > BYTES:
            raise GridError("size")
    file.seek(0)
    sheets = openpyxl.load_workbook(file, read_only=True, data_only=True).worksheets
    # other sheets may have been added before it
    marked = [index for index, sheet in enumerate(sheets) if _is_marked(sheet)]
    if len(marked) != 1:
        raise GridError("sheets" if marked else "sheet")
    file.seek(0)
    live = openpyxl.load_workbook(file, read_only=True).worksheets[marked[0]]
    begun, result = False, []
    width = FIRST + len(FIELDS)
    for number, (cells, formulas_) in enumerate(
        zip(_cells(sheets[marked[0]], width), _cells(live, width), strict=True), start=1
    ):
        cells = (*cells, *[None] * width)[:width]
        if not begun:
            begun = cells[0] == MARK
            continue
        if all(cell in (None, "") for cell in cells):
            continue
        if len(result) >= ROWS:
            raise GridError("rows")
        result.append(
            ReadRow(
                number,
                str(cells[0] or ""),
                tuple(str(name or "") for name in cells[1:FIRST]),
                {
                    field: (
                        f"{openpyxl.utils.get_column_letter(column + 1)}{number}",
                        # a formula without a cached value is not an empty cell
                        formulas_[column] if cells[column] is None else cells[column],
                    )
                    for column, field in enumerate(FIELDS, start=FIRST)
                },
            )
        )
    return result


def _is_marked(sheet):
    return any(cells and cells[0] == MARK for cells in _cells(sheet, 1))


def _cells(sheet, width):
    return sheet.iter_rows(max_col=width, max_row=ROWS + 100, values_only=True)
