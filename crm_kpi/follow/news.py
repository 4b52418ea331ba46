# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The content of a mail to a follower, in words: changes, figures, records and links."""

import json
from dataclasses import dataclass, replace
from functools import cached_property
from urllib.parse import urlencode

from odoo.fields import Date

from ..board.attention import topics_for_reader
from ..board.change import sign, trend_text
from ..board.filters import board_address
from ..board.signals import signal_trend
from ..goals.labels import status_text
from .changes import KINDS, Seen, find_changes, told_now
from .next_records import next_records
from .watched import watch

#: Most changes, and most lines of figures, in a mail.
MAX_ITEMS = 3
MAX_FIGURES = 8
#: Rules for an extreme value, as :mod:`..board.signals` has them: whether it is good news.
_RULES = {"high": "above", "low": "below"}


@dataclass
class NewsItem:
    """Something that changed, in a sentence.

    :param kind: one of :data:`~.changes.KINDS`
    :param trend: ``better``, ``worse``, or ``other`` where the KPI has no good direction
    :param note: whether it is good, the period, and whose value it is
    """

    kind: str
    trend: str
    name: str
    text: str
    note: str
    url: str


@dataclass
class FigureLine:
    """A line in the table of figures."""

    name: str
    note: str
    value_text: str
    change: str
    target_text: str
    status_text: str
    url: str


@dataclass
class Link:
    """A board or some KPIs to open, and their workbook; the name is that of the board."""

    name: str
    url: str
    workbook_url: str


class News:
    """What there is to tell about some follows of one user and company.

    :param follows: ``crm.kpi.follow`` records in the environment of the user
    :param topics: list of :class:`~..board.attention.Topic`, most urgent first
    """

    def __init__(self, follows, topics):
        self.follows = follows
        self.env = follows.env
        self.base_url = follows[:1].get_base_url()
        self.watched, self.pages = watch(follows)
        self._topics = topics

    @property
    def has_news(self):
        """Whether there is a change, or a record that the last mail did not name."""
        named = {tuple(key) for follow in self.follows for key in follow.told_records or ()}
        return bool(self._all_items) or bool({*self.record_keys} - named)

    @property
    def shown_follows(self):
        """The follows that the user may still see."""
        return self.follows.browse().union(*(one.follow for one in self.watched))

    # --- WHAT CHANGED ---

    @property
    def items(self):
        return [item for item, _one in self._all_items[:MAX_ITEMS]]

    @property
    def more_text(self):
        """How many further changes there are; empty without any."""
        more = len(self._all_items) - MAX_ITEMS
        if more <= 0:
            return ""
        return self.env._("1 more change") if more == 1 else self.env._("%s more changes", more)

    @cached_property
    def _all_items(self):
        """Tuples of :class:`NewsItem` and :class:`~.watched.Watched`: bad news first."""
        found, known = [], set()
        for one in self.watched:
            told = self._told(one)
            if one.seen is None or told is None:
                continue  # what is new on a board is not a change
            for change in find_changes(told, one.seen):
                item = _item(one, change, self.base_url)
                # a KPI may be followed by itself and on a board
                if (key := (item.text, item.url)) not in known:
                    known.add(key)
                    found.append((item, one))
        return sorted(found, key=lambda pair: _urgency(*pair))

    def _told(self, one):
        """The :class:`~.changes.Seen` of the last mail; ``None`` where there is none."""
        told = (one.follow.told or {}).get(one.key)
        return told and Seen(*told)

    def told_of(self, follow):
        """What the follow has been told after this mail, for its field ``told``."""
        told = {}
        for one in self.watched:
            if one.follow != follow:
                continue
            before = self._told(one)
            if one.seen is not None:
                told[one.key] = told_now(before or Seen({}), one.seen)
            elif before:
                told[one.key] = before
        return told

    # --- RECORDS ---

    @cached_property
    def records(self):
        """List of :class:`~.next_records.NextRecords`."""
        contexts = {}
        for page in self.pages:
            contexts.setdefault((page.context.user, page.context.team), page.context)
        kpis = self.env["crm.kpi"].union(*(page.kpis.with_env(self.env) for page in self.pages))
        topics = topics_for_reader(self.env, kpis, self._topics)
        return next_records(list(contexts.values()), topics)

    @property
    def record_keys(self):
        """``(model, id)`` of the records in the mail."""
        return [(record.model, record.id) for found in self.records for record in found.records]

    # --- FIGURES ---

    @cached_property
    def figures(self):
        """List of :class:`FigureLine`: those with changes first, then as on the boards."""
        with_items = [one for _item, one in self._all_items[:MAX_ITEMS]]
        lines = {}
        for one in [*with_items, *self.watched]:
            if one.card.value is None and not one.card.goal:
                continue
            line = _figure_line(one, self.base_url)
            lines.setdefault(line.url, line)
        return list(lines.values())[:MAX_FIGURES]

    @property
    def figures_note(self):
        """Period and person of the figures, where all have the same; else empty."""
        notes = {line.note for line in self.figures}
        return notes.pop() if len(notes) == 1 else ""

    @cached_property
    def links(self):
        """List of :class:`Link`."""
        return [_link(page, self.base_url) for page in self.pages]

    # --- TEXTS ---

    @property
    def subject(self):
        """The first change, or the first topic of records."""
        if self.items:
            item = self.items[0]
            return f"{item.name}: {item.text}"
        return self.records[0].text


