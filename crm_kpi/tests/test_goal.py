# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import date, timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, new_test_user, tagged

from .common import KpiCommon

#: Thursday; 13 of the 21 working days of November 2026 lie before it.
NOON = "2026-11-19 11:00:00"


class GoalCommon(KpiCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.goals = cls.env["crm.kpi.goal"]
        cls.count = cls.make_kpi("count")
        cls.rate = cls.make_kpi(
            "score",
            aggregator="avg",
            value_field="probability",
            unit="score",
            domain="[('probability', '>', 0)]",
            min_sample=2,
        )
        cls.company.resource_calendar_id.tz = "Europe/Brussels"

    @classmethod
    def make_goal(cls, **values):
        values = {"kpi_id": cls.count.id, "scope": "user", "user_id": cls.ann.id, **values}
        return cls.goals.create(values)

    @classmethod
    def make_leads(cls, count, created, **values):
        leads = cls.env["crm.lead"].create(
            [
                {
                    "name": "Lead",
                    "type": "opportunity",
                    "company_id": cls.company.id,
                    "user_id": cls.ann.id,
                    "team_id": cls.north.id,
                    **values,
                }
                for _i in range(count)
            ]
        )
        cls.backdate(leads, create_date=created)
        return leads

    @classmethod
    def refresh(cls):
        kpis = cls.env["crm.kpi"].search([("code", "=like", "test_%")])
        periods = cls.env["crm.kpi.period"].search([("company_id", "=", cls.company.id)])
        periods._update_states()
        cls.env["crm.kpi"]._refresh(periods, kpis)


@tagged("post_install", "-at_install")
class TestGoal(GoalCommon):
    # --- the numbers ---

    @freeze_time(NOON)
    def test_count_of_a_running_month(self):
        month = self.period("month", "2026-11-01")
        self.make_leads(30, "2026-11-10 10:00:00")
        self.refresh()
        goal = self.make_goal(period_id=month.id, target=40)
        self.assertEqual((goal.value, goal.record_count), (30, 30))
        self.assertEqual(goal.attainment, 0.75)
        # 13 days over, and 4 of the 8 hours of Thursday (8-12, 13-17; it is 12 in Brussels)
        self.assertAlmostEqual(goal.expected, 13.5 / 21)
        self.assertAlmostEqual(goal.projected, 30 * 21 / 13.5)
        self.assertEqual(goal.status, "on_track")
        self.assertEqual(goal.pace_text, "13 of 21 working days")
        self.assertEqual(goal.value_text, "30")
        self.assertEqual(goal.target_text, "≥ 40")
        self.assertEqual(goal.attainment_text, "75\u00a0%")
        self.assertEqual(goal.status_text, "● On track")

        goal.target = 30.05
        self.assertEqual((goal.target_text, goal.attainment_text), ("≥ 30.05", "99\u00a0%"))
        goal.target = 50  # projected 46.7
        self.assertEqual(goal.status, "at_risk")
        goal.target = 60
        self.assertEqual(goal.status, "off_track")
        goal.target = 20
        self.assertEqual((goal.status, goal.attainment), ("achieved", 1.5))

    @freeze_time(NOON)
    def test_distance_to_a_limit(self):
        """Goals with an upper limit tell the room that is left: 744 % of it would say nothing."""
        month = self.period("month", "2026-11-01")
        self.make_leads(30, "2026-11-10 10:00:00", probability=20)
        self.refresh()
        for values, text in (
            ({"kind": "at_most", "target": 40}, "10 under the limit"),
            ({"kind": "at_most", "target": 30}, "at the limit"),
            ({"kind": "at_most", "target": 25}, "5 over the limit"),
            ({"kind": "range", "target": 35, "target_max": 40}, "5 below the range"),
            ({"kind": "range", "target": 20, "target_max": 40}, "in the range"),
            ({"kind": "range", "target": 20, "target_max": 28}, "2 above the range"),
        ):
            goal = self.make_goal(period_id=month.id, **values)
            self.assertEqual(goal.attainment_text, text, values)
            goal.unlink()
        rate = self.make_kpi(
            "rate", kind="formula", formula="test_score / 100", unit="percent", digits=1
        )
        self.refresh()
        goal = self.make_goal(kpi_id=rate.id, period_id=month.id, kind="at_most", target=0.235)
        self.assertEqual((goal.value, goal.attainment_text), (0.2, "3.5 points under the limit"))
        december = self.period("month", "2026-12-01")
        with freeze_time("2026-12-10 10:00:00"):
            self.refresh()
            for values, text in (
                ({"kind": "at_most", "target": 40}, "40 under the limit"),
                ({"kind": "range", "target": 3, "target_max": 40}, "3 below the range"),
            ):
                goal = self.make_goal(period_id=december.id, kpi_id=self.count.id, **values)
                self.assertEqual((goal.value, goal.attainment_text), (0, text))
                goal.unlink()

    def test_status_over_the_life_of_a_goal(self):
        with freeze_time("2026-10-20 10:00:00"):
            month = self.period("month", "2026-11-01")
            goal = self.make_goal(period_id=month.id, target=10)
            self.assertEqual((goal.status, goal.value), ("too_early", False))
        with freeze_time("2026-11-02 10:00:00"):
            self.refresh()
            self.assertEqual((goal.status, goal.value), ("too_early", 0))
        with freeze_time(NOON):
            self.refresh()
            self.assertEqual((goal.status, goal.value, goal.attainment), ("off_track", 0, 0))
            leads = self.make_leads(6, "2026-11-12 10:00:00")
            self.refresh()
            self.assertEqual((goal.status, goal.value), ("at_risk", 6))
            self.make_leads(4, "2026-11-12 10:00:00")
            self.refresh()
            self.assertEqual((goal.status, goal.value), ("achieved", 10))
            since = goal.status_since
        with freeze_time("2026-11-19 12:00:00"):
            self.refresh()
            self.assertEqual(goal.status_since, since)
            leads[:5].unlink()
            self.refresh()
            self.assertEqual((goal.status, goal.value), ("off_track", 5))
            self.assertEqual(goal.status_since, fields.Datetime.now())
        # past the end with an unchanged value: missed, not in progress forever
        with freeze_time("2026-11-30 23:00:00"):
            self.refresh()
            self.assertEqual((month.state, goal.status, goal.value), ("provisional", "missed", 5))
        # provisional months still follow their records
        with freeze_time("2026-12-10 10:00:00"):
            self.make_leads(5, "2026-11-30 10:00:00")
            self.refresh()
            self.assertEqual((goal.status, goal.attainment), ("achieved", 1))
        # locked ones do not
        with freeze_time("2027-03-10 10:00:00"):
            leads.exists().unlink()
            self.refresh()
            self.assertEqual((month.state, goal.status, goal.value), ("locked", "achieved", 10))

    def test_locked_between_two_refreshes(self):
        with freeze_time(NOON):
            month = self.period("month", "2026-11-01")
            self.make_leads(6, "2026-11-12 10:00:00")
            self.refresh()
            goal = self.make_goal(period_id=month.id, target=9)
            self.assertEqual(goal.status, "on_track")
        with freeze_time("2027-06-01 10:00:00"):
            self.refresh()
            self.assertEqual((month.state, goal.status), ("locked", "missed"))

    @freeze_time(NOON)
    def test_falls_to_zero_when_the_records_vanish(self):
        month = self.period("month", "2026-11-01")
        leads = self.make_leads(12, "2026-11-12 10:00:00")
        self.refresh()
        goal = self.make_goal(period_id=month.id, target=10)
        self.assertEqual((goal.value, goal.status), (12, "achieved"))
        leads.unlink()
        self.refresh()
        self.assertEqual((goal.value, goal.record_count, goal.attainment), (0, 0, 0))
        self.assertEqual(goal.status, "off_track")

    @freeze_time(NOON)
    def test_no_value_when_the_records_of_a_mean_vanish(self):
        month = self.period("month", "2026-11-01")
        leads = self.make_leads(3, "2026-11-12 10:00:00", probability=60)
        self.refresh()
        goal = self.make_goal(kpi_id=self.rate.id, period_id=month.id, target=50)
        self.assertEqual((goal.value, goal.record_count, goal.status), (60, 3, "on_track"))
        self.assertEqual((goal.expected, goal.projected), (False, 60))
        leads[:2].unlink()
        self.refresh()
        self.assertEqual((goal.value, goal.record_count, goal.status), (60, 1, "too_few"))
        leads.exists().unlink()
        self.refresh()
        self.assertEqual((goal.value, goal.attainment, goal.status), (False, False, "no_data"))
        self.assertEqual((goal.value_text, goal.attainment_text), ("–", "–"))

    @freeze_time(NOON)
    def test_less_is_better(self):
        month = self.period("month", "2026-11-01")
        self.make_leads(4, "2026-11-12 10:00:00", probability=40)
        self.count.direction = "decrease"
        self.refresh()
        goal = self.make_goal(period_id=month.id, target=8)
        self.assertEqual(goal.kind, "at_most")
        self.assertEqual((goal.attainment, goal.status), (2, "on_track"))
        self.assertEqual(goal.target_text, "≤ 8")
        goal.target = 3
        self.assertEqual((goal.attainment, goal.status), (0.75, "off_track"))
        other = self.make_goal(period_id=month.id, target=5, user_id=self.bob.id)
        self.assertEqual((other.value, other.attainment, other.status), (0, 1, "on_track"))
        other.target = 0
        self.assertEqual((other.attainment, other.status), (False, "on_track"))

    @freeze_time(NOON)
    def test_range(self):
        month = self.period("month", "2026-11-01")
        self.rate.direction = "maintain"
        self.make_leads(4, "2026-11-12 10:00:00", probability=45)
        self.refresh()
        goal = self.make_goal(kpi_id=self.rate.id, period_id=month.id, target=50, target_max=60)
        self.assertEqual((goal.kind, goal.target_text), ("range", "50 – 60"))
        self.assertAlmostEqual(goal.attainment, 0.9)
        self.assertEqual(goal.status, "at_risk")
        goal.target = 40
        self.assertEqual((goal.attainment, goal.status), (1, "on_track"))

    def test_unmatured_and_waiting(self):
        late = self.make_kpi("late", maturity_days=30, aggregator="avg", value_field="probability",
                             unit="score", domain="[('probability', '>', 0)]")  # fmt: skip
        whole = self.make_kpi("whole", complete_only=True)
        with freeze_time("2026-12-01 10:00:00"):
            month = self.period("month", "2026-11-01")
            self.make_leads(4, "2026-11-12 10:00:00", probability=40)
            self.refresh()
            goal = self.make_goal(kpi_id=late.id, period_id=month.id, target=30)
            self.assertEqual((goal.value, goal.status), (False, "too_early"))
            self.assertEqual(goal.pace_text, "21 of 21 working days, final on 12/31/2026")
            waiting = self.make_goal(kpi_id=whole.id, period_id=month.id, target=4)
            self.assertEqual(waiting.status, "achieved")
        with freeze_time("2026-12-31 10:00:00"):
            self.refresh()
            self.assertEqual((goal.value, goal.status), (40, "achieved"))
            running = self.period("month", "2026-12-01")
            waiting = self.make_goal(kpi_id=whole.id, period_id=running.id, target=4)
            self.assertEqual((waiting.value, waiting.status), (False, "too_early"))
            self.assertIn("known at the end", waiting.pace_text)

    @freeze_time(NOON)
    def test_scopes_and_links(self):
        month = self.period("month", "2026-11-01")
        self.make_leads(3, "2026-11-12 10:00:00")
        self.make_leads(2, "2026-11-12 10:00:00", user_id=self.cid.id, team_id=self.south.id)
        self.refresh()
        company = self.make_goal(period_id=month.id, target=5, scope="company", user_id=False)
        team = self.make_goal(
            period_id=month.id, target=5, scope="team", user_id=False, team_id=self.south.id
        )
        user = self.make_goal(period_id=month.id, target=5)
        self.assertEqual([company.value, team.value, user.value], [5, 2, 3])
        self.assertEqual(
            [goal.scope_name for goal in company + team + user], ["KPI company", "South", "Ann"]
        )
        for goal, level in ((company, "company"), (team, "team"), (user, "user")):
            linked = self.env["crm.kpi.value"].search([("goal_id", "=", goal.id)])
            self.assertEqual((linked.level, linked.value), (level, goal.value))
        # the link is deleted with the goal
        user.action_archive()
        self.assertFalse(self.env["crm.kpi.value"].search([("goal_id", "=", user.id)]))
        again = self.make_goal(period_id=month.id, target=6)
        cell = self.cells(self.count, month, "user").filtered(lambda c: c.user_id == self.ann)
        self.assertEqual(cell.goal_id, again)
        again.user_id = self.bob
        self.assertFalse(cell.goal_id)
        company.unlink()
        self.env.invalidate_all()
        self.assertFalse(self.cells(self.count, month, "company").goal_id)

    @freeze_time(NOON)
    def test_crossed_scope(self):
        """Leads of Ann with customers of the segment, without her other leads and those of Bob."""
        segment_set = self.env["crm.kpi.segment.set"].create({"name": "One", "kind": "domain"})
        partner = self.env["res.partner"].create({"name": "Mill", "is_company": True})
        mills = self.env["crm.kpi.segment"].create(
            {"name": "Mills", "set_id": segment_set.id, "domain": f"[('id', '=', {partner.id})]"}
        )
        month = self.period("month", "2026-11-01")
        self.make_leads(3, "2026-11-10 10:00:00", partner_id=partner.id)
        self.make_leads(2, "2026-11-10 10:00:00")
        self.make_leads(4, "2026-11-10 10:00:00", partner_id=partner.id, user_id=self.bob.id)
        goal = self.make_goal(
            period_id=month.id, target=5, scope="user_segment", segment_id=mills.id
        )
        self.refresh()
        self.assertEqual(goal.value, 3)
        self.assertIn("Mills", goal.scope_name)

    # --- records that are dated ahead ---

    def test_what_is_dated_ahead_is_not_extrapolated(self):
        """1,000 on the 26th and 100 on the 10th: 1,000 + 100 at the pace of 13.5 of 21 days."""
        amount = self.make_kpi(
            "amount", aggregator="sum", value_field="expected_revenue", unit="money"
        )
        triple = self.make_kpi(
            "triple", kind="formula", formula="2 * test_amount + test_amount", unit="money"
        )
        mean = self.make_kpi("mean", kind="formula", formula="test_amount / test_count",
                             unit="money")  # fmt: skip
        boards = self.env["crm.kpi.board"].with_company(self.company)
        chosen = {"period_kind": "month", "company_id": self.company.id}
        whole = {"scope": "company", "user_id": False}
        with freeze_time(NOON):
            self.period("month", "2026-10-01")
            self.make_leads(1, "2026-10-12 10:00:00", expected_revenue=50)
            month = self.period("month", "2026-11-01")
            self.make_leads(1, "2026-11-10 10:00:00", expected_revenue=100)
            self.make_leads(1, "2026-11-26 10:00:00", expected_revenue=1000)
            self.refresh()
            goals = [
                self.make_goal(kpi_id=kpi.id, period_id=month.id, target=5000, **owner)
                for kpi, owner in (
                    (amount, whole), (amount, {"scope": "user", "user_id": self.ann.id}),
                    (amount, {"scope": "team", "team_id": self.north.id, "user_id": False}),
                    (triple, whole), (self.count, whole), (mean, whole),
                )
            ]  # fmt: skip
            self.assertEqual([goal.value for goal in goals], [1100, 1100, 1100, 3300, 2, 550])
            pace = 21 / 13.5
            forecast = 1000 + 100 * pace
            for goal, expected in zip(
                goals, [forecast, forecast, forecast, 3 * forecast, 1 + pace, 550], strict=True
            ):
                self.assertAlmostEqual(goal.projected, expected)
            [cell] = self.cells(amount, month, "company")
            self.assertEqual(cell.ahead, 1000)
            [cell] = self.cells(amount, self.period("month", "2026-10-01"), "company")
            self.assertIs(cell.ahead, False)
            detail = boards.get_detail(amount.id, chosen)
            point = detail["trend"]["points"][-1]
            self.assertAlmostEqual(point["forecast"], forecast)
            for text in (point["forecast_text"], detail["card"]["goal"]["forecast_text"]):
                self.assertRegex(text, "1,156.* of which .*1,000.* is dated later in the period")
            # the same part of October is compared with what has happened
            if detail["card"]["change"]:
                self.assertIn("100", detail["card"]["change"]["text"])
            point = boards.get_detail(mean.id, chosen)["trend"]["points"][-1]
            self.assertNotIn("dated later", point["forecast_text"])
        with freeze_time("2026-11-27 11:00:00"):
            # no record was written, but the 26th is over: 19.5 of 21 days
            self.refresh()
            for goal, value in zip(goals, [1100, 1100, 1100, 3300, 2], strict=False):
                self.assertAlmostEqual(goal.projected, value * 21 / 19.5)
            [cell] = self.cells(amount, month, "company")
            self.assertIs(cell.ahead, False)
            point = boards.get_detail(amount.id, chosen)["trend"]["points"][-1]
            self.assertNotIn("dated later", point["forecast_text"])

    @freeze_time(NOON)
    def test_days_and_entries_ahead(self):
        """What is dated today has happened; an entry lies ahead until its last day is over."""
        source = self.source.copy({"code": "test_deadline", "date_field": "date_deadline"})
        due = self.make_kpi("due", source_id=source.id)
        month = self.period("month", "2026-11-01")
        for day in ("2026-11-18", "2026-11-19", "2026-11-20"):
            self.make_leads(1, "2026-01-12 10:00:00", date_deadline=day)
        entered = self.env["crm.kpi"].create(
            {
                "name": "Entered",
                "code": "test_entered",
                "kind": "manual",
                "aggregator": "sum",
                "category_id": self.category.id,
                "state": "published",
            }
        )
        self.env["crm.kpi.entry"].create(
            [
                {"kpi_id": entered.id, "company_id": self.company.id, "value": value,
                 "period_kind": kind, "date": "2026-11-10"}
                for kind, value in (("month", 1000), ("week", 10))
            ]
        )  # fmt: skip
        self.refresh()
        goals = [
            self.make_goal(
                kpi_id=kpi.id, period_id=month.id, target=5000, scope="company", user_id=False
            )
            for kpi in (due, entered)
        ]
        self.assertEqual([goal.value for goal in goals], [3, 1010])
        self.assertAlmostEqual(goals[0].projected, 1 + 2 * 21 / 13.5)
        self.assertAlmostEqual(goals[1].projected, 1000 + 10 * 21 / 13.5)

    # --- worked examples ---

    def test_improve_on_mean_of_three_months(self):
        """+50 % against the mean of three months, baseline 4, target 6."""
        with freeze_time(NOON):
            for month, count in (("08", 3), ("09", 4), ("10", 5)):
                self.period("month", f"2026-{month}-01")
                self.make_leads(count, f"2026-{month}-12 10:00:00")
            month = self.period("month", "2026-11-01")
            self.make_leads(9, "2026-11-12 10:00:00")
            self.refresh()
            goal = self.make_goal(
                period_id=month.id, kind="improve", improve_by=0.5, baseline_kind="mean",
                baseline_count=3,
            )  # fmt: skip
            self.assertEqual((goal.baseline, goal.target), (4, 6))
            self.assertEqual((goal.value, goal.attainment, goal.status), (9, 1.5, "achieved"))
            self.assertEqual(goal.target_text, "+50\u00a0% (≥ 6)")
            # the baseline is kept when its records change later
            self.make_leads(6, "2026-10-12 10:00:00")
            self.refresh()
            self.assertEqual((goal.baseline, goal.target), (4, 6))
            # the baseline changes when its definition changes
            goal.improve_by = 1
            self.assertEqual((goal.baseline, goal.target), (4, 8))
            goal.baseline_count = 2
            self.assertEqual((goal.baseline, goal.target), (7.5, 15))

    def test_satisfaction_of_eighty_percent(self):
        """At least 80 %, without tolerance."""
        good = self.make_kpi("good", domain="[('probability', '>=', 50)]")
        share = self.make_kpi(
            "share", kind="formula", formula="test_good / test_count", unit="percent", digits=1
        )
        with freeze_time("2026-12-02 10:00:00"):
            month = self.period("month", "2026-11-01")
            self.make_leads(8, "2026-11-12 10:00:00", probability=60)
            bad = self.make_leads(2, "2026-11-12 10:00:00", probability=10)
            self.refresh()
            goal = self.make_goal(kpi_id=share.id, period_id=month.id, target=0.8)
            self.assertAlmostEqual(goal.value, 0.8)
            self.assertEqual(goal.status, "achieved")
            self.assertEqual(goal.target_text, "≥ 80.0\u00a0%")
            bad[0].copy({"probability": 10})
            self.backdate(self.env["crm.lead"].search([], limit=1, order="id desc"),
                          create_date="2026-11-13 10:00:00")  # fmt: skip
            self.refresh()
            self.assertAlmostEqual(goal.value, 8 / 11)
            self.assertEqual(goal.status, "missed")
        self.assertTrue(good)

    def test_baseline_of_a_ratio_is_not_a_mean_of_ratios(self):
        self.make_kpi("good", domain="[('probability', '>=', 50)]")
        share = self.make_kpi(
            "share", kind="formula", formula="test_good / test_count", unit="percent"
        )
        with freeze_time(NOON):
            # 1/1 and 2/9: pooled 3/10, mean of the ratios 61 %
            for month, good, bad in (("09", 1, 0), ("10", 2, 7)):
                self.period("month", f"2026-{month}-01")
                self.make_leads(good, f"2026-{month}-12 10:00:00", probability=60)
                self.make_leads(bad, f"2026-{month}-12 10:00:00", probability=10)
            month = self.period("month", "2026-11-01")
            self.refresh()
            values = {
                "kpi_id": share.id,
                "period_id": month.id,
                "kind": "improve",
                "improve_by": 0.1,
            }
            goal = self.make_goal(baseline_kind="mean", baseline_count=2, **values)
            self.assertAlmostEqual(goal.baseline, 0.3)
            self.assertAlmostEqual(goal.target, 0.33)
            goal.baseline_kind = "previous"
            self.assertAlmostEqual(goal.baseline, 2 / 9)

    def test_baseline_of_zero(self):
        """Nothing cannot be improved by a percentage: no target, neither on track nor achieved."""
        for direction in ("increase", "decrease"):
            self.count.direction = direction
            with freeze_time(NOON):
                months = [self.period("month", f"2026-{month}-01") for month in ("09", "10", "11")]
                self.refresh()
                goals = self.make_goal(period_id=months[2].id, kind="improve", improve_by=0.5)
                goals += self.make_goal(
                    period_id=months[2].id, kind="improve", improve_by=0.5, baseline_kind="mean",
                    baseline_count=2, user_id=self.bob.id, scope="user",
                )  # fmt: skip
                self.refresh()
            with freeze_time("2027-03-10 10:00:00"):
                # the period is locked by then
                self.refresh()
                for goal in goals:
                    self.assertEqual(
                        (goal.baseline, goal.target, goal.attainment, goal.status),
                        (0, False, False, "no_data"),
                    )
                    self.assertEqual(goal.status_text, "– No baseline")
                    self.assertIn("50\u00a0%", goal.target_text)
                    self.assertNotIn("0)", goal.target_text)
            goals.unlink()
            months[2].action_unlock()
        with self.assertRaisesRegex(ValidationError, "0 cannot be improved"):
            self.make_goal(
                period_id=months[2].id, kind="improve", improve_by=0.5, baseline_kind="fixed",
                baseline_fixed=0,
            )  # fmt: skip

    def test_baseline_becomes_known(self):
        self.count.direction = "decrease"
        with freeze_time(NOON):
            self.period("month", "2026-11-01")
            december = self.period("month", "2026-12-01")
            self.make_leads(10, "2026-11-12 10:00:00")
            self.refresh()
            goal = self.make_goal(period_id=december.id, kind="improve", improve_by=0.2)
            self.assertEqual((goal.baseline, goal.target), (False, False))
            self.assertEqual(goal.target_text, "−20\u00a0%")
        with freeze_time("2026-12-14 10:00:00"):
            self.refresh()
            self.assertEqual((goal.baseline, goal.target, goal.status), (10, 8, "on_track"))

    def test_baseline_last_year_and_fixed(self):
        with freeze_time(NOON):
            self.period("month", "2025-11-01")
            month = self.period("month", "2026-11-01")
            self.make_leads(7, "2025-11-12 10:00:00")
            self.refresh()
            goal = self.make_goal(
                period_id=month.id, kind="improve", improve_by=1, baseline_kind="last_year"
            )
            self.assertEqual((goal.baseline, goal.target), (7, 14))
            goal.write({"baseline_kind": "fixed", "baseline_fixed": 20, "improve_by": 0.25})
            self.assertEqual((goal.baseline, goal.target), (20, 25))
            # not computed that far back: unknown, not zero
            other = self.make_goal(
                period_id=month.id, kind="improve", improve_by=1, user_id=self.bob.id,
                baseline_kind="mean", baseline_count=6,
            )  # fmt: skip
            self.assertEqual((other.baseline, other.status), (False, "no_data"))
            # texts do not round the percentage; records are counted whole, so 24 is too few
            goal.improve_by = 0.225
            self.assertEqual(goal.target, 24.5)
            self.assertEqual(goal.target_text, "+22.5\u00a0% (≥ 25)")
            goal.improve_by = 0.25
            self.assertEqual(goal.target_text, "+25\u00a0% (≥ 25)")

    def test_decimals_of_a_computed_target(self):
        """A target that was computed has the decimals of the KPI, one that was typed has its own."""
        month = self.period("month", "2026-11-01")
        for unit, digits, direction, base, change, text in (
            ("count", 0, "decrease", 10, 0.25, "−25\u00a0% (≤ 7)"),  # 7.5: 8 are too many
            ("count", 0, "increase", 10, 0.1, "+10\u00a0% (≥ 11)"),  # 11.000000000000002
            ("hours", 1, "decrease", 71.11667, 0.1, "−10\u00a0% (≤ 64.0\u00a0h)"),
            ("days", 0, "increase", 1, 0.1, "+10\u00a0% (≥ 1\u00a0day)"),
            ("percent", 1, "increase", 0.33333, 0.5, "+50\u00a0% (≥ 50.0\u00a0%)"),
        ):
            kpi = self.make_kpi(
                f"{unit}{digits}{direction}", unit="count", digits=digits, direction=direction
            )
            kpi.flush_recordset()
            self.env.cr.execute("UPDATE crm_kpi SET unit = %s WHERE id = %s", [unit, kpi.id])
            kpi.invalidate_recordset()
            goal = self.make_goal(
                kpi_id=kpi.id, kind="improve", improve_by=change, baseline_kind="fixed",
                baseline_fixed=base, period_id=month.id,
            )  # fmt: skip
            self.assertEqual(goal.target_text, text)
        typed = self.make_goal(kpi_id=kpi.id, kind="at_least", target=0.3333, period_id=month.id,
                               user_id=self.bob.id)  # fmt: skip
        self.assertEqual(typed.target_text, "≥ 33.33\u00a0%")

    def test_baselines_of_days_and_weeks(self):
        """Last year and the last n weeks are computed for the goal, also before a board shows them."""
        with freeze_time(NOON):
            # Monday 16 November 2026 is in week 47; 364 days before is Monday 17 November 2025
            for day, count in (
                ("2025-11-17", 2), ("2025-11-23", 1),  # the same week last year
                ("2025-11-16", 5), ("2025-11-24", 5),  # the weeks beside it
                ("2026-11-09", 3), ("2026-11-08", 1), ("2026-10-26", 4), ("2026-10-25", 7),
            ):  # fmt: skip
                self.make_leads(count, f"{day} 12:00:00")
            week, day = self.period("week", "2026-11-19"), self.period("day", "2026-11-16")
            common = {"kind": "improve", "improve_by": 0.5}
            last_year = self.make_goal(period_id=week.id, baseline_kind="last_year", **common)
            mean = self.make_goal(period_id=week.id, baseline_kind="mean", baseline_count=3,
                                  user_id=False, scope="company", **common)  # fmt: skip
            daily = self.make_goal(period_id=day.id, baseline_kind="last_year", **common)
            self.refresh()
            self.refresh()
            self.assertEqual((last_year.baseline, last_year.target), (3, 4.5))
            self.assertAlmostEqual(mean.baseline, (3 + 1 + 4) / 3)
            self.assertEqual(daily.baseline, 2)

    def test_days_and_weeks_have_their_last_year(self):
        """Each day and week that is kept can be compared with last year, also after a break."""
        model = self.env["crm.kpi.period"]

        def refresh_periods():
            kpis = self.env["crm.kpi"].sudo().with_company(self.company)
            kpis._refresh_periods(fields.Datetime.now())

        def gaps(kind, first, last):
            kept = model.search([("company_id", "=", self.company.id), ("kind", "=", kind)])
            length = timedelta(days=7 if kind == "week" else 1)
            starts = set(kept.mapped("date_from"))
            expected = {first + length * n for n in range((last - first) // length + 1)}
            last_year = {day - timedelta(days=364) for day in expected}
            return (expected | last_year) - starts

        self.make_leads(1, "2024-01-10 10:00:00")
        with freeze_time("2026-09-01 10:00:00"):
            refresh_periods()
        with freeze_time(NOON):  # the server was off for eleven weeks
            refresh_periods()
            first = {"day": date(2026, 8, 31), "week": date(2026, 8, 24)}
            last = {"day": date(2026, 11, 19), "week": date(2026, 11, 16)}
            for kind in ("day", "week"):
                self.assertEqual(gaps(kind, first[kind], last[kind]), set())
        with freeze_time("2027-03-01 10:00:00"):
            refresh_periods()
        with freeze_time("2027-06-01 10:00:00"):
            refresh_periods()
            goal = self.make_goal(
                period_id=self.period("day", "2026-11-19").id, kind="improve", improve_by=1,
                baseline_kind="mean", baseline_count=2,
            )  # fmt: skip
            self.env["crm.kpi"]._gc_short_periods()
            today = date(2027, 6, 1)
            kept = model.search([("company_id", "=", self.company.id), ("kind", "=", "day")])
            ages = {(today - day).days for day in kept.mapped("date_from")}
            needed = {(today - date(2026, 11, day)).days for day in (17, 18, 19)}
            self.assertEqual({age for age in ages if 190 < age < 360}, needed)
            self.assertEqual(gaps("day", today - timedelta(days=180), today), set())
            weeks = model.search([("company_id", "=", self.company.id), ("kind", "=", "week")])
            self.assertIn(date(2026, 8, 31), weeks.mapped("date_from"))
            self.assertTrue(goal.exists())
        with freeze_time("2029-01-01 10:00:00"):
            for _run in range(2):
                self.env["crm.kpi"]._gc_short_periods()
            kept = model.search(
                [("company_id", "=", self.company.id), ("kind", "in", ["day", "week"])]
            )
            self.assertEqual(min(kept.mapped("date_from")), date(2026, 11, 17), "for the goal")

    def test_baseline_before_the_history_is_refused(self):
        self.company.kpi_history_start = "2026-09-10"
        with freeze_time(NOON):
            month = self.period("month", "2026-11-01")
            common = {"period_id": month.id, "kind": "improve", "improve_by": 0.5}
            with self.assertRaisesRegex(ValidationError, "history starts on"):
                self.make_goal(baseline_kind="last_year", **common)
            with self.assertRaisesRegex(ValidationError, "history starts on"):
                self.make_goal(baseline_kind="mean", baseline_count=3, user_id=self.bob.id,
                               **common)  # fmt: skip
            goal = self.make_goal(baseline_kind="mean", baseline_count=2, user_id=self.cid.id,
                                  **common)  # fmt: skip
            with self.assertRaisesRegex(ValidationError, "from 08/01/2026 on"):
                goal.baseline_count = 3
            week = self.period("week", "2026-11-19")
            with self.assertRaisesRegex(ValidationError, "history starts on"):
                self.make_goal(baseline_kind="last_year", **{**common, "period_id": week.id})
            # before the first record there are no records, and no values to improve on
            self.company.kpi_history_start = False
            self.make_leads(3, "2026-10-12 10:00:00")
            year = self.make_goal(baseline_kind="last_year", user_id=False, scope="company",
                                  **common)  # fmt: skip
            self.refresh()
            self.assertEqual(year.baseline, 0)

    # --- the calendar ---

    def test_first_middle_last_day_in_three_zones(self):
        # times at which the 2nd, 17th and 30th of November begin, are at noon, and end
        for tz, utc in (("Pacific/Auckland", 13), ("Europe/Brussels", 1), ("America/Caracas", -4)):
            company = self.env["res.company"].create({"name": tz, "kpi_tz": tz})
            self.env.user.company_ids |= company
            self.env.user.flush_recordset()
            month = self.env["crm.kpi.period"]._current("month", company, date(2026, 11, 2))
            for day, hour, done, share in (
                (2, 0, 0, 0), (2, 23, 0, 1), (17, 0, 11, 11), (17, 23, 11, 12),
                (30, 0, 20, 20), (30, 23, 20, 21),
            ):  # fmt: skip
                local = fields.Datetime.to_datetime(f"2026-11-{day:02} {hour:02}:30:00")
                gone = month._elapsed(fields.Datetime.subtract(local, hours=utc))[month]
                self.assertEqual((gone.days, gone.total), (done, 21), (tz, day, hour))
                self.assertAlmostEqual(gone.share, share / 21)
                self.assertFalse(gone.over)
            self.assertTrue(month._elapsed(month.utc_to)[month].over)
            before = fields.Datetime.subtract(month.utc_from, seconds=1)
            self.assertFalse(month._elapsed(before)[month].begun)

    def test_daylight_saving(self):
        # Brussels leaves summer time on Sunday 25 October 2026
        month = self.period("month", "2026-10-01")
        for utc, done in (
            ("2026-10-23 21:59:00", 16), ("2026-10-23 22:00:00", 17),
            ("2026-10-25 22:59:00", 17), ("2026-10-26 22:59:00", 17), ("2026-10-26 23:00:00", 18),
        ):  # fmt: skip
            gone = month._elapsed(fields.Datetime.to_datetime(utc))[month]
            self.assertEqual((gone.days, gone.total), (done, 22), utc)

    def test_public_holidays(self):
        holiday = self.env["resource.calendar.leaves"].create(
            {
                "name": "Armistice Day",
                "company_id": self.company.id,
                "date_from": "2026-11-10 23:00:00",
                "date_to": "2026-11-11 22:59:59",
            }
        )
        month = self.period("month", "2026-11-01")
        self.assertNotIn(date(2026, 11, 11), month._working_days()[month])
        self.assertEqual(len(month._working_days()[month]), 20)
        # a later call reflects changes of the calendar
        holiday.write({"date_from": "2026-11-09 23:00:00", "date_to": "2026-11-11 22:59:59"})
        self.assertEqual(len(month._working_days()[month]), 19)
        hours = self.company.resource_calendar_id
        hours.attendance_ids.filtered(lambda a: a.dayofweek == "4").unlink()
        self.assertEqual(len(month._working_days()[month]), 15)
        holiday.unlink()
        self.assertEqual(len(month._working_days()[month]), 17)
        # without a calendar: Monday to Friday
        self.company.resource_calendar_id = False
        self.assertEqual(len(month._working_days()[month]), 21)

    def test_half_a_holiday(self):
        month = self.period("month", "2026-11-01")
        hours = self.company.resource_calendar_id
        # Monday the 2nd from 8 to 12 is half over at ten o'clock
        ten = fields.Datetime.to_datetime("2026-11-02 09:00:00")
        hours.attendance_ids.filtered(lambda line: line.hour_from > 12).unlink()
        self.assertAlmostEqual(month._elapsed(ten)[month].share, 0.5 / 21)
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Off from ten",
                "company_id": self.company.id,
                "date_from": ten,
                "date_to": "2026-11-02 22:59:59",
            }
        )
        self.assertAlmostEqual(month._elapsed(ten)[month].share, 1 / 21)
        # flexible hours have no days: 9 to 17 is used, of which one hour is left
        hours.flexible_hours = True
        self.assertEqual(len(month._working_days()[month]), 21)
        nine = fields.Datetime.to_datetime("2026-11-02 08:30:00")
        self.assertAlmostEqual(month._elapsed(nine)[month].share, 0.5 / 21)

    # --- counter-metric ---

    @freeze_time(NOON)
    def test_met_with_missed_counter_metric(self):
        month = self.period("month", "2026-11-01")
        self.make_leads(9, "2026-11-12 10:00:00", probability=20)
        self.count.counter_kpi_id = self.rate
        self.refresh()
        goal = self.make_goal(period_id=month.id, target=8)
        self.assertFalse(goal.counter_missed)
        counter = self.make_goal(kpi_id=self.rate.id, period_id=month.id, target=50)
        self.assertEqual((goal.status, counter.status), ("achieved", "off_track"))
        self.assertTrue(goal.counter_missed)
        self.assertEqual(goal.status_text, "✔ Achieved – but score is off track")
        counter.target = 10
        self.assertFalse(goal.counter_missed)
        # of another user
        counter.write({"target": 50, "user_id": self.bob.id})
        self.assertFalse(goal.counter_missed)

    # --- rules ---

    @freeze_time(NOON)
    def test_duplicates_are_refused(self):
        month = self.period("month", "2026-11-01")
        goal = self.make_goal(period_id=month.id, target=8)
        with self.assertRaisesRegex(ValidationError, "a goal for .*Ann.* exists already"):
            self.make_goal(period_id=month.id, target=9)
        other = self.make_goal(period_id=month.id, target=9, user_id=self.bob.id)
        with self.assertRaisesRegex(ValidationError, "already"):
            other.user_id = self.ann
        values = {"kpi_id": self.count.id, "period_id": month.id, "target": 1}
        with self.assertRaisesRegex(ValidationError, "already"):
            self.goals.create([values, values])
        goal.action_archive()
        again = self.make_goal(period_id=month.id, target=9)
        with self.assertRaisesRegex(ValidationError, "already"):
            goal.action_unarchive()
        self.assertTrue(again)

    @freeze_time(NOON)
    def test_scope_is_consistent(self):
        month = self.period("month", "2026-11-01")
        for values, message in (
            ({"user_id": False}, "Salesperson: choose one"),
            ({"team_id": self.north.id}, "Sales Team: leave it empty"),
            ({"scope": "company"}, "Salesperson: leave it empty"),
            ({"target": False}, "Target: enter"),
            ({"kind": "range"}, "Upper bound: enter"),
            ({"kind": "range", "target_max": 1}, "Upper bound: enter"),
            ({"user_id": self.outsider().id}, "does not belong to KPI company"),
            ({"target": float("inf")}, "Target: inf is not a number"),
            ({"target": float("nan")}, "Target: nan is not a number"),
            ({"kind": "range", "target_max": float("inf")}, "Upper bound: inf"),
            ({"kind": "improve", "improve_by": float("inf")}, "Improve by: enter"),
            (
                {
                    "kind": "improve",
                    "improve_by": 0.1,
                    "baseline_kind": "fixed",
                    "baseline_fixed": float("nan"),
                },
                "Fixed baseline: nan",
            ),
        ):
            with self.assertRaisesRegex(ValidationError, message), self.cr.savepoint():
                self.make_goal(**{"period_id": month.id, "target": 5, **values})
        self.count.direction = "maintain"
        with self.assertRaisesRegex(ValidationError, "cannot be improved by a percentage"):
            self.make_goal(period_id=month.id, kind="improve", improve_by=0.1)

    @freeze_time(NOON)
    def test_goals_cannot_have_partial_periods(self):
        """The form does not offer them; a call is refused with the reason and a remedy."""
        part = self.env["crm.kpi.period"].create(
            {"kind": "to_date", "date_from": "2026-10-01", "date_to": "2026-10-20"}
        )
        goal = self.make_goal(period_id=self.period("month", "2026-11-01").id, target=8)
        wizard = self.env["crm.kpi.goal.set"].create(
            {
                "kpi_id": self.count.id,
                "period_kind": "custom",
                "period_ids": [fields.Command.set(part.ids)],
                "user_ids": [fields.Command.set(self.ann.ids)],
                "target": 5,
            }
        )
        manager = self.make_user("Mia", "sales_team.group_sale_manager")
        values = {"kpi_id": self.count.id, "period_id": part.id, "target": 5}
        for call in (
            lambda: self.goals.with_user(manager).create(values),
            lambda: goal.with_user(manager).write({"period_id": part.id}),
            lambda: wizard.action_set(),
        ):
            with (
                self.assertRaisesRegex(
                    ValidationError,
                    "Period: Oct 1.+19, 2026 exists for comparisons.*Choose a day, week",
                ),
                self.cr.savepoint(),
            ):
                call()

    def outsider(self):
        return new_test_user(
            self.env, "kpi_outsider", company_id=self.env.ref("base.main_company").id
        )

    @freeze_time(NOON)
    def test_form(self):
        month = self.period("month", "2026-11-01")
        self.count.direction = "decrease"
        form = Form(self.goals)
        self.assertEqual(form.period_id, month)
        form.kpi_id = self.count
        self.assertEqual(form.kind, "at_most")
        form.period_id = month
        form.scope = "user"
        form.user_id = self.ann
        form.scope = "team"
        form.team_id = self.north
        form.target = 7
        goal = form.save()
        self.assertEqual((goal.team_id, goal.user_id.id, goal.target), (self.north, False, 7))

    # --- rights ---

    @freeze_time(NOON)
    def test_computed_fields_cannot_be_written(self):
        month = self.period("month", "2026-11-01")
        goal = self.make_goal(period_id=month.id, target=8)
        manager = self.make_user("Ada", "crm_kpi.group_kpi_admin", "sales_team.group_sale_manager")
        mine = goal.with_user(manager)
        mine.write({"target": 9})
        self.assertEqual(goal.target, 9)
        for name, value in (
            ("value", 99), ("record_count", 99), ("status", "achieved"), ("attainment", 1), ("expected", 1),
            ("projected", 99), ("baseline", 1), ("status_since", NOON), ("as_of", NOON),
            ("counter_missed", True), ("company_id", 1),
        ):  # fmt: skip
            with self.assertRaisesRegex(AccessError, name):
                mine.write({name: value})
            with self.assertRaisesRegex(AccessError, name):
                mine.create({"kpi_id": self.count.id, "period_id": month.id, "target": 1,
                             name: value})  # fmt: skip
        other = mine.with_context(default_value=99, default_status="achieved").create(
            {"kpi_id": self.count.id, "period_id": month.id, "target": 1}
        )
        self.assertEqual((other.value, other.status), (False, "no_data"))
        with self.assertRaises(AccessError):
            goal.with_user(self.ann).write({"target": 1})
        with self.assertRaises(AccessError):
            goal.with_user(self.ann).unlink()
        with self.assertRaises(AccessError):
            goal.with_user(self.ann).create(
                {"kpi_id": self.count.id, "period_id": month.id, "target": 1}
            )

    # --- chatter ---

    def test_final_status_is_logged_without_mail(self):
        with freeze_time(NOON):
            month = self.period("month", "2026-11-01")
            goal = self.make_goal(period_id=month.id, target=3)
            before = goal.message_ids
            self.make_leads(3, "2026-11-12 10:00:00")
            self.refresh()
            note = goal.message_ids - before
            self.assertEqual(len(note), 1)
            self.assertIn("Achieved: 3, target ≥ 3", note.body.replace("✔ ", ""))
            self.assertEqual(note.subtype_id, self.env.ref("mail.mt_note"))
            self.assertFalse(note.notification_ids)
        with freeze_time("2026-11-30 23:30:00"):
            self.refresh()
            self.assertEqual(goal.message_ids - before, note)

    # --- size ---

    def test_number_of_statements_is_constant(self):
        users = self.env["res.users"].with_context(no_reset_password=True).create(
            [
                {"name": f"Rep {i}", "login": f"kpi_rep_{i}", "company_id": self.company.id,
                 "company_ids": [fields.Command.set(self.company.ids)]}
                for i in range(80)
            ]
        )  # fmt: skip
        with freeze_time(NOON):
            months = [self.period("month", day) for day in ("2026-11-01", "2026-10-01")]
            leads = self.make_leads(80, "2026-11-12 10:00:00")
            for lead, user in zip(leads, users, strict=True):
                lead.user_id = user
            self.refresh()
        counts = []
        for month, owners in zip(months, (users, users[:10]), strict=True):
            self.goals.search([]).action_archive()
            with freeze_time("2026-10-01 10:00:00"):
                goals = self.goals.create(
                    [
                        {"kpi_id": self.count.id, "period_id": month.id, "scope": "user",
                         "user_id": user.id, "target": 1}
                        for user in owners
                    ]
                )  # fmt: skip
            self.env.invalidate_all()
            with freeze_time("2026-12-02 10:00:00"):
                start = self.cr.sql_log_count
                self.goals._refresh(self.company)
                counts.append(self.cr.sql_log_count - start)
            expected = "achieved" if month == months[0] else "missed"
            self.assertEqual(set(goals.mapped("status")), {expected})
        self.assertLessEqual(counts[0], counts[1] + 10, counts)
        self.assertLess(counts[0], 60)


@tagged("post_install", "-at_install")
class TestNumbersFromRightToLeft(GoalCommon):
    def test_numbers_are_isolated(self):
        """Between right-to-left words, a number keeps the order of its sign, digits and unit."""
        self.env["res.lang"]._activate_lang("he_IL")
        money = self.make_kpi(
            "money", unit="money", aggregator="sum", value_field="expected_revenue"
        )
        goal = self.make_goal(
            kpi_id=money.id,
            kind="at_least",
            target=5,
            period_id=self.env["crm.kpi.period"]._current("month", self.company).id,
        )
        for lang, first, last in (("he_IL", "\u2068", "\u2069"), ("en_US", "", "")):
            in_lang = goal.with_context(lang=lang)
            in_lang.invalidate_recordset()
            symbol = self.company.currency_id.symbol
            value = in_lang.kpi_id._format_value(5)
            self.assertTrue(value.startswith(first) and value.endswith(last), ascii(value))
            self.assertIn(symbol, value)
            self.assertEqual(in_lang.target_text, f"{first}≥ {value}{last}")
            self.assertEqual(in_lang.kpi_id._format_value(None), "–")


@tagged("post_install", "-at_install")
class TestSigns(GoalCommon):
    """Lists, cards and the form of goals show what a board shows, the most urgent goals first."""

    @freeze_time(NOON)
    def goals_by_status(self):
        """Goals of Ann and Bob: 4 leads of Ann, targets that are met, missed and near."""
        self.env["crm.kpi"].with_company(self.company)._refresh_periods(fields.Datetime.now())
        self.make_leads(4, "2026-11-10 10:00:00")
        month = self.period("month", "2026-11-10")
        goals = {
            "achieved": self.make_goal(target=4, period_id=month.id),
            "off_track": self.make_goal(target=40, period_id=month.id, user_id=self.bob.id),
            "on_track": self.make_goal(
                target=6, period_id=month.id, scope="team", user_id=False, team_id=self.north.id
            ),
        }
        self.refresh()
        for status, goal in goals.items():
            self.assertEqual(goal.status, status)
        return goals

    @freeze_time(NOON)
    def test_most_urgent_first(self):
        goals = self.goals_by_status()
        ids = [goal.id for goal in goals.values()]
        wanted = ["off_track", "on_track", "achieved"]
        found = self.goals.search([("id", "in", ids)], order="status, id")
        self.assertEqual(found.mapped("status"), wanted)
        groups = self.goals.web_read_group([("id", "in", ids)], ["status"], ["__count"])["groups"]
        self.assertEqual([group["status"] for group in groups], wanted)
        values = self.env["crm.kpi.value"].search(
            [("kpi_id", "=", self.count.id), ("period_id", "=", goals["achieved"].period_id.id)],
            order="goal_id, id",
        )
        statuses = values.mapped("goal_status")
        self.assertEqual(statuses[:3], wanted)
        self.assertFalse(any(statuses[3:]), "values without a goal come last")

    @freeze_time(NOON)
    def test_signs_are_those_of_the_board(self):
        """The bar of a goal has the positions of the bar on a board, and the same texts."""
        goals = self.goals_by_status()
        boards = self.env["crm.kpi.board"].with_company(self.company)
        for goal in goals.values():
            filters = {"scope": "team", "user_id": goal.user_id.id, "team_id": goal.team_id.id}
            card = boards.get_detail(self.count.id, filters)["card"]
            signs = goal.signs
            self.assertEqual(signs["bullet"], card["bullet"])
            self.assertEqual(signs["value_text"], card["value_text"])
            for name in ("status", "status_text", "shape", "target_text", "attainment_text"):
                self.assertEqual(signs[name], card["goal"][name], name)
            value = self.env["crm.kpi.value"].search([("goal_id", "=", goal.id)])
            self.assertEqual(value.goal_signs, signs)
        # 0 of 40 leads at noon of the 14th of 21 working days; the target is the largest mark
        signs = goals["off_track"].signs["bullet"]
        self.assertAlmostEqual(signs["target"], 1 / 1.1)
        self.assertAlmostEqual(signs["value"], 0)
        self.assertAlmostEqual(signs["pace"], 13.5 / 21 / 1.1)

    @freeze_time(NOON)
    def test_lists_cost_no_query_per_row(self):
        """Goals and values are read with as many queries for nine rows as for three."""
        goals = self.goals_by_status()
        ids = [goal.id for goal in goals.values()]
        names = ("kpi_id", "scope_name", "period_id", "value_text", "signs", "pace_text")

        def queries(model, ids, names):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.env[model].search_read([("id", "in", ids)], names)
            return self.env.cr.sql_log_count - before

        value_names = ("kpi_id", "value_text", "change_text", "goal_signs", "elapsed_text")

        def value_ids():
            return self.env["crm.kpi.value"].search([("kpi_id", "=", self.count.id)]).ids

        queries("crm.kpi.goal", ids, names), queries("crm.kpi.value", value_ids(), value_names)
        few = queries("crm.kpi.goal", ids, names)
        few_values = queries("crm.kpi.value", value_ids(), value_names)
        month = goals["achieved"].period_id
        for index in range(6):
            user = self.make_user(f"Zoe{index}", "sales_team.group_sale_salesman")
            self.make_leads(1, "2026-11-11 10:00:00", user_id=user.id)
            ids.append(self.make_goal(target=3, period_id=month.id, user_id=user.id).id)
        self.refresh()
        self.assertLessEqual(queries("crm.kpi.goal", ids, names), few + 1)
        self.assertLessEqual(queries("crm.kpi.value", value_ids(), value_names), few_values + 1)
        self.assertLess(few, 30)
        self.assertLess(few_values, 40)
