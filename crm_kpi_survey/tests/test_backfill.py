# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import new_test_user, tagged

from .common import SurveyCase

FACTS = ("kpi_partner_id", "kpi_user_id", "kpi_team_id", "kpi_company_id", "kpi_invited")


@tagged("post_install", "-at_install")
class TestBackfill(SurveyCase):
    def test_same_facts_as_stamped(self):
        """Participations from before the installation get the same facts as live ones."""
        person = self._person(self.bobs, email="p@example.com")
        portal = new_test_user(self.env, login="survey_portal", groups="base.group_portal")
        inputs = (
            self._answer(self.nps, 9, partner=person)
            + self._ask(self.nps, "2026-10-15 12:00", self.anns)
            + self._answer(self.nps, 9, email="somebody@example.com")
            + self._answer(self.nps, 9)
            + self._ask(self.nps, "2026-10-15 12:00", self.ann.partner_id)
            + self._ask(self.nps, "2026-10-15 12:00", person, test_entry=True)
            + self.nps.with_user(portal).sudo()._create_answer(user=portal, check_attempts=False)
        ).with_env(self.env)
        stamped = [{name: input_[name] for name in FACTS} for input_ in inputs]
        self.assertEqual(
            [facts["kpi_invited"] for facts in stamped],
            [True, True, True, False, False, False, False],
        )
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE survey_user_input SET kpi_partner_id = NULL, kpi_user_id = NULL,"
            " kpi_team_id = NULL, kpi_company_id = NULL, kpi_invited = NULL WHERE id = ANY(%s)",
            [inputs.ids],
        )
        self.env.invalidate_all()
        self.env["crm.kpi.backfill"]._run()
        self.assertEqual([{name: i[name] for name in FACTS} for i in inputs], stamped)

    def test_backfill_keeps_stamps(self):
        answer = self._answer(self.nps, 9, partner=self.anns)
        self.anns.user_id = self.bob
        self.env["crm.kpi.backfill"]._run()
        self.assertEqual(answer.kpi_user_id, self.ann)
