# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The lines of the summary: the cards of a board as rows."""

from ..board.cards import Cards
from ..board.change import sign
from . import content as wb


def summary_cards(reader):
    """A :class:`~.content.Card` for each KPI."""
    cards = Cards(reader.context, reader.kpis)
    return [_summary_card(reader, kpi, cards.card(kpi)) for kpi in reader.kpis]


def _summary_card(reader, kpi, card):
    goal, change, counter = card.goal, card.change, card.kpi.counter
    texts = [counter.name, counter.value_text, counter.status_text] if counter else []
    return wb.Card(
        key=kpi.id,
        category=kpi.category_id.name,
        name=kpi.name,
        value=card.value,
        value_text=card.value_text,
        number_format=reader.number_format(kpi),
        target=goal and goal.target,
        target_text=goal.target_text if goal else "",
        attainment=goal and goal.attainment,
        status=goal.status if goal else "",
        status_text=f"{goal.shape} {goal.status_text}" if goal else "",
        projected=goal and goal.forecast,
        change=f"{sign(change)}{change.text}" if change else "",
        basis=change.basis_text if change else "",
        record_count=card.record_count,
        remark=card.state_text,
        counter=" ".join(filter(None, texts)),
    )
