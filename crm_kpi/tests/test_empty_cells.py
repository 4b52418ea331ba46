# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""People and teams without records in closed periods: 0 where they had the role, else no value."""

import io
import statistics

import openpyxl

from odoo.fields import Command
from odoo.tests import tagged

from ..workbook.request import WorkbookRequest
from .common_board import BoardCase

MARCH = {"date": "2026-03-01"}


@tagged("post_install", "-at_install")
class TestEmptyCells(BoardCase):
    """The leads of :class:`BoardCase`, and members of teams without any lead."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.east, cls.help = cls.env["crm.team"].create(
            [
                {"name": name, "company_id": cls.company.id, "kpi_role": role}
                for name, role in (("East", "sales"), ("Help", "service"))
            ]
        )
        cls.backdate(cls.east | cls.help, create_date="2020-01-01")
        cls.dan = cls.join("Dan", cls.north, "2020-01-01")
        cls.eve = cls.join("Eve", cls.north, "2026-04-01 09:00:00")
        cls.gus = cls.join("Gus", cls.help, "2020-01-01")
        cls.hal = cls.join("Hal", cls.east, "2020-01-01")
        cls.fay = cls.make_user("Fay", "sales_team.group_sale_salesman")
        cls.refresh()

    @classmethod
    def join(cls, name, team, since):
        """A user who is a member of a team since a day."""
        user = cls.make_user(name, "sales_team.group_sale_salesman")
        member = cls.env["crm.team.member"].create({"crm_team_id": team.id, "user_id": user.id})
        cls.backdate(member, create_date=since)
        return user

    def of(self, owner, kpi=None, user=None, **filters):
        """The value on a card of a salesperson or team."""
        name = {"res.users": "user_id", "crm.team": "team_id"}[owner._name]
        chosen = {"scope": "team", name: owner.id, **filters}
        return self.card(kpi or self.leads, user, **chosen)["value"]

    def figures(self, period, *cells, user=None):
        self.env.flush_all()
        kpis = self.env["crm.kpi"].with_user(user or self.mia).with_company(self.company)
        return kpis.figures(["test_leads"], [period], list(cells))

    def test_stored_values_are_none(self):
        """The zeros of closed periods are not stored: they would be a third of all values."""
        march = self.period("month", "2026-03-10")
        self.assertNotEqual(march.state, "open")
        self.assertNotIn(self.dan, self.cells(self.leads, march, "user").user_id)

    # --- WHO HAD THE ROLE ---

    def test_members(self):
        """Members since before the end of the period, of a team with the role."""
        for person, value in (
            (self.dan, 0),  # a member since 2020
            (self.eve, None),  # since April
            (self.gus, None),  # of a service team
            (self.fay, None),  # of no team
        ):
            self.assertEqual(self.of(person, **MARCH), value, person.name)
            self.assertEqual(self.of(person, self.amount, **MARCH), value, person.name)
            self.assertIsNone(self.of(person, self.share, **MARCH), "nothing to divide by")
        self.assertEqual(self.of(self.dan, date="2025-06-01"), 0)
        self.leads.compared_people = "service"
        self.assertEqual(self.of(self.gus, **MARCH), 0)
        self.assertIsNone(self.of(self.dan, **MARCH))
        self.leads.compared_people = "records"
        self.assertIsNone(self.of(self.dan, **MARCH))

    def test_people_with_records(self):
        """From the year of the first record on; of those who left until the year of the last."""
        # in these tests, their memberships began after all periods
        self.assertEqual(self.of(self.ann, date="2025-06-01"), 0)
        self.assertIsNone(self.of(self.bob, date="2025-06-01"), "the first in 2026")
        self.assertEqual(self.of(self.bob, date="2026-01-01"), 0)
        old = self.make_user("Old", "sales_team.group_sale_salesman")
        self.make_lead("2025-05-05 10:00:00", user_id=old.id)
        self.refresh()
        self.assertEqual(self.of(old, date="2025-06-01"), 0)
        self.assertIsNone(self.of(old, date="2026-01-01"))
        self.ann.active = False
        [figure] = self.figures("2025-06", {"user_id": self.ann.id})
        self.assertEqual(figure["value"], 0)
        self.leads.compared_people = "records"
        self.assertEqual(self.of(self.bob, date="2026-01-01"), 0)

    def test_teams(self):
        self.assertEqual(self.of(self.east, **MARCH), 0)
        self.assertIsNone(self.of(self.help, **MARCH))
        self.assertEqual(self.of(self.north, date="2025-06-01"), 0)
        self.assertIsNone(self.of(self.south, date="2025-06-01"), "the first record in 2026")
        self.backdate(self.south, create_date="2024-01-01")
        self.assertEqual(self.of(self.south, date="2025-06-01"), 0)

    def test_periods(self):
        """Also weeks and quarters; not a period that was not computed, nor one to come."""
        self.assertEqual(self.of(self.dan, period_kind="week", date="last"), 0)
        self.assertEqual(self.of(self.dan, period_kind="quarter", date="last"), 0)
        march = self.period("month", "2026-03-10")
        self.env["crm.kpi.computation"].search(
            [("kpi_id", "=", self.leads.id), ("period_id", "=", march.id)]
        ).unlink()
        self.assertIsNone(self.of(self.dan, **MARCH))

    def test_readers(self):
        """Salespeople see their own zero, and no zero of a colleague or of a KPI they may not see."""
        self.assertEqual(self.card(self.leads, self.dan, scope="mine", **MARCH)["value"], 0)
        [figure] = self.figures("2026-03", {"user_id": self.dan.id}, user=self.eve)
        self.assertIsNone(figure["value"])
        detail = self.ask("get_detail", self.leads, self.dan, MARCH)
        self.assertEqual([(row["name"], row["value"]) for row in detail["salespeople"]],
                         [("Dan", 0)])  # fmt: skip
        self.leads.visibility = "own"
        self.assertIsNone(self.of(self.north, user=self.dan, date="2025-06-01"))

    # --- WHERE THEY ARE SHOWN ---

    def test_board(self):
        """Sparkline, trend and change know the zeros, too."""
        card = self.card(self.leads, scope="team", user_id=self.dan.id, **MARCH)
        self.assertEqual((card["state"], card["value_text"], card["folded"]), ("ok", "0", False))
        self.assertEqual({point["value"] for point in card["sparkline"]}, {0})
        filters = {"scope": "team", "user_id": self.bob.id, **MARCH}
        detail = self.ask("get_detail", self.leads, filters=filters)
        by_day = {point["date"]: point["value"] for point in detail["trend"]["points"]}
        # Bob: one lead in February, two in March
        self.assertEqual(
            [by_day[f"2026-0{month}-01"] for month in (1, 2, 3)], [0, 1, 2], "January: none"
        )

    def test_scorecard(self):
        boards = self.boards.with_user(self.mia).with_company(self.company)
        table = boards.get_scorecard(self.board.id, {"scope": "company", **MARCH})
        leads = table["columns"].index(
            next(c for c in table["columns"] if c["code"] == "test_leads")
        )
        values = {row["name"]: row["cells"][leads]["value"] for row in table["rows"]}
        self.assertEqual(values, {"Ann": 2, "Bob": 2, "Cid": 1, "Dan": 0, "Hal": 0})
        [dan] = [row for row in table["rows"] if row["name"] == "Dan"]
        self.assertEqual(dan["cells"][leads]["sparkline"][-3:], [0, 0, 0])
        table = boards.get_scorecard(
            self.board.id, {"scope": "team", "team_id": self.north.id, **MARCH}
        )
        self.assertEqual({row["name"] for row in table["rows"]}, {"Ann", "Bob", "Dan"})

    def test_ranking(self):
        """Those who are compared in a running period are compared in a closed one."""
        detail = self.ask("get_detail", self.leads, filters=MARCH)
        expected = {"Ann": 2, "Bob": 2, "Cid": 1, "Dan": 0, "Hal": 0}
        self.assertEqual({row["name"]: row["value"] for row in detail["salespeople"]}, expected)
        self.assertEqual(detail["compared"], 5)
        self.assertEqual(detail["median"]["value"], statistics.median(expected.values()))
        ranked = self.ask("get_leaderboard", self.leads, filters=MARCH)["rows"]
        self.assertEqual([(row["name"], row["rank"]) for row in ranked[-2:]],
                         [("Dan", 4), ("Hal", 4)])  # fmt: skip
        self.board.card_ids.display = "reps"
        card = self.card(self.leads, **MARCH)
        self.assertEqual({row["name"]: row["value"] for row in card["rows"]}, expected)
        north = {"scope": "team", "team_id": self.north.id, **MARCH}
        card = self.card(self.leads, **north)
        self.assertEqual({row["name"] for row in card["rows"]}, {"Ann", "Bob", "Dan"})

    def test_figures(self):
        cells = [{"user_id": person.id} for person in (self.dan, self.eve)]
        found = self.figures("2026-03", *cells, {"team_id": self.east.id})
        self.assertEqual([figure["value"] for figure in found], [0, None, 0])
        self.assertEqual([figure["state"] for figure in found], ["ok", "no_data", "ok"])

    def test_goals(self):
        """A goal and the card say the same."""
        goal = self.env["crm.kpi.goal"].create(
            {
                "kpi_id": self.leads.id,
                "period_id": self.period("month", "2026-03-10").id,
                "scope": "user",
                "user_id": self.dan.id,
                "kind": "at_least",
                "target": 4,
            }
        )
        self.assertEqual((goal.value, goal.status), (0, "missed"))
        card = self.card(self.leads, scope="team", user_id=self.dan.id, **MARCH)
        self.assertEqual((card["value"], card["goal"]["status"]), (0, "missed"))

    def workbook(self, **filters):
        self.env.flush_all()
        request = WorkbookRequest(
            kpi_ids=self.leads.ids,
            filters={"period_kind": "month", "scope": "company", **MARCH, **filters},
            period_count=2,
            goals=False,
        )
        file = io.BytesIO()
        export = self.env["crm.kpi.export"].with_user(self.mia).with_company(self.company)
        export._write_workbook(request, file)
        return openpyxl.load_workbook(file, data_only=True)

    def rows_of(self, book, names):
        """The numbers beside some names, over all sheets."""
        found = {}
        for sheet in book:
            for row in sheet.iter_rows(values_only=True):
                if row and row[0] in names:
                    found.setdefault((sheet.title, row[0]), [v for v in row[1:] if v is not None])
        return found

    def test_workbook(self):
        """Rows of people and the sheet of the ranking."""
        book = self.workbook()
        names = {"Bob", "Dan", "Eve", "Hal"}
        sheet = next(title for title, _name in self.rows_of(book, names) if title != "Leaderboard")
        rows = {
            name: values[:2]
            for (title, name), values in self.rows_of(book, names).items()
            if title == sheet
        }
        self.assertEqual(rows, {"Bob": [1, 2], "Dan": [0, 0], "Hal": [0, 0]})
        ranked = [row for row in book["Leaderboard"].iter_rows(values_only=True) if "Dan" in row]
        self.assertEqual(ranked[0][3], 0)

    def test_queries(self):
        """A board of many cards without a record costs as many queries as one of few."""

        def queries(count):
            kpis = self.leads | self.big
            self.board.card_ids = [
                Command.clear(),
                *(Command.create({"kpi_id": kpi.id}) for kpi in kpis[:count]),
            ]
            filters = {"scope": "team", "user_id": self.dan.id, **MARCH}
            for _warming in range(2):  # what the registry caches
                self.show(**filters)
                self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            shown = self.show(**filters)
            self.assertEqual({card["value"] for card in shown["cards"]}, {0})
            return self.env.cr.sql_log_count - before

        self.assertLessEqual(queries(2), queries(1))
