# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""When an alert fires, when it has recovered, and when a message about it may be delivered.

All functions take and return plain data. What is observed at a refresh is a verdict:

* ``met``: the condition holds
* ``clear``: it does not hold, by more than a margin
* ``between``: it does not hold, but within the margin
* ``unknown``: there is no value, or it is too early to judge one
"""

import math
from datetime import datetime, time, timedelta, timezone
from typing import NamedTuple
from zoneinfo import ZoneInfo

#: Refreshes in a row without the condition after which an alert has recovered.
SETTLE = 3
#: Relative noise of adding floats.
EPSILON = 1e-9
#: Days after which a message is delivered although the calendar has no working day.
MAX_DAYS = 60
#: Statuses of goals that are a reason to act, by the status of the alert, and good ones.
BAD_STATUSES = {"off_track": ("off_track",), "at_risk": ("at_risk", "off_track")}
GOOD_STATUSES = ("on_track", "achieved")


# --- VERDICTS ---


def judge_limit(value, operator, limit, margin=0.0):
    """The verdict about a value and a limit.

    :param operator: ``above`` or ``below``: the condition holds beyond the limit, not at it
    :param margin: share of the limit by which the value must be back before it is ``clear``

    >>> [judge_limit(value, "below", 100, 0.05) for value in (99, 100, 104, 105)]
    ['met', 'between', 'between', 'clear']
    >>> [judge_limit(value, "above", -10, 0.1) for value in (-9, -10, -11)]
    ['met', 'between', 'clear']
    >>> judge_limit(None, "above", 1), judge_limit(0.1 + 0.2, "above", 0.3)
    ('unknown', 'clear')
    """
    if value is None or limit is None:
        return "unknown"
    noise = EPSILON * max(1.0, abs(limit))
    beyond = value - limit if operator == "above" else limit - value
    if beyond > noise:
        return "met"
    return "clear" if -beyond >= margin * abs(limit) - noise else "between"


def judge_status(status, bad):
    """The verdict about the status of a goal.

    :param bad: a key of :data:`BAD_STATUSES`

    >>> [judge_status(status, "off_track") for status in ("off_track", "at_risk", "on_track")]
    ['met', 'between', 'clear']
    >>> judge_status("at_risk", "at_risk"), judge_status("too_early", "at_risk")
    ('met', 'unknown')
    """
    if status in BAD_STATUSES[bad]:
        return "met"
    if status in GOOD_STATUSES:
        return "clear"
    return "between" if status == "at_risk" else "unknown"


# --- STATES ---


class State(NamedTuple):
    """The state of an alert for one cell.

    :param name: ``ok``, ``pending`` or ``firing``
    :param count: refreshes in a row with the condition (pending) or without it (firing)
    """

    name: str = "ok"
    count: int = 0


def advance(state, verdict, wait=1, settle=SETTLE, once=False):
    """The next state, and what changed: ``fired``, ``recovered`` or nothing.

    :param wait: refreshes in a row with the condition after which the alert fires
    :param settle: refreshes in a row that are ``clear`` after which it has recovered
    :param once: it never recovers, because it tells of what was reached

    >>> state, _change = advance(State(), "met", wait=2)
    >>> state, advance(state, "met", wait=2), advance(state, "clear", wait=2)
    (State(name='pending', count=1), (State(name='firing', count=0), 'fired'), (State(name='ok', count=0), ''))
    >>> advance(State("firing", 2), "clear"), advance(State("firing", 2), "between")
    ((State(name='ok', count=0), 'recovered'), (State(name='firing', count=0), ''))
    """
    if state.name == "firing":
        if once or verdict == "unknown":
            return state, ""
        if verdict != "clear":
            return State("firing"), ""
        if state.count + 1 >= settle:
            return State(), "recovered"
        return State("firing", state.count + 1), ""
    if verdict == "clear":
        return State(), ""
    if verdict != "met":
        return state, ""
    if state.count + 1 >= wait:
        return State("firing"), "fired"
    return State("pending", state.count + 1), ""


def next_message(change, is_firing, told_at, now, remind_after=None, is_snoozed=False):
    """What the recipients are told now: ``fired``, ``reminder``, ``recovered`` or nothing.

    An alert that fired while it was snoozed is told when the snooze is over, if it still fires. Its
    recovery is told only where the alert was told.

    :param told_at: when the recipients were last told that it fires; ``None``: not yet
    :param timedelta remind_after: ``None`` for no reminders

    >>> day = datetime(2026, 11, 2)
    >>> next_message("fired", True, None, day), next_message("recovered", False, None, day)
    ('fired', '')
    >>> next_message("", True, day, day + timedelta(days=8), timedelta(days=7))
    'reminder'
    >>> next_message("fired", True, None, day, is_snoozed=True), next_message("", True, None, day)
    ('', 'fired')
    """
    if is_snoozed:
        return ""
    if is_firing and told_at is None:
        return "fired"
    if change == "recovered":
        return "recovered" if told_at is not None else ""
    if is_firing and remind_after and now - told_at >= remind_after:
        return "reminder"
    return ""


# --- DELIVERY ---


def postponed(at, tz, quiet=None, is_free=None):
    """The first instant from ``at`` that is neither in quiet hours nor on a free day.

    :param at: naive UTC
    :param tz: time zone of the recipient
    :param quiet: ``(from, to)`` as hours of the local day; from 20 to 7 is across midnight
    :param is_free: says of a local date whether the recipient is off
    :return: naive UTC

    >>> print(postponed(datetime(2026, 11, 6, 21), "Europe/Brussels", (20, 7)))
    2026-11-07 06:00:00
    >>> weekend = lambda day: day.weekday() > 4
    >>> print(postponed(datetime(2026, 11, 6, 21), "Europe/Brussels", (20, 7), weekend))
    2026-11-09 06:00:00
    """
    zone = ZoneInfo(tz)
    moment = at.replace(tzinfo=timezone.utc)
    last = moment + timedelta(days=MAX_DAYS)
    while moment < last:
        local = moment.astimezone(zone)
        if is_free and is_free(local.date()):
            later = _instant(local.date() + timedelta(days=1), 0, zone, moment)
        elif end := _quiet_end(local, quiet):
            later = _instant(*end, zone, moment)
        else:
            return moment.replace(tzinfo=None)
        moment = later
    return at


def _quiet_end(local, quiet):
    """Day and hour at which the quiet hours end; ``None`` outside of them."""
    if not quiet or quiet[0] == quiet[1]:
        return None
    start, stop = quiet
    hour = local.hour + local.minute / 60 + local.second / 3600
    if start < stop:
        return (local.date(), stop) if start <= hour < stop else None
    if hour >= start:
        return local.date() + timedelta(days=1), stop
    return (local.date(), stop) if hour < stop else None


def _instant(day, hour, zone, after):
    """An hour of a local day in UTC; the second one where the clock was set back before it."""
    local = datetime.combine(day, time.min) + timedelta(seconds=math.ceil(hour * 3600))
    found = local.replace(tzinfo=zone).astimezone(timezone.utc)
    if found <= after:
        found = local.replace(tzinfo=zone, fold=1).astimezone(timezone.utc)
    return max(found, after + timedelta(seconds=1))
