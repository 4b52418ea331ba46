# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import math
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools.misc import format_date

from ...board.status import STATUS_SHAPES
from ...engine import pace
from ...engine import periods as calendar
from ...engine.time_behaviour import time_behaviours
from ...fields import NullableFloat
from ..value.crm_kpi_value import LEVELS

GOAL_KINDS = [
    ("at_least", "Reach at least"),
    ("at_most", "Stay below"),
    ("range", "Stay in a range"),
    ("improve", "Improve by %"),
]
BASELINES = [
    ("previous", "Previous period"),
    ("last_year", "Same period last year"),
    ("mean", "Mean of the last periods"),
    ("fixed", "Fixed value"),
]
STATUSES = [
    ("no_data", "No data"),
    ("too_early", "Too early"),
    ("too_few", "Too few records"),
    ("on_track", "On track"),
    ("at_risk", "At risk"),
    ("off_track", "Off track"),
    ("achieved", "Achieved"),
    ("missed", "Missed"),
]
DEFAULT_KIND = {"increase": "at_least", "decrease": "at_most", "maintain": "range"}
DIMENSIONS = ("team", "user", "segment")
PROTECTED = {
    "value", "record_count", "baseline", "attainment", "expected", "projected", "status",
    "status_since", "as_of", "counter_missed", "company_id",
}  # fmt: skip
#: What a goal is about; no two active goals are about the same.
CELL = ("kpi_id", "period_id", "scope", "team_id", "user_id", "segment_id")
#: A change of one of these means another baseline.
BASELINE_OF = {*CELL, "kind", "baseline_kind", "baseline_count", "baseline_fixed"}
TRIGGERS = BASELINE_OF | {"target", "target_max", "improve_by", "active"}


