# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What each role does in the browser."""

from datetime import timedelta

from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from .common import KpiCommon


@tagged("post_install", "-at_install", "browser")
class TestTours(KpiCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mia = cls.make_user("Mia", "sales_team.group_sale_manager")
        cls.make_user("Ada", "sales_team.group_sale_manager", "crm_kpi.group_kpi_admin")
        cls.kpi = cls.make_kpi("tour", name="Tour leads", sequence=0)
        for index, (user, team) in enumerate(
            [(cls.ann, cls.north)] * 3 + [(cls.bob, cls.north), (cls.cid, cls.south)]
        ):
            cls.env["crm.lead"].create(
                {
                    "name": f"Tour lead {index}",
                    "type": "lead" if index == 4 else "opportunity",
                    "company_id": cls.company.id,
                    "user_id": user.id,
                    "team_id": team.id,
                }
            )
        cls.month = cls.env["crm.kpi.period"]._current("month", cls.company)
        before = cls.month.utc_from - timedelta(days=3)
        cls.period("month", before.date())
        cls.make_lead(before, name="Tour lead of last month", user_id=cls.cid.id)
        cls.env["crm.kpi"]._refresh(periods=cls.month, kpis=cls.kpi)
        cls.env.flush_all()

    def test_rep(self):
        """My KPIs, the included records of a card, the definition."""
        self.start_tour("/odoo/my-kpis", "crm_kpi_rep", login="kpi_ann")

    def test_user_without_values(self):
        """A user without values sees a help text instead of a blank page."""
        self.start_tour("/odoo/my-kpis", "crm_kpi_no_values", login="kpi_ada")

    def test_rep_on_a_phone(self):
        self.browser_size = "390x844"
        self.touch_enabled = True
        self.start_tour("/odoo/my-kpis", "crm_kpi_rep_phone", login="kpi_ann")

    def test_manager(self):
        """The scorecard, goals for all members, their status."""
        self.mia.kpi_ids = self.kpi  # the columns
        self.start_tour("/odoo/scorecard", "crm_kpi_manager", login="kpi_mia")
        goals = self.env["crm.kpi.goal"].search(
            [("kpi_id", "=", self.kpi.id), ("period_id", "=", self.month.id)]
        )
        self.assertEqual(goals.user_id, self.ann | self.bob)
        self.assertEqual(set(goals.mapped("target")), {2.0})
        self.assertEqual(goals.filtered(lambda g: g.user_id == self.ann).status, "achieved")

    def test_admin(self):
        """A KPI with a filter is previewed with real records and published, without code."""
        self.start_tour("/odoo/kpi-definitions", "crm_kpi_admin", login="kpi_ada")
        kpi = self.env["crm.kpi"].search([("code", "=", "opportunities_entered")])
        self.assertEqual(kpi.state, "published")
        self.assertEqual(kpi.source_id, self.source)
        self.env["crm.kpi"]._refresh(periods=self.month, kpis=kpi)
        [cell] = self.cells(kpi, self.month, "company")
        self.assertEqual(cell.value, 4.0)

    def test_benelux(self):
        """Quotations over 10,000 in a country group: 10 clicks, a preview after 3 of them."""
        belgium, france = self.env.ref("base.be"), self.env.ref("base.fr")
        self.env["res.country.group"].create(
            {"name": "Tour BeNeLux", "country_ids": [Command.set(belgium.ids)]}
        )
        self.env["crm.kpi.source"].create(
            {
                "name": "Tour quotations",
                "code": "tour_quotations",
                "model_id": self.env["ir.model"]._get_id("sale.order"),
                "date_field": "date_order",
                "user_field": "user_id",
                "partner_field": "partner_id",
            }
        )
        product = self.env["product.product"].create({"name": "Press"})
        for country, price in ((belgium, 12000), (belgium, 9000), (france, 15000)):
            customer = self.env["res.partner"].create(
                {"name": f"Tour brewery {price}", "country_id": country.id}
            )
            line = {"product_id": product.id, "price_unit": price, "tax_ids": False}
            self.env["sale.order"].create(
                {
                    "partner_id": customer.id,
                    "company_id": self.company.id,
                    "date_order": self.month.utc_from - timedelta(days=3),
                    "order_line": [Command.create(line)],
                }
            )
        self.start_tour("/odoo/kpi-definitions", "crm_kpi_benelux", login="kpi_ada")
        kpi = self.env["crm.kpi"].search([("name", "=", "Quotations over 10,000 in Benelux")])
        self.assertEqual(kpi.code, "quotations_over_10_000_in_benelux")
        self.assertTrue(kpi.category_id)
        kpi.state = "published"
        before = self.period("month", self.month.date_from - timedelta(days=3))
        self.env["crm.kpi"]._refresh(periods=before, kpis=kpi)
        self.assertEqual(self.value(kpi, before), 1)

    def test_ratio(self):
        """A formula is completed and corrected while it is typed; unit and category follow."""
        self.make_kpi("closed", name="Tour closed", sequence=1)
        self.start_tour("/odoo/kpi-definitions", "crm_kpi_ratio", login="kpi_ada")
        kpi = self.env["crm.kpi"].search([("name", "=", "Tour ratio")])
        self.assertEqual(kpi.formula, "test_tour / test_closed")
        self.assertEqual((kpi.unit, kpi.digits), ("percent", 1))
        self.assertEqual(kpi.category_id, self.category)

    def test_definition_change(self):
        """A changed definition is saved by the dialog, for all history or as a new KPI."""
        self.start_tour("/odoo/kpi-definitions", "crm_kpi_definition_change", login="kpi_ada")
        self.assertEqual((self.kpi.maturity_days, self.kpi.version), (2, 2))
        copy = self.env["crm.kpi"].search([("code", "=", "test_tour_copy")])
        self.assertEqual((copy.maturity_days, copy.state), (3, "draft"))
