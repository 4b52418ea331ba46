# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import Command
from odoo.tests import new_test_user, tagged

from odoo.addons.crm_kpi.tests.test_catalogue import CatalogueCase
from odoo.addons.crm_kpi_helpdesk_mgmt.tests.common import TicketCommon

OCTOBER = "2026-10-01"


@tagged("post_install", "-at_install")
class TestTicketSurvey(CatalogueCase, TicketCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contact.email = "contact@example.com"
        cls.team = cls.env["crm.team"].create({"name": "Service", "company_id": False})
        cls.desk, cls.other_desk = cls.env["helpdesk.ticket.team"].create(
            [
                {
                    "name": name,
                    "kpi_team_id": team and team.id,
                    "user_ids": [Command.set((cls.ann + cls.bob).ids)],
                }
                for name, team in (("Desk", cls.team), ("Other desk", None))
            ]
        )
        cls.survey = cls.env["survey.survey"].create(
            {"title": "Easy?", "user_id": cls.env.user.id, "scoring_type": "no_scoring"}
        )
        cls.question = cls.env["survey.question"].create(
            {
                "survey_id": cls.survey.id,
                "title": "They made it easy",
                "question_type": "scale",
                "scale_min": 1,
                "scale_max": 7,
                "kpi_metric": "ces",
            }
        )
        cls.env["helpdesk.ticket.stage"].search([]).kpi_survey_id = False
        cls.done.kpi_survey_id = cls.survey

    def _ticket(self, created="2026-10-05 08:00", by=None, **vals):
        return super()._ticket(created, by, **{"team_id": self.desk.id, **vals})

    def _sent(self, ticket):
        return self.env["survey.user_input"].search(
            [("kpi_res_model", "=", "helpdesk.ticket"), ("kpi_res_id", "=", ticket.id)],
            order="id",
        )

    def _answer(self, participation, value, when="2026-10-07 08:00"):
        with self.at(when):
            participation._save_lines(self.question, str(value))
            participation._mark_done()

    def _solved(self, value=None, **vals):
        ticket = self._ticket(**vals)
        self._move(ticket, "2026-10-06 08:00", stage_id=self.done.id)
        if value is not None:
            self._answer(self._sent(ticket), value)
        return ticket

    def test_sent_when_the_stage_is_entered(self):
        ticket = self._ticket()
        self.assertFalse(self._sent(ticket))
        self._move(ticket, "2026-10-06 08:00", stage_id=self.done.id)
        sent = self._sent(ticket)
        self.assertEqual(sent.partner_id, self.contact)
        self.assertTrue(sent.kpi_invited)
        # closed again before the customer answered: no second invitation
        self._move(ticket, "2026-10-06 09:00", stage_id=self.progress.id)
        self._move(ticket, "2026-10-06 10:00", stage_id=self.done.id)
        self._move(ticket, "2026-10-06 11:00", stage_id=self.done.id, name="Same stage")
        self.assertEqual(self._sent(ticket), sent)
        self._answer(sent, 6)
        self._move(ticket, "2026-10-08 09:00", stage_id=self.progress.id)
        self._move(ticket, "2026-10-08 10:00", stage_id=self.done.id)
        self.assertEqual(len(self._sent(ticket)), 2, "a second invitation after the answer")

    def test_invitation_by_mail_address_or_none(self):
        known = self._ticket(partner_id=False, partner_email="Jo <jo@example.com>")
        unknown = self._ticket(partner_id=False, partner_email=False)
        repeated = self._ticket(duplicate_id=known.id)
        for ticket in known + unknown + repeated:
            self._move(ticket, "2026-10-06 08:00", stage_id=self.done.id)
        self.assertIn("jo@example.com", self._sent(known).email)
        self.assertFalse(self._sent(unknown) + self._sent(repeated))

    def test_customer_closes_in_the_portal(self):
        """The customer is invited by mail of the company, even if the portal user closes the ticket."""
        ticket = self._ticket()
        self.env.company.partner_id.email = "company@example.com"
        mails = self.env["mail.mail"].search([])
        with self.at("2026-10-06 08:00"):
            ticket.with_user(self.portal).sudo().stage_id = self.done
        sent = self._sent(ticket)
        self.assertTrue(sent.kpi_invited)
        mail = self.env["mail.mail"].search([]) - mails
        self.assertIn("company@example.com", mail.email_from)
        self.assertEqual(mail.recipient_ids, self.contact)

    def test_agent_without_rights_on_surveys(self):
        agent = new_test_user(
            self.env, login="survey_agent", groups="helpdesk_mgmt.group_helpdesk_user_own"
        )
        agent.company_ids |= self.company
        self.desk.user_ids |= agent
        ticket = self._ticket(user_id=agent.id)
        with self.at("2026-10-06 08:00"):
            ticket.with_user(agent).stage_id = self.done
        self.assertEqual(self._sent(ticket).kpi_user_id, agent)
        self._answer(self._sent(ticket), 7)
        ticket = ticket.with_user(agent)
        self.assertEqual(ticket.kpi_answer_count, 1)
        answers = self.env["crm.kpi.survey.answer"].with_user(agent)
        found = answers.search(ticket.action_kpi_survey_answers()["domain"])
        self.assertEqual(found.value, 7)

    def test_47_ces_by_agent_and_team(self):
        """The answer stays with the user of the ticket when it was closed."""
        tickets = [self._solved(value) for value in (7, 6, 5, 4, 2)]
        for ticket in tickets:
            self._move(ticket, "2026-10-08 08:00", user_id=self.bob.id, team_id=self.other_desk.id)
        with self.at("2026-11-10 12:00"):
            self._refresh("ces", "ces_mean")
        # of the answers of one contact to the survey, the last one counts
        self.assertEqual(self._read("ces_mean", OCTOBER, level="user", user_id=self.ann), 2)

    def test_47_one_answer_per_customer(self):
        for value in (7, 6, 5, 4, 2):
            person = self.env["res.partner"].create(
                {"name": "P", "parent_id": self.customer.id, "email": f"p{value}@example.com"}
            )
            ticket = self._solved(value, partner_id=person.id)
            self._move(ticket, "2026-10-08 08:00", user_id=self.bob.id)
        with self.at("2026-11-10 12:00"):
            self._refresh("ces", "ces_mean")
        for level, dimension in (("user", {"user_id": self.ann}), ("team", {"team_id": self.team})):
            self.assertAlmostEqual(self._read("ces", OCTOBER, level=level, **dimension), 0.6)
            self.assertAlmostEqual(self._read("ces_mean", OCTOBER, level=level, **dimension), 4.8)
        self.assertIsNone(self._read("ces", OCTOBER, level="user", user_id=self.bob))

    def test_effort_on_the_ticket(self):
        """The ticket shows its last answer, and no value without an answer."""
        silent, ticket = self._solved(), self._solved(3)
        self._derive()
        self.assertEqual(ticket.kpi_ces, 3)
        self.assertIs(silent.kpi_ces, False)
        self._move(ticket, "2026-10-08 09:00", stage_id=self.progress.id)
        self._move(ticket, "2026-10-08 10:00", stage_id=self.done.id)
        last = self._sent(ticket)[-1]
        self._answer(last, 6, "2026-10-09 08:00")
        self._derive()
        self.assertEqual(ticket.kpi_ces, 6)
        last.test_entry = True
        self._derive()
        self.assertEqual(ticket.kpi_ces, 3)
        self._sent(ticket).unlink()
        self._derive()
        self.assertIs(ticket.kpi_ces, False)

    def test_message_is_not_a_contact(self):
        """The note of a sent survey is neither a response nor a message of the customer."""
        ticket = self._solved(7)
        self._derive()
        self.assertFalse(self._rows(ticket))

    def test_counter_metric(self):
        kpis = {kpi.code: kpi for kpi in self.env["crm.kpi"]._by_code(["ces", "fcr_rate"])}
        self.assertEqual(kpis["ces"].counter_kpi_id, kpis["fcr_rate"])
