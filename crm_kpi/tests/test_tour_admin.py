# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What KPI administrators do in the browser with many KPIs, shipped KPIs and the refresh."""

from odoo.tests import HttpCase, tagged

from .common import KpiCommon


@tagged("post_install", "-at_install", "browser")
class TestAdminTours(KpiCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.make_user("Ada", "crm_kpi.group_kpi_admin")  # and no other rights

    def test_fifty_back_to_draft(self):
        """One is refused and named; a KPI that is published again says when it has values."""
        others = self.kpis.with_context(active_test=False).search([])
        others.with_context(tracking_disable=True).active = False
        kpis = self.kpis.union(*(self.make_kpi(f"b{i:02}", name=f"Bulk {i:02}") for i in range(50)))
        self.env["crm.kpi.goal"].create(
            {
                "kpi_id": kpis[3].id,
                "period_id": self.env["crm.kpi.period"]._current("month", self.company).id,
                "kind": "at_least",
                "target": 5,
            }
        )
        self.start_tour("/odoo/kpi-definitions", "crm_kpi_bulk", login="kpi_ada")
        published = kpis.filtered(lambda kpi: kpi.state == "published")
        self.assertEqual(published, kpis[3] | kpis[7])
        self.assertTrue(kpis[7].last_refresh)

    def test_back_to_the_original(self):
        kpi = self.env.ref("crm_kpi.crm_kpi_new_leads")
        digits = kpi.digits
        kpi.digits = 3
        self.start_tour(f"/odoo/kpi-definitions/{kpi.id}", "crm_kpi_original", login="kpi_ada")
        self.assertEqual(kpi.digits, digits)

    def test_switch_areas(self):
        self.start_tour("/odoo/kpi-library", "crm_kpi_areas", login="kpi_ada")
        self.assertEqual(self.env.ref("crm_kpi.crm_kpi_win_rate").state, "draft")
        self.assertEqual(self.env.ref("crm_kpi.crm_kpi_defect_rate").state, "published")

    def test_health(self):
        kpi = self.make_kpi("failing", name="Tour failure")
        kpi.write({"last_error": "It is broken.", "failed_since": "2026-01-01 10:00:00"})
        part = {"part_of": "", "computed": 1, "written": 1, "failed": False, "busy": False}
        self.env["crm.kpi.run"].create(
            {
                "kind": "refresh",
                "date": "2026-01-01 10:00:00",
                "state": "done",
                "step_count": 3,
                "done_count": 3,
                "steps": [{**part, "title": "Tour source", "company_id": None, "seconds": 2}],
            }
        )
        self.start_tour("/odoo/kpi-system-health", "crm_kpi_health", login="kpi_ada")
        cron = self.env.ref("crm_kpi.ir_cron_refresh")
        self.assertTrue(self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)]))
