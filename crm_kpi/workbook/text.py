# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Text of users for a workbook: cleaned, shortened, unique, never a formula."""

import re
import unicodedata

#: Excel's limit of characters in a cell. Excel counts characters beyond the basic plane twice.
CELL_LIMIT = 32767
#: Spreadsheets read text that begins with one of these as a formula, a command or a link when
#: the file is saved as CSV. Such cells get Excel's quote prefix.
RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "{", "|", "%")
# XML 1.0 allows no other control characters, no lone surrogates and no non-characters
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
# They reorder what a reader sees: "1234" can be shown as "4321", and a name as another name.
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# zero width non-joiner and joiner: spelling in Persian, Hindi and others
_JOINERS = "\u200c\u200d"


def clean(text, limit=CELL_LIMIT):
    r"""Text without characters that a workbook cannot hold, and without controls that reorder it.

    >>> clean("a\x00b\x1fc"), clean(None), clean("x" * 9, limit=4), clean("a\u202eb\u200f")
    ('abc', '', 'xxx…', 'ab')
    """
    text = _ILLEGAL.sub("", "" if text is None or text is False else str(text))
    text = _BIDI.sub("", text)
    # Excel reads _x000D_ in a text as the character with this code
    text = re.sub(r"_(?=x[0-9A-Fa-f]{4}_)", "\uff3f", text)
    if 2 * len(text) <= limit or _units(text) <= limit:
        return text
    return _cut(text, limit - 1) + "…"


def one_line(text, limit=CELL_LIMIT):
    r"""The same on one line.

    >>> one_line("a\r\n  b\t")
    'a b'
    """
    return clean(" ".join(clean(text).split()), limit)


def sheet_name(name, taken):
    """Name for a sheet: letters with their marks, digits, spaces, dashes and dots, unique.

    Excel allows 31 characters, and counts those beyond the basic plane twice. Such a name needs no escape in a quoted reference.

    :param taken: set of the names in use, in lower case; the new one is added

    >>> taken = set()
    >>> sheet_name("Deals [won]: 50 %", taken), sheet_name("deals WON 50", taken)
    ('Deals won 50', 'deals WON 50 2')
    >>> sheet_name("'=cmd|x!A1'", taken), sheet_name("", taken), sheet_name("History", taken)
    ('cmd x A1', 'KPI', 'History 2')
    """
    kept = " ".join(_words(name, "-.")).strip("-. " + _JOINERS) or "KPI"
    number, result = 1, _shorten(kept, 31)
    while result.casefold() in taken or result.casefold() == "history":
        number += 1
        result = f"{_shorten(kept, 31 - len(str(number)) - 1)} {number}"
    taken.add(result.casefold())
    return result


def file_stem(name):
    """Name for a file without its extension: as for a sheet, with underscores for spaces.

    File systems allow 255 bytes for the whole name.

    >>> file_stem("Team North: Q1/2026"), file_stem("../..")
    ('Team_North_Q1_2026', 'KPI')
    """
    stem = "_".join(_words(name, "-._"))[:80].encode()[:220].decode(errors="ignore")
    return stem.strip("_." + _JOINERS) or "KPI"


def _words(name, others):
    """Parts of a name that consist of letters, digits and ``others``.

    Marks (vowel signs, accents) and joiners belong to the letter before them.
    """
    kept = []
    for char in unicodedata.normalize("NFC", clean(name)):
        is_mark = unicodedata.category(char)[0] == "M" or char in _JOINERS
        fits = kept and kept[-1] != " " if is_mark else char.isalnum() or char in others
        kept.append(char if fits else " ")
    return "".join(kept).split()


def _shorten(text, limit):
    return _cut(text, limit).rstrip(" " + _JOINERS)


def _cut(text, limit):
    """The beginning of a text, in at most ``limit`` characters as Excel counts them."""
    return text.encode("utf-16-le")[: 2 * limit].decode("utf-16-le", errors="ignore")


def _units(text):
    return len(text.encode("utf-16-le")) // 2


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
