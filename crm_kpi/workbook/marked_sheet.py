# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Reads a sheet that was exported, edited in Excel, and is recognised by a mark in one column."""

import zipfile
from typing import NamedTuple

import openpyxl

ROWS, BYTES = 20_000, 100 << 20
#: Wrong cells that a message names.
ERRORS_SHOWN = 20


class SheetError(ValueError):
    """The file is not such a sheet; ``args[0]``: ``file``, ``size``, ``rows``, ``sheet``
    (none of its sheets has the mark) or ``sheets`` (several have it)."""


class SheetRow(NamedTuple):
    """A row that was read.

    :param number: as Excel counts
    :param cells: its values, with the column of the mark as the last one
    :param formulas: the same, with formulas in place of the values that Excel computed
    """

    number: int
    cells: tuple
    formulas: tuple

    def value(self, column):
        """What a user entered; a formula without a value is not an empty cell."""
        cell = self.cells[column]
        return self.formulas[column] if cell is None else cell

    def name(self, column):
        """The name of a cell, such as ``G16``."""
        return f"{openpyxl.utils.get_column_letter(column + 1)}{self.number}"


def read_rows(file, column, is_mark):
    """The rows of a sheet from its mark on, as list of :class:`SheetRow`; empty ones are left out.

    :param file: binary file
    :param column: the column of the mark, counted from 0
    :param is_mark: function of a cell
    :raise SheetError: the file is not such a sheet
    """
    try:
        return _rows(file, column, is_mark)
    except SheetError:
        raise
    except Exception as error:
        # any exception that the reader raises on a damaged file
        raise SheetError("file") from error


def _rows(file, column, is_mark):
    with zipfile.ZipFile(file) as package:
        if sum(part.file_size for part in package.infolist()) > BYTES:
            raise SheetError("size")
    width = column + 1
    file.seek(0)
    sheets = openpyxl.load_workbook(file, read_only=True, data_only=True).worksheets
    # other sheets may have been added before it
    marked = [
        index
        for index, sheet in enumerate(sheets)
        if any(len(cells) > column and is_mark(cells[column]) for cells in _cells(sheet, width))
    ]
    if len(marked) != 1:
        raise SheetError("sheets" if marked else "sheet")
    file.seek(0)
    live = openpyxl.load_workbook(file, read_only=True).worksheets[marked[0]]
    found = []
    for number, (cells, formulas) in enumerate(
        zip(_cells(sheets[marked[0]], width), _cells(live, width), strict=True), start=1
    ):
        row = SheetRow(number, _padded(cells, width), _padded(formulas, width))
        if not found and not is_mark(row.cells[column]):
            continue
        if all(cell in (None, "") for cell in row.cells):
            continue
        if len(found) > ROWS:
            raise SheetError("rows")
        found.append(row)
    return found


def _cells(sheet, width):
    return sheet.iter_rows(max_col=width, max_row=ROWS + 100, values_only=True)


def _padded(cells, width):
    return (*cells, *[None] * width)[:width]


# --- ERRORS ---


def not_a_number(env, cell, value):
    """The error of a cell.

    :param cell: name of the cell
    """
    shown = str(value or "–")[:40]
    return env._("%(cell)s: “%(value)s” is not a number.", cell=cell, value=shown)


def errors_text(env, errors):
    """All errors of a file, of which nothing is imported."""
    shown = errors[:ERRORS_SHOWN]
    if len(errors) > len(shown):
        shown.append(env._("and %s more", len(errors) - len(shown)))
    return env._("Nothing was changed. Fix the file or export it again.\n%s", "\n".join(shown))
