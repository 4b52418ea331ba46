# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import math

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import SQL
from odoo.tools.misc import format_date

from ...board.explain import records_action
from ...board.missing import missing_texts
from ...board.signals import record_texts
from ...fields import NullableFloat
from ...goals import bullet, labels, people
from ...goals.baseline import baseline_spans
from ...goals.cell import CELL, find_duplicate
from ...goals.refresh import DEFAULT_KIND, GoalRefresh
from ...periods.states import SAME_PART
from ...workbook import target_sheet
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
#: What a target was made of by *Set goals*.
SOURCES = [
    ("last", "Last period"),
    ("running", "Running period, forecast"),
    ("last_year", "Same period last year"),
    ("mean", "Mean of the last periods"),
    ("spread", "Amount that was spread"),
]
STATUSES = [
    ("no_data", "No data"),
    ("too_early", "Too early"),
    ("too_few", "Too little data"),
    ("on_track", "On track"),
    ("at_risk", "At risk"),
    ("off_track", "Off track"),
    ("achieved", "Achieved"),
    ("missed", "Missed"),
]
#: The statuses in the order of a list: what needs help first.
URGENCY = [
    "off_track", "missed", "at_risk", "too_few", "no_data", "too_early", "on_track", "achieved",
]  # fmt: skip
DIMENSIONS = ("team", "user", "segment")
PROTECTED = {
    "value", "record_count", "baseline", "baseline_version", "attainment", "expected", "projected", "status",
    "status_since", "as_of", "counter_missed", "company_id",
}  # fmt: skip
#: A change of one of these fields changes the baseline.
BASELINE_OF = {*CELL, "kind", "baseline_kind", "baseline_count", "baseline_fixed"}
#: After a change of one of these fields, the target is not what *Set goals* made any more.
SOURCE_OF = {*CELL, "kind", "target"}
TRIGGERS = BASELINE_OF | {"target", "target_max", "improve_by", "active"}


def _urgency(status):
    """The place of a status in :data:`URGENCY`, as SQL."""
    return SQL("array_position(%s::varchar[], %s::varchar)", URGENCY, status)


