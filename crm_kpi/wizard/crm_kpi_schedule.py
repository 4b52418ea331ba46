# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import UserError


class CrmKpiSchedule(models.TransientModel):
    """When KPIs are refreshed: interval and next call of the scheduled action.

    Scheduled actions contain code, so only system administrators may edit them. KPI
    administrators change the interval here and nothing else.
    """

    _name = "crm.kpi.schedule"
    _description = "KPI Schedule"

    active = fields.Boolean("Refresh automatically", default=lambda self: self._cron().active)
    interval_number = fields.Integer(
        "Every", required=True, default=lambda self: self._cron().interval_number
    )
    interval_type = fields.Selection(
        [
            ("minutes", "Minutes"),
            ("hours", "Hours"),
            ("days", "Days"),
            ("weeks", "Weeks"),
            ("months", "Months"),
        ],
        required=True,
        default=lambda self: self._cron().interval_type,
    )
    nextcall = fields.Datetime(
        "Next refresh", required=True, default=lambda self: self._cron().nextcall
    )
    lastcall = fields.Datetime("Last refresh", compute="_compute_state")
    history_text = fields.Char("History", compute="_compute_state")
    waiting_kpi_ids = fields.Many2many(
        "crm.kpi", string="KPIs with errors", compute="_compute_state"
    )

    @api.model
    def _cron(self):
        # superuser: the methods below read and write only the interval, the next call and whether
        # the action is active, and access rights limit this wizard to KPI administrators
        return self.env.ref("crm_kpi.ir_cron_refresh").sudo()

    def _compute_display_name(self):
        self.display_name = self.env._("Schedule")

    @api.depends("interval_number")
    def _compute_state(self):
        self.lastcall = self._cron().lastcall
        self.history_text = self.env["crm.kpi.backfill"]._progress_text()
        self.waiting_kpi_ids = self.env["crm.kpi"].search([("last_error", "!=", False)])

    def action_save(self):
        self.ensure_one()
        self.check_access("write")
        if self.interval_number < 1:
            raise UserError(self.env._("Every: enter 1 or more."))
        self._cron().write(
            {
                "active": self.active,
                "interval_number": self.interval_number,
                "interval_type": self.interval_type,
                "nextcall": self.nextcall,
            }
        )
        return {"type": "ir.actions.act_window_close"}

    def action_run(self):
        """Start the refresh in the background as soon as a cron worker is free."""
        self.ensure_one()
        self.check_access("write")
        self.env["crm.kpi.health"].refresh_now()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._("The refresh starts within a minute."),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
