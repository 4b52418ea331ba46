# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import base64
import logging
import tempfile
from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Command

from ...board.filters import board_address
from ...engine.schedule import next_instant
from ...refresh.failures import error_text
from ...workbook.request import WorkbookRequest
from ..board.crm_kpi_board_card import BOARD_KINDS, SCOPES

_logger = logging.getLogger(__name__)

#: Tries of a workbook that is sent once, or whose making is interrupted.
MAX_TRIES = 3
#: Time until the second try; doubled until the third.
FIRST_RETRY = timedelta(minutes=5)
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
    """Sends the figures of a board by mail, with the rights and in the language of each recipient.

    The frequency ``once`` is a large workbook that a user exported: it is made in the background.
    """

    _name = "crm.kpi.mailing"
    _description = "Scheduled KPI Report"
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
        SCOPES, "Values of", required=True, default="mine", help="Mine: those of each recipient."
    )
    team_id = fields.Many2one(
        "crm.team",
        ondelete="set null",
        domain="[('company_id', 'in', [False, company_id])]",
        help="Empty: the team of each recipient.",
    )
    period_kind = fields.Selection(
        BOARD_KINDS,
        "Period",
        required=True,
        compute="_compute_period_kind",
        store=True,
        readonly=False,
        precompute=True,
        help="The kind of period that the figures are of. A weekly report starts with weeks, a "
        "monthly one with months.",
    )
    complete = fields.Boolean(
        "Last complete period", default=True, help="Otherwise the current period."
    )
    user_ids = fields.Many2many(
        "res.users",
        string="Recipients",
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
    hour = fields.Integer("Time", default=7, help="The hour, in the time zone of the KPIs.")
    tz_name = fields.Char("Time zone", compute="_compute_tz_name")
    next_date = fields.Datetime(
        "Next mail", compute="_compute_next_date", store=True, readonly=False
    )
    last_date = fields.Datetime("Last mail", readonly=True, copy=False)
    last_count = fields.Integer(
        "Sent to", readonly=True, copy=False, help="Number of recipients of the last mail."
    )
    last_error = fields.Text(readonly=True, copy=False)
    failed_since = fields.Datetime(readonly=True, copy=False)
    tries = fields.Integer(readonly=True, copy=False, help="Tries since the last success.")
    options = fields.Json(
        readonly=True, copy=False, help="The request of a workbook that is sent once."
    )

    _day_range = models.Constraint("CHECK (day BETWEEN 1 AND 31)", "On day: enter 1 to 31.")
    _hour_range = models.Constraint("CHECK (hour BETWEEN 0 AND 23)", "Time: enter 0 to 23.")

    @api.depends("frequency")
    def _compute_period_kind(self):
        for mailing in self:
            mailing.period_kind = "week" if mailing.frequency == "weekly" else "month"

    @api.depends("company_id")
    def _compute_tz_name(self):
        for mailing in self:
            mailing.tz_name = mailing.company_id and mailing.company_id._kpi_tz()

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
        return next_instant(
            self.frequency,
            moment,
            self.company_id._kpi_tz(),
            self.hour,
            weekday=int(self.weekday or 0),
            day=self.day,
        )

    # --- SENDING ---

    @api.model
    def _cron_send(self):
        """Send what is due. A failure for one recipient does not stop the mails of the others."""
        cron = self.env["ir.cron"]
        due = self.search([("next_date", "<=", fields.Datetime.now())])
        cron._commit_progress(remaining=len(due))
        for mailing in due:
            if mailing._begin():
                # committed: a workbook at which the process is killed is tried a few times only,
                # and does not keep the others from being sent for ever
                cron._commit_progress()
                mailing._send()
            if not cron._commit_progress(1):
                break

    def _begin(self):
        """Count a try; false when there were too many that did not come to their end."""
        if self.tries >= MAX_TRIES:
            self._fail(self.env._("The server stopped it %s times.", self.tries))
            return False
        self.tries += 1
        return True

    def _send(self):
        self.ensure_one()
        errors, recipients = [], self.user_ids.filtered("active")
        for user in recipients:
            if self.frequency != "once" and not user.email:
                errors.append(self.env._("%s has no email address.", user.name))
                continue
            try:
                with self.env.cr.savepoint():
                    self._send_to(user)
            except Exception as error:
                _logger.warning("KPI mailing %s to user %s", self.id, user.id, exc_info=True)
                errors.append(f"{user.name}: {error_text(error)}")
        self.last_count = len(recipients) - len(errors)
        if errors:
            self._fail("\n".join(errors))
        elif self.frequency == "once":
            self.unlink()
        else:
            now = fields.Datetime.now()
            self.write(
                {
                    "tries": 0,
                    "last_date": now,
                    "last_error": False,
                    "failed_since": False,
                    "next_date": self._after(now),
                }
            )

    def _fail(self, reason):
        """Note why it failed. A workbook that is sent once is tried again a few times."""
        now, once = fields.Datetime.now(), self.frequency == "once"
        tries = max(self.tries, 1)
        if not once:
            next_date = self._after(now)
        elif tries < MAX_TRIES:
            next_date = now + FIRST_RETRY * 2 ** (tries - 1)
            # superuser: starts the scheduled action
            self.env.ref("crm_kpi.ir_cron_mailing").sudo()._trigger(next_date)
        else:
            next_date = False
        self.write(
            {
                "tries": tries if once else 0,
                "last_date": now,
                "last_error": reason,
                "failed_since": self.failed_since or now,
                "next_date": next_date,
            }
        )
        if once and tries in (1, MAX_TRIES):
            self._tell_requester(reason)

    def _tell_requester(self, reason):
        """Tell the user who exported a workbook that it failed, and what happens next."""
        for user in self.user_ids.filtered("active"):
            env = self.with_context(lang=user.lang).env
            if self.next_date:
                following = env._("It is tried again.")
            else:
                following = env._(
                    "It is not tried again. Choose fewer KPIs or periods, or ask an administrator."
                )
            env["mail.thread"].message_notify(
                partner_ids=user.partner_id.ids,
                author_id=env.ref("base.partner_root").id,
                subject=env._("The workbook that you exported could not be made"),
                body=Markup("<p>%s</p><p>%s</p>") % (reason, following),
            )

    def _send_to(self, user):
        """Make the workbook with the rights of the recipient, and send it."""
        # rights, language and time zone of the recipient, never those of the superuser
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
        # superuser: the file is made for the recipient only. It belongs to no record, so that no
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
        figures = export._figures(request)
        # superuser: the mail goes to the recipient only
        template = self.env.ref("crm_kpi.mail_template_kpi_workbook").sudo()
        template.with_context(
            lang=user.lang,
            kpi_figures=figures,
            kpi_board_url=self._board_url(request, figures["date"]),
        ).send_mail(
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
                "period_kind": self.period_kind,
                "date": "last" if self.complete else "now",
                "comparison": board.comparison,
                "scope": self.scope,
                "team_id": self.team_id.id if self.scope == "team" else None,
            },
        )

    def _board_url(self, request, date):
        """The address of the board with the filters of the report.

        :param date: first day of the period, which stays the one that the mail is about
        """
        chosen = {"board_id": request.board_id, **request.filters, "date": date}
        return board_address(self.get_base_url(), chosen)

    # --- ACTIONS ---

    def action_send(self):
        """Send at the next run of the scheduled action, and say to whom."""
        self.check_access("write")  # also without a record: the scheduled action would run
        self.write({"next_date": fields.Datetime.now(), "tries": 0})
        self.env.ref("crm_kpi.ir_cron_mailing")._trigger()
        users = self.user_ids.filtered("active")
        unreachable = users.filtered(lambda user: not user.email)
        names = ", ".join((users - unreachable).mapped("name")) or self.env._("no recipient")
        sentences = [self.env._("Sent within a minute to: %s.", names)]
        if unreachable:
            sentences.append(
                self.env._(
                    "Without an email address, so not sent: %s.",
                    ", ".join(unreachable.mapped("name")),
                )
            )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning" if unreachable or not users else "success",
                "message": " ".join(sentences),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

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
