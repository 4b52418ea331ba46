# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a card or a line shows beside the value; computed for all lines at once."""

from odoo import api, fields, models
from odoo.tools import SQL
from odoo.tools.misc import format_date, format_time, formatLang

from ...engine.time_behaviour import time_behaviours
from ...fields import NullableFloat

#: What tells the cells of a KPI in a period apart.
CELL = ("company_id", "level", "team_id", "user_id", "segment_id")


class CrmKpiValue(models.Model):
    _inherit = "crm.kpi.value"

    period_timing = fields.Selection(related="period_id.timing")
    is_component = fields.Boolean(related="kpi_id.is_component")
    previous_value = NullableFloat(
        compute="_compute_previous",
        aggregator=None,
        help="Value of the same cell in the period before; empty where there is none.",
    )
    change_text = fields.Char(
        "Change",
        compute="_compute_previous",
        help="Against the period before: in points for percentages, else in %. A count or a "
        "sum of a running period is not compared with the whole of another one.",
    )
    change_trend = fields.Selection(
        [("better", "Better"), ("worse", "Worse"), ("same", "Unchanged"), ("other", "Changed")],
        compute="_compute_previous",
    )
    change_up = fields.Boolean(compute="_compute_previous")
    goal_status = fields.Selection(related="goal_id.status", string="Goal status")
    goal_status_text = fields.Char(related="goal_id.status_text", string="Status")
    goal_target_text = fields.Char(related="goal_id.target_text", string="Promised")
    goal_attainment = NullableFloat(
        related="goal_id.attainment", string="Attainment", aggregator=None
    )
    goal_attainment_text = fields.Char(related="goal_id.attainment_text", string="Attained")
    goal_expected = NullableFloat(
        related="goal_id.expected", string="Expected by now", aggregator=None
    )
    goal_counter_missed = fields.Boolean(related="goal_id.counter_missed")
    goal_upwards = fields.Boolean(
        compute="_compute_goal_upwards", help="The more the better: its bar grows with the days."
    )
    elapsed_text = fields.Char(
        "Working days", compute="_compute_elapsed_text", help="How much of the period is over."
    )
    as_of_text = fields.Char("As of (text)", compute="_compute_as_of_text")

    # --- GROUPS ---

    def _read_group_select(self, aggregate_spec, query):
        """A pivot or graph shows a figure only where it is one cell: there is no mean of
        ratios, and no total of KPIs that have nothing in common."""
        select = super()._read_group_select(aggregate_spec, query)
        if aggregate_spec == "value:avg":
            select = SQL("CASE WHEN COUNT(*) = 1 THEN %s END", select)
        return select

    # --- CHANGE ---

    @api.depends("value", "kpi_id", "period_id", "level", "team_id", "user_id", "segment_id")
    @api.depends_context("lang", "uid", "allowed_company_ids")
    def _compute_previous(self):
        previous = self._previous_cells()
        behaviours = time_behaviours(self.kpi_id)
        for cell in self:
            found, period = previous.get(cell, (None, None))
            cell.previous_value = before = found.value if found else False
            kpi = cell.kpi_id
            growing = behaviours[kpi].additive or (
                kpi.aggregator == "count_distinct" and not kpi.source_id.trailing_months
            )
            partial = cell.period_timing == "running" and growing
            cell.change_text, cell.change_trend, cell.change_up = cell._change(
                before, period, partial
            )

    def _previous_cells(self):
        """The same cells one period earlier, as far as the reader may see them.

        :return: dict of cell to ``(cell or None, earlier period)``
        """
        earlier = self.period_id._previous()
        if not earlier:
            return {}
        domain = [
            ("kpi_id", "in", self.kpi_id.ids),
            ("period_id", "in", [period.id for period in earlier.values()]),
            ("level", "in", list(set(self.mapped("level")))),
        ]
        for name in ("team_id", "user_id", "segment_id"):
            wanted = {cell[name].id for cell in self}
            domain.append((name, "in", list(wanted)))
        found = {
            (cell.kpi_id.id, cell.period_id.id, *(cell._key())): cell
            for cell in self.search_fetch(
                domain, ["kpi_id", "period_id", "value", *CELL], order="id"
            )
        }
        return {
            cell: (
                found.get((cell.kpi_id.id, earlier[cell.period_id].id, *cell._key())),
                earlier[cell.period_id],
            )
            for cell in self
            if cell.period_id in earlier
        }

    def _key(self):
        return tuple(
            self[name].id if self._fields[name].type == "many2one" else self[name] for name in CELL
        )

    def _change(self, before, period, partial):
        """``(text, trend, up)`` of the change against the period before."""
        kpi = self.kpi_id
        if not period or before is False or before is None or self.value is False:
            return False, False, False
        if partial:
            text = self.env._(
                "%(value)s in the whole of %(period)s",
                value=kpi._format_value(before, self.currency_id),
                period=period.display_name,
            )
            return text, False, False
        delta = self.value - before
        if kpi.unit == "percent":
            amount = self.env._(
                "%s points", formatLang(self.env, abs(delta) * 100, digits=kpi.digits)
            )
            none = round(abs(delta) * 100, kpi.digits) == 0
        elif before <= 0:
            # growth from nothing, or from a loss, has no percentage
            return False, False, False
        else:
            amount = f"{formatLang(self.env, abs(delta) / before * 100, digits=0)}\u00a0%"
            none = round(abs(delta) / before * 100) == 0
        names = {"amount": amount, "period": period.display_name}
        if none:
            return self.env._("as in %(period)s", **names), "same", False
        up = delta > 0
        if kpi.direction == "maintain":
            text = (
                self.env._("%(amount)s more than in %(period)s", **names)
                if up
                else self.env._("%(amount)s less than in %(period)s", **names)
            )
            return text, "other", up
        better = up == (kpi.direction == "increase")
        text = (
            self.env._("%(amount)s better than in %(period)s", **names)
            if better
            else self.env._("%(amount)s worse than in %(period)s", **names)
        )
        return text, "better" if better else "worse", up

    # --- GOAL ---

    @api.depends("goal_id")
    def _compute_goal_upwards(self):
        for cell in self:
            # superuser: who reads the cell may read how its goal stands
            goal = cell.goal_id.sudo()
            cell.goal_upwards = goal.kind == "at_least" or (
                goal.kind == "improve" and goal.direction == "increase"
            )

    # --- TIME ---

    @api.depends("period_id")
    @api.depends_context("lang")
    def _compute_elapsed_text(self):
        elapsed = self.period_id._elapsed()
        for cell in self:
            part = elapsed.get(cell.period_id)
            if not part:
                text = False
            elif part.over:
                text = self.env._("Whole period")
            elif not part.begun:
                text = self.env._("Not begun")
            else:
                text = self.env._(
                    "%(days)s of %(total)s working days", days=part.days, total=part.total
                )
            cell.elapsed_text = text

    @api.depends("computed_at", "period_id", "kpi_id")
    @api.depends_context("lang", "tz")
    def _compute_as_of_text(self):
        """When the value was computed; while the period runs, when it was last checked."""
        # superuser: when the refresh last ran is no secret; nothing else of it is read
        cron = self.env.ref("crm_kpi.ir_cron_refresh", raise_if_not_found=False)
        checked = cron and cron.sudo().lastcall
        today = fields.Date.context_today(self)
        for cell in self:
            at = cell.computed_at
            # unchanged records leave the row alone, and the value is as good as new
            current = cell.period_timing == "running" and not cell.kpi_id.last_error
            if at and checked and current:
                at = max(at, checked)
            if not at:
                cell.as_of_text = False
            elif fields.Datetime.context_timestamp(self, at).date() == today:
                cell.as_of_text = format_time(
                    self.env, at, tz=str(self.env.tz), time_format="short"
                )
            else:
                cell.as_of_text = format_date(self.env, fields.Datetime.context_timestamp(self, at))
