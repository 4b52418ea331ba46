# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What uses a KPI: formulas, boards, goals, counter-metrics, alerts."""

from typing import NamedTuple

from odoo import models
from odoo.exceptions import UserError, ValidationError

#: Number of KPIs that a refusal names.
KPIS_NAMED = 3


class Usage(NamedTuple):
    """What uses a KPI, of what the reader may see.

    :param counter_of: KPIs whose counter-metric it is
    :param other_boards: number of boards that the reader may not see
    :param goals: number of goals
    :param alerts: number of alert rules, also of other users
    """

    formulas: models.Model
    counter_of: models.Model
    boards: models.Model
    other_boards: int
    goals: int
    alerts: int


def used_in(kpis):
    """The :class:`Usage` of KPIs: dict by their ids."""
    env, records, kpis = kpis.env, kpis, kpis._origin
    every = kpis.with_context(active_test=False)
    formulas = every.search([("component_ids", "in", kpis.ids)])
    counted = every.search([("counter_kpi_id", "in", kpis.ids)])
    # superuser: of boards that the reader may not see only the number is shown
    boards = {
        kpi.id: found
        for kpi, found in env["crm.kpi.board.card"]
        .sudo()
        ._read_group(
            [("kpi_id", "in", kpis.ids), ("board_id.active", "=", True)],
            ["kpi_id"],
            ["board_id:recordset"],
        )
    }
    readable = env["crm.kpi.board"].search([("card_ids.kpi_id", "in", kpis.ids)])
    goals = {
        kpi.id: count
        for kpi, count in env["crm.kpi.goal"]._read_group(
            [("kpi_id", "in", kpis.ids)], ["kpi_id"], ["__count"]
        )
    }
    # superuser: of the rules of other users only the number is shown
    alerts = {
        kpi.id: count
        for kpi, count in env["crm.kpi.alert"]
        .sudo()
        ._read_group([("kpi_id", "in", kpis.ids)], ["kpi_id"], ["__count"])
    }
    found = (formulas, counted, boards, readable, goals, alerts)
    return {record._origin.id: _usage(record._origin, *found) for record in records}


def _usage(kpi, formulas, counted, boards, readable, goals, alerts):
    every_board = boards.get(kpi.id, readable.browse())
    own = readable & every_board
    return Usage(
        formulas=formulas.filtered(lambda formula: kpi in formula.component_ids),
        counter_of=counted.filtered(lambda other: other.counter_kpi_id == kpi),
        boards=own,
        other_boards=len(every_board - own),
        goals=goals.get(kpi.id, 0),
        alerts=alerts.get(kpi.id, 0),
    )


# --- REFUSALS ---


def check_code_unused(kpis, code):
    """Refuse a new code while formulas use the old one: they would lose their component."""
    for kpi in kpis.filtered(lambda kpi: kpi.code != code):
        if users := kpi._formula_users():
            raise ValidationError(
                kpi.env._(
                    "Code: the formula of %(users)s uses %(code)s. Keep the code, or "
                    "remove it from that formula first.",
                    code=kpi.code,
                    users=", ".join(users.mapped("name")),
                )
            )


def check_not_in_formulas(kpis):
    """Refuse to delete KPIs that formulas use."""
    if users := kpis._formula_users():
        raise UserError(
            kpis.env._(
                "The formula of %(users)s uses %(kpi)s. Change that formula first, "
                "or archive the KPI.",
                kpi=kpis[0].name,
                users=", ".join(users.mapped("name")),
            )
        )


def check_source_unused(sources):
    """Refuse to delete sources that KPIs use: the KPIs, their values and goals would go with them."""
    # superuser: only names, to administrators of KPIs
    every = sources.sudo().with_context(active_test=False)
    for source in every:
        if kpis := (source | source.other_date_ids).kpi_ids:
            raise UserError(
                sources.env._(
                    "KPIs use the source “%(name)s”: %(kpis)s. Choose another source for them, or "
                    "delete them first.",
                    name=source.name,
                    kpis=_names(kpis),
                )
            )


def check_category_unused(categories):
    """Refuse to delete categories of KPIs."""
    # superuser: as above
    kpis = categories.env["crm.kpi"].sudo().with_context(active_test=False)
    for category in categories:
        if found := kpis.search([("category_id", "=", category.id)]):
            raise UserError(
                categories.env._(
                    "KPIs have the category “%(category)s”: %(kpis)s. Choose another category for "
                    "them first.",
                    category=category.name,
                    kpis=_names(found),
                )
            )


def _names(kpis):
    """The names of some KPIs; of many, how many more there are."""
    names = kpis[:KPIS_NAMED].mapped("name")
    if more := len(kpis) - len(names):
        names.append(kpis.env._("%s more", more))
    return ", ".join(names)
