# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Rights on answers of each role, checked over HTTP as the web client and scripts use it."""

from odoo.tests import tagged

from odoo.addons.crm_kpi.tests.test_rights import RightsCase

MODEL = "crm.kpi.survey.answer"


@tagged("post_install", "-at_install")
class TestSurveyRights(RightsCase):
    """An HttpCase with the users of ``RightsCase``."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.survey = cls.env["survey.survey"].create(
            {"title": "Rights", "user_id": cls.env.user.id}
        )
        question = cls.env["survey.question"].create(
            {
                "survey_id": cls.survey.id,
                "title": "How likely?",
                "question_type": "scale",
                "kpi_metric": "nps",
            }
        )
        for user, value in ((cls.ann, 9), (cls.bob, 2)):
            customer = cls.env["res.partner"].create({"name": user.name, "user_id": user.id})
            answer = cls.survey._create_answer(partner=customer)
            answer._save_lines(question, str(value))
            answer._mark_done()
        cls.env.flush_all()

    def _values(self, role):
        domain = [("survey_id", "=", self.survey.id)]
        rows = self.rpc(role, MODEL, "search_read", domain, ["value"])
        return sorted(row["value"] for row in rows)

    def test_own_answers_all_answers_and_none(self):
        self.assertEqual(self._values("ann"), [9])
        for role in ("all", "manager"):
            self.assertEqual(self._values(role), [2, 9], role)
        self.assertEqual(self._values("foreign"), [], "another company")
        self.assert_refused("portal", MODEL, "search_read", [], ["value"])

    def test_restricted_survey(self):
        self.survey.user_id = False
        self.survey.restrict_user_ids = self.all
        self.env.flush_all()
        self.assertEqual(self._values("all"), [2, 9])
        self.assertEqual(self._values("ann"), [])
        self.assertEqual(self._values("manager"), [])

    def test_users_cannot_write(self):
        answer = self.env[MODEL].search([("survey_id", "=", self.survey.id)], limit=1)
        for role in ("ann", "manager", "kpi_admin"):
            self.assert_refused(role, MODEL, "write", answer.ids, {"value": 10})
            self.assert_refused(role, MODEL, "unlink", answer.ids)

    def test_participations_need_rights_on_surveys(self):
        """Readers of answers cannot read the participation, which has the access token."""
        self.assert_refused("manager", "survey.user_input", "search_read", [], ["access_token"])
