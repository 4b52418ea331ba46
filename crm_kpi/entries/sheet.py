# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The table of manual values as a sheet: downloaded, filled in, and uploaded.

Nothing is stored by the upload: its values become unsaved changes of the table. A hidden row and
column say to which periods and lines the cells belong, so that other columns, other sheets and
another order of the rows do not matter.
"""

import base64
import binascii
import codecs
import csv
import io
import re
from dataclasses import dataclass

from odoo.exceptions import UserError

from ..workbook.book import Book
from ..workbook.formats import DARK, number_format
from ..workbook.formulas import is_number, same
from ..workbook.marked_sheet import SheetError, SheetRow, errors_text, not_a_number, read_rows
from ..workbook.text import clean, file_stem, one_line
from ..workbook.words import unit_texts
from .grid import COLUMNS, EntryGrid

#: Identifies the file; the kind of period and of lines follow. The number changes when the columns
#: change.
MARK = "crm_kpi values 1"
#: Columns of the names: KPI, for, unit.
NAMES = 3
#: The key is the last column and hidden.
KEY = NAMES + COLUMNS
#: Rows of the mark with the periods, which is hidden, and of the column heads, counted from 0.
PERIODS, HEAD = 3, 4
#: Decimals that a manual value has at most.
VALUE_DIGITS = 4
MEGABYTES = 10
DELIMITERS = (";", ",", "\t")


@dataclass
class SheetChange:
    """A value of a file that differs from the table.

    :param line, column: place in the table, counted from 0
    """

    line: int
    column: int
    value: float


# --- WRITING ---


def write_sheet(grid, file):
    """Write the table.

    :param grid: :class:`~.grid.EntryGrid`
    :param file: path or binary file
    :return: name for the file
    """
    env = grid.env
    grid.entries.check_access("create")
    table = grid.table()
    title = env._("Manual values")
    hint = env._(
        "Fill in the yellow cells. Then upload the file with Enter values › Upload. Empty cells "
        "change nothing."
    )
    book = Book(file, rtl=env["res.lang"]._get_data(code=env.lang or "en_US").direction == "rtl")
    sheet = book.sheet(title, title)
    kind = dict(table["kinds"])[grid.kind]
    sheet.title(title, f"{grid.company.name} · {kind}")
    sheet.text(2, 0, hint, font_color="#7A4B00")
    _write_heads(sheet, grid, table)
    kpis = {kpi.id: kpi for kpi in env["crm.kpi"].browse({ln["kpi_id"] for ln in table["lines"]})}
    for row, line in enumerate(table["lines"], start=HEAD + 1):
        _write_line(sheet, row, line, kpis[line["kpi_id"]], grid.company.currency_id)
    sheet.widths([32, 24, 10, *[14] * COLUMNS])
    sheet.inner.set_row(PERIODS, None, None, {"hidden": True})
    sheet.inner.set_column(KEY, KEY, None, None, {"hidden": True})
    sheet.inner.freeze_panes(HEAD + 1, NAMES)
    if table["lines"]:
        sheet.inner.data_validation(
            HEAD + 1, NAMES, HEAD + len(table["lines"]), KEY - 1,
            {"validate": "decimal", "criteria": "between", "minimum": -1e15, "maximum": 1e15,
             "error_title": one_line(env._("Only numbers"), 32),
             "error_message": one_line(hint, 250)},
        )  # fmt: skip
    sheet.inner.protect("", {"format_columns": True, "format_rows": True})
    book.close()
    return f"{file_stem(title)}_{table['columns'][-1]['date']}.xlsx"


def _write_heads(sheet, grid, table):
    env = grid.env
    look = {"bold": True, "font_color": "#FFFFFF", "bg_color": DARK}
    for column, name in enumerate((env._("KPI"), env._("For"), env._("Unit"))):
        sheet.text(HEAD, column, name, **look)
    for column, period in enumerate(table["columns"], start=NAMES):
        sheet.text(PERIODS, column, _period_key(period["date"]))
        sheet.text(HEAD, column, period["label"], align="right", **look)
    sheet.text(PERIODS, KEY, f"{MARK} {grid.kind} {grid.rows}")


def _write_line(sheet, row, line, kpi, currency):
    for column, name in enumerate(_names(line)):
        sheet.text(row, column, name)
    look = {"locked": False, "bg_color": "#FFFBE6"}
    shown = number_format(
        kpi.unit,
        _digits(kpi, line),
        symbol=currency.symbol,
        before=currency.position == "before",
        decimals=currency.decimal_places,
        suffix=unit_texts(kpi.env).get(kpi.unit, ""),
    )
    for column, cell in enumerate(line["cells"], start=NAMES):
        if cell["count"] > 1:
            # several entries are changed in the list
            sheet.number(row, column, cell["value"], shown, bg_color="#E3E8EE")
        elif cell["count"]:
            sheet.number(row, column, cell["value"], shown, **look)
        else:
            blank = sheet.styles.get(num_format=shown, **look)
            sheet.inner.write_blank(row, column, None, blank)
    sheet.text(row, KEY, _line_key(line))


def _digits(kpi, line):
    """Decimals that show each value of a line as it is: a CSV file holds what is shown."""
    values = [cell["value"] * line["factor"] for cell in line["cells"] if cell["count"]]
    enough = (
        digits
        for digits in range(kpi.digits, VALUE_DIGITS)
        if all(same(round(value, digits), value) for value in values)
    )
    return next(enough, max(kpi.digits, VALUE_DIGITS))


def _names(line):
    return clean(line["kpi"]), clean(line["owner"]), (line["prefix"] + line["suffix"]).strip()


# Excel would read "2026-03-01" as a date and "12.0.5" as a number, when a CSV file is opened


def _period_key(day):
    return f"from {day}"


def _line_key(line):
    return f"kpi{line['kpi_id']}_team{line['team_id'] or 0}_user{line['user_id'] or 0}"


# --- READING ---


def read_sheet(env, content):
    """The values of a file that differ from the table.

    :param content: an Excel or CSV file in Base64
    :return: ``(table, changes)``: the table of the file's periods and lines, see
        :meth:`~.grid.EntryGrid.table`, and a list of :class:`SheetChange`
    :raise UserError: names each cell that is wrong
    """
    env["crm.kpi.entry"].check_access("create")
    try:
        content = base64.b64decode(content or "", validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise UserError(_file_text(env, "file")) from error
    if len(content) > MEGABYTES << 20:
        raise UserError(env._("File: it is larger than %s MB.", MEGABYTES))
    try:
        head, *rows = (
            read_rows(io.BytesIO(content), KEY, _is_mark)
            if content.startswith(b"PK")
            else _csv_rows(content)
        )
        grid = _grid_of(env, head)
    except SheetError as error:
        raise UserError(_file_text(env, error.args[0])) from error
    table = grid.table()
    lines = {_line_key(line): index for index, line in enumerate(table["lines"])}
    changes, errors, seen = [], [], set()
    for row in rows[1:]:  # below the column heads
        index = lines.get(row.cells[KEY])
        line = None if index is None else table["lines"][index]
        if problem := _row_problem(env, row, line, seen):
            errors.append(env._("A%(row)s: %(reason)s", row=row.number, reason=problem))
            continue
        seen.add(row.cells[KEY])
        changes += [
            SheetChange(index, column, value)
            for column, value in _changed_values(env, row, line, errors)
        ]
    if errors:
        raise UserError(errors_text(env, errors))
    return table, changes


def _is_mark(cell):
    return isinstance(cell, str) and cell.startswith(f"{MARK} ")


def _grid_of(env, head):
    """The table that a file was made of.

    :param head: the row with the mark and the periods
    """
    *_mark, kind, rows = head.cells[KEY].split()
    periods = head.cells[NAMES:KEY]
    day = str(periods[-1]).removeprefix("from ")
    grid = EntryGrid(env, {"period_kind": kind, "rows": rows, "date": day})
    expected = tuple(_period_key(first) for first, _after in grid.spans)
    if (grid.kind, grid.rows, expected) != (kind, rows, periods):
        raise SheetError("sheet")
    return grid


def _row_problem(env, row, line, seen):
    """Why a row is refused, ``None`` where it is accepted."""
    if line is None:
        return env._("this KPI, team or person is not in the table. Download the sheet again.")
    if row.cells[KEY] in seen:
        return env._("this line is on the sheet twice. Delete one of them.")
    names = tuple(str(name or "") for name in row.cells[:2])
    if names != _names(line)[:2]:
        return env._(
            "KPI and person do not belong to this row. Leave names as they were exported, and sort "
            "or copy whole rows only."
        )
    return None


def _changed_values(env, row, line, errors):
    """Yield column and value of what differs; add a message to ``errors`` for each wrong cell."""
    for index, cell in enumerate(line["cells"]):
        column = NAMES + index
        entered = row.value(column)
        if entered in (None, ""):
            continue
        number = entered if is_number(entered) else _typed_number(env, line, entered)
        if number is None:
            errors.append(not_a_number(env, row.name(column), entered))
        elif cell["count"] == 0 or not same(float(number), cell["value"]):
            if cell["count"] > 1:
                errors.append(
                    env._(
                        "%s: there are several entries. Change them in the list.", row.name(column)
                    )
                )
            else:
                yield index, float(number)


def _typed_number(env, line, text):
    """The value of a text, in the language of the user and as it is typed into the table.

    ``None`` for no number. A separator of thousands must stand before three digits: "12,5" is not
    125.
    """
    if not isinstance(text, str):
        return None
    for sign in (line["prefix"].strip(), line["suffix"].strip(), "%"):
        text = text.replace(sign, "", 1) if sign else text
    text = re.sub(r"\s", "", text)
    lang = env["res.lang"]._get_data(code=env.lang or "en_US")
    group, point = re.escape(lang.thousands_sep.strip()), re.escape(lang.decimal_point)
    whole = rf"[0-9]+|[0-9]{{1,3}}(?:{group}[0-9]{{3}})+" if group else "[0-9]+"
    found = re.fullmatch(rf"([-+]?)({whole})(?:{point}([0-9]*))?", text)
    if not found:
        return None
    sign, digits, decimals = found.groups()
    digits = digits.replace(lang.thousands_sep, "") if group else digits
    return float(f"{sign}{digits}.{decimals or 0}") / line["factor"]


# --- CSV ---


def _csv_rows(content):
    """The same rows as :func:`~..workbook.marked_sheet.read_rows`, of a CSV file."""
    text = _decoded(content)
    for delimiter in DELIMITERS:
        try:
            lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        except csv.Error as error:
            raise SheetError("file") from error
        rows = [
            SheetRow(number, cells, cells)
            for number, line in enumerate(lines, start=1)
            if len(line) > KEY and any(cells := tuple(line[: KEY + 1]))
        ]
        for index, row in enumerate(rows):
            if _is_mark(row.cells[KEY]):
                return rows[index:]
    raise SheetError("sheet")


def _decoded(content):
    """The text of a file: Excel writes UTF-8 with a mark at the beginning, UTF-16 or Windows-1252."""
    encoding = "utf-16" if content.startswith(codecs.BOM_UTF16_LE) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _file_text(env, reason):
    return {
        "file": env._("File: it cannot be read. Choose a workbook in xlsx format or a CSV file."),
        "size": env._("File: it is too large. Download the sheet again."),
        "rows": env._("File: it has too many rows. Download the sheet again."),
        "sheet": env._(
            "File: it is not a sheet of manual values. Choose one made by Download as Excel."
        ),
        "sheets": env._(
            "File: it holds several sheets of manual values. Delete all but one of them."
        ),
    }[reason]
