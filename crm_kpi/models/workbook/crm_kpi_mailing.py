# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import base64
import logging
import tempfile
from datetime import datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Command

from ...engine import periods as calendar
from ...workbook.request import WorkbookRequest
from ..board.crm_kpi_board import SCOPES

_logger = logging.getLogger(__name__)

WEEKDAYS = [
    ("0", "Monday"),
    ("1", "Tuesday"),
    ("2", "Wednesday"),
    ("3", "Thursday"),
    ("4", "Friday"),
    ("5", "Saturday"),
    ("6", "Sunday"),
]


class CrmKpiMailing(models.Model):
    """Sends the workbook of a board by mail, with the rights and in the language of each receiver.

    The frequency ``once`` is a large workbook that a user exported: it is made in the background.
    """

    _name = "crm.kpi.mailing"
    _description = "KPI Workbook by Mail"
    _order = "next_date, id"

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    board_id = fields.Many2one(
        "crm.kpi.board",
        ondelete="cascade",
        domain="[('user_id', '=', False)]",
        help="The board to send. Users who may not open it receive no mail.",
    )
    scope = fields.Selection(
        SCOPES, "Values of", required=True, default="mine", help="Mine: those of each receiver."
    )
    complete = fields.Boolean(
        "Last complete period", default=True, help="Otherwise the running period."
    )
    user_ids = fields.Many2many(
        "res.users",
        string="Receivers",
        required=True,
        domain="[('share', '=', False), ('company_ids', 'in', company_id)]",
    )
    frequency = fields.Selection(
        [("weekly", "Every week"), ("monthly", "Every month"), ("once", "Once")],
        required=True,
        default="weekly",
    )
    weekday = fields.Selection(WEEKDAYS, "On weekday", default="0")
    day = fields.Integer(
        "On day", default=1, help="Day of the month. A shorter month: its last day."
    )
    hour = fields.Integer("At hour", default=7, help="In the time zone of the KPIs.")
    next_date = fields.Datetime(
        "Next mail", compute="_compute_next_date", store=True, readonly=False
    )
    last_date = fields.Datetime("Last mail", readonly=True, copy=False)
    last_error = fields.Text(readonly=True, copy=False)
    options = fields.Json(
        readonly=True, copy=False, help="The request of a workbook that is sent once."
    )

    _day_range = models.Constraint("CHECK (day BETWEEN 1 AND 31)", "On day: enter 1 to 31.")
    _hour_range = models.Constraint("CHECK (hour BETWEEN 0 AND 23)", "At hour: enter 0 to 23.")

    @api.depends("frequency", "weekday", "day", "hour", "company_id")
    def _compute_next_date(self):
        now = fields.Datetime.now()
        for mailing in self:
            mailing.next_date = now if mailing.frequency == "once" else mailing._after(now)

    @api.constrains("board_id", "frequency")
    def _check_board(self):
        for mailing in self:
            if mailing.frequency != "once" and not mailing.board_id:
                raise ValidationError(self.env._("Board: choose the board to send."))

    def _after(self, moment):
        """The next instant to send at, after a moment."""
        tz = self.company_id._kpi_tz()
        today = calendar.local_day(moment, tz)
        if self.frequency == "weekly":
            first = today + timedelta(days=(int(self.weekday or 0) - today.weekday()) % 7)
            days = [first, first + timedelta(days=7)]
        else:
            start = today.replace(day=1)
            days = [start + relativedelta(months=i, day=self.day) for i in (0, 1)]
        # the hour is local time, also on days with a change of the clock
        instants = [
            datetime.combine(day, time(self.hour), ZoneInfo(tz))
            .astimezone(timezone.utc)
            .replace(tzinfo=None)
            for day in days
        ]
        return next((at for at in instants if at > moment), instants[-1])

    # --- SENDING ---

    @api.model
    def _cron_send(self):
        """Send what is due. A failure for one receiver does not stop the mails of the others."""
        cron = self.env["ir.cron"]
        due = self.search([("next_date", "<=", fields.Datetime.now())])
        cron._commit_progress(remaining=len(due))
        for mailing in due:
            mailing._send()
            if not cron._commit_progress(1):
                break

    def _send(self):
        self.ensure_one()
        errors = []
        for user in self.user_ids.filtered("active"):
            try:
                with self.env.cr.savepoint():
                    self._send_to(user)
            except Exception as error:
                _logger.warning("KPI mailing %s to user %s", self.id, user.id, exc_info=True)
                errors.append(f"{user.name}: {error}")
        now = fields.Datetime.now()
        if self.frequency == "once" and not errors:
            self.unlink()
            return
        self.write(
            {
                "last_date": now,
                "last_error": "\n".join(errors) or False,
                "next_date": False if self.frequency == "once" else self._after(now),
            }
        )

    def _send_to(self, user):
        """Make the workbook with the rights of the receiver, and send it."""
        # rights, language and time zone of the receiver, never those of the superuser
        env = self.env(
            user=user.id,
            su=False,
            context={
                "lang": user.lang,
                "tz": user.tz,
                "allowed_company_ids": [self.company_id.id],
            },
        )
        export = env["crm.kpi.export"]
        request = self._request()
        with tempfile.SpooledTemporaryFile(max_size=4 << 20) as file:
            name = export._write_workbook(request, file)
            file.seek(0)
            content = base64.b64encode(file.read())
        # superuser: the file is made for the receiver only. It belongs to no record, so that no
        # other user can open it, and it is deleted with its message
        attachment = (
            env["ir.attachment"]
            .sudo()
            .create({"name": name, "datas": content, "res_model": "mail.message", "res_id": 0})
        )
        if self.frequency == "once":
            self.env["mail.thread"].message_notify(
                partner_ids=user.partner_id.ids,
                author_id=self.env.ref("base.partner_root").id,
                subject=env._("%s is ready", name),
                body=env._("The workbook that you exported is attached."),
                attachment_ids=attachment.ids,
            )
            return
        # superuser: the mail goes to the receiver only
        template = self.env.ref("crm_kpi.mail_template_kpi_workbook").sudo()
        template.with_context(lang=user.lang).send_mail(
            self.id,
            email_values={
                "model": False,
                "res_id": False,
                "email_to": False,
                "recipient_ids": [Command.set(user.partner_id.ids)],
                "attachment_ids": [Command.set(attachment.ids)],
            },
        )

    def _request(self):
        """The stored request of a single workbook, or the board with its default filters."""
        if self.options:
            return WorkbookRequest.parse(self.options)
        board = self.board_id
        return WorkbookRequest(
            board_id=board.id,
            filters={
                "company_id": self.company_id.id,
                "period_kind": board.period_kind,
                "date": "last" if self.complete else "now",
                "comparison": board.comparison,
                "scope": self.scope,
            },
        )

    # --- ACTIONS ---

    def action_send(self):
        """Send at the next run of the scheduled action."""
        self.check_access("write")  # also without a record: the scheduled action would run
        self.next_date = fields.Datetime.now()
        self.env.ref("crm_kpi.ir_cron_mailing")._trigger()

    @api.model
    def _send_later(self, request, name):
        """Have a workbook made in the background for the present user."""
        # superuser: managers set up mailings, but this one goes only to the user who exports. It
        # is made with the user's rights and deleted when it is sent
        self.sudo().create(
            {
                "name": name,
                "company_id": request.filters.get("company_id") or self.env.company.id,
                "frequency": "once",
                "user_ids": [Command.set(self.env.user.ids)],
                "options": request.to_dict(),
            }
        )
        # superuser: starts the scheduled action
        self.env.ref("crm_kpi.ir_cron_mailing").sudo()._trigger()
