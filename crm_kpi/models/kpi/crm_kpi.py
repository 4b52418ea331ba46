# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import re

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools.misc import formatLang

from ...engine import formula as engine
from ...engine.cells import ZERO_WHEN_EMPTY
from ...refresh.periods import delete_short_periods, refresh_periods
from ...refresh.refresh import Refresh, ScheduledRefresh
from .crm_kpi_source import PSEUDO_FIELDS

AGGREGATORS = [
    ("count", "Count"),
    ("sum", "Sum"),
    ("sum_known", "Sum, of nothing no value"),
    ("avg", "Average"),
    ("min", "Minimum"),
    ("max", "Maximum"),
    ("median", "Median"),
    ("p90", "90th percentile"),
    ("count_distinct", "Distinct count"),
]
UNITS = [
    ("count", "Number"),
    ("money", "Money"),
    ("percent", "Percentage"),
    ("ratio", "Ratio"),
    ("score", "Score"),
    ("hours", "Hours"),
    ("days", "Days"),
    ("months", "Months"),
]
METRIC_CLASSES = [
    ("input", "Input"),
    ("process", "Process"),
    ("output", "Output"),
    ("outcome", "Outcome"),
]
#: Units with a dimension: only like may be added to like. The others are bare numbers.
DIMENSIONS = ("money", "hours", "days", "months")
#: More records than anybody reads in a list; an action carries their ids.
RECORDS_SHOWN = 50_000
#: A change of one of these is a new version of the definition.
DEFINING = {
    "kind", "source_id", "domain", "aggregator", "value_field", "formula", "unit",
    "maturity_days", "complete_only", "needs_history",
}  # fmt: skip


