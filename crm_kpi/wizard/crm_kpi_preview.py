# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ..definitions import words
from ..engine import formula as engine
from ..engine import periods as calendar
from ..engine.cells import cells
from ..engine.functions import FUNCTIONS
from ..fields import NullableFloat

#: Number of records shown as examples.
SHOWN = 20


class CrmKpiPreview(models.TransientModel):
    """Preview of a KPI: its value in a period, of the records that the user may read.

    Nothing is stored.
    """

    _name = "crm.kpi.preview"
    _description = "KPI Preview"

    kpi_id = fields.Many2one("crm.kpi", "KPI", required=True, readonly=True, ondelete="cascade")
    period_id = fields.Many2one(
        "crm.kpi.period",
        required=True,
        default=lambda self: self._last_month(),
        domain="[('company_id', '=', company_id), ('state', '!=', 'future'), "
        "('kind', '!=', 'to_date')]",
        ondelete="cascade",
    )
    company_id = fields.Many2one("res.company", default=lambda self: self.env.company)
    value = NullableFloat("Value (plain number)", compute="_compute_result")
    value_text = fields.Char("Value", compute="_compute_result")
    record_count = fields.Integer("Records", compute="_compute_result")
    detail = fields.Text("First records", compute="_compute_result")

    @api.model
    def _last_month(self):
        company = self.env.company
        today = calendar.local_day(fields.Datetime.now(), company._kpi_tz())
        day = today.replace(day=1) - timedelta(days=1)
        # superuser: periods are the same for all users
        return self.env["crm.kpi.period"].sudo()._current("month", company, day)

    @api.depends("kpi_id", "period_id")
    def _compute_result(self):
        for wizard in self:
            value, record_count, lines = wizard._result(wizard.kpi_id, wizard.period_id)
            wizard.value = value
            wizard.value_text = wizard.kpi_id._format_value(
                value, wizard.period_id.company_id.currency_id
            )
            wizard.record_count = record_count
            wizard.detail = "\n".join(lines)

    def _result(self, kpi, period):
        """Value, number of records, and one line of text for each example."""
        self._check_open(kpi)
        if kpi.kind == "formula":
            return self._formula_result(kpi, period)
        source = kpi.source_id
        # superuser: settings of the company; which records are counted is up to the user's rights
        period = period.sudo()
        if not kpi._is_reliable(period):
            return None, 0, [self.env._("Customers of earlier periods are not known yet.")]
        self.env.flush_all()
        now = fields.Datetime.now()
        plan = source._plan(period.company_id, period, now, kpi, reader=self.env)
        rows = self.env.execute_query(
            SQL(
                "WITH facts AS (%s) SELECT value, record_count FROM (%s) AS c WHERE level = 'company'",
                plan.facts(),
                cells(plan),
            )
        )
        value, record_count = rows[0] if rows else (0.0 if kpi._zero_when_empty else None, 0)
        cell = {"level": "company"}
        ids = source._record_ids(kpi, period, cell, limit=SHOWN)
        records = self.env[source._record_model()].with_context(crm_kpi_period_ids=period.ids)
        if not records.has_access("read"):
            return value, record_count, [self.env._("You may not read these records.")]
        records = records.search([("id", "in", ids)], limit=SHOWN)
        return value, record_count, records.mapped("display_name")

    @api.constrains("period_id")
    def _check_period(self):
        for wizard in self:
            # constraints run as superuser: the rights of the user are asked for
            wizard.period_id.sudo(False).check_access("read")

    def _check_open(self, kpi):
        self.period_id.check_access("read")
        if closed := kpi._closed_to_user():
            raise AccessError(
                self.env._(
                    "Only members of %(groups)s can read %(kpi)s.",
                    kpi=closed.name,
                    # superuser: names of groups only; the user can read the definition
                    groups=", ".join(closed.sudo().group_ids.mapped("full_name")),
                )
            )

    def _formula_result(self, kpi, period):
        try:
            formula = engine.parse(kpi.formula)
        except engine.FormulaError as error:
            raise UserError(kpi._formula_message(error)) from error
        periods = {
            "": period,
            "previous": period._previous().get(period),
            "last_year": period._previous(years=1).get(period),
        }
        values, lines, numbers = {}, [], {}
        for component in formula.components:
            other = kpi._by_code([component.code])
            value, record_count = None, 0
            if component.shift == "target":
                goal = self.env["crm.kpi.goal"].search(
                    [
                        ("kpi_id", "=", other.id),
                        ("period_id", "=", period.id),
                        ("scope", "=", "company"),
                    ],
                    limit=1,
                )
                value = goal.target if goal else None
            elif periods[component.shift]:
                value, record_count, _lines = self._result(other, periods[component.shift])
            values[component] = value
            numbers[component] = record_count
            label = other.name
            if component.shift:
                label = words.function_words(self.env, FUNCTIONS[component.shift], [label])
            lines.append(f"{label}: {other._format_value(value, period.company_id.currency_id)}")
        constants = period._formula_constants()
        return formula.evaluate(values, constants), formula.sample(numbers) or 0, lines

    def _open(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Preview of %s", self.kpi_id.name),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_records(self):
        """Open those of the records behind the value that the user may read."""
        self.ensure_one()
        kpi = self.kpi_id
        self._check_open(kpi)
        return kpi._open_cell_records(self.period_id, {"level": "company"})
