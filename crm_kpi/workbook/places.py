# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The KPIs of a workbook, once for each card of the board that has filters of its own."""

from collections import defaultdict
from typing import NamedTuple

from ..board.context import BoardContext
from ..board.layout import filter_text, merged_filters
from .reader import WorkbookReader


class Place(NamedTuple):
    """A KPI of a workbook.

    :param own: the filters that only its card has, as pairs
    :param reader: :class:`~.reader.WorkbookReader` with all filters of the card
    """

    kpi: object
    own: tuple
    reader: object

    @property
    def key(self):
        return self.kpi.id, self.own

    @property
    def name(self):
        """The name of the KPI, and the filters of its card in words."""
        text = filter_text(self.reader.context, dict(self.own)) if self.own else ""
        return " · ".join(filter(None, (self.kpi.name, text)))

    @property
    def refusal(self):
        """Why the reader may not use the filters of the card; empty where they may."""
        notes = self.reader.context.notes
        return notes[0] if self.own and notes else ""


def places(reader, own_periods):
    """The KPIs of a workbook, as :class:`Place`: cards of the board with the same filters once.

    :param own_periods: whether cards have their own kind of period; KPIs on sheets have all
        periods in common
    """
    owns = defaultdict(dict)
    for card in reader.board.with_env(reader.env).card_ids.sorted("sequence"):
        own = card._own_filters()
        if not own_periods:
            own.pop("period_kind", None)
        owns[card.kpi_id.id][tuple(own.items())] = True
    order = [(kpi, own) for kpi in reader.kpis for own in owns.get(kpi.id, [()])]
    readers = {(): reader}
    for own in dict.fromkeys(own for _kpi, own in order if own):
        kpis = reader.kpis.browse(kpi.id for kpi, other in order if other == own)
        context = BoardContext(reader.board, merged_filters(reader.context, dict(own)), kpis)
        readers[own] = WorkbookReader(context, reader.request, reader.board)
        readers[own].counts = reader.counts
    return [Place(kpi, own, readers[own]) for kpi, own in order]
