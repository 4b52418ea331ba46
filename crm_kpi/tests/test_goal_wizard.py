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
        self.assertIn("3 goals were not set", action["params"]["message"])
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
