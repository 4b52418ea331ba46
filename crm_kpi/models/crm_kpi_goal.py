# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import math
from collections import namedtuple
from dataclasses import replace
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.tools import SQL
from odoo.tools.misc import format_date

from ..engine import formula as engine
from ..engine import pace
from ..engine import periods as calendar
from ..fields import NullableFloat
from .crm_kpi_value import LEVELS

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
#: Shapes tell the statuses apart where colours cannot be told apart.
SHAPES = {
    "no_data": "–",
    "too_early": "◔",
    "too_few": "…",
    "on_track": "●",
    "at_risk": "▲",
    "off_track": "▼",
    "achieved": "✔",
    "missed": "✖",
}
DEFAULT_KIND = {"increase": "at_least", "decrease": "at_most", "maintain": "range"}
DIMENSIONS = ("team", "user", "segment")
#: What is computed, in the order of the statement that writes it, with its SQL type.
COMPUTED = {
    "value": "float8",
    "n": "int4",
    "baseline": "float8",
    "target": "float8",
    "attainment": "float8",
    "expected": "float8",
    "projected": "float8",
    "status": "text",
}
PROTECTED = {
    "value", "n", "baseline", "attainment", "expected", "projected", "status",
    "status_since", "as_of", "at_a_cost", "company_id",
}  # fmt: skip
#: What a goal is about; no two active goals are about the same.
CELL = ("kpi_id", "period_id", "scope", "team_id", "user_id", "segment_id")
#: A change of one of these means another baseline.
BASELINE_OF = {*CELL, "kind", "baseline_kind", "baseline_count", "baseline_fixed"}
TRIGGERS = BASELINE_OF | {"target", "target_max", "improve_by", "active"}

