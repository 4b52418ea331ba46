# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The periods of facts: SQL that joins periods to the records of a source."""

from datetime import timedelta
from typing import NamedTuple

from odoo.tools import SQL

from ..engine import periods as calendar
from ..engine.cells import PeriodRow, Piece, Window, periods_join, pieces_join, windows_join


class PeriodJoin(NamedTuple):
    """SQL that joins ``p(period_id, …)`` or ``p(piece_id)``, and SQL of the local day of a fact.

    :param ahead: SQL of whether a fact lies in the future; ``None`` where this has no meaning,
        or no period is running
    :param pieces: list of :class:`~..engine.cells.Piece`; ``None``: periods are joined
    """

    join: SQL
    day: SQL
    ahead: SQL | None = None
    pieces: list | None = None


def join_periods(facts, periods, now, in_pieces=False):
    """Join periods to the query of a source's records.

    :param facts: :class:`~.fact_query.FactQuery`; conditions may be added to it
    :param in_pieces: join pieces of time instead, where the source allows it
    :return: :class:`PeriodJoin`
    """
    match facts.source.kind:
        case "cohort":
            return _join_cohort(facts, periods, now)
        case "snapshot":
            return _join_snapshot(facts, periods, now)
    if facts.source.date_end_field:
        return _join_spans(facts, periods, now)
    return _join_events(facts, periods, now, in_pieces and facts.source._has_pieces())


def _period_rows(periods, now, timezone):
    for period in periods:
        at = min(period.utc_to, now)
        day = calendar.local_day(at - timedelta(microseconds=1), timezone)
        yield PeriodRow(period.id, period.date_from, period.date_to, at, day)


def _join_cohort(facts, periods, now):
    """Rows name their period."""
    source, rows = facts.source, _period_rows(periods, now, facts.timezone)
    condition = SQL("%s = p.period_id", SQL.identifier(facts.table, "period_id"))
    day = facts.path(source.date_field) if source.date_field else SQL("p.date_from")
    return PeriodJoin(periods_join(rows, condition), day)


def _join_snapshot(facts, periods, now):
    """Records that are open at the end of the period, or now."""
    source, rows = facts.source, _period_rows(periods, now, facts.timezone)
    if not source.rebuildable:
        return PeriodJoin(periods_join(rows, SQL("TRUE")), SQL("p.day"))
    start = facts.path(source.date_field)
    point = SQL("p.day + 1") if facts.is_date("date_field") else SQL("p.at")
    condition = SQL("%s < %s", start, point)
    if facts.has_history and source.date_field == "create_date":
        # what exists now was created, even if the clock of another server is ahead
        condition = SQL("(p.at = %s OR %s)", now, condition)
    if source.date_end_field:
        end = facts.path(source.date_end_field)
        condition = SQL("%s AND (%s IS NULL OR %s >= %s)", condition, end, end, point)
    if facts.has_history:
        condition = SQL(
            """%(condition)s AND CASE WHEN p.at = %(now)s THEN history_to IS NULL
                    ELSE (history_from IS NULL OR history_from < p.at)
                     AND (history_to IS NULL OR history_to >= p.at) END""",
            condition=condition,
            now=now,
        )
    return PeriodJoin(periods_join(rows, condition), SQL("p.day"))


def _join_spans(facts, periods, now):
    """Events of several days, in the periods that contain all of them."""
    source, rows = facts.source, _period_rows(periods, now, facts.timezone)
    condition = SQL(
        "%s >= p.date_from AND %s <= p.date_to",
        facts.path(source.date_field),
        facts.path(source.date_end_field),
    )
    today = calendar.local_day(now, facts.timezone)
    ahead = SQL("%s > %s", facts.path(source.date_end_field), today + timedelta(days=1))
    return PeriodJoin(
        periods_join(rows, condition),
        SQL("p.date_from"),
        ahead if _any_running(periods, now) else None,
    )


def _join_events(facts, periods, now, in_pieces):
    """Events in the periods of their date, and in later ones where the source trails."""
    at, dated = facts.path(facts.source.date_field), facts.is_date("date_field")
    windows = event_windows(facts, periods, now, dated)
    facts.query.add_where(
        SQL(
            "%(at)s >= %(first)s AND %(at)s < %(last)s",
            at=at,
            first=min(window.start for window in windows),
            last=max(window.end for window in windows),
        )
    )
    # what is dated today has happened, though the day is not over
    latest = calendar.local_day(now, facts.timezone) if dated else now
    grows = facts.source._grows and _any_running(periods, now)
    ahead = SQL("%s > %s", at, latest) if grows else None
    cast, day = "date", at
    if not dated:
        cast = "timestamp"
        day = SQL("((%s AT TIME ZONE 'UTC') AT TIME ZONE %s)::date", at, facts.timezone)
    if in_pieces:
        pieces, parts = calendar.pieces(windows)
        join = pieces_join(at, [Window(*piece) for piece in pieces], cast)
        return PeriodJoin(join, day, ahead, [Piece(*part) for part in parts])
    return PeriodJoin(windows_join(at, calendar.tracks(windows), cast), day, ahead)


def _any_running(periods, now):
    return any(period.utc_to > now for period in periods)


def event_windows(facts, periods, now, dated):
    """The time whose events count in each period: a list of :class:`~..engine.cells.Window`.

    :param dated: whether the events have days rather than instants
    """
    if not facts.source.trailing_months:
        start, end = ("date_from", "date_to") if dated else ("utc_from", "utc_to")
        return [Window(period[start], period[end], period.id) for period in periods]
    windows = []
    for period in periods:
        end, day = period.utc_to, period.date_to
        if now < end:
            end, day = now, calendar.local_day(now, facts.timezone)
        since = calendar.shift("month", day, -facts.source.trailing_months)
        if dated:
            # a record of today has happened, though the day is not over
            last = calendar.local_day(end - timedelta(microseconds=1), facts.timezone)
            windows.append(Window(since, last + timedelta(days=1), period.id))
        else:
            windows.append(Window(calendar.utc_midnight(since, facts.timezone), end, period.id))
    return windows
