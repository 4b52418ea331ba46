# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import datetime, timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools.misc import format_date, format_datetime, format_time, formatLang

from ..engine import periods as calendar
from ..models.res_company import EXPENSE_ACCOUNTS


class CrmKpiSettings(models.TransientModel):
    """The settings of KPIs of a company, for KPI administrators without system rights.

    The fields are those of the company. What is saved here is written to the company, if it differs.
    """

    _name = "crm.kpi.settings"
    _description = "KPI Settings"

    company_id = fields.Many2one(
        "res.company",
        required=True,
        readonly=True,
        default=lambda self: self.env.company,
        ondelete="cascade",
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    history_text = fields.Char("History being read", compute="_compute_history_text")
    fiscal_year_text = fields.Char("Fiscal year", compute="_compute_fiscal_year_text")
    examples = fields.Json(
        compute="_compute_examples", help="What the settings of this form mean, by their names."
    )

    # --- periods ---
    kpi_tz = fields.Selection(related="company_id.kpi_tz", readonly=False)
    kpi_week_start = fields.Selection(related="company_id.kpi_week_start", readonly=False)
    kpi_history_start = fields.Date(related="company_id.kpi_history_start", readonly=False)
    kpi_provisional_periods = fields.Integer(
        related="company_id.kpi_provisional_periods", readonly=False
    )
    kpi_crossed_months = fields.Integer(related="company_id.kpi_crossed_months", readonly=False)

    # --- customers ---
    kpi_inactivity_days = fields.Integer(related="company_id.kpi_inactivity_days", readonly=False)
    kpi_at_risk_days = fields.Integer(related="company_id.kpi_at_risk_days", readonly=False)
    kpi_at_risk_factor = fields.Float(related="company_id.kpi_at_risk_factor", readonly=False)
    kpi_min_cell = fields.Integer(related="company_id.kpi_min_cell", readonly=False)
    kpi_revenue_basis = fields.Selection(related="company_id.kpi_revenue_basis", readonly=False)
    kpi_high_value_threshold = fields.Monetary(
        related="company_id.kpi_high_value_threshold", readonly=False
    )
    kpi_upsell_margin = fields.Float(related="company_id.kpi_upsell_margin", readonly=False)

    # --- orders and money ---
    kpi_sample_tag_id = fields.Many2one(related="company_id.kpi_sample_tag_id", readonly=False)
    kpi_renewal_tag_id = fields.Many2one(related="company_id.kpi_renewal_tag_id", readonly=False)
    kpi_margin_rate = fields.Float(related="company_id.kpi_margin_rate", readonly=False)
    kpi_discount_rate = fields.Float(related="company_id.kpi_discount_rate", readonly=False)

    # --- responses and people ---
    kpi_lead_response_target_hours = fields.Float(
        related="company_id.kpi_lead_response_target_hours", readonly=False
    )
    kpi_unresponsive_attempts = fields.Integer(
        related="company_id.kpi_unresponsive_attempts", readonly=False
    )
    kpi_unresponsive_grace_days = fields.Integer(
        related="company_id.kpi_unresponsive_grace_days", readonly=False
    )
    kpi_auto_reply_subjects = fields.Char(
        related="company_id.kpi_auto_reply_subjects", readonly=False
    )
    kpi_ranking = fields.Selection(related="company_id.kpi_ranking", readonly=False)
    kpi_ranking_min = fields.Integer(related="company_id.kpi_ranking_min", readonly=False)
    kpi_rep_board_id = fields.Many2one(related="company_id.kpi_rep_board_id", readonly=False)
    kpi_manager_board_id = fields.Many2one(
        related="company_id.kpi_manager_board_id", readonly=False
    )

    # --- costs ---
    kpi_sales_cost_basis = fields.Selection(
        related="company_id.kpi_sales_cost_basis", readonly=False
    )
    kpi_marketing_cost_basis = fields.Selection(
        related="company_id.kpi_marketing_cost_basis", readonly=False
    )
    kpi_service_cost_basis = fields.Selection(
        related="company_id.kpi_service_cost_basis", readonly=False
    )
    kpi_sales_cost_account_ids = fields.Many2many(
        related="company_id.kpi_sales_cost_account_ids", readonly=False, domain=EXPENSE_ACCOUNTS
    )
    kpi_marketing_cost_account_ids = fields.Many2many(
        related="company_id.kpi_marketing_cost_account_ids", readonly=False, domain=EXPENSE_ACCOUNTS
    )
    kpi_service_cost_account_ids = fields.Many2many(
        related="company_id.kpi_service_cost_account_ids", readonly=False, domain=EXPENSE_ACCOUNTS
    )
    kpi_cac_lag_months = fields.Integer(related="company_id.kpi_cac_lag_months", readonly=False)

    @api.model
    def _setting_names(self):
        """Names of the fields that are written to the company."""
        return [
            name
            for name, field in self._fields.items()
            if (field.related or "").startswith("company_id.") and not field.readonly
        ]

    # --- COMPUTES ---

    def _compute_display_name(self):
        self.display_name = self.env._("KPI settings")

    def _compute_history_text(self):
        self.history_text = self.env["crm.kpi.backfill"]._progress_text()

    @api.depends("company_id")
    @api.depends_context("lang")
    def _compute_fiscal_year_text(self):
        for settings in self:
            # superuser: every user may know when the fiscal year begins
            company = settings.company_id.sudo()
            today = calendar.local_day(fields.Datetime.now(), company._kpi_tz())
            year = company.compute_fiscalyear_dates(today)
            settings.fiscal_year_text = self.env._(
                "%(first)s – %(last)s",
                first=format_date(self.env, year["date_from"]),
                last=format_date(self.env, year["date_to"]),
            )

    @api.depends(lambda self: ("company_id", *self._setting_names()))
    @api.depends_context("lang", "uid")
    def _compute_examples(self):
        for settings in self:
            settings.examples = settings._examples()

    def _examples(self):
        """What each setting means today, with its present value: dict of name to sentence."""
        # superuser: time zone and first day of the week of the own company
        company = self.company_id.sudo()
        now = fields.Datetime.now()
        timezone = self.kpi_tz or company._kpi_tz()
        today = calendar.local_day(now, timezone)
        week = calendar.bounds("week", today, int(self.kpi_week_start or company._kpi_week_start()))
        return {
            "kpi_tz": self.env._(
                "Now: %s", format_datetime(self.env, now, tz=timezone, dt_format="short")
            ),
            "kpi_week_start": self.env._(
                "This week: %(first)s – %(last)s",
                first=format_date(self.env, week[0]),
                last=format_date(self.env, week[1] - timedelta(days=1)),
            ),
            **self._period_examples(today),
            **self._customer_examples(today),
            **self._money_examples(),
            **self._people_examples(today),
        }

    def _period_examples(self, today):
        month = today.replace(day=1)
        locked = month - relativedelta(months=max(self.kpi_provisional_periods, 0) + 1)
        crossed = month - relativedelta(months=max(self.kpi_crossed_months, 1))
        history = ""
        if start := self.kpi_history_start:
            known = format_date(self.env, start + relativedelta(years=1))
            history = self.env._("New and returning customers are known from %s on.", known)
        return {
            "kpi_history_start": history,
            "kpi_provisional_periods": self.env._(
                "Today, months up to %s are locked.", self._month_name(locked)
            ),
            "kpi_crossed_months": self.env._("Today, from %s on.", self._month_name(crossed)),
            "kpi_cac_lag_months": self.env._(
                "New customers of %(month)s are compared with the costs of %(costs)s.",
                month=self._month_name(month),
                costs=self._month_name(month - relativedelta(months=self.kpi_cac_lag_months)),
            ),
        }

    def _customer_examples(self, today):
        last_order = today - timedelta(days=max(self.kpi_inactivity_days, 0))
        usual = 40
        return {
            "kpi_inactivity_days": self.env._(
                "Today, customers count as lost whose last order was before %s.",
                format_date(self.env, last_order),
            ),
            "kpi_at_risk_factor": self.env._(
                "A customer who orders every %(usual)s days is at risk after %(days)s days without "
                "an order.",
                usual=usual,
                days=f"{max(usual * self.kpi_at_risk_factor, self.kpi_at_risk_days):g}",
            ),
            "kpi_min_cell": self.env._(
                "A percentage of %(fewer)s records is withheld, one of %(least)s is shown.",
                fewer=self.kpi_min_cell - 1,
                least=self.kpi_min_cell,
            )
            if self.kpi_min_cell > 0
            else self.env._("All values are shown."),
        }

    def _money_examples(self):
        amount = self._amount
        return {
            "kpi_high_value_threshold": self.env._(
                "Orders of %s in the first 90 days are enough.",
                amount(self.kpi_high_value_threshold),
            ),
            "kpi_upsell_margin": self.env._(
                "Highest price so far %(price)s: a new product of the category for more than "
                "%(more)s is an upsell.",
                price=amount(100),
                more=amount(100 * (1 + self.kpi_upsell_margin)),
            ),
            "kpi_margin_rate": self.env._(
                "%(revenue)s of revenue count as %(margin)s of margin.",
                revenue=amount(1000),
                margin=amount(1000 * self.kpi_margin_rate),
            ),
            "kpi_discount_rate": self.env._(
                "%(later)s in a year are worth %(today)s today.",
                later=amount(1000),
                today=amount(1000 / (1 + max(self.kpi_discount_rate, 0))),
            ),
        }

    def _people_examples(self, today):
        last_attempt = today - timedelta(days=max(self.kpi_unresponsive_grace_days, 0))
        return {
            "kpi_lead_response_target_hours": self._answer_example(
                self.kpi_lead_response_target_hours
            ),
            "kpi_unresponsive_attempts": self.env._(
                "%(count)s attempts without an answer, the last one on %(day)s: unresponsive today.",
                count=self.kpi_unresponsive_attempts,
                day=format_date(self.env, last_attempt),
            ),
            "kpi_ranking_min": self.env._(
                "No ranking of %(fewer)s salespeople, one of %(least)s.",
                fewer=max(self.kpi_ranking_min - 1, 0),
                least=self.kpi_ranking_min,
            ),
        }

    def _answer_example(self, hours):
        """When a message of nine in the morning should have an answer, if it is the same day."""
        if not 0 < hours < 15:
            return ""
        start = datetime(2000, 1, 1, 9)
        received, answered = (
            format_time(self.env, at.time(), time_format="short")
            for at in (start, start + timedelta(hours=hours))
        )
        return self.env._(
            "Received at %(received)s: answer by %(answered)s.",
            received=received,
            answered=answered,
        )

    def _month_name(self, day):
        return format_date(self.env, day, date_format="MMMM y")

    def _amount(self, value):
        return formatLang(self.env, value, currency_obj=self.currency_id)

    # --- CRUD ---

    @api.model_create_multi
    def create(self, vals_list):
        names = {*self._setting_names()}
        settings = super().create(
            [{name: vals[name] for name in vals.keys() - names} for vals in vals_list]
        )
        for one, vals in zip(settings, vals_list, strict=True):
            one._write_company({name: vals[name] for name in vals.keys() & names})
        return settings

    def write(self, vals):
        names = {*self._setting_names()}
        result = super().write({name: vals[name] for name in vals.keys() - names})
        for one in self:
            one._write_company({name: vals[name] for name in vals.keys() & names})
        return result

    def _write_company(self, values):
        """Write the settings that differ to the company."""
        for name in values:
            self._check_field_access(self._fields[name], "write")
        if self.company_id not in self.env.companies:
            raise AccessError(self.env._("Settings: choose one of your own companies."))
        # superuser: KPI administrators may not write companies. Only fields of this form are
        # written, to a company of the user
        company = self.company_id.sudo()
        draft = company.new(values, origin=company)
        changed = {
            name: value
            for name, value in values.items()
            if _stored(draft[name]) != _stored(company[name])
        }
        if changed:
            company.write(changed)


def _stored(value):
    return value._origin if isinstance(value, models.BaseModel) else value
