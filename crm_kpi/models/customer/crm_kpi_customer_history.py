# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.tools import SQL

from ...customers import history, period
from ...refresh.planner import MANY, planned_for

#: Temporary table of the histories that an update has changed: as they were, and as they are.
CHANGES = SQL.identifier("crm_kpi_customer_history_change")
#: Customers whose rows are quicker to compare than those of all, however few there are.
FEW = 1000
_COLUMNS = SQL(", ").join(map(SQL.identifier, history.COLUMNS))


class CrmKpiCustomerHistory(models.Model):
    """The history of a customer as the values of cohorts were computed from it.

    One row per company and customer with a qualifying order; the columns besides are the sorted
    arrays of :data:`~odoo.addons.crm_kpi.customers.history.COLUMNS`. A refresh compares them with
    the orders, documents and contacts: the values of closed periods change by the rows of the
    customers whose history is another one.
    """

    _name = "crm.kpi.customer.history"
    _description = "History of a customer behind values"
    _log_access = False

    company_id = fields.Many2one("res.company", required=True, ondelete="cascade")
    partner_id = fields.Integer(
        "Customer",
        required=True,
        help="Of a customer that was deleted, too, until the next refresh.",
    )

    _customer_uniq = models.UniqueIndex("(company_id, partner_id)")

    def init(self):
        """Add the columns that the ORM has no fields for."""
        for name, kind in history.COLUMNS.items():
            if name not in self._fields:
                self.env.cr.execute(
                    SQL(
                        "ALTER TABLE %s ADD COLUMN IF NOT EXISTS %s %s",
                        SQL.identifier(self._table),
                        SQL.identifier(name),
                        SQL(kind),
                    )
                )

    @api.model
    def _kpi_query(self, companies):
        """The histories of companies."""
        return SQL(
            "SELECT %s FROM %s WHERE company_id = ANY(%s)",
            _COLUMNS,
            SQL.identifier(self._table),
            companies.ids,
        )

    @api.model
    def _kpi_changed_query(self, change):
        """The histories that the last update removed (``-1``), or added (``1``)."""
        return SQL("SELECT %s FROM %s WHERE change = %s", _COLUMNS, CHANGES, change)

    @api.model
    def _kpi_update(self, company, now):
        """Bring the histories of a company up to date, and keep what changed.

        :return: whether the values can be brought up to date by what changed. They cannot where
            a customer was deleted: the segments of the customer are not known any more
        """
        cr = self.env.cr
        cr.execute(SQL("DROP TABLE IF EXISTS %s", CHANGES))
        with planned_for(cr, MANY):
            cr.execute(
                SQL(
                    """CREATE TEMPORARY TABLE %(changes)s ON COMMIT DROP AS
                       WITH fresh AS MATERIALIZED (%(fresh)s), kept AS MATERIALIZED (%(kept)s)
                       SELECT -1 AS change, gone.*
                         FROM (SELECT * FROM kept EXCEPT SELECT * FROM fresh) AS gone
                        UNION ALL
                       SELECT 1, came.*
                         FROM (SELECT * FROM fresh EXCEPT SELECT * FROM kept) AS came""",
                    changes=CHANGES,
                    fresh=period.gather(self.env, company, now),
                    kept=self._kpi_query(company),
                )
            )
            cr.execute(
                SQL(
                    """DELETE FROM %(table)s
                        WHERE company_id = %(company)s
                          AND partner_id IN (SELECT partner_id FROM %(changes)s WHERE change = -1)""",
                    table=SQL.identifier(self._table),
                    company=company.id,
                    changes=CHANGES,
                )
            )
            cr.execute(
                SQL(
                    "INSERT INTO %s (%s) %s",
                    SQL.identifier(self._table),
                    _COLUMNS,
                    self._kpi_changed_query(1),
                )
            )
        self.invalidate_model()
        [[changed, of_deleted, total]] = self.env.execute_query(
            SQL(
                """SELECT count(DISTINCT partner_id),
                          count(*) FILTER (WHERE partner_id NOT IN (SELECT id FROM res_partner)),
                          (SELECT count(*) FROM %s WHERE company_id = %s)
                     FROM %s""",
                SQL.identifier(self._table),
                company.id,
                CHANGES,
            )
        )
        return not of_deleted and changed <= max(FEW, total // 10)