class CrmKpi(models.Model):
    """Everything that has a number: an aggregate, a formula over KPIs, or a manual entry."""

    _name = "crm.kpi"
    _description = "KPI"
    _inherit = ["mail.thread"]
    _order = "sequence, id"

    # --- what it is ---
    name = fields.Char(required=True, translate=True, tracking=True)
    code = fields.Char(
        required=True,
        copy=False,
        tracking=True,
        help="Technical name for formulas and integrations: lower case, digits, underscores.",
    )
    sequence = fields.Integer(default=100)
    active = fields.Boolean(default=True)
    state = fields.Selection(
        [("draft", "Draft"), ("published", "Published")],
        default="draft",
        required=True,
        copy=False,
        tracking=True,
        help="Only published KPIs are computed and shown.",
    )
    category_id = fields.Many2one("crm.kpi.category", required=True, ondelete="restrict")
    metric_class = fields.Selection(
        METRIC_CLASSES,
        string="Class",
        required=True,
        default="output",
        help="Input: what is put in. Process: how work is done. Output: what it yields. "
        "Outcome: what it means for the business.",
    )
    description = fields.Text("Explanation", translate=True, help="What the number tells.")
    reference = fields.Char("Literature", help="Where the definition comes from.")
    owner_id = fields.Many2one("res.users", "Responsible", domain=[("share", "=", False)])
    counter_kpi_id = fields.Many2one(
        "crm.kpi",
        "Counter-metric",
        ondelete="set null",
        help="The KPI that suffers first when this one is improved at any price.",
    )
    company_id = fields.Many2one("res.company", help="Empty: computed in every company.")

    # --- how it is computed ---
    kind = fields.Selection(
        [
            ("aggregate", "Aggregate of records"),
            ("formula", "Formula over KPIs"),
            ("manual", "Manual entries"),
        ],
        required=True,
        default="aggregate",
        tracking=True,
    )
    source_id = fields.Many2one("crm.kpi.source", ondelete="cascade", tracking=True)
    source_model = fields.Char(related="source_id.model_id.model")
    domain = fields.Char("Filter", default="[]", tracking=True)
    aggregator = fields.Selection(AGGREGATORS, default="count", required=True, tracking=True)
    value_field = fields.Char(
        "Value",
        tracking=True,
        help="Field that is summed, averaged or counted distinctly. @customer is the "
        "customer of the record; @age_days and @age_hours are its age in a snapshot.",
    )
    formula = fields.Char(
        tracking=True,
        help="Codes of KPIs, numbers, + - * / and parentheses; previous(x), last_year(x), "
        "target(x), min(a, b), max(a, b), abs(a), require(a, n), days, months, "
        "annual_discount_rate, margin_rate. Example: deals_won / deals_closed",
    )
    maturity_days = fields.Float(
        tracking=True,
        help="A record counts once so many days have passed since its date: what is to be "
        "observed within these days cannot be known earlier.",
    )
    complete_only = fields.Boolean(
        "Only complete periods", help="No value while a period is running."
    )
    cross_levels = fields.Boolean(
        "Cross with segments",
        help="Also compute each team and each salesperson by segment. Goals at these levels "
        "do it by themselves.",
    )
    component_ids = fields.Many2many(
        "crm.kpi",
        "crm_kpi_component_rel",
        "kpi_id",
        "component_id",
        "Components",
        compute="_compute_component_ids",
        store=True,
        help="KPIs that the formula uses.",
    )

    computation_text = fields.Char(
        "Computed as", compute="_compute_computation_text", help="Aggregate or formula in words."
    )

    # --- how it is read ---
    unit = fields.Selection(UNITS, required=True, default="count", tracking=True)
    digits = fields.Integer("Decimals", default=0)
    direction = fields.Selection(
        [("increase", "Increase"), ("decrease", "Decrease"), ("maintain", "Maintain")],
        string="Objective",
        required=True,
        default="increase",
        tracking=True,
    )
    min_sample = fields.Integer(
        "Minimum sample", default=0, help="Below so many records the value is not judged."
    )
    small_segments = fields.Boolean(
        "Small segments, too",
        help="Percentages and scores of segments are shown however few records they rest on. "
        "Else the smallest segment in the settings applies.",
    )
    visibility = fields.Selection(
        [
            ("own", "Only their own"),
            ("team", "Their own and their team"),
            ("company", "Their own, their team and the company"),
        ],
        string="Salespeople see",
        default="company",
        required=True,
    )
    group_ids = fields.Many2many(
        "res.groups",
        "crm_kpi_group_rel",
        "kpi_id",
        "group_id",
        "Only for groups",
        help="Only members of one of these groups read this KPI: its values, goals, manual "
        "entries and restatements. KPI administrators who are no members see how it is defined "
        "and can change nothing of it. Empty: for everybody who reads KPIs.",
    )
    is_chosen = fields.Boolean(
        "My choice",
        compute="_compute_is_chosen",
        search="_search_is_chosen",
        help="Chosen by the reader; all of them where the reader chose none.",
    )
    is_component = fields.Boolean(
        "Component", help="Serves formulas; hidden where people look at KPIs."
    )

    # --- how it fares ---
    version = fields.Integer(default=1, readonly=True, copy=False)
    last_refresh = fields.Datetime(readonly=True, copy=False)
    last_error = fields.Text(readonly=True, copy=False)
    failure_count = fields.Integer(readonly=True, copy=False)
    failed_company_id = fields.Many2one(
        "res.company",
        "Failed in",
        readonly=True,
        copy=False,
        help="Company whose values could not be computed; only there it can be well again.",
    )
    next_try = fields.Datetime(readonly=True, copy=False)

    _code_uniq = models.Constraint("UNIQUE(code)", "Code: another KPI has this code already.")

    # --- COMPUTES ---

    @api.depends("kind", "formula")
    def _compute_component_ids(self):
        for kpi in self:
            codes = ()
            if kpi.kind == "formula" and kpi.formula:
                try:
                    codes = engine.parse(kpi.formula).codes
                except engine.FormulaError:
                    codes = ()
            kpi.component_ids = self._by_code(codes)

    @api.depends("kind", "formula", "source_id", "aggregator", "value_field")
    @api.depends_context("lang", "uid")
    def _compute_computation_text(self):
        aggregates = dict(self._fields["aggregator"]._description_selection(self.env))
        names = self._component_names()
        for kpi in self:
            if kpi.kind == "formula":
                kpi.computation_text = kpi._formula_in_words(names)
            elif kpi.kind == "manual":
                kpi.computation_text = self.env._("Entered by hand")
            elif kpi.aggregator == "count" or kpi.source_id.model not in self.env:
                kpi.computation_text = aggregates.get(kpi.aggregator)
            else:
                kpi.computation_text = self.env._(
                    "%(aggregate)s: %(value)s",
                    aggregate=aggregates.get(kpi.aggregator),
                    value=kpi._value_name(),
                )

    def _value_name(self):
        path = self.value_field or ""
        if path in PSEUDO_FIELDS:
            return dict(self._fields["value_choice"]._description_selection(self.env))[path]
        try:
            field = self.source_id._path_field(path, "")
        except ValidationError:
            return path
        return field._description_string(self.env)

    def _component_names(self):
        """Names of what the formulas are made of, by code."""
        codes = set()
        for kpi in self.filtered(lambda kpi: kpi.kind == "formula"):
            try:
                codes.update(engine.parse(kpi.formula).codes)
            except engine.FormulaError:
                continue
        # superuser: a formula's readers see what it is made of by name, not the figures
        return {kpi.code: kpi.name for kpi in self.sudo()._by_code(codes)} if codes else {}

    def _formula_in_words(self, names):
        """The formula with names in the place of codes.

        :param names: dict of the components' codes to their names
        """
        try:
            parsed = engine.parse(self.formula)
        except engine.FormulaError:
            return self.formula
        company = self.env["res.company"]._fields
        names = names | {
            "days": self.env._("days of the period"),
            "months": self.env._("months of the period"),
            "margin_rate": company["kpi_margin_rate"]._description_string(self.env),
            "annual_discount_rate": company["kpi_discount_rate"]._description_string(self.env),
        }
        a, b = "%(a)s", "%(b)s"
        phrases = {
            "previous": self.env._("%(a)s of the period before", a=a),
            "last_year": self.env._("%(a)s a year before", a=a),
            "target": self.env._("target of %(a)s", a=a),
            "min": self.env._("the smaller of %(a)s and %(b)s", a=a, b=b),
            "max": self.env._("the greater of %(a)s and %(b)s", a=a, b=b),
            "abs": self.env._("size of %(a)s", a=a),
            "require": self.env._("%(a)s from %(b)s on", a=a, b=b),
        }
        return parsed.in_words(names, phrases)

    @api.depends_context("uid")
    def _compute_is_chosen(self):
        # superuser: the reader's own choice
        chosen = self.env.user.sudo().kpi_ids
        for kpi in self:
            kpi.is_chosen = not chosen or kpi in chosen

    def _search_is_chosen(self, operator, value):
        if operator != "in":
            return NotImplemented
        chosen = self.env.user.sudo().kpi_ids  # the reader's own choice
        return Domain("id", "in", chosen.ids) if chosen else Domain.TRUE

    @api.model
    def _by_code(self, codes):
        return self.with_context(active_test=False).search([("code", "in", list(codes))])

    @api.model
    def _pair_counters(self, pairs):
        """Set counter-metrics, once all KPIs of a data file exist: dict of code to code."""
        kpis = {kpi.code: kpi for kpi in self._by_code({*pairs, *pairs.values()})}
        for code, counter in pairs.items():
            kpis[code].counter_kpi_id = kpis[counter]

    @property
    def _zero_when_empty(self):
        """Whether the KPI of no record at all is a true zero (a count or a sum)."""
        return self.kind != "formula" and self.aggregator in ZERO_WHEN_EMPTY

    def _least_cell(self, company):
        """Sample below which the value of a segment is withheld in a company.

        Two of three customers are no 67 % that says anything, and may be known by name. What
        was entered by hand does not rest on the records behind it.
        """
        if self.unit not in ("percent", "score") or self.kind == "manual" or self.small_segments:
            return 0
        return company.kpi_min_cell

    def _has_figures(self):
        """Whether the reader of the definition may read the figures, too."""
        self.ensure_one()
        groups = self.sudo().group_ids  # superuser: only whom the KPI is for
        return not groups or bool(groups & self.env.user.all_group_ids)

    def _check_figures(self):
        """Refuse who administers a KPI but is in none of the groups that read its figures."""
        for kpi in self:
            if not kpi._has_figures():
                # superuser: names of groups, so that one knows whom to ask
                raise AccessError(
                    self.env._(
                        "%(kpi)s: its figures are only for %(groups)s.",
                        kpi=kpi.name,
                        groups=", ".join(kpi.sudo().group_ids.mapped("full_name")),
                    )
                )

    # --- CHECKS ---

    @api.constrains("code")
    def _check_code(self):
        reserved = {*engine.CONSTANTS, *engine.SHIFTS, *engine.FUNCTIONS}
        for kpi in self:
            if not re.fullmatch(r"[a-z][a-z0-9_]*", kpi.code) or kpi.code in reserved:
                raise ValidationError(
                    self.env._(
                        "Code: %s cannot be used. Begin with a lower-case letter and go on with "
                        "lower-case letters, digits and underscores, such as deals_won.",
                        kpi.code,
                    )
                )

    @api.constrains(
        "kind", "source_id", "domain", "aggregator", "value_field", "unit", "maturity_days"
    )
    def _check_aggregate(self):
        for kpi in self.filtered(lambda k: k.kind != "formula"):
            source = kpi.source_id
            if not source:
                raise ValidationError(
                    self.env._("Source: choose where the records of %s come from.", kpi.name)
                )
            if source.model not in self.env:
                continue  # its app is not installed: nothing can be checked or computed
            source._check_domain(self.env._("Filter"), kpi.domain)
            kpi._check_value()
            if kpi.maturity_days < 0:
                raise ValidationError(
                    self.env._("Maturity days: enter 0 or more days, not %s.", kpi.maturity_days)
                )

    def _check_value(self):
        label = self.env._("Value")
        path = self.value_field
        if self.aggregator == "count":
            if self.unit in DIMENSIONS:
                raise ValidationError(
                    self.env._(
                        "Unit: a count of records is a number. Choose the unit Number, or "
                        "another aggregate."
                    )
                )
            return
        if not path:
            raise ValidationError(
                self.env._("Value: choose the field that is to be aggregated, or count records.")
            )
        if path.startswith("@"):
            if path not in PSEUDO_FIELDS:
                raise ValidationError(
                    self.env._(
                        "Value: %(value)s is unknown. Choose a field or one of %(known)s.",
                        value=path,
                        known=", ".join(PSEUDO_FIELDS),
                    )
                )
            if path == "@customer" and self.aggregator != "count_distinct":
                raise ValidationError(
                    self.env._("Aggregate: customers can only be counted (distinct count).")
                )
            if path != "@customer" and self.source_id.kind != "snapshot":
                raise ValidationError(
                    self.env._("Value: only records of a snapshot have an age. Choose a field.")
                )
            return
        field = self.source_id._path_field(path, label)
        self.source_id._check_readable(path)
        if self.aggregator == "count_distinct":
            if self.unit in DIMENSIONS:
                raise ValidationError(
                    self.env._("Unit: a distinct count is a number. Choose the unit Number.")
                )
            return
        if field.type not in ("integer", "float", "monetary", "boolean"):
            raise ValidationError(
                self.env._(
                    "Value: %(field)s is not a number. Choose a numeric field, or the "
                    "aggregate Distinct count.",
                    field=path,
                )
            )
        if (self.unit == "money") != (field.type == "monetary"):
            raise ValidationError(
                self.env._(
                    "Unit: money goes with monetary fields and with nothing else; %(field)s is "
                    "of type %(type)s. Change the unit or the value.",
                    field=path,
                    type=field.type,
                )
            )

    @api.constrains("kind", "formula", "unit", "code")
    def _check_formula(self):
        formulas = {}
        for kpi in self.with_context(active_test=False).search([("kind", "=", "formula")]):
            try:
                formulas[kpi.code] = engine.parse(kpi.formula)
            except engine.FormulaError as error:
                if kpi in self:
                    raise ValidationError(self._formula_message(error)) from error
        for kpi in self.filtered(lambda k: k.kind == "formula"):
            known = {other.code: other for other in self._by_code(formulas[kpi.code].codes)}
            if missing := [code for code in formulas[kpi.code].codes if code not in known]:
                raise ValidationError(
                    self.env._(
                        "Formula: there is no KPI with the code %s. Check the spelling, or "
                        "create that KPI first.",
                        ", ".join(missing),
                    )
                )
            kpi._check_formula_unit(formulas[kpi.code], known)
            kpi._check_formula_open(self.browse().union(*known.values()))
        _order, cycle = engine.evaluation_order(formulas)
        if caught := [kpi.code for kpi in self if kpi.code in cycle]:
            raise ValidationError(
                self.env._(
                    "Formula: %(code)s uses itself through %(others)s. Take one of them out.",
                    code=caught[0],
                    others=", ".join(cycle),
                )
            )

    def _closed_to_user(self):
        """Those of these KPIs whose values the user may not read, being in none of their groups.

        The record rules say the same; this is for where values are read as superuser.
        """
        if self.env.su:
            return self.browse()
        groups = self.env.user.all_group_ids
        # superuser: the groups of a KPI are looked at, not shown
        return self.filtered(lambda k: (own := k.sudo().group_ids) and not own & groups)

    def _check_formula_open(self, components):
        """Refuse components that the author of the formula may not read the values of.

        Constraints run as superuser, hence ``sudo(False)``.
        """
        if closed := components.sudo(False)._closed_to_user():
            # superuser: names of KPIs and groups only, so that one knows whom to ask
            raise ValidationError(
                self.env._(
                    "Formula: %(kpis)s can be read by members of %(groups)s only. Take it out, or "
                    "ask one of them to define this KPI.",
                    kpis=", ".join(closed.sudo().mapped("name")),
                    groups=", ".join(closed.sudo().group_ids.mapped("full_name")),
                )
            )

    def _check_formula_unit(self, formula, known):
        units = {code: kpi.unit if kpi.unit in DIMENSIONS else "" for code, kpi in known.items()}
        try:
            powers = formula.unit(units)
        except engine.FormulaError as error:
            raise ValidationError(self._formula_message(error)) from error
        # money per day is still shown as money, a sum of hours as hours
        wanted = {self.unit: 1} if self.unit in DIMENSIONS else {}
        got = {unit: power for unit, power in powers.items() if unit == "money"}
        if self.unit != "money" and not got:
            got = powers
        if self.unit in ("hours", "days", "months") and not powers:
            return  # a bare number may stand for a duration: (a - b) * 24
        if got != wanted:
            raise ValidationError(
                self.env._(
                    "Unit: the formula yields %(got)s, not %(unit)s. Change the unit or the "
                    "formula.",
                    got=" · ".join(
                        unit if power == 1 else f"{unit}^{power}" for unit, power in got.items()
                    )
                    or self.env._("a bare number"),
                    unit=dict(self._fields["unit"]._description_selection(self.env))[self.unit],
                )
            )

    @api.model
    def _formula_message(self, error):
        reason, *data = error.args
        messages = {
            "syntax": lambda: self.env._(
                "Formula: it cannot be read (%s). Check parentheses and operators.", *data
            ),
            "element": lambda: self.env._(
                "Formula: %s is not allowed. Use codes of KPIs, numbers, + - * / and the "
                "functions in the help.",
                *data,
            ),
            "function": lambda: self.env._(
                "Formula: there is no function %s. The help of the field lists the functions.",
                *data,
            ),
            "arguments": lambda: self.env._(
                "Formula: %(name)s takes %(count)s arguments.", name=data[0], count=data[1]
            ),
            "shift": lambda: self.env._(
                "Formula: %s takes the code of one KPI in parentheses.", *data
            ),
            "empty": lambda: self.env._("Formula: enter a formula with at least one KPI."),
            "units": lambda: self.env._(
                "Formula: it adds or compares %(left)s and %(right)s. Use KPIs of the same unit.",
                left=data[0] or self.env._("a bare number"),
                right=data[1] or self.env._("a bare number"),
            ),
        }
        return messages[reason]()

    def _formula_users(self):
        """The other KPIs whose formulas use these, archived ones too."""
        self.flush_model(["component_ids"])
        return self.with_context(active_test=False).search(
            [("component_ids", "in", self.ids), ("id", "not in", self.ids)]
        )

    def _check_code_unused(self, code):
        """Refuse a new code while formulas use the old one: they would lose their component."""
        for kpi in self.filtered(lambda kpi: kpi.code != code):
            if users := kpi._formula_users():
                raise ValidationError(
                    self.env._(
                        "Code: %(code)s is used by the formula of %(users)s. Keep the code, or "
                        "take it out of that formula first.",
                        code=kpi.code,
                        users=", ".join(users.mapped("name")),
                    )
                )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if users := self._formula_users():
            raise UserError(
                self.env._(
                    "%(kpi)s is used by the formula of %(users)s. Change that formula first, "
                    "or archive the KPI.",
                    kpi=self[0].name,
                    users=", ".join(users.mapped("name")),
                )
            )

    # --- CRUD ---

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._prepare_manual(vals, vals.get("kind"))
        return super().create(vals_list)

    def write(self, vals):
        if "code" in vals:
            self._check_code_unused(vals["code"])
        changed = self.browse()
        if DEFINING & vals.keys():
            self._prepare_manual(vals, vals.get("kind"))
            before = {kpi: [kpi[name] for name in sorted(DEFINING)] for kpi in self}
            result = super().write(vals)
            changed = self.filtered(
                lambda kpi: before[kpi] != [kpi[name] for name in sorted(DEFINING)]
            )
            changed._note_new_version()
        else:
            result = super().write(vals)
        if vals.get("company_id"):
            self._drop_other_companies()
            self.filtered("failed_company_id").failed_company_id = False
        if "code" in vals:
            users = self.search([("formula", "!=", False)])
            self.env.add_to_compute(self._fields["component_ids"], users)
        return result

    def _note_new_version(self):
        """The definition changed: all that is not locked is to be computed again."""
        for kpi in self:
            kpi.write(
                {
                    "version": kpi.version + 1,
                    "next_try": False,
                    "failure_count": 0,
                    "failed_company_id": False,
                }
            )

    def _drop_other_companies(self):
        """Values that no refresh keeps up to date any more; what is locked was reported."""
        for kpi in self:
            domain = [
                ("kpi_id", "=", kpi.id),
                ("period_id.company_id", "!=", kpi.company_id.id),
                ("period_id.state", "!=", "locked"),
            ]
            # superuser: the other companies need not be the user's own
            self.env["crm.kpi.value"].sudo().search(domain).unlink()
            self.env["crm.kpi.computation"].sudo().search(domain).unlink()

    @api.model
    def _prepare_manual(self, vals, kind):
        """A manual KPI reads the manual entries, and a formula no source at all."""
        if kind == "manual":
            source = self.env.ref("crm_kpi.crm_kpi_source_entry")
            vals.update(source_id=source.id, value_field="value")
            if vals.get("aggregator", "count") == "count":
                vals["aggregator"] = "sum"
        elif kind == "formula":
            vals["source_id"] = False

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        for kpi, vals in zip(self, vals_list, strict=True):
            vals.setdefault("name", self.env._("%s (copy)", kpi.name))
            if "code" not in vals:
                vals["code"] = self._free_code(f"{kpi.code}_copy")
        return vals_list

    @api.model
    def _free_code(self, stem):
        taken = set(
            self.with_context(active_test=False)
            .search([("code", "=like", f"{stem}%")])
            .mapped("code")
        )
        if stem not in taken:
            return stem
        return next(f"{stem}{i}" for i in range(2, len(taken) + 3) if f"{stem}{i}" not in taken)

    # --- ACTIONS ---

    def action_publish(self):
        self.write({"state": "published"})

    def action_draft(self):
        self.write({"state": "draft"})

    def action_try(self):
        """Show the value of last month with the first records, without storing anything."""
        self.ensure_one()
        wizard = self.env["crm.kpi.preview"].create({"kpi_id": self.id})
        return wizard._open()

    def action_refresh(self):
        """Compute now what is due of these KPIs."""
        if not self.env.user.has_group("crm_kpi.group_kpi_manager"):
            raise AccessError(self.env._("Only KPI managers can start a refresh."))
        history = self.env["crm.kpi.backfill"]
        if history._is_pending():
            raise UserError(
                self.env._(
                    "The history is still being read: %s. Figures are computed right after it.",
                    history._progress_text(),
                )
            )
        # superuser: values are computed for everybody; what is read stays under record rules
        self.sudo()._refresh(kpis=self.sudo())

    def action_definition(self):
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Definition"),
            "res_model": "crm.kpi",
            "res_id": self.id,
            "view_mode": "form",
            "views": [(self.env.ref("crm_kpi.crm_kpi_view_form_definition").id, "form")],
            "target": "new",
        }

    # --- DRILL DOWN ---

    def _open_cell_records(self, period, cell, name=None):
        """Action that opens the records a cell counts.

        A formula opens the records of its components when they are of one kind, else the
        components' values.

        :param cell: dict with ``level`` and, as ids, ``team_id``, ``user_id``, ``segment_id``
        """
        self.ensure_one()
        name = name or f"{self.name} · {period.display_name}"
        # superuser: which records were counted does not depend on who asks; what of them is
        # shown does, because the list opens under the reader's own rights
        kpi = self.sudo()
        parts = kpi._aggregates_behind()
        models_behind = {part.source_id._record_model() for part in parts}
        if len(models_behind) == 1:
            ids = []
            for part in parts.filtered(lambda part: part._is_reliable(period.sudo())):
                ids += part.source_id._record_ids(part, period.sudo(), cell, limit=RECORDS_SHOWN)
            ids = list(dict.fromkeys(ids))
            return self._records_action(models_behind.pop(), ids, name, period)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("What %s is made of", name),
            "res_model": "crm.kpi.value",
            "view_mode": "list,form",
            "domain": [
                ("kpi_id", "in", kpi.component_ids.ids),
                ("period_id", "=", period.id),
                *((key, "=", value) for key, value in cell.items()),
            ],
        }

    def _aggregates_behind(self):
        """The aggregate and manual KPIs that a KPI rests on, itself included."""
        return self._with_components().filtered(lambda k: k.kind != "formula")

    def _records_action(self, model, ids, name, period):
        # archived ones were counted too, lost leads among them; and models that make their
        # rows for periods are told which
        context = {"active_test": False, "create": False, "crm_kpi_period_ids": period.ids}
        records = self.env[model].with_context(**context)
        if not records.has_access("read"):
            raise AccessError(
                self.env._(
                    "%(name)s is made of records that you may not read: %(model)s. Ask an "
                    "administrator for one of these roles: %(groups)s.",
                    name=name,
                    model=records._description,
                    groups=", ".join(
                        self.env["ir.model.access"].group_names_with_access(model, "read")
                    ),
                )
            )
        visible = records.search(Domain("id", "in", ids) & self._openable(records))
        if len(visible) < len(ids):
            name = self.env._(
                "%(name)s (%(seen)s of %(all)s records are visible to you)",
                name=name,
                seen=len(visible),
                all=len(ids),
            )
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": model,
            "view_mode": "list,form",
            "views": [(False, "list"), (False, "form")],
            "domain": [("id", "in", visible.ids)],
            "context": context,
        }

    @api.model
    def _openable(self, records):
        """Domain of the records that a reader may open, beside the record rules of the model.

        For glue addons whose records have no rules of their own but belong to some that do.
        """
        return Domain.TRUE

    # --- SHOWING ---

    def _format_value(self, value, currency=None):
        """The value as people read it: with unit, decimals of the KPI, "–" for no value."""
        self.ensure_one()
        if value is None or value is False:
            return "–"
        if self.unit == "money":
            return formatLang(
                self.env,
                value,
                currency_obj=currency or self.env.company.currency_id,
                rounding_unit="decimals" if self.digits else "units",
            )
        if self.unit == "percent":
            return f"{formatLang(self.env, value * 100, digits=self.digits)}\u00a0%"
        text = formatLang(self.env, value, digits=self.digits)
        suffix = {
            "hours": self.env._("h"),
            "days": self.env._("days"),
            "months": self.env._("months"),
        }.get(self.unit)
        return f"{text}\u00a0{suffix}" if suffix else text

    # --- REFRESH: see the package refresh ---

    @api.model
    def _refresh(self, periods=None, kpis=None):
        """Compute what is due and store it; see :class:`Refresh`. Number of cells written."""
        return Refresh(self.env, periods, kpis).run()

    @api.model
    def _cron_refresh(self):
        """The same in steps that are committed one by one; see :class:`ScheduledRefresh`."""
        ScheduledRefresh(self.env).run()

    @api.model
    def _refresh_periods(self, now):
        """Create the periods that the current company needs, and update their states."""
        refresh_periods(self.env.company, now)

    def _with_components(self):
        """These KPIs, and those that their formulas use, directly or not."""
        result = self
        while missing := result.component_ids - result:
            result |= missing
        return result

    @api.autovacuum
    def _gc_short_periods(self):
        return delete_short_periods(self.env)
