# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Manual values as a table, and the reminder of those that are due."""

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import freeze_time, tagged

from .common import KpiCommon


class EntryGridCase(KpiCommon):
    """Wednesday 15 April 2026 in Brussels; only the KPIs of the tests are published."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        clock = freeze_time("2026-04-15 06:00:00")
        clock.start()
        cls.addClassCleanup(clock.stop)
        cls.env["crm.kpi"].search([("kind", "=", "manual")]).state = "draft"
        cls.visits = cls.make_kpi("visits", name="Visits", kind="manual", sequence=1)
        cls.quality = cls.make_kpi(
            "quality", name="Quality", kind="manual", unit="percent", aggregator="avg", sequence=2
        )
        cls.mia = cls.make_user("Mia", "sales_team.group_sale_manager")

    def entries(self, user=None):
        self.env.flush_all()
        return self.env["crm.kpi.entry"].with_user(user or self.mia).with_company(self.company)

    def grid(self, user=None, **options):
        return self.entries(user).get_grid(options)

    def save(self, *changes, user=None, **options):
        """Save values given as ``(KPI, owner, first day, value)``."""
        listed = [
            {
                "kpi_id": kpi.id,
                "team_id": owner.id if owner and owner._name == "crm.team" else False,
                "user_id": owner.id if owner and owner._name == "res.users" else False,
                "date": day,
                "value": value,
            }
            for kpi, owner, day, value in changes
        ]
        return self.entries(user).save_grid(options, listed)

    def rows(self, grid):
        """Values by KPI and owner."""
        return {
            (line["kpi"], line["owner"]): [cell["value"] for cell in line["cells"]]
            for line in grid["lines"]
        }

    def stored(self):
        found = self.env["crm.kpi.entry"].search(
            [("kpi_id", "in", (self.visits | self.quality).ids)], order="date_from, id"
        )
        return [
            (entry.kpi_id, entry.user_id, str(entry.date_from), str(entry.date_to), entry.value)
            for entry in found
        ]


@tagged("post_install", "-at_install")
class TestEntryGrid(EntryGridCase):
    def test_columns(self):
        """Six periods up to the current one; later ones are not offered."""
        grid = self.grid()
        self.assertEqual(
            [column["date"] for column in grid["columns"]],
            ["2025-11-01", "2025-12-01", "2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01"],
        )
        self.assertEqual(grid["columns"][0]["label"], "November 2025")
        self.assertEqual([column["running"] for column in grid["columns"]], [False] * 5 + [True])
        self.assertFalse(grid["later"])
        before = self.grid(date=grid["earlier"])
        self.assertEqual(before["columns"][-1]["date"], "2025-10-01")
        self.assertEqual(self.grid(date=before["later"])["columns"], grid["columns"])
        quarters = self.grid(period_kind="quarter")["columns"]
        self.assertEqual((quarters[0]["date"], quarters[-1]["date"]), ("2025-01-01", "2026-04-01"))

    def test_lines(self):
        """A line per KPI, and per team or member of a team."""
        self.assertEqual(
            [(line["kpi"], line["owner"]) for line in self.grid()["lines"]],
            [("Visits", "KPI company"), ("Quality", "KPI company")],
        )
        teams = {line["owner"] for line in self.grid(rows="team")["lines"]}
        self.assertLessEqual({"North", "South"}, teams)
        people = self.grid(rows="user", team_id=self.north.id)
        self.assertEqual({line["owner"] for line in people["lines"]}, {"Ann", "Bob"})
        formats = {line["kpi"]: line for line in self.grid()["lines"]}
        self.assertEqual((formats["Visits"]["factor"], formats["Quality"]["factor"]), (1, 100))
        self.assertEqual(formats["Quality"]["suffix"].strip(), "%")

    def test_save(self):
        """New values become entries, others are changed, empty ones deleted."""
        grid = self.save(
            (self.visits, self.ann, "2026-03-01", 12),
            (self.visits, self.bob, "2026-03-01", 0),
            (self.quality, self.ann, "2026-04-01", 0.25),
            rows="user",
        )
        rows = self.rows(grid)
        self.assertEqual(rows["Visits", "Ann"], [None, None, None, None, 12, None])
        self.assertEqual(rows["Visits", "Bob"], [None, None, None, None, 0, None])
        self.assertEqual(
            self.stored(),
            [
                (self.visits, self.ann, "2026-03-01", "2026-04-01", 12),
                (self.visits, self.bob, "2026-03-01", "2026-04-01", 0),
                (self.quality, self.ann, "2026-04-01", "2026-05-01", 0.25),
            ],
        )
        self.save(
            (self.visits, self.ann, "2026-03-01", 13),
            (self.visits, self.bob, "2026-03-01", None),
            (self.visits, self.bob, "2026-02-01", None),
            rows="user",
        )
        self.assertEqual(
            self.stored(),
            [
                (self.visits, self.ann, "2026-03-01", "2026-04-01", 13),
                (self.quality, self.ann, "2026-04-01", "2026-05-01", 0.25),
            ],
        )

    def test_saved_values_count(self):
        """A value of the table is the value of the KPI after a refresh."""
        self.save((self.visits, self.ann, "2026-03-01", 12), rows="user")
        self.save((self.visits, False, "2026-03-01", 30))
        kpis = self.env["crm.kpi"]
        kpis.with_company(self.company)._refresh_periods(fields.Datetime.now())
        march = self.period("month", "2026-03-01")
        kpis._refresh(march, self.visits)
        self.assertEqual(self.value(self.visits, march), 42)
        self.assertEqual(self.value(self.visits, march, "user", user_id=self.ann), 12)

    def test_all_or_nothing(self):
        """A value that cannot be saved is named, and nothing is saved."""
        for wrong in ("x", True, float("nan"), float("inf")):
            with self.assertRaisesRegex(ValidationError, "Quality: enter a number"):
                self.save(
                    (self.visits, False, "2026-03-01", 12),
                    (self.quality, False, "2026-03-01", wrong),
                )
        other = self.make_kpi("other")
        for change in (
            (other, False, "2026-03-01", 1),
            (self.visits, False, "2031-03-01", 1),
            (self.visits, False, "2026-03-02", 1),
            (self.visits, False, None, 1),
        ):
            with self.assertRaisesRegex(UserError, "does not exist any more"):
                self.save((self.visits, False, "2026-02-01", 12), change)
        with self.assertRaisesRegex(UserError, "at most 5,000 values"):
            self.entries().save_grid({}, [{}] * 5001)
        self.assertEqual(self.stored(), [])

    def test_queries(self):
        """Changes of many values cost no more queries than changes of few."""
        owners = self.ann | self.bob | self.cid
        days = ("2026-01-01", "2026-02-01", "2026-03-01")
        self.save(*((self.visits, owner, day, 1) for owner in owners for day in days), rows="user")

        def queries(changes):
            before = self.env.cr.sql_log_count
            self.save(*changes, rows="user")
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        queries([(self.visits, self.ann, days[0], 2)])  # fills the caches of the registry
        one = queries([(self.visits, self.ann, days[0], 3)])
        many = [(self.visits, owner, day, 4) for owner in owners for day in days]
        self.assertLessEqual(queries(many), one + 1)
        self.assertEqual({value for *_key, value in self.stored()}, {4})

    def test_several_entries(self):
        """A cell with several entries shows their sum, and is changed in the list."""
        for team in (self.north, self.south):
            self.env["crm.kpi.entry"].create(
                {
                    "kpi_id": self.visits.id,
                    "company_id": self.company.id,
                    "date": "2026-03-05",
                    "user_id": self.ann.id,
                    "team_id": team.id,
                    "value": 5,
                }
            )
        [cell] = [
            line["cells"][4] for line in self.grid(rows="user")["lines"]
            if (line["kpi"], line["owner"]) == ("Visits", "Ann")
        ]  # fmt: skip
        self.assertEqual((cell["value"], cell["count"]), (10, 2))
        with self.assertRaisesRegex(ValidationError, "several entries"):
            self.save((self.visits, self.ann, "2026-03-01", 1), rows="user")

    def test_bad_options(self):
        default = self.grid()
        for options in (None, [], "x", {"period_kind": "custom"}, {"rows": "planet"}, {"date": "x"},
                        {"date": "9999-99-99"}, {"team_id": "x"}, {"date": [1]}):  # fmt: skip
            self.assertEqual(self.entries().get_grid(options), default)

    def test_rights(self):
        """Salespeople read their own values, and change none."""
        self.save(
            (self.visits, self.ann, "2026-03-01", 12),
            (self.visits, self.bob, "2026-03-01", 9),
            rows="user",
        )
        grid = self.grid(self.ann, rows="user")
        self.assertFalse(grid["can_edit"])
        values = {owner: row[4] for (kpi, owner), row in self.rows(grid).items() if kpi == "Visits"}
        self.assertEqual({owner: value for owner, value in values.items() if value}, {"Ann": 12})
        with self.assertRaises(AccessError):
            self.save((self.visits, self.ann, "2026-02-01", 1), user=self.ann, rows="user")
        with self.assertRaises(AccessError):
            self.save((self.visits, self.ann, "2026-03-01", 1), user=self.ann, rows="user")


@tagged("post_install", "-at_install")
class TestEntriesDue(EntryGridCase):
    def line(self, user=None):
        boards = self.env["crm.kpi.board"].with_user(user or self.mia).with_company(self.company)
        board = self.env["crm.kpi.board"].create({"name": "Entered", "user_id": False})
        self.env.flush_all()
        lines = boards.get_attention(board.id)
        action = None
        if found := [line for line in lines if line["key"] == "entries_due"]:
            action = boards.open_attention(board.id, "entries_due")
        return (found[0] if found else None), action

    def test_due(self):
        """A value of February and none of March: March is due. April is not over."""
        self.assertEqual(self.grid()["due"], 0)
        self.save((self.visits, False, "2026-02-01", 12), (self.quality, False, "2025-11-01", 0.5))
        grid = self.grid()
        self.assertEqual(grid["due"], 1)
        due = {line["kpi"]: [cell["due"] for cell in line["cells"]] for line in grid["lines"]}
        self.assertEqual(due["Visits"], [False] * 4 + [True, False])
        # the last value is five months old: it is not entered any more
        self.assertEqual(due["Quality"], [False] * 6)
        line, action = self.line()
        self.assertEqual(line["text"], "1 value is to be entered")
        self.assertEqual(line["detail"], "for the period from Mar 1, 2026")
        self.assertEqual(action["params"]["date"], "2026-03-01")
        self.assertEqual(action["params"]["rows"], "company")
        self.save((self.visits, False, "2026-03-01", 0))
        self.assertEqual(self.grid()["due"], 0)
        self.assertEqual(self.line(), (None, None))

    def test_due_of_people(self):
        """Each person with earlier values; nobody who left."""
        self.save(
            (self.visits, self.ann, "2026-02-01", 1),
            (self.visits, self.bob, "2026-01-01", 1),
            (self.visits, self.cid, "2026-02-01", 1),
            rows="user",
        )
        self.cid.active = False
        line, action = self.line()
        self.assertEqual(line["count"], 2)
        self.assertEqual(action["params"]["rows"], "user")
        self.assertEqual(self.grid(rows="user")["due"], 2)

    def test_only_for_those_who_enter(self):
        self.save((self.visits, self.ann, "2026-02-01", 1), rows="user")
        self.assertEqual(self.line(self.ann), (None, None))

    def test_not_of_drafts(self):
        self.save((self.visits, False, "2026-02-01", 12))
        self.visits.state = "draft"
        self.assertEqual(self.line(), (None, None))
