# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Texts of a card: change, elapsed days, timing of periods."""

from lxml import etree

from odoo import fields
from odoo.tests import freeze_time, tagged

from .common import KpiCommon


def plain(text):
    return text.replace("\u00a0", " ").replace("\u2009", " ")


@tagged("post_install", "-at_install")
class TestCard(KpiCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for day, count in (("2026-02-10", 8), ("2026-03-10", 12), ("2026-04-02", 3)):
            for _index in range(count):
                cls.make_lead(f"{day} 10:00:00", user_id=cls.ann.id, expected_revenue=10)
        cls.make_lead("2026-03-11 10:00:00", user_id=cls.bob.id, expected_revenue=500)
        cls.months = [cls.period("month", f"2026-0{month}-10") for month in (2, 3, 4)]

    def cell(self, kpi, period, user=None):
        period._update_states()
        before = period._previous()[period]
        self.env["crm.kpi"]._refresh(periods=before | period, kpis=kpi)
        cells = self.cells(kpi, period, "user")
        return cells.filtered(lambda c: c.user_id == (user or self.ann))

    @freeze_time("2026-04-15 10:00:00")
    def test_change_between_closed_months(self):
        more = self.make_kpi("more")
        less = self.make_kpi("less", direction="decrease")
        kept = self.make_kpi("kept", direction="maintain")
        for kpi, trend in ((more, "better"), (less, "worse"), (kept, "other")):
            cell = self.cell(kpi, self.months[1])
            self.assertEqual((cell.value, cell.previous_value), (12.0, 8.0))
            self.assertEqual(cell.change_signs["trend"], trend)
            self.assertTrue(cell.change_signs["up"])
            self.assertEqual(plain(cell.change_text), "↗ 50 % vs February 2026 (8)")
            self.assertEqual(cell.elapsed_text, "Whole period")

    def two_months(self, kpi, before, now, record_count):
        """Values of February and March, stored by hand."""
        return self.env["crm.kpi.value"].create(
            [
                {
                    "kpi_id": kpi.id,
                    "period_id": month.id,
                    "company_id": self.company.id,
                    "level": "company",
                    "value": value,
                    "record_count": record_count,
                    "version": kpi.version,
                }
                for month, value in zip(self.months[:2], (before, now), strict=True)
            ]
        )

    def test_values_are_listed_by_date(self):
        """The list of a KPI has the latest period first, and within a period the best value."""
        kpi = self.make_kpi("listed")
        self.two_months(kpi, 3, 1, 9)
        arch = self.env["crm.kpi.value"].get_view(view_type="list")["arch"]
        order = etree.fromstring(arch).get("default_order")
        values = self.env["crm.kpi.value"].search(kpi.action_open_values()["domain"], order=order)
        self.assertEqual(values.period_id, self.months[1] | self.months[0])
        self.assertEqual(values.mapped("value"), [1, 3])

    def test_misleading_percentages(self):
        """A percentage of few records, of zero or a loss, or beyond 200 % is no help."""
        kpi = self.make_kpi("base", aggregator="sum", value_field="probability")
        for before, records, now, text in (
            (100, 5, 300, "↗ 200 % vs February 2026 (100)"),
            (100, 5, 301, "↗ from 100 (February 2026)"),
            (100, 4, 150, "↗ from 100 (February 2026)"),
            (0, 5, 150, "↗ from 0 (February 2026)"),
            (-10, 5, 150, "↗ from -10 (February 2026)"),
            (0, 0, 0, "→ same as February 2026"),
            (100, 5, 100.2, "→ same as February 2026"),
        ):
            with self.subTest(before=before, records=records, now=now):
                cells = self.two_months(kpi, before, now, records)
                self.assertEqual(plain(cells[1].change_text), text)
                cells.unlink()

    def test_change_of_a_score_is_in_points(self):
        """From an NPS of -8 to 3 is 11 points better, not 138 %."""
        kpi = self.make_kpi("nps", unit="score")
        for before, now, text in ((-8, 3, "↗ 11 points"), (40, 38, "↘ 2 points")):
            cells = self.two_months(kpi, before, now, 30)
            self.assertEqual(plain(cells[1].change_text), f"{text} vs February 2026 ({before})")
            cells.unlink()

    def test_periods_are_found_by_their_shown_name(self):
        """Users search the name that a card shows; the neutral name works in every language."""
        day = "2026-05-14"
        periods = {kind: self.period(kind, day) for kind in ("day", "week", "month", "quarter")}
        for kind, names in {
            "day": ("May 14, 2026", "2026-05-14"),
            "week": ("Week 20, 2026", "2026-W20"),
            "month": ("May 2026", "2026 may", "2026-05"),
            "quarter": ("Q2 2026", "2026-Q2"),
        }.items():
            self.assertEqual(periods[kind].display_name, names[0])
            for name in names:
                with self.subTest(name=name):
                    found = self.env["crm.kpi.period"].name_search(name)
                    self.assertIn(periods[kind].id, [period_id for period_id, _name in found])
        found = self.env["crm.kpi.period"].search([("display_name", "ilike", "q2 2026")])
        self.assertEqual(found, periods["quarter"])
        self.assertFalse(self.env["crm.kpi.period"].name_search("Q5 2026"))

    @freeze_time("2026-04-15 10:00:00")
    def test_no_base_no_change(self):
        """Bob had no leads in February, so the change has no percentage."""
        cell = self.cell(self.make_kpi("base"), self.months[1], self.bob)
        self.assertEqual(cell.value, 1.0)
        self.assertFalse(cell.change_text)
        self.assertFalse(cell.change_signs)
        self.assertIs(cell.previous_value, False)

    @freeze_time("2026-04-15 10:00:00")
    def test_running_month(self):
        """A running month is compared with the same working days, as on a board."""
        self.env["crm.kpi"].with_company(self.company)._refresh_periods(fields.Datetime.now())
        march, april = self.months[1:]
        part = self.env["crm.kpi.period"].search(
            [("kind", "=", "to_date"), ("company_id", "=", self.company.id),
             ("date_from", "=", "2026-03-01"), ("date_to", "=", "2026-03-14")]
        )  # fmt: skip
        self.assertEqual(len(part), 1)
        self.make_lead("2026-03-20 10:00:00", user_id=self.ann.id, expected_revenue=10)
        count = self.make_kpi("count")
        cell = self.cell(count, april)
        self.assertEqual((cell.value, cell.change_text), (3.0, ""), "not computed yet")
        # 1, 2, 3, 6 to 10, 13 and 14 April are over: Easter Monday is not in the calendar
        self.assertEqual(cell.elapsed_text, "10 of 22 working days")
        self.make_kpi("big", domain="[('expected_revenue', '>', 100)]")
        share = self.make_kpi(
            "share", kind="formula", formula="test_big / test_count", unit="percent", digits=1
        )
        source = self.source.copy({"code": "test_pipeline", "kind": "snapshot"})
        stock = self.make_kpi("stock", source_id=source.id)
        self.env["crm.kpi"]._refresh(periods=march | april | part, kpis=count | share | stock)
        cell.invalidate_recordset()
        # 12 of the 13 leads of March were made until the 13th
        self.assertEqual(cell.previous_value, 12)
        self.assertEqual(plain(cell.change_text), "↘ 75 % vs Mar 1 – 13, 2026 (12)")
        signs = cell.change_signs
        self.assertEqual(plain(signs["text"]), "75 % vs Mar 1 – 13, 2026 (12)")
        self.assertEqual((signs["trend"], signs["trend_text"]), ("worse", "Worse"))
        self.assertFalse(signs["up"])
        # 0 of 3 in April against 1 of 13 in the first days of March
        [company] = self.cells(share, april, "company")
        self.assertEqual(company.value, 0.0)
        self.assertEqual(plain(company.change_text), "↘ 7.7 points vs Mar 1 – 13, 2026 (7.7 %)")
        # a stock is compared with the end of March
        self.env["crm.kpi.value"].create(
            {
                "kpi_id": stock.id,
                "period_id": march.id,
                "company_id": self.company.id,
                "level": "company",
                "value": 20,
                "record_count": 20,
                "version": stock.version,
            }
        )
        [pipeline] = self.cells(stock, april, "company")
        self.assertIn("03/31/2026", plain(pipeline.change_text))

    @freeze_time("2026-04-15 10:00:00")
    def test_timing(self):
        # March was over at midnight in Brussels
        periods = self.months[0] | self.months[1] | self.months[2]
        periods |= self.period("month", "2026-05-01")
        self.assertEqual(periods.mapped("timing"), ["older", "previous", "running", "future"])
        for timing, period in zip(periods.mapped("timing"), periods, strict=True):
            found = periods.search([("id", "in", periods.ids), ("timing", "=", timing)])
            self.assertEqual(found, period)
        others = periods.search([("id", "in", periods.ids), ("timing", "!=", "future")])
        self.assertEqual(others, periods.filtered(lambda p: p.timing != "future"))

    @freeze_time("2026-04-15 10:00:00")
    def test_a_table_shows_single_cells_only(self):
        kpi = self.make_kpi("single")
        self.cell(kpi, self.months[1])
        values = self.env["crm.kpi.value"]
        domain = [("kpi_id", "=", kpi.id), ("level", "=", "user")]
        rows = values.formatted_read_grouping_sets(
            domain, [["user_id", "period_id"], ["user_id"], []], ["value:avg"]
        )
        by_cell = {(r["user_id"][0], r["period_id"][0]): r["value:avg"] for r in rows[0]}
        self.assertEqual(by_cell[self.ann.id, self.months[1].id], 12.0)
        totals = {r["user_id"][0]: r["value:avg"] for r in rows[1]}
        self.assertFalse(totals[self.ann.id])
        self.assertFalse(rows[2][0]["value:avg"])

    def test_value_of_the_form(self):
        """A field of the record or a built-in value can be chosen."""
        kpi = self.make_kpi("form", aggregator="count_distinct", value_field="partner_id")
        self.assertEqual(kpi.value_choice, "field")
        kpi.value_choice = "@customer"
        self.assertEqual(kpi.value_field, "@customer")
        kpi.write({"value_choice": "field", "value_field": "partner_id"})
        self.assertEqual((kpi.value_choice, kpi.value_field), ("field", "partner_id"))
