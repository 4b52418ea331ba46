# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Alerts: what fires, who is told what and when, and what never fires."""

import json
from datetime import datetime, timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, HttpCase, tagged
from odoo.tools import mute_logger

from ..alerts.run import AlertRun
from .test_goal import NOON, GoalCommon


class AlertCase(GoalCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # as in production: messages are sent
        quiet = ("tracking_disable", "mail_create_nolog", "mail_create_nosubscribe", "mail_notrack")
        cls.env = cls.env(context={k: v for k, v in cls.env.context.items() if k not in quiet})
        cls.mona = cls.make_user("Mona", "sales_team.group_sale_manager")
        cls.lea = cls.make_user("Lea", "sales_team.group_sale_salesman_all_leads")
        users = cls.mona | cls.lea | cls.ann | cls.bob | cls.cid
        users.notification_type = "inbox"
        users.tz = "Europe/Brussels"
        cls.north.user_id = cls.lea
        cls.alerts = cls.env["crm.kpi.alert"]
        cls.cases = cls.env["crm.kpi.alert.case"]
        cls.messages = cls.env["crm.kpi.alert.message"]
        cls.month = cls.period("month", "2026-11-01")

    @classmethod
    def make_alert(cls, **values):
        return cls.alerts.create(
            {
                "kpi_id": cls.count.id,
                "user_id": cls.mona.id,
                "scope": "users",
                "team_id": cls.north.id,
                "is_quiet": False,
                **values,
            }
        )

    def goal(self, **values):
        values = {
            "kpi_id": self.count.id,
            "period_id": self.month.id,
            "scope": "user",
            "user_id": self.ann.id,
            "target": 100,
            **values,
        }
        # without the message about a new target
        with freeze_time(NOON):
            return self.goals.with_context(tracking_disable=True).create(values)

    def run_alerts(self, state="done", refresh=True):
        """A run of the scheduled refresh, and of the alerts after it."""
        if refresh:
            self.refresh()
        self.env["crm.kpi.run"].create(
            {"kind": "refresh", "state": state, "date": fields.Datetime.now()}
        )
        self.deliver()

    def deliver(self):
        with patch.object(self.registry["ir.cron"], "_commit_progress", return_value=1):
            AlertRun(self.env).run()
        self.env.invalidate_all()

    def notified(self, user):
        """Bodies of the messages about alerts that a user got, oldest first."""
        found = self.env["mail.notification"].search(
            [
                ("res_partner_id", "=", user.partner_id.id),
                ("mail_message_id.subject", "like", "KPI alert"),
            ],
            order="id",
        )
        return [str(one.mail_message_id.body) for one in found]

    def activities(self, user):
        return self.env["mail.activity"].search(
            [("user_id", "=", user.id), ("kpi_alert_case_id", "!=", False)]
        )


@tagged("post_install", "-at_install")
@freeze_time(NOON)
class TestAlert(AlertCase):
    # --- the story ---

    def test_off_track_and_back(self):
        goal = self.goal()
        self.make_leads(10, "2026-11-10 10:00:00")
        alert = self.make_alert()
        self.assertEqual(
            alert.sentence,
            "test_count".replace("test_", "") + " of each salesperson of North, month: the goal "
            "becomes off track. Tells Mona by activity and by mail.",
        )
        self.run_alerts()
        [case] = self.cases.search([("alert_id", "=", alert.id)])
        self.assertEqual((case.state, case.goal_id, case.user_id), ("firing", goal, self.ann))
        # 10 leads in 13.5 of 21 working days
        self.assertEqual((case.value, case.reference), (10, 100))
        self.assertAlmostEqual(case.forecast, 10 * 21 / 13.5)
        self.assertIn("forecast 16", case.reason_text)
        [body] = self.notified(self.mona)
        self.assertIn("Off track", body)
        self.assertIn(f"/odoo/crm.kpi.alert.case/{case.id}", body)
        [activity] = self.activities(self.mona)
        self.assertEqual((activity.res_model, activity.res_id), ("crm.kpi.goal", goal.id))
        self.assertIn("Off track", activity.note)
        # one message per change
        self.run_alerts()
        self.assertEqual(len(self.notified(self.mona)), 1)
        self.make_leads(90, "2026-11-18 10:00:00")
        for _refresh in range(2):
            self.run_alerts()
            self.assertEqual(case.state, "firing", "it has to last")
        self.run_alerts()
        self.assertEqual((case.state, case.ended_at), ("recovered", datetime(2026, 11, 19, 11)))
        self.assertFalse(self.activities(self.mona), "it closes itself")
        self.assertEqual(len(self.notified(self.mona)), 2)
        self.assertIn("recovered", self.notified(self.mona)[1])

    def test_the_next_goal_is_another_alert(self):
        self.goal()
        self.make_leads(10, "2026-11-10 10:00:00")
        self.make_alert()
        self.run_alerts()
        [case] = self.cases.search([])
        with freeze_time("2026-12-01 11:00:00"):
            december = self.period("month", "2026-12-01")
            self.make_goal(period_id=december.id, target=50)
            self.run_alerts()
            self.assertEqual(case.state, "over")
            self.assertFalse(self.activities(self.mona))
            self.assertEqual(len(self.cases.search([])), 1, "too early on the first day")
        with freeze_time("2026-12-16 11:00:00"):
            self.run_alerts()
            new = self.cases.search([("state", "=", "firing")])
            self.assertEqual(new.period_id, december)
            self.assertEqual(len(self.notified(self.mona)), 2)

    def test_recipients(self):
        goal = self.goal()
        self.make_leads(1, "2026-11-10 10:00:00")
        self.make_alert(
            to_owner=False,
            to_salesperson=True,
            to_leader=True,
            user_ids=[Command.set(self.cid.ids)],
        )
        self.run_alerts()
        self.assertEqual(len(self.notified(self.ann)), 1)
        self.assertEqual(len(self.notified(self.lea)), 1)
        self.assertFalse(self.notified(self.bob))
        # Cid may not read the value of Ann: he hears nothing, and the owner is told once
        self.assertFalse(self.notified(self.cid))
        self.assertFalse(self.activities(self.cid))
        refused = self.messages.search([("state", "=", "refused")])
        self.assertEqual(refused.user_id, self.cid)
        [told] = self.notified(self.mona)
        self.assertIn("Cid may not read", told)
        self.assertEqual(self.alerts.search([]).unreadable_text, "Cid")
        goal.target = 200
        self.run_alerts()
        self.assertEqual(len(self.notified(self.mona)), 1)

    def test_one_mail_for_many(self):
        for user in (self.ann, self.bob):
            self.goal(user_id=user.id)
        self.make_leads(1, "2026-11-10 10:00:00")
        self.make_alert()
        self.run_alerts()
        [body] = self.notified(self.mona)
        self.assertEqual(body.count("<li>"), 2)
        self.assertEqual(len(self.activities(self.mona)), 2)

    def test_channels(self):
        self.goal()
        self.make_leads(1, "2026-11-10 10:00:00")
        action = self.env["ir.actions.server"].create(
            {
                "name": "Hook",
                "model_id": self.env["ir.model"]._get_id("crm.kpi.alert.case"),
                "state": "code",
                "code": "record.message_post(body=env.context['kpi_alert'])",
            }
        )
        alert = self.make_alert(
            by_mail=False, by_activity=False, on_screen=True, action_id=action.id
        )
        self.env["bus.bus"].search([]).unlink()
        self.run_alerts()
        self.assertFalse(self.notified(self.mona))
        self.assertFalse(self.activities(self.mona))
        [case] = alert.case_ids
        self.assertIn("fired", case.message_ids[:1].body)
        self.env.cr.precommit.run()
        sent = self.env["bus.bus"].search([]).mapped("message")
        self.assertTrue(any("simple_notification" in message for message in sent), sent)

    def test_neutralised(self):
        self.env["ir.config_parameter"].set_param("database.is_neutralized", "true")
        self.goal()
        self.make_leads(1, "2026-11-10 10:00:00")
        self.make_alert()
        self.run_alerts()
        self.assertFalse(self.notified(self.mona))
        self.assertEqual(len(self.activities(self.mona)), 1)

    # --- what is judged ---

    def test_value_below_a_limit(self):
        """A rate is judged while the month runs; a count at its end, and by its forecast before."""
        self.make_leads(3, "2026-11-10 10:00:00", probability=20)
        score = self.make_alert(kpi_id=self.rate.id, condition="value", threshold=30)
        self.assertEqual(score.operator, "below")
        count = self.make_alert(condition="value", threshold=5)
        forecast = self.make_alert(condition="forecast", threshold=5)
        above = self.make_alert(condition="value", operator="above", threshold=2)
        self.run_alerts()
        [case] = score.case_ids
        self.assertEqual((case.user_id, case.value, case.reference), (self.ann, 20, 30))
        self.assertEqual(case.reason_text, "20 is below 30")
        self.assertFalse(count.case_ids, "October was not computed")
        # 3 leads × 21 / 13.5 = 4.7 of Ann, 0 of Bob
        self.assertEqual(forecast.case_ids.user_id, self.ann | self.bob)
        self.assertEqual(above.case_ids.user_id, self.ann)
        with freeze_time("2026-12-01 11:00:00"):
            self.period("month", "2026-12-01")
            self.run_alerts()
            self.assertEqual(count.case_ids.user_id, self.ann | self.bob)
            self.assertEqual(set(count.case_ids.mapped("value")), {3, 0})
            self.assertEqual(score.case_ids.state, "firing", "no value yet: nothing changes")

    def test_first_day_and_few_records(self):
        with freeze_time("2026-11-02 16:00:00"):
            self.goal()
            self.make_leads(1, "2026-11-02 10:00:00", probability=20)
            self.make_alert()
            self.make_alert(kpi_id=self.rate.id, condition="value", threshold=30)
            self.make_alert(condition="forecast", threshold=99)
            self.run_alerts()
            self.assertFalse(self.cases.search([]))
        with freeze_time(NOON):
            self.run_alerts()
            # one record, and two are needed
            self.assertEqual(set(self.cases.search([]).kpi_id), set(self.count))

    def test_change(self):
        """Against the same working days of the month before."""
        october = self.period("month", "2026-10-01")
        self.make_leads(20, "2026-10-05 10:00:00")
        self.make_leads(50, "2026-10-30 10:00:00")
        self.make_leads(8, "2026-11-10 10:00:00")
        falls = self.make_alert(condition="change", share=0.5)
        little = self.make_alert(condition="change", share=0.7)
        self.env["crm.kpi.period"].with_company(self.company)._ensure_same_parts(
            fields.Datetime.now()
        )
        self.assertTrue(october)
        self.run_alerts()
        [case] = falls.case_ids
        self.assertEqual((case.value, case.reference), (8, 20))
        self.assertFalse(little.case_ids)

    def test_milestone(self):
        self.goal(target=20)
        alert = self.make_alert(condition="milestone", milestone="50")
        self.make_leads(9, "2026-11-10 10:00:00")
        self.run_alerts()
        self.assertFalse(alert.case_ids)
        leads = self.make_leads(1, "2026-11-11 10:00:00")
        self.run_alerts()
        self.assertEqual(alert.case_ids.state, "firing")
        leads.unlink()
        for _refresh in range(5):
            self.run_alerts()
        self.assertEqual(len(self.notified(self.mona)), 1)

    def test_no_data_and_stale(self):
        with freeze_time("2026-11-10 12:00:00"):
            self.make_leads(1, "2026-11-10 10:00:00")
            self.refresh()
        silent = self.make_alert(condition="no_data", count=7, scope="company")
        patient = self.make_alert(condition="no_data", count=10, scope="company")
        stale = self.make_alert(condition="stale", count=24, scope="company")
        self.run_alerts("stopped", refresh=False)
        self.assertEqual(stale.case_ids.state, "firing", "the refresh does not come to its end")
        self.assertFalse(silent.case_ids)
        self.run_alerts(refresh=False)
        self.assertEqual(silent.case_ids.state, "firing")
        self.assertFalse(patient.case_ids)
        self.make_leads(1, "2026-11-18 10:00:00")
        for _refresh in range(3):
            self.run_alerts()
        self.assertEqual(silent.case_ids.state, "recovered")
        self.assertEqual(
            stale.case_ids.state, "recovered", "nothing was due, the figures are current"
        )

    def test_records_and_signal(self):
        alert = self.make_alert(condition="records", count=3)
        signal = self.make_alert(condition="signal", scope="company")
        for number, count in enumerate((3, 4, 3, 4, 3, 4, 40), start=4):
            self.period("month", f"2026-{number:02}-01")
            self.make_leads(count, f"2026-{number:02}-10 10:00:00")
        self.run_alerts()
        self.assertEqual(alert.case_ids.user_id, self.bob, "Ann has 40 in October")
        self.assertEqual(signal.case_ids.signal, "above")
        self.assertIn("Above the usual range", signal.case_ids.reason_text)

    # --- what never fires ---

    def test_unfinished_refresh(self):
        self.goal()
        self.make_leads(1, "2026-11-10 10:00:00")
        self.make_alert()
        for state in ("running", "stopped", "history", "killed"):
            self.run_alerts(state)
            self.assertFalse(self.cases.search([]), state)
        with patch.object(self.registry["crm.kpi.backfill"], "_is_pending", return_value=True):
            self.run_alerts()
            self.assertFalse(self.cases.search([]), "the history is being read")
        self.deliver()
        self.assertTrue(self.cases.search([]), "the last one was finished")
        # the same run is not judged twice
        alert = self.make_alert(wait=2)
        self.run_alerts()
        self.deliver()
        self.deliver()
        self.assertEqual(alert.case_ids.state, "pending")

    def test_failed_kpi(self):
        self.goal()
        self.make_leads(1, "2026-11-10 10:00:00")
        self.make_alert()
        self.refresh()
        self.count.last_error = "broken"
        self.run_alerts(refresh=False)
        self.assertFalse(self.cases.search([]))

    def test_one_broken_rule(self):
        self.goal()
        self.make_leads(1, "2026-11-10 10:00:00")
        broken, good = self.make_alert(condition="milestone"), self.make_alert()
        broken.flush_recordset()
        self.env.cr.execute("UPDATE crm_kpi_alert SET milestone = 'x' WHERE id = %s", [broken.id])
        broken.invalidate_recordset()
        with mute_logger("odoo.addons.crm_kpi.alerts.run"):
            self.run_alerts()
        self.assertEqual(good.case_ids.state, "firing")
        self.assertIn("invalid literal", broken.last_error)
        health = self.env["crm.kpi.health"].search([("kind", "=", "alert")])
        self.assertEqual(health.res_id, broken.id)
        broken.milestone = "50"
        self.run_alerts()
        self.assertFalse(broken.last_error)

    def test_invalid_rules(self):
        """They switch themselves off, tell their owner, and are shown on Health."""
        self.goal()
        self.make_leads(1, "2026-11-10 10:00:00")
        alert = self.make_alert()
        self.run_alerts()
        self.assertEqual(alert.case_ids.state, "firing")
        self.north.active = False  # its members moved to another team
        self.run_alerts()
        self.assertFalse(alert.active)
        self.assertEqual(alert.last_error, "Sales Team: North is archived. Choose another.")
        self.assertEqual(alert.case_ids.state, "over")
        self.assertFalse(self.activities(self.mona))
        self.assertIn("North is archived", self.notified(self.mona)[-1])
        health = self.env["crm.kpi.health"].search([("kind", "=", "alert")])
        self.assertEqual((health.res_id, health.next_try), (alert.id, False))
        self.run_alerts()
        self.assertEqual(len(self.notified(self.mona)), 2, "told once")
        with self.assertRaises(ValidationError):
            alert.active = True
        self.north.active = True
        alert.active = True
        self.assertFalse(alert.last_error)
        self.goals.search([]).action_archive()
        self.count.state = "draft"
        self.run_alerts()
        self.assertIn("not published", alert.last_error)

    def test_archived_people(self):
        self.goal()
        self.make_leads(1, "2026-11-10 10:00:00")
        alert = self.make_alert()
        self.run_alerts()
        self.ann.active = False
        self.run_alerts()
        self.assertEqual(alert.case_ids.state, "over")
        self.mona.active = False
        self.run_alerts()
        self.assertIn("Mona is archived", alert.last_error)

    # --- messages ---

    def test_quiet_hours(self):
        """Messages wait for the working time of each recipient, and are not lost."""
        with freeze_time("2026-11-20 20:00:00"):  # Friday, 21 h in Brussels
            self.goal()
            self.make_leads(1, "2026-11-10 10:00:00")
            self.lea.tz = "America/New_York"
            self.make_alert(is_quiet=True, to_leader=True, to_salesperson=True)
            self.run_alerts()
            due = {message.user_id: message.due_at for message in self.messages.search([])}
            # Monday 7 h in Brussels; 15 h in New York
            self.assertEqual(due[self.mona], datetime(2026, 11, 23, 6))
            self.assertEqual(due[self.lea], datetime(2026, 11, 20, 20))
            self.assertFalse(self.notified(self.mona))
            self.assertEqual(len(self.notified(self.lea)), 1)
            triggers = self.env["ir.cron.trigger"].search(
                [("cron_id", "=", self.env.ref("crm_kpi.ir_cron_alert").id)]
            )
            self.assertIn(datetime(2026, 11, 23, 6), triggers.mapped("call_at"))
        with freeze_time("2026-11-23 05:59:00"):
            self.deliver()
            self.assertFalse(self.notified(self.mona))
        with freeze_time("2026-11-23 06:00:00"):
            self.deliver()
            self.assertEqual(len(self.notified(self.mona)), 1)
            self.assertEqual(len(self.activities(self.mona)), 1)
            self.deliver()
            self.assertEqual(len(self.notified(self.mona)), 1)

    def test_free_day(self):
        """A public holiday of the company, and a calendar of the recipient."""
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Holiday",
                "calendar_id": self.company.resource_calendar_id.id,
                "company_id": self.company.id,
                "date_from": "2026-11-18 23:00:00",
                "date_to": "2026-11-19 23:00:00",
            }
        )
        self.goal()
        self.make_leads(1, "2026-11-10 10:00:00")
        thursdays = self.env["resource.calendar"].create(
            {
                "name": "Thursdays",
                "company_id": self.company.id,
                "tz": "Europe/Brussels",
                "attendance_ids": [
                    Command.create({"name": "Thu", "dayofweek": "3", "hour_from": 9, "hour_to": 17})
                ],
            }
        )
        self.env["resource.resource"].create(
            {
                "name": "Lea",
                "user_id": self.lea.id,
                "company_id": self.company.id,
                "calendar_id": thursdays.id,
            }
        )
        self.make_alert(is_quiet=True, user_ids=[Command.set(self.lea.ids)])
        self.run_alerts()
        due = {message.user_id: message.due_at for message in self.messages.search([])}
        self.assertEqual(due[self.mona], datetime(2026, 11, 20, 6))
        self.assertEqual(due[self.lea], datetime(2026, 11, 19, 11))

    def test_reminder(self):
        self.goal()
        self.make_leads(1, "2026-11-10 10:00:00")
        self.make_alert(remind_days=2)
        for day in (19, 20, 21, 22, 23):
            with freeze_time(f"2026-11-{day} 11:00:00"):
                self.run_alerts()
        bodies = self.notified(self.mona)
        self.assertEqual(len(bodies), 3)
        self.assertIn("still:", bodies[1])
        self.assertEqual(len(self.activities(self.mona)), 1)

    def test_snooze(self):
        self.goal()
        self.make_leads(1, "2026-11-10 10:00:00")
        alert = self.make_alert(remind_days=1)
        self.run_alerts()
        case = alert.case_ids
        wizard = self.env["crm.kpi.alert.snooze"].with_user(self.mona)
        values = {"case_id": case.id, "until": "2026-11-20", "reason": "On leave"}
        wizard.create(values).action_snooze()
        self.assertEqual(
            (case.snooze_until, case.snooze_reason, case.snooze_user_id),
            (fields.Date.to_date("2026-11-20"), "On leave", self.mona),
        )
        self.assertFalse(self.activities(self.mona))
        with freeze_time("2026-11-20 11:00:00"):
            self.run_alerts()
            self.assertEqual(len(self.notified(self.mona)), 1)
        with freeze_time("2026-11-21 11:00:00"):
            self.run_alerts()
            self.assertEqual(len(self.notified(self.mona)), 2)
        with self.assertRaises(AccessError):
            case.with_user(self.ann).action_snooze()
        with self.assertRaisesRegex(UserError, "Until"):
            wizard.create({**values, "until": "2026-11-01"}).action_snooze()

    # --- the page of an alert ---

    def test_page(self):
        """It leads to the number, the reason, the records and what helps."""
        self.count.description = "Call new customers."
        self.count.counter_kpi_id = self.rate
        goal = self.goal()
        leads = self.make_leads(2, "2026-11-10 10:00:00")
        alert = self.make_alert()
        self.run_alerts()
        case = alert.case_ids.with_user(self.ann)
        self.assertEqual(case.value_text, "2")
        self.assertIn("Call new customers.", case.next_step_text)
        self.assertIn(self.rate.name, case.next_step_text)
        action = case.action_open_records()
        self.assertEqual(self.env[action["res_model"]].search(action["domain"]), leads)
        self.assertEqual(case.action_open_goal()["res_id"], goal.id)
        self.assertIn(f"kpi_id={self.count.id}", case.action_open_value()["url"])
        self.assertFalse(case.may_snooze)
        self.assertTrue(alert.case_ids.with_user(self.mona).may_snooze)

    def test_form(self):
        """A manager sets a rule for the team that they lead in a few clicks."""
        self.north.user_id = self.mona
        form = Form(self.alerts.with_user(self.mona).with_company(self.company))
        form.kpi_id = self.count
        alert = form.save()
        self.assertEqual(
            (alert.scope, alert.team_id, alert.user_id), ("users", self.north, self.mona)
        )
        self.assertEqual((alert.condition, alert.status), ("status", "off_track"))
        own = Form(self.alerts.with_user(self.ann).with_company(self.company))
        own.kpi_id = self.count
        self.assertEqual(own.save().scope, "mine")

    def test_used_in(self):
        self.make_alert()
        self.assertEqual(self.count.alert_count, 1)
        self.assertEqual(
            self.alerts.search(self.count.action_open_alerts()["domain"]).kpi_id, self.count
        )

    # --- many ---

    def test_statements(self):
        """500 salespeople × 20 rules: the number of statements depends on neither."""
        counts = {"firing": [], "unchanged": []}
        for people, rules in ((5, 2), (500, 20)):
            self.alerts.search([]).unlink()
            users = self.env["res.users"].create(
                [
                    {
                        "name": f"Rep {people} {number}",
                        "login": f"kpi_rep_{people}_{number}",
                        "company_id": self.company.id,
                        "company_ids": [Command.set(self.company.ids)],
                    }
                    for number in range(people)
                ]
            )
            self.south.member_ids = users
            for _number in range(rules):
                self.make_alert(team_id=self.south.id, condition="forecast", threshold=5)
            self.refresh()
            for kind in counts:
                self.env.flush_all()
                self.env.invalidate_all()
                before = self.env.cr.sql_log_count
                AlertRun(self.env).judge(self.alerts.search([]))
                self.env.flush_all()
                counts[kind].append(self.env.cr.sql_log_count - before)
            firing = self.cases.search_count([("state", "=", "firing")])
            self.assertEqual(firing, people * rules)
        small, large = counts["unchanged"]
        self.assertEqual(small, large)
        self.assertLess(large, 40)
        # new cases and messages are inserted a hundred at a time
        small, large = counts["firing"]
        self.assertLess(large - small, 4 * people * rules / 100)