class CrmKpiGoal(models.Model):
    """A target for a KPI in a period: for the company, a team, a salesperson or a segment.

    The refresh computes value, attainment and status, as does each change of the goal; users
    cannot write them. Percentages are fractions, as in the values.
    """

    _name = "crm.kpi.goal"
    _description = "KPI Goal"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "period_date desc, kpi_id, scope, id"
    # users who may read a goal may post messages on it
    _mail_post_access = "read"

    # --- target ---
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
    team_id = fields.Many2one("crm.team", "Sales Team", ondelete="restrict", index="btree_not_null")
    user_id = fields.Many2one(
        "res.users",
        "Salesperson",
        ondelete="restrict",
        index="btree_not_null",
        domain=[("share", "=", False)],
        tracking=True,
    )
    segment_id = fields.Many2one("crm.kpi.segment", ondelete="restrict", index="btree_not_null")
    kind = fields.Selection(
        GOAL_KINDS,
        "Goal",
        required=True,
        compute="_compute_kind",
        store=True,
        readonly=False,
        precompute=True,
        tracking=True,
        help="Reach at least: more is better. Stay below: less is better. Stay in a range: "
        "between two bounds. Improve by %: compared with a baseline that is stored with the goal.",
    )
    target = NullableFloat(
        aggregator=None,
        tracking=True,
        help="In the unit of the KPI. Percentages are fractions: 0.8 for 80 %.",
    )
    target_max = NullableFloat(
        "Upper bound", aggregator=None, tracking=True, help="Upper end of the range."
    )
    improve_by = fields.Float(
        "Improve by",
        aggregator=None,
        tracking=True,
        help="As a share of the baseline: 0.5 for 50 % more, or 50 % less where less is better.",
    )
    baseline_kind = fields.Selection(BASELINES, "Compared with", default="previous", tracking=True)
    baseline_count = fields.Integer("Number of periods", default=3, aggregator=None)
    baseline_fixed = NullableFloat("Fixed baseline", aggregator=None)
    baseline = NullableFloat(
        readonly=True,
        copy=False,
        aggregator=None,
        help="The value that the improvement is compared with. It is stored once it is known. After a "
        "change of the definition, Recompute history on the KPI computes it again.",
    )
    baseline_version = fields.Integer(
        readonly=True,
        copy=False,
        aggregator=None,
        help="Version of the definition that the baseline was computed with.",
    )
    source = fields.Selection(
        SOURCES, "Set from", readonly=True, help="What Set goals made the target of."
    )
    source_value = NullableFloat("Earlier value", readonly=True, aggregator=None)
    source_period_id = fields.Many2one(
        "crm.kpi.period", "Earlier period", readonly=True, ondelete="set null"
    )
    source_count = fields.Integer(readonly=True, aggregator=None)
    source_change = fields.Float("Better by", readonly=True, aggregator=None)
    source_text = fields.Char("Set from (text)", compute="_compute_source_text")
    note = fields.Text("Notes and plan")
    active = fields.Boolean(default=True)

    # --- computed ---
    value = NullableFloat(readonly=True, copy=False, aggregator=None)
    record_count = fields.Integer("Records", readonly=True, copy=False, aggregator=None)
    attainment = NullableFloat(
        readonly=True,
        copy=False,
        aggregator="avg",
        help="Share of the target that is reached: 1 for 100 %. Empty without a value or target.",
    )
    expected = NullableFloat(
        "Expected by now",
        readonly=True,
        copy=False,
        aggregator=None,
        help="Share of the target that corresponds to the elapsed working days. For counts and "
        "sums only.",
    )
    projected = NullableFloat(
        "Forecast",
        readonly=True,
        copy=False,
        aggregator=None,
        help="Value at the end of the period at the present pace.",
    )
    status = fields.Selection(
        STATUSES, readonly=True, copy=False, default="no_data", required=True, index=True
    )
    status_since = fields.Datetime(readonly=True, copy=False)
    as_of = fields.Datetime(
        "As of", readonly=True, copy=False, help="When value or status last changed."
    )
    counter_missed = fields.Boolean(
        "Counter-metric missed",
        readonly=True,
        copy=False,
        help="This goal is met, but its counter-metric misses its own goal.",
    )

    # --- shown ---
    period_date = fields.Date(related="period_id.date_from", store=True, string="Period from")
    period_kind = fields.Selection(related="period_id.kind")
    period_state = fields.Selection(related="period_id.state", string="Period state")
    category_id = fields.Many2one(related="kpi_id.category_id", store=True)
    unit = fields.Selection(related="kpi_id.unit")
    direction = fields.Selection(related="kpi_id.direction")
    currency_id = fields.Many2one(related="company_id.currency_id")
    scope_name = fields.Char("For (name)", compute="_compute_scope_name")
    value_text = fields.Char("Current value", compute="_compute_texts")
    missing_text = fields.Char(
        "Reason", compute="_compute_missing_text", help="Why there is no value."
    )
    signal_text = fields.Char(
        "Signal",
        compute="_compute_signal_text",
        help="Why the value is unlikely to be random. In a running period: that of the latest "
        "complete one.",
    )
    target_text = fields.Char("Target (text)", compute="_compute_texts")
    projected_text = fields.Char("Forecast (text)", compute="_compute_texts")
    baseline_text = fields.Char("Baseline (text)", compute="_compute_texts")
    attainment_text = fields.Char("Attainment (text)", compute="_compute_texts")
    status_text = fields.Char("Status (text)", compute="_compute_texts")
    pace_text = fields.Char("Pace", compute="_compute_pace_text")
    signs = fields.Json(
        "Progress", compute="_compute_signs", help="Value, target, pace, forecast and status."
    )

    _cell_uniq = models.UniqueIndex(
        """(kpi_id, period_id, scope, COALESCE(team_id, 0), COALESCE(user_id, 0),
            COALESCE(segment_id, 0)) WHERE active""",
        "A goal for this KPI, period and scope exists already. Change or archive that goal.",
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
        "baseline_version", "attainment", "status", "counter_missed", "kpi_id.version",
        "period_state",
        "currency_id",
    )  # fmt: skip
    @api.depends_context("lang")
    def _compute_texts(self):
        for goal in self:
            goal.value_text = labels.in_unit(goal, goal.value)
            goal.projected_text = labels.in_unit(goal, goal.projected)
            goal.baseline_text = labels.baseline_text(goal)
            goal.target_text = labels.target_text(goal)
            goal.attainment_text = labels.attainment_text(goal)
            shape = labels.STATUS_SHAPES.get(goal.status, "")
            goal.status_text = f"{shape} {labels.status_text(goal)}"

    @api.depends(
        "value", "target", "target_max", "kind", "projected", "expected", "attainment", "status",
        "counter_missed",
    )  # fmt: skip
    @api.depends_context("lang", "uid")
    def _compute_signs(self):
        for goal in self:
            goal.signs = bullet.signs(goal)

    @api.depends("value", "kpi_id", "period_id", "scope", "team_id", "user_id", "segment_id")
    @api.depends_context("lang", "uid")
    def _compute_missing_text(self):
        texts = missing_texts(self, "scope")
        for goal in self:
            goal.missing_text = texts.get(goal, False)

    @api.depends("value", "kpi_id", "period_id", "scope", "team_id", "user_id", "segment_id")
    @api.depends_context("lang", "uid", "tz")
    def _compute_signal_text(self):
        texts = record_texts(self, "scope")
        for goal in self:
            goal.signal_text = texts.get(goal, False)

    @api.depends("source", "source_value", "source_period_id", "source_count", "source_change")
    @api.depends_context("lang")
    def _compute_source_text(self):
        for goal in self:
            goal.source_text = labels.source_text(goal)

    def _in_unit(self, value, exact=False):
        """See :func:`~...goals.labels.in_unit`."""
        return labels.in_unit(self, value, exact)

    @api.depends("period_id", "kpi_id")
    @api.depends_context("lang")
    def _compute_pace_text(self):
        texts = labels.pace_texts(self)
        for goal in self:
            goal.pace_text = texts.get(goal, False)

    @api.onchange("scope")
    def _onchange_scope(self):
        for part in DIMENSIONS:
            if part not in (self.scope or "").split("_"):
                self[f"{part}_id"] = False

    # --- ORDER ---

    def _order_field_to_sql(self, alias, field_name, direction, nulls, query):
        """The order by status is that of its urgency: off track first."""
        if field_name == "status":
            status = self._field_to_sql(alias, "status", query)
            return SQL("%s %s %s", _urgency(status), direction, nulls)
        return super()._order_field_to_sql(alias, field_name, direction, nulls, query)

    def _read_group_orderby(self, order, groupby_terms, query):
        ordered = dict(groupby_terms)
        if "status" in ordered:
            ordered["status"] = _urgency(ordered["status"])
        terms = super()._read_group_orderby(order, ordered, query)
        # Odoo adds what many2one fields are ordered by
        groupby_terms.update((name, ordered[name]) for name in ordered if name != "status")
        return terms

    # --- CHECKS ---

    @api.model
    def _refuse_deletion(self, owners, field_name):
        """Refuse to delete teams, users or segments that goals are for."""
        # superuser: only the number of goals is shown, also of those that the user may not read
        goals = self.sudo().with_context(active_test=False)
        for owner, count in goals._read_group(
            [(field_name, "in", owners.ids)], [field_name], ["__count"], limit=1
        ):
            raise UserError(
                self.env._(
                    "“%(name)s” has KPI goals: %(count)s, archived ones included. Archive "
                    "“%(name)s” instead, which keeps the goals, or delete the goals first.",
                    name=owner.display_name,
                    count=count,
                )
            )

    @api.constrains("period_id")
    def _check_period(self):
        for goal in self.filtered(lambda g: g.period_id.kind == SAME_PART[0]):
            raise ValidationError(
                self.env._(
                    "Period: %s exists for comparisons only and is deleted later. Choose a day, "
                    "week, month, quarter or year, or a custom period.",
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
                        "%(field)s: choose one, because the goal is for: %(scope)s. Or change For.",
                        **names,
                    )
                else:
                    message = self.env._(
                        "%(field)s: leave it empty, because the goal is for: %(scope)s. Or change "
                        "For.",
                        **names,
                    )
                raise ValidationError(message)
            goal._check_scope_company()

    def _check_scope_company(self):
        company = self.company_id
        # superuser: the check compares companies only; it does not depend on the reader
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
                raise ValidationError(self.env._("Target: enter a value."))
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
                    "Goal: %s has the objective Maintain and cannot be improved by a percentage. "
                    "Choose Stay in a range.",
                    self.kpi_id.name,
                )
            )
        if not math.isfinite(self.improve_by):
            raise ValidationError(self.env._("Improve by: enter a percentage."))
        if not self.baseline_kind:
            raise ValidationError(self.env._("Compared with: choose a baseline."))
        if self.baseline_kind == "fixed":
            if self.baseline_fixed is False:
                raise ValidationError(
                    self.env._("Fixed baseline: enter the value to compare with.")
                )
            if not self.baseline_fixed:
                raise ValidationError(
                    self.env._(
                        "Fixed baseline: 0 cannot be improved by a percentage. Enter another "
                        "value, or a target."
                    )
                )
        elif self.period_id._length() == "custom":
            raise ValidationError(
                self.env._(
                    "Compared with: a custom period has no previous period. Choose a fixed value, "
                    "or a month, quarter or year as period."
                )
            )

    @api.constrains("kind", "baseline_kind", "baseline_count", "period_id")
    def _check_baseline_in_history(self):
        for goal in self.filtered(lambda goal: goal.kind == "improve"):
            # superuser: users who set goals may lack the right to read the company's settings
            begin = goal.sudo().company_id.kpi_history_start
            spans = baseline_spans(goal.period_id, goal.baseline_kind, goal.baseline_count)
            if begin and any(after <= begin for _first, after in spans):
                raise ValidationError(
                    self.env._(
                        "Compared with: the baseline needs values from %(first)s on, but the KPI "
                        "history starts on %(begin)s. Choose a fixed value or fewer periods.",
                        first=format_date(self.env, min(first for first, _after in spans)),
                        begin=format_date(self.env, begin),
                    )
                )

    @api.model
    def _refuse_duplicates(self, cells):
        """Refuse goals for a cell that has one, with its name; the unique index guards as well.

        :param cells: list of ``(goal id or 0, *CELL)``
        """
        if not cells:
            return
        rows = self.env.execute_query(find_duplicate(cells))
        distinct = {tuple(value or 0 for value in cell) for _id, *cell in cells}
        if rows or len(distinct) < len(cells):
            # superuser: shows the name of the other goal, also where the user may not read it
            goal = self.sudo().browse(rows[0]) if rows else self.browse()
            raise ValidationError(
                self.env._(
                    "KPI, Period, For: a goal for %s exists already. Change or archive that goal.",
                    goal.display_name or self.env._("the same KPI, period and scope"),
                )
            )

    # --- CRUD ---

    @api.model
    def _kpi_protected_fields(self):
        """Names of the computed fields; only superuser code may write them."""
        return PROTECTED

    def _refuse_protected(self, names):
        # an RPC call cannot set the superuser mode
        if self.env.su:
            return
        refused = sorted(self._kpi_protected_fields().intersection(names))
        if refused:
            raise AccessError(
                self.env._(
                    "%s: computed from the records of the KPI. Users cannot set it.",
                    ", ".join(
                        f"{self._fields[name]._description_string(self.env)} ({name})"
                        for name in refused
                    ),
                )
            )

    @api.model
    def default_get(self, fields):
        # default values in the context would bypass the protection
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
        goals._announce({})
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
        if not TRIGGERS & vals.keys():
            return super().write(vals)
        if SOURCE_OF & vals.keys() and "source" not in vals:
            vals = {**vals, "source": False}  # the target is no longer made of it
        before = people.snapshot(self)
        result = super().write(vals)
        self._update(renew=self.ids if BASELINE_OF & vals.keys() else ())
        self._announce(before)
        return result

    @api.model
    def _write_many(self, changes, created=()):  # pylint: disable=missing-return
        """Write different values on many goals, and compute and announce all goals once.

        The values must not change the cell of a goal.

        :param changes: list of ``(goal, vals)``
        :param created: ids of new goals that were not announced, and are announced together
            with the changed ones
        """
        goals = self.browse([goal.id for goal, _vals in changes])
        before = people.snapshot(goals)
        for goal, vals in changes:
            self._refuse_protected(vals)
            if SOURCE_OF & vals.keys():
                vals = {"source": False, **vals}
            # pylint: disable=super-method-mismatch
            super(CrmKpiGoal, goal).write(vals)
        goals._update(renew=goals.ids)
        self.browse([*created, *goals.ids])._announce(before)

    def _raw(self, name):
        return self[name].id if self._fields[name].relational else self[name]

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        for vals in vals_list:
            if vals.get("kind") == "improve":
                vals.pop("target", None)
            vals.pop("source", None)
        return vals_list

    # --- PEOPLE ---

    def _announce(self, before):
        """See :func:`~...goals.people.announce`."""
        if not self.env.context.get("tracking_disable"):
            people.announce(self, before)

    def _message_auto_subscribe(self, updated_values, followers_existing_policy="skip"):
        # people.announce() does it for all goals at once, and for their readers only
        return True

    def message_post(self, **kwargs):
        people.ensure_followers(self)
        return super().message_post(**kwargs)

    def _notify_get_recipients(self, message, msg_vals=False, **kwargs):
        recipients = super()._notify_get_recipients(message, msg_vals=msg_vals, **kwargs)
        if not self:
            return recipients
        users = self.env["res.users"].browse(r["uid"] for r in recipients if r["uid"])
        # superuser: the rights of the receivers are checked, not those of the author
        reading = set(people.readers(users.sudo(), self.sudo()).ids)
        return [recipient for recipient in recipients if recipient["uid"] in reading]

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
        """Open the records behind the value that the reader may see."""
        self.ensure_one()
        return records_action(self.kpi_id, self.period_id, self._cell(), self.display_name)

    def action_definition(self):
        self.ensure_one()
        return self.kpi_id.action_definition()

    # --- REFRESH ---

    @api.model
    def _refresh(self, company):
        """See :meth:`~...goals.refresh.GoalRefresh.company`."""
        GoalRefresh(self.env, fields.Datetime.now()).company(company)

    def _update(self, renew=()):
        """See :meth:`~...goals.refresh.GoalRefresh.goals`."""
        GoalRefresh(self.env, fields.Datetime.now()).goals(self.ids, renew)

    def _log_settled(self):
        """Log in the chatter of each goal that it is achieved or missed, without notifications."""
        if not self:
            return
        bodies = {
            goal.id: self.env._(
                "%(status)s: %(value)s, target %(target)s",
                status=goal.status_text,
                value=goal.value_text,
                target=goal.target_text,
            )
            for goal in self
        }
        self._message_log_batch(bodies, author_id=self.env.ref("base.partner_root").id)

    # --- TARGETS IN EXCEL ---

    def _write_targets(self, content, number_format, file):
        """See :func:`~...workbook.target_sheet.write_targets`."""
        target_sheet.write_targets(self, content, number_format, file)

    @api.model
    def _read_targets(self, file):
        """See :func:`~...workbook.target_sheet.read_targets`."""
        return target_sheet.read_targets(self, file)

    @api.model
    def _apply_targets(self, changes, file_name):
        """See :func:`~...workbook.target_sheet.apply_targets`."""
        target_sheet.apply_targets(self, changes, file_name)
