# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models

from ...refresh.cohort_rows import ROWS, CohortRows


class CrmKpiPeriodRows(models.AbstractModel):
    """A model without table that has rows for periods, for use as the model of a source.

    Nothing is stored: rows are made for the periods in the context key ``crm_kpi_period_ids``
    (no rows without it). Models that inherit it set ``_auto = False``, and ``_depends`` to the
    fields that the rows are made from.
    """

    _name = "crm.kpi.period.rows"
    _description = "KPI: rows for periods"

    period_id = fields.Many2one("crm.kpi.period", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")

    @property
    def _table_query(self):
        period_ids = [int(id_) for id_ in self.env.context.get("crm_kpi_period_ids") or ()]
        rows = self.env.context.get(ROWS)
        if isinstance(rows, CohortRows) and rows.model._name == self._name:
            return rows.query(period_ids)
        return self._kpi_query(period_ids, fields.Datetime.now())

    @api.model
    def _kpi_row_count(self, company):
        """Number of rows to expect per period. Large models overwrite it."""
        return 1

    @api.model
    def _kpi_query(self, period_ids, now):
        """The rows of these periods as known at ``now`` (naive UTC)."""
        raise NotImplementedError