@tagged("post_install", "-at_install")
@freeze_time(NOON)
class TestAlertRights(AlertCase):
    def test_who_sets_rules(self):
        values = {"kpi_id": self.count.id, "scope": "mine"}
        ann = self.alerts.with_user(self.ann).with_company(self.company)
        own = ann.create(values)
        self.assertEqual(own.user_id, self.ann)
        for refused in (
            {"scope": "company"},
            {"scope": "users", "team_id": self.north.id},
            {"user_id": self.bob.id},
        ):
            with self.subTest(refused=refused), self.assertRaises(AccessError):
                ann.create({**values, **refused})
        with self.assertRaisesRegex(ValidationError, "only KPI managers"):
            own.user_ids = self.bob
        with self.assertRaises(AccessError):
            own.last_error = "x"
        # the leader of a team, who is no manager
        lea = self.alerts.with_user(self.lea).with_company(self.company)
        lea.create({**values, "scope": "users", "team_id": self.north.id})
        with self.assertRaises(AccessError):
            lea.create({**values, "scope": "users", "team_id": self.south.id})
        # managers: own rules of all kinds; they read those of others
        mona = self.alerts.with_user(self.mona).with_company(self.company)
        team = mona.create(
            {**values, "scope": "users", "team_id": self.north.id, "to_salesperson": True}
        )
        self.assertIn(own, mona.search([]))
        with self.assertRaises(AccessError):
            own.with_user(self.mona).wait = 2
        self.assertNotIn(team, ann.search([]))
        ada = self.make_user("Ada", "crm_kpi.group_kpi_admin")
        own.with_user(ada).wait = 2
        with self.assertRaises(AccessError):
            team.with_user(ada).read(["action_id"])

    def test_cases_are_read_as_values(self):
        for user in (self.ann, self.bob):
            self.goal(user_id=user.id)
        self.make_leads(1, "2026-11-10 10:00:00")
        self.make_alert()
        self.run_alerts()
        self.assertEqual(self.cases.with_user(self.ann).search([]).user_id, self.ann)
        self.assertEqual(len(self.cases.with_user(self.mona).search([])), 2)
        self.assertFalse(self.cases.with_user(self.cid).search([]))
        self.count.group_ids = self.env.ref("crm_kpi.group_kpi_admin")
        self.assertFalse(self.cases.with_user(self.mona).search([]))
        with self.assertRaises(AccessError):
            self.cases.search([])[:1].with_user(self.mona).write({"state": "over"})


