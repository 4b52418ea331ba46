# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from dataclasses import asdict

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

from ...board.counts_in import counts_in, record_to_explain
from ...board.figures import find_kpis, read_figures
from ...board.filters import Filters, read_id
from ...board.preview import open_unsaved, preview_unsaved
from ...definitions import (
    cell_records,
    changes,
    checks,
    data_warnings,
    formula_checks,
    new_version,
    opening,
    original,
    readers,
    switching,
    usage,
    value_choice,
    words,
)
from ...definitions.changes import DEFINING
from ...definitions.choices import AGGREGATORS, METRIC_CLASSES, UNITS
from ...definitions.definition_words import definition_html, definition_lines
from ...definitions.first_values import first_values_text, waits_for_values
from ...definitions.prepare import prepare_definition, prepare_new, with_dated_source
from ...definitions.proposals import common_people, propose_category
from ...engine import formula as engine
from ...engine import values
from ...engine.cells import ZERO_WHEN_EMPTY
from ...refresh.claim import claim_refresh
from ...refresh.on_request import refresh_now
from ...refresh.past import is_rebuilt, unknown_until
from ...refresh.periods import delete_short_periods, refresh_periods
from ...refresh.refresh import Refresh, ScheduledRefresh, SecondWorker
from .crm_kpi_source import COMPARED_PEOPLE


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
    is_followed = fields.Boolean(
        "Followed",
        compute="_compute_is_followed",
        help="The current user gets a mail when this KPI changes.",
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
    alert_count = fields.Integer("Alerts", compute="_compute_used_in")
    first_values_text = fields.Char(compute="_compute_first_values_text")
    check_ids = fields.One2many(
        "crm.kpi.check",
        "kpi_id",
        "Checks",
        copy=True,
        groups="crm_kpi.group_kpi_admin",
        help="Known data with the value that the KPI must give.",
    )
    check_warning = fields.Char(compute="_compute_check_warning", groups="crm_kpi.group_kpi_admin")
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

    _code_uniq = models.Constraint(
        "UNIQUE(code)", "Code: another KPI has this code already. Choose another."
    )

    # --- COMPUTES ---

    @api.depends("kind", "formula")
    def _compute_component_ids(self):
        for kpi in self:
            kpi.component_ids = self._by_code(formula_checks.component_codes(kpi))

    @api.depends("source_id.compared_people", "component_ids.compared_people")
    def _compute_compared_people(self):
        for kpi in self:
            kpi.compared_people = common_people(kpi.source_id or kpi.component_ids)

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
            kpi.alert_count = found.alerts

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
        waiting = self.filtered(waits_for_values)
        (self - waiting).first_values_text = False
        if waiting:
            waiting.first_values_text = first_values_text(self.env)

    @api.depends("check_ids.state")
    @api.depends_context("lang")
    def _compute_check_warning(self):
        for kpi in self:
            kpi.check_warning = kpi.check_ids._failing_text()

    @api.depends("domain", "value_field", "component_ids", "needs_history")
    @api.depends_context("lang", "allowed_company_ids")
    def _compute_data_warning(self):
        for kpi in self:
            kpi.data_warning = data_warnings.data_warning(kpi)

    @api.depends("value_field")
    def _compute_value_choice(self):
        for kpi in self:
            kpi.value_choice = value_choice.choice_of(kpi.value_field)

    def _inverse_value(self):
        """One inverse, so that all that is written is known when the value is put together."""
        for kpi in self:
            value_choice.take_choice(kpi)

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
            kpi.value_choices = value_choice.offered_paths(kpi)

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

    @api.depends_context("uid", "company")
    def _compute_is_followed(self):
        followed = self.env["crm.kpi.follow"]._followed(self._origin, self._filters_to_follow())
        for kpi in self:
            kpi.is_followed = kpi._origin in followed

    # --- ONCHANGES ---

    @api.onchange("value_choice")
    def _onchange_value_choice(self):
        value_choice.take_choice(self)
        value_choice.propose_value(self)

    @api.onchange("name")
    def _onchange_name(self):
        if self.name and not self.code:
            self.code = checks.free_code(self, checks.code_from_name(self.name))

    @api.onchange("formula")
    def _onchange_formula(self):
        """Propose unit and decimals of a new KPI, until the user chooses another unit.

        With the category of its components.
        """
        if self.formula:
            self.formula = engine.stored_form(self.formula)
        propose_category(self)
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
        value_choice.take_dates(self)

    @api.onchange("aggregator")
    def _onchange_aggregator(self):
        value_choice.propose_value(self)

    @api.onchange("source_id")
    def _onchange_source_id(self):
        value_choice.take_source(self)
        propose_category(self)

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

    @api.constrains("digits", "min_sample", "counter_kpi_id")
    def _check_display(self):
        for kpi in self:
            checks.check_display(kpi)

    @api.constrains("state")
    def _check_before_publishing(self):
        self.filtered(lambda kpi: kpi.state == "published").check_ids._check_passing()

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
        return words.component_parts(self.search([])) + words.formula_parts(self.env)

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
        return formula_checks.check_typed(kpi)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        usage.check_not_in_formulas(self)
        switching.check_no_running_goals(self)

    # --- CRUD ---

    @api.model_create_multi
    def create(self, vals_list):
        vals_list = [with_dated_source(self.env, vals) for vals in vals_list]
        for vals in vals_list:
            prepare_new(self, vals)
        kpis = super().create(vals_list)
        for kpi in kpis.filtered("component_ids"):
            kpi.version = new_version.next_version(kpi, 0)
        return kpis

    def write(self, vals):
        if "date_field" in vals:
            for kpi in self:
                before = kpi.source_id
                kpi.write(with_dated_source(self.env, vals, before))
                (before - kpi.source_id)._delete_unused_dates()
            return True
        if "code" in vals:
            usage.check_code_unused(self, vals["code"])
        switching.check_switch(self, vals)
        if DEFINING & vals.keys():
            prepare_definition(self.env, vals)
            before = {kpi: changes.definition_of(kpi, DEFINING) for kpi in self}
            result = super().write(vals)
            self.filtered(
                lambda kpi: before[kpi] != changes.definition_of(kpi, DEFINING)
            )._note_new_version()
        else:
            result = super().write(vals)
        new_version.follow_change(self, vals)
        return result

    def _note_new_version(self):
        """See :func:`~...definitions.new_version.note_new_version`."""
        new_version.note_new_version(self)

    def _recompute_history(self):
        """See :func:`~...definitions.new_version.recompute_history`."""
        new_version.recompute_history(self)

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        for kpi, vals in zip(self, vals_list, strict=True):
            if "name" not in (default or {}):
                vals["name"] = self.env._("%s (copy)", kpi.name)
            if "code" not in vals:
                vals["code"] = checks.free_code(self, f"{kpi.code}_copy")
        return vals_list

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
        """Whether enough is known of the customers, and of the past of the records, for the KPI to
        have a value in the period."""
        known_from = self.needs_history and period.company_id._kpi_customers_known_from()
        if known_from and period.date_from < known_from:
            return False
        unknown = unknown_until(self, period.company_id)
        return unknown is None or period.utc_to > unknown

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

        :return: see :func:`~odoo.addons.crm_kpi.definitions.words.number_formats`
        """
        return words.number_formats(self.search([]))

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
        return readers.has_figures(self)

    def _check_figures(self):
        """Refuse users who are in none of the groups that may read the values."""
        readers.check_figures(self)

    def _closed_to_user(self):
        """Those of these KPIs whose values the user may not read.

        The record rules say the same. This method is for code that reads values as superuser.
        """
        return readers.closed_to_user(self)

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

    def action_run_checks(self):
        self.check_access("write")
        self._check_figures()
        self.check_ids._run()

    def action_refresh(self):
        """Compute now what is due of these KPIs."""
        return refresh_now(self)

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
        return opening.open_definition(self)

    def action_original(self):
        """Give the KPI its shipped definition again.

        Where it has values, a dialog asks from when the definition applies.
        """
        self.ensure_one()
        return original.restore(self)

    @api.model
    def _filters_to_follow(self):
        """The filters to follow a KPI with that no board shows: months of the company, or own ones."""
        sees_all = self.env.user.has_group("crm_kpi.group_kpi_user_all")
        return Filters(period_kind="month", scope="company" if sees_all else "mine")

    def action_follow(self):
        """Follow the KPI by mail, or stop following it."""
        self.ensure_one()
        filters = self._filters_to_follow().to_dict()
        answer = self.env["crm.kpi.follow"].toggle(filters, kpi_id=self.id)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": answer["text"],
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def action_open_goals(self):
        self.ensure_one()
        return opening.open_goals(self)

    def action_open_alerts(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_kpi.crm_kpi_alert_action")
        return {
            **action,
            "name": self.env._("Alerts on %s", self.name),
            "domain": [("kpi_id", "=", self.id)],
            "context": {"default_kpi_id": self.id},
        }

    def action_open_values(self):
        """The months of this KPI, most recent first."""
        self.ensure_one()
        return opening.open_values(self)

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
        return asdict(counts_in(record_to_explain(self.env, model, record_id)))

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
        :param values: the fields of the form, of those in
            :data:`~odoo.addons.crm_kpi.definitions.unsaved.PREVIEWED`
        :param period_id: month of the split and of the records, by default the last one
        :param reason: the first records of this reason are shown
        :return: dict, see :class:`~odoo.addons.crm_kpi.board.preview.Preview`
        """
        self.check_access("create")
        return asdict(preview_unsaved(self, read_id(kpi_id), values, read_id(period_id), reason))

    @api.model
    def open_preview(self, kpi_id, values, period_id=False, reason="included"):
        """Action that opens the records of a preview; the parameters are those of the preview."""
        self.check_access("create")
        return open_unsaved(self, read_id(kpi_id), values, read_id(period_id), reason)

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
