# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Text of users for a workbook: cleaned, shortened, unique, never a formula."""

import re

#: Excel's limit of characters in a cell.
CELL_LIMIT = 32767
#: Spreadsheets read text that begins with one of these as a formula, a command or a link when
#: the file is saved as CSV. Such cells get Excel's quote prefix.
RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "{", "|", "%")
# XML 1.0 allows no other control characters, no lone surrogates and no non-characters
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def clean(text, limit=CELL_LIMIT):
    r"""Text without characters that a workbook cannot hold.

    >>> clean("a\x00b\x1fc"), clean(None), clean("x" * 9, limit=4)
    ('abc', '', 'xxx…')
    """
    text = _ILLEGAL.sub("", "" if text is None or text is False else str(text))
    # Excel reads _x000D_ in a text as the character with this code
    text = re.sub(r"_(?=x[0-9A-Fa-f]{4}_)", "\uff3f", text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def one_line(text, limit=CELL_LIMIT):
    r"""The same on one line.

    >>> one_line("a\r\n  b\t")
    'a b'
    """
    return clean(" ".join(clean(text).split()), limit)


def sheet_name(name, taken):
    """Name for a sheet: letters, digits, spaces, dashes and dots, at most 31 of them, unique.

    Such a name needs no escape in a quoted reference.

    :param taken: set of the names in use, in lower case; the new one is added

    >>> taken = set()
    >>> sheet_name("Deals [won]: 50 %", taken), sheet_name("deals WON 50", taken)
    ('Deals won 50', 'deals WON 50 2')
    >>> sheet_name("'=cmd|x!A1'", taken), sheet_name("", taken), sheet_name("History", taken)
    ('cmd x A1', 'KPI', 'History 2')
    """
    kept = "".join(c if c.isalnum() or c in "-." else " " for c in clean(name))
    kept = " ".join(kept.split()).strip("-. ") or "KPI"
    number, result = 1, _shorten(kept, 31)
    while result.casefold() in taken or result.casefold() == "history":
        number += 1
        result = f"{_shorten(kept, 31 - len(str(number)) - 1)} {number}"
    taken.add(result.casefold())
    return result


def _shorten(text, limit):
    # Excel counts characters beyond the basic plane twice
    while len(text.encode("utf-16-le")) > 2 * limit:
        text = text[:-1]
    return text.rstrip()


def table_name(name, taken):
    """Name for a table: ASCII letters, digits, underscores, never shaped like a cell, unique.

    >>> taken = set()
    >>> table_name("Deals won", taken), table_name("deals won!", taken), table_name("A1", taken)
    ('kpi_Deals_won', 'kpi_deals_won_2', 'kpi_A1')
    """
    slug = re.sub(r"[^A-Za-z0-9]+", "_", clean(name)).strip("_")[:80]
    stem = result = f"kpi_{slug or 'table'}"
    number = 1
    while result.casefold() in taken:
        number += 1
        result = f"{stem}_{number}"
    taken.add(result.casefold())
    return result


def headers(names):
    """Column headers of one table: none empty, none twice (upper and lower case are equal).

    >>> headers(["Jan", "jan", "", "-"])
    ['Jan', 'jan 2', '-', '- 2']
    """
    taken, result = set(), []
    for name in names:
        stem = header = one_line(name, 240) or "-"
        number = 1
        while header.casefold() in taken:
            number += 1
            header = f"{stem} {number}"
        taken.add(header.casefold())
        result.append(header)
    return result


def page_text(text, limit=90):
    """Text for a page header or footer, where an ampersand begins a command.

    >>> page_text("R&D &[File]")
    'R&&D &&[File]'
    """
    return one_line(text, limit).replace("&", "&&")
