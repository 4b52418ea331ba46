# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The examples of docs/API.md, run against a server."""

import dataclasses
import json
import os
import re
from datetime import datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import requests

from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.crm_kpi.board import figures

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "API.md").read_text()
ADDRESS = "https://odoo.example.com"


@tagged("post_install", "-at_install")
class TestApiPage(HttpCase):
    def setUp(self):
        super().setUp()
        self.user = new_test_user(
            self.env, "kpi_api", groups="sales_team.group_sale_manager", name="Program"
        )
        team = self.env["crm.team"].create({"name": "Team of the program"})
        team.member_ids = self.user
        deal = {"name": "Deal", "type": "opportunity", "user_id": self.user.id, "team_id": team.id}
        self.env["crm.lead"].create([deal, deal]).action_set_won()
        self.kpis = self.env["crm.kpi"].search(
            [("code", "in", ["deals_won", "win_rate", "revenue_ordered"])]
        )
        self.kpis._refresh(kpis=self.kpis._with_components())
        self.env.flush_all()
        keys = self.env["res.users.apikeys"].with_user(self.user)
        self.key = keys._generate("rpc", "test", datetime.now() + timedelta(hours=1))

    def blocks(self, language):
        return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)

    def run_python(self, *more):
        """Run the Python of the page, and what it prints is returned."""
        printed = []
        code = "\n".join([*self.blocks("python"), *more]).replace(ADDRESS, self.base_url())
        with (
            patch.object(requests, "post", self.opener.post),
            patch.dict(os.environ, {"ODOO_API_KEY": self.key}),
        ):
            exec(  # the examples of this repository
                compile(code, "docs/API.md", "exec"),
                {"print": lambda *texts: printed.append(texts)},
            )
        return printed

    def test_python(self):
        printed = self.run_python('print(call("crm.kpi", "figure", code="deals_won")["value"])')
        names = {texts[0] for texts in printed}
        self.assertIn("Program", names)
        self.env.cr.execute(
            """SELECT count(*) FROM crm_lead
                WHERE won_status = 'won' AND company_id IN (%s) AND type = 'opportunity'
                  AND date_closed >= date_trunc('month', now() AT TIME ZONE 'UTC')""",
            [self.user.company_id.id],
        )
        self.assertEqual(printed[-1], (float(self.env.cr.fetchone()[0]),))
        goal = self.env["crm.kpi.goal"].search(
            [("kpi_id.code", "=", "deals_won"), ("create_uid", "=", self.user.id)]
        )
        self.assertEqual((goal.target, goal.scope), (40, "company"))

    def test_curl(self):
        """The address and the arguments of the call on the command line."""
        [command] = self.blocks("sh")
        address = re.search(rf"{ADDRESS}(\S+)", command)[1]
        body = json.loads(re.search(r"-d '(.*)'", command)[1])
        answer = self.url_open(address, json=body, headers={"Authorization": f"bearer {self.key}"})
        self.assertEqual(answer.status_code, 200, answer.text)
        keys = [(one["code"], one["period"]["kind"]) for one in answer.json()]
        self.assertEqual(
            keys, [(code, "month") for code in body["codes"] for _period in body["periods"]]
        )

    def test_all_keys_are_named(self):
        """The page names each key of a figure and of its parts."""
        parts = (
            figures.Figure,
            figures.FigurePeriod,
            figures.FigureCell,
            figures.FigureGoal,
            figures.FigureChange,
        )
        names = {field.name for part in parts for field in dataclasses.fields(part)}
        names = {name for name in names if not name.endswith("_text")}
        self.assertFalse(names - set(re.findall(r"`(\w+)`", PAGE)))
        self.assertIn(f"{figures.MAX_FIGURES:,}", PAGE)
