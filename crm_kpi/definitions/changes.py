# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whether a definition changed, and what a change concerns."""

import ast
from typing import NamedTuple

from odoo import models


class Impact(NamedTuple):
    """What a change of a definition concerns.

    :param kpis: the KPIs, and those whose formulas use them
    :param months: number of months with values, of them ``locked_months`` locked ones
    """

    kpis: models.Model
    months: int
    locked_months: int
    boards: int
    goals: int


def definition_of(record, names):
    """The fields that define a KPI or a source, in a form that can be compared.

    A filter that is only written in another way is the same filter.
    """
    return [_comparable(name, record[name]) for name in sorted(names)]


def _comparable(name, value):
    if isinstance(value, models.BaseModel):
        return value._origin
    if name == "domain":
        try:
            return repr(ast.literal_eval((value or "[]").strip()))
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return value
    return value or False


def impact(kpis):
    """The :class:`Impact` of a change of some KPIs, in all companies."""
    # superuser: only numbers are shown, to administrators of the definition
    kpis = kpis.sudo()._with_formula_users()
    env = kpis.env
    periods = env["crm.kpi.value"]._read_group(
        [("kpi_id", "in", kpis.ids), ("period_id.kind", "=", "month")], ["period_id"]
    )
    months = {period.date_from for (period,) in periods}
    locked = {period.date_from for (period,) in periods if period.state == "locked"}
    boards = env["crm.kpi.board.card"]._read_group([("kpi_id", "in", kpis.ids)], ["board_id"])
    return Impact(
        kpis=kpis,
        months=len(months),
        locked_months=len(locked),
        boards=len(boards),
        goals=env["crm.kpi.goal"].search_count([("kpi_id", "in", kpis.ids)]),
    )
