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

    # --- WHAT A REFRESH KEEPS ---

    #: Whether a refresh keeps what the rows are made from, and computes values from the last ones
    #: and the rows that changed. Such a model overwrites the rest of this part.
    _kpi_is_kept = False
    #: Columns that depend on all rows of a period, with the columns that they are found by. In the
    #: rows that changed, such a column is true where it may be.
    _kpi_ranks = {}

    @api.model
    def _kpi_keep(self, company, now):
        """Bring up to date what the rows of a company are made from.

        :return: whether the rows that changed can be made: see :meth:`_kpi_changed_query`
        """
        raise NotImplementedError

    @api.model
    def _kpi_kept_query(self, period_ids, now):
        """As :meth:`_kpi_query`, from what is kept."""
        return self._kpi_query(period_ids, now)

    @api.model
    def _kpi_changed_query(self, period_ids, now):
        """The rows that the last :meth:`_kpi_keep` changed, with a column ``change``: as they were
        (-1), and as they are (1)."""
        raise NotImplementedError

    @api.model
    def _kpi_shared(self, periods, now):
        """What columns depend on besides what is kept: a dict of column to dict of period id to
        text."""
        return {}

    @api.model
    def _kpi_query(self, period_ids, now):
        """The rows of these periods as known at ``now`` (naive UTC)."""
        raise NotImplementedError
