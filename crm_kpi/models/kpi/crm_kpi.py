# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from dataclasses import asdict

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain

from ...board.counts_in import counts_in
from ...board.figures import find_kpis, read_figures
from ...board.filters import read_id
from ...board.preview import KpiPreview, Preview
from ...definitions import (
    cell_records,
    changes,
    checks,
    data_warnings,
    fitting,
    formula_checks,
    original,
    switching,
    usage,
    words,
)
from ...definitions.definition_words import definition_html, definition_lines
from ...definitions.first_values import first_values_text
from ...engine import formula as engine
from ...engine import values
from ...engine.cells import ZERO_WHEN_EMPTY
from ...refresh.claim import claim_refresh
from ...refresh.past import is_rebuilt
from ...refresh.periods import delete_short_periods, refresh_periods
from ...refresh.refresh import Refresh, ScheduledRefresh, SecondWorker
from .crm_kpi_source import COMPARED_PEOPLE

AGGREGATORS = [
    ("count", "Count"),
    ("sum", "Sum"),
    ("sum_known", "Sum (empty when there are no records)"),
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
#: A change of one of these fields is a new version of the definition.
DEFINING = {
    "kind", "source_id", "date_field", "domain", "aggregator", "value_field", "formula", "unit",
    "maturity_days", "complete_only", "needs_history",
}  # fmt: skip
#: Fields that a preview depends on.
PREVIEWED = DEFINING | {"name", "code", "digits", "direction", "small_segments", "company_id"}


class CrmKpi(models.Model):
    """A KPI: an aggregate of records, a formula over other KPIs, or values entered by hand."""

    _name = "crm.kpi"
    _description = "KPI"
    _inherit = ["mail.thread"]
    _order = "sequence, id"

    # --- identity ---
    name = fields.Char(required=True, translate=True, tracking=True)
    code = fields.Char(
        required=True,
        copy=False,
        tracking=True,
        help="Technical name for formulas and integrations: lower-case letters, digits and "
        "underscores.",
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
        help="Input: the effort. Process: how the work is done. Output: the direct result. "
        "Outcome: the effect on the business.",
    )
    description = fields.Text("Explanation", translate=True, help="What the KPI measures.")
    reference = fields.Char("Literature", help="Where the definition comes from.")
    owner_id = fields.Many2one("res.users", "Responsible", domain=[("share", "=", False)])
    counter_kpi_id = fields.Many2one(
        "crm.kpi",
        "Counter-metric",
        ondelete="set null",
        help="The KPI that gets worse first if this one is pushed too hard.",
    )
    company_id = fields.Many2one("res.company", help="Empty: computed in every company.")

    # --- computation ---
    kind = fields.Selection(
        [
            ("aggregate", "Count or sum records"),
            ("formula", "Calculate from other KPIs"),
            ("manual", "Manual entries"),
        ],
        required=True,
        default="aggregate",
        tracking=True,
    )
    source_id = fields.Many2one("crm.kpi.source", ondelete="cascade", tracking=True)
    source_model = fields.Char(related="source_id.model_id.model")
    source_kind = fields.Selection(related="source_id.kind", string="Kind of source")
    date_field = fields.Char(
        "Date",
        compute="_compute_date_field",
        readonly=False,
        help="Count the records of the source by another of their dates. Empty: by that of the source.",
    )
    domain = fields.Char("Filter", default="[]", tracking=True)
    aggregator = fields.Selection(
        AGGREGATORS, "Calculation", default="count", required=True, tracking=True
    )
    value_field = fields.Char(
        "Value",
        tracking=True,
        help="Field that is summed, averaged or counted distinctly. @customer is the "
        "customer of the record; @age_days and @age_hours are its age in a snapshot; "
        "@days_between:start:end are the days from one date to another.",
    )
    value_choice = fields.Selection(
        [
            ("field", "Field of the record"),
            ("@customer", "Customer"),
            ("@age_days", "Age in days (snapshot)"),
            ("@age_hours", "Age in hours (snapshot)"),
            (values.DAYS_BETWEEN, "Days between two dates"),
        ],
        string="Value of",
        compute="_compute_value_choice",
        inverse="_inverse_value",
        help="What is summed, averaged or counted: a field of the record, its customer, the "
        "time since it was opened, or the days from one of its dates to another.",
    )
    value_start = fields.Char(
        "From date",
        compute="_compute_value_start",
        inverse="_inverse_value",
        help="Days are counted from this date. Records without it have no value.",
    )
    value_end = fields.Char(
        "To date",
        compute="_compute_value_end",
        inverse="_inverse_value",
        help="Days are counted to this date. Records without it have no value.",
    )
    value_choices = fields.Json(
        compute="_compute_value_choices", help="What the lists of the form offer."
    )
    formula = fields.Char(
        tracking=True,
        help="Codes of KPIs, numbers, + - * / (or × ÷ −), parentheses and the functions listed "
        "below the field. Example: deals_won / deals_closed",
    )
    formula_help = fields.Html(compute="_compute_formula_help")
    maturity_days = fields.Float(
        "Wait before final (days)",
        tracking=True,
        help="A record counts when this number of days has passed since its date. Use it when "
        "the result of a record is known only after these days.",
    )
    complete_only = fields.Boolean(
        "Only complete periods", tracking=True, help="No value before a period is over."
    )
    needs_history = fields.Boolean(
        "Needs known customers",
        tracking=True,
        help="The KPI depends on who is new or came back, or on what a customer bought before. "
        "It has no value in periods that begin less than twelve months after the start of the "
        "KPI history (see the settings): older orders are missing, so known customers would "
        "look new.",
    )
    cross_levels = fields.Boolean(
        "Cross with segments",
        help="Also compute each team and each salesperson by segment, for the number of months in "
        "the settings. KPIs with goals at these levels do this automatically.",
    )
    component_ids = fields.Many2many(
        "crm.kpi",
        "crm_kpi_component_rel",
        "kpi_id",
        "component_id",
        "Components",
        # an archived component is still computed
        context={"active_test": False},
        compute="_compute_component_ids",
        store=True,
        help="KPIs that the formula uses.",
    )
    computation_text = fields.Char(
        "Computed as",
        compute="_compute_computation_text",
        help="The aggregate or the formula in words.",
    )
    definition = fields.Html(
        compute="_compute_definition",
        help="Source, filter, date, credit and exclusions in words.",
    )

    # --- display ---
    unit = fields.Selection(UNITS, required=True, default="count", tracking=True)
    digits = fields.Integer("Decimals", default=0)
    proposed_unit = fields.Char(
        store=False, help="The unit that was proposed for the formula in a form."
    )
    direction = fields.Selection(
        [("increase", "Increase"), ("decrease", "Decrease"), ("maintain", "Maintain")],
        string="Objective",
        required=True,
        default="increase",
        tracking=True,
    )
    min_sample = fields.Integer(
        "Minimum sample",
        default=0,
        help="A value that rests on fewer records gets no status.",
    )
    small_segments = fields.Boolean(
        "Include small segments",
        help="Show percentages and scores of segments with any number of records. Otherwise "
        "the smallest segment in the settings applies.",
    )
    compared_people = fields.Selection(
        COMPARED_PEOPLE,
        "People compared",
        compute="_compute_compared_people",
        store=True,
        readonly=False,
        recursive=True,
        help="Who is compared with each other: median, best value and ranking. People with records "
        "in the period are always compared; members of these teams also without records.",
    )
    is_component = fields.Boolean(
        "Helper KPI (hidden from boards)",
        help="Used in formulas only; hidden on boards, in lists and in reports.",
    )
    data_warning = fields.Text(
        compute="_compute_data_warning",
        help="Why the value means little in this company at present.",
    )

    # --- readers ---
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
        help="Only members of one of these groups can read the values, goals, manual entries and "
        "restatements of this KPI. KPI administrators outside of these groups can read the "
        "definition, but not change it. Empty: all users who read KPIs.",
    )

    # --- choice ---
    recommendation_ids = fields.One2many(
        "crm.kpi.recommendation",
        "kpi_id",
        "Recommended for",
        help="Objectives for which Choose my KPIs proposes this KPI.",
    )
    recommendation_reason = fields.Char(
        "Reason",
        translate=True,
        help="Why the KPI is proposed: one sentence, shown in Choose my KPIs.",
    )
    for_managers_only = fields.Boolean(
        "Only for managers",
        help="Proposed to managers and executives, not to salespeople and service agents.",
    )
    is_chosen = fields.Boolean(
        "My choice",
        compute="_compute_is_chosen",
        search="_search_is_chosen",
        help="The current user chose this KPI. All KPIs, if the user chose none.",
    )

    # --- state ---
    is_shipped = fields.Boolean(
        "Shipped",
        compute="_compute_is_shipped",
        search="_search_is_shipped",
        help="Defined in a data file of an addon.",
    )
    is_changed = fields.Boolean(
        "Changed from the original",
        compute="_compute_original",
        search="_search_is_changed",
        help="The definition is not the one that the installed version of the addon ships.",
    )
    original_text = fields.Text("Original", compute="_compute_original")
    used_in_formula_ids = fields.Many2many(
        "crm.kpi",
        string="Formulas",
        context={"active_test": False},
        compute="_compute_used_in",
        help="KPIs whose formulas use this KPI.",
    )
    counter_of_ids = fields.Many2many(
        "crm.kpi",
        string="Counter-metric of",
        context={"active_test": False},
        compute="_compute_used_in",
    )
    used_in_board_ids = fields.Many2many(
        "crm.kpi.board", string="Boards", compute="_compute_used_in"
    )
    other_board_count = fields.Integer(
        "Boards of other users",
        compute="_compute_used_in",
        help="Boards with this KPI that you cannot open.",
    )
    used_in_mailing_ids = fields.Many2many(
        "crm.kpi.mailing",
        string="Scheduled reports",
        compute="_compute_used_in_mailing_ids",
        groups="crm_kpi.group_kpi_manager",
        help="Reports of boards with this KPI.",
    )
    goal_count = fields.Integer("Goals", compute="_compute_used_in")
    first_values_text = fields.Char(compute="_compute_first_values_text")
    version = fields.Integer(default=1, readonly=True, copy=False)
    last_refresh = fields.Datetime(readonly=True, copy=False)
    last_error = fields.Text(readonly=True, copy=False)
    failure_count = fields.Integer("Failed refreshes", readonly=True, copy=False)
    failed_company_id = fields.Many2one(
        "res.company",
        "Failed in",
        readonly=True,
        copy=False,
        help="Company in which the last refresh failed. The error is cleared when a refresh in "
        "this company succeeds.",
    )
    failed_since = fields.Datetime(readonly=True, copy=False)
    next_try = fields.Datetime("Retry at", readonly=True, copy=False)

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

    @api.depends("source_id.compared_people", "component_ids.compared_people")
    def _compute_compared_people(self):
        """As the source. Formulas: the role of their components, if they have one in common."""
        for kpi in self:
            found = set((kpi.source_id or kpi.component_ids).mapped("compared_people"))
            found.discard(False)  # a new component
            roles = found & {"sales", "service"}
            if len(roles) == 1:
                found = roles
            kpi.compared_people = found.pop() if len(found) == 1 else "all"

    @api.depends("source_id.dated_as_id", "source_id.date_field")
    def _compute_date_field(self):
        for kpi in self:
            source = kpi.source_id
            kpi.date_field = source.date_field if source.dated_as_id else False

    @api.depends("kind", "formula", "source_id", "aggregator", "value_field")
    @api.depends_context("lang", "uid")
    def _compute_computation_text(self):
        names = words.component_names(self)
        for kpi in self:
            kpi.computation_text = words.computation_text(kpi, names)

    @api.depends(*DEFINING, "min_sample", "company_id", "small_segments")
    @api.depends_context("lang", "uid", "company")
    def _compute_definition(self):
        for kpi in self:
            kpi.definition = definition_html(kpi)

    @api.depends_context("lang")
    def _compute_formula_help(self):
        self.formula_help = words.formula_help(self.env)

    @api.depends()
    def _compute_is_shipped(self):
        shipped = original.shipped_ids(self)
        for kpi in self:
            kpi.is_shipped = kpi._origin.id in shipped

    def _search_is_shipped(self, operator, value):
        if operator != "in":
            return NotImplemented
        kpis = self.with_context(active_test=False).search([])
        return Domain("id", "in", list(original.shipped_ids(kpis)))

    @api.depends(*original.FIELDS)
    @api.depends_context("lang")
    def _compute_original(self):
        originals = original.originals(self)
        for kpi in self:
            shipped = originals.get(kpi._origin.id)
            changed = original.changed_fields(kpi, shipped) if shipped else ()
            kpi.is_changed = bool(changed)
            kpi.original_text = words.original_text(kpi, bool(shipped), changed)

    def _search_is_changed(self, operator, value):
        if operator != "in":
            return NotImplemented
        kpis = self.with_context(active_test=False).search([])
        return Domain("id", "in", kpis.filtered("is_changed").ids)

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_used_in(self):
        used = usage.used_in(self)
        for kpi in self:
            found = used[kpi._origin.id]
            kpi.used_in_formula_ids = found.formulas
            kpi.counter_of_ids = found.counter_of
            kpi.used_in_board_ids = found.boards
            kpi.other_board_count = found.other_boards
            kpi.goal_count = found.goals

    @api.depends("used_in_board_ids")
    def _compute_used_in_mailing_ids(self):
        mailings = self.env["crm.kpi.mailing"].search(
            [("board_id", "in", self.used_in_board_ids.ids)]
        )
        for kpi in self:
            kpi.used_in_mailing_ids = mailings.filtered(
                lambda mailing, kpi=kpi: mailing.board_id in kpi.used_in_board_ids
            )

    @api.depends("state", "active", "last_refresh", "last_error")
    @api.depends_context("lang", "tz")
    def _compute_first_values_text(self):
        waiting = self.filtered(
            lambda kpi: (
                kpi.state == "published"
                and kpi.active
                and not kpi.last_refresh
                and not kpi.last_error
            )
        )
        (self - waiting).first_values_text = False
        if waiting:
            waiting.first_values_text = first_values_text(self.env)

    @api.depends("domain", "value_field", "component_ids", "needs_history")
    @api.depends_context("lang", "allowed_company_ids")
    def _compute_data_warning(self):
        for kpi in self:
            kpi.data_warning = data_warnings.data_warning(kpi)

    @api.depends("value_field")
    def _compute_value_choice(self):
        for kpi in self:
            kind = (kpi.value_field or "").split(":")[0]
            known = (*values.PSEUDO_FIELDS, values.DAYS_BETWEEN)
            kpi.value_choice = kind if kind in known else "field"

    def _inverse_value(self):
        """One inverse, so that all that is written is known when the value is put together."""
        for kpi in self:
            kpi._take_value_choice()

    @api.depends("value_field")
    def _compute_value_start(self):
        for kpi in self:
            start, _end = values.chosen_dates(kpi.value_field) or ("", "")
            kpi.value_start = start or False

    @api.depends("value_field")
    def _compute_value_end(self):
        for kpi in self:
            _start, end = values.chosen_dates(kpi.value_field) or ("", "")
            kpi.value_end = end or False

    @api.depends("source_id", "aggregator", "value_field", "date_field")
    @api.depends_context("lang", "uid")
    def _compute_value_choices(self):
        for kpi in self:
            kpi.value_choices = kpi._value_choices()

    def _value_choices(self):
        model = self.source_id._readable_model() if self.source_id else None
        if model is None:
            return {}
        dates = fitting.fitting_paths(model, "date_field", fitting.DATES)
        chosen = (self.date_field, *(values.chosen_dates(self.value_field) or ()))
        dates += [path for path in chosen if path and path not in dates]
        paths = fitting.fitting_paths(model, "value_field", fitting.NUMBERS)
        own = [path for path in values.value_paths(self.value_field) if path not in paths]
        if len(own) == 1:
            paths += own
        types = None if self.aggregator == "count_distinct" else list(fitting.NUMBERS)
        return {
            "dates": {"choices": fitting.labelled(model, dates), "types": list(fitting.DATES)},
            "value": {"choices": fitting.labelled(model, paths), "types": types},
        }

    @api.depends_context("uid")
    def _compute_is_chosen(self):
        # superuser: the user's own choice
        chosen = self.env.user.sudo().kpi_ids
        for kpi in self:
            kpi.is_chosen = not chosen or kpi in chosen

    def _search_is_chosen(self, operator, value):
        if operator != "in":
            return NotImplemented
        chosen = self.env.user.sudo().kpi_ids  # superuser: the user's own choice
        return Domain("id", "in", chosen.ids) if chosen else Domain.TRUE

    # --- ONCHANGES ---

    @api.onchange("value_choice")
    def _onchange_value_choice(self):
        self._take_value_choice()
        self._propose_value()

    def _take_value_choice(self):
        if self.value_choice == values.DAYS_BETWEEN:
            self._take_value_dates()
        elif self.value_choice != "field":
            self.value_field = self.value_choice
        elif (self.value_field or "").startswith("@"):
            self.value_field = False

    @api.onchange("name")
    def _onchange_name(self):
        if self.name and not self.code:
            self.code = self._free_code(checks.code_from_name(self.name))

    @api.onchange("formula")
    def _onchange_formula(self):
        """Propose unit and decimals of a new KPI, until the user chooses another unit."""
        if self.formula:
            self.formula = engine.stored_form(self.formula)
        proposal = formula_checks.proposed_unit(self)
        expected = self.proposed_unit or self.default_get(["unit"]).get("unit")
        if not proposal or self._origin or self.unit != expected:
            return
        unit, digits = proposal
        if unit != self.unit or not self.digits:
            self.digits = digits
        self.unit = self.proposed_unit = unit

    @api.onchange("value_start", "value_end")
    def _onchange_value_dates(self):
        self._take_value_dates()

    def _take_value_dates(self):
        if self.value_choice == values.DAYS_BETWEEN:
            self.value_field = values.between(self.value_start, self.value_end)
            if self.unit == "count":
                self.unit = "days"

    @api.onchange("aggregator")
    def _onchange_aggregator(self):
        self._propose_value()

    def _propose_value(self):
        """Propose the amount of the records where a field is aggregated."""
        model = self.source_id._readable_model() if self.source_id else None
        adds = self.aggregator not in ("count", "count_distinct")
        if self.value_field or not adds or self.value_choice != "field" or model is None:
            return
        paths = fitting.fitting_paths(model, "value_field", fitting.NUMBERS)
        self.value_field = fitting.proposed_path(paths, "value_field")
        is_money = self.value_field and model._fields[self.value_field].type == "monetary"
        if is_money and self.unit == "count":
            self.unit = "money"

    @api.onchange("source_id")
    def _onchange_source_id(self):
        """Clear filter and value when the new source has another model."""
        if not self.source_id or self.source_id._origin == self._origin.source_id:
            return
        if self.source_id.model != self._origin.source_id.model:
            self.domain = "[]"
            if self.value_field not in values.PSEUDO_FIELDS:
                self.value_field = False
        self._propose_value()

    # --- CONSTRAINTS ---

    @api.constrains("code")
    def _check_code(self):
        for kpi in self:
            checks.check_code(kpi)

    @api.constrains(
        "kind", "source_id", "domain", "aggregator", "value_field", "unit", "maturity_days"
    )
    def _check_aggregate(self):
        for kpi in self.filtered(lambda kpi: kpi.kind != "formula"):
            checks.check_aggregate(kpi)

    @api.constrains("kind", "formula", "unit", "code")
    def _check_formula(self):
        formula_checks.check_formulas(self)

    @api.model
    def _formula_message(self, error):
        return formula_checks.formula_message(self, error)

    # --- FORMULA EDITOR ---

    @api.model
    @api.readonly
    def get_formula_parts(self):
        """What a formula can contain: KPIs, functions and constants.

        :return: list of dicts with ``code, words, insert``
        """
        self.check_access("write")
        parts = [
            {"code": kpi.code, "words": kpi.name, "insert": kpi.code} for kpi in self.search([])
        ]
        return parts + words.formula_parts(self.env)

    @api.model
    @api.readonly
    def check_typed_formula(self, formula, code=None, unit=None):
        """What is wrong with a formula that is being typed, and what it means.

        :param code: of the KPI, if it has one already
        :param unit: of the KPI, if it was chosen
        :return: dict with ``error, typed, code`` (the part of the formula in place of which a code
            was probably meant), or with ``words``
        """
        self.check_access("write")
        values = {"kind": "formula", "formula": formula, "code": code, "unit": unit}
        kpi = self.new(values, origin=self._by_code([code]) if code else None)
        if problem := formula_checks.check_typed(kpi):
            return {"error": problem.text, "typed": problem.typed, "code": problem.code}
        return {"words": words.computation_text(kpi, words.component_names(kpi))}

    def _check_code_unused(self, code):
        """Refuse a new code while formulas use the old one: they would lose their component."""
        for kpi in self.filtered(lambda kpi: kpi.code != code):
            if users := kpi._formula_users():
                raise ValidationError(
                    self.env._(
                        "Code: the formula of %(users)s uses %(code)s. Keep the code, or "
                        "remove it from that formula first.",
                        code=kpi.code,
                        users=", ".join(users.mapped("name")),
                    )
                )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if users := self._formula_users():
            raise UserError(
                self.env._(
                    "The formula of %(users)s uses %(kpi)s. Change that formula first, "
                    "or archive the KPI.",
                    kpi=self[0].name,
                    users=", ".join(users.mapped("name")),
                )
            )

    # --- CRUD ---

    @api.model_create_multi
    def create(self, vals_list):
        vals_list = [self._with_dated_source(vals) for vals in vals_list]
        for vals in vals_list:
            self._prepare_manual(vals, vals.get("kind"))
            if vals.get("name") and not vals.get("code"):
                vals["code"] = self._free_code(checks.code_from_name(vals["name"]))
            self._prepare_formula(vals)
        kpis = super().create(vals_list)
        for kpi in kpis.filtered("component_ids"):
            kpi.version = kpi._next_version(0)
        return kpis

    @api.model
    def _with_dated_source(self, vals, source=None):
        """Values with the source that counts by the date that is chosen, instead of the date.

        :param source: the present one
        """
        if "date_field" not in vals:
            return vals
        vals = dict(vals)
        path = vals.pop("date_field")
        chosen = (
            self.env["crm.kpi.source"].browse(vals["source_id"]) if "source_id" in vals else source
        )
        if chosen:
            vals["source_id"] = chosen._dated_by(path).id
        return vals

    def write(self, vals):
        if "date_field" in vals:
            for kpi in self:
                before = kpi.source_id
                kpi.write(kpi._with_dated_source(vals, before))
                (before - kpi.source_id)._delete_unused_dates()
            return True
        if "code" in vals:
            self._check_code_unused(vals["code"])
        if vals.get("state") == "draft" or not vals.get("active", True):
            self.check_access("write")  # before the message names goals
            switching.check_no_running_goals(self)
        if DEFINING & vals.keys():
            self._prepare_manual(vals, vals.get("kind"))
            self._prepare_formula(vals)
            before = {kpi: changes.definition_of(kpi, DEFINING) for kpi in self}
            result = super().write(vals)
            self.filtered(
                lambda kpi: before[kpi] != changes.definition_of(kpi, DEFINING)
            )._note_new_version()
        else:
            result = super().write(vals)
        if {"unit", "small_segments", "kind", "formula"} & vals.keys():
            # superuser: what is withheld is decided again in all companies; no setting changes
            self.env["res.company"].sudo().search([]).kpi_withheld_at = False
        if vals.get("company_id"):
            self._drop_other_companies()
            self.filtered("failed_company_id").failed_company_id = False
        if "code" in vals:
            users = self.with_context(active_test=False).search([("formula", "!=", False)])
            self.env.add_to_compute(self._fields["component_ids"], users)
        return result

    def _note_new_version(self):
        """The definition changed, and with it that of the formulas that rest on it.

        The next refresh computes all periods that are not locked again, and notes what the locked
        ones would be.
        """
        # superuser: formulas follow, also those that the user may not change
        for kpi in self.sudo()._with_formula_users():
            kpi.write(
                {
                    "version": kpi._next_version(kpi.version),
                    "next_try": False,
                    "failure_count": 0,
                    "failed_company_id": False,
                }
            )

    def _next_version(self, version):
        """The version after this one; that of a formula is never lower than its components'."""
        return max(version + 1, *self.component_ids.mapped("version"), 1)

    def _recompute_history(self):
        """Have the next refresh replace locked values, of the formulas on these KPIs too.

        What was reported stays in the restatements. A snapshot of which the past is not known
        keeps its values.
        """
        # superuser: formulas follow, also those that the user may not change, and in all companies
        followers = self.sudo()._with_formula_users()
        kpis = followers.filtered(lambda kpi: not kpi._is_stock())
        computations = followers.env["crm.kpi.computation"]
        computations.search([("kpi_id", "in", kpis.ids), ("period_id.state", "=", "locked")]).write(
            {"fingerprint": False, "recompute": True}
        )

    def _drop_other_companies(self):
        """Delete the values of companies in which the KPI is not computed any more.

        Locked values stay: they were reported.
        """
        for kpi in self:
            domain = [
                ("kpi_id", "=", kpi.id),
                ("period_id.company_id", "!=", kpi.company_id.id),
                ("period_id.state", "!=", "locked"),
            ]
            # superuser: the user may have no access to the other companies
            self.env["crm.kpi.value"].sudo().search(domain).unlink()
            self.env["crm.kpi.computation"].sudo().search(domain).unlink()

    @api.model
    def _prepare_manual(self, vals, kind):
        """Set the source: manual entries for a manual KPI, none for a formula."""
        if kind == "manual":
            source = self.env.ref("crm_kpi.crm_kpi_source_entry")
            vals.update(source_id=source.id, value_field="value")
            if vals.get("aggregator", "count") == "count":
                vals["aggregator"] = "sum"
        elif kind == "formula":
            vals["source_id"] = False

    @api.model
    def _prepare_formula(self, vals):
        """Store signs such as × and ÷ in one form."""
        if vals.get("formula"):
            vals["formula"] = engine.stored_form(vals["formula"])

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        for kpi, vals in zip(self, vals_list, strict=True):
            if "name" not in (default or {}):
                vals["name"] = self.env._("%s (copy)", kpi.name)
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

    # --- LOOKUPS ---

    @api.model
    def _by_code(self, codes):
        return self.with_context(active_test=False).search([("code", "in", list(codes))])

    @api.model
    def _pair_counters(self, pairs):
        """Set counter-metrics when all KPIs of the data files exist: dict of code to code."""
        kpis = {kpi.code: kpi for kpi in self._by_code({*pairs, *pairs.values()})}
        for code, counter in pairs.items():
            kpis[code].counter_kpi_id = kpis[counter]

    def _formula_users(self):
        """The other KPIs whose formulas use these, archived ones too."""
        self.flush_model(["component_ids"])
        return self.with_context(active_test=False).search(
            [("component_ids", "in", self.ids), ("id", "not in", self.ids)]
        )

    def _with_formula_users(self):
        """These KPIs, and those whose formulas use them, directly or not."""
        result = self
        while missing := result._formula_users():
            result |= missing
        return result

    def _aggregates_behind(self):
        """The aggregate and manual KPIs that a KPI rests on, itself included."""
        return self._with_components().filtered(lambda kpi: kpi.kind != "formula")

    @property
    def _zero_when_empty(self):
        """Whether no record at all means zero (a count or a sum), not "no value"."""
        return self.kind != "formula" and self.aggregator in ZERO_WHEN_EMPTY

    def _is_reliable(self, period):
        """Whether enough is known of the customers for the KPI to have a value in the period."""
        known_from = self.needs_history and period.company_id._kpi_customers_known_from()
        return not known_from or period.date_from >= known_from

    def _is_stock(self):
        """Whether it is a snapshot whose past periods cannot be computed, such as the pipeline."""
        return (
            self.kind == "aggregate" and self.source_id.kind == "snapshot" and not is_rebuilt(self)
        )

    def _zero_in(self, period):
        """Whether no record at all means zero in the period, not "no value"."""
        return self._zero_when_empty and self._is_reliable(period)

    def _least_cell(self, company):
        """Number of records below which the value of a segment is not shown in a company.

        A percentage of three customers says little, and may reveal who they are. Manual entries
        do not depend on the number of records.
        """
        if self.unit not in ("percent", "score") or self.kind == "manual" or self.small_segments:
            return 0
        return company.kpi_min_cell

    def _format_value(self, value, currency=None):
        """The value with its unit and the decimals of the KPI; "–" for no value."""
        self.ensure_one()
        return words.format_value(self, value, currency)

    @api.model
    @api.readonly
    def get_number_formats(self):
        """How a browser shows the numbers of each KPI that the reader may see.

        Money of companies with different currencies has no symbol.

        :return: dict of the id of a KPI to ``prefix, suffix, factor, digits``
        """
        currencies = self.env.companies.currency_id
        formats = {}
        for kpi in self.search([]):
            mixed = kpi.unit == "money" and len(currencies) > 1
            prefix, suffix = ("", "") if mixed else words.unit_parts(kpi, currencies[:1])
            formats[kpi.id] = {
                "prefix": prefix,
                "suffix": suffix,
                "factor": 100 if kpi.unit == "percent" else 1,
                "digits": kpi.digits,
            }
        return formats

    # --- FIGURES ---

    @api.model
    @api.readonly
    def figure(self, code, period="month", team_id=False, user_id=False, segment_id=False):
        """The value of a KPI in a period, with its goal and its change, as boards show it.

        :param code: code of a published KPI
        :param period: see :func:`~odoo.addons.crm_kpi.board.figures.find_period`
        :param team_id: of a sales team; without team, salesperson and segment, the figure is that of
            the company
        :return: :class:`~odoo.addons.crm_kpi.board.figures.Figure` as dict
        """
        cell = {"team_id": team_id, "user_id": user_id, "segment_id": segment_id}
        [figure] = self.figures([code], [period], [cell])
        return figure

    @api.model
    @api.readonly
    def figures(self, codes, periods=("month",), cells=({},)):
        """The same of each KPI in each period and cell, in this order.

        :param cells: list of dicts with ``team_id``, ``user_id`` and ``segment_id``, which may be
            missing
        """
        board = self.env["crm.kpi.board"]._default_board()
        found = read_figures(board, find_kpis(board, codes), periods, cells)
        return [asdict(figure) for figure in found]

    def _points_text(self, points):
        """A difference of percentages or scores, with the decimals of the KPI."""
        self.ensure_one()
        return words.points_text(self, points)

    # --- READERS ---

    def _has_figures(self):
        """Whether a reader of the definition may also read the values."""
        self.ensure_one()
        groups = self.sudo().group_ids  # superuser: the groups are compared, not shown
        return not groups or bool(groups & self.env.user.all_group_ids)

    def _check_figures(self):
        """Refuse users who are in none of the groups that may read the values."""
        for kpi in self:
            if not kpi._has_figures():
                # superuser: names of groups only, so that users know whom to ask
                raise AccessError(
                    self.env._(
                        "%(kpi)s: only members of %(groups)s can read its values.",
                        kpi=kpi.name,
                        groups=", ".join(kpi.sudo().group_ids.mapped("full_name")),
                    )
                )

    def _closed_to_user(self):
        """Those of these KPIs whose values the user may not read.

        The record rules say the same. This method is for code that reads values as superuser.
        """
        if self.env.su:
            return self.browse()
        groups = self.env.user.all_group_ids
        # superuser: the groups are compared, not shown
        return self.filtered(lambda kpi: (own := kpi.sudo().group_ids) and not own & groups)

    # --- ACTIONS ---

    def action_publish(self):
        self.write({"state": "published"})

    def action_draft(self):
        self.write({"state": "draft"})

    def action_publish_selected(self):
        """Publish the KPIs chosen in a list; one that is refused does not stop the others."""
        return switching.notification(self.env, switching.switch(self, self.browse()))

    def action_draft_selected(self):
        """Take the KPIs chosen in a list back to draft, as :meth:`action_publish_selected`."""
        return switching.notification(self.env, switching.switch(self.browse(), self))

    def action_refresh(self):
        """Compute now what is due of these KPIs."""
        if not self.env.user.has_group("crm_kpi.group_kpi_manager"):
            raise AccessError(self.env._("Only KPI managers can start a refresh."))
        history = self.env["crm.kpi.backfill"]
        if history._is_pending():
            raise UserError(
                self.env._(
                    "The history is still being read: %s. The values are computed when it is "
                    "complete.",
                    history._progress_text(),
                )
            )
        # superuser: values are computed for all readers; record rules apply when they are read
        written = self.sudo()._refresh(kpis=self.sudo())
        if not written.skipped:
            return None
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning",
                "message": self.env._(
                    "Another refresh computes the values of: %s.", ", ".join(written.skipped)
                ),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def action_recompute_history(self):
        """Replace the values of locked periods, of the formulas on these KPIs too."""
        if not self.env.user.has_group("crm_kpi.group_kpi_manager"):
            raise AccessError(self.env._("Only KPI managers can recompute the history."))
        self._check_figures()
        # before the first change: it would wait for the rows that another refresh writes
        claim_refresh(self.env)
        self._recompute_history()
        # superuser: the refresh needs the formulas too, also those that the user may not read
        self.sudo()._with_formula_users().action_refresh()

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

    def action_original(self):
        """Give the KPI its shipped definition again.

        Where it has values, a dialog asks from when the definition applies.
        """
        self.ensure_one()
        self.check_access("write")
        shipped = original.originals(self).get(self.id)
        if not shipped:
            raise UserError(self.env._("The installed version does not ship this KPI."))
        changed = original.changed_fields(self, shipped)
        texts = [name for name in changed if name in original.TEXTS]
        others = [name for name in changed if name not in {*texts, *DEFINING}]
        # texts of data files are in English
        self.with_context(lang=None).write(original.original_values(shipped, texts + others))
        original.restore_translations(self)
        defining = [name for name in changed if name in DEFINING]
        values = original.original_values(shipped, defining)
        wizards = self.env["crm.kpi.definition.change"]
        if action := values and wizards.propose(self._name, self.id, values):
            return action
        return self.write(values)

    def action_open_goals(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_kpi.crm_kpi_goal_action")
        return {
            **action,
            "name": self.env._("Goals of %s", self.name),
            "domain": [("kpi_id", "=", self.id)],
            "context": {"default_kpi_id": self.id},
        }

    def action_open_values(self):
        """The months of this KPI, most recent first."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_kpi.crm_kpi_value_action")
        return {
            **action,
            "name": self.env._("Values of %s", self.name),
            "domain": [("kpi_id", "=", self.id)],
            "views": [(False, "list"), (False, "graph"), (False, "pivot"), (False, "form")],
            "search_view_id": [self.env.ref("crm_kpi.crm_kpi_value_view_search").id, "search"],
            "context": {
                "search_default_kind_month": 1,
                "search_default_last_12_months": 1,
                "search_default_level_company": 1,
            },
        }

    def _open_cell_records(self, period, cell, name=None):
        """Action that opens the records that a cell counts, see ``definitions.cell_records``."""
        self.ensure_one()
        return cell_records.open_records(self, period, cell, name)

    @api.model
    @api.readonly
    def get_counts_in(self, model, record_id):
        """In which KPIs a record counts, and why it does not count in others.

        :param model: name of the model of a source
        """
        # superuser: whether there is a source of the model
        sources = self.env["crm.kpi.source"].sudo()
        if not isinstance(model, str) or not sources.search_count([("model_id.model", "=", model)]):
            raise UserError(self.env._("No KPI counts records of this kind."))
        record = self.env[model].browse(read_id(record_id) or ()).exists()
        if not record:
            raise UserError(self.env._("The record does not exist any more."))
        return asdict(counts_in(record))

    @api.model
    def _openable(self, records):
        """Domain of the records that a reader may open, in addition to their record rules.

        For glue addons whose records have no rules of their own but belong to records that do.
        """
        return Domain.TRUE

    @api.model
    @api.readonly
    def get_definition(self, kpi_id):
        """The definition in words: list of dicts of ``label`` and ``text``."""
        kpi = self.browse(read_id(kpi_id) or ()).exists()
        if not kpi:
            raise UserError(self.env._("KPI: it does not exist. Choose another."))
        kpi.check_access("read")
        return [line._asdict() for line in definition_lines(kpi)]

    # --- PREVIEW ---

    @api.model
    @api.readonly
    def get_preview(self, kpi_id, values, period_id=False, reason="included"):
        """What a KPI would show while it is edited; nothing is stored.

        What saving would refuse is a sentence in the answer.

        :param kpi_id: the KPI that is edited, ``False`` for a new one
        :param values: the fields of the form, of those in :data:`PREVIEWED`
        :param period_id: month of the split and of the records, by default the last one
        :param reason: the first records of this reason are shown
        :return: dict, see :class:`~odoo.addons.crm_kpi.board.preview.Preview`
        """
        self.check_access("create")
        try:
            kpi = self._unsaved(kpi_id, values)
            preview = Preview(hint=kpi._missing_text())
            if not preview.hint:
                kpi._check_definition()
                preview = KpiPreview(kpi, read_id(period_id), reason).compute()
        except UserError as error:
            preview = Preview(error=str(error))
        return asdict(preview)

    @api.model
    def open_preview(self, kpi_id, values, period_id=False, reason="included"):
        """Action that opens the records of a preview; the parameters are those of the preview."""
        self.check_access("create")
        kpi = self._unsaved(kpi_id, values)
        kpi._check_definition()
        return KpiPreview(kpi, read_id(period_id), reason).open_records()

    @api.model
    def _unsaved(self, kpi_id, values):
        """A KPI that is not saved, with the values of a form."""
        origin = self.browse(read_id(kpi_id) or ()).exists()
        if origin:
            origin._check_figures()
            origin.check_access("write")
        if not isinstance(values, dict):
            raise UserError(self.env._("The values of the form cannot be read."))
        known = {name: values[name] for name in PREVIEWED & values.keys()}
        for name, value in known.items():
            try:
                self._fields[name].convert_to_cache(value, self)
            except (TypeError, ValueError, OverflowError) as error:
                label = self._fields[name]._description_string(self.env)
                text = self.env._("%s: this value cannot be read. Enter it again.", label)
                raise UserError(text) from error
        if not origin:
            known = {**self.default_get(sorted(PREVIEWED)), **known}
        self._prepare_manual(known, known.get("kind"))
        kpi = self.new(known, origin=origin or None)
        kpi.source_id.check_access("read")
        kpi.company_id.check_access("read")
        if "date_field" in known and kpi.kind == "aggregate":
            kpi.source_id = kpi.source_id._draft_dated_by(known["date_field"])
        return kpi

    def _check_definition(self):
        """Refuse what saving would refuse."""
        if self.code:
            self._check_code()
        self._check_aggregate()
        self._check_formula()

    def _missing_text(self):
        """What to fill in before the KPI can be computed, in words; empty if nothing is missing."""
        if self.kind == "formula":
            return "" if self.formula else self.env._("Enter a formula to see a preview.")
        if self.kind == "manual":
            return "" if self._origin else self.env._("Values are entered when the KPI is saved.")
        if not self.source_id:
            return self.env._("Choose a source to see a preview.")
        if self.source_id.model not in self.env:
            return self.env._("The app that brings %s is not installed.", self.source_id.model)
        if self.aggregator != "count" and not self.value_field:
            return self.env._("Choose the field that is computed to see a preview.")
        return ""

    # --- REFRESH: see the package refresh ---

    @api.model
    def _refresh(self, periods=None, kpis=None):
        """Compute what is due and store it; see :meth:`Refresh.run`.

        :return: number of cells written, with the attribute ``skipped``
        """
        return Refresh(self.env, periods, kpis).run()

    @api.model
    def _cron_refresh(self):
        """The same in steps that are committed one by one; see :class:`ScheduledRefresh`."""
        ScheduledRefresh(self.env).run()

    @api.model
    def _cron_second(self):
        """Help with a long refresh; see :class:`SecondWorker`."""
        SecondWorker(self.env).run()

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
