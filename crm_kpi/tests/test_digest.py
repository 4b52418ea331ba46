# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""KPIs in Odoo's digest mails."""

from odoo.fields import Command
from odoo.tests import tagged

from .common_board import BoardCase


@tagged("post_install", "-at_install")
class TestDigest(BoardCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.digest = cls.env["digest.digest"].create(
            {
                "name": "Sales",
                "company_id": cls.company.id,
                "crm_kpi_ids": [Command.set((cls.leads | cls.share).ids)],
            }
        )
        cls.mia.email = "mia@example.com"
        cls.digest.user_ids = cls.mia | cls.ann

    def rows(self, user):
        self.env.flush_all()
        found = self.digest._compute_kpis(self.company, user)
        return {
            row["kpi_fullname"]: row for row in found if row["kpi_name"].startswith("crm_kpi_test")
        }

    def test_values_of_the_company(self):
        """Recipients who may read all values get those of the company; counted in SQL."""
        rows = self.rows(self.mia)
        columns = [rows["Leads"][f"kpi_col{number}"] for number in (1, 2, 3)]
        values = {column["col_subtitle"]: column["value"] for column in columns}
        week = self.count(first="2026-04-06", after="2026-04-13")[0]
        self.assertEqual(values["Week 15, 2026"], str(week))
        self.assertEqual(
            values["Apr 14, 2026"], str(self.count(first="2026-04-14", after="2026-04-15")[0])
        )
        march = self.count(first="2026-03-01", after="2026-04-01")[0]
        self.assertEqual(values["March 2026"], str(march))

    def test_own_values(self):
        """Other recipients get their own values."""
        rows = self.rows(self.ann)
        columns = [rows["Leads"][f"kpi_col{number}"] for number in (1, 2, 3)]
        values = {column["col_subtitle"]: column["value"] for column in columns}
        own = self.count(f"user_id = {self.ann.id}", "2026-03-01", "2026-04-01")[0]
        self.assertEqual(values["March 2026"], str(own))

    def test_change(self):
        """March against February. No arrow where less is better."""

        def margin():
            columns = [self.rows(self.mia)["Leads"][f"kpi_col{number}"] for number in (1, 2, 3)]
            return {column["col_subtitle"]: column["margin"] for column in columns}["March 2026"]

        before = self.count(first="2026-02-01", after="2026-03-01")[0]
        march = self.count(first="2026-03-01", after="2026-04-01")[0]
        self.assertAlmostEqual(margin(), (march - before) / before * 100, 1)
        self.leads.direction = "decrease"
        self.assertEqual(margin(), 0.0)

    def test_only_what_the_recipient_may_read(self):
        self.leads.group_ids = self.env.ref("base.group_system")
        self.assertEqual(set(self.rows(self.mia)), {"share"})
        stranger = self.make_user("Sam", "base.group_user")
        self.assertEqual(self.rows(stranger), {})

    def test_mail(self):
        """The mail of a recipient has the values."""
        self.env.flush_all()
        self.digest._action_send_to_user(self.mia)
        mail = self.env["mail.mail"].search(
            [("email_to", "like", "mia@")], order="id desc", limit=1
        )
        body = mail.body_html
        self.assertIn("Leads", body)
        self.assertIn("March 2026", body)
        self.assertIn("/odoo/action-crm_kpi.crm_kpi_board_action", body)
        self.assertIn("unsubscribe", mail.headers or "")
