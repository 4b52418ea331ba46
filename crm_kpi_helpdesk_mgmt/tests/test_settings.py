# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.crm_kpi.tests.common import KpiCommon


@tagged("post_install", "-at_install")
class TestSettings(KpiCommon):
    def test_first_board_of_agents(self):
        """Agents start on the board that the settings name for them, salespeople do not."""
        agent = self.make_user("Gus", "helpdesk_mgmt.group_helpdesk_user_own")
        boards = self.env["crm.kpi.board"]
        cards = [Command.create({"kpi_id": self.make_kpi("agents").id})]
        chosen = boards.create(
            {"name": "For agents", "user_id": False, "sequence": 900, "card_ids": cards}
        )
        settings = self.env["crm.kpi.settings"].create({})
        settings.kpi_agent_board_id = chosen

        def first(user):
            self.env.flush_all()
            return boards.with_user(user).with_company(self.company).get_board()["board"]["id"]

        self.assertEqual(first(agent), chosen.id)
        self.assertNotEqual(first(self.ann), chosen.id)

    def test_example(self):
        settings = self.env["crm.kpi.settings"].create({"kpi_first_response_target_hours": 2})
        self.assertEqual(self.company.kpi_first_response_target_hours, 2)
        example = settings.examples["kpi_first_response_target_hours"].replace("\u202f", " ")
        self.assertEqual(example, "Received at 9:00 AM: answer by 11:00 AM.")
