# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Settings of KPIs per company, and what a changed setting makes due."""

import re
from collections import Counter
from zoneinfo import ZoneInfo

import psycopg2
import pytz
from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL, ormcache

from odoo.addons.base.models.res_partner import _tz_get

from ..engine import periods as calendar
from .cost.crm_kpi_cost import COST_KINDS
from .facts.account_move_line import EXPENSES

# How common mail programs begin the subject of an automatic reply.
AUTO_REPLIES = (
    "Automatic reply, Auto reply, Autoreply, Out of office, Automatische Antwort, "
    "Abwesenheit, Réponse automatique, Respuesta automática, Risposta automatica, "
    "Resposta automática, Automatisch antwoord"
)
#: Days of the week, as languages count them.
WEEKDAYS = [
    ("1", "Monday"),
    ("2", "Tuesday"),
    ("3", "Wednesday"),
    ("4", "Thursday"),
    ("5", "Friday"),
    ("6", "Saturday"),
    ("7", "Sunday"),
]
COST_BASES = [("entries", "Cost entries"), ("accounts", "Accounts")]
#: Groups that may see which accounts are cost accounts.
COST_ACCOUNT_READERS = "base.group_system,account.group_account_readonly"
EXPENSE_ACCOUNTS = [("account_type", "in", EXPENSES)]

# Settings by what is computed from them; write() makes that due.
#: The order history of every customer, see facts/order_history.py.
HISTORY_SETTINGS = {
    "kpi_tz",
    "kpi_upsell_margin",
    "partner_id",
    "resource_calendar_id",
    "sale_discount_product_id",
}
#: The facts of every order, see facts/order_facts.py.
ORDER_FACT_SETTINGS = {
    "kpi_margin_rate",
    "kpi_renewal_tag_id",
    "kpi_sample_tag_id",
    "sale_discount_product_id",
}
#: The status of every customer.
CUSTOMER_STATUS_SETTINGS = {"kpi_at_risk_days", "kpi_at_risk_factor", "kpi_inactivity_days"}
#: The amounts of every customer.
CUSTOMER_VALUE_SETTINGS = {"kpi_margin_rate", "kpi_revenue_basis"}
#: The costs of every period.
COST_SETTINGS = {"kpi_cac_lag_months"} | {
    name
    for kind, _label in COST_KINDS
    for name in (f"kpi_{kind}_cost_basis", f"kpi_{kind}_cost_account_ids")
}


