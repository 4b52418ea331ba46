# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models

from ...fields import NullableFloat, UncheckedMany2one
from .crm_kpi_value import LEVELS


class CrmKpiRestatement(models.Model):
    """What a locked value would be today, and why it differs from the reported value."""

    _name = "crm.kpi.restatement"
    _description = "KPI Restatement"
    _order = "date desc, id desc"
    _log_access = False

    kpi_id = UncheckedMany2one("crm.kpi", "KPI", required=True, ondelete="cascade")
    period_id = UncheckedMany2one("crm.kpi.period", required=True, ondelete="cascade")
    company_id = UncheckedMany2one("res.company", required=True, ondelete="cascade")
    level = fields.Selection(LEVELS, required=True)
    team_id = UncheckedMany2one("crm.team", ondelete="cascade")
    user_id = UncheckedMany2one("res.users", ondelete="cascade")
    segment_id = UncheckedMany2one("crm.kpi.segment", ondelete="cascade")
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
            ("correction", "Credit corrected"),
        ],
        required=True,
    )
    note = fields.Text("Explanation", help="Reasons of the corrections.")
    date = fields.Datetime("Noticed on", required=True)
    withheld = fields.Boolean(help="The value is withheld: no user can read it.")
    locked_text = fields.Char("Reported value", compute="_compute_texts")
    now_text = fields.Char("Value now", compute="_compute_texts")

    _cell_idx = models.Index("(period_id, kpi_id)")

    @api.depends("value_locked", "value_now", "kpi_id")
    @api.depends_context("lang")
    def _compute_texts(self):
        for line in self:
            currency = line.company_id.currency_id
            line.locked_text = line.kpi_id._format_value(line.value_locked, currency)
            line.now_text = line.kpi_id._format_value(line.value_now, currency)
