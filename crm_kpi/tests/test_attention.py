# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The lines on top of a board: what to do next."""

import json

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from odoo.addons.crm_kpi.board.attention import MAX_LINES, TOPICS, Topic, attention
from odoo.addons.crm_kpi.board.context import BoardContext
from odoo.addons.crm_kpi.board.filters import Filters

from .common_board import BoardCase


@tagged("post_install", "-at_install")
class TestAttention(BoardCase):
    """Wednesday 15 April 2026, 8 o'clock in Brussels."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.users"].search([]).kpi_choice_answered = True
        # the leads of the board case are not part of these examples
        cls.env["crm.lead"].search([("company_id", "=", cls.company.id)]).active = False
        month = cls.period("month", "2026-04-15")
        march = cls.period("month", "2026-03-15")
        cls.goals = cls.env["crm.kpi.goal"].create(
            [
                {"kpi_id": kpi.id, "period_id": period.id, "kind": "at_least", **values}
                for kpi, period, values in (
                    (cls.leads, month, {"target": 1, "scope": "user", "user_id": cls.ann.id}),
                    (cls.amount, month, {"target": 1, "scope": "user", "user_id": cls.ann.id}),
                    (cls.leads, month, {"target": 1, "scope": "user", "user_id": cls.bob.id}),
                    (cls.leads, month, {"target": 1, "scope": "user", "user_id": cls.cid.id}),
                    (cls.leads, month, {"target": 1, "scope": "team", "team_id": cls.south.id}),
                    (cls.amount, month, {"target": 1, "scope": "user", "user_id": cls.bob.id}),
                    (cls.leads, march, {"target": 1, "scope": "user", "user_id": cls.ann.id}),
                )
            ]
        )
        cls.set_status(
            "off_track", "at_risk", "off_track", "on_track", "off_track", "on_track", "off_track"
        )
        cls.backdate(cls.goals[5], counter_missed=True)
        for who, team, day, amount, waits in (
            (cls.ann, cls.north, "2026-04-14", 100, "2026-04-02 22:30:00"),  # 3 April, local
            (cls.ann, cls.north, "2026-04-15", 20, False),
            (cls.bob, cls.north, "2026-04-01", 3000, "2026-04-10 10:00:00"),
            (cls.cid, cls.south, False, 40000, "2026-04-10 10:00:00"),
        ):
            lead = cls.make_lead(
                "2026-03-01 10:00:00",
                name=f"Open {who.name}",
                user_id=who.id,
                team_id=team.id,
                expected_revenue=amount,
                date_deadline=day,
                email_from=False,
            )
            cls.backdate(lead, kpi_response_waiting=bool(waits), kpi_response_start=waits or None)
        cls.open_leads = cls.env["crm.lead"].search([("name", "like", "Open ")], order="id")
        for lead, due in zip(
            cls.open_leads, ("2026-04-14", "2026-04-15", "2026-04-10", "2026-05-01"), strict=True
        ):
            lead.activity_schedule("mail.mail_activity_data_todo", due, user_id=lead.user_id.id)
        lost = cls.open_leads[0].copy({"name": "Lost", "date_deadline": "2026-01-01"})
        cls.backdate(lost, kpi_response_waiting=True)
        lost.action_set_lost()
        partners = cls.env["res.partner"].create([{"name": name} for name in "ABCDE"])
        for partner, who, at_risk, churned, orders, revenue in zip(
            partners,
            (cls.ann, cls.ann, cls.bob, cls.ann, cls.cid),
            ("2026-04-01", "2026-04-20", "2026-03-01", "2026-01-01", "2026-04-14"),
            ("2026-12-01", "2026-12-01", "2026-12-01", "2026-04-01", "2026-12-01"),
            (3, 3, 3, 3, 0),
            (500, 1, 70, 9000, 9000),
            strict=True,
        ):
            cls.env["crm.kpi.customer"].create(
                {
                    "partner_id": partner.id,
                    "company_id": cls.company.id,
                    "user_id": who.id,
                    "at_risk_date": at_risk,
                    "churn_date": churned,
                    "order_count": orders,
                    "revenue_12m": revenue,
                }
            )

    @classmethod
    def set_status(cls, *statuses):
        for goal, status in zip(cls.goals, statuses, strict=True):
            cls.backdate(goal, status=status)

    def lines(self, user=None, **filters):
        """Texts of the lines that a user sees, by key."""
        boards = self.boards.with_user(user or self.mia).with_company(self.company)
        lines = boards.get_attention(self.board.id, self.show(user, **filters)["filters"])
        return {line["key"]: (line["text"], line["detail"]) for line in lines}

    def opened(self, key, user=None, **filters):
        """The records that a line opens, as the browser does."""
        boards = self.boards.with_user(user or self.mia).with_company(self.company)
        filters = self.show(user, **filters)["filters"]
        action = json.loads(json.dumps(boards.open_attention(self.board.id, key, filters)))
        model = boards.env[action["res_model"]].with_context(**action["context"])
        return model.search(action["domain"])

    def test_a_sentence_for_each_topic(self):
        self.assertEqual(
            self.lines(),
            {
                "goals": ("5 goals need attention", "3 off track, 1 at risk, 1 with a missed counter-metric"),
                "unanswered_leads": ("3 leads wait for a first response", "the oldest since Apr 3, 2026"),
                "overdue_steps": ("2 leads have an overdue activity", "$\xa03,100 expected revenue"),
                "late_deals": ("2 deals are past their expected closing", "$\xa03,100 expected revenue"),
                "customers_at_risk": ("2 customers are at risk", "$\xa0570 revenue in 12 months"),
            },
        )  # fmt: skip

    def test_choose_kpis_is_offered_until_it_is_answered(self):
        self.mia.kpi_choice_answered = False
        first = next(iter(self.lines().items()))
        self.assertEqual(
            first, ("choose_kpis", ("Choose your KPIs", "a small set for your role and objective"))
        )
        boards = self.boards.with_user(self.mia).with_company(self.company)
        action = boards.open_attention(self.board.id, "choose_kpis", {})
        wizard = boards.env[action["res_model"]].create({})
        wizard.action_show_all()
        self.assertNotIn("choose_kpis", self.lines())
        self.assertFalse(self.mia.kpi_ids)
        # a choice made before is an answer, too
        self.ann.write({"kpi_choice_answered": False, "kpi_ids": self.leads.ids})
        self.assertNotIn("choose_kpis", self.lines(self.ann, scope="mine"))

    def test_goals_are_those_of_the_board(self):
        self.board.card_ids.filtered(lambda card: card.kpi_id == self.leads).unlink()
        self.assertEqual(
            self.lines()["goals"],
            ("2 goals need attention", "1 at risk, 1 with a missed counter-metric"),
        )
        self.assertEqual(self.opened("goals"), self.goals[1] | self.goals[5])

    def test_own_records(self):
        """A salesperson sees their own records, in the singular."""
        self.assertEqual(
            self.lines(self.ann, scope="mine"),
            {
                "goals": ("2 goals need attention", "1 off track, 1 at risk"),
                "unanswered_leads": ("1 lead waits for a first response", "the oldest since Apr 3, 2026"),
                "overdue_steps": ("1 lead has an overdue activity", "$\xa0100 expected revenue"),
                "late_deals": ("1 deal is past its expected closing", "$\xa0100 expected revenue"),
                "customers_at_risk": ("1 customer is at risk", "$\xa0500 revenue in 12 months"),
            },
        )  # fmt: skip

    def test_nothing_where_there_is_nothing(self):
        self.assertEqual(list(self.lines(self.cid, scope="mine")), ["unanswered_leads"])

    def test_filter_of_team_and_salesperson(self):
        south = self.lines(scope="team", team_id=self.south.id)
        self.assertEqual(south["goals"], ("1 goal needs attention", "1 off track"))
        self.assertEqual(set(south), {"goals", "unanswered_leads"})
        north = self.lines(scope="team", team_id=self.north.id)
        self.assertEqual(
            north["goals"],
            ("4 goals need attention", "2 off track, 1 at risk, 1 with a missed counter-metric"),
        )
        bob = self.lines(scope="team", user_id=self.bob.id)
        self.assertEqual(
            bob["late_deals"],
            ("1 deal is past its expected closing", "$\xa03,000 expected revenue"),
        )

    def test_a_line_opens_its_records(self):
        """The number of the line is that of the records, under the rights of each reader."""
        expected = {
            "goals": self.goals[:3] | self.goals[4:6],
            "unanswered_leads": self.open_leads - self.open_leads[1],
            "overdue_steps": self.open_leads[0] | self.open_leads[2],
            "late_deals": self.open_leads[0] | self.open_leads[2],
        }
        for key, records in expected.items():
            self.assertEqual(self.opened(key), records, key)
            own = records.filtered(lambda record: record.user_id == self.ann)
            self.assertEqual(self.opened(key, self.ann, scope="mine"), own, key)
        customers = self.opened("customers_at_risk").partner_id
        self.assertEqual(sorted(customers.mapped("name")), ["A", "C"])

    def test_rights(self):
        """Ann reads the company, but opens and counts only the records that she may read."""
        self.assertEqual(self.lines(self.ann, scope="company")["late_deals"][0][:1], "1")
        self.assertEqual(self.opened("late_deals", self.ann, scope="company"), self.open_leads[0])
        agent = self.make_user("Agent", "crm_kpi.group_kpi_user_all")
        agent.kpi_choice_answered = True
        self.assertEqual(list(self.lines(agent)), ["goals"])
        with self.assertRaises(UserError):
            self.opened("late_deals", agent)
        with self.assertRaises(UserError):
            self.opened("no_such_line")
        outsider = self.make_user("Outsider", "base.group_user")
        with self.assertRaises(AccessError):
            self.boards.with_user(outsider).open_attention(self.board.id, "late_deals", {})

    def test_other_companies_do_not_count(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.open_leads.write({"team_id": False, "user_id": False})
        self.open_leads.company_id = other
        self.assertNotIn("late_deals", self.lines())

    def test_a_past_period_has_the_same_lines(self):
        """The lines say what to do now."""
        self.assertEqual(self.lines(date="2026-03-01"), self.lines())

    def context(self, user, kpis=None, **filters):
        boards = self.boards.with_user(user).with_company(self.company)
        return BoardContext(
            self.board.with_env(boards.env), Filters(**filters), kpis or self.board.card_ids.kpi_id
        )

    def test_one_query_for_each_topic(self):
        """One query for each topic, however many records there are, and one for the team."""
        for filters, count in (({}, 5), ({"scope": "team", "team_id": self.north.id}, 6)):
            for copies in (0, 3):
                for number in range(copies):
                    self.open_leads.copy({"date_deadline": f"2026-04-{number + 1:02}"})
                self.env.flush_all()
                context = self.context(self.mia, **filters)
                attention(context, TOPICS)  # what the registry caches
                with self.assertQueryCount(count):
                    attention(context, TOPICS)

    def test_topics_of_the_board_come_first(self):
        """Of more than five topics, those of the records behind the KPIs of the board stay."""

        class Partners(Topic):
            key = "partners"
            model = "res.partner"

            def all_conditions(self, context):
                return [("id", "=", context.env.user.partner_id.id)]

            def text(self, env, count):
                return f"{count} partner"

        topics = [*TOPICS, Partners()]
        keys = [line.key for line in attention(self.context(self.mia), topics)]
        self.assertEqual(len(keys), MAX_LINES)
        self.assertNotIn("partners", keys)
        source = self.source.create(
            {
                "name": "Test contacts",
                "code": "test_contacts",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "date_field": "create_date",
            }
        )
        contacts = self.make_kpi("contacts", source_id=source.id)
        keys = [line.key for line in attention(self.context(self.mia, contacts), topics)]
        # the board has no KPI with goals
        self.assertEqual(keys[:2], ["partners", "unanswered_leads"])
        self.assertEqual(len(keys), MAX_LINES)
