# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class CrmKpiAlertMessage(models.Model):
    """A message about an alert to one recipient: due, sent, or why not."""

    _name = "crm.kpi.alert.message"
    _description = "KPI Alert Message"
    _log_access = False
    _order = "due_at desc, id desc"

    case_id = fields.Many2one(
        "crm.kpi.alert.case", required=True, readonly=True, ondelete="cascade", index=True
    )
    user_id = fields.Many2one(
        "res.users", "Recipient", required=True, readonly=True, ondelete="cascade", index=True
    )
    kind = fields.Selection(
        [("fired", "Fired"), ("reminder", "Reminder"), ("recovered", "Recovered")],
        required=True,
        readonly=True,
    )
    state = fields.Selection(
        [
            ("due", "Waiting"),
            ("sent", "Sent"),
            ("refused", "No right to read"),
            ("failed", "Failed"),
        ],
        required=True,
        readonly=True,
        default="due",
        help="Waiting: quiet hours or a free day of the recipient. No right to read: the recipient may "
        "not see the value and heard nothing.",
    )
    due_at = fields.Datetime("Due", required=True, readonly=True)
    sent_at = fields.Datetime("Sent", readonly=True)
    error = fields.Text(readonly=True)

    _due_idx = models.Index("(due_at) WHERE state = 'due'")
