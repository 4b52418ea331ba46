# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Periods as users see and lock them."""

import random
from datetime import date, datetime, time, timedelta

from lxml import etree
from psycopg2.errors import CheckViolation

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, freeze_time, tagged
from odoo.tools import mute_logger

from ..periods.states import locks_on, state_at
from .common import KpiCommon

NOW = "2026-04-15 06:00:00"


@tagged("post_install", "-at_install")
class TestPeriod(KpiCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        clock = freeze_time(NOW)
        clock.start()
        cls.addClassCleanup(clock.stop)
        cls.mia = cls.make_user("Mia", "sales_team.group_sale_manager")
        cls.model = cls.env["crm.kpi.period"].with_user(cls.mia).with_company(cls.company)
        cls.months = cls.env["crm.kpi.period"]._ensure("2026-01-01", "2026-05-01", ("month",))
        cls.january, cls.february, cls.march, cls.april = cls.months.sorted("date_from").with_user(
            cls.mia
        )

    # --- DAYS ---

    def test_last_day(self):
        """Users see and enter the last day, never the day after it."""
        with Form(self.model) as form:
            form.date_from = "2026-03-10"
            form.date_last = "2026-04-09"
        period = form.record
        self.assertEqual(period.date_to, date(2026, 4, 10))
        self.assertEqual(self.march.date_last, date(2026, 3, 31))
        with Form(period) as form:
            form.date_last = "2026-03-10"
        self.assertEqual(
            (period.date_to, period.name), (date(2026, 3, 11), "2026-03-10 – 2026-03-10")
        )
        [by_rpc, imported] = self.model.create(
            [
                {"date_from": "2026-03-01", "date_last": "2026-03-02"},
                {"date_from": "2026-03-01", "date_to": "2026-03-04"},
            ]
        )
        self.assertEqual(by_rpc.date_to, date(2026, 3, 3))
        self.assertEqual(imported.date_last, date(2026, 3, 3))
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(CheckViolation),
            self.env.cr.savepoint(),
        ):
            self.model.create({"date_from": "2026-03-05", "date_last": "2026-03-04"})
        with self.assertRaisesRegex(ValidationError, "days from 03/01/2026 to 03/31/2026"):
            self.model.create(
                {"kind": "month", "date_from": "2026-03-01", "date_last": "2026-04-01"}
            )

    def test_no_technical_days_on_screen(self):
        """No view shows the day after the last, or an instant in UTC."""
        views = self.env["ir.ui.view"].search(
            [("model", "in", ("crm.kpi.period", "crm.kpi.segment.member"))]
        )
        self.assertTrue(views)
        for view in views:
            names = set(etree.fromstring(view.arch).xpath("//field/@name"))
            self.assertFalse(names & {"date_to", "utc_from", "utc_to"}, view.name)

    def test_last_day_of_membership(self):
        members = self.env["crm.kpi.segment.member"]
        over, present = members.new({"date_to": "2026-03-01"}), members.new({})
        self.assertEqual((over.date_last, present.date_last), (date(2026, 2, 28), False))

    # --- LOCKS ---

    def test_locks_on(self):
        """The day that is shown is the first day on which the state is locked."""
        rnd = random.Random(18)
        kinds = ("day", "week", "month", "quarter", "year", "custom")
        for count in range(60):
            kind = rnd.choice(kinds)
            self.company.sudo().kpi_provisional_periods = rnd.choice((0, 1, 2, 5))
            self.company.sudo().kpi_week_start = str(rnd.randint(1, 7))
            day = date(2024, 1, 1) + timedelta(days=rnd.randrange(700))
            values = {"company_id": self.company.id, "kind": kind}
            if kind == "custom":
                values |= {"date_from": day, "date_to": day + timedelta(days=rnd.randint(1, 90))}
            else:
                # also of weeks that begin on another day than weeks do now
                first = rnd.choice((day, day - timedelta(days=day.weekday())))
                first = first.replace(day=1) if kind in ("month", "quarter", "year") else first
                values |= {"date_from": first, "date_to": first + timedelta(days=1)}
                if kind == "week":
                    values["date_to"] = first + timedelta(days=7)
                elif kind != "day":
                    months = {"month": 1, "quarter": 3, "year": 12}[kind]
                    first = first.replace(month=(first.month - 1) // months * months + 1)
                    after = first.month + months
                    values |= {
                        "date_from": first,
                        "date_to": date(first.year + (after > 12), (after - 1) % 12 + 1, 1),
                    }
            period = self.env["crm.kpi.period"].new(values)
            day = period.date_to - timedelta(days=1)
            while state_at(period, datetime.combine(day, time(12))) != "locked":
                day += timedelta(days=1)
            self.assertEqual(locks_on(period), day, (count, values))

    def test_who_locked(self):
        """A period says who locked it and when, or when it is locked automatically."""
        self.assertEqual(self.january.state, "locked")
        self.assertRegex(self.january.lock_text, r"^Locked automatically on 4/15/26, 6:00")
        self.assertEqual(self.march.lock_text, "Locks automatically on 06/01/2026")
        self.march.action_lock()
        self.assertRegex(self.march.lock_text, r"^Locked by Mia on 4/15/26, 6:00")
        self.assertEqual(self.march.lock_user_id, self.mia)
        self.march.action_unlock()
        self.assertRegex(
            self.march.lock_text,
            r"^Unlocked by Mia on 4/15/26, .*It is not locked automatically\.$",
        )
        with freeze_time("2026-08-01 06:00:00"):
            self.months._update_states()
        self.assertEqual((self.march.state, self.february.state), ("provisional", "locked"))
        self.assertRegex(self.february.lock_text, r"^Locked automatically on 8/1/26, 6:00")
        self.assertFalse(self.february.lock_user_id)

    def test_lock_many(self):
        """Several periods at once: those that are over are locked, and the answer names the rest."""
        answer = self.months.with_user(self.mia).action_lock()
        self.assertEqual(self.months.sorted("date_from").mapped("state"), ["locked"] * 3 + ["open"])
        message = answer["params"]["message"]
        self.assertIn("Periods locked: 2.", message)  # January was locked before
        self.assertIn("Not over yet, so not locked: April 2026.", message)
        self.assertFalse(self.january.lock_user_id)
        answer = (self.january | self.march).action_unlock()
        self.assertIn("Periods unlocked: 2.", answer["params"]["message"])
        self.assertEqual(
            (self.january | self.march).mapped("state"), ["provisional", "provisional"]
        )
        with self.assertRaisesRegex(UserError, "April 2026 is not over yet"):
            self.april.action_lock()

    def test_words(self):
        """The states and times of periods in plain words."""
        shown = self.env["crm.kpi.period"].fields_get(["state", "timing"], ["selection"])
        self.assertEqual(
            dict(shown["state"]["selection"]),
            {
                "future": "Upcoming",
                "open": "Current",
                "provisional": "Provisional",
                "locked": "Locked",
            },
        )
        self.assertEqual(dict(shown["timing"]["selection"])["future"], "Upcoming")
        self.assertEqual(fields.Date.to_string(self.april.date_last), "2026-04-30")
