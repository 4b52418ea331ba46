# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The KPI library: all KPIs, switching on and off, KPIs whose app is missing."""

from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import HttpCase, freeze_time, tagged

from .common import KpiCommon

NOW = "2026-12-15 10:00:00"


class LibraryCommon(KpiCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.library = cls.env["crm.kpi.library"]
        cls.manager, cls.admin, cls.system = (
            cls.make_user(name, "sales_team.group_sale_manager", *groups)
            for name, *groups in (
                ("Mia",),
                ("Ada", "crm_kpi.group_kpi_admin"),
                ("Sys", "base.group_system", "crm_kpi.group_kpi_admin"),
            )
        )
        cls.optional = cls.env["crm.kpi.optional"].create(
            {
                "module": "crm_kpi_nowhere",
                "apps": "contacts,nowhere",
                "code": "test_offered",
                "name": "Offered",
                "category_id": cls.category.id,
                "metric_class": "outcome",
                "description": "What an app would tell.",
            }
        )

    def line(self, kpi, user=None):
        lines = self.library.with_user(user) if user else self.library
        return lines.search([("kpi_id", "=", kpi.id)])

    def missing(self, user=None):
        lines = self.library.with_user(user) if user else self.library
        return lines.search([("status", "=", "missing"), ("code", "=", "test_offered")])


@tagged("post_install", "-at_install")
class TestLibrary(LibraryCommon):
    def test_every_kpi_once(self):
        kpis = self.env["crm.kpi"].search([("is_component", "=", False)])
        lines = self.library.search([("kpi_id", "!=", False)])
        self.assertEqual(lines.kpi_id, kpis)
        self.assertEqual(len(lines), len(kpis))
        for line in lines:
            self.assertTrue(line.name and line.category_id and line.metric_class, line.code)
            self.assertTrue(line.computation_text, line.code)

    def test_texts(self):
        won = self.make_kpi("won", name="Won", reference="A book", description="Deals.")
        share = self.make_kpi(
            "share",
            kind="formula",
            formula="(test_won - previous(test_won)) / max(previous(test_won), 1)",
            counter_kpi_id=won.id,
            unit="percent",
        )
        age = self.make_kpi(
            "median", aggregator="median", value_field="expected_revenue", unit="money"
        )
        line = self.line(won)
        self.assertEqual(
            (line.name, line.code, line.description, line.reference, line.source_text),
            ("Won", "test_won", "Deals.", "A book", "Test leads"),
        )
        self.assertEqual((line.computation_text, line.app_text), ("Count", "Defined here"))
        self.assertEqual(self.line(age).computation_text, "Median: Expected Revenue")
        line = self.line(share)
        self.assertEqual(
            line.computation_text,
            "(Won − Won in the previous period) ÷ the larger of Won in the previous period and 1",
        )
        self.assertEqual(line.counter_text, "Won")
        shipped = self.line(self.env.ref("crm_kpi.crm_kpi_win_rate"))
        self.assertEqual(shipped.app_text, "CRM, Sales")
        self.assertEqual(shipped.computation_text, "Deals won ÷ Deals closed")

    def test_search(self):
        won = self.make_kpi("won", name="Won together")
        for domain in (
            [("name", "ilike", "won tog")],
            [("code", "=", "test_won")],
            ["|", ("name", "ilike", "won tog"), ("code", "ilike", "won tog")],
        ):
            self.assertEqual(self.library.search(domain).kpi_id, won)
        self.assertEqual(self.library.search([("name", "=", "Offered")]).optional_id, self.optional)
        groups = self.library.formatted_read_group([], ["status"], ["__count"])
        self.assertIn("missing", [group["status"] for group in groups])

    @freeze_time(NOW)
    def test_switching(self):
        """On: computed by the next refresh. Off: hidden, the values stay."""
        kpi = self.make_kpi("leads", state="draft")
        self.make_lead("2026-11-10 12:00:00", user_id=self.ann.id)
        month = self.period("month", "2026-11-10")
        self.kpis._refresh(periods=month)
        self.assertFalse(self.cells(kpi, month))
        line = self.line(kpi, self.admin)
        self.assertEqual((line.is_on, line.status, line.can_switch), (False, "off", True))
        line.web_save({"is_on": True}, {"is_on": {}, "status": {}})
        self.assertEqual((kpi.state, line.status), ("published", "on"))
        self.kpis._refresh(periods=month)
        self.assertEqual(self.value(kpi, month), 1)
        mine = self.env["crm.kpi.value"].with_user(self.ann)
        self.assertTrue(mine.search_count([("kpi_id", "=", kpi.id)]))
        line.is_on = False
        self.assertEqual((kpi.state, line.status), ("draft", "off"))
        self.assertFalse(mine.search_count([("kpi_id", "=", kpi.id)]))
        self.assertEqual(self.value(kpi, month), 1)

    def test_rights(self):
        kpi = self.make_kpi("leads")
        with self.assertRaises(AccessError):
            self.library.with_user(self.ann).search([])
        line = self.line(kpi, self.manager)
        self.assertEqual((line.status, line.can_switch), ("on", False))
        with self.assertRaises(AccessError):
            line.is_on = False
        # only members of its groups can see and switch a KPI
        kpi.group_ids = self.env["res.groups"].create({"name": "Accountants"})
        self.assertFalse(self.line(kpi, self.manager))
        self.assertFalse(self.line(kpi, self.admin).can_switch)
        with self.assertRaises(AccessError):
            self.line(kpi, self.admin).is_on = False
        other = self.env["res.company"].create({"name": "Elsewhere"})
        kpi.write({"group_ids": [Command.clear()], "company_id": other.id})
        self.assertFalse(self.line(kpi, self.manager))

    def test_missing_apps(self):
        contacts = self.env["ir.module.module"].search([("name", "=", "contacts")])
        line = self.missing(self.system)
        self.assertEqual((line.name, line.metric_class), ("Offered", "outcome"))
        self.assertEqual(line.app_text, f"{contacts.shortdesc}, nowhere")
        self.assertFalse(line.can_switch or line.is_on or line.can_install)
        self.assertFalse(line.action_definition())
        with self.assertRaises(UserError):
            line.is_on = True
        with self.assertRaises(UserError):
            line.action_install()  # not on the addons path
        # an addon in the list of apps can be installed by system administrators
        waiting = self.env["ir.module.module"].search([("state", "=", "uninstalled")], limit=1)
        self.optional.module = waiting.name
        self.env.invalidate_all()
        self.assertTrue(self.missing(self.system).can_install)
        self.assertFalse(self.missing(self.admin).can_install)
        with self.assertRaises(AccessError):
            self.missing(self.admin).action_install()
        with patch.object(
            type(waiting), "button_immediate_install", lambda self: {"installed": self.name}
        ):
            self.assertEqual(
                self.missing(self.system).action_install(), {"installed": waiting.name}
            )

    def test_what_is_installed_is_not_missing(self):
        self.assertTrue(self.missing())
        kpi = self.make_kpi("offered")
        self.assertFalse(self.missing())
        self.assertEqual(self.line(kpi).optional_id, self.optional)
        # a deleted KPI of an installed addon is not missing
        kpi.unlink()
        self.optional.module = "crm_kpi"
        self.env.flush_all()
        self.assertFalse(self.missing())


@tagged("post_install", "-at_install", "browser")
class TestLibraryInTheBrowser(LibraryCommon, HttpCase):
    def test_library(self):
        """Search, switch off, read the definition, see unavailable KPIs."""
        kpi = self.make_kpi("shown", name="Tour figure", description="Only for the tour.")
        self.start_tour("/odoo/kpi-library", "crm_kpi_library", login="kpi_ada")
        self.assertEqual(kpi.state, "draft")

    def test_library_on_a_phone(self):
        self.browser_size = "390x844"
        self.touch_enabled = True
        self.start_tour("/odoo/kpi-library", "crm_kpi_library_phone", login="kpi_ada")

    def test_choose(self):
        """A proposal for an objective and a role; after removing one, My KPIs show the others first."""
        self.start_tour("/odoo/my-kpis", "crm_kpi_choose", login="kpi_ann")
        self.assertGreaterEqual(len(self.ann.kpi_ids), 4)
        self.assertIn("new_leads", self.ann.kpi_ids.mapped("code"))
