# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import date, timedelta

from odoo.exceptions import ValidationError
from odoo.tests import freeze_time, tagged

from .common_board import BoardCase


@tagged("post_install", "-at_install")
class TestWeekStart(BoardCase):
    """Weeks begin on the day that the company sets. The board is of Wednesday 15 April 2026."""

    def weeks(self):
        """First days of the weeks of the company, latest first."""
        weeks = self.env["crm.kpi.period"].search(
            [("company_id", "=", self.company.id), ("kind", "=", "week")]
        )
        return weeks.mapped("date_from")

    def test_first_day_by_language_and_setting(self):
        """Monday in French, Sunday in American English, Saturday in Arabic."""
        company = self.company.sudo()
        for code in ("fr_FR", "ar_001"):
            self.env["res.lang"]._activate_lang(code)
        company.kpi_week_start = False
        for code, expected in (("fr_FR", 1), ("en_US", 7), ("ar_001", 6), (False, 7)):
            company.partner_id.lang = code
            self.assertEqual(company._kpi_week_start(), expected, code)
        company.kpi_week_start = "3"
        self.assertEqual(company._kpi_week_start(), 3)

    def test_values_of_weeks(self):
        """Each first day has its own seven days, counted in plain SQL."""
        for day in range(10, 24):
            for _i in range(day % 4):
                self.make_lead(f"2026-04-{day} 10:00:00")
        for start, first in (("7", 12), ("6", 11), ("1", 13), ("3", 15), ("4", 9)):
            self.company.sudo().kpi_week_start = start
            self.refresh()
            shown = self.show(period_kind="week")
            period, monday = shown["period"], date(2026, 4, first)
            self.assertEqual(period["date_from"], str(monday))
            self.assertEqual(period["date_to"], str(monday + timedelta(days=6)))
            self.assertEqual(
                shown["cards"][0]["value"],
                self.count(first=str(monday), after=str(monday + timedelta(days=7)))[0],
            )
            name = dict(self.company._fields["kpi_week_start"].selection)[start]
            self.assertEqual(dict(shown["options"]["kinds"])["week"], f"Week (from {name})")
            label = "Week 16, 2026" if start == "1" else f"Week from Apr {first}, 2026"
            self.assertEqual(period["label"], label)
            last = self.show(period_kind="week", date="last")["period"]["date_from"]
            self.assertEqual(last, str(monday - timedelta(days=7)))

    def test_changed_first_day(self):
        """Former weeks keep their values and goals; recent weeks exist with the new first day."""
        with freeze_time("2026-03-01 12:00:00"):
            self.refresh()
        self.refresh()
        monday = self.period("week", "2026-04-15")
        common = {"kpi_id": self.leads.id, "period_id": monday.id, "scope": "company"}
        goal = self.env["crm.kpi.goal"].create({**common, "target": 5})
        before = set(self.weeks())
        self.assertIn(date(2026, 2, 16), before)
        self.company.sudo().kpi_week_start = "7"
        self.make_lead("2026-04-14 10:00:00")
        self.refresh()
        after = set(self.weeks())
        self.assertLessEqual(before, after)
        sundays = {date(2026, 4, 12) - timedelta(days=7 * n) for n in range(8)}
        self.assertLessEqual(sundays, after)
        self.assertEqual(goal.value, self.count(first="2026-04-13", after="2026-04-20")[0])
        # the goal can be edited, and its baseline is of former weeks
        goal.write({"kind": "improve", "improve_by": 0.5, "baseline_kind": "last_year"})
        self.refresh()
        self.refresh()
        last_year = self.count(first="2025-04-14", after="2025-04-21")[0]
        self.assertEqual(goal.baseline, last_year)

        shown = self.show(period_kind="week")
        self.assertEqual(shown["period"]["date_from"], "2026-04-12", "not the former week")
        points = shown["cards"][0]["sparkline"]
        self.assertEqual([point["label"] for point in points][-2:],
                         ["Week from Apr 5, 2026", "Week from Apr 12, 2026"])  # fmt: skip
        self.assertTrue(all("from" in point["label"] for point in points))
        former = self.show(period_kind="week", date="2026-04-13")
        self.assertEqual(former["period"]["id"], monday.id)
        self.assertEqual(former["cards"][0]["goal"]["id"], goal.id)
        labels = [point["label"] for point in former["cards"][0]["sparkline"]]
        self.assertEqual(labels[-2:], ["Week 15, 2026", "Week 16, 2026"])
        self.assertEqual(self.env["crm.kpi.period"]._current("week", self.company).date_from,
                         date(2026, 4, 12))  # fmt: skip

    def test_a_week_has_seven_days(self):
        model, values = self.env["crm.kpi.period"], {"kind": "week", "company_id": self.company.id}
        with self.assertRaisesRegex(ValidationError, "from 06/08/2026 to 06/14/2026"):
            model.create({**values, "date_from": "2026-06-08", "date_to": "2026-06-14"})

    def test_entry_of_a_week(self):
        self.company.sudo().kpi_week_start = "7"
        kpi = self.make_kpi("visits", kind="manual", source_id=False)
        model = self.env["crm.kpi.entry"]
        entry = model.create(
            {"kpi_id": kpi.id, "period_kind": "week", "date": "2026-04-12", "value": 3}
        )
        self.assertEqual((entry.date_from, entry.date_to), (date(2026, 4, 12), date(2026, 4, 19)))
        imported = model.create(
            {"kpi_id": kpi.id, "date_from": "2026-04-05", "date_to": "2026-04-12", "value": 4}
        )
        self.assertEqual(imported.period_kind, "week")
        self.refresh()
        for first, value in (("2026-04-12", 3), ("2026-04-05", 4)):
            self.assertEqual(self.value(kpi, self.period("week", first)), value)
