# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Signals: values that are unlikely to be random, by the rules of process behaviour charts.

The limits are those of a chart of individuals and moving ranges (W. A. Shewhart, *Economic Control
of Quality of Manufactured Product*, 1931). Run rules as in D. J. Wheeler, *Understanding Variation*,
2nd edition, 2000.
"""

from itertools import pairwise
from typing import NamedTuple

#: Fewest values from which limits are computed.
MIN_VALUES = 5
#: Values that limits are computed from, the oldest ones: a lasting shift must not widen the limits.
BASELINE = 12
#: Factor of the mean moving range: three standard deviations.
FACTOR = 2.66
#: Lengths of the runs that are signals.
NEAR_RUN, NEAR_IN_RUN = 4, 3
SIDE_RUN = 8
TREND_RUN = 6


class Limits(NamedTuple):
    """Process limits; all ``None`` where there are too few values."""

    low: float | None = None
    mean: float | None = None
    high: float | None = None


def limits(values):
    """The mean of the values ± 2.66 × the mean difference between one value and the next.

    >>> limits([10, 12, 10, 12, 10, 12, 10, 12])
    Limits(low=5.68, mean=11.0, high=16.32)
    >>> limits([1, 2])
    Limits(low=None, mean=None, high=None)
    """
    if len(values) < MIN_VALUES:
        return Limits()
    moves = [abs(after - before) for before, after in pairwise(values)]
    reach = FACTOR * sum(moves) / len(moves)
    mean = sum(values) / len(values)
    return Limits(mean - reach, mean, mean + reach)


def usual_range(values):
    """The limits that a series is judged by: those of its first values."""
    return limits(values[:BASELINE])


def find_signals(values):
    """The signal at each value of a series, in the order of time; empty where there is none.

    ``above``, ``below``: outside the limits. ``near_high``, ``near_low``: three of four values in a row
    are nearer to a limit than to the mean, the last one among them. ``long_high``, ``long_low``: eight
    values in a row on one side of the mean. ``rising``, ``falling``: six values in a row.

    >>> find_signals([10, 12, 10, 12, 10, 12, 10, 30])[-1]
    'above'
    >>> set(find_signals([3] * 12 + [4]))
    {''}
    """
    usual = usual_range(values)
    if usual.low == usual.high:  # too few values, or they do not vary
        return [""] * len(values)
    return [_signal(values[: index + 1], usual) for index in range(len(values))]


def _signal(values, usual):
    """The signal at the last of some values."""
    last = values[-1]
    if last > usual.high:
        return "above"
    if last < usual.low:
        return "below"
    half = (usual.high - usual.mean) / 2
    for name, sign in (("high", 1), ("low", -1)):
        far = [sign * (value - usual.mean) for value in values]
        if (
            len(far) >= NEAR_RUN
            and far[-1] > half
            and sum(one > half for one in far[-NEAR_RUN:]) >= NEAR_IN_RUN
        ):
            return f"near_{name}"
        if len(far) >= SIDE_RUN and all(one > 0 for one in far[-SIDE_RUN:]):
            return f"long_{name}"
    run = values[-TREND_RUN:]
    if len(run) == TREND_RUN:
        if all(after > before for before, after in pairwise(run)):
            return "rising"
        if all(after < before for before, after in pairwise(run)):
            return "falling"
    return ""