@tagged("post_install", "-at_install")
class TestAlertCalls(GoalCommon, HttpCase):
    """The same from outside, as each role."""

    def call(self, user, method, *args):
        """The answer of a call by RPC, or the name of the error."""
        self.env.flush_all()
        user.password = user.login
        self.authenticate(user.login, user.login)
        with mute_logger("odoo.http"):
            return self._post(method, args)

    def _post(self, method, args):
        response = self.url_open(
            "/web/dataset/call_kw",
            data=json.dumps(
                {"params": {"model": "crm.kpi.alert", "method": method, "args": args, "kwargs": {}}}
            ),
            headers={"Content-Type": "application/json"},
        ).json()
        if "error" in response:
            return response["error"]["data"]["name"].rpartition(".")[2]
        return response["result"]

    def test_roles(self):
        mona = self.make_user("Mona", "sales_team.group_sale_manager")
        ada = self.make_user("Ada", "crm_kpi.group_kpi_admin")
        mia = self.make_user("Mia", "base.group_user")
        mine = {"kpi_id": self.count.id, "scope": "mine"}
        team = {"kpi_id": self.count.id, "scope": "users", "team_id": self.north.id}
        of_ann = {**mine, "user_id": self.ann.id}
        for user, values, accepted in (
            (self.ann, mine, True),
            (self.ann, team, False),
            (self.ann, {**mine, "user_id": self.bob.id}, False),
            (mona, team, True),
            (mona, {**team, "to_salesperson": True}, True),
            (mona, of_ann, False),
            (ada, of_ann, True),
            (mia, mine, False),
        ):
            with self.subTest(user=user.name, values=values):
                answer = self.call(user, "create", [values])
                if accepted:
                    self.assertIsInstance(answer, list, answer)
                else:
                    self.assertEqual(answer, "AccessError")
        [rule] = self.env["crm.kpi.alert"].search([("user_id", "=", self.ann.id)], limit=1)
        for user, accepted in ((self.bob, False), (mona, False), (self.ann, True), (ada, True)):
            answer = self.call(user, "write", rule.ids, {"wait": 2})
            self.assertEqual(answer, True if accepted else "AccessError", user.name)


