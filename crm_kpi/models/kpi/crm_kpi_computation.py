# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class CrmKpiComputation(models.Model):
    """What a KPI was last computed from in a period.

    ``fingerprint`` condenses the records (their count and the sum of their write dates);
    as long as it and the definition version are the same, nothing is computed again.
    """

    _name = "crm.kpi.computation"
    _description = "KPI Computation"
    _log_access = False

    kpi_id = fields.Many2one("crm.kpi", required=True, ondelete="cascade")
    period_id = fields.Many2one("crm.kpi.period", required=True, ondelete="cascade", index=True)
    fingerprint = fields.Char()
    version = fields.Integer()
    revision = fields.Integer(help="Number of times it was computed; formulas go by it.")
    computed_at = fields.Datetime()

    _cell_uniq = models.UniqueIndex("(kpi_id, period_id)")
