# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Segments whose customers count as lost or at risk earlier or later than the company says."""

from odoo import api, fields, models
from odoo.tools import SQL

OVERRIDES = ("inactivity_days", "at_risk_factor")


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
