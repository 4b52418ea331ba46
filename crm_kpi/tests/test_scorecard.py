# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""People, teams and segments in rows, KPIs in columns."""

import doctest
import io

import openpyxl

from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.crm_kpi.board import scorecard

from ..workbook.request import WorkbookRequest
from .common_board import BoardCase


def plain(text):
    return text.replace("\u00a0", " ").replace("\u2009", " ")


@tagged("post_install", "-at_install")
class TestScorecard(BoardCase):
    def table(self, user=None, board=None, filters=None, **arrangement):
        boards = self.boards.with_user(user or self.mia).with_company(self.company)
        self.env.flush_all()
        return boards.get_scorecard((board or self.board).id, filters or {}, arrangement)

    def names(self, table):
        return [row["name"] for row in table["rows"]]

    def column(self, table, kpi):
        """Values of a column by the name of the row."""
        return {
            row["name"]: cell["value"]
            for row in table["rows"]
            for cell in row["cells"]
            if cell["kpi_id"] == kpi.id
        }

    def cell(self, table, name, kpi):
        [row] = [row for row in [table["total"], *table["rows"]] if row["name"] == name]
        [cell] = [cell for cell in row["cells"] if cell["kpi_id"] == kpi.id]
        return cell

    def make_goal(self, kpi, user, target, **values):
        return self.env["crm.kpi.goal"].create(
            {
                "kpi_id": kpi.id,
                "period_id": self.period("month", "2026-04-15").id,
                "scope": "user",
                "user_id": user.id,
                "kind": "at_least",
                "target": target,
                **values,
            }
        )

    def by_owner(self, column, condition="TRUE"):
        """Numbers of leads of April by owner, in plain SQL."""
        self.env.cr.execute(
            f"""SELECT {column}, count(*) FROM crm_lead
                 WHERE company_id = %s AND {condition}
                   AND create_date >= '2026-03-31 22:00' AND create_date < '2026-04-30 22:00'
                 GROUP BY 1""",
            [self.company.id],
        )
        return dict(self.env.cr.fetchall())

    # --- ROWS ---

    def test_doctest(self):
        self.assertFalse(doctest.testmod(scorecard).failed)

    def test_people_in_rows(self):
        """Each row has the records of one salesperson; the total is the value of the company."""
        table = self.table(filters={"scope": "company"})
        counts = self.by_owner("user_id")
        names = {self.ann.id: "Ann", self.bob.id: "Bob", self.cid.id: "Cid", None: "Unassigned"}
        self.assertEqual(
            self.column(table, self.leads), {names[one]: count for one, count in counts.items()}
        )
        self.assertEqual(self.names(table)[-1], "Unassigned")
        total = table["total"]
        self.assertEqual(total["name"], self.company.name)
        self.assertEqual(total["cells"][0]["value"], sum(counts.values()))
        self.assertEqual(table["row_count"], 4)

    def test_total_of_a_rate_is_no_mean(self):
        """1 of 3, 0 of 1, 1 of 1 and 0 of 1 leads are big: 2 of 6, and not the mean of the rows."""
        table = self.table(filters={"scope": "company"})
        rates = self.column(table, self.share)
        self.assertAlmostEqual(rates["Ann"], 1 / 3)
        self.assertEqual([rates["Bob"], rates["Cid"], rates["Unassigned"]], [0, 1, 0])
        total = self.cell(table, self.company.name, self.share)
        self.assertAlmostEqual(total["value"], 2 / 6)
        self.assertEqual(plain(total["value_text"]), "33 %")

    def test_members_of_a_team(self):
        table = self.table(filters={"scope": "team", "team_id": self.north.id})
        self.assertEqual(sorted(self.names(table)), ["Ann", "Bob"])
        count = self.count(f"team_id = {self.north.id}")[0]
        self.assertEqual(self.cell(table, "North", self.leads)["value"], count)

    def test_teams_in_rows(self):
        table = self.table(rows="team", filters={"scope": "team", "team_id": self.north.id})
        counts = self.by_owner("team_id")
        self.assertEqual(
            self.column(table, self.leads),
            {
                "North": counts[self.north.id],
                "South": counts[self.south.id],
                "Unassigned": counts[None],
            },
        )
        self.assertEqual(table["filters"]["scope"], "company")

    def test_people_without_records_are_left_out(self):
        """A salesperson without any record and goal is no row; one with a goal is."""
        dora = self.make_user("Dora", "sales_team.group_sale_salesman")
        self.assertNotIn("Dora", self.names(self.table(filters={"scope": "company"})))
        self.make_goal(self.leads, dora, 5)
        table = self.table(filters={"scope": "company"})
        self.assertIn("Dora", self.names(table))
        self.assertEqual(plain(self.cell(table, "Dora", self.leads)["target_text"]), "≥ 5")

    def test_columns_without_values_are_named(self):
        nothing = self.make_kpi("nothing", name="Never", domain="[('id', '=', 0)]")
        self.board.card_ids = [Command.create({"kpi_id": nothing.id, "sequence": 9})]
        self.refresh()
        table = self.table(filters={"scope": "company"})
        self.assertEqual(
            [column["id"] for column in table["columns"]],
            (self.leads | self.amount | self.share).ids,
        )
        self.assertIn("No values per salesperson in this period: Never", table["notes"])
        self.assertEqual({len(row["cells"]) for row in table["rows"]}, {3})

    # --- CELLS ---

    def test_a_cell_is_the_card_of_the_board(self):
        """Value, status, change and state of each cell are those of the card it opens."""
        self.make_goal(self.leads, self.ann, 4)
        self.make_goal(self.amount, self.bob, 300)
        for arrangement, filters in (
            ({"rows": "user"}, {"scope": "company"}),
            ({"rows": "user"}, {"scope": "team", "team_id": self.north.id}),
            ({"rows": "team"}, {}),
            ({"rows": "user"}, {"scope": "company", "date": "last"}),
            ({"rows": "user"}, {"scope": "company", "comparison": "last_year"}),
        ):
            table = self.table(filters=filters, **arrangement)
            for row in [table["total"], *table["rows"]]:
                if not row["filters"]:
                    continue
                for cell in row["cells"]:
                    kpi = self.env["crm.kpi"].browse(cell["kpi_id"])
                    card = self.card(kpi, **row["filters"])
                    with self.subTest(arrangement=arrangement, row=row["name"], kpi=kpi.name):
                        for name in ("value", "value_text", "state", "state_text", "record_count"):
                            self.assertEqual(cell[name], card[name], name)
                        goal, change = card["goal"] or {}, card["change"] or {}
                        for name in ("status", "status_text", "target_text", "attainment_text"):
                            self.assertEqual(cell[name], goal.get(name, ""), name)
                        self.assertEqual(cell["change_trend"], change.get("trend", ""))
                        self.assertEqual(cell["change"], change.get("short", ""))
                        points = [point["value"] for point in card["sparkline"]]
                        self.assertEqual(cell["sparkline"], points)

    def test_change_names_its_period_once(self):
        """Ann has 3 leads, and had 2 in the first ten working days of March."""
        table = self.table(filters={"scope": "company"})
        cell = self.cell(table, "Ann", self.leads)
        self.assertEqual(cell["value"], 3)
        condition = f"user_id = {self.ann.id}"
        self.assertEqual(self.count(condition, "2026-03-01", "2026-03-14")[0], 2)
        self.assertEqual((cell["change"], cell["change_trend"]), ("from 2", "better"))
        self.assertEqual(plain(table["basis_text"]), "Mar 1 – 13, 2026")
        self.assertEqual({column["basis_text"] for column in table["columns"]}, {""})

    def test_a_stock_names_its_own_day(self):
        source = self.source.copy({"code": "test_pipeline", "kind": "snapshot"})
        stock = self.make_kpi("stock", source_id=source.id)
        self.board.card_ids = [Command.create({"kpi_id": stock.id, "sequence": 9})]
        self.refresh()
        table = self.table(filters={"scope": "company"})
        self.assertEqual(table["columns"][-1]["basis_text"], "03/31/2026")

    # --- ORDER ---

    def test_most_urgent_first(self):
        """Without goals by the first KPI; rows with goals off track come first."""
        company = {"scope": "company"}
        self.assertEqual(self.names(self.table(filters=company))[0], "Ann")
        off_track = self.make_goal(self.leads, self.cid, 100)
        good = self.make_goal(self.leads, self.ann, 1)
        self.assertEqual((off_track.status, good.status), ("off_track", "achieved"))
        self.assertEqual(self.names(self.table(filters=company))[0], "Cid")

    def test_sort_by_a_kpi_or_a_name(self):
        """1 and 1 leads follow 3; amounts are 600, 520, 30 and 20."""
        company = {"scope": "company"}
        for sort, reverse, names in (
            ("name", False, ["Ann", "Bob", "Cid", "Unassigned"]),
            ("name", True, ["Cid", "Bob", "Ann", "Unassigned"]),
            (self.amount.id, False, ["Cid", "Ann", "Bob", "Unassigned"]),
            (self.amount.id, True, ["Bob", "Ann", "Cid", "Unassigned"]),
        ):
            table = self.table(filters=company, sort=sort, reverse=reverse)
            self.assertEqual(self.names(table), names, (sort, reverse))
        self.amount.direction = "decrease"
        table = self.table(filters=company, sort=self.amount.id)
        self.assertEqual(self.names(table), ["Bob", "Ann", "Cid", "Unassigned"], "least is best")

    # --- COLUMNS ---

    def test_columns_of_the_reader(self):
        """Columns that were asked for, those of a board, or those that the reader chose."""
        boards = self.boards.with_user(self.mia).with_company(self.company)
        self.mia.kpi_ids = self.big
        for board, arrangement, kpis, choice in (
            (False, {}, self.big, "own"),
            (self.board.id, {}, self.leads | self.amount | self.share, ""),
            (self.board.id, {"kpi_ids": self.amount.ids}, self.amount, "columns"),
        ):
            table = boards.get_scorecard(board, {}, arrangement)
            self.assertEqual((table["kpi_ids"], table["choice"]), (kpis.ids, choice))

    # --- RIGHTS ---

    def test_a_salesperson_sees_own_values(self):
        """Own values, and totals of the team only where the KPI shares them."""
        self.leads.visibility = "team"
        self.amount.visibility = "own"
        table = self.table(self.ann)
        self.assertEqual(self.names(table), ["Ann"])
        self.assertTrue(table["rows"][0]["mine"])
        self.assertEqual(table["filters"]["team_id"], self.north.id)
        shared, own = (self.cell(table, "North", kpi) for kpi in (self.leads, self.amount))
        self.assertEqual(shared["value"], self.count(f"team_id = {self.north.id}")[0])
        self.assertIsNone(own["value"])
        self.assertEqual(own["state_text"], "You may not see this value")
        self.assertEqual(set(own["sparkline"]), {None})
        teams = self.table(self.ann, rows="team")
        self.assertEqual(self.column(teams, self.leads), {"North": shared["value"]})
        forged = self.table(self.ann, filters={"scope": "team", "user_id": self.bob.id})
        self.assertEqual(self.names(forged), ["Ann"])

    # --- EXCEL ---

    def sheet(self, user, filters, **arrangement):
        """``(lines above the table, headers, rows)`` of the exported workbook."""
        self.env.flush_all()
        export = self.env["crm.kpi.export"].with_user(user).with_company(self.company)
        request = WorkbookRequest(
            layout="scorecard",
            board_id=self.board.id,
            filters=filters,
            arrangement=arrangement,
            period_count=1,
        )
        file = io.BytesIO()
        name = export._write_workbook(request, file)
        self.assertRegex(name, r"^Scorecard_2026-04-15\.xlsx$")
        book = openpyxl.load_workbook(file)
        self.assertEqual(book.sheetnames, ["Scorecard", "Definitions", "Audit"])
        rows = [list(row) for row in book["Scorecard"].iter_rows(values_only=True)]
        start = next(i for i, row in enumerate(rows) if row[0] in ("Salesperson", "Sales team"))
        lines = {row[0]: row[1] for row in rows[2:start] if row[0]}
        return lines, rows[start], [row for row in rows[start + 1 :] if row[0]]

    def test_workbook(self):
        """All rows in the order of the screen: values, statuses, changes and remarks."""
        self.patch(scorecard, "FIRST_ROWS", 2)
        self.make_goal(self.leads, self.ann, 3)
        lines, headers, rows = self.sheet(
            self.mia, {"scope": "company"}, sort="name", kpi_ids=(self.leads | self.share).ids
        )
        self.assertEqual(lines["Values of"], "Whole company")
        self.assertEqual(lines["Period"], "April 2026")
        self.assertEqual(plain(lines["Compared with"]), "Mar 1 – 13, 2026")
        self.assertEqual(
            headers,
            [
                "Salesperson",
                "Leads",
                "Leads · Status",
                "Leads · Change",
                "share",
                "share · Change",
                "share · Remark",
            ],
        )
        counts = self.by_owner("user_id")
        owners = {"Ann": self.ann.id, "Bob": self.bob.id, "Cid": self.cid.id, "Unassigned": None}
        big = self.by_owner("user_id", "expected_revenue > 100")
        self.assertEqual([row[0] for row in rows], [f"{self.company.name} (total)", *owners])
        self.assertEqual(rows[0][1], sum(counts.values()))
        self.assertAlmostEqual(rows[0][4], sum(big.values()) / sum(counts.values()))
        for row in rows[1:]:
            owner = owners[row[0]]
            self.assertEqual(row[1], counts[owner], row[0])
            self.assertAlmostEqual(row[4], big.get(owner, 0) / counts[owner], msg=row[0])
        self.assertEqual([row[2] for row in rows], [None, "✔ Achieved", None, None, None])
        self.assertEqual(plain(rows[1][3]), "↗ from 2")
        self.assertEqual(rows[2][6], "Too little data (1 of 4 needed)")

    def test_workbook_of_a_salesperson(self):
        """Only what the screen shows to this reader."""
        _lines, headers, rows = self.sheet(self.ann, {}, rows="user")
        self.assertEqual([row[0] for row in rows], ["North (total)", "Ann"])
        self.assertEqual(rows[1][headers.index("Leads")], self.by_owner("user_id")[self.ann.id])
        _lines, _headers, rows = self.sheet(self.ann, {"user_id": self.bob.id}, rows="user")
        self.assertEqual([row[0] for row in rows], ["North (total)", "Ann"])

    # --- SPEED ---

    def queries(self, filters, **arrangement):
        """Number of queries of a table, when the caches of rights and translations are full."""
        for _turn in range(2):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.table(filters=filters, **arrangement)
        return self.env.cr.sql_log_count - before

    def test_segments_cost_no_queries(self):
        """Also where rows have zeros that are not stored, of segments and of people in one."""
        self.leads.cross_levels = True
        industries = self.env.ref("crm_kpi.segment_set_industry")

        def add(index, user):
            industry = self.env["res.partner.industry"].create({"name": f"Industry {index}"})
            partner = self.env["res.partner"].create({"name": "x", "industry_id": industry.id})
            # of this month only: the month before is 0
            for _number in range(index + 1):
                self.make_lead("2026-04-02 10:00:00", partner_id=partner.id, user_id=user.id)
            self.make_lead("2026-04-03 10:00:00", partner_id=self.first.id, user_id=user.id)

        industry = self.env["res.partner.industry"].create({"name": "First"})
        self.first = self.env["res.partner"].create({"name": "x", "industry_id": industry.id})
        for index, user in enumerate((self.ann, self.bob)):
            add(index, user)
        self.refresh()
        segment = industries.segment_ids.filtered(lambda one: one.industry_id == industry)
        cases = (
            ({"scope": "company", "segment_set_id": industries.id}, "segment"),
            ({"scope": "company", "segment_id": segment.id}, "user"),
        )
        few = [self.queries(filters, rows=rows) for filters, rows in cases]
        for index in range(2, 8):
            add(index, self.make_user(f"Zoe{index}", "sales_team.group_sale_salesman"))
        self.refresh()
        by_segment, by_user = (
            self.column(self.table(filters=filters, rows=rows), self.leads)
            for filters, rows in cases
        )
        expected = {f"Industry {index}": index + 1 for index in range(8)}
        self.assertEqual({name: by_segment[name] for name in expected}, expected)
        self.assertEqual((by_segment["First"], set(by_user.values())), (8, {1}))
        self.assertEqual(len(by_user), 8)
        for (filters, rows), before in zip(cases, few, strict=True):
            # names of more users
            self.assertLessEqual(self.queries(filters, rows=rows), before + 3, rows)

    def test_rows_and_columns_cost_no_queries(self):
        """The number of queries does not grow with rows, columns and goals."""
        company = {"scope": "company"}
        few = self.queries(company)
        self.board.card_ids = [Command.create({"kpi_id": self.big.id, "sequence": 9})]
        for index in range(6):
            user = self.make_user(f"Zoe{index}", "sales_team.group_sale_salesman")
            self.make_lead("2026-04-02 10:00:00", user_id=user.id, expected_revenue=500)
            for kpi in self.leads | self.amount:
                self.make_goal(kpi, user, 5)
        self.refresh()
        self.assertEqual(len(self.table(filters=company)["rows"]), 10)
        self.assertLessEqual(
            self.queries(company), few + 3, "names of users and periods, texts of goals"
        )

    def test_first_rows(self):
        self.patch(scorecard, "FIRST_ROWS", 2)
        table = self.table(filters={"scope": "company"})
        self.assertEqual((len(table["rows"]), table["row_count"]), (2, 4))
        self.assertEqual(len(self.table(filters={"scope": "company"}, all_rows=True)["rows"]), 4)
