# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import math

from odoo import api, fields, models
from odoo.tools import SQL

#: (scope, period, periods before, KPI, kind, promise); the promise is a share of what was usual,
#: a value with an upper bound where there are two, or the improvement.
GOALS = (
    ("user", "month", 2, "revenue_ordered", "at_least", {"target": 0.85}),
    ("user", "month", 2, "deals_won", "at_least", {"target": 0.9}),
    ("user", "month", 2, "win_rate", "at_least", (0.35,)),
    ("user", "month", 1, "lead_first_response_hours", "at_most", (4.0,)),
    ("user", "month", 1, "contact_attempts", "range", {"target": 0.8, "target_max": 1.3}),
    ("user", "quarter", 1, "revenue_ordered", "at_least", {"target": 0.95}),
    ("team", "month", 2, "revenue_ordered", "at_least", {"target": 0.9}),
    ("team", "month", 1, "win_rate", "at_least", (0.38,)),
    ("team", "quarter", 1, "revenue_ordered", "at_least", {"target": 1.1}),
    ("team", "quarter", 1, "sales_cycle_days", "at_most", (35.0,)),
    ("segment", "month", 2, "revenue_ordered", "at_least", {"target": 0.85}),
    ("segment", "quarter", 1, "win_rate", "at_least", (0.4,)),
    ("segment", "quarter", 1, "churn_rate", "at_most", (0.05,)),
    ("team_segment", "quarter", 0, "revenue_ordered", "at_least", {"target": 1.0}),
    ("user_segment", "quarter", 0, "revenue_ordered", "at_least", {"target": 0.9}),
    ("company", "month", 2, "revenue_ordered", "at_least", {"target": 0.95}),
    ("company", "month", 2, "deals_won_amount", "at_least", {"target": 1.1}),
    ("company", "quarter", 1, "deals_won_amount", "at_least", {"target": 1.3}),
    ("company", "month", 2, "new_customers", "improve", 0.25),
    ("company", "month", 2, "deals_won", "improve", 0.1),
    ("company", "month", 2, "lead_response_in_target_rate", "at_least", (0.4,)),
    ("company", "month", 1, "average_order_value", "range", {"target": 0.85, "target_max": 1.2}),
    ("company", "month", 1, "churn_rate", "at_most", (0.025,)),
    ("company", "month", 0, "unresponsive_prospects", "at_most", (12,)),
    ("company", "quarter", 0, "sales_cycle_days", "improve", 0.1),
    ("company", "quarter", 0, "contract_renewal_rate", "at_least", (0.9,)),
    ("company", "year", 0, "revenue_ordered", "at_least", {"target": 1.02}),
    ("company", "year", 0, "new_customers", "at_least", {"target": 0.95}),
)


class CrmKpiDemo(models.AbstractModel):
    """Goals as managers set them."""

    _inherit = "crm.kpi.demo"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _goals(self, sellers, teams):
        """Goals of all kinds and scopes, as managers set them: somewhat more than lately."""
        industries = self._big_segments(4)
        here = sellers.filtered("active")
        owners = {
            "company": [{}],
            "team": [{"team_id": team.id} for team in teams],
            "user": [{"user_id": user.id} for user in here],
            "segment": [{"segment_id": segment.id} for segment in industries],
            "team_segment": [
                {"team_id": team.id, "segment_id": segment.id}
                for team in teams[:2]
                for segment in industries[:2]
            ],
            "user_segment": [
                {"user_id": here[0].id, "segment_id": segment.id} for segment in industries[:2]
            ],
        }
        return self._make_goals(GOALS, owners)

    @api.model
    def _make_goals(self, plan, owners):
        """Create the goals of a plan (see GOALS).

        :param dict owners: scope to the list of its values (team_id, user_id, segment_id)
        """
        period_model = self.env["crm.kpi.period"]
        kpis = {kpi.code: kpi for kpi in self.env["crm.kpi"].search([])}
        values = []
        for scope, span, back, code, kind, promise in plan:
            if code not in kpis:
                continue
            running = period_model._current(span)
            periods = [running]
            while len(periods) <= back and (before := periods[-1]._previous().get(periods[-1])):
                periods.append(before)
            for period in periods:
                for owner in owners[scope]:
                    vals = self._goal(kpis[code], period, scope, owner, kind, promise)
                    if vals:
                        values.append(vals)
        return self.env["crm.kpi.goal"].create(values)

    @api.model
    def _big_segments(self, count):
        """The industries with the highest revenue so far."""
        self.env.cr.execute(
            SQL(
                """
                SELECT v.segment_id
                  FROM crm_kpi_value v
                  JOIN crm_kpi k ON k.id = v.kpi_id AND k.code = 'revenue_ordered'
                  JOIN crm_kpi_period p ON p.id = v.period_id AND p.kind = 'month'
                  JOIN crm_kpi_segment s ON s.id = v.segment_id AND s.set_id = %s
                 WHERE v.level = 'segment' AND s.is_unknown IS NOT TRUE AND v.company_id = %s
              GROUP BY 1 ORDER BY sum(v.value) DESC, 1 LIMIT %s
                """,
                self.env.ref("crm_kpi.segment_set_industry").id,
                self.env.company.id,
                count,
            )
        )
        return self.env["crm.kpi.segment"].browse([row[0] for row in self.env.cr.fetchall()])

    @api.model
    def _goal(self, kpi, period, scope, owner, kind, promise):
        """Values of a goal, None where nothing is known to set it by."""
        vals = {"kpi_id": kpi.id, "period_id": period.id, "scope": scope, "kind": kind, **owner}
        if kind == "improve":
            return vals | {"improve_by": promise, "baseline_kind": "mean", "baseline_count": 3}
        if isinstance(promise, dict):  # relative to what was usual
            usual = self._usual(kpi, period, scope, owner)
            if not usual:
                return None
            promise = {
                name: _rounded(usual * factor, kpi.unit == "count")
                for name, factor in promise.items()
            }
        else:
            promise = dict(zip(("target", "target_max"), promise, strict=False))
        return vals | promise

    @api.model
    def _usual(self, kpi, period, scope, owner):
        """Mean of the values in the three periods before; of a year, its share of the months."""
        kind, count = ("month", 6) if period.kind == "year" else (period.kind, 3)
        domain = [(f"{name}_id", "=", owner.get(f"{name}_id", False))
                  for name in ("team", "user", "segment")]  # fmt: skip
        found = self.env["crm.kpi.value"].search(
            [
                ("kpi_id", "=", kpi.id),
                ("company_id", "=", period.company_id.id),
                ("level", "=", scope),
                ("period_id.kind", "=", kind),
                ("period_id.date_to", "<=", fields.Date.context_today(self)
                 if period.kind == "year" else period.date_from),
                *domain,
            ]
        )  # fmt: skip
        found = found.sorted(lambda value: value.period_id.date_from, reverse=True)[:count]
        numbers = [value.value for value in found if value.value is not False]
        if not numbers:
            return None
        mean = sum(numbers) / len(numbers)
        return mean * 12 if period.kind == "year" else mean


def _rounded(number, whole):
    """As people set targets: two leading digits, or at least one of what is counted."""
    if not number:
        return 0.0
    digits = 1 - math.floor(math.log10(abs(number)))
    return max(1.0, float(round(number, min(digits, 0)))) if whole else float(round(number, digits))
