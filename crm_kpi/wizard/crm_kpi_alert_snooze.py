# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import fields, models


class CrmKpiAlertSnooze(models.TransientModel):
    """Until when, and why, there are no messages about an alert."""

    _name = "crm.kpi.alert.snooze"
    _description = "Snooze a KPI Alert"

    case_id = fields.Many2one("crm.kpi.alert.case", required=True, ondelete="cascade")
    until = fields.Date(
        required=True,
        default=lambda self: fields.Date.context_today(self) + timedelta(days=7),
        help="The last day without messages.",
    )
    reason = fields.Char(required=True)

    def action_snooze(self):
        self.ensure_one()
        self.case_id._snooze(self.until, self.reason)
        return {"type": "ir.actions.act_window_close"}