#: How a KPI behaves in time: whether its value grows with the days, whether it says nothing
#: before the end, and the days until its youngest record counts.
Nature = namedtuple("Nature", "additive waits maturity")


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
    n = fields.Integer("Records", readonly=True, copy=False, aggregator=None)
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
    at_a_cost = fields.Boolean(
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
        "attainment", "status", "at_a_cost", "kpi_id", "currency_id",
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
            text = f"{SHAPES.get(goal.status, '')} {labels.get(goal.status, '')}"
            if goal.at_a_cost:
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
        gone = self.period_id._elapsed(now)
        known = _natures(self.kpi_id)
        for goal in self:
            if goal.period_id not in gone:
                goal.pace_text = False
                continue
            elapsed = gone[goal.period_id]
            text = self.env._(
                "%(done)s of %(total)s working days", done=elapsed.days, total=elapsed.total
            )
            nature = known.get(goal.kpi_id)
            if nature and nature.waits and not elapsed.over:
                text = self.env._("%s, known at the end", text)
            elif nature and nature.maturity and goal.period_state != "locked":
                final = goal.period_id.date_to + timedelta(days=math.ceil(nature.maturity))
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

    # --- CHECKS ---

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
        elif self.period_id.kind == "custom":
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

    # --- BRINGING UP TO DATE ---

    @api.model
    def _refresh(self, company):
        """Bring value, attainment and status of the goals of a company up to date.

        Goals of periods that run or are provisional, of coming ones until their baseline is
        known, and of locked ones that were not settled before the lock. The number of
        statements does not depend on the number of goals.
        """
        now = fields.Datetime.now()
        self._bring_up_to_date(
            SQL(
                """g.company_id = %(company)s AND g.active AND CASE
                     WHEN p.state = 'locked' THEN g.value IS NULL
                          OR g.status NOT IN ('achieved', 'missed', 'too_few')
                     WHEN p.utc_from > %(now)s THEN g.as_of IS NULL
                          OR (g.kind = 'improve' AND g.baseline IS NULL)
                     ELSE TRUE END""",
                company=company.id,
                now=now,
            ),
            SQL("g.company_id = %s", company.id),
            now,
        )

    def _update(self, renew=()):
        """The same for these goals, at once.

        :param renew: ids of those whose baseline is to be found anew
        """
        if not self.ids:
            return
        self._bring_up_to_date(
            SQL("g.id = ANY(%s) AND g.active", self.ids),
            SQL("g.id = ANY(%s)", self.ids),
            fields.Datetime.now(),
            renew,
        )

    @api.model
    def _bring_up_to_date(self, which, linked, now, renew=()):
        """Compute goals, write those that changed, and link them with their values.

        :param SQL which: condition on goal ``g`` and period ``p``
        :param SQL linked: condition on goal ``g``: whose links with values to bring in order
        """
        self.env.flush_all()
        # superuser: a goal's value and status are computed, never typed
        model = self.sudo()
        rows = model._rows(which)
        for row in rows:
            if row["kind"] != "improve" or row["id"] in renew:
                row["baseline_found"] = None
            else:
                row["baseline_found"] = row["baseline"]
        model._find_baselines(rows, now)
        results = model._judge(rows, now)
        old = {row["id"]: row for row in rows}
        changed = {
            goal_id: result
            for goal_id, result in results.items()
            if old[goal_id]["as_of"] is None
            or any(old[goal_id][name] != result[name] for name in COMPUTED)
        }
        model._write_computed(changed, now)
        costs = model._write_costs({row["period_id"] for row in rows})
        model._link_values(linked)
        touched = model.browse([*changed, *costs])
        touched.invalidate_recordset([*COMPUTED, "status_since", "as_of", "at_a_cost"], flush=False)
        settled = [
            goal_id
            for goal_id, result in changed.items()
            if result["status"] in pace.FINAL
            and old[goal_id]["as_of"] is not None
            and old[goal_id]["status"] != result["status"]
        ]
        model.browse(settled)._log_settled()

    @api.model
    def _rows(self, which):
        """Goals with their stored value, as dicts; ``computed``: a missing value is known."""
        return self.env.execute_query_dict(
            SQL(
                """SELECT g.id, g.kpi_id, g.period_id, g.scope, g.kind, g.target, g.target_max,
                          g.improve_by, g.baseline_kind, g.baseline_count, g.baseline_fixed,
                          g.baseline, g.value, g.n, g.attainment, g.expected, g.projected,
                          g.status, g.as_of,
                          v.value AS new_value, COALESCE(v.n, 0) AS new_n,
                          v.id IS NOT NULL AS stored, %s AS computed
                     FROM crm_kpi_goal g
                     JOIN crm_kpi_period p ON p.id = g.period_id
                     JOIN crm_kpi k ON k.id = g.kpi_id
                     LEFT JOIN crm_kpi_value v ON %s
                     LEFT JOIN crm_kpi_computation c
                            ON c.kpi_id = g.kpi_id AND c.period_id = g.period_id
                    WHERE %s
                    ORDER BY g.id""",
                _computed("g.kpi_id", "g.period_id"),
                _same_cell("g", "v", "level"),
                which,
            )
        )

    @api.model
    def _judge(self, rows, now):
        """What is to be stored per goal: dict of id to dict of the computed fields."""
        kpis = self.env["crm.kpi"].browse({row["kpi_id"] for row in rows})
        periods = self.env["crm.kpi.period"].browse({row["period_id"] for row in rows})
        natures = _natures(kpis)
        gone = {
            maturity: periods._elapsed(now - timedelta(days=maturity))
            for maturity in {nature.maturity for nature in natures.values()}
        }
        results = {}
        for row in rows:
            kpi, period = kpis.browse(row["kpi_id"]), periods.browse(row["period_id"])
            nature = natures[kpi]
            elapsed = gone[nature.maturity][period]
            if period.state == "locked":
                elapsed = replace(elapsed, over=True)  # it will not change any more
            value = row["new_value"]
            begun = now >= period.utc_from
            if not row["stored"] and begun and row["computed"] and kpi._zero_in(period):
                value = 0.0
            kind, target, baseline = row["kind"], row["target"], None
            if kind == "improve":
                baseline = row["baseline_found"]
                target = pace.improved(baseline, row["improve_by"], kpi.direction)
                kind = DEFAULT_KIND[kpi.direction]
            verdict = pace.judge(
                kind,
                target,
                row["target_max"],
                value,
                row["new_n"],
                elapsed,
                # a manual entry may stand for days to come: never projected to its harm
                additive=nature.additive and (kpi.kind != "manual" or kind == "at_least"),
                waits=nature.waits,
                maturing=bool(nature.maturity),
                min_n=max(kpi.min_n, kpi._least_cell(period.company_id))
                if "segment" in row["scope"]
                else kpi.min_n,
            )
            results[row["id"]] = {
                "value": value,
                "n": row["new_n"],
                "baseline": baseline,
                "target": target,
                "attainment": verdict.attainment,
                "expected": verdict.expected,
                "projected": verdict.projected,
                "status": verdict.status,
            }
        return results

    @api.model
    def _write_computed(self, results, now):
        if not results:
            return
        columns = [
            SQL("%s::%s[]", [result[name] for result in results.values()], SQL(type_))
            for name, type_ in COMPUTED.items()
        ]
        names = [SQL.identifier(name) for name in COMPUTED]
        # write_date stays: formulas over targets recognise changed targets by it
        self.env.execute_query(
            SQL(
                """UPDATE crm_kpi_goal g
                      SET %(sets)s, as_of = %(now)s,
                          write_date = CASE WHEN g.target IS DISTINCT FROM t.target
                                            THEN %(now)s ELSE g.write_date END,
                          status_since = CASE WHEN g.status = t.status AND g.as_of IS NOT NULL
                                              THEN g.status_since ELSE %(now)s END
                     FROM unnest(%(ids)s::int4[], %(columns)s) AS t(id, %(names)s)
                    WHERE g.id = t.id
                RETURNING 1""",
                sets=SQL(", ").join(SQL("%s = t.%s", name, name) for name in names),
                now=now,
                ids=list(results),
                columns=SQL(", ").join(columns),
                names=SQL(", ").join(names),
            )
        )

    @api.model
    def _write_costs(self, period_ids):
        """Note which kept goals stand beside a broken one for the counter-metric."""
        rows = self.env.execute_query(
            SQL(
                """UPDATE crm_kpi_goal g SET at_a_cost = s.cost
                     FROM (SELECT g.id,
                                  g.status IN ('achieved', 'on_track') AND EXISTS (
                                      SELECT 1 FROM crm_kpi_goal o
                                       WHERE o.active AND o.kpi_id = k.counter_kpi_id AND %s
                                         AND o.status IN ('off_track', 'missed')) AS cost
                             FROM crm_kpi_goal g JOIN crm_kpi k ON k.id = g.kpi_id
                            WHERE g.period_id = ANY(%s)) s
                    WHERE s.id = g.id AND g.at_a_cost IS DISTINCT FROM s.cost
                RETURNING g.id""",
                _same_cell("g", "o", "scope", kpi=False),
                list(period_ids),
            )
        )
        return [goal_id for (goal_id,) in rows]

    @api.model
    def _link_values(self, linked):
        """Let each value know the active goal for its cell, and no other."""
        rows = self.env.execute_query(
            SQL(
                """-- materialized: looked up once, even where the planner knows nothing yet of
                   -- the rows that this very transaction has written
                   WITH s AS MATERIALIZED (
                           SELECT v.id, g.id AS goal_id
                             FROM crm_kpi_goal g JOIN crm_kpi_value v ON %(same)s
                            WHERE g.active AND %(linked)s
                            UNION ALL
                           SELECT v.id, NULL
                             FROM crm_kpi_value v JOIN crm_kpi_goal g ON g.id = v.goal_id
                            WHERE %(linked)s AND NOT EXISTS (
                                  SELECT 1 FROM crm_kpi_goal a WHERE a.active AND %(other)s))
                   UPDATE crm_kpi_value AS stored SET goal_id = s.goal_id FROM s
                    WHERE stored.id = s.id AND stored.goal_id IS DISTINCT FROM s.goal_id
                RETURNING 1""",
                same=_same_cell("g", "v", "level"),
                other=_same_cell("a", "v", "level"),
                linked=linked,
            )
        )
        if rows:
            self.env["crm.kpi.value"].invalidate_model(["goal_id"], flush=False)

    def _log_settled(self):
        """Note in the chatter of each goal that it is settled; nobody is notified."""
        if not self:
            return
        bodies = {
            goal.id: self.env._(
                "%(status)s: %(value)s, promised %(target)s",
                status=goal.status_text,
                value=goal.value_text,
                target=goal.target_text,
            )
            for goal in self
        }
        self._message_log_batch(bodies, author_id=self.env.ref("base.partner_root").id)

    # --- BASELINES ---

    @api.model
    def _find_baselines(self, rows, now):
        """Fill ``baseline_found`` of the goals to improve whose baseline is known by now."""
        open_rows = [
            row for row in rows if row["kind"] == "improve" and row["baseline_found"] is None
        ]
        for row in open_rows:
            if row["baseline_kind"] == "fixed":
                row["baseline_found"] = row["baseline_fixed"]
        open_rows = [row for row in open_rows if row["baseline_kind"] != "fixed"]
        if not open_rows:
            return
        kpis = self.env["crm.kpi"].browse({row["kpi_id"] for row in open_rows})
        natures = _natures(kpis)
        behind = self._baseline_periods(open_rows)
        lookups = []
        for row in open_rows:
            kpi = kpis.browse(row["kpi_id"])
            maturity = timedelta(days=natures[kpi].maturity)
            periods = behind[row["id"]]
            row["known"] = bool(periods) and all(
                period and (period.state == "locked" or now - maturity >= period.utc_to)
                for period in periods
            )
            if row["known"]:
                lookups += [
                    (row["id"], part.id, period.id)
                    for part in kpi._with_components()
                    for period in periods
                ]
        cells = self._baseline_cells(lookups)
        for row in open_rows:
            if row["known"]:
                kpi = kpis.browse(row["kpi_id"])
                known = {
                    (kpi_id, period_id): cell
                    for (kpi_id, period_id), cell in cells.get(row["id"], {}).items()
                }
                row["baseline_found"] = _pooled(kpi, behind[row["id"]], known)

    @api.model
    def _baseline_periods(self, rows):
        """The periods each baseline is made of: dict of goal id to a list, ``None`` in it
        where a period does not exist."""
        wanted = {}
        for row in rows:
            period = self.env["crm.kpi.period"].browse(row["period_id"])
            if period.kind == "custom":
                wanted[row["id"]] = []
                continue
            if row["baseline_kind"] == "last_year":
                start = period.date_from - timedelta(days=364)
                if period.kind not in ("day", "week"):
                    start = calendar.shift("year", period.date_from, -1)
                starts = [start]
            else:
                count = row["baseline_count"] if row["baseline_kind"] == "mean" else 1
                starts = [
                    calendar.shift(period.kind, period.date_from, -back)
                    for back in range(1, count + 1)
                ]
            wanted[row["id"]] = [(period.company_id.id, period.kind, start) for start in starts]
        keys = {key for keys in wanted.values() for key in keys}
        found = {
            (period.company_id.id, period.kind, period.date_from): period
            for period in self.env["crm.kpi.period"].search(
                [
                    ("company_id", "in", list({key[0] for key in keys})),
                    ("kind", "in", list({key[1] for key in keys})),
                    ("date_from", "in", list({key[2] for key in keys})),
                ]
            )
        }
        return {goal_id: [found.get(key) for key in keys] for goal_id, keys in wanted.items()}

    @api.model
    def _baseline_cells(self, lookups):
        """Stored values of the goals' cells in other periods.

        :param lookups: list of ``(goal id, kpi id, period id)``
        :return: dict of goal id to dict of ``(kpi id, period id)`` to ``(value, n)``; cells
            that were never computed are missing, computed ones without a row have ``None``
        """
        if not lookups:
            return {}
        goal_ids, kpi_ids, period_ids = (list(column) for column in zip(*lookups, strict=True))
        result = {}
        for goal_id, kpi_id, period_id, value, n, computed in self.env.execute_query(
            SQL(
                """SELECT g.id, l.kpi_id, l.period_id, v.value, COALESCE(v.n, 0),
                          v.id IS NOT NULL OR %s
                     FROM unnest(%s::int4[], %s::int4[], %s::int4[]) AS l(goal_id, kpi_id, period_id)
                     JOIN crm_kpi_goal g ON g.id = l.goal_id
                     JOIN crm_kpi k ON k.id = l.kpi_id
                     LEFT JOIN crm_kpi_computation c
                            ON c.kpi_id = l.kpi_id AND c.period_id = l.period_id
                     LEFT JOIN crm_kpi_value v
                            ON v.kpi_id = l.kpi_id AND v.period_id = l.period_id
                           AND v.level = g.scope
                           AND COALESCE(v.team_id, 0) = COALESCE(g.team_id, 0)
                           AND COALESCE(v.user_id, 0) = COALESCE(g.user_id, 0)
                           AND COALESCE(v.segment_id, 0) = COALESCE(g.segment_id, 0)""",
                _computed("l.kpi_id", "l.period_id"),
                goal_ids,
                kpi_ids,
                period_ids,
            )
        ):
            if computed:
                result.setdefault(goal_id, {})[kpi_id, period_id] = (value, n)
        return result


# --- SQL ---


def _same_cell(goal, other, level, kpi=True):
    """Whether a row is about the cell of a goal; written so that the unique index serves."""
    return SQL(
        """%(kpi)s %(o)s.period_id = %(g)s.period_id AND %(o)s.%(level)s = %(g)s.scope
           AND COALESCE(%(o)s.team_id, 0) = COALESCE(%(g)s.team_id, 0)
           AND COALESCE(%(o)s.user_id, 0) = COALESCE(%(g)s.user_id, 0)
           AND COALESCE(%(o)s.segment_id, 0) = COALESCE(%(g)s.segment_id, 0)""",
        kpi=SQL("%s.kpi_id = %s.kpi_id AND", SQL.identifier(other), SQL.identifier(goal))
        if kpi
        else SQL(),
        o=SQL.identifier(other),
        g=SQL.identifier(goal),
        level=SQL.identifier(level),
    )


def _computed(kpi, period):
    """Whether the cell of goal ``g`` was computed, so that no row means no record.

    The crossed levels are computed only for KPIs that ask for them, and for goals from the
    refresh after they were set. Reads the KPI ``k`` and the computation ``c``.
    """
    return SQL(
        """c.id IS NOT NULL AND (
               g.scope NOT IN ('team_segment', 'user_segment') OR k.crossed
               OR c.computed_at > g.create_date
               OR EXISTS (SELECT 1 FROM crm_kpi_value x
                           WHERE x.kpi_id = %s AND x.period_id = %s AND x.level = g.scope))""",
        SQL(kpi),
        SQL(period),
    )


# --- KPIS ---


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


def _pooled(kpi, periods, cells):
    """Mean of a KPI over periods, from its components: never a mean of ratios.

    :param cells: dict of ``(kpi id, period id)`` to ``(value, n)``
    :return: a float or ``None``
    """
    own = [cells.get((kpi.id, period.id)) if kpi._is_told(period) else None for period in periods]
    if kpi.kind == "formula" and len(periods) > 1:
        parsed = _plain_formula(kpi)
        if parsed:
            by_code = {part.code: part for part in kpi.component_ids}
            values = {
                component: _pooled(by_code[component.code], periods, cells)
                for component in parsed.components
                if component.code in by_code
            }
            each = [period._formula_constants() for period in periods]
            constants = {name: sum(c[name] for c in each) / len(each) for name in each[0]}
            return parsed.evaluate(values, constants)
    if any(cell is None for cell in own):
        return None  # not computed so far back
    if kpi._zero_when_empty:
        return sum(value or 0.0 for value, _n in own) / len(own)
    known = [(value, n) for value, n in own if value is not None]
    if not known:
        return None
    if kpi.kind != "formula" and kpi.aggregator == "avg" and all(n > 0 for _value, n in known):
        return sum(value * n for value, n in known) / sum(n for _value, n in known)
    return sum(value for value, _n in known) / len(known)


def _plain_formula(kpi):
    """The parsed formula where all it needs lies in the same period, else ``None``."""
    try:
        parsed = engine.parse(kpi.formula)
    except engine.FormulaError:
        return None
    return None if any(component.shift for component in parsed.components) else parsed
