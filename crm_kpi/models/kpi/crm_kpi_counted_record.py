# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models
from odoo.tools import SQL

from ...fields import UncheckedMany2one


class CrmKpiCountedRecord(models.Model):
    """A record as values of closed periods have counted it, with its owners at that time.

    Of sources with many records and KPIs. A refresh compares them with the records of today: see
    ``refresh/counted.py``. The ids are those of records that may have been deleted since.
    """

    _name = "crm.kpi.counted.record"
    _description = "Record behind values"
    _log_access = False

    source_id = UncheckedMany2one("crm.kpi.source", required=True, ondelete="cascade")
    company_id = UncheckedMany2one("res.company", required=True, ondelete="cascade")
    record_id = fields.Integer(required=True)
    at = fields.Datetime("Date", required=True, help="By which it belongs to periods.")
    user_id = fields.Integer("Salesperson")
    team_id = fields.Integer()
    partner_id = fields.Integer("Customer")
    country_id = fields.Integer()

    _record_uniq = models.UniqueIndex("(source_id, company_id, record_id)")

    def init(self):
        """Add the column of the write date as a number, which is too large for the ORM."""
        self.env.cr.execute(
            SQL("ALTER TABLE %s ADD COLUMN IF NOT EXISTS stamp int8", SQL.identifier(self._table))
        )
