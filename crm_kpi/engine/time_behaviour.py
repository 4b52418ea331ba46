# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How KPIs behave in time; what goals, cards and boards may say before a period is over."""

from collections import namedtuple

from . import formula as engine
from . import pace

#: How a KPI behaves in time: whether its value grows with the days, whether it says nothing
#: before the end, and the days until its youngest record counts.
TimeBehaviour = namedtuple("TimeBehaviour", "additive final_only maturity")


def time_behaviours(kpis):
    """:class:`TimeBehaviour` of each KPI; a formula has it from its components."""
    known = {}

    def behaviour(kpi):
        if kpi not in known:
            known[kpi] = TimeBehaviour(False, False, 0.0)  # a cycle is nobody's behaviour
            known[kpi] = (
                _formula_behaviour(kpi, behaviour)
                if kpi.kind == "formula"
                else TimeBehaviour(
                    kpi.aggregator in ("count", "sum", "sum_known") and kpi.source_id._grows,
                    kpi.complete_only or kpi.source_id.kind == "cohort",
                    kpi.maturity_days,
                )
            )
        return known[kpi]

    return {kpi: behaviour(kpi) for kpi in kpis}


def _formula_behaviour(kpi, behaviour):
    parts = {part.code: behaviour(part) for part in kpi.component_ids}
    try:
        tree = engine.parse(kpi.formula).tree
    except engine.FormulaError:
        return TimeBehaviour(False, kpi.complete_only, 0.0)
    additive = {code for code, part in parts.items() if part.additive}
    return TimeBehaviour(
        pace.additive_formula(tree, additive),
        kpi.complete_only or any(part.final_only for part in parts.values()),
        max((part.maturity for part in parts.values()), default=0.0),
    )
