# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Workbooks sent by mail or created in the background."""

import io
from contextlib import suppress
from datetime import datetime
from unittest.mock import patch
from urllib.parse import parse_qsl, urlsplit

import openpyxl
from freezegun import freeze_time
from lxml.html import fromstring

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import html2plaintext, mute_logger

from ..workbook.request import WorkbookRequest
from .common_export import ExportCase


@tagged("post_install", "-at_install")
class TestMailing(ExportCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.board = cls.env["crm.kpi.board"].create(
            {
                "name": "Monday",
                "user_id": False,
                "card_ids": [Command.create({"kpi_id": kpi.id}) for kpi in cls.rate | cls.amount],
            }
        )
        (cls.ann | cls.manager).email = "reader@example.com"

    def mailing(self, **values):
        return self.env["crm.kpi.mailing"].create(
            {
                "name": "Monday meeting",
                "company_id": self.company.id,
                "board_id": self.board.id,
                "scope": "company",
                "user_ids": [Command.set((self.ann | self.manager).ids)],
                **values,
            }
        )

    def mails(self):
        """Mailed files by recipient."""
        mails = self.env["mail.mail"].search([("subject", "=", "Monday meeting")])
        return {
            mail.recipient_ids.user_ids: mail
            for mail in mails
            if mail.recipient_ids.user_ids <= self.ann | self.manager
        }

    def book(self, attachment):
        return openpyxl.load_workbook(io.BytesIO(attachment.raw), data_only=True)

    def test_recipients_get_their_own_values(self):
        """Each recipient gets the workbook that they would export."""
        self.env["res.lang"]._activate_lang("ar_001")
        self.manager.lang = "ar_001"
        self.company.kpi_ranking = "off"
        with freeze_time("2026-04-10 10:00:00"):
            mailing = self.mailing(period_kind="month")
            mailing._send()
        self.assertFalse(mailing.last_error)
        mails = self.mails()
        self.assertEqual(set(mails), {self.ann, self.manager})
        own, all_of_it = (
            self.book(mails[user].attachment_ids) for user in (self.ann, self.manager)
        )
        self.assertIn("Bob", self.texts(all_of_it))
        self.assertFalse({"Bob", "Cid"} & self.texts(own))
        self.assertIn("March 2026", own["Summary"]["A2"].value)
        self.assertTrue(all_of_it.worksheets[0].sheet_view.rightToLeft)
        self.assertFalse(own.worksheets[0].sheet_view.rightToLeft)
        # other users cannot open the file
        file = mails[self.ann].attachment_ids
        self.assertTrue(file.with_user(self.ann).raw)
        for user in (self.bob, self.manager):
            with self.assertRaises(AccessError):
                file.with_user(user).raw  # noqa: B018
        # the file is deleted with its mail
        mails[self.ann].mail_message_id.unlink()
        self.assertFalse(file.exists())

    def figures(self, user):
        """The text of the mail to a user by line, and the filters of its link."""
        body = fromstring(self.mails()[user].body_html)
        [link] = [a.get("href") for a in body.iter("a") if a.text == "Open the board"]
        rows = [[" ".join(cell.itertext()).strip() for cell in row] for row in body.iter("tr")]
        return "".join(body.itertext()), rows, dict(parse_qsl(urlsplit(link).query))

    def test_figures_of_the_last_week(self):
        """A weekly mail holds the figures of the last week that the recipient may see, and a link."""
        week = self.period("week", "2026-03-03")
        self.env["crm.kpi"]._refresh(week, self.rate | self.amount)
        with freeze_time("2026-03-10 10:00:00"):
            mailing = self.mailing()
            self.assertEqual(mailing.period_kind, "week")
            mailing._send()
        self.assertFalse(mailing.last_error)
        self.assertEqual(mailing.last_count, 2)
        text, rows, filters = self.figures(self.manager)
        self.assertIn("Week 10, 2026", text)
        # 10 + 20 + 30.5 + 1000 + 7, and two of five leads won
        self.assertEqual(rows[0], ["KPI", "Value", "Target", "Status", "Change"])
        values = {row[0]: row[1] for row in rows[1:]}
        self.assertEqual(values["Share won"], "40.0\u00a0%")
        self.assertRegex(values["=Amount & more"], r"^\D*1,06[78](\.5)?\D*$")
        self.assertEqual(
            (filters["board_id"], filters["period_kind"], filters["date"], filters["scope"]),
            (str(self.board.id), "week", "2026-03-02", "company"),
        )
        _text, rows, _filters = self.figures(self.ann)
        self.assertEqual({row[0]: row[1] for row in rows[1:]}["=Amount & more"], "–")

    def test_figures_of_a_team(self):
        """The kind of period and the team are those of the report."""
        with freeze_time("2026-04-10 10:00:00"):
            mailing = self.mailing(
                frequency="monthly",
                scope="team",
                team_id=self.south.id,
                user_ids=[Command.set(self.manager.ids)],
            )
            self.assertEqual(mailing.period_kind, "month")
            mailing._send()
        text, rows, filters = self.figures(self.manager)
        self.assertIn("March 2026", text)
        self.assertIn("South", text)
        self.assertRegex(rows[2][1] if "Amount" in rows[2][0] else rows[1][1], r"1,007")
        self.assertEqual((filters["team_id"], filters["date"]), (str(self.south.id), "2026-03-01"))

    def test_send_now(self):
        """The answer names the recipients, and those who cannot be reached."""
        mailing = self.mailing()
        params = mailing.action_send()["params"]
        self.assertEqual(params["type"], "success")
        self.assertEqual(params["message"], "Sent within a minute to: Ann, Mona.")
        self.ann.email = False
        params = mailing.action_send()["params"]
        self.assertEqual(params["type"], "warning")
        self.assertIn("to: Mona. Without an email address, so not sent: Ann.", params["message"])
        mailing._send()
        self.assertEqual(mailing.last_error, "Ann has no email address.")
        self.assertEqual(mailing.last_count, 1)
        self.assertEqual(set(self.mails()), {self.manager})
        self.assertEqual(mailing.tz_name, "Europe/Brussels")

    def test_words(self):
        names = self.env["crm.kpi.mailing"].fields_get(["user_ids", "hour"], ["string"])
        self.assertEqual(names["user_ids"]["string"], "Recipients")
        self.assertEqual(names["hour"]["string"], "Time")
        action = self.env.ref("crm_kpi.crm_kpi_mailing_action")
        menu = self.env.ref("crm_kpi.crm_kpi_mailing_menu")
        self.assertEqual({action.name, menu.name}, {"Scheduled reports"})

    @mute_logger("odoo.addons.crm_kpi.models.workbook.crm_kpi_mailing")
    def test_failure(self):
        """A failure for one recipient is shown; the other recipients get their workbook."""
        export = type(self.env["crm.kpi.export"])
        write = export._write_workbook

        def fail(model, options, file):
            if model.env.user == self.ann:
                model.env.cr.execute("SELECT 1/0")
            return write(model, options, file)

        with freeze_time("2026-04-10 10:00:00"), mute_logger("odoo.sql_db"):
            mailing = self.mailing()
            with patch.object(export, "_write_workbook", fail):
                mailing._send()
        self.assertEqual(set(self.mails()), {self.manager})
        self.assertIn("Ann", mailing.last_error)
        self.assertNotIn("Mona", mailing.last_error)
        self.assertTrue(mailing.next_date)

    def test_dates_of_mailings(self):
        """Mondays at seven in Brussels time, and the last day of short months."""
        mailing = self.mailing(weekday="0", hour=7)
        # on Sunday, 25 October 2026, the clocks go back
        self.assertEqual(mailing._after(datetime(2026, 10, 24, 12)), datetime(2026, 10, 26, 6))
        self.assertEqual(mailing._after(datetime(2026, 10, 19, 4)), datetime(2026, 10, 19, 5))
        self.assertEqual(mailing._after(datetime(2026, 10, 19, 5)), datetime(2026, 10, 26, 6))
        mailing.weekday = "6"
        self.assertEqual(mailing._after(datetime(2026, 10, 24, 12)), datetime(2026, 10, 25, 6))
        mailing.write({"frequency": "monthly", "day": 31})
        self.assertEqual(mailing._after(datetime(2026, 2, 3)), datetime(2026, 2, 28, 6))
        self.assertEqual(mailing._after(datetime(2026, 2, 28, 6)), datetime(2026, 3, 31, 5))

    def test_cron(self):
        with freeze_time("2026-04-10 10:00:00"):
            mailing = self.mailing()
            mailing.next_date = "2026-04-10 09:00:00"
            later = self.mailing(name="Later")
            with self.enter_registry_test_mode():
                self.env.ref("crm_kpi.ir_cron_mailing").method_direct_trigger()
        self.assertEqual(set(self.mails()), {self.ann, self.manager})
        self.assertEqual(mailing.next_date, datetime(2026, 4, 13, 5))
        self.assertFalse(later.last_date)

    def test_large_workbook_in_the_background(self):
        """A large workbook is created in the background, with the rights of the requesting user."""
        wizard = (
            self.env["crm.kpi.export.wizard"]
            .with_user(self.ann)
            .create(
                {
                    "company_id": self.company.id,
                    "board_id": False,
                    "kpi_ids": [Command.set((self.kpis - self.secret).ids)],
                    "layout": "list",
                    "period_id": self.march.id,
                }
            )
        )
        module = "odoo.addons.crm_kpi.wizard.crm_kpi_export_wizard.MAX_CELLS_AT_ONCE"
        with patch(module, 0):
            action = wizard.action_export()
        self.assertEqual(action["tag"], "display_notification")
        mailing = self.env["crm.kpi.mailing"].search([("frequency", "=", "once")])
        self.assertEqual(mailing.user_ids, self.ann)
        mailing._send()
        self.assertFalse(mailing.exists())
        message = self.env["mail.message"].search(
            [("notified_partner_ids", "in", self.ann.partner_id.ids)], limit=1, order="id desc"
        )
        book = self.book(message.attachment_ids.with_user(self.ann))
        self.assertIn("Ann", self.texts(book))
        self.assertFalse({"Bob", "Cid"} & self.texts(book))

    def once(self):
        """A workbook in the background that Ann exported."""
        request = self.options(kpi_ids=self.amount.ids, layout="list")
        self.env["crm.kpi.mailing"].with_user(self.ann)._send_later(
            WorkbookRequest(**request), "KPI sheet"
        )
        return self.env["crm.kpi.mailing"].search([("frequency", "=", "once")])

    def messages(self, user):
        """Subjects and texts of the messages to a user, oldest first."""
        messages = self.env["mail.message"].search(
            [("notified_partner_ids", "in", user.partner_id.ids)], order="id"
        )
        return [(message.subject, html2plaintext(message.body)) for message in messages]

    def run_cron(self):
        with patch.object(self.registry["ir.cron"], "_commit_progress", return_value=1):
            self.env["crm.kpi.mailing"]._cron_send()

    @mute_logger("odoo.addons.crm_kpi.models.workbook.crm_kpi_mailing")
    def test_failure_in_the_background(self):
        """The user who exported reads why; it is tried three times, then not any more."""
        export = type(self.env["crm.kpi.export"])
        tried = []

        def fail(*_args):
            tried.append(datetime.now())
            raise ValueError("disk full")

        with patch.object(export, "_write_workbook", fail):
            with freeze_time("2026-04-10 10:00:00"):
                mailing = self.once()
            for minute in (0, 4, 5, 14, 15, 59):
                with freeze_time(f"2026-04-10 10:{minute:02d}:00"):
                    self.run_cron()
        self.assertEqual([moment.minute for moment in tried], [0, 5, 15])
        self.assertFalse(mailing.next_date)
        self.assertIn("disk full", mailing.last_error)
        self.assertEqual(mailing.failed_since, datetime(2026, 4, 10, 10))
        first, last = self.messages(self.ann)
        self.assertIn("disk full", first[1])
        self.assertIn("It is tried again.", first[1])
        self.assertIn("It is not tried again.", last[1])
        # a manager has it made once more
        mailing.action_send()
        self.run_cron()
        self.assertFalse(mailing.exists())
        self.assertEqual(len(self.messages(self.ann)), 3)

    def test_success_after_a_failure_in_the_background(self):
        mailing, export = self.once(), type(self.env["crm.kpi.export"])
        with (
            patch.object(export, "_write_workbook", side_effect=ValueError("disk full")),
            mute_logger("odoo.addons.crm_kpi.models.workbook.crm_kpi_mailing"),
        ):
            self.run_cron()
        mailing.next_date = fields.Datetime.now()
        self.run_cron()
        self.assertFalse(mailing.exists())
        self.assertIn("is ready", self.messages(self.ann)[-1][0])

    def test_killed_in_the_background(self):
        """A workbook at which the server is killed does not keep the others for ever."""
        with freeze_time("2026-04-10 10:00:00"):
            mailing = self.once()
            other = self.mailing(name="Other", next_date="2026-04-10 09:00:00")
            mailing.next_date = "2026-04-10 08:00:00"
            killed = patch.object(
                type(mailing), "_send", autospec=True, side_effect=KeyboardInterrupt
            )
            for _run in range(3):
                # a process that is killed rolls nothing back that is committed
                with killed, suppress(KeyboardInterrupt):
                    self.run_cron()
            self.run_cron()
        self.assertFalse(mailing.next_date)
        self.assertTrue(other.last_date)
        [(_subject, text)] = [m for m in self.messages(self.ann) if "could not be made" in m[0]]
        self.assertIn("stopped it 3 times", text)

    def test_rights(self):
        with self.assertRaises(AccessError):
            self.env["crm.kpi.mailing"].with_user(self.ann).create({"name": "x"})
        with self.assertRaises(ValidationError):
            self.mailing(board_id=False)
