# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Texts of goals: values and targets in the unit of the KPI, the status, the pace."""

import math
from datetime import timedelta

from odoo import fields
from odoo.tools.misc import format_date

from ..bidi import isolated
from ..engine import pace
from ..engine import periods as calendar
from ..engine.time_behaviour import time_behaviours
from .earlier import base_name

#: A shape per status, for readers who cannot tell the colours apart.
STATUS_SHAPES = {
    "no_data": "–",
    "too_early": "◔",
    "too_few": "…",
    "on_track": "●",
    "at_risk": "▲",
    "off_track": "▼",
    "achieved": "✔",
    "missed": "✖",
}


def in_unit(goal, value, exact=False):
    """A value in the unit of the KPI.

    :param exact: show up to two more decimals when the value has them: a target of 8.5 deals
        is not one of 9
    """
    kpi = goal.kpi_id
    if not kpi:
        return "–"
    if exact and value is not False and kpi.unit != "money":
        shown = value * 100 if kpi.unit == "percent" else value
        finest = round(shown, kpi.digits + 2)
        digits = next(
            digits for digits in range(kpi.digits, kpi.digits + 3) if round(shown, digits) == finest
        )
        if digits != kpi.digits:
            kpi = kpi.new({"unit": kpi.unit, "digits": digits})
    return kpi._format_value(value, goal.currency_id)


def target_text(goal, computed=False):
    """The target in symbols, such as ``≥ 6`` or ``+50 % (≥ 6)``.

    :param computed: the target was not entered, but computed; that of an improvement always is
    """
    computed = computed or goal.kind == "improve"
    target = _computed_target(goal) if computed else in_unit(goal, goal.target, exact=True)
    if goal.kind == "range":
        return f"{target} – {in_unit(goal, goal.target_max, exact=not computed)}"
    less = _has_limit(goal)
    text = isolated(goal.env, f"{'≤' if less else '≥'} {target}")
    if goal.kind == "improve":
        sign = "−" if less else "+"
        change = isolated(goal.env, f"{sign}{goal.improve_by * 100:g}\u00a0%")
        return change if goal.target is False else f"{change} ({text})"
    return text


def _computed_target(goal):
    """A target that was computed, with the decimals of the KPI.

    5 customers and 25 % more are 6.25: at least 7, because customers are counted whole.
    """
    target = goal.target
    if target is not False and goal.kpi_id.unit == "count" and not goal.kpi_id.digits:
        exact = round(target, 6)
        target = math.floor(exact) if _has_limit(goal) else math.ceil(exact)
    return in_unit(goal, target)


def source_text(goal):
    """What *Set goals* made the target of, such as "October 2026: 13, 10 % better"."""
    env, value = goal.env, in_unit(goal, goal.source_value, exact=True)
    if not goal.source:
        return False
    if goal.source == "spread":
        if goal.source_count == 1:
            return env._("%s for 1 goal", value)
        return env._(
            "%(amount)s spread over %(count)s goals", amount=value, count=goal.source_count
        )
    return env._(
        "%(period)s: %(value)s, %(change)s better",
        period=base_name(env, goal.source, goal.source_period_id, goal.source_count),
        value=value,
        change=isolated(env, f"{goal.source_change * 100:g}\u00a0%"),
    )


def baseline_text(goal):
    """The baseline, and whether the KPI had another definition then."""
    text = in_unit(goal, goal.baseline, exact=True)
    if 0 < goal.baseline_version < goal.kpi_id.version:
        return goal.env._("%s, by an earlier definition of the KPI", text)
    return text


def status_text(goal):
    """The status in words; of a goal to improve on nothing the reason why it has none.

    A goal that is met at the cost of its counter-metric says so.
    """
    env = goal.env
    if goal.status == "no_data" and goal.kind == "improve" and goal.target is False:
        return env._("No baseline")
    status = dict(goal._fields["status"]._description_selection(env)).get(goal.status, "")
    if not goal.counter_missed:
        return status
    # a KPI that the user may not read is not named
    counter = goal.kpi_id.counter_kpi_id._filtered_access("read")
    names = {"status": status, "kpi": counter.name or env._("its counter-metric")}
    if goal.period_state in ("provisional", "locked"):
        return env._("%(status)s – but %(kpi)s missed its goal", **names)
    return env._("%(status)s – but %(kpi)s is off track", **names)


def attainment_text(goal):
    """The attainment as a percentage, rounded down: 99.6 % is not shown as 100 %.

    Goals with an upper limit show the distance to it: a first response after 1 hour of at most
    8 is no attainment of 800 %.
    """
    env, value, target = goal.env, goal.value, goal.target
    is_known = value is not False and target is not False  # 0 is known
    if goal.kind == "range" and is_known:
        if value < target:
            return env._("%s below the range", _distance(goal, target - value))
        if goal.target_max is not False and value > goal.target_max:
            return env._("%s above the range", _distance(goal, value - goal.target_max))
        return env._("in the range")
    if _has_limit(goal) and is_known:
        distance = _distance(goal, abs(target - value))
        if distance == _distance(goal, 0):
            return env._("at the limit")
        if value > target:
            return env._("%s over the limit", distance)
        return env._("%s under the limit", distance)
    if goal.attainment is False:
        return "–"
    percent = f"{pace.whole_percent(goal.attainment) * 100:.0f}\u00a0%"
    return isolated(goal.env, percent)


def _has_limit(goal):
    """Whether the target is the largest value that meets the goal."""
    return goal.kind == "at_most" or (goal.kind == "improve" and goal.direction == "decrease")


def _distance(goal, amount):
    """A difference of values in the unit of the KPI; of percentages in points."""
    if goal.kpi_id.unit == "percent":
        return goal.kpi_id._points_text(amount * 100)
    return in_unit(goal, amount)


def pace_texts(goals):
    """How much of the period of each goal has elapsed, and when its value is final.

    :return: dict of goal to text, without goals that have no period yet
    """
    now = fields.Datetime.now()
    elapsed_by_period = goals.period_id._elapsed(now)
    behaviours = time_behaviours(goals.kpi_id)
    env = goals.env
    result = {}
    for goal in goals.filtered(lambda goal: goal.period_id in elapsed_by_period):
        elapsed = elapsed_by_period[goal.period_id]
        behaviour = behaviours.get(goal.kpi_id)
        text = env._("%(done)s of %(total)s working days", done=elapsed.days, total=elapsed.total)
        if behaviour and behaviour.final_only and not elapsed.over:
            text = env._("%s, known at the end", text)
        elif behaviour and behaviour.maturity and goal.period_state != "locked":
            final = goal.period_id.date_to + timedelta(days=math.ceil(behaviour.maturity))
            if calendar.local_day(now, goal.company_id._kpi_tz()) < final:
                text = env._("%(pace)s, final on %(day)s", pace=text, day=format_date(env, final))
        result[goal] = text
    return result
