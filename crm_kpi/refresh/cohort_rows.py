# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The rows of a cohort, made once for all sources that read them."""

from odoo.tools import SQL

from .planner import MANY, planned_for

#: Key in the context of a source: the :class:`CohortRows` that its queries read.
ROWS = "crm_kpi_cohort_rows"
#: KPIs for which all columns of the rows take longer than the columns that they read.
FEW_KPIS = 3


class CohortRows:
    """The rows of a model without table for some periods, in a temporary table.

    :param model: an empty record set of a model that inherits ``crm.kpi.period.rows``
    :param now: naive UTC
    """

    suffix = "refresh"

    def __init__(self, model, now):
        self.model = model
        self.now = now
        self.table = SQL.identifier(f"{model._table}_{self.suffix}")
        self.period_ids = set()

    def add(self, period_ids):
        """Make the rows of the periods that have none yet."""
        missing = set(period_ids) - self.period_ids
        if not missing:
            return
        cr = self.model.env.cr
        make = "INSERT INTO %s %s" if self.period_ids else "CREATE TEMPORARY TABLE %s AS %s"
        with planned_for(cr, MANY):
            cr.execute(SQL(make, self.table, self._made(sorted(missing))))
        # its size; the planner needs to know no more about some 50 columns
        cr.execute(SQL("ANALYZE %s (period_id)", self.table))
        self.period_ids |= missing

    def _made(self, period_ids):
        return self.model._kpi_kept_query(period_ids, self.now)

    def query(self, period_ids):
        """The rows of some periods that were added."""
        return SQL("SELECT * FROM %s WHERE period_id = ANY(%s)", self.table, list(period_ids))

    def to_read(self, kpi_count, period_ids):
        """The rows from which a number of KPIs are computed: these, or rows for them alone."""
        if kpi_count > FEW_KPIS or set(period_ids) <= self.period_ids:
            return self
        return UnstoredRows(self.model, self.now)

    def drop(self):
        if self.period_ids:
            self.model.env.cr.execute(SQL("DROP TABLE %s", self.table))
            self.period_ids = set()


class UnstoredRows(CohortRows):
    """Rows that are made where they are read, without the columns that are not read."""

    def add(self, period_ids):
        """Make nothing."""

    def query(self, period_ids):
        return self._made(list(period_ids))


class ChangedRows(CohortRows):
    """The rows that changed since the values were computed: as they were, and as they are."""

    suffix = "change"

    def to_read(self, kpi_count, period_ids):
        return self

    def _made(self, period_ids):
        return self.model._kpi_changed_query(period_ids, self.now)
