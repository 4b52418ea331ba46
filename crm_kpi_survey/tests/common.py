# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import Command
from odoo.tests import new_test_user

from odoo.addons.crm_kpi.tests.common_history import HistoryCase

SCALES = {"nps": (0, 10), "ces": (1, 7), "csat": (1, 5)}


class SurveyCase(HistoryCase):
    """Surveys with one question each, answered as participants do."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context=dict(cls.env.context, mail_notrack=True))
        cls.surveyor = new_test_user(
            cls.env,
            login="surveyor",
            groups="survey.group_survey_user",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )
        cls.nps, cls.ces, cls.csat = (cls._survey(metric) for metric in ("nps", "ces", "csat"))
        # customers of Ann (team North) and Bob (team South)
        cls.anns, cls.bobs = (
            cls._customer(f"{user.name}'s", user_id=user.id) for user in (cls.ann, cls.bob)
        )

    @classmethod
    def _survey(cls, metric):
        lowest, highest = SCALES[metric]
        survey = cls.env["survey.survey"].create(
            {"title": metric.upper(), "user_id": cls.surveyor.id, "scoring_type": "no_scoring"}
        )
        cls.env["survey.question"].create(
            {
                "survey_id": survey.id,
                "title": "How?",
                "question_type": "scale",
                "scale_min": lowest,
                "scale_max": highest,
                "kpi_metric": metric,
            }
        )
        return survey

    @classmethod
    def _person(cls, company, name="Person", **values):
        return cls.env["res.partner"].create({"name": name, "parent_id": company.id, **values})

    def _ask(self, survey, when, partner=None, record=None, **values):
        """An invitation sent at a given time."""
        if record is not None:
            values |= {"kpi_res_model": record._name, "kpi_res_id": record.id}
        with self.at(when):
            return survey._create_answer(
                partner=partner or self.env["res.partner"], check_attempts=False, **values
            )

    def _finish(self, participation, when, value):
        """The answer to it; ``value`` None skips the question."""
        with self.at(when):
            participation._mark_in_progress()
            question = participation.survey_id.question_ids
            participation._save_lines(question, "" if value is None else str(value))
            participation._mark_done()
        return participation

    def _answer(self, survey, value, when="2026-10-15 12:00", partner=None, record=None, **values):
        participation = self._ask(survey, when, partner, record, **values)
        return self._finish(participation, when, value)
