# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import date

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .test_goal import NOON, GoalCommon


@tagged("post_install", "-at_install")
class TestGoalWizard(GoalCommon):
    def wizard(self, **values):
        return self.env["crm.kpi.goal.set"].create(
            {
                "kpi_id": self.count.id,
                "date_from": "2026-11-01",
                "date_end": "2027-01-31",
                "user_ids": [fields.Command.set((self.ann | self.bob).ids)],
                **values,
            }
        )

    def set(self, **values):
        action = self.wizard(**values).action_set()
        self.assertEqual(action["res_model"], "crm.kpi.goal")
        return self.goals.search(action["domain"], order="period_date, user_id, team_id")

    @freeze_time(NOON)
    def test_users_and_months(self):
        wizard = self.wizard(target=5)
        self.assertEqual((wizard.goal_count, wizard.existing_count), (6, 0))
        self.assertEqual(wizard.summary, "6 goals: 2 × 3 periods")
        goals = self.set(target=5)
        self.assertEqual(len(goals), 6)
        self.assertEqual(
            [goal.period_id.name for goal in goals],
            ["2026-11", "2026-11", "2026-12", "2026-12", "2027-01", "2027-01"],
        )
        self.assertEqual(goals.user_id, self.ann | self.bob)
        self.assertEqual(set(goals.mapped("target")), {5})
        self.assertEqual(set(goals.mapped("kind")), {"at_least"})
        self.assertEqual(goals[-1].status, "too_early")

    @freeze_time(NOON)
    def test_existing_goals(self):
        first = self.set(target=5, date_end="2026-11-30")
        wizard = self.wizard(target=7)
        self.assertEqual((wizard.goal_count, wizard.existing_count), (6, 2))
        self.assertIn("2 existing goals are updated", wizard.summary)
        kept = self.set(target=7, existing="skip")
        self.assertEqual(len(kept), 4)
        self.assertEqual(set(first.mapped("target")), {5})
        everything = self.set(target=8, existing="update")
        self.assertEqual(len(everything), 6)
        self.assertLessEqual(first, everything)
        self.assertEqual(set(everything.mapped("target")), {8})

    @freeze_time(NOON)
    def test_members_of_a_team(self):
        goals = self.set(
            target=5, date_end="2026-11-30", user_ids=False,
            member_team_ids=[fields.Command.set((self.north | self.south).ids)],
        )  # fmt: skip
        self.assertEqual(goals.user_id, self.ann | self.bob | self.cid)
        self.bob.active = False
        goals = self.set(
            target=5, date_end="2026-11-30", user_ids=False,
            member_team_ids=[fields.Command.set(self.north.ids)],
        )  # fmt: skip
        self.assertEqual(goals.user_id, self.ann)

    @freeze_time(NOON)
    def test_other_scopes_and_periods(self):
        goals = self.set(
            target=50, scope="team", period_kind="quarter", date_from="2026-11-15",
            date_end="2027-02-01", team_ids=[fields.Command.set((self.north | self.south).ids)],
        )  # fmt: skip
        self.assertEqual(goals.period_id.mapped("name"), ["2026-Q4", "2027-Q1"])
        self.assertEqual(len(goals), 4)
        self.assertFalse(goals.user_id)
        goals = self.set(target=50, scope="company", period_kind="year")
        self.assertEqual(goals.mapped("period_id.name"), ["2026", "2027"])
        custom = self.env["crm.kpi.period"].create(
            {"kind": "custom", "date_from": "2026-11-10", "date_to": "2026-11-24"}
        )
        goals = self.set(
            target=50, period_kind="custom", period_ids=[fields.Command.set(custom.ids)]
        )
        self.assertEqual(goals.period_id, custom)
        self.assertEqual(len(goals), 2)

    @freeze_time(NOON)
    def test_fiscal_quarters(self):
        """Quarters from February on; missing ones are created; previous ones give the base."""
        kinds = self.env["crm.kpi.goal.set"].fields_get(["period_kind"])["period_kind"]
        self.assertNotIn("fiscal_quarter", dict(kinds["selection"]))
        self.company.write({"fiscalyear_last_month": "1", "fiscalyear_last_day": 31})
        model = self.env["crm.kpi.period"]
        model._ensure_fiscal_years(date(2025, 11, 1), date(2026, 11, 20))
        model.create({"date_from": "2026-10-01", "date_to": "2026-10-31"})  # not of the same length
        self.make_leads(12, "2026-10-12 10:00:00")
        self.make_leads(4, "2025-12-12 10:00:00")
        self.refresh()
        goals = self.set(
            mode="last", change_by=0.25, period_kind="fiscal_quarter", date_end="2027-02-01",
            user_ids=[fields.Command.set(self.ann.ids)],
        )  # fmt: skip
        self.assertEqual(
            goals.period_id.mapped("name"), ["2026-11-01 – 2027-01-31", "2027-02-01 – 2027-04-30"]
        )
        self.assertEqual(goals.mapped("target"), [15, 15])
        values = {"kind": "improve", "improve_by": 0.5, "period_kind": "fiscal_quarter",
                  "date_end": "2026-11-30"}  # fmt: skip
        again = self.set(**values, user_ids=[fields.Command.set(self.ann.ids)])
        self.assertEqual((again, again.baseline, again.target), (goals[0], 12, 18))
        again = self.set(
            **values, baseline_kind="last_year", user_ids=[fields.Command.set(self.ann.ids)]
        )
        self.assertEqual((again, again.baseline, again.target), (goals[0], 4, 6))
        years = self.set(target=5, scope="company", period_kind="fiscal", date_end="2026-11-30")
        self.assertEqual(years.period_id.name, "2026-02-01 – 2027-01-31")

    @freeze_time(NOON)
    def test_spread_adds_up(self):
        goals = self.set(mode="spread", total=100)
        self.assertEqual(sum(goals.mapped("target")), 100)
        self.assertEqual(sorted(goals.mapped("target")), [16, 16, 17, 17, 17, 17])
        money = self.make_kpi(
            "money", aggregator="sum", value_field="expected_revenue", unit="money"
        )
        goals = self.set(kpi_id=money.id, mode="spread", total=1000)
        self.assertEqual(
            sorted(goals.mapped("target")), [166.66, 166.66, 166.67, 166.67, 166.67, 166.67]
        )
        self.assertEqual(round(sum(goals.mapped("target")), 6), 1000)
        with self.assertRaisesRegex(UserError, "do not add up"):
            self.set(kpi_id=self.rate.id, mode="spread", total=100)

    @freeze_time(NOON)
    def test_from_the_last_value(self):
        self.period("month", "2026-10-01")
        self.period("month", "2026-11-01")
        self.make_leads(13, "2026-10-12 10:00:00")
        self.make_leads(50, "2026-11-12 10:00:00")  # not over yet: no last value
        self.refresh()
        wizard = self.wizard(mode="last", change_by=0.1)
        action = wizard.action_set()
        self.assertIn("no earlier value: 3.", action["params"]["message"])
        goals = self.goals.search(action["params"]["next"]["domain"])
        self.assertEqual(goals.user_id, self.ann)
        # 14.3 leads are rounded up to 15
        self.assertEqual(goals.mapped("target"), [15, 15, 15])
        self.count.direction = "decrease"
        goals = self.set(
            mode="last", change_by=0.1, kind="at_most",
            user_ids=[fields.Command.set(self.ann.ids)],
        )  # fmt: skip
        self.assertEqual(goals.mapped("target"), [11, 11, 11])

    def target_of(self, goals, user):
        return goals.filtered(lambda goal: goal.user_id == user).mapped("target")

    @freeze_time(NOON)
    def test_base_can_be_chosen(self):
        """Ann: 10, 20, 30 leads in August to October, 27 in November so far, 7 a year ago."""
        for month, number in (("2026-08", 10), ("2026-09", 20), ("2026-10", 30), ("2026-11", 27),
                              ("2025-12", 7)):  # fmt: skip
            self.period("month", f"{month}-01")
            self.make_leads(number, f"{month}-10 10:00:00")
        self.refresh()
        december = {"date_from": "2026-12-01", "date_end": "2026-12-31", "mode": "last",
                    "change_by": 0.1, "user_ids": [fields.Command.set(self.ann.ids)]}  # fmt: skip
        # 13.5 of the 21 working days of November are over: 27 / 13.5 * 21 = 42
        for base, value, target, text in (
            ("last", 30, 33, "October 2026: 30, 10\u00a0% better"),
            ("running", 42, 47, "November 2026, forecast: 42, 10\u00a0% better"),
            ("last_year", 7, 8, "December 2025: 7, 10\u00a0% better"),
            ("mean", 20, 22, "Mean of 3 periods until October 2026: 20, 10\u00a0% better"),
        ):
            wizard = self.wizard(**december, base=base)
            self.assertIn(f"{text.split(',')[0].split(':')[0]}", wizard.preview, base)
            self.assertIn(f">{target}<", wizard.preview, base)
            action = wizard.action_set()
            goal = self.goals.search(action["domain"])
            self.assertEqual((goal.source, goal.target, goal.source_text), (base, target, text))
            self.assertAlmostEqual(goal.source_value, value)
        # rounded to multiples of 5, not below 10 % more
        [goal] = self.set(**december, round_to=5)
        self.assertEqual(goal.target, 35)
        # a target that is entered by hand does not come from anywhere
        goal.target = 36
        self.assertFalse(goal.source_text)
        # six closed months are not known
        action = self.wizard(**december, base="mean", base_count=6).action_set()
        self.assertIn("no earlier value", action["params"]["message"])

    @freeze_time(NOON)
    def test_mean_of_a_rate_is_pooled(self):
        """9 leads of 20 and 3 of 60: not the mean of the monthly means."""
        for month, number, score in (("2026-09", 9, 20), ("2026-10", 3, 60)):
            self.period("month", f"{month}-01")
            self.make_leads(number, f"{month}-10 10:00:00", probability=score)
        self.refresh()
        manager = self.make_user("Mia", "sales_team.group_sale_manager")
        wizard = self.wizard(
            kpi_id=self.rate.id, mode="last", base="mean", base_count=2, change_by=0.5,
            date_end="2026-11-30", user_ids=[fields.Command.set(self.ann.ids)],
        )  # fmt: skip
        goal = self.goals.search(wizard.with_user(manager).action_set()["domain"])
        # (9 * 20 + 3 * 60) / 12
        self.assertAlmostEqual(goal.source_value, 30)
        self.assertEqual(goal.target, 45)

    @freeze_time(NOON)
    def test_rounding_by_unit(self):
        money = self.make_kpi("money", aggregator="sum", value_field="expected_revenue",
                              unit="money")  # fmt: skip
        share, days = (
            self.make_kpi(unit, kind="formula", formula="test_count / 2", unit=unit, digits=digits)
            for unit, digits in (("percent", 0), ("days", 1))
        )
        for kpi, step in ((self.count, 1), (money, 1), (share, 0.01), (days, 0.1)):
            self.assertAlmostEqual(self.wizard(kpi_id=kpi.id).round_to, step, msg=kpi.name)

    @freeze_time(NOON)
    def test_preview_shows_all_targets(self):
        """Also of months that do not exist yet, and without making them."""
        before = self.env["crm.kpi.period"].search_count([])
        wizard = self.wizard(mode="spread", total=100, date_end="2028-01-31")
        for text in ("Ann", "Bob", "November 2026", "January 2028"):
            self.assertIn(text, wizard.preview)
        self.assertEqual(wizard.preview.count("<td class"), 30)
        self.assertEqual(self.env["crm.kpi.period"].search_count([]), before)
        goals = self.goals.search(wizard.action_set()["domain"])
        self.assertEqual(set(goals.mapped("source_text")), {"100 spread over 30 goals"})
        self.assertFalse(self.wizard(user_ids=False).preview)

    @freeze_time(NOON)
    def test_all_segments_of_a_set(self):
        segment_set = self.env["crm.kpi.segment.set"].create({"name": "Size", "kind": "domain"})
        segments = self.env["crm.kpi.segment"].create(
            [{"name": name, "set_id": segment_set.id, "domain": f"[('name', '=', '{name}')]"}
             for name in ("Small", "Large")]
        )  # fmt: skip
        goals = self.set(
            target=5, scope="segment", segment_set_ids=[fields.Command.set(segment_set.ids)],
            date_end="2026-11-30",
        )  # fmt: skip
        self.assertEqual(goals.segment_id, segment_set.segment_ids)
        self.assertLess(segments, goals.segment_id)
        wizard = self.wizard(scope="segment", target=5, segment_ids=[
            fields.Command.set(segments[0].ids)], date_end="2026-11-30")  # fmt: skip
        self.assertEqual(wizard.summary, "1 goal: 1 × 1 period; 1 existing goal is updated")

    @freeze_time(NOON)
    def test_improve(self):
        self.period("month", "2026-10-01")
        self.make_leads(4, "2026-10-12 10:00:00")
        self.refresh()
        goals = self.set(
            kind="improve", improve_by=0.5, user_ids=[fields.Command.set(self.ann.ids)]
        )
        self.assertEqual(goals.mapped("baseline"), [4, False, False])
        self.assertEqual(goals.mapped("target"), [6, False, False])

    @freeze_time(NOON)
    def test_what_is_missing_is_named(self):
        for values, message in (
            ({}, "Target value: enter"),
            ({"target": 5, "user_ids": False}, "For: choose"),
            ({"target": 5, "date_end": "2026-10-01"}, "From, To: choose"),
            ({"target": 5, "period_kind": "custom"}, "single periods"),
            ({"mode": "spread"}, "Amount to spread: enter"),
        ):
            with self.assertRaisesRegex(UserError, message):
                self.set(**values)

    @freeze_time(NOON)
    def test_form(self):
        self.count.direction = "decrease"
        manager = self.make_user("Mia", "sales_team.group_sale_manager")
        form = Form(self.env["crm.kpi.goal.set"].with_user(manager))
        form.kpi_id = self.count
        self.assertEqual(form.kind, "at_most")
        self.assertEqual(str(form.date_from), "2026-11-01")
        self.assertEqual(str(form.date_end), "2026-12-31")
        form.member_team_ids.add(self.north)
        form.target = 7
        self.assertEqual(form.summary, "4 goals: 2 × 2 periods")
        wizard = form.save()
        action = wizard.action_set()
        goals = self.goals.search(action["domain"])
        self.assertEqual(len(goals), 4)
        self.assertEqual(goals.create_uid, manager)
        with self.assertRaises(AccessError):
            self.env["crm.kpi.goal.set"].with_user(self.ann).create(
                {"kpi_id": self.count.id, "target": 1}
            )

    def test_many_in_few_statements(self):
        users = self.env["res.users"].with_context(no_reset_password=True).create(
            [
                {"name": f"Rep {i}", "login": f"kpi_many_{i}", "company_id": self.company.id,
                 "company_ids": [fields.Command.set(self.company.ids)]}
                for i in range(80)
            ]
        )  # fmt: skip
        self.env.flush_all()
        counts = []
        with freeze_time("2027-01-04 10:00:00"):
            for year, owners in ((2027, users[:5]), (2028, users)):
                wizard = self.wizard(
                    user_ids=[fields.Command.set(owners.ids)], target=5,
                    date_from=f"{year}-01-01", date_end=f"{year}-12-31",
                )  # fmt: skip
                self.env.flush_all()
                self.env.invalidate_all()
                start = self.cr.sql_log_count
                action = wizard.action_set()
                self.env.flush_all()
                counts.append(self.cr.sql_log_count - start)
                self.assertEqual(self.goals.search_count(action["domain"]), 12 * len(owners))
            # the same for a change of all goals
            wizard = self.wizard(
                user_ids=[fields.Command.set(users.ids)], target=6,
                date_from="2028-01-01", date_end="2028-12-31",
            )  # fmt: skip
            start = self.cr.sql_log_count
            goals = self.goals.search(wizard.action_set()["domain"])
            self.env.flush_all()
            counts.append(self.cr.sql_log_count - start)
            self.assertEqual(set(goals.mapped("target")), {6})
        # 60 and 960 goals
        self.assertLess(counts[1], counts[0] + 40, counts)
        self.assertLess(counts[2], counts[0] + 60, counts)
