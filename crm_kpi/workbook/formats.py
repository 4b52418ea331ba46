# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Number formats by unit, and the formats of cells."""

import re

from .text import one_line

#: Fill and font colour of a status; the shape in its text has the same meaning.
STATUS_LOOKS = {
    "achieved": ("#D5E8D4", "#1E4620"),
    "on_track": ("#E6F2E5", "#1E4620"),
    "at_risk": ("#FFF2CC", "#5F4700"),
    "off_track": ("#F8D7DA", "#721C24"),
    "missed": ("#F8D7DA", "#721C24"),
}
DARK, LIGHT, GRID = "#1F3A5F", "#EEF2F7", "#C5CED9"
#: Number formats of days and instants.
DAY, MOMENT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm"


def number_format(unit, digits=0, symbol="", before=False, decimals=2, suffix=""):
    """Excel's number format for a unit; text of users in it is quoted.

    :param unit: unit of a KPI
    :param symbol: of the currency; ``before``: it stands before the amount
    :param decimals: of the currency, if the KPI shows decimals
    :param suffix: word for hours, days, months

    >>> number_format("percent", 1), number_format("count"), number_format("hours", 1, suffix="h")
    ('0.0%', '#,##0', '#,##0.0" h"')
    >>> number_format("money", 2, "€"), number_format("money", 0, '$"', before=True)
    ('#,##0.00" €"', '"$"#,##0')
    """
    places = decimals if unit == "money" and digits else digits
    places = min(max(places, 0), 15)
    zeros = "." + "0" * places if places else ""
    if unit == "percent":
        return f"0{zeros}%"
    number = f"#,##0{zeros}"
    if unit == "money":
        symbol = _quoted(symbol)
        if not symbol:
            return number
        return f'"{symbol}"{number}' if before else f'{number}" {symbol}"'
    suffix = _quoted(suffix)
    return f'{number}" {suffix}"' if suffix else number


def _quoted(text):
    return re.sub(r'["\\]', "", one_line(text)).strip()[:20]


class Styles:
    """Formats of a workbook; each is created once."""

    def __init__(self, workbook):
        self._workbook = workbook
        self._known = {}

    def get(self, **properties):
        key = tuple(sorted(properties.items()))
        if key not in self._known:
            self._known[key] = self._workbook.add_format({"valign": "vcenter", **properties})
        return self._known[key]

    def status(self, status):
        fill, font = STATUS_LOOKS.get(status, (None, "#444444"))
        if not fill:
            return self.get(font_color=font)
        return self.get(bg_color=fill, font_color=font)
