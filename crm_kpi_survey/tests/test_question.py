# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import ValidationError
from odoo.tests import Form, tagged

from .common import SurveyCase


@tagged("post_install", "-at_install")
class TestQuestion(SurveyCase):
    def _question(self, metric, question_type="scale", bounds=None, **values):
        if question_type == "scale" and bounds:
            values |= {"scale_min": bounds[0], "scale_max": bounds[1]}
        elif bounds:
            values |= {
                "validation_required": True,
                "validation_min_float_value": bounds[0],
                "validation_max_float_value": bounds[1],
            }
        return self.env["survey.question"].create(
            {
                "survey_id": self.nps.id,
                "title": "Which?",
                "question_type": question_type,
                "kpi_metric": metric,
                **values,
            }
        )

    def test_scales(self):
        """Other scales are refused."""
        for metric, question_type, bounds, fits in (
            ("nps", "scale", (0, 10), True),
            ("nps", "scale", (1, 10), False),
            ("nps", "scale", (0, 5), False),
            ("nps", "numerical_box", None, True),
            ("nps", "numerical_box", (0, 10), True),
            ("nps", "numerical_box", (0, 100), False),
            ("nps", "simple_choice", None, False),
            ("nps", "text_box", None, False),
            ("ces", "scale", (1, 7), True),
            ("ces", "scale", (0, 7), False),
            ("ces", "numerical_box", None, False),
            ("ces", "numerical_box", (1, 7), True),
            ("csat", "scale", (1, 5), True),
            ("csat", "scale", (0, 5), False),
            ("csat", "numerical_box", None, False),
        ):
            with self.subTest(metric=metric, type=question_type, bounds=bounds):
                if fits:
                    self._question(metric, question_type, bounds)
                else:
                    with self.assertRaisesRegex(ValidationError, "^KPI: "):
                        self._question(metric, question_type, bounds)
                    self.env.transaction.clear()  # drop its pending computations

    def test_older_effort_score_is_refused_not_inverted(self):
        with self.assertRaisesRegex(ValidationError, "low answer is good"):
            self._question("ces", "scale", (1, 5))

    def test_scale_cannot_move_below_the_flag(self):
        question = self._question("nps", "scale", (0, 10))
        with self.assertRaisesRegex(ValidationError, "from 0 to 10"):
            question.scale_min = 1
        with self.assertRaisesRegex(ValidationError, "from 1 to 5"):
            question.kpi_metric = "csat"

    def test_new_question_gets_the_scale(self):
        with Form(self.env["survey.question"].with_context(default_survey_id=self.nps.id)) as form:
            form.title = "How easy?"
            form.question_type = "scale"
            form.kpi_metric = "ces"
            self.assertEqual((form.scale_min, form.scale_max), (1, 7))

    def test_ready_made_surveys(self):
        for metric in ("nps", "ces", "csat"):
            survey = self.env.ref(f"crm_kpi_survey.survey_{metric}")
            self.assertIn(metric, survey.question_ids.mapped("kpi_metric"))
            survey.check_validity()

    def test_several_questions_of_one_survey(self):
        """Of two questions for one KPI, only the last answer of a respondent counts."""
        second = self._question("nps", "scale", (0, 10), sequence=20)
        first = self.nps.question_ids - second
        person = self._person(self.anns)
        answer = self._ask(self.nps, "2026-10-15 12:00", person)
        answer._save_lines(first, "0")
        answer._save_lines(second, "10")
        answer._mark_done()
        rows = self.env["crm.kpi.survey.answer"].search([("user_input_id", "=", answer.id)])
        self.assertEqual(len(rows), 2)
        self.assertEqual(rows.filtered(lambda row: not row.replaced_date).value, 10)