@tagged("post_install", "-at_install")
@freeze_time("2026-11-19 11:00:00")
class TestRehearsal(AlertCase):
    VALUES = (3, 9, 2, 2, 8, 1, 9, 9, 2, 9, 1, 1, 1)  # October 2025 to October 2026

    def months(self):
        first = fields.Date.to_date("2025-10-01")
        return [first + timedelta(days=31 * n) for n in range(13)]

    def fill(self):
        for day, count in zip(self.months(), self.VALUES, strict=True):
            self.period("month", day.replace(day=1))
            self.make_leads(count, f"{day:%Y-%m}-10 10:00:00")
        self.refresh()

    def rehearse(self, alert, user=None):
        from ..alerts.rehearsal import rehearse

        return rehearse(alert.with_user(user or self.mona).with_company(self.company))

    def test_equals_a_replay(self):
        """Period by period in plain Python: told at each change, until it has recovered."""
        self.fill()
        alert = self.make_alert(condition="value", threshold=5, scope="company")
        expected, firing = [], None
        for index, value in list(enumerate(self.VALUES))[1:]:  # the last twelve months
            month = self.months()[index].replace(day=1)
            end = (month + timedelta(days=32)).replace(day=1)
            if value < 5 and firing is None:
                firing = [end, value, None]
                expected.append(firing)
            elif value >= 5 * 1.05 and firing:
                firing[2] = (end - firing[0]).days
                firing = None
        found = [[one.day, one.value, one.days] for one in self.rehearse(alert)]
        self.assertEqual(found, expected)
        self.assertEqual(len(found), 4)
        self.assertEqual(found[-1][2], None, "it lasts")
        html = alert.with_user(self.mona).new({"rehearse": True}, origin=alert).rehearsal
        self.assertIn("4 messages in the last twelve months; 75\u00a0% of them", html)
        self.assertIn("Mona", html)

    def test_goals(self):
        self.fill()
        for day in self.months()[1:]:
            month = self.period("month", day.replace(day=1))
            self.make_goal(period_id=month.id, target=5, kind="at_least")
        alert = self.make_alert()
        found = self.rehearse(alert)
        missed = [value for value in self.VALUES[1:] if value < 5]
        self.assertEqual([one.value for one in found], missed)

    def test_values_as_they_were_known(self):
        """A locked value that was replaced counts as it was reported."""
        self.fill()
        month = self.period("month", "2025-11-01")  # 9 leads
        alert = self.make_alert(condition="value", threshold=5, scope="company")
        self.assertEqual(self.rehearse(alert)[0].value, 2, "December")
        self.env["crm.kpi.restatement"].create(
            {
                "kpi_id": self.count.id,
                "period_id": month.id,
                "company_id": self.company.id,
                "level": "company",
                "value_locked": 4,
                "value_now": 9,
                "reason": "late",
                "date": "2026-01-15 00:00:00",
            }
        )
        found = self.rehearse(alert)
        self.assertEqual((found[0].period, found[0].value), (month, 4))

    def test_rights_of_the_reader(self):
        self.fill()
        alert = self.make_alert(condition="value", threshold=5, user_id=self.cid.id, scope="users")
        self.assertTrue(self.rehearse(alert))
        self.assertFalse(self.rehearse(alert, self.cid), "Cid may not read the values of North")
