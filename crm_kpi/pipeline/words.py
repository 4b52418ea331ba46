# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""States of a lead in words: what changed, and a line of its life.

States are records of ``crm.kpi.lead.state``.
"""

from odoo.tools.misc import format_amount, format_date, formatLang

from .life import Step, life_of


def status_of(state):
    """``open``, ``won``, ``lost`` or ``archived``."""
    if state.won_status != "pending":
        return state.won_status
    return "open" if state.active else "archived"


def unknown_fields(state):
    """Names of the fields whose value is not known."""
    return set(state.unknown.split(",")) if state.unknown else set()


def change_text(before, after):
    """What is different in a state, compared with the state before; and how the last one ended.

    :param before: the state before; an empty recordset for the first one
    """
    parts = _changes(before, after) if before else [_beginning(after)]
    if after.ending == "deleted":
        parts.append(after.env._("Deleted on %s", format_date(after.env, after.date_to)))
    elif after.ending == "merged":
        # superuser: the name of the lead whose life the reader sees
        name = after.sudo().merged_into_id.exists().name or after.env._("a deleted lead")
        parts.append(
            after.env._(
                "Merged into %(name)s on %(date)s",
                name=name,
                date=format_date(after.env, after.date_to),
            )
        )
    return ", ".join(parts)


def life_text(states, now):
    """Times in stages, pushes and the change of the amount of a deal, in one line.

    :param states: the states of one lead, in order
    """
    if not states:
        return ""
    env, stages, currency = states.env, states.stage_id, states[-1].company_currency
    opportunity = states.filtered(lambda state: state.type == "opportunity")
    life = life_of([_step(state) for state in opportunity], now)
    names = {stage.id: stage.name for stage in stages}
    parts = []
    if life.stage_days:
        parts.append(
            " › ".join(
                env._("%(stage)s %(days)s d", stage=names[stage], days=_days(env, days))
                for stage, days in life.stage_days.items()
            )
        )
    if life.pushes == 1:
        parts.append(env._("1 push (%s days later)", life.pushed_days))
    elif life.pushes:
        parts.append(
            env._(
                "%(count)s pushes (%(days)s days later)",
                count=life.pushes,
                days=life.pushed_days,
            )
        )
    if life.first_amount != life.last_amount:
        first, last = (
            format_amount(env, amount, currency) for amount in (life.first_amount, life.last_amount)
        )
        parts.append(f"{first} → {last}")
    return " · ".join(parts)


def _step(state):
    unknown = unknown_fields(state)
    return Step(
        state.date_from,
        state.date_to or None,
        status_of(state) == "open",
        state.stage_id.id or None,
        None if "expected_revenue" in unknown else state.expected_revenue,
        state.date_deadline or None,
    )


def _days(env, days):
    return formatLang(env, days, digits=0 if days >= 10 else 1)


def _beginning(state):
    # superuser: the reader may read the lead, or its states only
    lead = state.sudo().lead_id.exists()
    if lead and lead.create_date > state.date_from:
        return state.env._("Known from here on")
    return state.env._("Created")


def _changes(before, after):
    """List of texts; at least one."""
    env, unknown = after.env, unknown_fields(before) | unknown_fields(after)

    def changed(name):
        return name not in unknown and before[name] != after[name]

    def amount(value):
        return format_amount(env, value, after.company_currency)

    parts = []
    if changed("type"):
        is_deal = after.type == "opportunity"
        parts.append(env._("Became an opportunity") if is_deal else env._("Became a lead"))
    status, past = status_of(after), status_of(before)
    if not unknown & {"active", "won_status"} and status != past:
        parts.append(
            {
                "won": env._("Won"),
                "lost": env._("Lost"),
                "archived": env._("Archived"),
                "open": env._("Restored") if past == "archived" else env._("Re-opened"),
            }[status]
        )
    parts += [
        env._(
            "%(field)s: %(before)s → %(after)s",
            field=after._fields[name]._description_string(env),
            # superuser: names of records that the reader sees on the lead
            before=before.sudo()[name].display_name or "–",
            after=after.sudo()[name].display_name or "–",
        )
        for name in ("stage_id", "user_id", "team_id", "partner_id")
        if changed(name)
    ]
    if changed("expected_revenue"):
        parts.append(f"{amount(before.expected_revenue)} → {amount(after.expected_revenue)}")
    if changed("recurring_revenue_monthly"):
        parts.append(
            env._(
                "Monthly: %(before)s → %(after)s",
                before=amount(before.recurring_revenue_monthly),
                after=amount(after.recurring_revenue_monthly),
            )
        )
    if changed("date_deadline"):
        parts.append(_deadline_text(env, before.date_deadline, after.date_deadline))
    if not parts and changed("probability"):
        parts.append(
            env._(
                "Probability: %(before)s %% → %(after)s %%",
                before=formatLang(env, before.probability, digits=0),
                after=formatLang(env, after.probability, digits=0),
            )
        )
    if not parts and unknown_fields(before) - unknown_fields(after):
        parts.append(env._("All fields known from here on"))
    return parts or [env._("Other fields")]


def _deadline_text(env, before, after):
    if not after:
        return env._("Expected closing removed")
    day = format_date(env, after)
    if not before:
        return env._("Expected closing: %s", day)
    days = (after - before).days
    if days > 0:
        return env._("Pushed by %(days)s days to %(date)s", days=days, date=day)
    return env._("Pulled in by %(days)s days to %(date)s", days=-days, date=day)
