# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The change of a value against an earlier period, in words."""

from typing import NamedTuple

from odoo.tools.misc import formatLang


class Change(NamedTuple):
    """A change; everything is empty where two values cannot be compared.

    :param trend: ``better``, ``worse``, ``same``, or ``other`` where the KPI has no good direction
    """

    text: str = ""
    trend: str = ""
    up: bool = False


def change(row, before, period, whole_period=True):
    """The change of a ``crm.kpi.value`` against the value of an earlier period.

    :param before: the earlier value; ``None`` or ``False`` where there is none
    :param whole_period: whether both values cover the same part of their period; otherwise
        only the earlier value is shown
    """
    env, kpi = row.env, row.kpi_id
    if not period or before is None or before is False or row.value is False:
        return Change()
    if not whole_period:
        value = kpi._format_value(before, row.currency_id)
        return Change(env._("%(period)s: %(value)s", period=period.display_name, value=value))
    # what is dated ahead has not happened in the part of the period that is compared
    delta = row.value - row.ahead - before
    if kpi.unit == "percent":
        points = abs(delta) * 100
        amount = env._("%s points", formatLang(env, points, digits=kpi.digits))
        unchanged = round(points, kpi.digits) == 0
    elif before <= 0:
        # growth from zero or from a loss has no percentage
        return Change()
    else:
        percent = abs(delta) / before * 100
        amount = f"{formatLang(env, percent, digits=0)}\u00a0%"
        unchanged = round(percent) == 0
    names = {"amount": amount, "period": period.display_name}
    if unchanged:
        return Change(env._("same as %(period)s", **names), "same")
    up = delta > 0
    if kpi.direction == "maintain":
        if up:
            return Change(env._("%(amount)s more than %(period)s", **names), "other", True)
        return Change(env._("%(amount)s less than %(period)s", **names), "other", False)
    if up == (kpi.direction == "increase"):
        return Change(env._("%(amount)s better than %(period)s", **names), "better", up)
    return Change(env._("%(amount)s worse than %(period)s", **names), "worse", up)
