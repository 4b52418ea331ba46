# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError

from ...board import given_values, kpi_checks
from ...fields import NullableFloat
from ..period.crm_kpi_period import KINDS

#: What a check expects of which data. After a change of these fields it must run again.
CASE = frozenset((
    "kpi_id", "basis", "company_id", "period_kind", "date_from", "date_last", "team_id", "user_id",
    "segment_id", "domain", "component_values", "expected", "no_value",
))  # fmt: skip
#: Fields that only a run sets.
GUARDED = frozenset(("result", "message", "run_date", "run_key", "due"))


class CrmKpiCheck(models.Model):
    """What a KPI must give for known data: records of a period, or values of its components.

    The checks of a KPI run before it is published. ``board.kpi_checks`` computes them.
    """

    _name = "crm.kpi.check"
    _description = "KPI Check"
    _order = "kpi_id, sequence, id"
    _check_company_auto = True

    kpi_id = fields.Many2one("crm.kpi", "KPI", required=True, index=True, ondelete="cascade")
    sequence = fields.Integer(default=100)
    name = fields.Char("Check", required=True, translate=True)
    basis = fields.Selection(
        [
            ("records", "Records of a period"),
            ("components", "Values of the components"),
        ],
        "Data",
        required=True,
        compute="_compute_basis",
        store=True,
        readonly=False,
        precompute=True,
    )
    company_id = fields.Many2one(
        "res.company",
        compute="_compute_company_id",
        store=True,
        readonly=False,
        precompute=True,
        index="btree_not_null",
        ondelete="cascade",
        help="The company whose records are counted.",
    )
    period_kind = fields.Selection(KINDS, "Period", default="month")
    date_from = fields.Date(
        "Day", help="Any day in the period. For a month, 17 March means the whole of March."
    )
    date_last = fields.Date("Last day")
    team_id = fields.Many2one(
        "crm.team", "Sales Team", check_company=True, index="btree_not_null", ondelete="cascade"
    )
    user_id = fields.Many2one(
        "res.users",
        "Salesperson",
        check_company=True,
        index="btree_not_null",
        ondelete="cascade",
        domain=[("share", "=", False)],
    )
    segment_id = fields.Many2one(
        "crm.kpi.segment",
        index="btree_not_null",
        ondelete="cascade",
        domain="[('set_id.company_id', 'in', [False, company_id])]",
    )
    domain = fields.Char("Extra filter", default="[]")
    component_values = fields.Text(
        "Component values",
        compute="_compute_component_values",
        store=True,
        readonly=False,
        precompute=True,
        help="One line for each component, for example deals_won = 6. Percentages as 25 %, and "
        "none for a component without value.",
    )
    expected = NullableFloat("Expected value", aggregator=None)
    no_value = fields.Boolean("Expect no value", help="The KPI must have no value, which is not 0.")

    kpi_kind = fields.Selection(related="kpi_id.kind", string="Kind of KPI")
    unit = fields.Selection(related="kpi_id.unit")
    source_model = fields.Char(related="kpi_id.source_model")
    currency_id = fields.Many2one("res.currency", compute="_compute_currency_id")
    data_text = fields.Char("For", compute="_compute_texts")
    expected_text = fields.Char("Expected", compute="_compute_texts")

    # --- the last run ---
    result = fields.Selection(
        [("passed", "Passed"), ("failed", "Failed"), ("error", "Not computed")],
        "Last result",
        readonly=True,
        copy=False,
    )
    message = fields.Text("Details", readonly=True, copy=False)
    run_date = fields.Datetime("Last run", readonly=True, copy=False)
    run_key = fields.Char(
        readonly=True,
        copy=False,
        help="The definition of the KPI in the last run. Empty when the check has changed since.",
    )
    due = fields.Boolean(
        readonly=True, copy=False, help="The next refresh runs the check, because of an upgrade."
    )
    state = fields.Selection(
        [
            ("new", "Not run yet"),
            ("again", "To run again"),
            ("passed", "Passed"),
            ("failed", "Failed"),
            ("error", "Not computed"),
        ],
        "Result",
        compute="_compute_state",
        help="To run again: the KPI or the check has changed since the last run.",
    )

    _due_idx = models.Index("(id) WHERE due")

    # --- COMPUTES ---

    @api.depends("kpi_id")
    def _compute_basis(self):
        for check in self:
            check.basis = "components" if check.kpi_id.kind == "formula" else "records"

    @api.depends("kpi_id", "basis")
    def _compute_company_id(self):
        for check in self:
            if check.basis == "records":
                own = check.kpi_id.company_id
                check.company_id = own or check.company_id or self.env.company
            else:
                check.company_id = False

    @api.depends("kpi_id", "basis")
    def _compute_component_values(self):
        for check in self:
            text = check.component_values
            if check.basis == "components" and not text and check.kpi_id.kind == "formula":
                text = given_values.proposed(check.kpi_id)
            check.component_values = text

    @api.depends("company_id", "kpi_id.company_id")
    @api.depends_context("company")
    def _compute_currency_id(self):
        for check in self:
            # superuser: only the currency
            check.currency_id = kpi_checks.company_of(check).sudo().currency_id

    @api.depends(*CASE, "kpi_id.unit", "kpi_id.digits", "kpi_id.formula", "kpi_id.source_id")
    @api.depends_context("lang", "uid", "company")
    def _compute_texts(self):
        for check in self:
            check.data_text = kpi_checks.data_text(check)
            check.expected_text = kpi_checks.expected_text(check)

    @api.depends("result", "run_date", "run_key", "kpi_id.version", "kpi_id.digits")
    def _compute_state(self):
        for check in self:
            if not check.run_date:
                check.state = "new"
            elif check.run_key != check._key():
                check.state = "again"
            else:
                check.state = check.result

    def _key(self):
        """What a result depends on beside the check: the definition of the KPI."""
        return f"{self.kpi_id.version}/{self.kpi_id.digits}"

    # --- CONSTRAINTS ---

    @api.constrains("kpi_id", "expected", "no_value")
    def _check_expected(self):
        for check in self:
            if check.expected is False and not check.no_value:
                raise ValidationError(
                    self.env._("Expected value: enter a number, or tick “Expect no value”.")
                )

    @api.constrains(
        "kpi_id", "basis", "company_id", "period_kind", "date_from", "date_last", "team_id",
        "user_id", "segment_id", "domain", "component_values",
    )  # fmt: skip
    def _check_data(self):
        for check in self:
            if check.basis == "components":
                check._check_components()
            else:
                check._check_period()
                check._check_cell()
                check._check_filter()

    def _check_components(self):
        if self.kpi_id.kind != "formula":
            raise ValidationError(
                self.env._(
                    "Data: only a KPI that is calculated from other KPIs has components. Choose "
                    "the records of a period."
                )
            )
        given = given_values.read(self.env, self.component_values)
        given_values.evaluate(self.kpi_id, given)

    def _check_period(self):
        if not self.period_kind or not self.date_from:
            raise ValidationError(self.env._("Day: choose a day in the period of the check."))
        if self.period_kind != "custom":
            return
        if not self.date_last or self.date_last < self.date_from:
            raise ValidationError(
                self.env._("Last day: choose the first day of the period, or a later one.")
            )

    def _check_cell(self):
        if self.team_id and self.user_id:
            raise ValidationError(
                self.env._("Sales Team, Salesperson: choose one of them and leave the other empty.")
            )
        # constraints run as superuser: the check would show values of a company of others
        self.company_id.sudo(False).check_access("read")
        owner = self.kpi_id.company_id
        if owner and self.company_id != owner:
            raise ValidationError(
                self.env._(
                    "Company: %(kpi)s is computed in %(company)s only. Choose this company.",
                    kpi=self.kpi_id.name,
                    company=owner.name,
                )
            )
        owner = self.segment_id.set_id.company_id
        if owner and self.company_id != owner:
            raise ValidationError(
                self.env._(
                    "Segment: “%(segment)s” belongs to %(company)s. Choose another segment.",
                    segment=self.segment_id.name,
                    company=owner.name,
                )
            )

    def _check_filter(self):
        if not self.domain or self.domain == "[]":
            return
        label = self._fields["domain"]._description_string(self.env)
        if self.kpi_id.kind != "formula":
            if self.kpi_id.source_id.model in self.env:
                self.kpi_id.source_id._check_domain(label, self.domain)
        else:
            raise ValidationError(
                self.env._(
                    "%s: only the records of one source can be filtered, not those of a formula. "
                    "Remove the filter, or add a check to a component.",
                    label,
                )
            )

    # --- CRUD ---

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_guarded(vals)
        return super().create(vals_list)

    def write(self, vals):
        self._check_guarded(vals)
        if CASE & vals.keys():
            # superuser: users cannot write this field; the check must run again
            self.check_access("write")
            super(CrmKpiCheck, self.sudo()).write({"run_key": False})
        return super().write(vals)

    def _check_guarded(self, vals):
        if not self.env.su and GUARDED & vals.keys():
            raise AccessError(self.env._("Result: it cannot be entered. Run the check instead."))

    # --- RUNNING ---

    def _run(self, seconds=kpi_checks.SECONDS):
        """Run the checks, and keep their results."""
        # superuser: the KPI counts all records for all readers, and so does its check. Who runs it
        # may read all values of the KPI, and define one with the same filter
        for check in self.sudo():
            found = kpi_checks.outcome(check, seconds)
            check.write(
                {
                    "result": found.result,
                    "message": kpi_checks.outcome_text(check, found),
                    "run_date": fields.Datetime.now(),
                    "run_key": check._key(),
                    "due": False,
                }
            )

    def _check_passing(self):
        """Refuse to publish a KPI of which a check does not pass.

        :raise ValidationError: one sentence for each of these checks, with the remedy
        """
        problems = []
        # superuser: for the reason given in _run()
        for check in self.sudo():
            found = kpi_checks.outcome(check)
            if found.result != "passed":
                # constraints run as superuser: the user may not read the check
                is_readable = check.sudo(False).has_access("read")
                problems.append(kpi_checks.problem_text(check, found, is_readable))
        if problems:
            raise ValidationError("\n".join(problems))

    def _failing_text(self):
        """How many of the checks do not pass, in words; empty for none."""
        count = len(self.filtered(lambda check: check.state in ("failed", "error")))
        if not count:
            return ""
        if count == 1:
            return self.env._("1 check fails. The tab Checks says why.")
        return self.env._("%s checks fail. The tab Checks says why.", count)

    def action_take_value(self):
        """Make the value that the KPI gives now the expected one."""
        self.ensure_one()
        self.check_access("write")
        self.kpi_id._check_figures()
        # superuser: for the reason given in _run()
        value = kpi_checks.compute(self.sudo())
        self.write({"expected": value, "no_value": value is None})
        self._run()

    # --- AFTER AN UPGRADE ---

    @api.model
    def _mark_upgraded(self):
        """Have the next refresh run the checks of published KPIs, while the addon is upgraded."""
        if self.env.ref("base.module_crm_kpi").state == "to upgrade":
            published = [("kpi_id.state", "=", "published"), ("kpi_id.active", "=", True)]
            self.search(published).due = True

    @api.model
    def _run_due(self, limit=None):
        """Run the checks that an upgrade marked.

        :param limit: number of checks; ``None``: all
        :return: whether all have run
        """
        due = self.search([("due", "=", True)], limit=limit)
        due._run(kpi_checks.SECONDS_IN_REFRESH)
        return limit is None or len(due) < limit
