# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The people of a goal: they follow it, and hear of a new or changed target.

A message about a goal tells a value or a target of the KPI. So only users who may read the goal
follow it or receive its messages; the record rules decide, as on the screen.
"""

from collections import defaultdict

from markupsafe import Markup

from odoo.fields import Command
from odoo.tools import groupby

from .cell import CELL
from .labels import target_text

#: Fields that make up the target, by kind of goal.
TARGET = {
    "at_least": ("target",),
    "at_most": ("target",),
    "range": ("target", "target_max"),
    "improve": ("improve_by", "baseline_kind", "baseline_count", "baseline_fixed"),
}
LINES_SHOWN = 20


def snapshot(goals):
    """Cell and target of each active goal before a change, for :func:`announce`."""
    names = {"kind", *CELL, *(name for fields in TARGET.values() for name in fields)}
    return {
        goal.id: {name: goal._raw(name) for name in names}
        for goal in goals.sudo()  # superuser: only readers of a goal are told its target
        if goal.active
    }


def announce(goals, before):
    """Let the people of goals follow them, and tell the followers of new and changed targets.

    Each person receives one message. The number of statements depends on the number of people,
    not on that of goals.

    :param before: :func:`snapshot` of the goals before the change; goals without one are new
    """
    # superuser: followers and messages of others are written; readers() checks their rights
    goals = goals.sudo()
    changed = goals.filtered(lambda goal: goal.active and _is_changed(goal, before.get(goal.id)))
    if not changed:
        return
    setter, followed = goals.env.user, _followers(changed)
    users = _people(
        changed.filtered(
            lambda goal: (
                goal not in followed or not _same(goal, before.get(goal.id, {}), CELL)
            )  # for another person or team
        )
    )
    users[setter] = changed
    _subscribe(users, followed)
    _tell(changed, before, setter)


def ensure_followers(goal):
    """Let the people of a goal follow it where it has no followers, as after an import."""
    # superuser: a reader posts a message; readers() checks the rights of each follower
    goal = goal.sudo()
    if not goal.message_follower_ids:
        _subscribe(_people(goal), {})


def readers(users, goals):
    """Those of the users who may read all of the goals."""
    return users.filtered(lambda user: _readable(user, goals) == goals)


def _same(goal, before, names):
    return bool(before) and all(before[name] == goal._raw(name) for name in names)


def _is_changed(goal, before):
    return not before or not _same(goal, before, ("kind", *CELL, *TARGET[goal.kind]))


def _people(goals):
    """Salesperson, team leaders and creator of goals: dict of user to goals."""
    env = goals.env
    leaders = defaultdict(env["res.users"].browse)
    members = env["crm.team.member"].search_fetch(
        [("user_id", "in", goals.user_id.ids)], ["user_id", "crm_team_id"]
    )
    for member in members:
        leaders[member.user_id, member.crm_team_id.company_id] |= member.crm_team_id.user_id
    result = defaultdict(goals.browse)
    for goal in goals:
        users = goal.create_uid | goal.user_id | goal.team_id.user_id
        if goal.user_id and not goal.team_id:
            for company in (goal.company_id, goal.company_id.browse()):
                users |= leaders.get((goal.user_id, company), users.browse())
        for user in users:
            result[user] += goal
    return result


def _readable(user, goals):
    """The goals that a user may read in one of their companies."""
    if not user.active or user.share:
        return goals.browse()
    own = goals.with_user(user).with_context(allowed_company_ids=user.company_ids.ids)
    return own._filtered_access("read").with_env(goals.env)


def _followers(goals):
    """Followers: dict of goal to partners."""
    followers = goals.env["mail.followers"].search_fetch(
        [("res_model", "=", goals._name), ("res_id", "in", goals.ids)], ["res_id", "partner_id"]
    )
    return {
        goals.browse(res_id): goals.env["res.partner"].union(*(f.partner_id for f in group))
        for res_id, group in groupby(followers, lambda follower: follower.res_id)
    }


def _subscribe(users, followed):
    """Let users follow goals that they may read.

    :param users: dict of user to goals
    :param followed: see :func:`_followers`
    """
    vals_list = []
    for user, goals in users.items():
        subtypes, *_others = goals.env["mail.message.subtype"].default_subtypes(goals._name)
        vals_list += [
            {
                "res_model": goal._name,
                "res_id": goal.id,
                "partner_id": user.partner_id.id,
                "subtype_ids": [Command.set(subtypes.ids)],
            }
            for goal in _readable(user, goals)
            if goal not in followed or user.partner_id not in followed[goal]
        ]
    if vals_list:
        env = next(iter(users)).env
        env["mail.followers"].create(vals_list)
        env["crm.kpi.goal"].invalidate_model(
            ["message_follower_ids", "message_partner_ids"], flush=False
        )


def _tell(goals, before, setter):
    """One message for each follower of the goals, except the user who set the targets."""
    by_user = defaultdict(goals.browse)
    for goal, partners in _followers(goals).items():
        for user in partners.user_ids - setter:
            by_user[user] += goal
    for user, own in by_user.items():
        if own := _readable(user, own):
            _send(user, own.with_context(lang=user.lang), before, setter)


def _send(user, goals, before, setter):
    env = goals.env
    lines = Markup().join(
        Markup('<li><a href="/odoo/crm.kpi.goal/%s">%s</a>: %s</li>')
        % (goal.id, goal.display_name, _news(goal, before.get(goal.id)))
        for goal in goals[:LINES_SHOWN]
    )
    if len(goals) > LINES_SHOWN:
        lines += Markup("<li>%s</li>") % env._("and %s more", len(goals) - LINES_SHOWN)
    if len(goals) == 1:
        subject = env._("Target: %s", goals.display_name)
    else:
        subject = env._("%s new or changed targets", len(goals))
    # a message about one goal opens it
    thread = goals if len(goals) == 1 else env["mail.thread"]
    thread.message_notify(
        partner_ids=user.partner_id.ids,
        subject=subject,
        body=Markup("<p>%s</p><ul>%s</ul>") % (env._("Set by %s:", setter.name), lines),
        # many mails are sent by the queue, not while the user waits
        force_send=len(goals) == 1,
    )


def _news(goal, before):
    """The target, and the earlier one if it was another."""
    text = target_text(goal)
    if not before or not _same(goal, before, CELL):
        return text
    earlier = target_text(goal.new(before, origin=goal))
    if earlier == text:
        return text
    return goal.env._("%(target)s (before: %(earlier)s)", target=text, earlier=earlier)
