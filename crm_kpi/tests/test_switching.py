# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Many KPIs are published or taken back to draft, by hand or for areas of work."""

from odoo.exceptions import AccessError, UserError
from odoo.tests import freeze_time, tagged

from .common import KpiCommon

NOW = "2026-12-15 10:00:00"  # 11:00 in Brussels


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestSwitching(KpiCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ada = cls.make_user("Ada", "sales_team.group_sale_manager", "crm_kpi.group_kpi_admin")
        cls.ada.tz = "Europe/Brussels"
        cls.cron = cls.env.ref("crm_kpi.ir_cron_refresh")
        cls.cron.write({"active": True, "nextcall": "2026-12-15 10:01:00"})
        cls.env["crm.kpi.backfill"].search([]).unlink()

    def publish(self, kpis):
        return kpis.with_user(self.ada).action_publish_selected()["params"]

    def draft(self, kpis):
        return kpis.with_user(self.ada).action_draft_selected()["params"]

    def make_goal(self, kpi, day="2026-12-10", **values):
        goals = self.env["crm.kpi.goal"]
        return goals.create(
            {
                "kpi_id": kpi.id,
                "period_id": self.period("month", day).id,
                "kind": "at_least",
                "target": 5,
                **values,
            }
        )

    def test_fifty_at_once(self):
        kpis = self.kpis.union(*(self.make_kpi(f"k{i}", state="draft") for i in range(50)))
        told = self.publish(kpis)
        self.assertEqual(set(kpis.mapped("state")), {"published"})
        self.assertEqual(told["type"], "success")
        self.assertRegex(
            told["message"],
            r"50 KPIs were published\. First values after the next refresh \(11:01\sAM\)\.",
        )
        told = self.draft(kpis)
        self.assertEqual(set(kpis.mapped("state")), {"draft"})
        self.assertEqual(told["message"], "50 KPIs are back to draft.")
        self.assertEqual(
            self.draft(kpis)["message"],
            "Nothing to change: the KPIs have this state already.",
        )

    def test_one_that_is_refused_does_not_stop_the_others(self):
        group = self.env["res.groups"].create({"name": "Accountants"})
        free, closed, with_goal = (
            self.make_kpi(code, name=code) for code in ("free", "closed", "with_goal")
        )
        closed.group_ids = group
        self.make_goal(with_goal, scope="user", user_id=self.ann.id)
        self.make_goal(with_goal, scope="team", team_id=self.north.id)
        told = self.draft(free | closed | with_goal)
        self.assertEqual(
            [kpi.state for kpi in (free, closed, with_goal)], ["draft", "published", "published"]
        )
        self.assertEqual((told["type"], told["sticky"]), ("warning", True))
        message = told["message"]
        self.assertIn("1 KPI is back to draft. 2 KPIs were refused:", message)
        self.assertIn("closed: only members of Accountants", message)
        self.assertIn("with_goal has goals that are not over:", message)
        for name in ("Ann · December 2026", "North · December 2026"):
            self.assertIn(name, message)

    def test_goals_that_are_over_do_not_matter(self):
        kpi = self.make_kpi("over")
        self.make_goal(kpi, "2026-11-10")
        running = self.make_goal(kpi)
        for refused in (kpi.action_draft, kpi.action_archive):
            with self.assertRaisesRegex(UserError, "Archive these goals first"):
                refused()
        self.assertEqual((kpi.state, kpi.active), ("published", True))
        running.action_archive()
        kpi.action_draft()
        kpi.action_archive()
        self.assertEqual((kpi.state, kpi.active), ("draft", False))

    def test_components_go_on_being_computed(self):
        """What formulas use is computed although it is switched off; the message says so."""
        part = self.make_kpi("part", name="Part")
        lonely = self.make_kpi("lonely", name="Lonely")
        double = self.make_kpi("double", kind="formula", formula="test_part * 2")
        told = self.draft(part | lonely)
        self.assertIn("Formulas still use, and the refresh still computes: Part.", told["message"])
        month = self.period("month", "2026-11-10")
        self.make_lead("2026-11-10 12:00:00")
        self.kpis._refresh(periods=month)
        self.assertEqual(self.value(double, month), 2)
        self.assertFalse(self.cells(lonely, month))
        # not when the formula is switched off, too
        part.state = "published"
        self.assertNotIn("Formulas", self.draft(part | double)["message"])

    def test_only_administrators(self):
        kpi = self.make_kpi("mine", state="draft")
        mia = self.make_user("Mia", "sales_team.group_sale_manager")
        for method in ("action_publish_selected", "action_draft_selected"):
            with self.assertRaises(AccessError):
                getattr(kpi.with_user(mia), method)()
        with self.assertRaises(AccessError):
            self.env["crm.kpi.areas"].with_user(mia).create({})

    def test_first_values(self):
        """A KPI that was just published says when it has values."""
        kpi = self.make_kpi("new", state="draft").with_user(self.ada)
        self.assertFalse(kpi.first_values_text)
        kpi.action_publish()
        for values, words in (
            ({"active": True}, r"^First values after the next refresh \(11:01\sAM\)\.$"),
            ({"nextcall": "2026-12-17 10:01:00"}, r"\(12/17/26, 11:01"),
            ({"nextcall": "2026-12-15 09:59:00"}, "due now"),
            ({"active": False}, "switched off"),
        ):
            self.cron.write(values)
            kpi.invalidate_recordset()
            self.assertRegex(kpi.first_values_text, words)
        part = self.env["crm.kpi.backfill"].create({"name": "orders", "done": 1, "total": 9})
        kpi.invalidate_recordset()
        self.assertRegex(kpi.first_values_text, "when the history has been read: 1 of 9 orders")
        part.unlink()
        kpi.action_refresh()
        self.assertFalse(kpi.first_values_text)

    # --- AREAS ---

    def apply(self, **areas):
        wizard = self.env["crm.kpi.areas"].with_user(self.ada).create(areas)
        return wizard.action_apply()["params"]

    def test_service_only_and_back(self):
        """All KPIs that are not of the service are switched off, and on again afterwards."""
        service = self.make_kpi("waiting", compared_people="service")
        unknown = self.make_kpi(
            "other", category_id=self.env["crm.kpi.category"].create({"name": "Other"}).id
        )
        own = self.make_kpi("own", state="draft")
        kpis = self.kpis.search([("is_component", "=", False)]).filtered("is_shipped")
        closed = kpis & kpis.with_user(self.ada)._closed_to_user()
        self.assertTrue(closed)
        shipped = kpis - closed
        self.assertEqual(set(shipped.mapped("state")), {"published"})
        told = self.apply(sales=False, marketing=False)
        self.assertIn("only members of", told["message"])
        self.assertEqual(set(closed.mapped("state")), {"published"})
        for kpi in shipped:
            is_service = kpi.compared_people == "service" or kpi.category_id.is_service
            self.assertEqual(kpi.state, "published" if is_service else "draft", kpi.code)
        self.assertEqual((service.state, unknown.state), ("published", "published"))
        self.apply(service=False)
        for kpi in shipped:
            is_service = kpi.compared_people == "service" or kpi.category_id.is_service
            self.assertEqual(kpi.state, "draft" if is_service else "published", kpi.code)
        self.assertEqual((service.state, unknown.state), ("draft", "published"))
        self.apply()
        self.assertEqual({kpi.state for kpi in shipped}, {"published"})
        self.assertEqual(own.state, "draft")  # only shipped KPIs are switched on

    def test_marketing_only(self):
        self.apply(sales=False, service=False)
        leads, pipeline = (
            self.env.ref(f"crm_kpi.crm_kpi_{code}") for code in ("new_leads", "pipeline_value")
        )
        self.assertEqual((leads.state, pipeline.state), ("published", "draft"))

    def test_no_area(self):
        with self.assertRaisesRegex(UserError, "at least one area"):
            self.apply(sales=False, service=False, marketing=False)
