# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How KPIs behave in time; what goals, cards and boards may say before a period is over."""

from collections import namedtuple

from ..engine import formula as engine
from ..engine import pace

#: How a KPI behaves in time: whether its value grows with the days, whether it says nothing
#: before the end, and the days until its youngest record counts.
Nature = namedtuple("Nature", "additive waits maturity")


def _natures(kpis):
    """:class:`Nature` of each KPI; a formula has it from its components."""
    known = {}

    def nature(kpi):
        if kpi not in known:
            known[kpi] = Nature(False, False, 0.0)  # a cycle is nobody's nature
            known[kpi] = (
                _formula_nature(kpi, nature)
                if kpi.kind == "formula"
                else Nature(
                    kpi.aggregator in ("count", "sum", "sum_known") and kpi.source_id._grows,
                    kpi.complete_only or kpi.source_id.kind == "cohort",
                    kpi.maturity_days,
                )
            )
        return known[kpi]

    return {kpi: nature(kpi) for kpi in kpis}


def _formula_nature(kpi, nature):
    parts = {part.code: nature(part) for part in kpi.component_ids}
    try:
        tree = engine.parse(kpi.formula).tree
    except engine.FormulaError:
        return Nature(False, kpi.complete_only, 0.0)
    additive = {code for code, part in parts.items() if part.additive}
    return Nature(
        pace.additive_formula(tree, additive),
        kpi.complete_only or any(part.waits for part in parts.values()),
        max((part.maturity for part in parts.values()), default=0.0),
    )
