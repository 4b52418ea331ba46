# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The status of a goal: elapsed part of a period, forecast, attainment, status.

All functions take and return plain data: numbers, dates, and ``None`` for no value. No value
raises an error.

A goal has one of the kinds ``at_least`` (reach the target), ``at_most`` (stay below it) and
``range`` (stay between target and upper target). A goal to improve by a percentage is one of
the first two with a target made of a baseline, see :func:`improved`.
"""

import math
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

#: A running period is too early to judge below this share of its working days.
EARLY = 0.2
#: A goal is at risk, not off track, from this attainment at the forecast.
AT_RISK = 0.9
#: Relative noise of adding floats.
EPSILON = 1e-9

STATUSES = (
    "no_data",
    "too_early",
    "too_few",
    "on_track",
    "at_risk",
    "off_track",
    "achieved",
    "missed",
)
#: Statuses that do not change any more.
FINAL = ("achieved", "missed")


# --- TIME ---


@dataclass(frozen=True)
class Elapsed:
    """The part of a period that has elapsed.

    ``days`` of ``total`` working days are over; ``share`` (0 to 1) includes the part of the
    present day. ``begun`` and ``over``: whether the period has started and ended.
    """

    days: int
    total: int
    share: float
    begun: bool
    over: bool


def elapsed(date_from, date_to, working_days, today, part=0.0):
    """Part of the period ``date_from <= day < date_to`` that has elapsed on ``today``.

    :param working_days: working days; days outside of the period are ignored. In a period
        without working days (a Sunday) all days count
    :param part: share of today's working hours that has elapsed, 0 to 1

    >>> from datetime import date
    >>> week = [date(2026, 11, day) for day in range(16, 21)]  # Monday to Friday
    >>> elapsed(date(2026, 11, 16), date(2026, 11, 23), week, date(2026, 11, 18), 0.5)
    Elapsed(days=2, total=5, share=0.5, begun=True, over=False)
    >>> elapsed(date(2026, 11, 16), date(2026, 11, 23), week, date(2026, 11, 21)).share
    1.0
    """
    days = {day for day in working_days if date_from <= day < date_to}
    if not days:
        days = {date_from + timedelta(days=i) for i in range((date_to - date_from).days)}
    begun, over = today >= date_from, today >= date_to
    done = sum(day < today for day in days)
    elapsed_days = done + (min(max(part, 0.0), 1.0) if today in days else 0.0)
    return Elapsed(done, len(days), elapsed_days / len(days) if days else 1.0, begun, over)


def same_part(working_days, count):
    """The first day after the first ``count`` working days.

    A running period is compared with the same number of working days of an earlier one.

    >>> from datetime import date
    >>> same_part([date(2026, 10, 1), date(2026, 10, 2), date(2026, 10, 5)], 2)
    datetime.date(2026, 10, 3)
    """
    days = sorted(working_days)
    if not days:
        return None
    if count <= 0:
        return days[0]
    return days[min(count, len(days)) - 1] + timedelta(days=1)


# --- NUMBERS ---


def improved(baseline, share, direction):
    """Target that improves a baseline by a share, in the direction of the KPI's objective.

    >>> improved(4, 0.5, "increase"), improved(10, 0.2, "decrease")
    (6.0, 8.0)

    A share of zero is zero: such a goal would be met without any improvement. It has no target.

    >>> improved(None, 0.5, "increase") is None, improved(0, 0.5, "increase") is None
    (True, True)
    """
    if baseline is None or abs(baseline) <= EPSILON or direction not in ("increase", "decrease"):
        return None
    # the absolute value: a negative baseline improves upwards, too
    change = abs(baseline) * share
    return float(baseline + change if direction == "increase" else baseline - change)


def mean(cells, zero=False, weighted=False):
    """Mean of the values of several periods, as a baseline.

    :param cells: ``(value, record_count)`` of each period, ``None`` of one that was never computed
    :param zero: no value is a true zero
    :param weighted: the values are means themselves, of ``record_count`` records each

    >>> mean([(2, 1), (None, 0)], zero=True), mean([(2, 1), (None, 0)])
    (1.0, 2.0)
    >>> mean([(2, 3), (6, 1)], weighted=True), mean([(2, 3), None])
    (3.0, None)
    """
    if any(cell is None for cell in cells):
        return None  # a period that was never computed
    if zero:
        return sum(value or 0.0 for value, _n in cells) / len(cells)
    known = [(value, record_count) for value, record_count in cells if value is not None]
    if not known:
        return None
    if weighted and all(record_count > 0 for _value, record_count in known):
        return sum(value * record_count for value, record_count in known) / sum(
            record_count for _value, record_count in known
        )
    return sum(value for value, _n in known) / len(known)


def project(value, elapsed_part, additive, ahead=0.0):
    """Forecast: the value at the end of the period at the present pace.

    A count or sum grows with the working days; any other value stays as it is.

    :param ahead: the part of the value that is dated in the rest of the period. It is known, and
        says nothing about the pace

    >>> half = Elapsed(10, 20, 0.5, True, False)
    >>> project(30, half, True), project(0.6, half, False)
    (60.0, 0.6)
    >>> project(1100, half, True, ahead=1000)
    1200.0
    """
    if value is None or not additive or elapsed_part.over:
        return value
    ahead = ahead or 0.0
    return ahead + (value - ahead) / elapsed_part.share if elapsed_part.share > 0 else None


def attainment(kind, value, target, target_max=None):
    """The attainment, 1.0 for 100 %; ``None`` without a value, a target or a usable ratio.

    * at least: value ÷ target, above 1 where the target is exceeded;
    * at most: target ÷ value, above 1 below the limit, 1 for a value of zero;
    * range: 1 inside, else 1 less the distance to the nearer bound ÷ that bound.

    A goal with a target of zero or less has no attainment: it is met or not.

    >>> attainment("at_least", 9, 6), attainment("at_most", 5, 4), attainment("at_most", 0, 4)
    (1.5, 0.8, 1.0)
    >>> attainment("range", 45, 50, 60), attainment("range", 55, 50, 60)
    (0.9, 1.0)
    >>> attainment("at_least", 3, 0) is None, attainment("at_least", None, 6) is None
    (True, True)
    """
    if value is None or target is None:
        return None
    if kind == "range":
        if met(kind, value, target, target_max):
            return 1.0
        bound = target if value < target or target_max is None else target_max
        if bound <= 0:
            return None
        return max(0.0, 1.0 - abs(value - bound) / bound)
    if target <= 0:
        return None
    if kind == "at_most":
        return target / value if value > 0 else 1.0
    return value / target


def met(kind, value, target, target_max=None):
    """Whether the value meets the goal. A value equal to a bound meets it.

    >>> met("at_least", 0.1 + 0.2, 0.3), met("at_most", 5, 4), met("range", 60, 50, 60)
    (True, False, True)
    """
    if value is None or target is None:
        return False
    low, high = {
        "at_least": (target, math.inf),
        "at_most": (-math.inf, target),
        "range": (target, math.inf if target_max is None else target_max),
    }[kind]
    return low - _noise(low) <= value <= high + _noise(high)


def _noise(bound):
    return EPSILON * max(1.0, abs(bound)) if math.isfinite(bound) else 0.0


# --- ATTAINMENT ---


def whole_percent(attainment):
    """An attainment as it is shown: rounded down to whole percent.

    99.6 % is not shown as 100 %.

    >>> whole_percent(0.996), whole_percent(0.29), whole_percent(1.0), whole_percent(-0.001)
    (0.99, 0.29, 1.0, -0.01)
    """
    return math.floor(attainment * 100 + EPSILON) / 100


# --- STATUS ---


@dataclass(frozen=True)
class Verdict:
    """Status of a goal.

    ``attainment``: of the present value (1.0 = 100 %). ``expected``: the share of the target that
    corresponds to the elapsed working days (counts and sums only). ``projected``: the forecast.
    """

    status: str
    attainment: float | None = None
    expected: float | None = None
    projected: float | None = None


def judge(
    kind,
    target,
    target_max,
    value,
    record_count,
    elapsed_part,
    *,
    additive=False,
    final_only=False,
    maturing=False,
    min_sample=0,
    ahead=0.0,
):
    """Decide the status of a goal.

    :param elapsed_part: :class:`Elapsed` of the period
    :param additive: the value is a count or sum, which grows while the period runs
    :param final_only: the value is valid only at the end of the period (customers kept, lost)
    :param maturing: some records of the period are not mature yet
    :param min_sample: smallest number of records that is judged
    :param ahead: the part of the value that is dated in the rest of the period

    >>> half = Elapsed(10, 20, 0.5, True, False)
    >>> judge("at_least", 60, None, 28, 28, half, additive=True)
    Verdict(status='at_risk', attainment=0.4666666666666667, expected=0.5, projected=56.0)
    >>> judge("at_most", 60, None, 61, 61, half, additive=True).status
    'off_track'
    >>> judge("at_least", 0.8, None, None, 0, half).status
    'no_data'
    """
    if not elapsed_part.begun or (final_only and not elapsed_part.over):
        return Verdict("too_early")
    if value is None:
        if 0 < record_count < min_sample:
            return Verdict("too_few")
        return Verdict("too_early" if maturing and not elapsed_part.over else "no_data")
    expected = (1.0 if elapsed_part.over else elapsed_part.share) if additive else None
    projected = project(value, elapsed_part, additive, ahead)
    return Verdict(
        _status(
            kind,
            target,
            target_max,
            value,
            record_count,
            elapsed_part,
            additive,
            min_sample,
            projected,
        ),
        attainment(kind, value, target, target_max),
        expected,
        projected,
    )


def _status(
    kind, target, target_max, value, record_count, elapsed_part, additive, min_sample, projected
):
    if target is None:
        return "no_data"
    if record_count < min_sample:
        return "too_few"
    now_met = met(kind, value, target, target_max)
    if elapsed_part.over:
        return "achieved" if now_met else "missed"
    if additive:
        if kind == "at_least" and target > 0 and now_met:
            return "achieved"
        limit = {"at_most": target, "range": target_max}.get(kind)
        if limit is not None and value > limit + _noise(limit):
            return "off_track"  # a count does not shrink
    if elapsed_part.share < EARLY:
        return "too_early"
    if met(kind, projected, target, target_max):
        return "on_track"
    share = attainment(kind, projected, target, target_max)
    if share is not None and share >= AT_RISK - EPSILON:
        return "at_risk"
    return "off_track"


# --- SPREADING ---


def spread(total, cells, digits=0):
    """Divide an amount over cells so that the parts add up to it exactly.

    :param digits: decimals of a part; more when the amount has more
    :return: list of floats, the larger parts first

    >>> spread(10, 3)
    [4.0, 3.0, 3.0]
    >>> spread(100, 3, 2), spread(0.5, 2)
    ([33.34, 33.33, 33.33], [0.3, 0.2])
    """
    if cells <= 0:
        return []
    amount = Decimal(repr(float(total)))
    digits = max(digits, -int(amount.normalize().as_tuple().exponent))
    unit = Decimal(1).scaleb(-digits)
    count = int((amount / unit).to_integral_value(ROUND_HALF_UP))
    each, rest = divmod(count, cells)
    return [float((each + (index < rest)) * unit) for index in range(cells)]
