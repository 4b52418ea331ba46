# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Locked formulas follow their restated components; what a changed definition does."""

import io

import openpyxl
from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..workbook.request import WorkbookRequest
from .common import KpiCommon

NOW = "2026-12-15 10:00:00"
REVENUE = {"aggregator": "sum", "value_field": "expected_revenue", "unit": "money"}
LARGE = "[('expected_revenue', '>', 10000)]"
MEDIUM = "[('expected_revenue', '>', 5000)]"


class VersionsCase(KpiCommon):
    def lines(self, kpi, period, level="company"):
        """Restatements, the oldest first."""
        return self.env["crm.kpi.restatement"].search(
            [("kpi_id", "=", kpi.id), ("period_id", "=", period.id), ("level", "=", level)],
            order="id",
        )

    def version(self, kpi, period):
        return self.cells(kpi, period, "company").version


@tagged("post_install", "-at_install")
class TestRestatedFormulas(VersionsCase):
    """A locked month: 3 orders of 100, 200 and 600 (900 in all, 300 on average)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.count = cls.make_kpi("orders")
        cls.revenue = cls.make_kpi("revenue", **REVENUE)
        cls.average = cls.make_kpi(
            "average", kind="formula", formula="test_revenue / test_orders", unit="money"
        )
        cls.twice = cls.make_kpi("twice", kind="formula", formula="test_average * 2", unit="money")
        cls.growth = cls.make_kpi(
            "growth", kind="formula", formula="test_revenue - previous(test_revenue)", unit="money"
        )
        cls.all_kpis = cls.count | cls.revenue | cls.average | cls.twice | cls.growth
        cls.orders = [
            cls.make_lead("2026-05-10 12:00:00", user_id=user.id, expected_revenue=amount)
            for user, amount in ((cls.ann, 100), (cls.ann, 200), (cls.bob, 600))
        ]
        cls.june_order = cls.make_lead("2026-06-10 12:00:00", expected_revenue=50)
        with freeze_time(NOW):
            cls.kpis._refresh(kpis=cls.all_kpis)
        cls.may = cls.period("month", "2026-05-10")
        cls.june = cls.period("month", "2026-06-10")

    @freeze_time(NOW)
    def refresh(self):
        return self.kpis._refresh(kpis=self.all_kpis)

    def test_removed_record(self):
        self.assertEqual(self.may.state, "locked")
        self.assertEqual(self.value(self.average, self.may), 300)
        self.orders[2].unlink()
        self.refresh()
        self.assertEqual(self.value(self.average, self.may), 300)
        for kpi, reported, now in (
            (self.count, 3, 2),
            (self.revenue, 900, 300),
            (self.average, 300, 150),
            (self.twice, 600, 300),
        ):
            line = self.lines(kpi, self.may)
            self.assertEqual((line.value_locked, line.value_now), (reported, now), kpi.code)
            self.assertEqual(line.reason, "removed", kpi.code)
        # the salesperson who lost the order has no average any more; the other one keeps hers
        of_people = self.lines(self.average, self.may, "user")
        self.assertEqual(of_people.user_id, self.bob)
        self.assertEqual((of_people.value_locked, of_people.value_now), (600, False))
        self.assertEqual(self.refresh(), 0)

    def test_late_record_of_another_person(self):
        carl = self.make_user("carl")
        self.make_lead("2026-05-20 12:00:00", user_id=carl.id, expected_revenue=300)
        self.refresh()
        line = self.lines(self.average, self.may, "user")
        self.assertEqual((line.user_id, line.value_locked, line.value_now), (carl, False, 300))
        self.assertFalse(self.lines(self.average, self.may))  # 1,200 / 4 is 300 as before

    def test_changed_back_and_again(self):
        order = self.orders[2]
        for amount in (900, 600, 300):
            order.expected_revenue = amount
            self.backdate(order, create_date="2026-05-10 12:00:00")
            self.refresh()
        lines = self.lines(self.average, self.may)
        self.assertEqual(lines.mapped("value_now"), [400, 300, 200])
        self.assertEqual(set(lines.mapped("reason")), {"amount"})

    def test_previous_period(self):
        """Both months are locked: June's growth over May is restated with May."""
        self.orders[2].unlink()
        self.refresh()
        line = self.lines(self.growth, self.june)
        self.assertEqual((line.value_locked, line.value_now), (50 - 900, 50 - 300))

    def test_quarter(self):
        quarter = self.period("quarter", "2026-04-01")
        quarter.action_lock()
        self.orders[2].unlink()
        self.refresh()
        line = self.lines(self.average, quarter)
        self.assertAlmostEqual(line.value_locked, 950 / 4)
        self.assertAlmostEqual(line.value_now, 350 / 3)

    def test_unlocked_and_locked_again(self):
        """A restatement of an earlier lock does not count any more."""
        self.orders[2].unlink()
        self.refresh()
        with freeze_time("2026-12-16 10:00:00"):
            self.may.action_unlock()
            self.kpis._refresh(kpis=self.all_kpis)
            self.assertEqual(self.value(self.average, self.may), 150)
            self.may.action_lock()
        with freeze_time("2026-12-17 10:00:00"):
            self.make_lead("2026-05-20 12:00:00", user_id=self.ann.id, expected_revenue=600)
            self.kpis._refresh(kpis=self.all_kpis)
        self.assertEqual(self.value(self.average, self.may), 150)
        line = self.lines(self.average, self.may)[-1]
        self.assertEqual((line.value_locked, line.value_now), (150, 300))
        self.assertEqual(line.reason, "late")


