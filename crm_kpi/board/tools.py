# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Read-only tools for AI agents: questions about KPIs, answered under the rights of the reader.

An agent gets figures with their unit, state and reason, and never rows that it could add up by
itself. :func:`add_up` refuses totals that would be wrong, and names what to ask instead.
"""

from dataclasses import asdict, dataclass
from typing import NamedTuple

from odoo.exceptions import UserError

from ..engine.time_behaviour import time_behaviours
from .explain import explain
from .figures import Figure, cell_context, find_kpis, read_figures
from .ranking import Ranking

#: Most KPIs or goals in one answer.
MAX_ROWS = 100


class Tool(NamedTuple):
    """A tool as an agent sees it.

    :param name: the method of ``crm.kpi.tool``
    :param properties: the JSON schema of each argument
    :param required: names of the arguments without a default
    """

    name: str
    description: str
    properties: dict
    required: tuple = ()

    def describe(self):
        """The description that the Model Context Protocol asks of a tool, as dict."""
        return {
            "name": self.name,
            "description": self.description,
            "inputSchema": {
                "type": "object",
                "properties": self.properties,
                "required": list(self.required),
                "additionalProperties": False,
            },
            "annotations": {"readOnlyHint": True},
        }


_CODE = {"type": "string", "description": "Code of a KPI, from list_kpis, such as win_rate."}
_PERIOD = {
    "type": ["string", "integer"],
    "description": "month, quarter, year, week, day, fiscal: the current one; with last_ before "
    "it: the latest complete one; or 2026-10, 2026-Q4, 2026. By default month.",
}
_OWNERS = {
    "team_id": {"type": "integer", "description": "Id of a crm.team."},
    "user_id": {"type": "integer", "description": "Id of a salesperson (res.users)."},
    "segment_id": {"type": "integer", "description": "Id of a crm.kpi.segment."},
}
_PERIODS = {"type": "array", "items": _PERIOD}
_CELLS = {
    "type": "array",
    "items": {"type": "object", "properties": _OWNERS, "additionalProperties": False},
    "description": "Whose values. An empty object is the company.",
}

# descriptions are read by programs: they are not translated
TOOLS = (
    Tool(
        "list_kpis",
        "The KPIs that the user may see, with code, name, meaning, unit, objective, and whether "
        "their values add up. Call it first to find codes.",
        {"words": {"type": "string", "description": "Words of the name or of the meaning."}},
    ),
    Tool(
        "figures",
        "Values of KPIs with goal, status, forecast and change against the period before. A value "
        "that is null has a reason: say the reason, do not guess a number. A percentage is a "
        "fraction. Never add up or average the values of several answers: call add_up, or "
        "figures for the larger team or period.",
        {
            "codes": {"type": "array", "items": _CODE},
            "periods": _PERIODS,
            "cells": _CELLS,
        },
        ("codes",),
    ),
    Tool(
        "why",
        "The records behind a value: how many are included, how many are excluded and why, of the "
        "numerator and the denominator of a rate apart; with what to look at next.",
        {"code": _CODE, "period": _PERIOD, **_OWNERS},
        ("code",),
    ),
    Tool(
        "goals",
        "The goals of a period that the user may see, those that need attention first.",
        {"period": _PERIOD},
    ),
    Tool(
        "ranking",
        "The salespeople in the order of a KPI. Names of colleagues are left out where the "
        "company hides them.",
        {
            "code": _CODE,
            "period": _PERIOD,
            "by": {"type": "string", "enum": ["value", "attainment"]},
        },
        ("code",),
    ),
    Tool(
        "add_up",
        "The total of a KPI over several salespeople or teams, or over several periods. It is "
        "refused where the sum would be wrong; the refusal says what to ask instead.",
        {"code": _CODE, "periods": _PERIODS, "cells": _CELLS},
        ("code",),
    ),
)


@dataclass
class KpiSummary:
    """A KPI that can be asked for.

    :param adds_up: whether values of people and teams may be added
    """

    code: str
    name: str
    meaning: str
    category: str
    metric_class: str
    unit: str
    direction: str
    adds_up: bool


@dataclass
class Why:
    """A figure and the records behind it.

    :param records: list of dicts, one per aggregate KPI: ``name``, ``role``, ``period``,
        ``included``, ``excluded`` (list of ``text`` and ``count``), ``of_others``, ``note``
    :param counter_metric: code of the KPI that suffers first when this one is pushed; may be empty
    """

    figure: Figure
    records: list[dict]
    meaning: str
    counter_metric: str


@dataclass
class GoalRow:
    """A goal with its progress; texts are in the language of the reader."""

    id: int
    code: str
    name: str
    owner: str
    target: str
    value: str
    attainment: str
    forecast: str
    status: str
    status_text: str


@dataclass
class Total:
    """The sum of several values of a KPI.

    :param text: the value with its unit
    :param figures: how many values were added
    """

    code: str
    name: str
    unit: str
    value: float
    text: str
    figures: int


def list_kpis(board, words=""):
    """The :class:`KpiSummary` of each published KPI that the reader may see.

    :param board: as in :func:`~.figures.read_figures`
    :param words: only KPIs that contain each word in their code, name or meaning
    :raise UserError: more than :data:`MAX_ROWS`, and no words
    """
    wanted = str(words or "").casefold().split()
    companies = (board.env["res.company"], board.env.company)
    kpis = board._readable_kpis().filtered(
        lambda kpi: (
            kpi.company_id in companies
            and all(
                word in f"{kpi.code} {kpi.name} {kpi.description}".casefold() for word in wanted
            )
        )
    )
    return [
        KpiSummary(
            code=kpi.code,
            name=kpi.name,
            meaning=kpi.description or "",
            category=kpi.category_id.name,
            metric_class=kpi.metric_class,
            unit=kpi.unit,
            direction=kpi.direction,
            adds_up=_adds_up(kpi),
        )
        for kpi in kpis[:MAX_ROWS]
    ]


def why(board, code, period, cell):
    """The :class:`Why` of a KPI in a period and cell.

    :param cell: dict, see :func:`~.figures.read_cell`
    """
    kpi = find_kpis(board, [code])
    kpi._check_figures()
    [figure] = read_figures(board, kpi, [period], [cell])
    context = cell_context(board, kpi, figure.period.id, cell)
    records = [
        {
            "name": part.name,
            "role": part.role,
            "period": part.period or figure.period.label,
            "included": part.included.count if part.included else None,
            "excluded": [{"text": row.text, "count": row.count} for row in part.excluded],
            "of_others": part.others.count if part.others else 0,
            "note": part.note,
        }
        for part in explain(context, kpi.with_env(context.env))
    ]
    counter = kpi.counter_kpi_id._filtered_access("read")
    return Why(figure, records, kpi.description or "", counter.code or "")


def goals(board, period):
    """The :class:`GoalRow` of each goal of a period that the reader may see, the most urgent
    first; at most :data:`MAX_ROWS`."""
    found = board.env["crm.kpi.goal"].search(
        [("period_id", "=", period.id)], order="status, id", limit=MAX_ROWS
    )
    return [
        GoalRow(
            id=goal.id,
            code=goal.kpi_id.code,
            name=goal.kpi_id.name,
            owner=goal.scope_name,
            target=goal.target_text,
            value=goal.value_text,
            attainment=goal.attainment_text,
            forecast=goal.projected_text,
            status=goal.status,
            status_text=goal.status_text,
        )
        for goal in found
    ]


def ranking(board, code, period, by):
    """The ranking of salespeople, as :class:`~.ranking.Leaderboard`."""
    if by not in ("value", "attainment"):
        raise UserError(board.env._("by: use “value” or “attainment”."))
    kpi = find_kpis(board, [code])
    kpi._check_figures()
    context = cell_context(board, kpi, period, {})
    return Ranking(context, kpi.with_env(context.env)).leaderboard(by)


def add_up(board, code, periods, cells):
    """The :class:`Total` of a KPI over cells or periods.

    :raise UserError: the sum would be wrong; says what to ask instead
    """
    env = board.env
    kpi = find_kpis(board, [code])
    if not _adds_up(kpi):
        raise UserError(
            env._(
                "%s cannot be added up. Ask for its figure of the team, of the company or of the "
                "longer period.",
                kpi.name,
            )
        )
    figures = read_figures(board, kpi, periods, cells)
    _check_parts(env, kpi, figures)
    for figure in figures:
        if figure.value is None:
            raise UserError(
                env._(
                    "%(kpi)s has no value of %(owner)s in %(period)s: %(reason)s. Leave it out, or "
                    "ask for the figure of the company.",
                    kpi=kpi.name,
                    owner=figure.cell.name,
                    period=figure.period.label,
                    reason=figure.reason,
                )
            )
    value = sum(figure.value for figure in figures)
    text = kpi._format_value(value, env.company.currency_id)
    return Total(kpi.code, kpi.name, kpi.unit, value, text, len(figures))


def _adds_up(kpi):
    """Whether values of different people and teams may be added: counts and sums of records."""
    return (kpi.kind != "formula" and kpi.aggregator in ("count", "sum")) or time_behaviours(kpi)[
        kpi
    ].additive


def _check_parts(env, kpi, figures):
    """Refuse parts that overlap, and periods of what is measured at one moment."""
    cells = {
        (one.cell.level, one.cell.team_id, one.cell.user_id, one.cell.segment_id) for one in figures
    }
    periods = {one.period.id for one in figures}
    if not figures:
        raise UserError(env._("cells, periods: give at least one of each."))
    if len(cells) * len(periods) != len(figures):
        raise UserError(env._("cells, periods: one is given twice; it would count twice."))
    levels = {level for level, *_ids in cells}
    if len(cells) > 1 and levels not in ({"user"}, {"team"}):
        raise UserError(
            env._(
                "cells: give salespeople only or teams only. A customer can be in several segments, "
                "and a team contains its salespeople: their values overlap."
            )
        )
    if len({one.period.kind for one in figures}) > 1:
        raise UserError(
            env._("periods: give periods of the same kind; a quarter contains its months.")
        )
    if len(periods) > 1 and not time_behaviours(kpi)[kpi].additive:
        raise UserError(
            env._(
                "%s is measured at the end of a period: its values of several periods cannot be added. "
                "Ask for the last one.",
                kpi.name,
            )
        )


def as_answer(found):
    """Dicts of one dataclass or of a list of them."""
    return [asdict(one) for one in found] if isinstance(found, list) else asdict(found)
