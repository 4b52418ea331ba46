# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Figures by code, period and cell: the same as on boards, and as counted by hand."""

import json
from urllib.parse import parse_qs, urlsplit

from odoo.exceptions import UserError
from odoo.tests import HttpCase, tagged

from .common_board import BoardCase


class FigureCase(BoardCase):
    def model(self, user=None):
        self.env.flush_all()
        return self.env["crm.kpi"].with_user(user or self.mia).with_company(self.company)

    def figure(self, code="test_leads", *arguments, user=None, **cell):
        return self.model(user).figure(code, *arguments, **cell)


@tagged("post_install", "-at_install")
class TestFigures(FigureCase):
    # --- VALUES ---

    def test_periods(self):
        """Each way to name a period, against numbers of leads counted in SQL."""
        for period, first, after in (
            ("month", "2026-04-01", "2026-05-01"),
            ("last_month", "2026-03-01", "2026-04-01"),
            ("2026-03", "2026-03-01", "2026-04-01"),
            ("2025-04", "2025-04-01", "2025-05-01"),
            ("quarter", "2026-04-01", "2026-07-01"),
            ("last_quarter", "2026-01-01", "2026-04-01"),
            ("2026-Q1", "2026-01-01", "2026-04-01"),
            ("2026", "2026-01-01", "2027-01-01"),
            (2026, "2026-01-01", "2027-01-01"),
            ("last_year", "2025-01-01", "2026-01-01"),
            (self.period("month", "2026-02-10").id, "2026-02-01", "2026-03-01"),
        ):
            with self.subTest(period=period):
                found = self.figure("test_leads", period)
                self.assertEqual(found["value"], self.count(first=first, after=after)[0])
                self.assertEqual(found["record_count"], found["value"])
                self.assertEqual(found["period"]["date_from"], first)

    def test_cells(self):
        """A salesperson, a team and the company, against SQL."""
        for cell, condition, name in (
            ({}, "TRUE", self.company.name),
            ({"team_id": self.north.id}, f"team_id = {self.north.id}", "North"),
            ({"user_id": self.ann.id}, f"user_id = {self.ann.id}", "Ann"),
        ):
            with self.subTest(name=name):
                found = self.figure("test_amount", "month", **cell)
                self.assertEqual(found["value"], float(self.count(condition)[1]))
                self.assertEqual(found["cell"]["name"], name)
                self.assertEqual(found["unit"], "money")

    def test_segments_of_two_sets(self):
        """The segment of the leads has their number; another one, also of another set, has 0."""
        industry, other = self.env["res.partner.industry"].create(
            [{"name": "Ballooning"}, {"name": "Diving"}]
        )
        tag = self.env["res.partner.category"].create({"name": "Loyal"})
        sky, _sea = self.env["res.partner"].create(
            [
                {"name": "Sky", "industry_id": industry.id},
                {"name": "Sea", "industry_id": other.id, "category_id": tag.ids},
            ]
        )
        leads = self.env["crm.lead"].search(
            [("user_id.company_id", "=", self.company.id), ("create_date", ">=", "2026-04-01")]
        )
        leads.partner_id = sky
        sets = [self.env.ref(f"crm_kpi.segment_set_{name}") for name in ("industry", "tag")]
        self.refresh()
        segments = [
            [one for one in sets[0].segment_ids if one.industry_id == industry],
            [one for one in sets[0].segment_ids if one.industry_id == other],
            [one for one in sets[1].segment_ids if one.name == "Loyal"],
        ]
        cells = [{"segment_id": found.id} for [found] in segments]
        found = self.model().figures(["test_leads"], ["month"], cells)
        self.assertEqual(len(leads), 5)
        self.assertEqual([one["value"] for one in found], [5, 0, 0])

    def test_order(self):
        """KPIs first, then periods, then cells."""
        cells = [{}, {"user_id": self.bob.id}]
        found = self.model().figures(["test_share", "test_leads"], ["2026-03", "month"], cells)
        keys = [(one["code"], one["period"]["code"], one["cell"]["user_id"]) for one in found]
        self.assertEqual(
            keys,
            [
                (code, period, user)
                for code in ("test_share", "test_leads")
                for period in ("2026-03", "2026-04")
                for user in (None, self.bob.id)
            ],
        )
        self.assertEqual(
            [one["value"] for one in found[4:]],
            [
                self.count(condition, first, after)[0]
                for first, after in (("2026-03-01", "2026-04-01"), ("2026-04-01", "2026-05-01"))
                for condition in ("TRUE", f"user_id = {self.bob.id}")
            ],
        )

    def test_same_as_on_the_board(self):
        """Value, change, goal, state and reason are those of the card."""
        self.env["crm.kpi.goal"].create(
            {
                "kpi_id": self.leads.id,
                "period_id": self.period("month", "2026-04-15").id,
                "scope": "user",
                "user_id": self.ann.id,
                "kind": "at_least",
                "target": 12,
            }
        )
        for cell in ({}, {"team_id": self.south.id}, {"user_id": self.ann.id}):
            for kpi in self.leads | self.amount | self.share:
                filters = {"scope": "team", **cell} if cell else {"scope": "company"}
                card = self.card(kpi, **filters)
                found = self.figure(kpi.code, "month", **cell)
                with self.subTest(kpi=kpi.name, **cell):
                    for name, own in (
                        ("value", "value"),
                        ("text", "value_text"),
                        ("state", "state"),
                        ("reason", "state_text"),
                        ("record_count", "record_count"),
                    ):
                        self.assertEqual(found[name], card[own])
                    self.assertEqual(
                        found["change"] and found["change"]["text"],
                        card["change"] and card["change"]["text"],
                    )
                    goal = card["goal"]
                    self.assertEqual(
                        found["goal"], goal and {name: goal[name] for name in found["goal"]}
                    )
        goal = self.figure("test_leads", "month", user_id=self.ann.id)["goal"]
        self.assertEqual((goal["target"], goal["attainment"]), (12, 3 / 12))

    def test_change(self):
        """April to the 14th, ten working days: 6 leads. March to the 13th: 3 leads."""
        change = self.figure("test_leads", "month")["change"]
        self.assertEqual(change["value"], self.count(first="2026-03-01", after="2026-03-14")[0])
        self.assertEqual(change["trend"], "better")

    def test_definition_and_time(self):
        found = self.figure("test_leads", "2026-03")
        self.assertEqual((found["version"], found["is_present_definition"]), (1, True))
        self.assertEqual(found["as_of"], "2026-04-15T06:00:00Z")
        self.leads.domain = "[('expected_revenue', '>', 20)]"
        found = self.figure("test_leads", "2026-03")
        self.assertEqual((found["version"], found["is_present_definition"]), (1, False))

    def test_address(self):
        """The link has the filters of the figure."""
        url = urlsplit(self.figure("test_leads", "2026-03", user_id=self.ann.id)["url"])
        self.assertEqual(url.path, "/odoo/kpis")
        query = {name: value for name, [value] in parse_qs(url.query).items()}
        self.assertEqual(query["kpi_id"], str(self.leads.id))
        shown = self.boards.with_user(self.mia).with_company(self.company)
        detail = shown.get_detail(self.leads.id, query)
        count = self.count(f"user_id = {self.ann.id}", "2026-03-01", "2026-04-01")[0]
        self.assertEqual(detail["card"]["value"], count)

    def test_queries(self):
        """The number of queries does not depend on the number of cells and KPIs."""
        people = [{"user_id": user.id} for user in self.ann | self.bob | self.cid]
        teams = [{"team_id": team.id} for team in self.north | self.south]
        codes = ["test_leads", "test_amount", "test_share"]

        def queries(codes, cells):
            model = self.model()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.assertEqual(len(model.figures(codes, ["month"], cells)), len(codes) * len(cells))
            return self.env.cr.sql_log_count - before

        queries(codes, people + teams)  # fills the caches of the registry
        few = queries(codes, people[-1:] + teams[-1:])  # without records in some periods
        self.assertLessEqual(queries(codes, people + teams), few)
        counts = ["test_leads", "test_big"]
        self.assertLessEqual(queries(counts, people), queries(counts[:1], people))

    # --- RIGHTS ---

    def test_rights(self):
        """A salesperson reads the own value; that of a colleague has no value but a reason."""
        own = self.figure("test_leads", "month", user=self.ann, user_id=self.ann.id)
        self.assertEqual(own["value"], self.count(f"user_id = {self.ann.id}")[0])
        for cell in ({"user_id": self.bob.id}, {"team_id": self.south.id}):
            with self.subTest(**cell):
                other = self.figure("test_leads", "month", user=self.ann, **cell)
                self.assertIsNone(other["value"])
                self.assertEqual(other["state"], "not_available")
                self.assertTrue(other["reason"])
                self.assertFalse(other["record_count"])
                self.assertIsNone(other["goal"])

    def test_values_for_a_group(self):
        """A KPI whose values the user may not read is treated as unknown."""
        self.leads.group_ids = self.env.ref("base.group_system")
        with self.assertRaisesRegex(UserError, "there is no KPI test_leads that you can read"):
            self.figure("test_leads")

    # --- ERRORS ---

    def test_errors(self):
        """What cannot be used is refused in words that name the argument."""
        model = self.model()
        person, team = {"user_id": self.ann.id}, {"team_id": self.north.id}
        self.make_kpi("hidden", state="draft")
        self.period("month", "2026-05-10")  # as for a goal of next month
        for arguments, text in (
            (["test_lead"], "codes: there is no KPI test_lead .* Do you mean test_leads?"),
            ([["zzzz"]], "codes: there is no KPI zzzz that you can read"),
            (["test_hidden"], "codes: there is no KPI test_hidden"),
            (["test_leads", "2031-01"], "periods: KPI company has no values of 2031-01"),
            (["test_leads", "next_month"], "periods: KPI company has no values of next_month"),
            (["test_leads", "0"], "periods: KPI company has no values of 0"),
            (["test_leads", 2**40], "periods: KPI company has no values"),
            (["test_leads", "2026-05"], "periods: May 2026 has not begun"),
        ):
            with self.subTest(arguments=arguments), self.assertRaisesRegex(UserError, text):
                if isinstance(arguments[0], list):
                    model.figures(*arguments)
                else:
                    model.figure(*arguments)
        for codes, periods, cells, text in (
            ("test_leads", ["month"], [{}], "codes: give a list"),
            ([7], ["month"], [{}], "codes: give a list"),
            (["test_leads"], "month", [{}], "periods: give a list"),
            (["test_leads"], [None], [{}], "periods: give a list"),
            (["test_leads"], ["month"], {}, "cells: give a list"),
            (["test_leads"], ["month"], [[1]], "cells: give a list"),
            (["test_leads"], ["month"], [{"user": 1}], "cells: user is not known"),
            (["test_leads"], ["month"], [{"user_id": "x"}], "user_id: x is not an id"),
            (["test_leads"], ["month"], [{"user_id": 2**30}], "user_id: 1073741824 does not exist"),
            (["test_leads"], ["month"], [person | team], "a salesperson or a team, not both"),
            (["test_leads"], ["month"], [{}] * 10_001, "10001 figures in one call are too many"),
        ):
            with self.subTest(text=text), self.assertRaisesRegex(UserError, text):
                model.figures(codes, periods, cells)

    def test_no_period(self):
        """A company without values says so."""
        company = self.env["res.company"].create({"name": "New company"})
        self.mia.company_ids |= company
        with self.assertRaisesRegex(UserError, "periods: New company has no values of month"):
            self.env["crm.kpi"].with_user(self.mia).with_company(company).figure("test_leads")


