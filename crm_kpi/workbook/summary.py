# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The lines of the summary: the cards of a board as rows."""

from ..board.cards import Cards
from ..board.change import sign
from ..board.layout import refused
from . import content as wb
from .places import places


def summary_cards(reader):
    """A :class:`~.content.Card` for each KPI, and for each card with filters of its own."""
    found = places(reader, own_periods=True)
    readers = dict.fromkeys(place.reader for place in found)
    cards = {one: Cards(one.context, one.kpis) for one in readers}
    result = []
    for place in found:
        card = cards[place.reader].card(place.kpi.with_env(place.reader.env))
        if place.refusal:
            card = refused(card, place.refusal)
        result.append(_summary_card(place, card))
    return result


def _summary_card(place, card):
    kpi = place.kpi
    goal, change, counter = card.goal, card.change, card.kpi.counter
    texts = [counter.name, counter.value_text, counter.status_text] if counter else []
    return wb.Card(
        # the sheets do not have the periods of a card with a kind of its own
        key=None if "period_kind" in dict(place.own) else place.key,
        category=kpi.category_id.name,
        name=place.name,
        value=card.value,
        value_text=card.value_text,
        number_format=place.reader.number_format(kpi),
        target=goal and goal.target,
        target_text=goal.target_text if goal else "",
        attainment=goal and goal.attainment,
        status=goal.status if goal else "",
        status_text=f"{goal.shape} {goal.status_text}" if goal else "",
        projected=goal and goal.forecast,
        change=f"{sign(change)}{change.text}" if change else "",
        basis=change.basis_text if change else "",
        record_count=card.record_count,
        remark=" · ".join(filter(None, (card.state_text, card.signal.text if card.signal else ""))),
        counter=" ".join(filter(None, texts)),
    )
