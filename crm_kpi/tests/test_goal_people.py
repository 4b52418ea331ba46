# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Who follows a goal, who hears of its target, and who receives a message."""

from freezegun import freeze_time

from odoo.fields import Command
from odoo.tests import tagged

from .test_goal import NOON, GoalCommon


@tagged("post_install", "-at_install")
@freeze_time(NOON)
class TestGoalPeople(GoalCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # as in production: messages are sent
        quiet = ("tracking_disable", "mail_create_nolog", "mail_create_nosubscribe", "mail_notrack")
        cls.env = cls.env(context={k: v for k, v in cls.env.context.items() if k not in quiet})
        cls.mona = cls.make_user("Mona", "sales_team.group_sale_manager")
        cls.lea = cls.make_user("Lea", "sales_team.group_sale_salesman_all_leads")
        cls.leo = cls.make_user("Leo", "sales_team.group_sale_salesman")
        (cls.mona | cls.lea | cls.leo | cls.ann | cls.bob | cls.cid).notification_type = "inbox"
        cls.north.user_id = cls.lea
        cls.south.user_id = cls.leo
        cls.goals = cls.env["crm.kpi.goal"].with_user(cls.mona)
        cls.month = cls.period("month", "2026-11-01")

    def goal(self, **values):
        return self.make_goal(**{"period_id": self.month.id, "target": 5, **values})

    def followers(self, goal):
        return goal.sudo().message_partner_ids.user_ids

    def heard(self, action):
        """The users whom an action notifies: dict of user to list of message bodies."""
        notifications = self.env["mail.notification"]
        self.env.flush_all()
        last = notifications.search([], order="id desc", limit=1).id or 0
        action()
        self.env.flush_all()
        result = {}
        for notification in notifications.search([("id", ">", last)], order="id"):
            [user] = notification.res_partner_id.user_ids
            result.setdefault(user, []).append(str(notification.mail_message_id.body))
        return result

    # --- followers ---

    def test_salesperson_leader_and_setter_follow(self):
        self.assertEqual(self.followers(self.goal()), self.ann | self.lea | self.mona)
        team = self.goal(scope="team", team_id=self.north.id, user_id=False)
        self.assertEqual(self.followers(team), self.lea | self.mona)
        company = self.goal(scope="company", user_id=False)
        self.assertEqual(self.followers(company), self.mona)

    def test_only_readers_follow(self):
        """The leader of the South reads own figures only, and team figures where shared."""
        self.assertEqual(self.followers(self.goal(user_id=self.cid.id)), self.cid | self.mona)
        values = {"scope": "team", "team_id": self.south.id, "user_id": False}
        self.count.visibility = "own"
        self.assertEqual(self.followers(self.goal(**values)), self.mona)
        self.rate.visibility = "team"
        shared = self.goal(kpi_id=self.rate.id, **values)
        self.assertEqual(self.followers(shared), self.leo | self.mona)
        # a KPI of some groups
        secret = self.make_kpi(
            "secret", group_ids=[Command.link(self.env.ref("crm_kpi.group_kpi_manager").id)]
        )
        heard = self.heard(lambda: self.goal(kpi_id=secret.id))
        self.assertFalse(heard)
        [goal] = self.goals.search([("kpi_id", "=", secret.id)])
        self.assertEqual(self.followers(goal), self.mona)

    def test_other_salesperson(self):
        goal = self.goal()
        heard = self.heard(lambda: goal.write({"user_id": self.bob.id}))
        self.assertIn(self.bob, self.followers(goal))
        self.assertIn(self.bob, heard)
        self.assertNotIn(self.ann, heard, "may not read the goal of Bob")

    def test_team_of_another_company(self):
        other = self.env["res.company"].create({"name": "Other Ltd", "kpi_tz": "UTC"})
        ivo = self.make_user("Ivo", "sales_team.group_sale_manager", company=other)
        self.south.company_id = False
        self.south.user_id = ivo
        goal = self.goal(user_id=self.cid.id)
        self.assertNotIn(ivo, self.followers(goal), "reads another company only")

    # --- targets ---

    def test_new_and_changed_target(self):
        heard = self.heard(self.goal)
        self.assertEqual(set(heard), {self.ann, self.lea})
        [body] = heard[self.ann]
        self.assertIn("Set by Mona", body)
        self.assertIn("≥ 5", body)
        [goal] = self.goals.search([("kpi_id", "=", self.count.id)])
        heard = self.heard(lambda: goal.write({"target": 8}))
        self.assertEqual(set(heard), {self.ann, self.lea})
        self.assertIn("≥ 8 (before: ≥ 5)", heard[self.ann][0])
        for values in ({"target": 8}, {"note": "By phone"}, {"improve_by": 0.5}):
            self.assertFalse(self.heard(lambda values=values: goal.write(values)), values)
        heard = self.heard(lambda: goal.write({"kind": "range", "target_max": 9}))
        self.assertIn("8 – 9 (before: ≥ 8)", heard[self.ann][0])
        self.assertFalse(self.heard(goal.action_archive))
        self.assertFalse(self.heard(lambda: goal.write({"target": 7})), "archived")
        self.assertEqual(set(self.heard(goal.action_unarchive)), {self.ann, self.lea})

    def test_setter_hears_of_the_change_of_another(self):
        goal = self.goal()
        ned = self.make_user("Ned", "sales_team.group_sale_manager")
        heard = self.heard(lambda: goal.with_user(ned).write({"target": 9}))
        self.assertEqual(set(heard), {self.ann, self.lea, self.mona})
        self.assertIn(ned, self.followers(goal))

    def test_unfollowed(self):
        goal = self.goal()
        goal.message_unsubscribe(self.ann.partner_id.ids)
        heard = self.heard(lambda: goal.write({"target": 9}))
        self.assertEqual(set(heard), {self.lea})

    def test_language_of_the_receiver(self):
        self.env["res.lang"]._activate_lang("de_DE")
        self.ann.lang = "de_DE"
        heard = self.heard(lambda: self.goal(target=12500))
        self.assertIn("≥ 12.500", heard[self.ann][0])
        self.assertIn("≥ 12,500", heard[self.lea][0])

    def test_rights_that_are_taken_away(self):
        goal = self.goal()
        self.count.group_ids = self.env.ref("crm_kpi.group_kpi_manager")
        self.assertFalse(self.heard(lambda: goal.write({"target": 9})))
        self.assertFalse(
            self.heard(lambda: goal.message_post(body="Hi", subtype_xmlid="mail.mt_comment"))
        )

    # --- messages ---

    def test_message_reaches_the_other_side(self):
        goal = self.goal()

        def post(user, **values):
            values = {"body": "How?", "subtype_xmlid": "mail.mt_comment", **values}
            return set(self.heard(lambda: goal.with_user(user).message_post(**values)))

        self.assertEqual(post(self.ann), {self.lea, self.mona})
        self.assertEqual(post(self.mona), {self.ann, self.lea})
        # a goal that was set before, or imported
        goal.sudo().message_follower_ids.unlink()
        self.assertEqual(post(self.ann), {self.lea, self.mona})
        # neither a colleague nor a customer reads what they may not see
        customer = self.env["res.partner"].create({"name": "Mill", "email": "mill@example.com"})
        strangers = (customer | self.bob.partner_id).ids
        goal.sudo().message_subscribe(strangers)
        self.assertEqual(post(self.ann, partner_ids=strangers), {self.lea, self.mona})

    # --- many at once ---

    def test_wizard_sends_one_message_each(self):
        first = self.goal(target=3)
        wizard = self.env["crm.kpi.goal.set"].with_user(self.mona).create(
            {
                "kpi_id": self.count.id,
                "date_from": "2026-11-01",
                "date_end": "2027-12-31",
                "user_ids": [Command.set((self.ann | self.bob).ids)],
                "target": 4,
            }
        )  # fmt: skip
        heard = self.heard(wizard.action_set)
        self.assertEqual(
            {user: len(bodies) for user, bodies in heard.items()},
            {self.ann: 1, self.bob: 1, self.lea: 1},
        )
        self.assertIn("≥ 4 (before: ≥ 3)", heard[self.ann][0])
        self.assertEqual(heard[self.ann][0].count("<li>"), 14)
        self.assertEqual(heard[self.lea][0].count("<li>"), 21)
        self.assertIn("and 8 more", heard[self.lea][0])
        self.assertEqual(self.followers(first), self.ann | self.lea | self.mona)

    def test_statements_do_not_depend_on_the_number_of_goals(self):
        users = self.env["res.users"]
        for number in range(10):
            users |= self.make_user(f"Rep{number}", "sales_team.group_sale_salesman")
        users.notification_type = "inbox"
        self.north.member_ids |= users
        counts = []
        for first, last in (("2027-01-01", "2027-02-28"), ("2028-01-01", "2029-12-31")):
            wizard = self.env["crm.kpi.goal.set"].with_user(self.mona).create(
                {"kpi_id": self.count.id, "date_from": first, "date_end": last,
                 "user_ids": [Command.set(users.ids)], "target": 4}
            )  # fmt: skip
            wizard._periods()
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.cr.sql_log_count
            goals = self.goals.search(wizard.action_set()["domain"])
            self.env.flush_all()
            counts.append((len(goals), self.cr.sql_log_count - start))
        self.assertEqual([number for number, _count in counts], [20, 240])
        self.assertLess(counts[1][1], counts[0][1] + 40, counts)
