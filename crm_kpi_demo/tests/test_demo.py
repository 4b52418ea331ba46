# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from odoo import fields
from odoo.tests import TransactionCase, tagged

from odoo.addons.crm_kpi_demo.demo import PARAMETER, Demo
from odoo.addons.crm_kpi_demo.stories import STORIES


@tagged("post_install", "-at_install")
class TestDemoLoad(TransactionCase):
    """A small history in the database: the KPIs show what was generated."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if cls.env.ref("__crm_kpi_demo__.customer_0", raise_if_not_found=False):
            cls.skipTest(cls, "the demo data is there already")
        cls.company = cls.env["res.company"].create({"name": "Dealer", "kpi_tz": "UTC"})
        cls.env.user.write(
            {"company_ids": [fields.Command.link(cls.company.id)], "company_id": cls.company.id}
        )
        cls.env = cls.env(context={**cls.env.context, "allowed_company_ids": cls.company.ids})
        cls.demo = Demo(cls.env, customers=12)
        cls.demo.load()
        cls.history = cls.demo.history

    def test_roles(self):
        groups = {"rep": "group_kpi_user", "manager": "group_kpi_manager"}
        for login, group in {**groups, "kpiadmin": "group_kpi_admin"}.items():
            user = self.env["res.users"].search([("login", "=", login)])
            self.assertTrue(user.has_group(f"crm_kpi.{group}"), login)
        rep = self.env["res.users"].search([("login", "=", "rep")])
        self.assertFalse(rep.has_group("crm_kpi.group_kpi_user_all"))

    def test_values_are_those_of_the_history(self):
        for months in (1, 3, 6):
            period = self.env["crm.kpi.period"]._current("month")
            for _month in range(months):
                period = period._previous()[period]
            inside = [
                lead
                for lead in self.history.leads
                if lead.outcome == "won" and period.utc_from <= lead.closed < period.utc_to
            ]
            orders = [
                order
                for order in self.history.orders
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
        """KPIs of costs and accounting have values in the previous month."""
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

    def test_goals_and_no_mails(self):
        goals = self.env["crm.kpi.goal"].search([("company_id", "=", self.company.id)])
        self.assertEqual(set(goals.mapped("kind")), {"at_least", "at_most", "range", "improve"})
        self.assertIn("company", goals.mapped("scope"))
        since = fields.Datetime.now() - timedelta(minutes=10)
        self.assertFalse(self.env["mail.mail"].search([("create_date", ">", since)]))

    def test_later_stories_restate_nothing(self):
        """Changes of locked months by a story that is written later replace the values."""
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
        self.demo.refresh()
        self.assertAlmostEqual(
            self._value("revenue_ordered", period), before[0] + order.amount_untaxed - before[1], 2
        )
        self.assertFalse(
            self.env["crm.kpi.restatement"].search([("company_id", "=", self.company.id)])
        )
        # changes after the story are restated
        order.order_line[0].price_unit += 100
        self.env["crm.kpi"]._refresh()
        self.assertTrue(
            self.env["crm.kpi.restatement"].search([("company_id", "=", self.company.id)])
        )

    def test_once(self):
        before = self.env["crm.lead"].search_count([])
        Demo(self.env).load()
        self.assertEqual(self.env["crm.lead"].search_count([]), before)

    def test_derived_in_one_pass(self):
        """Deriving all facts again changes none of them."""
        for name in ("sale.order", "crm.lead", "res.partner", "helpdesk.ticket"):
            if name not in self.env:
                continue
            before = self._facts(name)
            self.env[name]._kpi_mark_all_dirty()
            self.env[name]._kpi_derive()
            self.assertTrue(before, name)
            for row, again in zip(before, self._facts(name), strict=True):
                self.assertEqual(again, row)

    def _facts(self, name):
        """Stored facts of all records."""
        model = self.env[name].with_context(active_test=False)
        names = [
            field.name
            for field in model._fields.values()
            if field.name.startswith("kpi_") and field.store and field.column_type
        ]
        self.env.flush_all()
        model.invalidate_model()
        return model.search([], order="id").read(names, load=None)

    def test_stories_of_installed_addons(self):
        """Each story whose addons are installed is written, each one once."""
        modules = self.env["ir.module.module"].search([("state", "=", "installed")])
        expected = [
            story.name for story in STORIES if {*story.requires} <= {*modules.mapped("name")}
        ]
        written = self.env["ir.config_parameter"].get_param(PARAMETER).split(",")
        self.assertEqual(written, expected)
        self.assertEqual(len(set(expected)), len(expected))
