# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo.tests import tagged

from odoo.addons.crm_kpi.tests.test_catalogue import CatalogueCase

from .common import TicketCommon


@tagged("post_install", "-at_install")
class TestCostPerTicket(CatalogueCase, TicketCommon):
    def test_05c_cost_per_ticket(self):
        self.env["crm.kpi.cost"].create(
            [
                {
                    "kind": kind,
                    "date_first": "2026-10-01",
                    "date_last": "2026-10-31",
                    "amount": amount,
                    "user_id": self.ann.id,
                    "team_id": False,
                    "company_id": self.company.id,
                }
                for kind, amount in (("service", 45), ("sales", 1000))
            ]
        )
        for _number in range(3):
            ticket = self._ticket("2026-10-05 09:00")
            self._move(ticket, "2026-10-06 09:00", stage_id=self.done.id)
        with self.at("2026-11-10 12:00"):
            self._refresh("cost_per_ticket")
        of_ann = self._read("cost_per_ticket", "2026-10-01", level="user", user_id=self.ann)
        self.assertAlmostEqual(of_ann, 15)
        self.assertIsNone(self._read("cost_per_ticket", "2026-09-01"), "no costs are known")
