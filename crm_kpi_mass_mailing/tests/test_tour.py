# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a marketer does in the browser."""

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from .common import MailingCase


@tagged("post_install", "-at_install", "browser")
class TestMarketer(MailingCase, HttpCase):
    def test_marketer(self):
        """From the first screen to a goal that is missed, and to the costs of a campaign."""
        new_test_user(
            self.env,
            "max",
            groups="mass_mailing.group_mass_mailing_user,mass_mailing.group_mass_mailing_campaign",
            company_id=self.company.id,
            company_ids=self.company.ids,
        )
        fair = self.env["utm.campaign"].create({"title": "Autumn fair"})
        costs = self.env["crm.kpi.cost"].create(
            [
                {"name": name, "kind": kind, "amount": amount, "campaign_id": fair.id}
                for name, kind, amount in (("Stand", "marketing", 400), ("Salary", "sales", 9000))
            ]
        )
        now = fields.Datetime.now()
        for number in range(5):
            self._trace(f"{number}@x.example", sent=fields.Datetime.to_string(now))
        month = self.env["crm.kpi.period"]._current("month", self.company)
        sent = self.env.ref("crm_kpi_mass_mailing.crm_kpi_mailings_sent")
        self.env["crm.kpi"]._refresh(periods=month, kpis=sent)
        goal = self.env["crm.kpi.goal"].create(
            {"kpi_id": sent.id, "period_id": month.id, "kind": "at_most", "target": 2}
        )
        self.assertEqual((goal.status, month.state), ("off_track", "open"))
        self.env.flush_all()
        self.start_tour("/odoo", "crm_kpi_marketer", login="max")
        flyers = fair.kpi_cost_ids - costs
        self.assertEqual((flyers.name, flyers.kind, flyers.amount), ("Flyers", "marketing", 150))
        self.assertEqual(flyers.company_id, self.company)