class CrmKpiGoal(models.Model):
    """A promise about a cell: a KPI of somebody in a period, and how it is being kept.

    Value, attainment, pace and status are computed by the refresh and whenever the goal is
    set; nobody can write them. Percentages are fractions, as in the values.
    """

    _name = "crm.kpi.goal"
    _description = "KPI Goal"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "period_date desc, kpi_id, scope, id"
    # whoever may read a goal may talk about it
    _mail_post_access = "read"

    # --- what is promised ---
    kpi_id = fields.Many2one(
        "crm.kpi", "KPI", required=True, ondelete="cascade", index=True, tracking=True
    )
    period_id = fields.Many2one(
        "crm.kpi.period",
        required=True,
        ondelete="cascade",
        index=True,
        tracking=True,
        domain=[("kind", "!=", "to_date")],
        default=lambda self: self._default_period(),
    )
    company_id = fields.Many2one(related="period_id.company_id", store=True, index=True)
    scope = fields.Selection(LEVELS, "For", required=True, default="company", tracking=True)
    team_id = fields.Many2one("crm.team", "Sales Team", ondelete="cascade", index="btree_not_null")
    user_id = fields.Many2one(
        "res.users",
        "Salesperson",
        ondelete="cascade",
        index="btree_not_null",
        domain=[("share", "=", False)],
        tracking=True,
    )
    segment_id = fields.Many2one("crm.kpi.segment", ondelete="cascade", index="btree_not_null")
    kind = fields.Selection(
        GOAL_KINDS,
        "Goal",
        required=True,
        compute="_compute_kind",
        store=True,
        readonly=False,
        precompute=True,
        tracking=True,
        help="Reach at least: the more the better. Stay below: the less the better. "
        "Stay in a range: between two bounds. Improve by %: on a baseline that is kept with "
        "the goal.",
    )
    target = NullableFloat(
        aggregator=None,
        tracking=True,
        help="In the unit of the KPI; percentages as fraction (0.8 for 80 %).",
    )
    target_max = NullableFloat(
        "Upper bound", aggregator=None, tracking=True, help="Upper end of the range."
    )
    improve_by = fields.Float(
        "Improve by",
        aggregator=None,
        tracking=True,
        help="Share of the baseline: 0.5 for 50 % more, or less where less is better.",
    )
    baseline_kind = fields.Selection(BASELINES, "Compared with", default="previous", tracking=True)
    baseline_count = fields.Integer("Number of periods", default=3, aggregator=None)
    baseline_fixed = NullableFloat("Fixed baseline", aggregator=None)
    baseline = NullableFloat(
        readonly=True,
        copy=False,
        aggregator=None,
        help="What the improvement is counted from; stored once it is known.",
    )
    note = fields.Text("Reasons and means")
    active = fields.Boolean(default=True)

    # --- how it is kept ---
    value = NullableFloat(readonly=True, copy=False, aggregator=None)
    record_count = fields.Integer("Records", readonly=True, copy=False, aggregator=None)
    attainment = NullableFloat(
        readonly=True,
        copy=False,
        aggregator="avg",
        help="1 for all of the goal (100 %). Empty where it cannot be said.",
    )
    expected = NullableFloat(
        "Expected by now",
        readonly=True,
        copy=False,
        aggregator=None,
        help="Share of the target that the working days gone would have brought. "
        "Counts and sums only.",
    )
    projected = NullableFloat(
        readonly=True,
        copy=False,
        aggregator=None,
        help="Value at the end of the period if it goes on like this.",
    )
    status = fields.Selection(
        STATUSES, readonly=True, copy=False, default="no_data", required=True, index=True
    )
    status_since = fields.Datetime(readonly=True, copy=False)
    as_of = fields.Datetime(
        "As of", readonly=True, copy=False, help="When value or status last changed."
    )
    counter_missed = fields.Boolean(
        "Met, at a cost",
        readonly=True,
        copy=False,
        help="Kept, while the goal for the counter-metric of the KPI is not.",
    )

    # --- for reading ---
    period_date = fields.Date(related="period_id.date_from", store=True, string="Period from")
    period_kind = fields.Selection(related="period_id.kind")
    period_state = fields.Selection(related="period_id.state", string="Period state")
    category_id = fields.Many2one(related="kpi_id.category_id", store=True)
    unit = fields.Selection(related="kpi_id.unit")
    direction = fields.Selection(related="kpi_id.direction")
    currency_id = fields.Many2one(related="company_id.currency_id")
    scope_name = fields.Char("Whose", compute="_compute_scope_name")
    value_text = fields.Char("Current", compute="_compute_texts")
    target_text = fields.Char("Promised", compute="_compute_texts")
    projected_text = fields.Char("At the end", compute="_compute_texts")
    baseline_text = fields.Char("Baseline (text)", compute="_compute_texts")
    attainment_text = fields.Char("Attained", compute="_compute_texts")
    status_text = fields.Char("Standing", compute="_compute_texts")
    pace_text = fields.Char("Pace", compute="_compute_pace_text")

    _cell_uniq = models.UniqueIndex(
        """(kpi_id, period_id, scope, COALESCE(team_id, 0), COALESCE(user_id, 0),
            COALESCE(segment_id, 0)) WHERE active""",
        "There is a goal for this KPI, period and scope already. Change that one, or archive it.",
    )
    _improve_positive = models.Constraint(
        "CHECK (kind <> 'improve' OR improve_by > 0)",
        "Improve by: enter more than 0 %.",
    )
    _baseline_count_positive = models.Constraint(
        "CHECK (baseline_kind <> 'mean' OR baseline_count BETWEEN 1 AND 60)",
        "Number of periods: enter 1 to 60.",
    )

    @api.model
    def _default_period(self):
        """The running month of the current company, where it exists."""
        now = fields.Datetime.now()
        return self.env["crm.kpi.period"].search(
            [
                ("company_id", "=", self.env.company.id),
                ("kind", "=", "month"),
                ("utc_from", "<=", now),
                ("utc_to", ">", now),
            ],
            limit=1,
        )

    # --- COMPUTES ---

    @api.depends("kpi_id")
    def _compute_kind(self):
        for goal in self:
            goal.kind = DEFAULT_KIND.get(goal.kpi_id.direction, "at_least")

    @api.depends("scope", "team_id", "user_id", "segment_id", "company_id")
    def _compute_scope_name(self):
        for goal in self:
            parts = (goal.scope or "company").split("_")
            goal.scope_name = " · ".join(goal[f"{part}_id"].display_name or "" for part in parts)

    @api.depends("kpi_id", "scope_name", "period_id")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for goal in self:
            goal.display_name = " · ".join(
                filter(None, [goal.kpi_id.name, goal.scope_name, goal.period_id.display_name])
            )

    @api.depends(
        "value", "target", "target_max", "kind", "improve_by", "projected", "baseline",
        "attainment", "status", "counter_missed", "kpi_id", "currency_id",
    )  # fmt: skip
    @api.depends_context("lang")
    def _compute_texts(self):
        labels = dict(self._fields["status"]._description_selection(self.env))
        for goal in self:
            goal.value_text = goal._in_unit(goal.value)
            goal.projected_text = goal._in_unit(goal.projected)
            goal.baseline_text = goal._in_unit(goal.baseline, exact=True)
            goal.target_text = goal._promise()
            goal.attainment_text = (
                # rounded down: what is not all of it does not read 100 %
                "–"
                if goal.attainment is False
                else f"{math.floor(goal.attainment * 100 + pace.EPSILON)}\u00a0%"
            )
            text = f"{STATUS_SHAPES.get(goal.status, '')} {labels.get(goal.status, '')}"
            if goal.counter_missed:
                text = self.env._("%s, at a cost", text)
            goal.status_text = text

    def _in_unit(self, value, exact=False):
        """A value in the unit of the KPI.

        :param exact: with up to two decimals more where it has them: a promise of 8.5 deals
            is not one of 9
        """
        kpi = self.kpi_id
        if not kpi:
            return "–"
        if exact and value is not False and kpi.unit != "money":
            shown = value * 100 if kpi.unit == "percent" else value
            finest = round(shown, kpi.digits + 2)
            digits = next(
                digits
                for digits in range(kpi.digits, kpi.digits + 3)
                if round(shown, digits) == finest
            )
            if digits != kpi.digits:
                kpi = kpi.new({"unit": kpi.unit, "digits": digits})
        return kpi._format_value(value, self.currency_id)

    def _promise(self):
        """The target in words and symbols, such as ``≥ 6`` or ``+50 % (≥ 6)``."""
        target = self._in_unit(self.target, exact=True)
        if self.kind == "range":
            return f"{target} – {self._in_unit(self.target_max, exact=True)}"
        less = self.kind == "at_most" or (self.kind == "improve" and self.direction == "decrease")
        text = f"{'≤' if less else '≥'} {target}"
        if self.kind == "improve":
            sign = "−" if less else "+"
            change = f"{sign}{self.improve_by * 100:g}\u00a0%"
            return change if self.target is False else f"{change} ({text})"
        return text

    @api.depends("period_id", "kpi_id")
    @api.depends_context("lang")
    def _compute_pace_text(self):
        now = fields.Datetime.now()
        elapsed_by_period = self.period_id._elapsed(now)
        known = time_behaviours(self.kpi_id)
        for goal in self:
            if goal.period_id not in elapsed_by_period:
                goal.pace_text = False
                continue
            elapsed = elapsed_by_period[goal.period_id]
            text = self.env._(
                "%(done)s of %(total)s working days", done=elapsed.days, total=elapsed.total
            )
            behaviour = known.get(goal.kpi_id)
            if behaviour and behaviour.final_only and not elapsed.over:
                text = self.env._("%s, known at the end", text)
            elif behaviour and behaviour.maturity and goal.period_state != "locked":
                final = goal.period_id.date_to + timedelta(days=math.ceil(behaviour.maturity))
                if calendar.local_day(now, goal.company_id._kpi_tz()) < final:
                    text = self.env._(
                        "%(pace)s, final on %(day)s", pace=text, day=format_date(self.env, final)
                    )
            goal.pace_text = text

    @api.onchange("scope")
    def _onchange_scope(self):
        for part in DIMENSIONS:
            if part not in (self.scope or "").split("_"):
                self[f"{part}_id"] = False

    # --- CRUD ---

    @api.model
    def _kpi_protected_fields(self):
        """Names of the fields that are computed; only superuser code may write them."""
        return PROTECTED

    def _refuse_protected(self, names):
        # the superuser mode cannot be asked for by a caller from outside, a context key could
        if self.env.su:
            return
        refused = sorted(self._kpi_protected_fields().intersection(names))
        if refused:
            raise AccessError(
                self.env._(
                    "%s: computed from the records of the KPI, nobody can set it by hand.",
                    ", ".join(
                        f"{self._fields[name]._description_string(self.env)} ({name})"
                        for name in refused
                    ),
                )
            )

    @api.model
    def default_get(self, fields):
        # a default sent along in the context would be a write by the back door
        values = super().default_get(fields)
        if not self.env.su:
            for name in self._kpi_protected_fields() - {"status"}:
                values.pop(name, None)
            if "status" in values:
                values["status"] = "no_data"
        return values

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._refuse_protected(vals)
        self.check_access("create")
        self._refuse_duplicates(
            [
                (0, *(vals.get(name) or (name == "scope" and "company") for name in CELL))
                for vals in vals_list
                if vals.get("active", True) and vals.get("kpi_id") and vals.get("period_id")
            ]
        )
        goals = super().create(vals_list)
        goals._update(renew=goals.ids)
        return goals

    def write(self, vals):
        self._refuse_protected(vals)
        if vals.keys() & {*CELL, "active"}:
            self.check_access("write")
            self._refuse_duplicates(
                [
                    (goal.id, *(vals[name] if name in vals else goal._raw(name) for name in CELL))
                    for goal in self
                    if vals.get("active", goal.active)
                ]
            )
        result = super().write(vals)
        if TRIGGERS & vals.keys():
            self._update(renew=self.ids if BASELINE_OF & vals.keys() else ())
        return result

    @api.model
    def _write_many(self, changes):  # pylint: disable=missing-return
        """Write different values, none of the cell, on many goals, and compute them once.

        :param changes: list of ``(goal, vals)``
        """
        goals = self.browse([goal.id for goal, _vals in changes])
        for goal, vals in changes:
            self._refuse_protected(vals)
            # pylint: disable=super-method-mismatch
            super(CrmKpiGoal, goal).write(vals)
        goals._update(renew=goals.ids)

    def _raw(self, name):
        return self[name].id if self._fields[name].relational else self[name]

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        for vals in vals_list:
            if vals.get("kind") == "improve":
                vals.pop("target", None)
        return vals_list

    # --- ACTIONS ---

    def _cell(self):
        self.ensure_one()
        return {
            "level": self.scope,
            "team_id": self.team_id.id,
            "user_id": self.user_id.id,
            "segment_id": self.segment_id.id,
        }

    def action_open_records(self):
        """Open exactly the records behind the value, as far as the reader may see them."""
        self.ensure_one()
        return self.kpi_id._open_cell_records(self.period_id, self._cell(), self.display_name)

    def action_definition(self):
        self.ensure_one()
        return self.kpi_id.action_definition()
