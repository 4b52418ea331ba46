# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How KPIs behave over time: what goals, cards and boards may show before a period ends."""

from typing import NamedTuple

from . import formula as engine


class TimeBehaviour(NamedTuple):
    """How a KPI behaves over time.

    * ``additive``: the value grows as the period runs (a count or a sum)
    * ``final_only``: the value means nothing before the period ends
    * ``maturity``: days until the youngest record of the period counts
    """

    additive: bool = False
    final_only: bool = False
    maturity: float = 0.0


def time_behaviours(kpis):
    """Dict of each KPI to its :class:`TimeBehaviour`; a formula derives it from its components.

    :param kpis: records of ``crm.kpi``
    """
    known = {}

    def behaviour(kpi):
        if kpi not in known:
            known[kpi] = TimeBehaviour()  # ends the recursion if formulas form a cycle
            known[kpi] = (
                _formula_behaviour(kpi, behaviour)
                if kpi.kind == "formula"
                else TimeBehaviour(
                    additive=kpi.aggregator in ("count", "sum", "sum_known")
                    and kpi.source_id._grows,
                    final_only=kpi.complete_only or kpi.source_id.kind == "cohort",
                    maturity=kpi.maturity_days,
                )
            )
        return known[kpi]

    return {kpi: behaviour(kpi) for kpi in kpis}


def check_sums(formula, components):
    """Refuse sums over time of anything but a count or a sum of records.

    A formula is none, because a missing value of it can mean anything.

    :param components: dict of code to KPI
    :raise FormulaError: ``sum`` (name of the function, name of the KPI)
    """
    for part in formula.components:
        kpi = components[part.code]
        if part.is_sum and not (kpi._zero_when_empty and time_behaviours(kpi)[kpi].additive):
            raise engine.FormulaError("sum", part.function.name, kpi.name)


def _formula_behaviour(kpi, behaviour):
    parts = {part.code: behaviour(part) for part in kpi.component_ids}
    try:
        formula = engine.parse(kpi.formula)
    except engine.FormulaError:
        return TimeBehaviour(final_only=kpi.complete_only)
    return TimeBehaviour(
        additive=formula.is_additive({code for code, part in parts.items() if part.additive}),
        final_only=kpi.complete_only or any(part.final_only for part in parts.values()),
        maturity=max((part.maturity for part in parts.values()), default=0.0),
    )
