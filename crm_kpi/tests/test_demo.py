# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import datetime, timedelta
from unittest.mock import patch
from zoneinfo import ZoneInfo

from odoo import fields
from odoo.tests import TransactionCase, tagged
from odoo.tools.convert import convert_file

from odoo.addons.crm_kpi.demo import history

MOMENTS = (
    ("2026-11-22 02:00", "Europe/Brussels"),
    ("2026-01-01 00:00", "UTC"),
    ("2026-03-29 01:00", "Europe/Berlin"),
    ("2027-02-28 23:00", "America/New_York"),
)


@tagged("post_install", "-at_install")
class TestDemoStory(TransactionCase):
    """The invented history keeps the order of time, whenever it is told."""

    def test_consistent(self):
        for text, zone in MOMENTS:
            with self.subTest(text=text, zone=zone):
                now = datetime.fromisoformat(text)
                self._check(history.History(now, ZoneInfo(zone)), now)

    def _check(self, story, now):
        self.assertEqual(len(story.customers), history.CUSTOMERS)
        self.assertGreater(len(story.leads), 1500)
        for lead in story.leads:
            self.assertLess(lead.created, now)
            self.assertEqual(lead.outcome == "open", not lead.closed)
            if lead.closed:
                self.assertTrue(lead.created < lead.closed < now, lead)
            if lead.converted:
                self.assertTrue(lead.created <= lead.converted < (lead.closed or now), lead)
            for message in lead.messages:
                self.assertTrue(lead.created <= message.date < now, lead)
        for order in story.orders:
            self.assertLess(order.created, now)
            self.assertEqual(order.state == "sale", bool(order.confirmed), order)
            if order.sent:
                self.assertTrue(order.created <= order.sent < now, order)
            if order.confirmed:
                self.assertTrue(order.sent <= order.confirmed < now, order)
            if order.lead is not None:
                self.assertLessEqual(story.leads[order.lead].created, order.created)

    def test_same_moment_same_story(self):
        now, zone = datetime(2026, 11, 22, 9), ZoneInfo("Europe/Brussels")
        one, two = (history.History(now, zone) for _i in range(2))
        self.assertEqual(one.leads, two.leads)
        self.assertEqual(one.orders, two.orders)


@tagged("post_install", "-at_install")
class TestDemoLoad(TransactionCase):
    """A small history in the database: what was invented is what the KPIs say."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if cls.env.ref("__crm_kpi_demo__.customer_0", raise_if_not_found=False):
            cls.skipTest(cls, "the demo data is loaded already")
        cls.company = cls.env["res.company"].create({"name": "Dealer", "kpi_tz": "UTC"})
        cls.env.user.write(
            {"company_ids": [fields.Command.link(cls.company.id)], "company_id": cls.company.id}
        )
        cls.env = cls.env(context={**cls.env.context, "allowed_company_ids": cls.company.ids})
        now = fields.Datetime.now().replace(minute=0, second=0, microsecond=0)
        with patch.object(history, "CUSTOMERS", 12):
            cls.story = history.History(now, ZoneInfo("UTC"))
            convert_file(
                cls.env, "crm_kpi", "demo/crm_kpi_demo.xml", {}, mode="init", noupdate=True
            )

    def test_roles(self):
        groups = {"rep": "group_kpi_user", "manager": "group_kpi_manager"}
        for login, group in {**groups, "kpiadmin": "group_kpi_admin"}.items():
            user = self.env["res.users"].search([("login", "=", login)])
            self.assertTrue(user.has_group(f"crm_kpi.{group}"), login)
        rep = self.env["res.users"].search([("login", "=", "rep")])
        self.assertFalse(rep.has_group("crm_kpi.group_kpi_user_all"))

    def test_values_are_those_of_the_story(self):
        for months in (1, 3, 6):
            period = self.env["crm.kpi.period"]._current("month")
            for _month in range(months):
                period = period._previous()[period]
            inside = [
                lead
                for lead in self.story.leads
                if lead.outcome == "won" and period.utc_from <= lead.closed < period.utc_to
            ]
            orders = [
                order
                for order in self.story.orders
                if order.confirmed and period.utc_from <= order.confirmed < period.utc_to
            ]
            self.assertEqual(self._value("deals_won", period), len(inside))
            self.assertAlmostEqual(
                self._value("revenue_ordered", period), sum(o.amount for o in orders), 2
            )

    def _value(self, code, period):
        return (
            self.env["crm.kpi.value"]
            .search(
                [
                    ("kpi_id.code", "=", code),
                    ("period_id", "=", period.id),
                    ("level", "=", "company"),
                ]
            )
            .value
        )

    def test_costs_and_books(self):
        """Costs, campaigns and books tell something in the month before."""
        running = self.env["crm.kpi.period"]._current("month")
        period = running._previous()[running]
        for code in ("total_cost", "net_profit", "current_ratio", "expense_to_revenue"):
            self.assertTrue(self._value(code, period), code)
        self.assertAlmostEqual(
            sum(
                self.env["account.move.line"]
                .search([("company_id", "=", self.company.id), ("parent_state", "=", "posted")])
                .mapped("balance")
            ),
            0,
            2,
        )
        self.assertTrue(self.env["sale.order"].search([("kpi_campaign_cost_known", "=", True)]))

    def test_goals_and_silence(self):
        goals = self.env["crm.kpi.goal"].search([("company_id", "=", self.company.id)])
        self.assertEqual(set(goals.mapped("kind")), {"at_least", "at_most", "range", "improve"})
        self.assertIn("company", goals.mapped("scope"))
        since = fields.Datetime.now() - timedelta(minutes=10)
        self.assertFalse(self.env["mail.mail"].search([("create_date", ">", since)]))

    def test_later_parts_restate_nothing(self):
        """What another addon's demo data changes in locked months takes the place of it."""
        period = self.env["crm.kpi.period"]._current("month")
        for _month in range(6):
            period = period._previous()[period]
        self.assertEqual(period.state, "locked")
        order = self.env["sale.order"].search(
            [
                ("company_id", "=", self.company.id),
                ("state", "=", "sale"),
                ("date_order", ">=", period.utc_from),
                ("date_order", "<", period.utc_to),
                ("amount_untaxed", ">", 0),
            ],
            limit=1,
        )
        before = self._value("revenue_ordered", period), order.amount_untaxed
        order.order_line[0].price_unit += 100
        self.assertGreater(order.amount_untaxed, before[1])
        self.env["crm.kpi.demo"]._refresh_story()
        self.assertAlmostEqual(
            self._value("revenue_ordered", period), before[0] + order.amount_untaxed - before[1], 2
        )
        self.assertFalse(
            self.env["crm.kpi.restatement"].search([("company_id", "=", self.company.id)])
        )
        # from now on it is locked
        order.order_line[0].price_unit += 100
        self.env["crm.kpi"]._refresh()
        self.assertTrue(
            self.env["crm.kpi.restatement"].search([("company_id", "=", self.company.id)])
        )

    def test_once(self):
        before = self.env["crm.lead"].search_count([])
        self.env["crm.kpi.demo"]._load()
        self.assertEqual(self.env["crm.lead"].search_count([]), before)
