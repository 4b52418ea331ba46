# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The life of a deal in a few numbers: times in stages, pushes, amounts."""

from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from typing import NamedTuple


class Step(NamedTuple):
    """A state of a deal.

    :param until: ``None``: it is the present state
    :param stage: key of the stage; ``None``: unknown, or none
    :param amount, deadline: ``None``: unknown, or none
    """

    since: datetime
    until: datetime | None
    is_open: bool
    stage: int | None
    amount: float | None
    deadline: date | None


@dataclass
class Life:
    """What happened to a deal while it was open.

    A *push*: the expected closing moved to a later day.

    :param stage_days: days in each stage, in the order in which the deal first entered them
    :param pushed_days: by how many days the expected closing was moved later, in all
    """

    stage_days: dict[int, float] = field(default_factory=dict)
    pushes: int = 0
    pushed_days: int = 0
    first_amount: float | None = None
    last_amount: float | None = None


def life_of(steps, now):
    """The :class:`Life` of a deal.

    :param steps: its states in order: list of :class:`Step`
    :param now: naive UTC
    """
    life = Life()
    for step in steps:
        if step.is_open and step.stage is not None:
            seconds = ((step.until or now) - step.since).total_seconds()
            days = life.stage_days.get(step.stage, 0.0) + max(seconds, 0.0) / 86400
            life.stage_days[step.stage] = days
    for before, after in pairwise(steps):
        if days := pushed_days(before.deadline, after.deadline) if after.is_open else 0:
            life.pushes += 1
            life.pushed_days += days
    amounts = [step.amount for step in steps if step.amount is not None]
    if amounts:
        life.first_amount, life.last_amount = amounts[0], amounts[-1]
    return life


def pushed_days(before, after):
    """By how many days an expected closing was moved later; 0 if it was not, or is not known."""
    return max((after - before).days, 0) if before and after else 0