@tagged("post_install", "-at_install")
class TestDefinitionChange(VersionsCase):
    """Each month from January 2025 has 2 deals over 10,000 and 2 more over 5,000.

    On 15 December 2026 September is locked, October and November are provisional.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.large = cls.make_kpi("large", domain=LARGE)
        cls.every = cls.make_kpi("every")
        cls.share = cls.make_kpi(
            "share", kind="formula", formula="test_large / test_every", unit="percent"
        )
        cls.double = cls.make_kpi("double", kind="formula", formula="test_share * 2", unit="ratio")
        cls.all_kpis = cls.large | cls.every | cls.share | cls.double
        for year in (2025, 2026):
            for month in range(1, 13):
                for amount in (12000, 12000, 6000, 6000):
                    cls.make_lead(
                        f"{year}-{month:02d}-05 12:00:00",
                        user_id=cls.ann.id,
                        expected_revenue=amount,
                    )
        with freeze_time(NOW):
            cls.kpis._refresh(kpis=cls.all_kpis)
        cls.july, cls.september, cls.october, cls.december = (
            cls.period("month", f"2026-{month}-10") for month in ("07", "09", "10", "12")
        )
        cls.quarter = cls.period("quarter", "2026-07-10")
        cls.year = cls.period("year", "2026-07-10")
        cls.board = cls.env["crm.kpi.board"].create(
            {
                "name": "Deals",
                "scope": "company",
                "card_ids": [(0, 0, {"kpi_id": cls.large.id}), (0, 0, {"kpi_id": cls.share.id})],
            }
        )

    def setUp(self):
        super().setUp()
        clock = freeze_time(NOW)
        clock.start()
        self.addCleanup(clock.stop)

    def propose(self, record, **values):
        wizards = self.env["crm.kpi.definition.change"]
        action = wizards.propose(record._name, record.id, values)
        return wizards.browse(action["res_id"]) if action else wizards

    def change(self, applies_to, record=None, **values):
        wizard = self.propose(record or self.large, **(values or {"domain": MEDIUM}))
        wizard.applies_to = applies_to
        return wizard.action_apply()["infos"]

    def card(self, kpi, kind, day):
        answer = self.board.get_board(self.board.id, {"period_kind": kind, "date": day})
        return next(card for card in answer["cards"] if card["kpi"]["id"] == kpi.id)

    def values_of(self, kpi, kind, year=2026):
        """Values and versions of the periods of a year, the oldest first."""
        periods = self.env["crm.kpi.period"].search(
            [
                ("company_id", "=", self.company.id),
                ("kind", "=", kind),
                ("date_from", ">=", f"{year}-01-01"),
                ("date_to", "<=", f"{year + 1}-01-01"),
            ],
            order="date_from",
        )
        return [(self.value(kpi, period), self.version(kpi, period)) for period in periods]

    # --- the question ---

    def test_what_it_concerns(self):
        self.env["crm.kpi.goal"].create(
            {"kpi_id": self.share.id, "period_id": self.december.id, "scope": "company",
             "kind": "at_least", "target": 0.5}
        )  # fmt: skip
        wizard = self.propose(self.large, domain=MEDIUM)
        self.assertEqual((wizard.month_count, wizard.locked_count), (24, 21))
        self.assertEqual((wizard.board_count, wizard.goal_count), (1, 1))
        self.assertEqual(wizard.formula_count, 2)
        self.assertEqual(wizard.kpi_names, "large, share, double")
        self.assertEqual(self.large.domain, LARGE)

    def test_nothing_to_ask(self):
        self.assertFalse(self.propose(self.large, name="Other", domain=LARGE))
        self.assertFalse(self.propose(self.large, domain=LARGE.replace("'", '"').replace(" ", "")))
        self.assertFalse(self.propose(self.make_kpi("new"), domain=MEDIUM))
        for values in (
            {"aggregator": "sum", "value_field": "expected_revenue"},
            {"source_id": self.source.copy({"code": "test_other"}).id},
            {"maturity_days": 5},
        ):
            self.assertTrue(self.propose(self.large, **values), values)
        self.assertTrue(self.propose(self.share, formula="test_large * 2"))
        for values in ({"date_field": "date_open"}, {"domain": "[('type', '=', 'lead')]"}):
            self.assertTrue(self.propose(self.source, **values), values)
        self.assertFalse(self.propose(self.source, name="Other"))

    def test_who_may_answer(self):
        manager = self.make_user("mona", "crm_kpi.group_kpi_manager")
        wizards = self.env["crm.kpi.definition.change"].with_user(manager)
        with self.assertRaises(AccessError):
            wizards.propose("crm.kpi", self.large.id, {"domain": MEDIUM})
        with self.assertRaises(UserError):
            self.env["crm.kpi.definition.change"].propose("res.users", 2, {"name": "x"})

    # --- open periods ---

    def check_open_periods(self):
        """Locked months keep 2 of 10,000; the others have 4 of 5,000."""
        months = [(2, 1)] * 9 + [(4, 2)] * 3
        self.assertEqual(self.values_of(self.large, "month"), months)
        shares = [(0.5, 1)] * 9 + [(1, 2)] * 3
        self.assertEqual(self.values_of(self.share, "month"), shares)
        for period in (self.july, self.september):
            for kpi, reported, now in (
                (self.large, 2, 4),
                (self.share, 0.5, 1),
                (self.double, 1, 2),
            ):
                line = self.lines(kpi, period)
                self.assertEqual(
                    (line.value_locked, line.value_now, line.reason), (reported, now, "definition")
                )
            self.assertFalse(self.lines(self.every, period))
        self.assertFalse(self.lines(self.large, self.october))

    def test_open_periods(self):
        self.change("open")
        self.check_open_periods()
        # what happens later has its own reason
        self.make_lead("2026-07-06 12:00:00", expected_revenue=7000)
        self.kpis._refresh(kpis=self.all_kpis)
        lines = self.lines(self.large, self.july)
        self.assertEqual(lines.mapped("value_now"), [4, 5])
        self.assertEqual(lines.mapped("reason"), ["definition", "late"])
        self.assertEqual(self.kpis._refresh(kpis=self.all_kpis), 0)

    def test_written_without_a_choice(self):
        """An RPC call or a module update leaves what was reported as it is."""
        self.large.write({"domain": MEDIUM})
        self.assertEqual((self.large | self.share | self.double).mapped("version"), [2, 2, 2])
        self.kpis._refresh(kpis=self.all_kpis)
        self.check_open_periods()
        self.large.write({"domain": MEDIUM.replace(" ", "")})
        self.assertEqual(self.large.version, 2)

    def test_marks(self):
        self.change("open")
        card = self.card(self.large, "month", "2026-07-01")
        self.assertEqual(card["state"], "redefined")
        self.assertEqual(
            card["state_text"], "Definition changed: this value has an earlier definition"
        )
        # the quarter is provisional: 12 is not 2 + 2 + 2
        self.assertEqual(self.value(self.large, self.quarter), 12)
        for kind, day in (("quarter", "2026-07-01"), ("year", "2026-01-01")):
            card = self.card(self.large, kind, day)
            self.assertIn("do not add up to this value", card["state_text"], kind)
        card = self.card(self.large, "month", "2026-10-01")
        self.assertIn("not compared with September 2026", card["state_text"])
        self.assertIsNone(card["change"])
        cell = self.cells(self.large, self.october, "company")
        self.assertEqual((cell.change_text, cell.definition_text), ("", False))
        self.assertTrue(self.cells(self.large, self.july, "company").definition_text)
        self.assertEqual(self.card(self.large, "month", "2026-11-01")["state"], "ok")

    def workbook(self, day, layout):
        """Texts of the exported workbook by sheet."""
        file = io.BytesIO()
        self.env["crm.kpi.export"]._write_workbook(
            WorkbookRequest(
                kpi_ids=self.all_kpis.ids,
                layout=layout,
                filters={"company_id": self.company.id, "period_kind": "month", "date": day,
                         "scope": "company"},
            ),
            file,
        )  # fmt: skip
        book = openpyxl.load_workbook(file, data_only=True)
        return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}

    def test_marks_in_the_workbook(self):
        """The sheet of a KPI says where the definition changes, and each value has its version."""
        changed = "Definition changed: values before October 2026 have another definition."
        sheets = self.workbook("2026-12-01", "kpi")
        texts = {str(cell) for rows in sheets.values() for row in rows for cell in row}
        self.assertFalse([text for text in texts if "efinition changed" in text])
        self.change("open")
        sheets = self.workbook("2026-12-01", "kpi")
        for name, marked in (("large", True), ("share", True), ("every", False)):
            texts = " ".join(str(cell) for row in sheets[name] for cell in row)
            self.assertEqual(changed in texts, marked, name)
        # the list of values: version and remark of each
        sheets = self.workbook("2026-12-01", "list")
        header, *rows = self.table(sheets["Values"], "KPI")
        position = {title: header.index(title) for title in header if title}
        listed = {
            (row[position["KPI"]], row[position["Period"]]): (
                row[position["Value"]],
                row[position["Definition version"]],
                row[position["Remark"]],
            )
            for row in rows
            if row[position["Level"]] == "Company"
        }
        older = "Definition changed: this value has an earlier definition"
        self.assertEqual(listed["large", "September 2026"], (2, 1, older))
        self.assertEqual(listed["large", "October 2026"], (4, 2, None))
        self.assertEqual(listed["share", "September 2026"], (0.5, 1, older))
        self.assertEqual(listed["every", "September 2026"], (4, 1, None))
        # the versions of the period of the workbook
        for day, expected in (("2026-09-01", (1, older)), ("2026-12-01", (2, ""))):
            sheets = self.workbook(day, "kpi")
            header, *rows = self.table(sheets["Audit"], "KPI", "Version")
            [row] = [row for row in rows if row[0] == "large"]
            at = header.index("Version"), header.index("Remark")
            self.assertEqual(tuple(row[i] for i in at), expected)

    def table(self, rows, *titles):
        """The table of a sheet whose header has these titles: header and rows."""
        start = next(i for i, row in enumerate(rows) if set(titles) <= set(row))
        end = next((i for i in range(start, len(rows)) if not any(rows[i])), len(rows))
        return rows[start:end]

    def test_trend_of_one_version(self):
        """24 months, of which 3 have the new definition: too few for a usual range."""
        detail = self.board.get_detail(
            self.large.id, {"period_kind": "month", "date": "2026-12-01"}
        )
        # two in each month, compared per working day
        self.assertAlmostEqual(detail["trend"]["points"][-1]["usual_mean"], 2, delta=0.3)
        self.assertEqual(detail["trend"]["redefined"], [])
        self.change("open")
        filters = {"period_kind": "month", "date": "2026-12-01"}
        trend = self.board.get_detail(self.large.id, filters)["trend"]
        self.assertEqual({point["usual_mean"] for point in trend["points"]}, {None})
        [mark] = trend["redefined"]
        self.assertEqual((mark["date"], mark["date_text"]), ("2026-10-01", "October 2026"))
        self.assertIn("values before October 2026", mark["text"])
        # up to September, all values have the earlier definition
        filters["date"] = "2026-09-01"
        trend = self.board.get_detail(self.large.id, filters)["trend"]
        self.assertAlmostEqual(trend["points"][-1]["usual_mean"], 2, delta=0.3)
        self.assertEqual(trend["redefined"], [])

    def test_records_of_an_earlier_definition(self):
        self.change("open")
        value = self.cells(self.large, self.july, "company")
        action = value.action_open_records()
        self.assertEqual(len(action["domain"][0][2]), 4)
        self.assertIn("the value has an earlier one, with 2 records", action["name"])
        action = self.cells(self.large, self.october, "company").action_open_records()
        self.assertNotIn("earlier", action["name"])
        filters = {"period_kind": "month", "date": "2026-07-01"}
        [part] = self.board.get_explanation(self.large.id, filters)
        self.assertEqual((part["stored"], part["included"]["count"]), (2, 4))
        self.assertIn("earlier definition", part["note"])

    # --- all history ---

    def test_all_history(self):
        self.change("history")
        self.check_all_history()
        for period in (self.july, self.september):
            for kpi, reported, now in ((self.large, 2, 4), (self.share, 0.5, 1)):
                line = self.lines(kpi, period)
                self.assertEqual(
                    (line.value_locked, line.value_now, line.reason), (reported, now, "definition")
                )
        # locked again: the next change of a record is a restatement
        self.make_lead("2026-07-06 12:00:00", expected_revenue=7000)
        self.kpis._refresh(kpis=self.all_kpis)
        self.assertEqual(self.value(self.large, self.july), 4)
        line = self.lines(self.large, self.july)[-1]
        self.assertEqual((line.value_locked, line.value_now, line.reason), (4, 5, "late"))

    def check_all_history(self):
        self.assertEqual(self.values_of(self.large, "month"), [(4, 2)] * 12)
        self.assertEqual(self.values_of(self.large, "month", 2025), [(4, 2)] * 12)
        self.assertEqual(self.values_of(self.large, "quarter"), [(12, 2)] * 4)
        self.assertEqual(self.values_of(self.large, "year"), [(48, 2)])
        self.assertEqual(self.values_of(self.share, "month"), [(1, 2)] * 12)
        self.assertEqual(self.values_of(self.double, "month"), [(2, 2)] * 12)
        self.assertEqual({version for _value, version in self.values_of(self.every, "month")}, {1})
        for kind, day in (
            ("month", "2026-07-01"),
            ("quarter", "2026-07-01"),
            ("year", "2026-01-01"),
        ):
            self.assertEqual(self.card(self.large, kind, day)["state"], "ok")
        self.assertEqual(self.kpis._refresh(kpis=self.all_kpis), 0)

    def test_recompute_history_afterwards(self):
        self.change("open")
        self.large.action_recompute_history()
        self.check_all_history()
        # the difference was noted once, when the definition changed
        self.assertEqual(len(self.lines(self.large, self.july)), 1)
        reader = self.make_user("rita", "sales_team.group_sale_salesman_all_leads")
        with self.assertRaises(AccessError):
            self.large.with_user(reader).action_recompute_history()

    def test_history_without_records(self):
        """People who have no value by the new definition lose the locked one."""
        self.change("history", domain="[('expected_revenue', '>', 50000)]")
        self.assertEqual(self.value(self.large, self.july), 0)
        self.assertIsNone(self.value(self.large, self.july, "user", user_id=self.ann) or None)
        line = self.lines(self.large, self.july, "user")
        self.assertEqual((line.value_locked, line.reason), (2, "definition"))

    def test_snapshot_keeps_its_past(self):
        source = self.source.copy({"code": "test_stock", "kind": "snapshot"})
        stock = self.make_kpi("stock", source_id=source.id, domain=LARGE)
        with freeze_time("2026-07-20 10:00:00"):
            july = self.july
            july.sudo().write({"state": "open"})
            self.kpis._refresh(kpis=stock)
            reported = self.value(stock, july)
        self.assertTrue(reported)
        july.sudo().write({"state": "locked"})
        self.change("history", stock, domain=MEDIUM)
        self.assertEqual((self.value(stock, july), self.version(stock, july)), (reported, 1))
        computations = self.env["crm.kpi.computation"].search([("kpi_id", "=", stock.id)])
        self.assertFalse(any(computations.mapped("recompute")))

    # --- goals to improve ---

    def improve(self, kpi, baseline_kind, **values):
        return self.env["crm.kpi.goal"].create(
            {"kpi_id": kpi.id, "period_id": self.december.id, "scope": "company",
             "kind": "improve", "improve_by": 0.5, "baseline_kind": baseline_kind, **values}
        )  # fmt: skip

    def test_baseline_of_an_earlier_definition(self):
        """December 2025 is locked: its 2 stay the baseline until the history is recomputed."""
        goal = self.improve(self.large, "last_year")
        share = self.improve(self.share, "last_year")
        fixed = self.improve(self.every, "fixed", baseline_fixed=2)
        self.assertEqual((goal.baseline, goal.target, goal.baseline_text), (2, 3, "2"))
        self.assertEqual((share.baseline, share.target), (0.5, 0.75))
        self.change("open")
        self.assertEqual((goal.value, goal.baseline, goal.target), (4, 2, 3))
        earlier = "by an earlier definition of the KPI"
        self.assertEqual(goal.baseline_text, f"2, {earlier}")
        self.assertIn(earlier, share.baseline_text)
        # a goal that is set afterwards has the same baseline, and says the same
        goal.unlink()
        goal = self.improve(self.large, "last_year")
        self.assertEqual(goal.baseline_text, f"2, {earlier}")
        self.large.action_recompute_history()
        self.env.invalidate_all()
        self.assertEqual((goal.baseline, goal.target, goal.baseline_text), (4, 6, "4"))
        self.assertEqual((share.value, share.baseline, share.target), (1, 1, 1.5))
        self.assertEqual((fixed.baseline, fixed.baseline_text), (2, "2"))
        # as before, a late record does not move a baseline
        self.make_lead("2025-12-06 12:00:00", expected_revenue=7000)
        self.kpis._refresh(kpis=self.all_kpis)
        self.assertEqual((goal.baseline, goal.target), (4, 6))

    def test_baseline_of_an_open_period(self):
        """November is provisional: it has the new definition, and so has the baseline."""
        goal = self.improve(self.large, "previous")
        mean = self.improve(self.double, "mean", baseline_count=4)
        self.assertEqual((goal.baseline, goal.target), (2, 3))
        self.assertEqual(mean.baseline, 1)
        self.change("open")
        self.assertEqual((goal.value, goal.baseline, goal.target), (4, 4, 6))
        self.assertEqual(goal.baseline_text, "4")
        # August and September are locked: one baseline is not made of two definitions
        self.assertEqual(mean.baseline, 1)
        self.assertIn("earlier definition", mean.baseline_text)
        self.large.action_recompute_history()
        self.env.invalidate_all()
        self.assertEqual((mean.baseline, mean.baseline_text), (2, "2"))

    def test_baseline_of_a_settled_goal(self):
        """What was achieved and locked stays as it was reported."""
        goal = self.improve(self.large, "previous", period_id=self.september.id, improve_by=0.1)
        self.assertEqual((goal.status, goal.baseline), ("missed", 2))
        self.change("history")
        self.assertEqual((goal.status, goal.value, goal.baseline), ("missed", 2, 2))

    # --- a new KPI ---

    def test_copy(self):
        infos = self.change("copy", domain=MEDIUM, name="Medium")
        new = self.kpis.browse(infos["kpi_id"])
        self.assertEqual((new.name, new.state, new.domain), ("Medium", "draft", MEDIUM))
        self.assertEqual(self.large.copy().name, "large (copy)")
        self.assertEqual((self.large.version, self.large.domain), (1, LARGE))
        self.kpis._refresh(kpis=self.all_kpis)
        self.assertEqual(self.values_of(self.large, "month"), [(2, 1)] * 12)
        self.assertFalse(self.lines(self.large, self.july))

    def test_copy_of_a_source(self):
        with self.assertRaises(UserError):
            self.change("copy", self.source, domain="[('type', '=', 'lead')]")

    # --- sources and formulas ---

    def test_source(self):
        self.change("open", self.source, domain="[('expected_revenue', '<', 10000)]")
        self.assertEqual(self.values_of(self.every, "month"), [(4, 1)] * 9 + [(2, 2)] * 3)
        self.assertEqual(self.lines(self.every, self.july).reason, "definition")
        self.every.action_recompute_history()
        self.assertEqual(self.values_of(self.every, "month"), [(2, 2)] * 12)

    def test_new_formula_over_two_versions(self):
        """A formula that is published later has the versions of its components' values."""
        self.change("open")
        ratio = self.make_kpi(
            "ratio", kind="formula", formula="test_large / test_every", unit="percent"
        )
        self.kpis._refresh(kpis=ratio)
        self.assertEqual(ratio.version, 2)
        self.assertEqual(self.values_of(ratio, "month"), [(0.5, 1)] * 9 + [(1, 2)] * 3)
        self.board.write({"card_ids": [(0, 0, {"kpi_id": ratio.id})]})
        self.assertEqual(self.card(ratio, "month", "2026-07-01")["state"], "redefined")
        self.large.action_recompute_history()
        self.assertEqual(self.values_of(ratio, "month"), [(1, 2)] * 12)

    def test_changed_formula(self):
        self.change("open", self.share, formula="test_large / (test_every * 2)")
        self.assertEqual(self.values_of(self.share, "month"), [(0.5, 1)] * 9 + [(0.25, 2)] * 3)
        self.assertEqual(self.values_of(self.double, "month"), [(1, 1)] * 9 + [(0.5, 2)] * 3)
        line = self.lines(self.double, self.july)
        self.assertEqual((line.value_now, line.reason), (0.5, "definition"))
        self.assertEqual(self.large.version, 1)
