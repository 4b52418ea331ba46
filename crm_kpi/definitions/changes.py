# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whether a definition changed, and what a change concerns."""

import ast
from dataclasses import dataclass
from typing import NamedTuple

from odoo import models
from odoo.fields import Command
from odoo.tools.misc import format_date, formatLang

#: A change of one of these fields of a KPI is a new version of its definition.
DEFINING = {
    "kind", "source_id", "date_field", "domain", "aggregator", "value_field", "formula", "unit",
    "maturity_days", "complete_only", "needs_history",
}  # fmt: skip
#: Most changes of a definition that are shown, the latest first.
MAX_CHANGES = 20


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


def note_source_change(source, before):
    """Note what changed in a source on its KPIs, whose definitions changed with it.

    :param source: in an environment of the superuser
    :param before: dict of names of fields to their former values
    """
    if source.env.context.get("tracking_disable"):
        return
    fields = source.fields_get(list(before))
    tracking = source.env["mail.tracking.value"]
    values = [
        tracking._create_tracking_values(value, source[name], name, fields[name], source)
        for name, value in sorted(before.items())
        if _comparable(name, value) != _comparable(name, source[name])
    ]
    for kpi in source.with_context(active_test=False).kpi_ids:
        kpi._message_log(tracking_value_ids=[Command.create(dict(one)) for one in values])


@dataclass
class DefinitionChange:
    """A change of the definition of a KPI, in words: before and after, when and by whom."""

    id: int
    date_text: str
    author: str
    changes: list[str]


def definition_changes(kpi):
    """Changes of the definition, the newest first, as :class:`DefinitionChange`."""
    env = kpi.env
    # superuser: readers of a KPI may also read how its definition changed
    messages = kpi.sudo().message_ids.filtered("tracking_value_ids")[:MAX_CHANGES]
    return [
        DefinitionChange(
            id=message.id,
            date_text=format_date(env, message.date),
            author=message.author_id.name or "",
            changes=[
                env._(
                    "%(field)s: %(old)s → %(new)s",
                    field=change["fieldInfo"]["changedField"],
                    old=_tracked_text(env, change, "oldValue"),
                    new=_tracked_text(env, change, "newValue"),
                )
                for change in message.tracking_value_ids._tracking_value_format()
            ],
        )
        for message in messages
    ]


def _tracked_text(env, change, name):
    """A former or present value of a field, in words."""
    value = change[name]
    if change["fieldInfo"]["fieldType"] == "boolean":
        return env._("Yes") if value else env._("No")
    if type(value) in (int, float):
        return formatLang(env, value, digits=0 if value == int(value) else 2)
    return "–" if value in (None, False, "") else str(value)
