# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The content of a workbook as plain data: numbers, texts, ``None`` for no value."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

NO_VALUE = "–"


@dataclass
class Row:
    """Values of one owner over the periods of a sheet.

    ``notes`` are texts in place of missing values, by index; ``parts`` are the values of the
    components by ``(code, shift)``. ``record_count``, ``target``, ``attainment`` and the status belong
    to the last period.
    """

    label: str
    values: list
    notes: dict = field(default_factory=dict)
    parts: dict = field(default_factory=dict)
    record_count: int | None = None
    target: float | None = None
    attainment: float | None = None
    status: str = ""
    status_text: str = ""


@dataclass
class Block:
    """Rows of one level, and the name of their column."""

    level: str
    header: str
    rows: list


@dataclass
class Measure:
    """A KPI on a sheet.

    :ivar formula: parsed formula whose cells may be live, or ``None``
    :ivar constants: per period a dict of the other names in the formula
    :ivar part_names: dict of ``(code, shift)`` to a name
    :ivar summable: whether the rows of a level may be added up
    :ivar part_summable: the same of each component
    :ivar whole: :class:`Row` of the chosen cell
    :ivar targets, forecasts, counts: per period, of the chosen cell
    :ivar heat: ``(columns, rows)`` of salespeople by segments in the last period, or ``None``;
        a text in place of a value that is withheld
    """

    key: Any
    name: str
    about: str
    category: str
    number_format: str
    part_formats: dict
    direction: str
    unit: str
    whole: Row
    targets: list
    forecasts: list
    counts: list
    blocks: list
    formula: Any = None
    constants: list = field(default_factory=list)
    part_names: dict = field(default_factory=dict)
    summable: bool = False
    part_summable: dict = field(default_factory=dict)
    heat: tuple | None = None


@dataclass
class Card:
    """A line of the summary: what the card of the KPI shows on a board."""

    key: Any
    category: str
    name: str
    value: float | None
    value_text: str
    number_format: str
    target: float | None
    target_text: str
    attainment: float | None
    status: str
    status_text: str
    projected: float | None
    change: str
    basis: str
    record_count: int
    remark: str
    counter: str


class StatusText(NamedTuple):
    """A cell with the words of a status, in its colours."""

    text: str
    status: str


@dataclass
class Table:
    """A plain table: headers, rows of cells, formats of columns.

    A cell is a number, a text, ``None``, ``(number, number format)`` or a :class:`StatusText`.
    """

    title: str
    headers: list
    rows: Any
    formats: list = field(default_factory=list)
    note: str = ""
    bar_column: int | None = None


@dataclass
class Page:
    """A sheet of plain tables one below the other, after lines of ``(name, text)``."""

    name: str
    title: str
    tables: list
    lines: list = field(default_factory=list)


@dataclass
class Content:
    """A workbook.

    :ivar words: dict of the fixed texts, in the language of the reader
    :ivar periods: labels of the periods, oldest first
    :ivar running: whether the last period is not over
    :ivar sheets: list of ``(name, measures)``
    :ivar properties: title, author, company, created and the like, for the file
    :ivar facts: dict of custom properties of the file
    """

    title: str
    subtitle: str
    words: dict
    periods: list = field(default_factory=list)
    running: bool = False
    cards: list = field(default_factory=list)
    sheets: list = field(default_factory=list)
    pages: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    rtl: bool = False
    letter: bool = False
    properties: dict = field(default_factory=dict)
    facts: dict = field(default_factory=dict)
    footer: str = ""