class ResCompany(models.Model):
    _inherit = "res.company"

    kpi_tz = fields.Selection(
        _tz_get,
        string="KPI time zone",
        help="Days, weeks and months of KPIs begin at midnight of this time zone. "
        "Empty: the time zone of the company's working hours, else of its contact, else UTC.",
    )
    kpi_week_start = fields.Selection(
        WEEKDAYS,
        string="First day of KPI weeks",
        help="Empty: the first day of the week in the language of the company's contact.",
    )
    kpi_facts_tz = fields.Char(
        string="Time zone of the facts",
        readonly=True,
        copy=False,
        help="The time zone by which local days of orders, messages and customers were derived.",
    )
    kpi_withheld_at = fields.Datetime(
        string="Withheld values decided on",
        readonly=True,
        copy=False,
        help="Values computed since then are checked for small segments by the next refresh. Empty: "
        "all values.",
    )
    kpi_history_start = fields.Date(
        string="KPI history starts on",
        help="KPIs are not computed for periods before this day. Empty: the day of the first "
        "record. When this day is set, older orders count as missing: KPIs about new and returning "
        "customers have values from twelve months after it.",
    )
    kpi_states_unknown_until = fields.Json(
        readonly=True,
        help="Until when a field of open leads is not known, by the name of the field.",
    )
    kpi_provisional_periods = fields.Integer(
        string="Provisional periods",
        default=2,
        help="The last closed periods of each kind, this number of them, are recomputed. Older ones are "
        "locked.",
    )
    kpi_crossed_months = fields.Integer(
        string="Months of salespeople within segments",
        default=13,
        help="Months for which KPIs crossed with segments have values of each team and salesperson "
        "within a segment. Older periods have them where a goal needs them. Values of locked "
        "periods stay.",
    )
    kpi_inactivity_days = fields.Integer(
        string="Customer inactivity (days)",
        default=365,
        help="A customer without an order for this number of days counts as lost.",
    )
    kpi_unresponsive_attempts = fields.Integer(
        string="Attempts without answer",
        default=5,
        help="A prospect is unresponsive after this number of attempts in a row without an answer.",
    )
    kpi_unresponsive_grace_days = fields.Integer(
        string="Grace after the last attempt (days)",
        default=2,
        help="Days that the prospect has to answer the last attempt.",
    )
    kpi_high_value_threshold = fields.Monetary(
        string="High-value customer",
        currency_field="currency_id",
        default=5000,
        help="A new customer who orders for at least this amount in the first 90 days "
        "is a high-value customer.",
    )
    kpi_upsell_margin = fields.Float(
        string="Upsell margin",
        default=0.10,
        help="A new product counts as upsell when its price exceeds the highest price the "
        "customer ever paid in that category by this share.",
    )
    kpi_discount_rate = fields.Float(
        string="Annual discount rate",
        default=0.10,
        help="How much less money of next year is worth today. Used for values of the future, such "
        "as the projected lifetime value. Its name in formulas: annual_discount_rate.",
    )
    kpi_margin_rate = fields.Float(
        string="Margin rate",
        default=1.0,
        help="Share of the revenue that is margin, where costs are not known. With 100 %, such KPIs "
        "show revenue. Its name in formulas: margin_rate.",
    )
    kpi_min_cell = fields.Integer(
        string="Smallest segment shown",
        default=5,
        help="A percentage or score of a segment with fewer records is withheld from all users, with "
        "the values that would reveal it: it is not reliable and can reveal customers. A small "
        "business may see few values by segment: choose a smaller number. 0: all values are shown.",
    )
    kpi_lead_response_target_hours = fields.Float(
        string="First response target for leads (hours)", default=1.0
    )

    kpi_auto_reply_subjects = fields.Char(
        string="Subjects of automatic replies",
        default=AUTO_REPLIES,
        help="A mail of a customer is not an answer when its subject begins with one of these "
        "texts, separated by commas. Empty: every mail is an answer.",
    )
    kpi_ranking = fields.Selection(
        [
            ("names", "With names"),
            ("anonymous", "Colleagues without names"),
            ("off", "No ranking"),
        ],
        string="Ranking of salespeople",
        default="anonymous",
        required=True,
        help="What salespeople see of their colleagues in a ranking. Users who may read all KPIs "
        "see names.",
    )
    kpi_ranking_min = fields.Integer(
        string="Smallest ranking",
        default=3,
        help="There is no ranking of fewer salespeople, because they could identify each other.",
    )
    kpi_at_risk_days = fields.Integer(
        string="At risk after (days)",
        default=30,
        help="A customer is at risk only after this number of days without an order.",
    )
    kpi_at_risk_factor = fields.Float(
        string="At risk after (times the usual time between orders)",
        default=2.0,
        help="A customer is at risk when the time since the last order exceeds the usual time "
        "between two orders by this factor.",
    )
    kpi_revenue_basis = fields.Selection(
        [("ordered", "Orders"), ("invoiced", "Invoices")],
        string="Customer value by",
        required=True,
        default="ordered",
        help="Orders: confirmed orders less their credit notes. Invoices: posted invoices and "
        "receipts less credit notes.",
    )
    kpi_customers_date = fields.Date(
        string="Customers compared on",
        readonly=True,
        copy=False,
        help="The day on which RFM scores of all customers were last compared.",
    )
    kpi_sample_tag_id = fields.Many2one(
        "product.tag",
        string="Sample tag",
        default=lambda self: self._kpi_default_tag("kpi_sample_tag_id"),
        ondelete="set null",
        help="Products with this tag count as samples sent when an order with them is confirmed.",
    )
    kpi_renewal_tag_id = fields.Many2one(
        "crm.tag",
        string="Renewal tag",
        default=lambda self: self._kpi_default_tag("kpi_renewal_tag_id"),
        ondelete="set null",
        help="Orders with this tag renew a contract or subscription.",
    )
    kpi_sales_cost_basis = fields.Selection(
        COST_BASES,
        string="Sales costs from",
        required=True,
        default="entries",
        help="Each kind of cost has one source, so that no cost counts twice. The cost of a campaign "
        "always comes from cost entries.",
    )
    kpi_marketing_cost_basis = fields.Selection(
        COST_BASES,
        string="Marketing costs from",
        required=True,
        default="entries",
        help="Each kind of cost has one source, so that no cost counts twice. The cost of a campaign "
        "always comes from cost entries.",
    )
    kpi_service_cost_basis = fields.Selection(
        COST_BASES,
        string="Service costs from",
        required=True,
        default="entries",
        help="Each kind of cost has one source, so that no cost counts twice. The cost of a campaign "
        "always comes from cost entries.",
    )
    kpi_sales_cost_account_ids = fields.Many2many(
        "account.account",
        "crm_kpi_sales_cost_account_rel",
        string="Accounts of sales costs",
        domain=EXPENSE_ACCOUNTS,
        groups=COST_ACCOUNT_READERS,
    )
    kpi_marketing_cost_account_ids = fields.Many2many(
        "account.account",
        "crm_kpi_marketing_cost_account_rel",
        string="Accounts of marketing costs",
        domain=EXPENSE_ACCOUNTS,
        groups=COST_ACCOUNT_READERS,
    )
    kpi_service_cost_account_ids = fields.Many2many(
        "account.account",
        "crm_kpi_service_cost_account_rel",
        string="Accounts of service costs",
        domain=EXPENSE_ACCOUNTS,
        groups=COST_ACCOUNT_READERS,
    )
    kpi_cac_lag_months = fields.Integer(
        string="Months from cost to customer",
        help="New customers are compared with the sales and marketing costs of this number of "
        "months before. Where it takes three months to win a customer, enter 3.",
    )

    kpi_rep_board_id = fields.Many2one(
        "crm.kpi.board",
        string="Salespeople start on",
        domain=[("user_id", "=", False)],
        ondelete="set null",
        help="The board that users open first who read their own values. Empty: the first board on "
        "which they have values. A favorite of the user comes first.",
    )
    kpi_manager_board_id = fields.Many2one(
        "crm.kpi.board",
        string="Managers start on",
        domain=[("user_id", "=", False)],
        ondelete="set null",
        help="The board that users open first who may read all values. Empty: the first board on "
        "which they have values. A favorite of the user comes first.",
    )

    _kpi_positive = models.Constraint(
        "CHECK (kpi_inactivity_days > 0 AND kpi_provisional_periods >= 0"
        " AND kpi_unresponsive_attempts > 0 AND kpi_unresponsive_grace_days >= 0)",
        "Customer inactivity, Attempts without answer: enter at least 1. Provisional periods, "
        "Grace after the last attempt: enter at least 0.",
    )
    _kpi_discount_rate = models.Constraint(
        "CHECK (kpi_discount_rate >= 0)", "Annual discount rate: enter 0 % or more."
    )
    _kpi_crossed_months = models.Constraint(
        "CHECK (kpi_crossed_months >= 1)",
        "Months of salespeople within segments: enter 1 or more months.",
    )
    _kpi_min_cell = models.Constraint(
        "CHECK (kpi_min_cell >= 0)", "Smallest segment shown: enter 0 or more records."
    )
    _kpi_history_start = models.Constraint(
        "CHECK (kpi_history_start >= '1970-01-01')",
        "KPI history starts on: enter a day since 1970.",
    )
    _kpi_margin_rate = models.Constraint(
        "CHECK (kpi_margin_rate > 0 AND kpi_margin_rate <= 1)",
        "Margin rate: enter more than 0 % and at most 100 %.",
    )
    _kpi_lead_response_target = models.Constraint(
        "CHECK (kpi_lead_response_target_hours >= 0)",
        "First response target for leads: enter 0 or more hours.",
    )
    _kpi_upsell_margin = models.Constraint(
        "CHECK (kpi_upsell_margin >= 0)", "Upsell margin: enter 0 % or more."
    )
    _kpi_high_value_threshold = models.Constraint(
        "CHECK (kpi_high_value_threshold >= 0)", "High-value customer: enter 0 or more."
    )
    _kpi_ranking_min = models.Constraint(
        "CHECK (kpi_ranking_min >= 0)", "Smallest ranking: enter 0 or more salespeople."
    )
    _kpi_at_risk = models.Constraint(
        "CHECK (kpi_at_risk_days >= 0 AND kpi_at_risk_factor > 0)",
        "At risk after: enter 0 or more days, and more than 0 times the usual time between orders.",
    )
    _kpi_cac_lag_valid = models.Constraint(
        "CHECK (kpi_cac_lag_months BETWEEN 0 AND 36)",
        "Months from cost to customer: enter 0 to 36 months.",
    )

    def write(self, vals):
        result = super().write(vals)
        self._kpi_note_settings(vals.keys())
        return result

    def _kpi_note_settings(self, names):
        """Make due what is computed from these settings of the companies."""
        source = self.env["crm.kpi.source"]
        if HISTORY_SETTINGS & names:
            self.env["sale.order"]._kpi_mark_companies(self.ids)
        if ORDER_FACT_SETTINGS & names:
            self.env["sale.order"]._kpi_mark_orders(SQL("company_id = ANY(%s)", self.ids))
        if CUSTOMER_STATUS_SETTINGS & names:
            self.env["crm.kpi.customer"]._kpi_mark_companies(self.ids)
        if CUSTOMER_VALUE_SETTINGS & names:
            # superuser: all customers are computed again, also those the writer may not read
            self.env["crm.kpi.customer"].sudo()._kpi_mark_all_dirty()
        if (CUSTOMER_STATUS_SETTINGS | CUSTOMER_VALUE_SETTINGS) & names:
            source._mark_changed("crm.kpi.customer.period")
        if COST_SETTINGS & names:
            source._mark_changed("crm.kpi.cost.period")
        if "kpi_high_value_threshold" in names:
            source._mark_changed("sale.order")
        if "kpi_min_cell" in names:
            self.kpi_withheld_at = False
        if "kpi_auto_reply_subjects" in names:
            self.env["crm.kpi.interaction"]._kpi_mark_all_dirty()

    def _kpi_tz(self):
        """Name of the time zone in which KPI days of the company begin. It is never the reader's."""
        self.ensure_one()
        return next(filter(self._kpi_knows_tz, self._kpi_wanted_tz()), "UTC")

    def _kpi_wanted_tz(self):
        """The names of time zones to choose from, the first one first."""
        names = (self.kpi_tz, self.resource_calendar_id.tz, self.partner_id.tz)
        return [name for name in names if name]

    @api.model
    @ormcache("name")
    def _kpi_knows_tz(self, name):
        """Whether both Python and the database can compute in a time zone.

        The lists of time zones of a server, of its database and of an import can differ.
        """
        try:
            ZoneInfo(name)
            pytz.timezone(name)
            with self.env.cr.savepoint(flush=False):
                self.env.cr.execute(SQL("SELECT now() AT TIME ZONE %s", name), log_exceptions=False)
        except (KeyError, ValueError, psycopg2.DataError):
            return False
        return True

    @api.constrains("kpi_tz")
    def _check_kpi_tz(self):
        for company in self.filtered("kpi_tz"):
            if not self._kpi_knows_tz(company.kpi_tz):
                raise ValidationError(
                    self.env._(
                        "KPI time zone: the database does not know %s. Choose another.",
                        company.kpi_tz,
                    )
                )

    def _kpi_week_start(self):
        """First day of KPI weeks, from Monday (1) to Sunday (7)."""
        self.ensure_one()
        # superuser: every user may know on which day weeks begin
        company = self.sudo()
        language = self.env["res.lang"]._get_data(code=company.partner_id.lang or "en_US")
        return int(company.kpi_week_start or language.week_start or calendar.MONDAY)

    def _kpi_week_start_name(self):
        """Name of the first day of KPI weeks in the language of the reader."""
        names = dict(self._fields["kpi_week_start"]._description_selection(self.env))
        return names[str(self._kpi_week_start())]

    @api.model
    def _kpi_follow_time_zones(self):
        """Mark the facts of companies whose time zone changed, wherever it is set.

        It can change in the settings, in the working hours and in the contact of the company.
        """
        # superuser: facts are derived for all companies
        companies = self.sudo().with_context(active_test=False).search([])
        changed = companies.filtered(lambda company: company.kpi_facts_tz != company._kpi_tz())
        known = changed.filtered("kpi_facts_tz")
        if known:
            self.env["sale.order"]._kpi_mark_companies(known.ids)
            self.env["crm.kpi.interaction"]._kpi_mark_companies(known.ids)
            self.env["crm.kpi.customer"].sudo()._kpi_mark_all_dirty()
            self.env["crm.kpi.customer"]._kpi_mark_companies(known.ids)
        for company in changed:
            company.kpi_facts_tz = company._kpi_tz()

    def _kpi_customers_known_from(self):
        """Day from which a first known order means a new customer; ``None``: always.

        When the history starts on a day, the first known order of an old customer looks like a
        first order. After twelve months nearly all active customers have ordered again.
        """
        self.ensure_one()
        start = self.kpi_history_start
        return start + relativedelta(years=1) if start else None

    def _kpi_constants(self):
        """Settings of the company by their names in formulas."""
        self.ensure_one()
        return {
            "annual_discount_rate": self.kpi_discount_rate,
            "margin_rate": self.kpi_margin_rate,
        }

    def _kpi_auto_reply_pattern(self):
        """Regular expression of the subjects of automatic replies, ``None`` without any."""
        self.ensure_one()
        texts = [text.strip() for text in (self.kpi_auto_reply_subjects or "").split(",")]
        texts = [re.escape(text) for text in texts if text]
        return rf"^\s*({'|'.join(texts)})" if texts else None

    @api.model
    def _kpi_default_tag(self, name):
        """The tag of the other companies, for a new one."""
        # superuser: the user who creates a company may not see the others
        return self.sudo().search([(name, "!=", False)], order="id", limit=1)[name]

    @api.model
    def _kpi_provide_tags(self):
        """Set the default tags of the settings.

        Names of tags are unique, so an existing tag of the same name is used. Tags are not data
        of this addon: they stay on the records when it is uninstalled.
        """
        for name, model_name, label in (
            ("kpi_sample_tag_id", "product.tag", "Sample"),
            ("kpi_renewal_tag_id", "crm.tag", "Renewal"),
        ):
            tags = self.env[model_name].with_context(lang=None)
            tag = tags.search([("name", "=", label)], limit=1) or tags.create({"name": label})
            companies = self.with_context(active_test=False).search([(name, "=", False)])
            companies.write({name: tag.id})

    def _kpi_cost_basis(self, kind):
        """Where the costs of a kind come from: ``entries`` or ``accounts``."""
        self.ensure_one()
        return self[f"kpi_{kind}_cost_basis"]

    @api.constrains(*(f"kpi_{kind}_cost_account_ids" for kind, _label in COST_KINDS))
    def _check_kpi_cost_accounts(self):
        # superuser: the check does not depend on the accounts that the user may read
        for company in self.sudo():
            accounts = [
                account
                for kind, _label in COST_KINDS
                for account in company[f"kpi_{kind}_cost_account_ids"]
            ]
            for account, count in Counter(accounts).items():
                if count > 1:
                    raise ValidationError(
                        self.env._(
                            "Accounts of sales, marketing and service costs: %s is in more than "
                            "one list and would count twice. Keep it in one list.",
                            account.display_name,
                        )
                    )
                if account.account_type not in EXPENSES:
                    raise ValidationError(
                        self.env._(
                            "Accounts of sales, marketing and service costs: %s is not an expense "
                            "account. Choose accounts of an expense type.",
                            account.display_name,
                        )
                    )
