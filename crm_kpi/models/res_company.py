# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import re

from dateutil.relativedelta import relativedelta

from odoo import fields, models

from odoo.addons.base.models.res_partner import _tz_get

# how the programs of most customers begin the subject of an automatic reply
AUTO_REPLIES = (
    "Automatic reply, Auto reply, Autoreply, Out of office, Automatische Antwort, "
    "Abwesenheit, Réponse automatique, Respuesta automática, Risposta automatica, "
    "Resposta automática, Automatisch antwoord"
)
# settings that the history of every customer depends on, see sale.order._kpi_history_query()
HISTORY_SETTINGS = {
    "kpi_tz",
    "kpi_upsell_margin",
    "partner_id",
    "resource_calendar_id",
    "sale_discount_product_id",
}


class ResCompany(models.Model):
    _inherit = "res.company"

    kpi_tz = fields.Selection(
        _tz_get,
        string="KPI time zone",
        help="Days, weeks and months of KPIs begin at midnight of this time zone. "
        "Empty: the time zone of the company's working hours, else of its contact, else UTC.",
    )
    kpi_history_start = fields.Date(
        string="KPI history starts on",
        help="No KPI is computed for periods before this day. Empty: the first record. When it is "
        "set, older orders are taken to be missing: KPIs about new or returning customers have "
        "values in periods that begin twelve months later or after that.",
    )
    kpi_provisional_periods = fields.Integer(
        string="Provisional periods",
        default=2,
        help="So many closed periods of each kind are still recomputed; older ones are locked.",
    )
    kpi_inactivity_days = fields.Integer(
        string="Customer inactivity (days)",
        default=365,
        help="A customer without an order for so many days counts as lost.",
    )
    kpi_unresponsive_attempts = fields.Integer(
        string="Attempts without answer",
        default=5,
        help="After so many attempts in a row without an answer a prospect is unresponsive.",
    )
    kpi_unresponsive_grace_days = fields.Integer(
        string="Grace after the last attempt (days)",
        default=2,
        help="So many days the prospect has to answer the last attempt.",
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
        help="Money of next year is worth so much less today; for values that reach into the "
        "future, such as customer lifetime value. Formulas call it annual_discount_rate.",
    )
    kpi_margin_rate = fields.Float(
        string="Margin rate",
        default=1.0,
        help="Share of the revenue that is margin, where no costs are known. 100 %: such KPIs "
        "are on revenue basis. Formulas call it margin_rate.",
    )
    kpi_min_cell = fields.Integer(
        string="Smallest segment judged",
        default=5,
        help="A percentage or a score of a customer segment that rests on fewer records is "
        "withheld: it says nothing, and may tell who the customers are. Their number is shown. "
        "0: nothing is withheld. Locked periods stay as they were reported.",
    )
    kpi_first_response_target_hours = fields.Float(
        string="First response target for tickets (hours)", default=8.0
    )
    kpi_lead_response_target_hours = fields.Float(
        string="First response target for leads (hours)", default=1.0
    )

    kpi_auto_reply_subjects = fields.Char(
        string="Subjects of automatic replies",
        default=AUTO_REPLIES,
        help="Mails of customers whose subject begins with one of these texts (separated by "
        "commas) are no answers. Empty: every mail is one.",
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
        help="What salespeople see of their colleagues in a ranking. Who may read all KPIs "
        "sees names.",
    )
    kpi_ranking_min = fields.Integer(
        string="Smallest ranking",
        default=3,
        help="With fewer salespeople there is no ranking: everybody would know who is who.",
    )

    _kpi_positive = models.Constraint(
        "CHECK (kpi_inactivity_days > 0 AND kpi_provisional_periods >= 0"
        " AND kpi_unresponsive_attempts > 0 AND kpi_unresponsive_grace_days >= 0)",
        "Customer inactivity and attempts without answer must be at least 1, "
        "provisional periods and grace days at least 0.",
    )

    _kpi_discount_rate = models.Constraint(
        "CHECK (kpi_discount_rate >= 0)", "The annual discount rate must be 0 % or more."
    )
    _kpi_min_cell = models.Constraint(
        "CHECK (kpi_min_cell >= 0)", "The smallest segment judged must be 0 or more records."
    )
    _kpi_margin_rate = models.Constraint(
        "CHECK (kpi_margin_rate > 0 AND kpi_margin_rate <= 1)",
        "The margin rate must be more than 0 % and at most 100 %.",
    )

    def write(self, vals):
        result = super().write(vals)
        if HISTORY_SETTINGS.intersection(vals):
            self.env["sale.order"]._kpi_mark_companies(self.ids)
        if "kpi_high_value_threshold" in vals:
            self.env["crm.kpi.source"]._mark_changed("sale.order")
        if "kpi_auto_reply_subjects" in vals:
            self.env["crm.kpi.interaction"]._kpi_mark_all_dirty()
        return result

    def _kpi_tz(self):
        """Name of the time zone in which the company's KPI days begin (never the viewer's)."""
        self.ensure_one()
        return self.kpi_tz or self.resource_calendar_id.tz or self.partner_id.tz or "UTC"

    def _kpi_customers_known_from(self):
        """Day from which on who orders for the first time is new; ``None``: at any time.

        Where the history begins, old customers place their first order that is known. Within
        twelve months nearly all who still buy have done so.
        """
        self.ensure_one()
        start = self.kpi_history_start
        return start + relativedelta(years=1) if start else None

    def _kpi_constants(self):
        """The company's settings by the names that formulas call them."""
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
