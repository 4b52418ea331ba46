# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The change of a value against an earlier period, in words."""

from datetime import timedelta
from typing import NamedTuple

from odoo.tools.misc import format_date, formatLang

from ..bidi import isolated

#: Fewest records of the earlier value for a percentage: from 1 to 0 is no decrease by 100 %.
PERCENT_MIN_RECORDS = 5
#: Largest change that is a percentage; beyond it, the earlier value says more.
PERCENT_MAX = 200
#: Units whose changes are differences in points, and no percentages of the earlier value.
POINT_UNITS = ("percent", "score")


class Change(NamedTuple):
    """A change; everything is empty where two values cannot be compared.

    :param text: the amount, the earlier value and its period; without the direction
    :param trend: ``better``, ``worse``, ``same``, or ``other`` where the KPI has no good direction
    :param up: whether the value is higher than the earlier one
    :param short: the text without the period, where that is named elsewhere
    """

    text: str = ""
    trend: str = ""
    up: bool = False
    short: str = ""


def change(row, before, period):
    """The change of a ``crm.kpi.value`` against the value of an earlier period.

    :param before: the earlier ``crm.kpi.value``, of the same part of its period; may be empty
    """
    env, kpi = row.env, row.kpi_id
    if not period or not before or before.value is False or row.value is False:
        return Change()
    names = {
        "period": period_name(kpi, period),
        "value": kpi._format_value(before.value, row.currency_id),
    }
    # what is dated ahead has not happened in the part of the period that is compared
    delta = row.value - row.ahead - before.value
    amount, unchanged = _amount(kpi, delta, before)
    if unchanged:
        return Change(env._("same as %(period)s", **names), "same", short=env._("same"))
    up = delta > 0
    if kpi.direction == "maintain":
        trend = "other"
    else:
        trend = "better" if up == (kpi.direction == "increase") else "worse"
    if not amount:
        short = env._("from %s", names["value"])
        return Change(env._("from %(value)s (%(period)s)", **names), trend, up, short)
    text = env._("%(amount)s vs %(period)s (%(value)s)", amount=amount, **names)
    return Change(text, trend, up, f"{amount} ({names['value']})")


def sign(found):
    """The direction of a change as a sign before its text; empty where there is none.

    :param found: :class:`Change` or :class:`~.cards.CardChange`
    """
    if not found.trend:
        return ""
    return "→ " if found.trend == "same" else "↗ " if found.up else "↘ "


def trend_text(env, trend):
    """Whether a change is good, in words; empty where it is neither."""
    return {"better": env._("Better"), "worse": env._("Worse")}.get(trend, "")


def period_name(kpi, period):
    """The name of a period that a value is compared with: of a snapshot its last day."""
    if kpi._is_stock():
        return format_date(kpi.env, period.date_to - timedelta(days=1))
    return period.display_name


def _amount(kpi, delta, before):
    """The amount of a change, and whether it is too small to be shown.

    The amount is empty where a percentage would mislead.
    """
    env = kpi.env
    if kpi.unit in POINT_UNITS:
        points = abs(delta) * (100 if kpi.unit == "percent" else 1)
        return kpi._points_text(points), round(points, kpi.digits) == 0
    # growth from zero or from a loss has no percentage
    if before.value <= 0 or before.record_count < PERCENT_MIN_RECORDS:
        return "", delta == 0
    percent = abs(delta) / before.value * 100
    if percent > PERCENT_MAX:
        return "", False
    text = isolated(env, f"{formatLang(env, percent, digits=0)}\u00a0%")
    return text, round(percent) == 0
