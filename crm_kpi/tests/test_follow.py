# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Mails to users who follow a KPI or a board: what they say, when, and to whom."""

import ast
import doctest
from datetime import datetime
from unittest.mock import patch

from lxml.html import fromstring

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import BaseCase, Form, freeze_time, tagged
from odoo.tools import mute_logger

from odoo.addons.crm_kpi.engine import schedule
from odoo.addons.crm_kpi.follow import changes

from .common_board import BoardCase

#: Monday 20 and 27 April 2026, 7 o'clock in Brussels, and a minute later.
MONDAY, NEXT_MONDAY = "2026-04-20 05:01:00", "2026-04-27 05:01:00"
#: Values of April 2025 to March 2026. Limits: 30 ± 2.66 × 60 / 11, from 15.5.
LOW_MARCH = (30, 34, 30, 34, 30, 34, 30, 34, 30, 34, 30, 10)


class TestChanges(BaseCase):
    def test_doctests(self):
        for module in (changes, schedule):
            result = doctest.testmod(module, extraglobs={"datetime": datetime})
            self.assertGreater(result.attempted, 0)
            self.assertEqual(result.failed, 0)

    def told(self, *statuses):
        """What is told of a goal after each mail, as ``(kind, trend)`` or nothing."""
        before, result = changes.Seen({}), []
        for status in statuses:
            seen = changes.Seen({"1": status} if status else {})
            found = changes.find_changes(before, seen)
            self.assertLessEqual(len(found), 1)
            result.append((found[0].kind, found[0].trend) if found else None)
            before = changes.told_now(before, seen)
        return result

    def test_a_month_of_a_goal(self):
        """Each verdict once, the first one only where it is not as it should be."""
        worse, better = ("forecast", "worse"), ("forecast", "better")
        for statuses, expected in (
            (["too_early", "on_track", "achieved"], [None, None, ("goal", "better")]),
            (["too_early", "at_risk", "off_track", "missed"],
             [None, worse, ("goal", "worse"), ("goal", "worse")]),
            (["off_track", "on_track", "on_track", "off_track"], [worse, better, None, worse]),
            # between two verdicts there is none: the second one is told only if it is another one
            (["at_risk", "too_few", "at_risk", "no_data", "on_track"],
             [worse, None, None, None, better]),
            (["achieved", "on_track"], [("goal", "better"), ("goal", "worse")]),
            (["on_track", "counter_missed", "on_track", "at_risk", "counter_missed"],
             [None, ("goal", "worse"), ("goal", "better"), worse, ("goal", "better")]),
            (["no_data", "too_few", "too_early"], [None, None, None]),
        ):  # fmt: skip
            with self.subTest(statuses=statuses):
                self.assertEqual(self.told(*statuses), expected)

    def test_signal_before_extreme(self):
        seen = changes.Seen({}, "2026-03 above", "2026-03 high")
        self.assertEqual(changes.find_changes(changes.Seen({}), seen), [changes.Change("signal")])
        told = changes.told_now(changes.Seen({}), seen)
        self.assertEqual(changes.find_changes(told, seen), [])
        # a flag that is gone for a day is not told again
        gone = changes.told_now(told, changes.Seen({}))
        self.assertEqual(changes.find_changes(gone, seen), [])
        april = changes.Seen({}, "", "2026-04 high")
        self.assertEqual(changes.find_changes(gone, april), [changes.Change("extreme")])

    def test_extreme_value(self):
        for values, expected in (
            ([7, 6, 5, 4, 3, 2], "high"),
            ([1, 6, 5, 4, 3, 2], "low"),
            ([6, 6, 5, 4, 3, 2], ""),
            ([2, 6, 5, 4, 3, 2], ""),
            ([4, 6, 5, 4, 3, 2], ""),
            ([0, 0, 0, 0, 0, 0], ""),
            ([9, 1, 1, 1, 1], ""),
            ([], ""),
        ):
            self.assertEqual(changes.extreme_value(values), expected, values)


