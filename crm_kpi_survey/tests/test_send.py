# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import AccessError
from odoo.tests import Form, new_test_user, tagged

from .common import SurveyCase


@tagged("post_install", "-at_install")
class TestSend(SurveyCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.officer = new_test_user(
            cls.env,
            login="survey_officer",
            email="officer@example.com",
            groups="survey.group_survey_user,sales_team.group_sale_salesman_all_leads",
            company_id=cls.company.id,
            company_ids=[(6, 0, cls.company.ids)],
        )
        cls.anns.email = "anns@example.com"
        cls.order = cls._order(cls.anns, "2026-10-01 10:00", user=cls.bob)

    def test_wizard_links_the_record(self):
        """From the action menu of an order: the participation is linked to the order."""
        self._answer(self.nps, 9, partner=self.anns)  # an earlier one is not sent again
        self.nps.access_mode = "token"
        wizard = Form(
            self.env["survey.invite"]
            .with_user(self.officer)
            .with_context(
                default_kpi_res_model="sale.order",
                default_kpi_res_id=self.order.id,
                default_existing_mode="new",
            )
        )
        wizard.survey_id = self.nps
        self.assertEqual(wizard.partner_ids.ids, self.anns.ids)
        wizard.save().action_invite()
        sent = self.env["survey.user_input"].search([("kpi_res_id", "=", self.order.id)])
        self.assertEqual(sent.kpi_res_model, "sale.order")
        self.assertEqual(sent.partner_id, self.anns)
        self.assertEqual(sent.kpi_user_id, self.bob)
        self.assertTrue(sent.kpi_invited)

    def test_invite_once_until_answered(self):
        Mail = self.env["mail.mail"]
        before = Mail.search_count([])
        first = self.nps._kpi_invite(self.order)
        self.assertEqual(first.partner_id, self.anns)
        self.assertEqual(Mail.search_count([]), before + 1)
        self.assertEqual(self.nps._kpi_invite(self.order), first, "not answered yet")
        self.assertEqual(Mail.search_count([]), before + 1)
        self._finish(first, "2026-10-15 12:00", 9)
        self.assertNotEqual(self.nps._kpi_invite(self.order), first)
        mail = Mail.search([], order="id desc", limit=1)
        self.assertEqual(mail.recipient_ids, self.anns)
        self.assertIn("/survey/start/", mail.body_html)

    def test_no_invitation_without_address_or_survey(self):
        self.anns.email = False
        self.assertFalse(self.nps._kpi_invite(self.order))
        self.anns.email = "anns@example.com"
        self.nps.active = False
        self.assertFalse(self.nps._kpi_invite(self.order))

    def test_stamps_are_protected(self):
        """Users who edit participations cannot change the credit."""
        answer = self._answer(self.nps, 9, partner=self.anns).with_user(self.officer)
        with self.assertRaises(AccessError):
            answer.write({"kpi_user_id": self.officer.id})
        with self.assertRaises(AccessError):
            answer.create({"survey_id": self.nps.id, "kpi_invited": True})
