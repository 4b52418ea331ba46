# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Switching many KPIs on or off, by hand or for areas of work."""

from typing import NamedTuple

from odoo import models
from odoo.exceptions import UserError

from .first_values import first_values_text

#: Areas of work; the category of a KPI has a field ``is_<area>`` for each.
AREAS = ("sales", "service", "marketing")
#: Number of refused KPIs that a message names.
MOST_NAMED = 5
#: Number of goals that a message names.
GOALS_NAMED = 3


class Switched(NamedTuple):
    """What became of KPIs that were to be switched.

    :param refused: dict of a KPI to the reason
    """

    published: models.Model
    drafts: models.Model
    refused: dict


def switch(publish, draft):
    """Publish some KPIs and take others back to draft; one that is refused does not stop the rest.

    :return: a :class:`Switched`, without the KPIs that had the state already
    """
    (publish | draft).check_access("read")
    (publish | draft).browse().check_access("write")
    refused = {}
    published = _switch_each(publish, "published", refused)
    drafts = _switch_each(draft, "draft", refused)
    return Switched(published, drafts, refused)


def _switch_each(kpis, state, refused):
    done = kpis.browse()
    for kpi in kpis.filtered(lambda kpi: kpi.state != state):
        try:
            with kpi.env.cr.savepoint():
                kpi._check_figures()
                kpi.state = state
        except UserError as error:
            refused[kpi] = str(error)
        else:
            done |= kpi
    return done


def notification(env, switched):
    """Action that tells what became of the KPIs, and reloads the list behind it."""
    texts = []
    if count := len(switched.published):
        texts.append(
            env._("1 KPI was published.") if count == 1 else env._("%s KPIs were published.", count)
        )
        if not all(switched.published.mapped("last_refresh")):
            texts.append(first_values_text(env))
    if count := len(switched.drafts):
        texts.append(
            env._("1 KPI is back to draft.")
            if count == 1
            else env._("%s KPIs are back to draft.", count)
        )
        if text := still_computed_text(switched.drafts):
            texts.append(text)
    if refused := switched.refused:
        texts.append(
            env._("1 KPI was refused:")
            if len(refused) == 1
            else env._("%s KPIs were refused:", len(refused))
        )
        texts += list(refused.values())[:MOST_NAMED]
        if len(refused) > MOST_NAMED:
            texts.append(env._("… and %s more.", len(refused) - MOST_NAMED))
    if not texts:
        texts.append(env._("Nothing to change: the KPIs have this state already."))
    return {
        "type": "ir.actions.client",
        "tag": "display_notification",
        "params": {
            "type": "warning" if refused else "success",
            "message": " ".join(texts),
            "sticky": bool(refused),
            "next": {"type": "ir.actions.act_window_close"},
        },
    }


def still_computed_text(kpis):
    """Which of the KPIs that were switched off formulas still use; empty for none."""
    # superuser: only names of KPIs, to users who may switch them
    followers = kpis.sudo()._with_formula_users()
    used = followers.filtered(lambda kpi: kpi.active and _is_on(kpi))._with_components() & kpis
    if not used:
        return ""
    return kpis.env._(
        "Formulas still use, and the refresh still computes: %s.", ", ".join(used.mapped("name"))
    )


def _is_on(kpi):
    return kpi.state == "published"


def check_switch(kpis, vals):
    """Refuse values that switch KPIs off while that is not possible.

    :param vals: what is to be written
    :raise UserError: names what stands against it, and the remedy
    """
    if vals.get("state") == "draft" or not vals.get("active", True):
        kpis.check_access("write")  # before the message names goals
        check_no_running_goals(kpis)


def check_no_running_goals(kpis):
    """Refuse to switch off or delete KPIs while people are measured by their goals.

    :raise UserError: names the goals and the remedy
    """
    # superuser: goals that the user may not see count too
    goals = kpis.env["crm.kpi.goal"].sudo()
    running = goals.search(
        [("kpi_id", "in", kpis.ids), ("period_id.state", "in", ["open", "future"])]
    )
    for kpi, of_kpi in running.grouped("kpi_id").items():
        names = [
            f"{goal.scope_name} · {goal.period_id.display_name}" for goal in of_kpi[:GOALS_NAMED]
        ]
        if more := len(of_kpi) - len(names):
            names.append(kpis.env._("%s more", more))
        raise UserError(
            kpis.env._(
                "%(kpi)s has goals that are not over: %(goals)s. Archive these goals first, or "
                "wait until their periods are over.",
                kpi=kpi.name,
                goals=", ".join(names),
            )
        )


# --- AREAS OF WORK ---


def areas_of(kpi):
    """The areas of work that a KPI belongs to; empty where its category has none.

    A KPI that compares service teams belongs to the service, in any category.
    """
    if kpi.compared_people == "service":
        return {"service"}
    return {area for area in AREAS if kpi.category_id[f"is_{area}"]}


def for_areas(env, areas):
    """Which KPIs have to be switched for some areas of work.

    Only shipped KPIs are switched on: a draft that a user defined may not be finished. KPIs of
    categories without an area are left alone.

    :return: ``(publish, draft)``
    """
    kpis = env["crm.kpi"].search([])
    wanted = kpis.filtered(lambda kpi: areas_of(kpi) & areas)
    others = kpis.filtered(lambda kpi: areas_of(kpi) and not areas_of(kpi) & areas)
    return (
        wanted.filtered(lambda kpi: kpi.state == "draft" and kpi.is_shipped),
        others.filtered(_is_on),
    )
