# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class CrmKpiComputation(models.Model):
    """What a KPI was last computed from in a period.

    ``fingerprint`` is an encoded ``CacheKey``: it condenses the records (their number and the
    sum of their write dates) and settings. While it and the version of the definition stay the
    same, the value is not computed again.
    """

    _name = "crm.kpi.computation"
    _description = "KPI Computation"
    _log_access = False

    kpi_id = fields.Many2one("crm.kpi", "KPI", required=True, ondelete="cascade")
    period_id = fields.Many2one("crm.kpi.period", required=True, ondelete="cascade", index=True)
    fingerprint = fields.Char()
    content = fields.Char(
        help="Of a closed period, while its value is that of the kept histories of customers, or was "
        "computed from the kept records with the segments of today: what it depends on besides its "
        "own rows."
    )
    version = fields.Integer()
    revision = fields.Integer(
        help="Number of times a value or a setting of it changed. Formulas that use the KPI depend on "
        "it."
    )
    computed_at = fields.Datetime()
    stored_at = fields.Datetime(
        help="When a value was last stored or deleted. Since then it has to be decided which values of "
        "segments are withheld."
    )
    recompute = fields.Boolean(
        help="The next refresh replaces the values of this period although it is locked."
    )

    undecided = fields.Boolean(
        help="It was never decided which values of segments are withheld: all are, until then."
    )

    _undecided_idx = models.Index("(kpi_id, period_id) WHERE undecided")
    _cell_uniq = models.UniqueIndex("(kpi_id, period_id)")
