# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What goals are refused: when, for whom, with which target, and twice."""

from odoo import api, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from ..period.crm_kpi_period import SAME_PART
from .crm_kpi_goal import DIMENSIONS
from .crm_kpi_goal_cell import _same_cell


class CrmKpiGoal(models.Model):
    _inherit = "crm.kpi.goal"  # pylint: disable=consider-merging-classes-inherited

    @api.constrains("period_id")
    def _check_period(self):
        for goal in self.filtered(lambda g: g.period_id.kind == SAME_PART[0]):
            raise ValidationError(
                self.env._(
                    "Period: %s is kept for comparisons and goes when they move on. Choose a "
                    "day, week, month, quarter or year, or a custom period.",
                    goal.period_id.display_name,
                )
            )

    @api.constrains("scope", "team_id", "user_id", "segment_id", "period_id", "kpi_id")
    def _check_scope(self):
        for goal in self:
            wanted = goal.scope.split("_")
            for part in DIMENSIONS:
                if (part in wanted) == bool(goal[f"{part}_id"]):
                    continue
                names = {
                    "field": goal._fields[f"{part}_id"]._description_string(self.env),
                    "scope": dict(goal._fields["scope"]._description_selection(self.env))[
                        goal.scope
                    ],
                }
                if part in wanted:
                    message = self.env._(
                        "%(field)s: choose one, the goal is for %(scope)s. Or change For.", **names
                    )
                else:
                    message = self.env._(
                        "%(field)s: leave it empty, the goal is for %(scope)s. Or change For.",
                        **names,
                    )
                raise ValidationError(message)
            goal._check_scope_company()

    def _check_scope_company(self):
        company = self.company_id
        # superuser: whether things belong together does not depend on who may read them
        goal = self.sudo()
        foreign = {
            "kpi_id": goal.kpi_id.company_id not in (company, company.browse()),
            "team_id": goal.team_id.company_id not in (company, company.browse()),
            "user_id": bool(goal.user_id) and company not in goal.user_id.company_ids,
        }
        if "company_id" in goal.segment_id._fields:
            foreign["segment_id"] = goal.segment_id.company_id not in (company, company.browse())
        for name, is_foreign in foreign.items():
            if is_foreign:
                raise ValidationError(
                    self.env._(
                        "%(field)s: %(record)s does not belong to %(company)s, the company of "
                        "the period. Choose another one, or a period of its company.",
                        field=self._fields[name]._description_string(self.env),
                        record=goal[name].display_name,
                        company=company.name,
                    )
                )

    @api.constrains("kind", "target", "target_max", "baseline_kind", "baseline_fixed", "kpi_id",
                    "period_id")  # fmt: skip
    def _check_target(self):
        for goal in self:
            if goal.kind == "improve":
                goal._check_improvement()
            elif goal.target is False:
                raise ValidationError(self.env._("Target: enter what is to be reached."))
            elif goal.kind == "range" and (
                goal.target_max is False or goal.target_max < goal.target
            ):
                raise ValidationError(
                    self.env._("Upper bound: enter a value that is not below the target.")
                )

    def _check_improvement(self):
        if self.kpi_id.direction not in ("increase", "decrease"):
            raise ValidationError(
                self.env._(
                    "Goal: %s has the objective to maintain, so there is nothing to improve by. "
                    "Choose Stay in a range.",
                    self.kpi_id.name,
                )
            )
        if not self.baseline_kind:
            raise ValidationError(self.env._("Compared with: choose a baseline."))
        if self.baseline_kind == "fixed":
            if self.baseline_fixed is False:
                raise ValidationError(self.env._("Fixed baseline: enter the value to improve on."))
        elif self.period_id.kind == "custom" and not self.period_id._is_fiscal():
            raise ValidationError(
                self.env._(
                    "Compared with: a period with free dates has no previous one. Choose a "
                    "fixed value, or a month, quarter or year as period."
                )
            )

    @api.model
    def _refuse_duplicates(self, cells):
        """Say which goal is there already; the unique index is what guards it.

        :param cells: list of ``(goal id or 0, kpi, period, scope, team, user, segment)``
        """
        if not cells:
            return
        own = [goal_id for goal_id, *_cell in cells if goal_id]
        columns = [list(column) for column in zip(*cells, strict=True)]
        rows = self.env.execute_query(
            SQL(
                """SELECT o.id FROM crm_kpi_goal o
                     JOIN unnest(%s::int4[], %s::int4[], %s::text[], %s::int4[], %s::int4[],
                                 %s::int4[])
                       AS g(kpi_id, period_id, scope, team_id, user_id, segment_id) ON %s
                    WHERE o.active AND o.id <> ALL(%s) LIMIT 1""",
                *columns[1:4],
                *([value or None for value in column] for column in columns[4:]),
                _same_cell("g", "o", "scope"),
                own,
            )
        )
        seen = {tuple(value or 0 for value in cell) for _id, *cell in cells}
        if rows or len(seen) < len(cells):
            # superuser: names the goal in the way even where the user may not read it
            goal = self.sudo().browse(rows[0]) if rows else self.browse()
            raise ValidationError(
                self.env._(
                    "KPI, Period, For: there is a goal for %s already. Change that one, or "
                    "archive it.",
                    goal.display_name or self.env._("the same KPI, period and scope"),
                )
            )
