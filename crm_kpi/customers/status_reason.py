# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Why a customer is at risk or lost, in a sentence."""


def status_reason(customer):
    """The sentence; empty for other statuses.

    :param customer: a row of ``crm.kpi.customer``
    """
    env, last = customer.env, customer.last_order_date
    if customer.status not in ("at_risk", "churned") or not last:
        return ""
    since = days_text(env, customer.days_since_last_order)
    if customer.status == "churned":
        limit = (customer.churn_date - last).days
        return env._(
            "No order for %(since)s; lost after %(limit)s.",
            since=since,
            limit=days_text(env, limit),
        )
    if customer.own_gap_days is not False:
        return env._(
            "No order for %(since)s, usually one every %(gap)s.",
            since=since,
            gap=days_text(env, customer.own_gap_days),
        )
    limit = (customer.at_risk_date - last).days
    return env._(
        "No order for %(since)s; at risk after %(limit)s.",
        since=since,
        limit=days_text(env, limit),
    )


def days_text(env, days):
    """A number of days, in whole days that are over."""
    return env._("1 day") if int(days) == 1 else env._("%s days", int(days))
