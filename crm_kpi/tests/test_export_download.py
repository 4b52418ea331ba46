# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Workbooks as the browser downloads them."""

import io
import json

import openpyxl

from odoo.fields import Command
from odoo.tests import Form, HttpCase, tagged

from .common_export import ExportCase


@tagged("post_install", "-at_install")
class TestExportDownload(ExportCase, HttpCase):
    def book(self, response):
        self.assertEqual(response.status_code, 200)
        self.assertIn("spreadsheetml", response.headers["Content-Type"])
        self.assertEqual(int(response.headers["Content-Length"]), len(response.content))
        return openpyxl.load_workbook(io.BytesIO(response.content), data_only=True)

    def test_board(self):
        board = self.env["crm.kpi.board"].create(
            {
                "name": 'Board "x"/\r\nSet-Cookie: a=b',
                "user_id": self.ann.id,
                "card_ids": [Command.create({"kpi_id": self.rate.id})],
            }
        )
        self.env.flush_all()
        self.authenticate("kpi_ann", "kpi_ann")
        filters = json.dumps(self.options()["filters"])
        address = f"/crm_kpi/export/board?board_id={board.id}&filters={filters}&records=0"
        response = self.url_open(address)
        book = self.book(response)
        self.assertEqual(book.sheetnames[0], "Summary")
        self.assertNotIn("Records", book.sheetnames)
        self.assertIn(
            "filename*=UTF-8''Board_x_Set-Cookie_a_b_", response.headers["Content-Disposition"]
        )
        self.assertNotIn("Set-Cookie: a", str(response.headers))
        for bad in ("filters=[", "filters=[]", "filters=" + "[" * 5000, "board_id=x",
                    "board_id=99999999999", "board_id=-1", "board_id=1e3"):  # fmt: skip
            answer = self.url_open(f"/crm_kpi/export/board?{bad}")
            self.assertEqual(answer.status_code, 400, bad[:30])
        # a board of another user
        self.authenticate("kpi_bob", "kpi_bob")
        answer = self.url_open(address)
        self.assertNotIn("spreadsheetml", answer.headers["Content-Type"])

    def test_scorecard(self):
        """The own row of a salesperson, with the columns that the address names."""
        self.authenticate("kpi_ann", "kpi_ann")
        filters = json.dumps(self.options(filters={"scope": "team"})["filters"])
        arrangement = json.dumps({"rows": "user", "kpi_ids": str(self.rate.id)})
        address = f"/crm_kpi/export/scorecard?filters={filters}&arrangement="
        book = self.book(self.url_open(address + arrangement))
        rows = [row for row in book["Scorecard"].iter_rows(values_only=True) if row[0]]
        [header] = [index for index, row in enumerate(rows) if row[0] == "Salesperson"]
        self.assertEqual(rows[header][1], "Share won")
        # 1 of 2 leads of Ann, 2 of 3 of her team
        self.assertEqual(
            [(row[0], round(row[1], 4)) for row in rows[header + 1 :]],
            [("North (total)", 0.6667), ("Ann", 0.5)],
        )
        for bad in ("filters=[", "arrangement=[]", "arrangement=" + "[" * 5000, "board_id=x"):
            answer = self.url_open(f"/crm_kpi/export/scorecard?{bad}")
            self.assertEqual(answer.status_code, 400, bad[:30])

    def test_wizard(self):
        wizard = self.env["crm.kpi.export.wizard"].with_user(self.ann).create(
            {
                "company_id": self.company.id,
                "board_id": False,
                "kpi_ids": [Command.set((self.rate | self.median).ids)],
                "period_id": self.march.id,
                "layout": "kpi",
                "count": 1,
            }
        )  # fmt: skip
        action = wizard.action_export()
        self.assertEqual(action["target"], "download")
        self.env.flush_all()
        self.authenticate("kpi_ann", "kpi_ann")
        book = self.book(self.url_open(action["url"]))
        self.assertIn("Median amount", book.sheetnames)
        self.assertEqual(book["Median amount"]["B3"].value, "Mar 2026")
        # the export of another user
        self.authenticate("kpi_mona", "kpi_mona")
        self.assertEqual(self.url_open(action["url"]).status_code, 404)
        self.authenticate(None, None)
        self.assertNotIn(
            "spreadsheetml", self.url_open(action["url"]).headers.get("Content-Type", "")
        )

    def test_wizard_begins_with_a_board(self):
        """By default the workbook has the user's first board; otherwise only the chosen KPIs."""
        wizards = self.env["crm.kpi.export.wizard"].with_user(self.ann)
        board = self.env["crm.kpi.board"].with_user(self.ann)._visible()[:1]
        form = Form(wizards)
        self.assertEqual(form.board_id, board)
        self.assertEqual(form.period_kind, board.period_kind)
        self.assertEqual(form.scope, board.scope)
        chosen = Form(wizards.with_context(default_kpi_ids=self.rate.ids))
        self.assertFalse(chosen.board_id)
        self.assertEqual(chosen.kpi_ids[:], self.rate)

    def test_selected_rows(self):
        """An action on selected rows exports only these rows."""
        values = self.cells(self.rate, self.march, "user")[:2].with_user(self.manager)
        context = {"active_model": "crm.kpi.value", "active_ids": values.ids}
        server = self.env.ref("crm_kpi.crm_kpi_export_values_action").with_user(self.manager)
        action = server.with_context(**context).run()
        goals = self.goal[:1].with_user(self.manager)
        context = {"active_model": "crm.kpi.goal", "active_ids": goals.ids}
        server = self.env.ref("crm_kpi.crm_kpi_export_goals_action").with_user(self.manager)
        other = server.with_context(**context).run()
        self.env.flush_all()
        self.authenticate("kpi_mona", "kpi_mona")
        book = self.book(self.url_open(action["url"]))
        rows = [row for row in book["Values"].iter_rows(min_row=4, values_only=True) if row[0]]
        self.assertEqual({row[5] for row in rows}, set(values.mapped("scope_name")))
        book = self.book(self.url_open(other["url"]))
        self.assertEqual(book.sheetnames, ["Goals", "Definitions", "Audit"])
        rows = [row for row in book["Goals"].iter_rows(min_row=4, values_only=True) if row[0]]
        self.assertEqual([(row[3], row[6]) for row in rows], [("Ann", 0.4)])
