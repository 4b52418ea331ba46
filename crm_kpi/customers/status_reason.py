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
    days = int(customer.days_since_last_order)
    since = env._("1 day") if days == 1 else env._("%s days", days)
    if customer.status == "churned":
        limit = (customer.churn_date - last).days
        return env._("No order for %(since)s, lost after %(limit)s.", since=since, limit=limit)
    if customer.own_gap_days is not False:
        gap = round(customer.own_gap_days)
        return env._("No order for %(since)s, usually every %(gap)s.", since=since, gap=gap)
    limit = (customer.at_risk_date - last).days
    return env._("No order for %(since)s, at risk after %(limit)s.", since=since, limit=limit)