class FollowCase(BoardCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # what waits on its leads is no part of the examples; stored values stay
        cls.env["crm.lead"].search([("company_id", "=", cls.company.id)]).active = False
        cls.last_run = cls.env["crm.kpi.run"].create(
            {"kind": "refresh", "date": fields.Datetime.now(), "state": "done"}
        )
        for user in cls.mia | cls.ann:
            user.write({"email": f"{user.login}@example.com", "tz": "Europe/Brussels"})
        cls.env.flush_all()

    def follows(self, user=None):
        return self.env["crm.kpi.follow"].with_user(user or self.mia).with_company(self.company)

    def follow(self, subject, user=None, frequency="weekly", **filters):
        """Follow a KPI or a board, by default with the months of the company."""
        name = "kpi_id" if subject._name == "crm.kpi" else "board_id"
        filters = {"scope": "company", "period_kind": "month", **filters}
        self.env.flush_all()
        follows = self.follows(user)
        before = follows.search([])
        self.assertTrue(follows.toggle(filters, **{name: subject.id})["followed"])
        found = follows.search([]) - before
        found.frequency = frequency
        return found.sudo()

    def goal(self, kpi, target, day="2026-04-15", **values):
        return self.env["crm.kpi.goal"].create(
            {
                "kpi_id": kpi.id,
                "period_id": self.period("month", day).id,
                "kind": "at_least",
                "target": target,
                **values,
            }
        )

    def send(self, at=MONDAY, refreshed=None):
        """Run the scheduled action; the mails that it makes, by user.

        :param refreshed: when the latest refresh began, by default just before
        """
        self.last_run.date = refreshed or at
        model = self.env["mail.mail"]
        before = model.search([])
        self.env.flush_all()
        self.env.invalidate_all()
        with (
            freeze_time(at),
            patch.object(self.registry["ir.cron"], "_commit_progress", return_value=1),
        ):
            self.env["crm.kpi.follow"]._cron_send()
        mails = model.search([]) - before
        return {
            user: mails.filtered(lambda mail, user=user: mail.email_to == user.email_formatted)
            for user in self.env["res.users"].search([("email", "!=", False)])
            if user.email_formatted in mails.mapped("email_to")
        }

    def texts(self, mail):
        """The text of a mail, and the addresses of its links by their text."""
        page = fromstring(mail.body_html)
        for style in page.xpath("//style"):
            style.drop_tree()

        def text(element):
            return " ".join(" ".join(element.itertext()).split())

        return text(page), {text(link): link.get("href") for link in page.iter("a")}

    def store(self, kpi, values):
        """Set the values of the complete months of a KPI, the last one March 2026."""
        months = self.period("month", "2026-03-01")
        while len(months) < len(values):
            months += months[-1:]._previous()[months[-1:]]
        for month, value in zip(months, reversed(values), strict=True):
            self.env.cr.execute(
                """UPDATE crm_kpi_value SET value = %s, record_count = 50
                    WHERE kpi_id = %s AND period_id = %s AND level = 'company'""",
                [value, kpi.id, month.id],
            )
            self.assertEqual(self.env.cr.rowcount, 1, month.name)
        self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestFollow(FollowCase):
    # --- WHAT CHANGED ---

    def test_forecast_crosses_the_target(self):
        """6 leads in 10 of 22 working days: a forecast of 13."""
        goal = self.goal(self.leads, 12)
        self.assertEqual(goal.status, "on_track")
        self.follow(self.leads, frequency="daily")
        self.assertEqual(self.send("2026-04-16 05:01:00"), {}, "nothing changed")
        goal.target = 20
        self.assertEqual(goal.status, "off_track")
        [mail] = self.send("2026-04-17 05:01:00")[self.mia]
        self.assertEqual(mail.subject, "Leads: Forecast 13 misses the target ≥\u00a020")
        text, links = self.texts(mail)
        self.assertIn("Worse · April 2026 · KPI company", text)
        # the figures are in the body
        self.assertIn("Target ≥ 20 ▼ Off track", text)
        self.assertIn(f"kpi_id={self.leads.id}", links["Leads"])
        self.assertIn("scope=company", links["Leads"])
        # told once
        self.assertEqual(self.send("2026-04-18 05:01:00"), {})
        goal.target = 12
        [mail] = self.send("2026-04-19 05:01:00")[self.mia]
        self.assertIn("Better · April 2026", self.texts(mail)[0])

    def test_counter_metric(self):
        """A goal that is met while its counter-metric misses its own one is told."""
        goal = self.goal(self.share, 0.2)
        self.assertEqual(goal.status, "on_track")
        self.follow(self.share)
        self.goal(self.leads, 99)
        self.env["crm.kpi"]._refresh(goal.period_id, self.share | self.leads)
        self.assertTrue(goal.counter_missed)
        [mail] = self.send()[self.mia]
        self.assertEqual(
            mail.subject.replace("\u00a0", " "),
            "share: On track – but Leads is off track: 33 %, target ≥ 20 %",
        )
        self.assertEqual(self.send(NEXT_MONDAY), {})

    def test_goal_of_the_latest_complete_period(self):
        """5 leads in March: known at the end of the month, told although the board shows April."""
        self.follow(self.leads)
        self.goal(self.leads, 4, "2026-03-15")
        self.goal(self.leads, 9, "2026-02-15")
        [mail] = self.send()[self.mia]
        text, _links = self.texts(mail)
        self.assertEqual(mail.subject, "Leads: Achieved: 5, target ≥\u00a04")
        self.assertIn("Better · March 2026 · KPI company", text)
        self.assertNotIn("February", text)

    def test_what_is_known_is_not_told(self):
        """What the screen shows when a user follows a KPI is no change."""
        self.goal(self.leads, 20)
        self.store(self.leads, LOW_MARCH)
        self.follow(self.leads)
        self.assertEqual(self.send(), {})

    def test_signal(self):
        self.follow(self.leads)
        self.store(self.leads, LOW_MARCH)
        [mail] = self.send()[self.mia]
        self.assertEqual(mail.subject, "Leads: Below the usual range: March 2026")
        self.assertIn("Worse · 10 · KPI company", self.texts(mail)[0])
        self.assertEqual(self.send(NEXT_MONDAY), {})

    def test_extreme(self):
        """19 is the lowest of the complete months of a sparkline, within the usual range."""
        self.follow(self.leads)
        self.store(self.leads, (21, 33, 21, 32, 20, 33, 21, 32, 20, 33, 32, 19))
        [mail] = self.send()[self.mia]
        self.assertEqual(mail.subject, "Leads: Lowest of the last 11 values: 19")
        self.assertIn("Worse · March 2026 · KPI company", self.texts(mail)[0])
        self.assertEqual(self.send(NEXT_MONDAY), {})

    def test_three_changes(self):
        """Bad news first, a number for the rest, and nothing of it a second time."""
        self.follow(self.board)
        for kpi, target in ((self.leads, 5), (self.amount, 99999)):
            self.goal(kpi, target)
            self.goal(kpi, target, "2026-03-15")
        [mail] = self.send()[self.mia]
        text, _links = self.texts(mail)
        # April and March of two KPIs; 5 leads in March are not fewer than 5
        self.assertIn("1 more change", text)
        self.assertLess(text.index("Missed"), text.index("Achieved"))
        self.assertEqual(self.send(NEXT_MONDAY), {})

    def test_failing_kpi(self):
        """While a KPI fails, nothing is told; the change is told afterwards."""
        self.follow(self.leads)
        self.store(self.leads, LOW_MARCH)
        self.leads.last_error = "division by zero"
        self.assertEqual(self.send(), {})
        self.leads.last_error = False
        self.assertEqual(set(self.send(NEXT_MONDAY)), {self.mia})

    # --- RECORDS ---

    def late_deal(self, name, user, amount=300, deadline="2026-04-10"):
        lead = self.make_lead(
            "2026-03-01 10:00:00",
            name=name,
            user_id=user.id,
            team_id=self.north.id,
            expected_revenue=amount,
            date_deadline=deadline,
        )
        self.backdate(lead, kpi_response_waiting=False)
        return lead

    def test_records(self):
        """Records that wait are listed with links, the most valuable first, once."""
        self.follow(self.leads, frequency="daily")
        self.follow(self.leads, self.ann, frequency="daily", scope="mine")
        small, large = (
            self.late_deal(name, who, amount)
            for name, who, amount in (("Small", self.ann, 5), ("Large", self.bob, 900))
        )
        mails = self.send()
        text, links = self.texts(mails[self.mia])
        self.assertEqual(mails[self.mia].subject, "2 deals are past their expected closing")
        self.assertLess(text.index("Large"), text.index("Small"))
        self.assertIn("$ 900 expected revenue", text.replace("\u00a0", " "))
        self.assertTrue(links["Large"].endswith(f"/odoo/crm.lead/{large.id}"))
        # Ann has her own records only
        text, links = self.texts(mails[self.ann])
        self.assertIn("1 deal is past its expected closing", text)
        self.assertNotIn("Large", text)
        self.assertTrue(links["Small"].endswith(f"/odoo/crm.lead/{small.id}"))
        # the same records are no news, another one is
        self.assertEqual(self.send("2026-04-21 05:01:00"), {})
        self.late_deal("Other", self.bob)
        self.assertEqual(set(self.send("2026-04-22 05:01:00")), {self.mia})

    def test_at_most_five_records(self):
        """Topics take turns, a record is named once, and the heading has the whole number."""
        for index in range(7):
            self.late_deal(f"Deal {index}", self.ann, 100 * index)
        waiting = self.late_deal("Waiting", self.ann, deadline=False)
        self.backdate(waiting, kpi_response_waiting=True, kpi_response_start="2026-04-02 22:30:00")
        follow = self.follow(self.leads)
        records = follow._news().records
        self.assertEqual([len(found.records) for found in records], [1, 4])
        self.assertEqual(
            [found.text for found in records],
            ["1 lead waits for a first response", "7 deals are past their expected closing"],
        )
        self.assertEqual(records[0].records[0].detail, "since Apr 3, 2026")
        self.assertEqual(
            [record.name for record in records[1].records], [f"Deal {i}" for i in (6, 5, 4, 3)]
        )
        # also overdue: still named once
        waiting.activity_schedule("mail.mail_activity_data_todo", "2026-04-10")
        ids = [key for found in follow._news().records for key in [r.id for r in found.records]]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertEqual(len(ids), 5)

    # --- ONE MAIL ---

    def test_one_mail_for_each_frequency(self):
        """All that is followed with one frequency comes together, at its time."""
        self.follow(self.leads)
        self.follow(self.share)
        self.follow(self.board, scope="team", team_id=self.south.id)
        self.follow(self.amount, frequency="monthly")
        self.goal(self.leads, 20)
        self.goal(self.amount, 99999)
        [mail] = self.send()[self.mia]
        text, links = self.texts(mail)
        self.assertIn("You follow: Leads · KPI company, ", text)
        self.assertIn("Leads · South", text)
        self.assertNotIn("amount · KPI company", text)
        self.assertIn("Every Monday", text)
        self.assertIn(f"board_id={self.board.id}", links["Open Leads · South"])
        texts = [self.texts(mail)[0] for mail in self.send("2026-05-01 05:01:00")[self.mia]]
        [text] = [text for text in texts if "Every month" in text]
        self.assertIn("You follow: amount · KPI company.", text)

    def test_workbook_on_request(self):
        """The mail has no file; its link makes the workbook of the same KPIs and filters."""
        self.follow(self.leads)
        self.goal(self.leads, 20)
        [mail] = self.send()[self.mia]
        self.assertFalse(mail.attachment_ids)
        address = self.texts(mail)[1]["Excel workbook"]
        self.assertIn(f"kpi_ids={self.leads.id}", address)

    def test_company_and_own_values(self):
        """Each follower reads the own figures: Ann has 3 of the 6 leads."""
        self.follow(self.leads, self.ann, scope="mine")
        self.follow(self.leads)
        self.goal(self.leads, 20)
        self.goal(self.leads, 20, scope="user", user_id=self.ann.id)
        for user, value, name in ((self.ann, "3", "Ann"), (self.mia, "6", "KPI company")):
            news = self.follows(user).search([])._news()
            [figure] = news.figures
            self.assertEqual(figure.value_text, value)
            self.assertEqual(figure.note, f"April 2026 · {name}")
            self.assertEqual(news.figures_note, figure.note)
            self.assertEqual(len(news.items), 1)

    # --- TO WHOM ---

    def test_rights(self):
        """Nothing of a KPI, of values or of people that the follower may not read any more."""
        self.follow(self.leads)
        self.follow(self.share)
        self.goal(self.leads, 20)
        self.goal(self.share, 0.9)
        self.leads.group_ids = self.env.ref("base.group_system")
        [mail] = self.send()[self.mia]
        text, _links = self.texts(mail)
        self.assertIn("share", text)
        self.assertNotIn("Leads", text)
        names = self.follows().search([]).mapped("display_name")
        self.assertEqual(set(names), {"share · KPI company", "No access any more · KPI company"})

    def test_values_of_others(self):
        """A salesperson gets no values of the company that the KPI does not share."""
        follow = self.follow(self.leads, self.ann)
        team = self.follow(self.leads, self.ann, scope="team", team_id=self.south.id)
        self.goal(self.leads, 20)
        self.goal(self.leads, 20, scope="team", team_id=self.south.id)
        self.leads.visibility = "own"
        self.assertEqual(self.send(), {})
        # nor of a team that the follower does not belong to
        self.assertEqual(follow._news().figures, [])
        self.assertEqual(team._news().watched, [])

    def test_no_access(self):
        with self.assertRaises(AccessError):
            self.follows(self.ann).create({"user_id": self.bob.id, "kpi_id": self.leads.id})
        self.follow(self.leads)
        self.assertFalse(self.follows(self.ann).search([]))
        self.leads.group_ids = self.env.ref("base.group_system")
        with self.assertRaises(AccessError):
            self.follows(self.ann).toggle({"scope": "mine"}, kpi_id=self.leads.id)
        with self.assertRaises(UserError):
            self.follows(self.ann).toggle({"scope": "mine"})

    def test_who_gets_no_mail(self):
        """Archived users, users who left the KPIs or the company, and users without email."""
        other = self.env["res.company"].create({"name": "Other"})
        for name, change in (
            ("Eve", {"active": False}),
            ("Fay", {"group_ids": [Command.set(self.env.ref("base.group_user").ids)]}),
            ("Gus", {"email": False}),
            ("Hal", {"company_id": other.id, "company_ids": [Command.set(other.ids)]}),
            ("Ida", {}),
        ):
            user = self.make_user(name, "sales_team.group_sale_manager")
            user.email = f"{name}@example.com"
            self.follow(self.leads, user)
            user.write(change)
        self.goal(self.leads, 20)
        self.assertEqual([user.name for user in self.send()], ["Ida"])

    def test_no_email(self):
        self.mia.email = False
        with self.assertRaisesRegex(UserError, "Email: you have none"):
            self.follows().toggle({"scope": "company"}, kpi_id=self.leads.id)

    def test_neutralised(self):
        follow = self.follow(self.leads)
        self.goal(self.leads, 20)
        self.env["ir.config_parameter"].set_param("database.is_neutralized", "true")
        self.assertEqual(self.send(), {})
        self.assertEqual(follow.next_date, datetime(2026, 4, 20, 5))

    def test_unfinished_refresh(self):
        """Mails wait until the refresh or the back-fill is complete, and are sent then."""
        follow = self.follow(self.leads)
        self.goal(self.leads, 20)
        for state in ("running", "stopped", "history"):
            self.last_run.state = state
            self.assertEqual(self.send(), {}, state)
        self.assertEqual(follow.next_date, datetime(2026, 4, 20, 5))
        cron = self.env.ref("crm_kpi.ir_cron_follow")
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)])
        self.assertIn(datetime(2026, 4, 20, 5, 11), triggers.mapped("call_at"))
        self.last_run.state = "done"
        part = self.env["crm.kpi.backfill"].create({"name": "leads", "total": 5})
        self.assertEqual(self.send(), {})
        part.unlink()
        # the last values of a day or month that ended at midnight follow with the next refresh
        self.assertEqual(self.send(refreshed="2026-04-19 21:59:00"), {})
        self.assertEqual(set(self.send(refreshed="2026-04-19 22:00:00")), {self.mia})

    @mute_logger("odoo.addons.crm_kpi.models.follow.crm_kpi_follow")
    def test_failure(self):
        """A failure for one user does not stop the others; what was not told is told next time."""
        self.follow(self.leads)
        self.follow(self.leads, self.ann)
        self.goal(self.leads, 20)
        model = self.registry["crm.kpi.follow"]
        make = model._mail

        def fail(follows, news):
            if follows.user_id == self.mia:
                follows.env.cr.execute("SELECT 1/0")
            make(follows, news)

        with patch.object(model, "_mail", fail), mute_logger("odoo.sql_db"):
            self.assertEqual(set(self.send()), {self.ann})
        self.assertEqual(set(self.send(NEXT_MONDAY)), {self.mia})

    # --- WHEN, AND IN WHICH LANGUAGE ---

    def test_three_time_zones(self):
        """Seven o'clock on both sides of a change of the clock; the company is in Brussels."""
        follow = self.follow(self.leads)
        for tz, frequency, moment, expected in (
            ("Europe/Brussels", "weekly", (2026, 10, 16), (2026, 10, 19, 5)),
            ("Europe/Brussels", "weekly", (2026, 10, 23), (2026, 10, 26, 6)),
            ("Europe/Brussels", "daily", (2026, 10, 24, 5), (2026, 10, 25, 6)),
            ("Europe/Brussels", "monthly", (2026, 10, 10), (2026, 11, 1, 6)),
            ("America/New_York", "weekly", (2026, 10, 23, 12), (2026, 10, 26, 11)),
            ("America/New_York", "weekly", (2026, 10, 30, 12), (2026, 11, 2, 12)),
            ("America/New_York", "daily", (2026, 10, 31, 11), (2026, 11, 1, 12)),
            ("America/New_York", "monthly", (2026, 10, 31, 12), (2026, 11, 1, 12)),
            ("Australia/Sydney", "daily", (2026, 10, 1, 22), (2026, 10, 2, 21)),
            ("Australia/Sydney", "daily", (2026, 10, 2, 22), (2026, 10, 3, 20)),
            # Monday in Sydney is Sunday in Brussels: the last week is over on Tuesday
            ("Australia/Sydney", "weekly", (2026, 10, 2, 22), (2026, 10, 5, 20)),
            ("Australia/Sydney", "weekly", (2026, 10, 5, 20), (2026, 10, 12, 20)),
            ("Australia/Sydney", "monthly", (2026, 10, 10), (2026, 11, 1, 20)),
        ):
            with self.subTest(tz=tz, frequency=frequency, moment=moment):
                self.mia.tz = tz
                follow.frequency = frequency
                self.assertEqual(follow._after(datetime(*moment)), datetime(*expected))
        self.mia.tz = "America/New_York"
        follow.frequency = "weekly"
        self.assertEqual(follow.next_date, datetime(2026, 4, 20, 11))
        self.mia.tz = False
        self.assertEqual(follow.next_date, datetime(2026, 4, 20, 5))

    def test_frequency(self):
        """From Wednesday 15 April: daily, on Monday the 20th, on 1 May."""
        goal = self.goal(self.leads, 12)
        follow = self.follow(self.leads, frequency="daily")
        for frequency, first in (
            ("daily", "2026-04-16 05:00:00"),
            ("weekly", "2026-04-20 05:00:00"),
            ("monthly", "2026-05-01 05:00:00"),
        ):
            follow.write({"frequency": frequency, "told": {str(self.leads.id): [{}, "", ""]}})
            goal.target = 20
            at = fields.Datetime.to_datetime(first)
            self.assertEqual(follow.next_date, at)
            self.assertEqual(self.send(at.replace(hour=4, minute=59)), {})
            self.assertEqual(set(self.send(at)), {self.mia})
            self.assertEqual(self.send(at), {}, "once")
            self.assertGreater(follow.next_date, at)

    def test_language(self):
        """In the language of the follower, also from right to left."""
        for lang in ("fr_FR", "ar_001"):
            self.env["res.lang"]._activate_lang(lang)
        self.mia.lang, self.ann.lang = "fr_FR", "ar_001"
        self.follow(self.leads)
        self.follow(self.leads, self.ann)
        self.goal(self.leads, 20)
        mails = self.send()
        self.assertIn("avril 2026", mails[self.mia].body_html.lower())
        self.assertIn('lang="fr-FR" dir="ltr"', mails[self.mia].body_html)
        self.assertIn('lang="ar-001" dir="rtl"', mails[self.ann].body_html)
        # a number keeps its place beside its sign
        self.assertIn("\u2068≥ \u206820\u2069\u2069", mails[self.ann].body_html)

    # --- FOLLOWING ---

    def test_toggle(self):
        """One click follows, the next one stops; other filters are another subject."""
        filters = self.show()["filters"]
        self.assertFalse(self.show()["board"]["followed"])
        answer = self.follows().toggle(filters, board_id=self.board.id)
        self.assertIn("Next: Apr 20, 2026", answer["text"].replace("04/20/2026", "Apr 20, 2026"))
        self.assertTrue(self.show()["board"]["followed"])
        self.assertFalse(self.show(scope="team", team_id=self.north.id)["board"]["followed"])
        self.assertFalse(self.ask("get_detail", self.leads)["followed"])
        detail = self.ask("get_detail", self.leads, filters=filters)
        self.follows().toggle(detail["filters"], kpi_id=self.leads.id)
        self.assertTrue(self.ask("get_detail", self.leads, filters=filters)["followed"])
        self.follows().toggle(filters, board_id=self.board.id)
        self.assertFalse(self.show()["board"]["followed"])
        self.assertEqual(self.follows().search([]).mapped("display_name"), ["Leads · KPI company"])

    def test_form_of_a_kpi(self):
        """The button follows what the details on a board of the company follow."""
        kpi = self.leads.with_user(self.mia).with_company(self.company)
        self.assertFalse(kpi.is_followed)
        self.assertEqual(kpi.action_follow()["tag"], "display_notification")
        kpi.invalidate_recordset(["is_followed"])
        self.assertTrue(kpi.is_followed)
        self.assertTrue(
            self.ask("get_detail", self.leads, filters={"scope": "company"})["followed"]
        )
        kpi.action_follow()
        self.assertFalse(self.follows().search([]))

    def test_changed_board(self):
        """A copy that replaces a board is followed instead of it, and the original afterwards."""
        follow = self.follow(self.board, self.ann, scope="mine")
        other = self.follow(self.board)
        board = self.board.with_user(self.ann).with_company(self.company)
        copy = self.boards.browse(board.save_layout([{"kpi_id": self.leads.id}]))
        self.assertNotEqual(copy, self.board)
        self.assertEqual(follow.board_id, copy)
        self.assertEqual(other.board_id, self.board)
        copy.with_user(self.ann).reset_board()
        self.assertEqual(follow.board_id, self.board)

    def test_a_card_that_is_new_on_the_board(self):
        """The values of a card that was added are no change."""
        self.follow(self.board)
        self.store(self.big, LOW_MARCH)
        self.board.card_ids = [Command.create({"kpi_id": self.big.id})]
        self.assertEqual(self.send(), {})

    # --- QUERIES ---

    def queries(self, follows):
        """Number of queries of the mails that are due."""
        for _warming in range(2):
            follows.next_date = "2026-04-20 05:00:00"
            follows.told_records = False
            self.send()
        follows.next_date = "2026-04-20 05:00:00"
        follows.write({"told": {}, "told_records": False})
        for follow in follows:
            follow.told = {str(kpi.id): [{}, "", ""] for kpi in self.env["crm.kpi"].search([])}
        self.env.flush_all()
        self.env.invalidate_all()
        self.last_run.date = MONDAY
        self.env.flush_all()
        before = self.env.cr.sql_log_count
        with (
            freeze_time(MONDAY),
            patch.object(self.registry["ir.cron"], "_commit_progress", return_value=1),
        ):
            self.env["crm.kpi.follow"]._cron_send()
            self.env.flush_all()
        return self.env.cr.sql_log_count - before

    def test_queries(self):
        """The number of queries of a mail does not grow with KPIs, changes or records."""
        kpis = self.env["crm.kpi"].union(
            *(
                self.make_kpi(
                    f"more{index}", kind="formula", formula=f"test_big / test_leads + {index}"
                )
                for index in range(8)
            )
        )
        self.refresh()
        for index, kpi in enumerate(kpis | self.leads):
            self.goal(kpi, 20 + index)
        self.late_deal("First", self.ann)
        one = self.follow(self.leads)
        few = self.queries(one)
        for kpi in kpis:
            self.follow(kpi)
        for index in range(6):
            self.late_deal(f"Deal {index}", self.ann)
        many = self.queries(self.follows().search([]).sudo())
        # one more query tells how many records there are, where a list is full
        self.assertLessEqual(many, few + 10)
        self.assertLessEqual(few, 120)
        # another follower of the same KPIs costs no more than the first one
        for kpi in kpis | self.leads:
            self.follow(kpi, self.ada_with_email())
        both = self.queries(
            self.env["crm.kpi.follow"].search([("user_id", "in", (self.mia | self.ada).ids)])
        )
        self.assertLessEqual(both, 2 * many)

    def ada_with_email(self):
        self.ada.email = "ada@example.com"
        return self.ada

    def test_headers(self):
        """Mail programs offer to unsubscribe at one click, by RFC 8058."""
        follow = self.follow(self.leads)
        self.goal(self.leads, 20)
        [mail] = self.send()[self.mia]
        headers = ast.literal_eval(mail.headers)
        self.assertEqual(headers["List-Unsubscribe"], f"<{follow._unsubscribe_url()}>")
        self.assertEqual(headers["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click")
        self.assertEqual(self.texts(mail)[1]["Unsubscribe"], follow._unsubscribe_url())

    def test_views(self):
        """A follower changes the frequency in the form, which a phone opens from a card."""
        follow = self.follow(self.leads)
        action = self.env.ref("crm_kpi.crm_kpi_follow_action")
        self.assertEqual(action.mobile_view_mode, "kanban")
        with Form(follow.with_user(self.mia), "crm_kpi.crm_kpi_follow_view_form") as form:
            form.frequency = "monthly"
        self.assertEqual(follow.next_date, datetime(2026, 5, 1, 5))
        follow.with_user(self.mia).action_stop()
        self.assertFalse(follow.exists())
