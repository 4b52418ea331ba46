# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Workbooks sent by mail or created in the background."""

import io
from datetime import datetime
from unittest.mock import patch

import openpyxl
from freezegun import freeze_time

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

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
            mailing = self.mailing()
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

    def test_rights(self):
        with self.assertRaises(AccessError):
            self.env["crm.kpi.mailing"].with_user(self.ann).create({"name": "x"})
        with self.assertRaises(ValidationError):
            self.mailing(board_id=False)
