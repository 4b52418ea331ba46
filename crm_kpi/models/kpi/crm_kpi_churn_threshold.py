# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How long a customer may be silent before the silence means something."""

from odoo import api, fields, models
from odoo.tools import SQL

#: One gap in ten between orders may be longer than the inactivity that ends a customer.
LATE_SHARE = 0.9
#: Fewer gaps say nothing about what is usual.
LEAST_GAPS = 20
#: What the rows of customers in periods depend on.
SETTINGS = {
    "kpi_at_risk_days",
    "kpi_at_risk_factor",
    "kpi_inactivity_days",
    "kpi_margin_rate",
    "kpi_revenue_basis",
}
OVERRIDES = ("inactivity_days", "at_risk_factor")


class ResCompany(models.Model):
    _inherit = "res.company"  # pylint: disable=consider-merging-classes-inherited

    kpi_at_risk_days = fields.Integer(
        string="At risk after (days)",
        default=30,
        help="A customer who is silent for no longer than so many days is not at risk.",
    )
    kpi_at_risk_factor = fields.Float(
        string="At risk after (times the usual gap)",
        default=2.0,
        help="A customer is at risk who is silent for longer than so many times the usual time "
        "between two orders.",
    )

    _kpi_at_risk = models.Constraint(
        "CHECK (kpi_at_risk_days >= 0 AND kpi_at_risk_factor > 0)",
        "At risk after: enter 0 or more days, and more than 0 times the usual gap.",
    )

    def write(self, vals):
        result = super().write(vals)
        if SETTINGS.intersection(vals):
            self.env["crm.kpi.source"]._mark_changed("crm.kpi.customer.period")
        return result


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"  # pylint: disable=consider-merging-classes-inherited

    kpi_at_risk_days = fields.Integer(related="company_id.kpi_at_risk_days", readonly=False)
    kpi_at_risk_factor = fields.Float(related="company_id.kpi_at_risk_factor", readonly=False)
    kpi_revenue_basis = fields.Selection(related="company_id.kpi_revenue_basis", readonly=False)


class CrmKpi(models.Model):
    _inherit = "crm.kpi"  # pylint: disable=consider-merging-classes-inherited

    def _compute_data_warning(self):
        result = super()._compute_data_warning()
        for kpi in self:
            # who is active or lost is a matter of the days of inactivity
            judges = any(
                part.source_model == "crm.kpi.customer.period" for part in kpi._aggregates_behind()
            )
            if judges and not kpi.data_warning:
                kpi.data_warning = self._inactivity_data_warning()
        return result

    @api.model
    def _inactivity_data_warning(self):
        """Warning when customers count as lost who are only late."""
        orders = self.env["sale.order"]
        orders.flush_model(["company_id", "kpi_gap_days", "kpi_is_qualifying"])
        # past the access rights on orders: one number of days tells nothing about any of them
        [[count, late]] = self.env.execute_query(
            SQL(
                """
                SELECT count(*), percentile_cont(%s) WITHIN GROUP (ORDER BY kpi_gap_days)
                  FROM sale_order
                 WHERE company_id = %s AND kpi_is_qualifying AND kpi_gap_days > 0
                """,
                LATE_SHARE,
                self.env.company.id,
            )
        )
        # superuser: a setting that every salesperson may know
        inactivity = self.env.company.sudo().kpi_inactivity_days
        if count < LEAST_GAPS or late <= inactivity:
            return False
        return self.env._(
            "One in ten orders comes more than %(late)s days after the order before, but customers "
            "count as lost after %(days)s days: many of them are only late. Set more days of "
            "inactivity in the settings.",
            late=round(late),
            days=inactivity,
        )


class CrmKpiSegment(models.Model):
    _inherit = "crm.kpi.segment"  # pylint: disable=consider-merging-classes-inherited

    inactivity_days = fields.Integer(
        "Lost after (days)",
        help="Customers of this segment without an order for so many days count as lost. "
        "0: as the settings of the company say. Of several segments of a customer the one of the "
        "first set decides that says anything, as of the first day of the period.",
    )
    at_risk_factor = fields.Float(
        "At risk after (times the usual gap)",
        help="Customers of this segment who are silent for longer than so many times the usual "
        "time between two orders are at risk. 0: as the settings of the company say.",
    )

    _churn_threshold_positive = models.Constraint(
        "CHECK (inactivity_days >= 0 AND at_risk_factor >= 0)",
        "Lost after, At risk after: enter 0 (as the company) or more.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        segments = super().create(vals_list)
        segments._note_churn_threshold()
        return segments

    def write(self, vals):
        overrides = self.mapped(lambda segment: [segment[name] for name in OVERRIDES])
        result = super().write(vals)
        if {*OVERRIDES, "active", "sequence"}.intersection(vals):
            self._note_churn_threshold(any(map(any, overrides)))
        return result

    def _note_churn_threshold(self, before=False):
        """Have the customers judged anew where one of these overrides the settings, or did."""
        if before or any(segment[name] for segment in self for name in OVERRIDES):
            self.env["crm.kpi.source"]._mark_changed("crm.kpi.customer.period")
            # superuser: the ids of all companies, for the queue
            companies = self.env["res.company"].sudo().with_context(active_test=False).search([])
            self.env["crm.kpi.customer"]._kpi_mark_companies(companies.ids)

    @api.model
    def _overriding(self):
        """The segments that override settings of a company."""
        # superuser: settings only, to compute for all companies
        return self.sudo().search(
            ["|", *((name, ">", 0) for name in OVERRIDES), ("set_id.active", "=", True)]
        )

    @api.model
    def _churn_threshold_sql(self):
        """Query (period_id, partner_id, inactivity, factor) of the customers whose segment on
        the first day of a period of the relation ``span`` overrides the company's settings.

        ``None`` when no segment does.
        """
        segments = self._overriding()
        if not segments:
            return None
        return SQL(
            """
            SELECT DISTINCT ON (s.period_id, m.partner_id) s.period_id, m.partner_id,
                   make_interval(days => NULLIF(g.inactivity_days, 0)) AS inactivity,
                   NULLIF(g.at_risk_factor, 0) AS factor
              FROM span s
              JOIN crm_kpi_segment_member m
                ON (m.date_from IS NULL OR m.date_from <= s.date_from)
               AND (m.date_to IS NULL OR m.date_to > s.date_from)
               AND (m.company_id IS NULL OR m.company_id = s.company_id)
              JOIN crm_kpi_segment g ON g.id = m.segment_id AND g.id = ANY(%s)
              JOIN crm_kpi_segment_set t
                ON t.id = g.set_id AND (t.company_id IS NULL OR t.company_id = s.company_id)
          ORDER BY s.period_id, m.partner_id, t.sequence, t.id, g.sequence, g.id
            """,
            segments.ids,
        )
