# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The cards of a board in their order, each with the filters that only this card has."""

from dataclasses import replace
from datetime import timedelta

from ..engine import periods as calendar
from .cards import Cards
from .context import BoardContext
from .filters import LAST_COMPLETE, RUNNING

#: Filters that a card can have for itself.
OWN_FILTERS = ("period_kind", "scope", "team_id", "user_id", "segment_id")
PEOPLE = {"scope", "team_id", "user_id"}


def board_cards(board, context, places):
    """The cards of a board, as :class:`~.cards.Card` in their order.

    :param board: the board with the defaults of the filters
    :param context: the :class:`~.context.BoardContext` with the filters above the cards
    :param places: ``crm.kpi.board.card`` records; those with the same filters are read together
    """
    places = places.sorted("sequence")
    by_place = {}
    for own, of_group, group in card_groups(board, context, places):
        cards = Cards(of_group, group.kpi_id).board(group)
        if own and of_group.notes:
            cards = [refused(card, of_group.notes[0]) for card in cards]
        for place, card in zip(group, cards, strict=True):
            card.section = place.section or ""
            card.own_filters = own
            if own:
                card.filters = of_group.filters.to_dict()
                card.filter_text = filter_text(of_group, own)
            by_place[place] = card
    return [by_place[place] for place in places]


def card_groups(board, context, places):
    """Cards that are read together, because they have the same filters.

    :return: list of ``(own filters as dict, context with them, places)``
    """
    groups = []
    by_filters = places.grouped(lambda place: tuple(place._own_filters().items()))
    for key, group in by_filters.items():
        own, of_group = dict(key), context
        if own:
            of_group = BoardContext(board, merged_filters(context, own), group.kpi_id)
        groups.append((own, of_group, group))
    return groups


def merged_filters(context, own):
    """The filters of a board with those of one card in their place."""
    changes = dict(own)
    if PEOPLE & own.keys():
        of_team = own.get("team_id") or own.get("user_id")
        scope = "team" if of_team else own["scope"]
        changes = {"team_id": None, "user_id": None, **own, "scope": scope}
    filters = replace(context.filters, **changes)
    if "period_kind" not in own or filters.date in (RUNNING, LAST_COMPLETE):
        return filters
    # the period of the kind of the card that holds the last day of the chosen one
    today = calendar.local_day(context.now, context.company._kpi_tz())
    day = min(context.period.date_to - timedelta(days=1), today)
    first = calendar.start_of(own["period_kind"], day, context.company._kpi_week_start())
    return replace(filters, date=first.isoformat(), date_to=None)


def filter_text(context, own):
    """The filters of a card in words."""
    parts = []
    if PEOPLE & own.keys():
        parts.append(context.subject)
    if "segment_id" in own:
        parts.append(context.segment.name)
    if "period_kind" in own:
        parts.append(context.period.display_name)
    return " · ".join(filter(None, parts))


def refused(card, reason):
    """A card whose own filters the reader may not use: it must not show other values instead."""
    return replace(
        card,
        state="not_available",
        state_text=reason,
        remedy=None,
        value=None,
        value_text="–",
        value_id=None,
        record_count=0,
        goal=None,
        bullet=None,
        change=None,
        sparkline=[],
        rows=[],
        rows_note="",
        folded=True,
    )
