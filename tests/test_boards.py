# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The shipped boards, with all addons installed."""

from odoo.tests import TransactionCase, tagged

BOARDS = {
    "crm_kpi.crm_kpi_board_mine": "My board",
    "crm_kpi.crm_kpi_board_sales": "Sales team",
    "crm_kpi_helpdesk_mgmt.crm_kpi_board_service": "Service team",
    "crm_kpi.crm_kpi_board_marketing": "Marketing",
    "crm_kpi.crm_kpi_board_customers": "Customers and segments",
    "crm_kpi.crm_kpi_board_executive": "Executive",
}


@tagged("post_install", "-at_install")
class TestBoards(TransactionCase):
    def test_shipped_boards(self):
        """Shared boards with published KPIs that are not components."""
        boards = self.env["crm.kpi.board"]
        shipped = boards.search([("is_shipped", "=", True)])
        self.assertEqual(shipped.mapped("name"), list(BOARDS.values()))
        for name in BOARDS:
            board = self.env.ref(name)
            kpis = board.card_ids.kpi_id
            self.assertFalse(board.user_id)
            self.assertLessEqual(len(kpis), 14, name)
            self.assertGreaterEqual(len(kpis), 6, name)
            self.assertEqual(set(kpis.mapped("state")), {"published"})
            self.assertFalse(kpis.filtered("is_component"))
            shown = boards.get_board(board.id)
            self.assertEqual([card["kpi"]["id"] for card in shown["cards"]], kpis.ids, name)

    def test_cards_of_other_apps(self):
        """The addon of each app adds cards to the boards."""
        for board, code in (
            ("crm_kpi_helpdesk_mgmt.crm_kpi_board_service", "csat_score"),
            ("crm_kpi_helpdesk_mgmt.crm_kpi_board_service", "sla_success_rate"),
            ("crm_kpi.crm_kpi_board_customers", "nps"),
            ("crm_kpi.crm_kpi_board_executive", "abandoned_cart_rate"),
        ):
            self.assertIn(code, self.env.ref(board).card_ids.kpi_id.mapped("code"))

    def test_service_board_is_for_service(self):
        user = self.env["res.users"].create(
            {
                "name": "Seller",
                "login": "kpi_seller",
                "group_ids": [(4, self.env.ref("sales_team.group_sale_salesman").id)],
            }
        )
        boards = self.env["crm.kpi.board"].with_user(user)
        names = [board["name"] for board in boards.get_board()["boards"]]
        self.assertNotIn("Service team", names)
        self.assertIn("My board", names)
        user.group_ids |= self.env.ref("helpdesk_mgmt.group_helpdesk_user_own")
        names = [board["name"] for board in boards.get_board()["boards"]]
        self.assertIn("Service team", names)