@tagged("post_install", "-at_install")
class TestFiguresByApi(FigureCase, HttpCase):
    def call(self, method, user, **arguments):
        self.env.flush_all()
        keys = self.env["res.users.apikeys"].with_user(user)
        # superuser: a key that does not expire, because the clock of the tests stands still
        key = keys.sudo()._generate("rpc", "test", None)
        return self.url_open(
            f"/json/2/crm.kpi/{method}",
            data=json.dumps(arguments),
            headers={"Content-Type": "application/json", "Authorization": f"bearer {key}"},
        )

    def test_read_by_key(self):
        """The rights are those of the user of the key."""
        answer = self.call("figure", self.mia, code="test_leads", period="2026-03")
        self.assertEqual(answer.status_code, 200, answer.text)
        count = self.count(first="2026-03-01", after="2026-04-01")[0]
        self.assertEqual(answer.json()["value"], count)
        cells = [{"user_id": self.bob.id}]
        [figure] = self.call("figures", self.ann, codes=["test_leads"], cells=cells).json()
        self.assertEqual((figure["value"], figure["state"]), (None, "not_available"))

    def test_refused(self):
        answer = self.call("figures", self.mia, codes=["test_lead"])
        self.assertEqual(answer.status_code, 422)
        self.assertIn("Do you mean test_leads?", answer.json()["message"])
        answer = self.call("figure", self.mia, code="test_leads", person=3)
        self.assertEqual(answer.status_code, 422)
