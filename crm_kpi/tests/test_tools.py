# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Tools for AI agents: the same figures as on boards, and refusals of totals that would be wrong."""

import inspect

from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.crm_kpi.board.tools import TOOLS

from .common_board import BoardCase


@tagged("post_install", "-at_install")
class TestTools(BoardCase):
    def tool(self, user=None):
        self.env.flush_all()
        return self.env["crm.kpi.tool"].with_user(user or self.mia).with_company(self.company)

    def test_schemas_are_those_of_the_methods(self):
        """Each tool has a method with its arguments; those without a default are required."""
        tools = self.tool().get_tools()
        self.assertEqual([tool["name"] for tool in tools], [tool.name for tool in TOOLS])
        for tool in tools:
            method = getattr(type(self.env["crm.kpi.tool"]), tool["name"])
            parameters = dict(inspect.signature(method).parameters)
            del parameters["self"]
            schema = tool["inputSchema"]
            with self.subTest(tool=tool["name"]):
                self.assertEqual(set(schema["properties"]), set(parameters))
                needed = [
                    name
                    for name, one in parameters.items()
                    if one.default is inspect.Parameter.empty
                ]
                self.assertEqual(schema["required"], needed)
                self.assertTrue(method._readonly)

    def test_list_by_words(self):
        found = self.tool().list_kpis("test_share")
        self.assertEqual([(one["code"], one["adds_up"]) for one in found], [("test_share", False)])
        [leads] = self.tool().list_kpis("TEST_LEADS")
        self.assertTrue(leads["adds_up"])
        self.assertEqual(self.tool().list_kpis("no such words"), [])

    def test_total_of_people_is_that_of_sql(self):
        cells = [{"user_id": self.ann.id}, {"user_id": self.cid.id}]
        found = self.tool().add_up("test_amount", ["month"], cells)
        total = self.count(f"user_id IN ({self.ann.id}, {self.cid.id})")[1]
        self.assertEqual((found["value"], found["figures"]), (float(total), 2))

    def test_total_of_months_is_that_of_the_quarter(self):
        found = self.tool().add_up("test_leads", ["2026-01", "2026-02", "2026-03"])
        self.assertEqual(found["value"], self.count(first="2026-01-01", after="2026-04-01")[0])

    def test_totals_that_would_be_wrong(self):
        ann, north = {"user_id": self.ann.id}, {"team_id": self.north.id}
        for arguments, text in (
            (("test_share", ["month"], [ann]), "cannot be added up. Ask for its figure"),
            (("test_leads", ["month"], [ann, ann]), "given twice"),
            (("test_leads", ["month"], [ann, north]), "their values overlap"),
            (("test_leads", ["month"], [ann, {}]), "their values overlap"),
            (("test_leads", ["2026-02", "2026-Q1"]), "a quarter contains its months"),
            (("test_leads", []), "give at least one"),
            (("test_leds",), "Do you mean"),
        ):
            with self.subTest(text=text), self.assertRaisesRegex(UserError, text):
                self.tool().add_up(*arguments)

    def test_snapshots_of_months_are_not_added(self):
        source = self.env.ref("crm_kpi.crm_kpi_source_lead_open")
        kpi = self.make_kpi("open", name="Open deals", source_id=source.id)
        self.refresh()
        self.assertTrue(self.tool().list_kpis(kpi.code)[0]["adds_up"])
        with self.assertRaisesRegex(UserError, "Ask for the last one"):
            self.tool().add_up(kpi.code, ["2026-03", "2026-04"])

    def test_total_without_the_right_to_a_part(self):
        """Ann may not see Cid's value; a total with it is refused, and tells nothing of it."""
        self.amount.visibility = "own"
        cells = [{"user_id": self.ann.id}, {"user_id": self.cid.id}]
        with self.assertRaisesRegex(UserError, "has no value of Cid"):
            self.tool(self.ann).add_up("test_amount", ["month"], cells)

    def test_why_counts_both_sides_of_a_rate(self):
        found = self.tool().why("test_share")
        sides = {one["role"]: one["included"] for one in found["records"]}
        big = self.count("expected_revenue > 100")[0]
        self.assertEqual(sides, {"Numerator": big, "Denominator": self.count()[0]})
        self.assertEqual(
            found["figure"],
            self.env["crm.kpi"].with_user(self.mia).with_company(self.company).figure("test_share"),
        )
        self.assertEqual(found["counter_metric"], "test_leads")

    def test_why_of_a_colleague_tells_nothing(self):
        self.leads.visibility = "own"
        found = self.tool(self.ann).why("test_leads", user_id=self.cid.id)
        self.assertEqual((found["figure"]["value"], found["records"]), (None, []))

    def test_ranking(self):
        found = self.tool().ranking("test_amount")
        self.env.cr.execute(
            """SELECT user_id FROM crm_lead WHERE company_id = %s AND user_id IS NOT NULL
                  AND create_date >= '2026-03-31 22:00' GROUP BY user_id
                ORDER BY sum(expected_revenue) DESC, user_id""",
            [self.company.id],
        )
        order = [user_id for (user_id,) in self.env.cr.fetchall()]
        self.assertEqual([row["user_id"] for row in found["rows"]], order)
        with self.assertRaisesRegex(UserError, "by: use"):
            self.tool().ranking("test_amount", by="name")

    def test_goals_off_track_first(self):
        period = self.period("month", "2026-04-10")
        self.env["crm.kpi.goal"].create(
            [
                {"kpi_id": kpi.id, "period_id": period.id, "scope": "company", "target": target}
                for kpi, target in ((self.leads, 1), (self.amount, 1_000_000))
            ]
        )
        self.refresh()
        found = self.tool().goals()
        self.assertEqual(
            [(one["code"], one["status"]) for one in found],
            [("test_amount", "off_track"), ("test_leads", "achieved")],
        )
