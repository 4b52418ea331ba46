# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The addresses in mails to followers: unsubscribe without login, and the workbook."""

import io
from urllib.parse import parse_qsl, urlencode, urlsplit

import openpyxl

from odoo.tests import HttpCase, tagged

from .test_follow import FollowCase


@tagged("post_install", "-at_install")
class TestFollowHttp(FollowCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.weekly = self.follow(self.leads)
        self.board_follow = self.follow(self.board)
        self.monthly = self.follow(self.share, frequency="monthly")
        self.of_ann = self.follow(self.leads, self.ann)
        parts = urlsplit(self.weekly._unsubscribe_url())
        self.path, self.query = parts.path, dict(parse_qsl(parts.query))
        self.authenticate(None, None)

    def address(self, **changes):
        query = {name: value for name, value in {**self.query, **changes}.items() if value}
        return f"{self.path}?{urlencode(query)}"

    def left(self):
        self.env.invalidate_all()
        follows = self.weekly | self.board_follow | self.monthly | self.of_ann
        return follows.exists()

    def test_one_click(self):
        """The request of a mail program ends the mails of this frequency, and no others."""
        answer = self.url_open(self.address(), data={"List-Unsubscribe": "One-Click"})
        self.assertEqual(answer.status_code, 200)
        self.assertIn("Leads · KPI company", answer.text)
        self.assertEqual(self.left(), self.monthly | self.of_ann)
        # a second click finds nothing and is no error
        answer = self.url_open(self.address(), data={"List-Unsubscribe": "One-Click"})
        self.assertEqual(answer.status_code, 200)

    def test_link(self):
        """A program that only opens the address ends nothing; the page of a browser does."""
        answer = self.url_open(self.address())
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(len(self.left()), 4)
        self.assertIn('method="post"', answer.text)

    def test_forged(self):
        other = self.of_ann._unsubscribe_url().partition("token=")[2]
        for changes in (
            {"token": "0" * 64},
            {"token": other},
            {"token": None},
            {"token": "é"},
            {"user_id": self.ann.id},
            {"user_id": "x"},
            {"user_id": None},
            {"company_id": 1},
            {"frequency": "monthly"},
            {"frequency": None},
        ):
            for data in (None, {"List-Unsubscribe": "One-Click"}):
                answer = self.url_open(self.address(**changes), data=data)
                self.assertEqual(answer.status_code, 404, changes)
        self.assertEqual(len(self.left()), 4)

    def test_workbook(self):
        """The link to the workbook opens the KPI that is followed."""
        [link] = self.weekly._news().links
        parts = urlsplit(link.workbook_url)
        self.authenticate("kpi_mia", "kpi_mia")
        answer = self.url_open(f"{parts.path}?{parts.query}")
        self.assertEqual(answer.status_code, 200)
        book = openpyxl.load_workbook(io.BytesIO(answer.content), data_only=True)
        texts = {
            cell.value
            for row in book["Summary"].iter_rows()
            for cell in row
            if isinstance(cell.value, str)
        }
        self.assertIn("Leads", texts)
        self.assertNotIn("share", texts)
        for bad in ("kpi_ids=x", "kpi_ids=1,", "kpi_ids=-1"):
            self.assertEqual(self.url_open(f"{parts.path}?{bad}").status_code, 400, bad)
