# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta
from itertools import product

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import float_round
from odoo.tools.misc import format_date

from ..engine import pace
from ..engine import periods as calendar
from ..engine.time_behaviour import time_behaviours
from ..fields import NullableFloat
from ..goals import earlier, labels
from ..goals.refresh import DEFAULT_KIND
from ..models.goal.crm_kpi_goal import BASELINES, GOAL_KINDS, SOURCES
from ..models.value.crm_kpi_value import LEVELS
from ..periods import bounds

ROWS_SHOWN = 200


class CrmKpiGoalSet(models.TransientModel):
    """Set goals for many periods and many salespeople, teams or segments at once."""

    _name = "crm.kpi.goal.set"
    _description = "Set Goals"

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    kpi_id = fields.Many2one(
        "crm.kpi",
        "KPI",
        required=True,
        ondelete="cascade",
        domain="[('state', '=', 'published'), ('company_id', 'in', [False, company_id])]",
    )
    unit = fields.Selection(related="kpi_id.unit")
    direction = fields.Selection(related="kpi_id.direction")

    # --- when ---
    period_kind = fields.Selection(
        "_selection_period_kind",
        "Every",
        required=True,
        default="month",
        help="Custom: choose single periods.",
    )
    date_from = fields.Date("From", default=lambda self: self._default_from())
    date_end = fields.Date("To", default=lambda self: self._default_end(), help="The last day.")
    period_ids = fields.Many2many(
        "crm.kpi.period",
        string="Periods",
        domain="[('company_id', '=', company_id), ('kind', '!=', 'to_date')]",
    )

    # --- for whom ---
    scope = fields.Selection(LEVELS, "For", required=True, default="user")
    team_ids = fields.Many2many(
        "crm.team",
        "crm_kpi_goal_set_team_rel",
        string="Sales Teams",
        domain="[('company_id', 'in', [False, company_id])]",
    )
    member_team_ids = fields.Many2many(
        "crm.team",
        "crm_kpi_goal_set_member_team_rel",
        string="All members of",
        domain="[('company_id', 'in', [False, company_id])]",
        help="All active members of these teams, in addition to the salespeople.",
    )
    user_ids = fields.Many2many(
        "res.users",
        string="Salespeople",
        domain="[('share', '=', False), ('company_ids', 'in', company_id)]",
    )
    segment_ids = fields.Many2many("crm.kpi.segment", string="Segments")
    segment_set_ids = fields.Many2many(
        "crm.kpi.segment.set",
        string="All segments of",
        domain="[('company_id', 'in', [False, company_id])]",
        help="All active segments of these sets, in addition to the segments.",
    )

    # --- what ---
    kind = fields.Selection(
        GOAL_KINDS,
        "Goal",
        required=True,
        compute="_compute_kind",
        store=True,
        readonly=False,
        precompute=True,
    )
    mode = fields.Selection(
        [
            ("each", "The same for each"),
            ("spread", "Spread an amount over all"),
            ("last", "From an earlier value"),
        ],
        "Target",
        required=True,
        default="each",
        help="Spread: the targets add up to the amount, for counts and sums only. From an earlier "
        "value: the value of an earlier period, changed by a percentage.",
    )
    target = NullableFloat("Target value")
    target_max = NullableFloat("Upper bound")
    total = NullableFloat("Amount to spread")
    base = fields.Selection(
        [source for source in SOURCES if source[0] != "spread"],
        "Earlier value",
        default="last",
        help="Last period: the latest closed one. Forecast: the value of the running period at "
        "the present pace. Mean: of the latest closed periods, from their records.",
    )
    base_count = fields.Integer("Number of earlier periods", default=3)
    round_to = fields.Float(
        "Round to multiples of",
        digits=0,
        compute="_compute_round_to",
        store=True,
        readonly=False,
        precompute=True,
        help="Targets from earlier values are rounded in the direction of the objective.",
    )
    change_by = fields.Float(
        "Better by", default=0.1, help="In the direction of the KPI's objective."
    )
    improve_by = fields.Float("Improve by", default=0.1)
    baseline_kind = fields.Selection(BASELINES, "Compared with", default="previous")
    baseline_count = fields.Integer("Number of periods", default=3)
    baseline_fixed = NullableFloat("Fixed baseline")
    note = fields.Text("Notes and plan")
    existing = fields.Selection(
        [("update", "Update them"), ("skip", "Do not change them")],
        "Goals that exist",
        required=True,
        default="update",
    )

    # --- summary ---
    additive = fields.Boolean(compute="_compute_additive")
    goal_count = fields.Integer("Goals", compute="_compute_counts")
    existing_count = fields.Integer("Existing", compute="_compute_counts")
    summary = fields.Char(compute="_compute_counts")
    preview = fields.Html(compute="_compute_preview", string="Targets", sanitize=False)

    @api.model
    def _default_from(self):
        today = calendar.local_day(fields.Datetime.now(), self.env.company._kpi_tz())
        return calendar.start_of("month", today)

    @api.model
    def _default_end(self):
        return calendar.bounds("year", self._default_from())[1] - timedelta(days=1)

    @api.model
    def _selection_period_kind(self):
        return self.env["crm.kpi.period"]._kinds()

    # --- COMPUTES ---

    @api.depends("kpi_id")
    def _compute_kind(self):
        for wizard in self:
            wizard.kind = DEFAULT_KIND.get(wizard.kpi_id.direction, "at_least")

    @api.depends("kpi_id")
    def _compute_additive(self):
        known = time_behaviours(self.kpi_id)
        for wizard in self:
            wizard.additive = wizard.kpi_id in known and known[wizard.kpi_id].additive

    @api.depends(
        "company_id", "kpi_id", "period_kind", "date_from", "date_end", "period_ids", "scope",
        "team_ids", "member_team_ids", "user_ids", "segment_ids", "segment_set_ids", "existing",
    )  # fmt: skip
    def _compute_counts(self):
        for wizard in self:
            periods = len(wizard._spans()[1]) or len(wizard._chosen_periods())
            owners = len(wizard._owners())
            wizard.goal_count = periods * owners
            wizard.existing_count = (
                len(wizard._existing(wizard._existing_periods())) if wizard.kpi_id else 0
            )
            wizard.summary = wizard._summary(periods, owners)

    def _summary(self, periods, owners):
        count = (
            self.env._("1 goal")
            if self.goal_count == 1
            else self.env._("%s goals", self.goal_count)
        )
        periods = self.env._("1 period") if periods == 1 else self.env._("%s periods", periods)
        text = f"{count}: {owners} × {periods}"
        if not self.existing_count:
            return text
        if self.existing_count == 1:
            what = (
                self.env._("1 existing goal is updated")
                if self.existing == "update"
                else self.env._("1 existing goal is not changed")
            )
        elif self.existing == "update":
            what = self.env._("%s existing goals are updated", self.existing_count)
        else:
            what = self.env._("%s existing goals are not changed", self.existing_count)
        return f"{text}; {what}"

    @api.depends("kpi_id", "company_id")
    def _compute_round_to(self):
        for wizard in self:
            wizard.round_to = 1.0 if wizard.unit == "money" else 10.0 ** -wizard._digits()

    @api.depends(
        "company_id", "kpi_id", "period_kind", "date_from", "date_end", "period_ids", "scope",
        "team_ids", "member_team_ids", "user_ids", "segment_ids", "segment_set_ids", "kind",
        "mode", "target", "target_max", "total", "base", "base_count", "round_to", "change_by",
        "improve_by",
    )  # fmt: skip
    def _compute_preview(self):
        for wizard in self:
            wizard.preview = wizard._preview()

    def _preview(self):
        """All targets as a table: a row for each owner, a column for each period."""
        periods, owners = self._planned_periods(), self._owners()
        if not (self.kpi_id and periods and owners) or self.kind == "improve":
            return False
        cells = [(period, owner) for period in periods for owner in owners]
        targets, bases = self._targets(cells)
        shown = dict(zip(cells, zip(targets, bases, strict=True), strict=True))
        head = Markup().join(
            Markup('<th class="text-end">%s</th>') % (period.display_name or "")
            for period in periods
        )
        rows = Markup().join(
            Markup("<tr><td>%s</td>%s</tr>")
            % (
                self._owner_name(owner),
                Markup().join(self._preview_cell(*shown[period, owner]) for period in periods),
            )
            for owner in owners[:ROWS_SHOWN]
        )
        if len(owners) > ROWS_SHOWN:
            rows += Markup("<tr><td>%s</td></tr>") % self.env._(
                "and %s more", len(owners) - ROWS_SHOWN
            )
        return Markup(
            '<div class="table-responsive"><table class="table table-sm mb-0">'
            "<thead><tr><th>%s</th>%s</tr></thead><tbody>%s</tbody></table></div>"
        ) % (self.env._("For"), head, rows)

    def _preview_cell(self, target, base):
        text = "–" if target is None else labels.in_unit(self, target, exact=True)
        if self.kind == "range" and self.target_max is not False:
            text = f"{text} – {labels.in_unit(self, self.target_max, exact=True)}"
        note = Markup()
        if base:
            name = self._base_name(base.periods)
            note = Markup('<br/><small class="text-muted">%s: %s</small>') % (
                name, labels.in_unit(self, base.value, exact=True))  # fmt: skip
        return Markup('<td class="text-end">%s%s</td>') % (text, note)

    def _base_name(self, periods):
        return earlier.base_name(self.env, self.base, periods[:1], len(periods))

    def _owner_name(self, owner):
        models_ = ("crm.team", "res.users", "crm.kpi.segment")
        names = [
            self.env[model].browse(id_).display_name
            for model, id_ in zip(models_, owner, strict=True)
            if id_
        ]
        return " · ".join(names) or self.company_id.name

    @api.onchange("mode", "kind", "kpi_id")
    def _onchange_mode(self):
        if (self.mode == "spread" and not self.additive) or self.kind == "range":
            self.mode = "each"

    # --- CELLS ---

    def _spans(self):
        """The kind and days of the chosen periods, see ``crm.kpi.period._spans``."""
        if self.period_kind == "custom" or not self.date_from or not self.date_end:
            return "custom", []
        # what lies outside of these days is refused when the goals are set
        first, after = self._possible_days()
        last = min(self.date_end, after - timedelta(days=1))
        return self._period_model()._spans(
            self.period_kind, max(self.date_from, first), last + timedelta(days=1)
        )

    def _possible_days(self):
        """See :func:`~..periods.bounds.calendar_days`."""
        return bounds.calendar_days(self.company_id, fields.Date.today())

    def _period_model(self):
        return self.env["crm.kpi.period"].with_company(self.company_id)

    def _chosen_periods(self):
        chosen = self.period_ids._origin
        return chosen if self.period_kind == "custom" else chosen.browse()

    def _existing_periods(self):
        kind, spans = self._spans()
        return self._period_model()._on(kind, spans) if spans else self._chosen_periods()

    def _planned_periods(self):
        """The chosen periods in order of time; those that do not exist yet are new records."""
        kind, spans = self._spans()
        if not spans:
            return list(self._chosen_periods().sorted("date_from"))
        model = self._period_model()
        found = {(p.date_from, p.date_to): p for p in model._on(kind, spans)}
        return [
            found.get(tuple(span))
            or model.new({"kind": kind, "company_id": self.company_id.id,
                          "date_from": span[0], "date_to": span[1]})
            for span in spans
        ]  # fmt: skip

    def _periods(self):
        """The chosen periods in order of time. Missing calendar periods are created."""
        kind, spans = self._spans()
        if spans:
            # superuser: calendar periods are the same for all users
            calendar_model = self._period_model().sudo()
            days = spans[0][0], spans[-1][1]
            if kind == "custom":
                calendar_model._ensure_fiscal_years(*days, (self.period_kind,))
            else:
                calendar_model._ensure(*days, (kind,))
        return self._existing_periods().with_env(self.env).sorted("date_from")

    def _owners(self):
        """Owners of the goals: list of ``(team id, user id, segment id)``."""
        parts = (self.scope or "company").split("_")
        members = self.member_team_ids._origin.member_ids.filtered("active")
        users = self.user_ids._origin | members
        segments = self.segment_ids._origin | self.segment_set_ids._origin.segment_ids
        return list(
            product(
                self.team_ids._origin.ids if "team" in parts else [False],
                users.ids if "user" in parts else [False],
                segments.ids if "segment" in parts else [False],
            )
        )

    def _existing(self, periods):
        """Active goals of the chosen cells: dict of ``(period id, *owner)`` to goal."""
        owners = set(self._owners())
        goals = self.env["crm.kpi.goal"].search_fetch(
            [
                ("kpi_id", "=", self.kpi_id.id),
                ("period_id", "in", periods.ids),
                ("scope", "=", self.scope),
            ],
            ["period_id", "team_id", "user_id", "segment_id"],
        )
        keys = {
            (goal.period_id.id, goal.team_id.id, goal.user_id.id, goal.segment_id.id): goal
            for goal in goals
        }
        return {key: goal for key, goal in keys.items() if key[1:] in owners}

    # --- SETTING ---

    def action_set(self):
        """Create the goals, update the existing ones if asked, and show all of them."""
        self.ensure_one()
        self._check()
        periods = self._periods()
        cells = [(period, owner) for period in periods for owner in self._owners()]
        existing = self._existing(periods)
        if self.existing == "skip":
            cells = [cell for cell in cells if (cell[0].id, *cell[1]) not in existing]
        targets, bases = self._targets(cells)
        common = self._common_values()
        new, changes = [], []
        for (period, owner), target, base in zip(cells, targets, bases, strict=True):
            if target is None and self.kind != "improve":
                continue  # no earlier value
            values = {**common, **self._source_values(base, len(cells))}
            if self.kind != "improve":
                values["target"] = target
            cell = (period.id, *owner)
            if cell in existing:
                changes.append((existing[cell], values))
            else:
                values.update(zip(("period_id", "team_id", "user_id", "segment_id"), cell,
                                  strict=True))  # fmt: skip
                new.append({"kpi_id": self.kpi_id.id, "scope": self.scope, **values})
        model = self.env["crm.kpi.goal"]
        # each goal stores its creator: no note in the chatter is needed
        goals = model.with_context(
            mail_create_nolog=True, mail_create_nosubscribe=True, tracking_disable=True
        ).create(new)
        model._write_many(changes, created=goals.ids)
        goals = model.browse(goals.ids + [goal.id for goal, _values in changes])
        return self._show(goals, len(cells) - len(goals))

    def _check(self):
        if not self._spans()[1] and not self._chosen_periods():
            raise UserError(
                self.env._("From, To: choose a first and a last day, or single periods.")
            )
        first, after = self._possible_days()
        if self.period_kind != "custom" and (self.date_from < first or self.date_end >= after):
            raise UserError(
                self.env._(
                    "From, To: choose days from %(first)s to %(last)s.",
                    first=format_date(self.env, first),
                    last=format_date(self.env, after - timedelta(days=1)),
                )
            )
        if not self._owners():
            raise UserError(self.env._("For: choose at least one team, salesperson or segment."))
        if foreign := self._chosen_periods().filtered(lambda p: p.company_id != self.company_id):
            raise UserError(
                self.env._(
                    "Periods: %(period)s belongs to %(company)s. Choose periods of one company.",
                    period=foreign[0].display_name,
                    company=foreign[0].company_id.name,
                )
            )
        if self.kind == "improve":
            return
        if self.mode != "each" and self.kind == "range":
            raise UserError(self.env._("Target: for a range, choose The same for each."))
        if self.mode == "each" and self.target is False:
            raise UserError(self.env._("Target value: enter a value."))
        if self.mode == "spread":
            if not self.additive:
                raise UserError(
                    self.env._(
                        "Target: values of %s do not add up. Choose The same for each.",
                        self.kpi_id.name,
                    )
                )
            if self.total is False:
                raise UserError(self.env._("Amount to spread: enter an amount."))
        if self.mode == "last" and self.direction == "maintain":
            raise UserError(
                self.env._(
                    "Target: %s has the objective Maintain. Choose The same for each.",
                    self.kpi_id.name,
                )
            )

    def _common_values(self):
        values = {"kind": self.kind, "note": self.note}
        if self.kind == "improve":
            values.update(
                improve_by=self.improve_by,
                baseline_kind=self.baseline_kind,
                baseline_count=self.baseline_count,
                baseline_fixed=self.baseline_fixed,
            )
        elif self.kind == "range":
            values["target_max"] = self.target_max
        return values

    def _digits(self):
        """Decimals of a target that is computed."""
        if self.unit == "money":
            return self.currency_id.decimal_places
        return self.kpi_id.digits + (2 if self.unit == "percent" else 0)

    def _targets(self, cells):
        """Target of each cell, and the earlier value that it is made of.

        :param cells: list of ``(period, owner)``, the periods in order of time
        :return: list of targets, ``None`` without an earlier value; list of
            :class:`~..goals.earlier.Base` or ``None``
        """
        nothing = [None] * len(cells)
        if self.kind == "improve":
            return nothing, nothing
        if self.mode == "spread" and self.kind != "range":
            return pace.spread(self.total or 0.0, len(cells), self._digits()), nothing
        if self.mode != "last" or self.kind == "range":
            target = self.target if self.target is not False else None
            return [target] * len(cells), nothing
        bases = self._bases(cells)
        # rounded so that the improvement is not smaller than entered
        rounding = "UP" if self.direction == "increase" else "DOWN"
        targets = []
        for base in bases:
            target = base and pace.improved(base.value, self.change_by, self.direction)
            if target and self.round_to > 0:
                target = float_round(
                    target, precision_rounding=self.round_to, rounding_method=rounding
                )
            # an earlier value of zero cannot be improved by a percentage
            targets.append(target or None)
        return targets, bases

    def _bases(self, cells):
        """The earlier value of each cell: list of :class:`~..goals.earlier.Base` or ``None``."""
        if not cells or self.kpi_id._closed_to_user():
            return [None] * len(cells)
        now = fields.Datetime.now()
        periods = list(dict.fromkeys(period for period, _owner in cells))
        owners = list(dict.fromkeys(owner for _period, owner in cells))
        count = max(self.base_count, 1)
        bases = dict(
            zip(periods, earlier.base_periods(self.base, periods, now, count), strict=True)
        )
        # only managers set goals, and they may read all values
        values = earlier.base_values(
            self.kpi_id, self.scope, owners, list(bases.values()), now, self.base == "running"
        )
        return [
            earlier.Base(bases[period], value)
            if (value := values.get((owner, bases[period]))) is not None
            else None
            for period, owner in cells
        ]

    def _source_values(self, base, count):
        """What the goal stores about where its target came from."""
        if base:
            return {
                "source": self.base,
                "source_value": base.value,
                "source_period_id": base.periods[:1].id,
                "source_count": len(base.periods),
                "source_change": self.change_by,
            }
        if self.mode == "spread" and self.kind not in ("improve", "range"):
            return {"source": "spread", "source_value": self.total, "source_count": count}
        return {}

    def _show(self, goals, left_out):
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_kpi.crm_kpi_goal_action")
        action.update(
            name=self.env._("Goals set: %s", len(goals)),
            domain=[("id", "in", goals.ids)],
            context={},
        )
        if not left_out:
            return action
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning",
                "message": self.env._(
                    "Goals not set, because there is no earlier value: %s.", left_out
                ),
                "next": action,
            },
        }
