# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import new_test_user, tagged

from .common import MailingCase


@tagged("post_install", "-at_install")
class TestMarketingBoard(MailingCase):
    def test_marketer_starts_on_the_marketing_board(self):
        """Its KPIs are those of mailings and campaigns, and their values are those of the mails."""
        marketer = new_test_user(
            self.env,
            "max",
            groups="base.group_user,mass_mailing.group_mass_mailing_user",
            company_id=self.company.id,
            company_ids=self.company.ids,
        )
        for number in range(5):
            self._trace(f"{number}@x.example", "reply" if number == 0 else "sent")
        with self.at("2026-10-28 12:00"):
            self._refresh("mailings_sent")
            self.env.flush_all()
            boards = self.env["crm.kpi.board"].with_user(marketer).with_company(self.company)
            shown = boards.get_board()
        self.assertEqual(shown["board"]["name"], "Marketing")
        values = {card["kpi"]["code"]: card["value"] for card in shown["cards"]}
        self.assertEqual(values["mailings_sent"], 5)
        self.assertLessEqual(
            {"campaign_orders", "campaign_roi", "campaign_response_rate", "unsubscribe_rate"},
            set(values),
        )

    def test_salespeople_do_not_see_it(self):
        seller = new_test_user(self.env, "sue", groups="sales_team.group_sale_salesman")
        boards = self.env["crm.kpi.board"].with_user(seller)._visible()
        self.assertNotIn(self.env.ref("crm_kpi.crm_kpi_board_marketing"), boards)