def _urgency(item, _one):
    return item.trend != "worse", KINDS.index(item.kind)


def _item(one, change, base_url):
    env, card = one.context.env, one.card
    period, trend = one.latest, change.trend
    value_text = one.context.value_text(one.kpi, one.latest_row)
    about = period.display_name
    if goal := one.goals.get(change.goal):
        period = goal.period_id
        about = period.display_name
        target = goal.target_text.replace(" ", "\u00a0")  # the sign stays with its number
        if change.kind == "goal":
            text = env._(
                "%(status)s: %(value)s, target %(target)s",
                status=status_text(goal),
                value=goal.value_text,
                target=target,
            )
        else:
            forecast = {"forecast": goal.projected_text, "target": target}
            if trend == "worse":
                text = env._("Forecast %(forecast)s misses the target %(target)s", **forecast)
            else:
                text = env._("Forecast %(forecast)s meets the target %(target)s", **forecast)
    elif change.kind == "signal":
        text, trend = card.signal.text, card.signal.trend
        about = value_text  # the text names the period
    else:
        names = {"count": len(one.comparable_values), "value": value_text}
        if one.extreme == "high":
            text = env._("Highest of the last %(count)s values: %(value)s", **names)
        else:
            text = env._("Lowest of the last %(count)s values: %(value)s", **names)
        trend = signal_trend(one.kpi, _RULES[one.extreme])
    return NewsItem(
        kind=change.kind,
        trend=trend,
        name=one.kpi.name,
        text=text,
        note=_note(one.context, trend_text(env, trend), about),
        url=_detail_address(one, period, base_url),
    )


def _figure_line(one, base_url):
    card, goal = one.card, one.card.goal
    change = card.change
    if card.state not in ("ok", "early", "redefined"):
        change_text = card.state_text
    else:
        change_text = f"{sign(change)}{change.text}" if change else ""
    return FigureLine(
        name=one.kpi.name,
        note=_note(one.context, one.context.period.display_name),
        value_text=card.value_text,
        change=change_text,
        target_text=goal.target_text if goal else "",
        status_text=f"{goal.shape} {goal.status_text}" if goal else "",
        url=_detail_address(one, one.context.period, base_url),
    )


def _note(context, *parts):
    return " · ".join(filter(None, (*parts, context.subject, context.segment.name)))


def _detail_address(one, period, base_url):
    """The address that opens the details of a KPI in a period."""
    filters = replace(
        one.context.filters, date=Date.to_string(period.date_from) or None, date_to=None
    )
    return board_address(base_url, {"kpi_id": one.kpi.id, **filters.to_dict()})


def _link(page, base_url):
    filters = {name: value for name, value in page.context.filters.to_dict().items() if value}
    which = {"board_id": page.board.id} if page.board else {}
    query = {**which, "filters": json.dumps(filters)}
    if not page.board:
        query["kpi_ids"] = ",".join(map(str, page.kpis.ids))
        if len(page.kpis) == 1:
            which["kpi_id"] = page.kpis.id
    return Link(
        name=page.context.title(page.board) if page.board else "",
        url=board_address(base_url, {**which, **filters}),
        workbook_url=f"{base_url}/crm_kpi/export/board?{urlencode(query)}",
    )
