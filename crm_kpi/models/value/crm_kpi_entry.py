# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import base64
import io
import math
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta

from psycopg2.errors import UniqueViolation

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...engine import periods as calendar
from ...entries.grid import EntryGrid
from ...entries.sheet import read_sheet, write_sheet
from ..period.crm_kpi_period import KINDS


class CrmKpiEntry(models.Model):
    """A value that a user enters for a span of days.

    It counts in every period that contains all of its days: a value of a month counts in the
    month, its quarter and its year. The entries of a KPI are added up or averaged, as the KPI
    defines; entries of salespeople also count for their company.
    """

    _name = "crm.kpi.entry"
    _description = "KPI Manual Value"
    _kpi_measurable = True
    _inherit = ["crm.kpi.scope.mixin"]
    _order = "date_from desc, kpi_id, id desc"

    kpi_id = fields.Many2one(
        "crm.kpi",
        "KPI",
        required=True,
        index=True,
        ondelete="restrict",
        check_company=True,
        domain="[('kind', '=', 'manual')]",
    )
    period_kind = fields.Selection(
        KINDS,
        "Period",
        required=True,
        default="month",
        help="The kind of period that the value covers. Custom: any first and last day.",
    )
    date = fields.Date(
        "Day",
        default=fields.Date.context_today,
        help="Any day in the period. For a month, 17 March means the whole of March.",
    )
    date_from = fields.Date(
        "First day",
        required=True,
        compute="_compute_dates",
        store=True,
        readonly=False,
        precompute=True,
    )
    date_to = fields.Date(
        "Day after the last",
        required=True,
        compute="_compute_dates",
        store=True,
        readonly=False,
        precompute=True,
    )
    date_last = fields.Date("Last day", compute="_compute_date_last", inverse="_inverse_date_last")
    team_id = fields.Many2one(
        ondelete="cascade",
        help="Leave empty if it belongs to no team. It always counts for the company.",
    )
    user_id = fields.Many2one(
        ondelete="cascade",
        help="Leave empty if it belongs to no salesperson. It always counts for the company.",
    )
    segment_id = fields.Many2one(
        ondelete="cascade",
        help="Leave empty if it does not belong to a segment. It then has no value by segment.",
    )
    value = fields.Float(
        required=True,
        digits=(16, 4),
        aggregator=None,
        help="In the unit of the KPI. Enter money in the company's currency and percentages as a "
        "fraction: 0.25 is 25 %.",
    )
    unit = fields.Selection(related="kpi_id.unit")
    left_out_text = fields.Char(
        "Not counted in",
        compute="_compute_left_out_text",
        help="Longer periods that contain only a part of the days, so that the value does not "
        "count in them.",
    )
    note = fields.Char(help="Origin of the value.")

    _same_uniq = models.UniqueIndex(
        "(kpi_id, company_id, date_from, date_to, COALESCE(team_id, 0), COALESCE(user_id, 0),"
        " COALESCE(segment_id, 0))",
        "There is already an entry for this KPI, period, team, salesperson and segment. Change "
        "that entry.",
    )
    _span_positive = models.Constraint(
        "CHECK (date_from < date_to)", "Last day: it must not be before the first day."
    )
    _span_idx = models.Index("(kpi_id, date_from, date_to)")

    # --- COMPUTES ---

    @api.depends("period_kind", "date", "company_id")
    def _compute_dates(self):
        for entry in self:
            day = entry.date or entry.date_from or fields.Date.context_today(entry)
            if entry.period_kind and entry.period_kind != "custom":
                entry.date_from, entry.date_to = entry._bounds(entry.period_kind, day)
            else:
                entry.date_from = entry.date_from or day
                entry.date_to = entry.date_to or entry.date_from + timedelta(days=1)

    def _bounds(self, kind, day):
        """First day, and first day after, of the period of a kind that holds a day."""
        company = self.company_id or self.env.company
        return calendar.bounds(kind, day, company._kpi_week_start())

    @api.depends("date_to")
    def _compute_date_last(self):
        for entry in self:
            entry.date_last = entry.date_to and entry.date_to - timedelta(days=1)

    @api.onchange("date_last")
    def _inverse_date_last(self):
        for entry in self:
            if entry.date_last:
                entry.date_to = entry.date_last + timedelta(days=1)

    @api.depends("kpi_id", "date_from", "date_to", "period_kind", "company_id")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for entry in self:
            span = ""
            if entry.period_kind and entry.date_from and entry.date_to:
                span = entry._fiscal_name() or calendar.code(
                    entry.period_kind, entry.date_from, entry.date_to
                )
            entry.display_name = f"{entry.kpi_id.name or ''} {span}".strip()

    def _fiscal_name(self):
        """Name of the days where they are a fiscal year or quarter, else ``None``."""
        period = self.env["crm.kpi.period"].new(
            {
                "company_id": self.company_id.id,
                "kind": self.period_kind,
                "date_from": self.date_from,
                "date_to": self.date_to,
            }
        )
        return period._fiscal_name()

    @api.depends("date_from", "date_to", "company_id")
    @api.depends_context("lang")
    def _compute_left_out_text(self):
        for entry in self:
            kinds = entry._left_out_of() if entry.date_from and entry.date_to else []
            entry.left_out_text = ", ".join(kinds) or False

    def _left_out_of(self):
        """Names of the longer kinds of period in which the value does not count."""
        model = self.env["crm.kpi.period"].with_company(self.company_id)
        days = self.date_from, self.date_to
        names = []
        for kind, name in model._kinds():
            if kind in ("day", "week", "custom"):
                continue
            spans = model._spans(kind, *days)[1]
            longest = max((after - first for first, after in spans), default=timedelta())
            if self.date_to - self.date_from <= longest and len(spans) > 1:
                names.append(name)
        return names

    @api.onchange("kpi_id", "value")
    def _onchange_value(self):
        if self.unit == "percent" and abs(self.value) > 1:
            return {
                "warning": {
                    "title": self.env._("Percentage"),
                    "message": self.env._(
                        "Enter percentages as a fraction: 0.25 is 25 %%. %(value)s is %(percent)s %%.",
                        value=self.value,
                        percent=round(self.value * 100, 2),
                    ),
                }
            }
        return None

    # --- CHECKS ---

    @api.constrains("kpi_id")
    def _check_kpi(self):
        for entry in self:
            if entry.kpi_id.kind != "manual":
                raise ValidationError(
                    self.env._(
                        "KPI: “%s” is computed. Choose a KPI of the kind Manual entries.",
                        entry.kpi_id.name,
                    )
                )

    @api.constrains("period_kind", "date_from", "date_to")
    def _check_dates(self):
        for entry in self.filtered(lambda e: e.period_kind != "custom"):
            expected = entry._bounds(entry.period_kind, entry.date_from)
            if (entry.date_from, entry.date_to) != expected:
                raise ValidationError(
                    self.env._(
                        "First day, Last day: a %(kind)s runs from %(first)s to %(last)s. Use "
                        "these days, or the period Custom.",
                        kind=dict(self._fields["period_kind"]._description_selection(self.env))[
                            entry.period_kind
                        ].lower(),
                        first=expected[0],
                        last=expected[1] - timedelta(days=1),
                    )
                )

    # --- TABLE ---

    @api.model
    @api.readonly
    def get_grid(self, options=None):
        """The manual values of the current company as a table, see :class:`EntryGrid`."""
        return EntryGrid(self.env, options).table()

    @api.model
    def save_grid(self, options, changes):
        """Save changes of the table; all of them or none, see :meth:`EntryGrid.save`.

        :return: the table after that
        """
        with self.env.cr.savepoint():
            EntryGrid(self.env, options).save(changes)
        return EntryGrid(self.env, options).table()

    @api.model
    @api.readonly
    def get_grid_file(self, options=None):
        """The table as an Excel sheet to fill in: dict of ``name`` and ``content`` (Base64)."""
        file = io.BytesIO()
        name = write_sheet(EntryGrid(self.env, options), file)
        return {"name": name, "content": base64.b64encode(file.getvalue()).decode()}

    @api.model
    @api.readonly
    def read_grid_file(self, content):
        """The table of an uploaded sheet and the values that differ, see :func:`read_sheet`.

        Nothing is saved.

        :param content: an Excel or CSV file in Base64
        :return: dict of ``table`` and ``changes`` (list of dicts of ``line, column, value``)
        """
        table, changes = read_sheet(self.env, content)
        return {"table": table, "changes": [asdict(change) for change in changes]}

    # --- CRUD ---

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_number(vals.get("value"))
            first, last = vals.get("date_from"), vals.get("date_to")
            if first and last and not vals.get("date"):
                # imports and integrations set only the two dates
                company = self.env["res.company"].browse(
                    vals.get("company_id") or self.env.company.id
                )
                vals.update({**self._calendar_of(first, last, company), **vals})
        with self._duplicates_refused():
            return super().create(vals_list)

    def write(self, vals):
        if "value" in vals:
            self._check_number(vals["value"])
        if vals.keys() <= {"value", "note"}:
            return super().write(vals)  # no duplicate: what the entry is about stays
        with self._duplicates_refused():
            result = super().write(vals)
            self.flush_recordset()
        return result

    @api.model
    def _check_number(self, value):
        """Refuse an empty value, because no value is not zero."""
        if value is None or value is False or not math.isfinite(value):
            raise ValidationError(
                self.env._("Value: enter a number. Create no entry if there is no value.")
            )

    @api.model
    def _calendar_of(self, date_from, date_to, company):
        """The kind of period of a company, and the day, that match two dates."""
        date_from, date_to = fields.Date.to_date(date_from), fields.Date.to_date(date_to)
        for kind in calendar.CALENDAR_KINDS:
            if calendar.bounds(kind, date_from, company._kpi_week_start()) == (date_from, date_to):
                return {"period_kind": kind, "date": date_from}
        return {"period_kind": "custom", "date": date_from}

    @contextmanager
    def _duplicates_refused(self):
        """Explain a violation of the unique index, which also holds between transactions."""
        try:
            with self.env.cr.savepoint():
                yield
        except UniqueViolation as error:
            if error.diag.constraint_name != "crm_kpi_entry_same_uniq":
                raise
            raise ValidationError(
                self.env._(
                    "KPI, Period, Sales Team, Salesperson, Segment: there is already an entry with "
                    "these values. Change that entry, or change one of the fields."
                )
            ) from error
