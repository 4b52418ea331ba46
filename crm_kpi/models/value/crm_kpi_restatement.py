# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models

from ...fields import NullableFloat
from .crm_kpi_value import LEVELS


class CrmKpiRestatement(models.Model):
    """What a locked value would be today, and why it differs from what was reported."""

    _name = "crm.kpi.restatement"
    _description = "KPI Restatement"
    _order = "date desc, id desc"
    _log_access = False

    kpi_id = fields.Many2one("crm.kpi", "KPI", required=True, ondelete="cascade")
    period_id = fields.Many2one("crm.kpi.period", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one("res.company", required=True, ondelete="cascade", index=True)
    level = fields.Selection(LEVELS, required=True)
    team_id = fields.Many2one("crm.team", ondelete="cascade")
    user_id = fields.Many2one("res.users", ondelete="cascade")
    segment_id = fields.Many2one("crm.kpi.segment", ondelete="cascade")
    value_locked = NullableFloat("Reported", aggregator=None)
    value_now = NullableFloat("Now", aggregator=None)
    record_count_locked = fields.Integer("Records reported", aggregator=None)
    record_count_now = fields.Integer("Records now", aggregator=None)
    reason = fields.Selection(
        [
            ("late", "Records entered late"),
            ("removed", "Records removed or moved"),
            ("amount", "Records changed"),
            ("definition", "Definition changed"),
        ],
        required=True,
    )
    date = fields.Datetime("Noticed on", required=True)

    _cell_idx = models.Index("(kpi_id, period_id)")
