# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The filters of a board: their names, their defaults, and how they are read."""

from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from urllib.parse import urlencode

#: Values of ``Filters.date`` that name a period instead of its first day.
RUNNING, LAST_COMPLETE = "now", "last"


@dataclass(frozen=True)
class Filters:
    """What a reader chose above the cards. ``None`` means: not chosen.

    This is the only list of the filters on the server; ``static/src/board/filters.js`` is the
    only one in the browser.

    :param period_kind: a kind of ``crm.kpi.period``
    :param date: ``now``, ``last`` (the last complete period), or the first day of a period;
        a board has one of the first two as default
    :param date_to: the last day of a custom period
    :param comparison: ``previous`` or ``last_year``
    :param scope: ``mine``, ``team`` or ``company``
    """

    period_kind: str | None = None
    date: str | None = None
    date_to: str | None = None
    comparison: str | None = None
    company_id: int | None = None
    scope: str | None = None
    team_id: int | None = None
    user_id: int | None = None
    segment_set_id: int | None = None
    segment_id: int | None = None

    @classmethod
    def parse(cls, raw):
        """Read filters that come from an address, a call or a saved favorite.

        Unknown keys and values of a wrong type are left out; the context replaces them by the
        defaults of the board.

        >>> Filters.parse({"team_id": "7", "date": "last", "page": 2})
        ... # doctest: +ELLIPSIS
        Filters(period_kind=None, date='last', ..., team_id=7, ...)
        >>> Filters.parse({"team_id": "x", "user_id": True, "scope": ["mine"]}) == Filters()
        True
        """
        if not isinstance(raw, dict):
            return cls()
        chosen = {}
        for field in fields(cls):
            read = read_id if field.name.endswith("_id") else _read_text
            value = read(raw.get(field.name))
            if value is not None:
                chosen[field.name] = value
        return cls(**chosen)

    @classmethod
    def of_cell(cls, period, cell):
        """The filters that choose a cell; ``None`` for *Unassigned*, which no filter chooses.

        :param period: ``crm.kpi.period``
        :param cell: dict with ``level``, ``team_id``, ``user_id`` and ``segment_id``
        """
        ids = {name: cell[name] or None for name in ("team_id", "user_id", "segment_id")}
        parts = cell["level"].split("_")
        if not all(ids[f"{part}_id"] for part in parts if part != "company"):
            return None
        last_day = period.date_to - timedelta(days=1)
        return cls(
            period_kind=period.kind,
            date=period.date_from.isoformat(),
            date_to=last_day.isoformat() if period.kind == "custom" else None,
            company_id=period.company_id.id,
            scope="team" if ids["team_id"] or ids["user_id"] else "company",
            **ids,
        )

    @classmethod
    def names(cls):
        return [field.name for field in fields(cls)]

    def to_dict(self):
        return asdict(self)

    @property
    def first_day(self):
        """``date`` as a date; ``None`` where it is none."""
        return _read_day(self.date)

    @property
    def last_day(self):
        """``date_to`` as a date; ``None`` where it is none."""
        return _read_day(self.date_to)


def board_address(base_url, chosen):
    """The address of a board; what is not chosen is left out.

    :param chosen: dict of filters, ``board_id``, and ``kpi_id`` to open the details of a KPI

    >>> board_address("https://example.com", {"board_id": 7, "date": "last", "team_id": None})
    'https://example.com/odoo/kpis?board_id=7&date=last'
    """
    query = urlencode({name: value for name, value in chosen.items() if value})
    return f"{base_url}/odoo/kpis?{query}"


def read_id(value):
    """An id that comes from outside; ``None`` where it can be none.

    >>> read_id("7"), read_id(2**31), read_id([7]), read_id("9" * 5000)
    (7, None, None, None)
    """
    if isinstance(value, str) and value.isdecimal() and len(value) <= 10:
        value = int(value)
    return value if type(value) is int and 0 < value < 2**31 else None


def _read_text(value):
    return value if isinstance(value, str) and value else None


def _read_day(text):
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return None
    return day if day < date.max else None  # there must be a day after it
