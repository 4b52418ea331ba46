# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from odoo import fields
from odoo.tests import TransactionCase, tagged

from odoo.addons.crm_kpi_demo.demo import MODULE, NAMESPACE, PARAMETER, Demo
from odoo.addons.crm_kpi_demo.hooks import post_init_hook
from odoo.addons.crm_kpi_demo.stories import STORIES

#: Logins of all roles.
LOGINS = ("rep", "manager", "kpiadmin", "agent", "marketing")


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

    def test_first_screen(self):
        """Each login starts on a board on which most KPIs have a value."""
        home = self.env.ref("crm_kpi.crm_kpi_board_action")
        for login in ("rep", "manager", "kpiadmin"):
            user = self.env["res.users"].search([("login", "=", login)])
            self.assertEqual(user.action_id.id, home.id, login)
            # on the first days of a month most KPIs have no records yet
            day = fields.Date.to_string(fields.Date.today() - timedelta(days=3))
            filters = {"period_kind": "month", "date": f"{day[:8]}01"}
            shown = self.env["crm.kpi.board"].with_user(user).get_board(None, filters)
            with_value = [card for card in shown["cards"] if card["value"]]
            self.assertGreater(len(with_value), len(shown["cards"]) / 2, login)

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
        before = self._counts()
        post_init_hook(self.env)
        post_init_hook(self.env)
        self.assertEqual(self._counts(), before)

    def test_again_after_the_kpis_were_uninstalled(self):
        """What went with the KPIs is created again, and nothing is doubled."""
        running = self.env["crm.kpi.period"]._current("month")
        period = running._previous()[running]
        codes = ("total_cost", "letters_sent", "brochures_sent", "new_customers", "nps")
        before = self._counts(), self._groups(), {code: self._value(code, period) for code in codes}
        for counted in ("crm.kpi.cost", "crm.kpi.entry", "crm.kpi.goal", "crm.lead"):
            self.assertTrue(before[0][counted], counted)
        self._lose_what_goes_with_the_kpis()
        self.assertNotEqual(self._groups(), before[1])
        post_init_hook(self.env)
        self.assertEqual(self._counts(), before[0])
        self.assertEqual(self._groups(), before[1])
        after = {code: self._value(code, period) for code in codes}
        self.assertEqual(after, before[2])

    def _counts(self):
        """Number of records of each model of the stories, and of records with a KPI field."""
        names = [
            "res.users", "res.partner", "crm.team", "crm.lead", "sale.order", "account.move",
            "mail.message", "utm.campaign", "crm.kpi.cost", "crm.kpi.entry", "crm.kpi.goal",
            "survey.user_input", "mailing.mailing", "helpdesk.ticket", "rating.rating",
            "event.event",
        ]  # fmt: skip
        counts = {
            name: self.env[name].with_context(active_test=False).search_count([])
            for name in names
            if name in self.env
        }
        for name, domain in self._lost_values():
            found = self.env[name].with_context(active_test=False).search_count(domain)
            counts[name, str(domain)] = found
            self.assertTrue(found, domain)
        return counts

    def _lost_values(self):
        letters = self.env.ref("crm_kpi.mail_activity_type_letter")
        yield "crm.lead", [("kpi_referrer_id", "!=", False)]
        yield "crm.lost.reason", [("kpi_disqualified", "=", True)]
        yield "mail.message", [("mail_activity_type_id", "=", letters.id)]
        yield "ir.model.data", [("module", "=", MODULE), ("name", "=", "user_rep")]
        if "helpdesk.ticket.team" in self.env:
            yield "helpdesk.ticket.team", [("kpi_team_id", "!=", False)]

    def _groups(self):
        """Groups of KPIs and first screen of the users to log in with."""
        roles = self.env["ir.model.data"].search(
            [("module", "=", NAMESPACE), ("name", "in", [f"user_{login}" for login in LOGINS])]
        )
        groups = self.env["res.groups"].search(
            [("privilege_id", "=", self.env.ref("crm_kpi.res_groups_privilege_kpi").id)]
        )
        return {
            user.login: (user.all_group_ids & groups, user.action_id)
            for user in self.env["res.users"].browse(roles.mapped("res_id"))
        }

    def _lose_what_goes_with_the_kpis(self):
        users = self.env["res.users"].search([("login", "in", LOGINS)])
        users.action_id = False
        self.env.ref("crm_kpi.group_kpi_admin").user_ids -= users
        for name in ("crm.kpi.goal", "crm.kpi.entry", "crm.kpi.cost"):
            self.env[name].search([]).unlink()
        self.env["crm.lead"].with_context(active_test=False).search([]).kpi_referrer_id = False
        self.env["crm.lost.reason"].search([]).kpi_disqualified = False
        self.env["ir.model.data"].search([("module", "=", MODULE)]).unlink()
        self.company.kpi_margin_rate = 0.3
        if "survey.user_input" in self.env:
            self.env["survey.user_input"].search([]).unlink()
        if "helpdesk.ticket.team" in self.env:
            self.env["helpdesk.ticket.team"].search([]).kpi_team_id = False
        self.env.flush_all()
        self.env.cr.execute("UPDATE mail_message SET mail_activity_type_id = NULL")
        self.env.invalidate_all()

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
