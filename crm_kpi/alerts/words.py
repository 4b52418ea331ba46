# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Texts of alerts: a rule in one sentence, why a case fires, what helps next."""

from odoo.tools.misc import format_datetime, formatLang

from ..board.signals import signal_text
from ..refresh.run_log import last_complete
from .conditions import computed_at, limit_of


def sentence(alert):
    """A rule in words, such as "Win rate of a salesperson of North, month: the goal becomes off
    track. Tells Mona by mail and activity."."""
    env = alert.env
    if not alert.kpi_id:
        return env._("Choose a KPI.")
    return env._(
        "%(kpi)s %(whose)s, %(period)s: %(condition)s. Tells %(whom)s %(how)s.",
        kpi=alert.kpi_id.name,
        whose=_whose(alert),
        period=_choice(alert, "period_kind").lower(),
        condition=condition_text(alert),
        whom=_joined(env, _whom(alert)) or env._("no one"),
        how=_joined(env, _how(alert)) or env._("in the list of alerts only"),
    )


def title(alert):
    """What a rule is about, without recipients."""
    if not alert.kpi_id:
        return alert.env._("New alert")
    return alert.env._(
        "%(kpi)s %(whose)s: %(condition)s",
        kpi=alert.kpi_id.name,
        whose=_whose(alert),
        condition=condition_text(alert),
    )


def condition_text(alert):
    """The condition of a rule in words."""
    env, above = alert.env, alert.operator == "above"
    limit = limit_text(alert, limit_of(alert))
    match alert.condition:
        case "status":
            if alert.status == "at_risk":
                return env._("the goal becomes at risk or off track")
            return env._("the goal becomes off track")
        case "milestone":
            return env._(
                "the goal reaches %s of its target", _percent(env, int(alert.milestone) / 100)
            )
        case "value":
            if above:
                return env._("the value is above %s", limit)
            return env._("the value is below %s", limit)
        case "forecast":
            if above:
                return env._("the forecast is above %s", limit)
            return env._("the forecast is below %s", limit)
        case "change":
            if above:
                return env._(
                    "the value rises by more than %s against the period before",
                    _percent(env, alert.share),
                )
            return env._(
                "the value falls by more than %s against the period before",
                _percent(env, alert.share),
            )
        case "signal":
            return env._("the latest complete period is unusual")
        case "no_data":
            return env._("nothing new for %s days", alert.count)
        case "stale":
            return env._("the figures are older than %s hours", alert.count)
        case "records":
            return env._("the latest complete period has fewer than %s records", alert.count)
    return ""


def limit_text(alert, value):
    """A value in the unit of the KPI of a rule."""
    if not alert.kpi_id:
        return "–"
    return alert.kpi_id._format_value(
        False if value is None else value, alert.company_id.currency_id
    )


def _whose(alert):
    env = alert.env
    match alert.scope:
        case "mine":
            return env._("of %s", alert.user_id.name or "")
        case "team":
            return env._("of %s", alert.team_id.name or env._("a team"))
        case "users":
            return env._("of each salesperson of %s", alert.team_id.name or env._("a team"))
        case "all_users":
            return env._("of each salesperson")
        case "segments":
            return env._("of each segment of %s", alert.segment_set_id.name or env._("a set"))
    return env._("of %s", alert.company_id.name or "")


def _whom(alert):
    env = alert.env
    names = [alert.user_id.name] if alert.to_owner and alert.user_id else []
    if alert.to_salesperson and alert.scope in ("mine", "users", "all_users"):
        names.append(env._("the salesperson"))
    if alert.to_leader and alert.scope in ("mine", "team", "users", "all_users"):
        names.append(env._("the team leader"))
    names += (
        alert.user_ids - (alert.user_id if alert.to_owner else alert.user_ids.browse())
    ).mapped("name")
    if alert.to_followers and alert.condition in ("status", "milestone"):
        names.append(env._("the followers of the goal"))
    return names


def _how(alert):
    env = alert.env
    return [
        text
        for chosen, text in (
            (alert.by_activity, env._("by activity")),
            (alert.by_mail, env._("by mail")),
            (alert.on_screen, env._("on the screen")),
        )
        if chosen
    ]


def _joined(env, texts):
    *first, last = texts or [""]
    if not first:
        return last
    return env._("%(first)s and %(last)s", first=", ".join(first), last=last)


def _choice(record, name):
    choices = dict(record._fields[name]._description_selection(record.env))
    return choices.get(record[name], "")


def _percent(env, fraction):
    return f"{formatLang(env, fraction * 100, digits=0)}\u00a0%"


# --- CASES ---


def reason_text(case):
    """Why a case fires, with its numbers."""
    env = case.env
    # superuser: recipients of a case may know how its rule judges
    alert = case.alert_id.sudo()
    names = {
        "value": _value(case, case.value),
        "reference": _value(case, case.reference),
        "forecast": _value(case, case.forecast),
        "count": case.record_count,
    }
    match alert.condition:
        case "status":
            if case.goal_id:
                names["status"] = case.goal_id.status_text
                names["reference"] = case.goal_id.target_text
            if case.forecast is not False:
                return env._(
                    "%(status)s: %(value)s, target %(reference)s, forecast %(forecast)s", **names
                )
            return env._("%(status)s: %(value)s, target %(reference)s", **names)
        case "milestone":
            return env._("%(value)s of the target of %(reference)s", **names)
        case "value":
            if alert.operator == "above":
                return env._("%(value)s is above %(reference)s", **names)
            return env._("%(value)s is below %(reference)s", **names)
        case "forecast":
            if alert.operator == "above":
                return env._("The forecast of %(forecast)s is above %(reference)s", **names)
            return env._("The forecast of %(forecast)s is below %(reference)s", **names)
        case "change":
            return env._("%(value)s, in the period before %(reference)s", **names)
        case "signal":
            return env._(
                "%(signal)s: %(value)s", signal=signal_text(env, case.signal or ""), **names
            )
        case "no_data":
            return env._("Nothing new for %(days)s days: %(value)s", days=alert.count, **names)
        case "stale":
            # superuser: only when it was computed
            since = computed_at(case.kpi_id.sudo(), last_complete(env))
            moment = format_datetime(env, since, dt_format="short") if since else "–"
            return env._("Last computed on %s", moment)
        case "records":
            return env._("%(count)s records, fewer than %(least)s", least=alert.count, **names)
    return ""


def message_text(message):
    """What a message says about its case."""
    case, env = message.case_id, message.env
    text = reason_text(case)
    if message.kind == "recovered":
        return env._("recovered (%s)", text)
    if case.state in ("recovered", "over"):
        return env._("%s; it has recovered since", text)
    if message.kind == "reminder":
        return env._("still: %s", text)
    return text


def next_step_text(case):
    """What usually helps: the KPIs behind a formula, the explanation, the counter-metric.

    A KPI that the reader may not see is not named.
    """
    kpi, env = case.kpi_id, case.env
    parts = []
    if components := kpi.component_ids._filtered_access("read"):
        parts.append(env._("Look at what it is made of: %s.", ", ".join(components.mapped("name"))))
    if kpi.description:
        parts.append(kpi.description)
    if counter := kpi.counter_kpi_id._filtered_access("read"):
        parts.append(env._("Do not push it at the cost of %s.", counter.name))
    return "\n".join(parts)


def _value(case, value):
    return case.kpi_id._format_value(value, case.company_id.currency_id)
