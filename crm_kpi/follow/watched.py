# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a follower follows, as boards show it to the follower: KPIs with their goals and values.

The KPIs of a board, and those that are followed with the same filters, are read together. The
number of queries depends on the number of boards and different filters, not on that of KPIs.
"""

from dataclasses import dataclass
from functools import cached_property

from ..board.cards import Cards
from ..board.context import BoardContext
from ..board.layout import card_groups
from .changes import COUNTER_MISSED, Seen, extreme_value


class Group:
    """KPIs with the same filters, read together."""

    def __init__(self, context, kpis):
        self.context = context
        self.cards = Cards(context, kpis)
        #: complete periods, the latest first
        self.closed = context.series.filtered(lambda period: period.utc_to <= context.now)
        self.goals = {**self.cards.goals, **context.goals(kpis, self.closed[:1])}


class Watched:
    """A KPI in one cell.

    :param follow: the ``crm.kpi.follow``
    :param key: tells it from the other KPIs of the follow
    """

    def __init__(self, follow, group, kpi, key):
        self.follow = follow
        self.group = group
        self.context = group.context
        self.kpi = kpi.with_env(group.context.env)
        self.key = key

    @cached_property
    def card(self):
        return self.group.cards.card(self.kpi)

    @property
    def latest(self):
        """The latest complete period."""
        return self.group.closed[:1]

    @property
    def latest_row(self):
        """The ``crm.kpi.value`` of the latest complete period; ``None`` where there is none."""
        return self._row(self.latest)

    def _row(self, period):
        return self.group.cards.values.get((self.kpi.id, period.id))

    @cached_property
    def goals(self):
        """The goals of the period that is shown and of the latest complete one, by id as text."""
        found = (
            self.group.goals.get((self.kpi.id, period.id))
            for period in self.context.period | self.latest
        )
        return {str(goal.id): goal for goal in found if goal}

    @cached_property
    def comparable_values(self):
        """Values of complete periods with the same definition and enough records, latest first."""
        rows = (self._row(period) for period in self.group.closed)
        rows = [row for row in rows if row and row.value is not False]
        latest = self.latest_row
        if not latest or not rows or rows[0] != latest:
            return []
        enough = self.kpi.min_sample
        if latest.record_count < enough:
            return []
        return [
            row.value
            for row in rows
            if row.version == latest.version and row.record_count >= enough
        ]

    @cached_property
    def extreme(self):
        """See :func:`~.changes.extreme_value`."""
        return extreme_value(self.comparable_values)

    @cached_property
    def seen(self):
        """What there is to tell, as :class:`~.changes.Seen`; ``None`` while the KPI fails."""
        if self.card.state == "stale":
            return None
        signal = self.card.signal
        return Seen(
            {
                key: COUNTER_MISSED if goal.counter_missed else goal.status
                for key, goal in self.goals.items()
            },
            f"{self.latest.name} {signal.rule}" if signal else "",
            f"{self.latest.name} {self.extreme}" if self.extreme else "",
        )


@dataclass
class Page:
    """A board that a mail links to, or KPIs with the same filters.

    :param board: empty for KPIs
    """

    board: object
    context: BoardContext
    kpis: object


def watch(follows):
    """What some follows of one user show now.

    What the user may not see, or not with these filters any more, is missing.

    :param follows: ``crm.kpi.follow`` records of one user and company, in the user's environment
    :return: list of :class:`Watched`, list of :class:`Page`
    """
    watched, pages = [], []
    single = follows.filtered("kpi_id")
    for filters, same in single.grouped(lambda follow: follow._filters()).items():
        board = follows.env["crm.kpi.board"]._default_board()
        kpis = board._readable_kpis(same.kpi_id.ids)
        context = BoardContext(board, filters, kpis)
        kpis = _of_company(context, kpis)
        if not kpis or _is_refused(context, filters):
            continue
        group = Group(context, kpis)
        watched += [
            Watched(follow, group, follow.kpi_id, str(follow.kpi_id.id))
            for follow in same
            if follow.kpi_id in kpis
        ]
        pages.append(Page(board.browse(), context, kpis))
    for follow in follows - single:
        watched += _watch_board(follow, pages)
    return watched, pages


def _watch_board(follow, pages):
    board = follow.board_id._filtered_access("read").filtered("active")
    if not board:
        return
    kpis = board._shown_kpis()
    context = BoardContext(board, filters := follow._filters(), kpis)
    if _is_refused(context, filters):
        return
    kpis = _of_company(context, kpis)
    pages.append(Page(board, context, kpis))
    places = board.card_ids.with_env(context.env).filtered(lambda card: card.kpi_id in kpis)
    keys = set()
    for own, of_group, same in card_groups(board, context, places.sorted("sequence")):
        if own and of_group.notes:
            continue  # the board says why it does not show these cards
        group = Group(of_group, same.kpi_id)
        for kpi in same.kpi_id:
            # cards are created anew when a board is saved: their ids do not last
            key = " ".join([str(kpi.id), *(f"{name}={value}" for name, value in own.items())])
            if key not in keys:
                keys.add(key)
                yield Watched(follow, group, kpi, key)


def _of_company(context, kpis):
    return kpis.filtered(lambda kpi: kpi.company_id.id in (False, context.company.id))


def _is_refused(context, filters):
    """Whether the context shows the values of other people or customers than those asked for."""
    return any(
        (
            filters.scope and filters.scope != context.scope,
            filters.user_id and filters.user_id != context.user.id,
            filters.team_id and filters.team_id != context.team.id,
            filters.segment_id and filters.segment_id != context.segment.id,
        )
    )
