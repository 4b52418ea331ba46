# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Signals: values that are unlikely to be random, by the rules of process behaviour charts.

The limits are those of a chart of individuals and moving ranges (W. A. Shewhart, *Economic Control
of Quality of Manufactured Product*, 1931). Run rules as in D. J. Wheeler, *Understanding Variation*,
2nd edition, 2000. Counts and sums are compared per unit of their area of opportunity, which are
working days. Seasons are taken out by the ratio to the mean of the year, where a chart of averages
and ranges (ISO 7870-2) shows that they are not random.
"""

from itertools import pairwise
from typing import NamedTuple

#: Fewest values from which limits are computed.
MIN_VALUES = 5
#: Values that limits are computed from, the oldest ones: a lasting shift must not widen the limits.
BASELINE = 12
#: Factor of the mean range of two values: three standard deviations of a value.
FACTOR = 2.66
#: Factor of the mean range of two values: three standard deviations of their mean.
FACTOR_OF_MEANS = 1.88
#: Years that seasons are computed from, the oldest ones.
SEASON_YEARS = 2
#: How much wider limits are by season: a season is itself the mean of two values.
SEASON_REACH = (1 + 1 / SEASON_YEARS) ** 0.5
#: Lengths of the runs that are signals.
NEAR_RUN, NEAR_IN_RUN = 4, 3
SIDE_RUN = 8
TREND_RUN = 6


class Limits(NamedTuple):
    """Process limits; all ``None`` where there are too few values."""

    low: float | None = None
    mean: float | None = None
    high: float | None = None


class Observation(NamedTuple):
    """A value of a series.

    :param scale: what the value is compared per, such as its working days; not 0
    :param ordinal: number of its month or quarter, counted from any year on
    """

    value: float
    scale: float = 1.0
    ordinal: int = 0


class UsualRange(NamedTuple):
    """What values are compared with.

    :param limits: of a value with a scale of 1 in a mean season
    :param seasons: the factor of each season of a year, by ordinal modulo their number; empty
        where values do not depend on the season
    """

    limits: Limits
    seasons: tuple = ()

    def factor(self, scale=1.0, ordinal=0):
        """How much larger a value with this scale in this season usually is."""
        return scale * self.seasons[ordinal % len(self.seasons)] if self.seasons else scale

    def at(self, scale=1.0, ordinal=0):
        """The limits of a value with this scale in this season."""
        if self.limits.mean is None:
            return self.limits
        factor = self.factor(scale, ordinal)
        return Limits(*(bound * factor for bound in self.limits))

    def adjust(self, observation):
        """A value as it would be with a scale of 1 in a mean season."""
        return observation.value / self.factor(observation.scale, observation.ordinal)


def limits(values):
    """The mean of the values ± 2.66 × the mean difference between one value and the next.

    >>> limits([10, 12, 10, 12, 10, 12, 10, 12])
    Limits(low=5.68, mean=11.0, high=16.32)
    >>> limits([1, 2])
    Limits(low=None, mean=None, high=None)
    """
    if len(values) < MIN_VALUES:
        return Limits()
    mean = _mean(values)
    reach = FACTOR * _mean([abs(after - before) for before, after in pairwise(values)])
    return Limits(mean - reach, mean, mean + reach)


def usual_range(values):
    """The limits that a series is judged by: those of its first values."""
    return limits(values[:BASELINE])


def learn(observations, per_year=0):
    """The :class:`UsualRange` that a series is judged by.

    :param per_year: seasons of a year; 0 for values that have none

    >>> learn([Observation(40, 20), Observation(48, 24), *[Observation(42, 21)] * 3]).at(23)
    Limits(low=46.0, mean=46.0, high=46.0)
    """
    rates = [one.value / one.scale for one in observations]
    first = observations[: SEASON_YEARS * per_year]
    has_years = (
        per_year
        and len(first) == SEASON_YEARS * per_year
        and all(after.ordinal == before.ordinal + 1 for before, after in pairwise(first))
    )
    seasons = _seasons(rates[:per_year], rates[per_year : len(first)]) if has_years else ()
    if not seasons:
        return UsualRange(usual_range(rates))
    years = [
        [rate / season for rate, season in zip(year, seasons, strict=True)]
        for year in (rates[:per_year], rates[per_year : len(first)])
    ]
    mean = _mean([*years[0], *years[1]])
    # a difference between the years is none between the two values of a season
    levels = [[value * mean / _mean(year) for value in year] for year in years]
    ranges = [abs(after - before) for before, after in zip(*levels, strict=True)]
    reach = FACTOR * SEASON_REACH * _mean(ranges)
    start = -first[0].ordinal % per_year
    seasons = (*seasons[start:], *seasons[:start])
    return UsualRange(Limits(mean - reach, mean, mean + reach), seasons)


def _seasons(*years):
    """Mean ratio of each season to the mean of its year; empty where it may be random.

    >>> [round(one, 2) for one in _seasons([10, 20, 10, 20], [22, 38, 18, 42])]
    [0.7, 1.3, 0.63, 1.37]
    >>> _seasons([10, 20, 10, 20], [20, 10, 20, 10])
    ()
    """
    means = [_mean(year) for year in years]
    if min(means) <= 0:
        return ()
    ratios = [[rate / mean for rate in year] for year, mean in zip(years, means, strict=True)]
    seasons = tuple(_mean(pair) for pair in zip(*ratios, strict=True))
    reach = FACTOR_OF_MEANS * _mean([max(pair) - min(pair) for pair in zip(*ratios, strict=True)])
    return seasons if min(seasons) > 0 and any(abs(one - 1) > reach for one in seasons) else ()


def _mean(values):
    return sum(values) / len(values)


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
    return judge([Observation(value) for value in values], UsualRange(usual_range(values)))


def judge(observations, usual, count=None):
    """The signal at each value of a series, as :func:`find_signals`.

    :param usual: a :class:`UsualRange`
    :param count: only at so many of the last values
    """
    first = len(observations) - min(len(observations), count or len(observations))
    if usual.limits.low == usual.limits.high:  # too few values, or they do not vary
        return [""] * (len(observations) - first)
    values = [usual.adjust(one) for one in observations]
    return [
        _signal(values[max(0, index + 1 - SIDE_RUN) : index + 1], usual.limits)
        for index in range(first, len(values))
    ]


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
