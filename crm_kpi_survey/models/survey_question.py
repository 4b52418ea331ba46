# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import ValidationError

METRICS = [
    ("nps", "Net promoter score (0–10)"),
    ("ces", "Customer effort (1–7)"),
    ("csat", "Satisfaction (1–5)"),
]
#: Lowest and highest answer of the scale of each KPI, by its definition.
SCALES = {"nps": (0, 10), "ces": (1, 7), "csat": (1, 5)}


class SurveyQuestion(models.Model):
    _inherit = "survey.question"

    kpi_metric = fields.Selection(
        METRICS,
        "KPI",
        help="The KPI in which the answers count. Each KPI needs its own scale:\n"
        "Net promoter score: how likely is it that you recommend us, 0 (not at all) to 10.\n"
        "Customer effort: they made it easy for me, 1 (strongly disagree) to 7 (strongly "
        "agree).\n"
        "Satisfaction: how satisfied are you, 1 (not at all) to 5 (very).\n"
        "With several such questions in a survey, the last answer of a participant counts.",
    )

    @api.constrains(
        "kpi_metric",
        "question_type",
        "scale_min",
        "scale_max",
        "validation_required",
        "validation_min_float_value",
        "validation_max_float_value",
    )
    def _check_kpi_metric(self):
        for question in self.filtered("kpi_metric"):
            if question._kpi_scale_fits():
                continue
            lowest, highest = SCALES[question.kpi_metric]
            if question.kpi_metric == "ces" and question._kpi_scale() == (1, 5):
                raise ValidationError(
                    self.env._(
                        "KPI: “%s” has the scale 1–5 of the older customer effort score, where a "
                        "low answer is good. It cannot be combined with the newer one. Ask whether "
                        "it was easy, from 1 (strongly disagree) to 7 (strongly agree), or leave "
                        "KPI empty.",
                        question.title,
                    )
                )
            raise ValidationError(
                self.env._(
                    "KPI: %(metric)s needs a question of the type Scale from %(lowest)s to "
                    "%(highest)s, or of the type Numerical Value validated between the two. "
                    "“%(question)s” is not: change its scale, or leave KPI empty.",
                    metric=dict(self._fields["kpi_metric"]._description_selection(self.env))[
                        question.kpi_metric
                    ],
                    lowest=lowest,
                    highest=highest,
                    question=question.title,
                )
            )

    def _kpi_scale(self):
        """Lowest and highest answer of the question, ``None`` if they are not defined."""
        self.ensure_one()
        if self.question_type == "scale":
            return self.scale_min, self.scale_max
        if self.question_type == "numerical_box" and self.validation_required:
            return self.validation_min_float_value, self.validation_max_float_value
        return None

    def _kpi_scale_fits(self):
        """Whether the answers are on the scale of the KPI.

        A numerical net promoter score needs no validation, because its scale is widely known;
        answers outside of 0 to 10 do not count.
        """
        scale = self._kpi_scale()
        if scale is None:
            return self.kpi_metric == "nps" and self.question_type == "numerical_box"
        return scale == SCALES[self.kpi_metric]

    @api.onchange("kpi_metric")
    def _onchange_kpi_metric(self):
        # only new questions: answers to an existing one were given on its own scale
        if self.kpi_metric and not self._origin and not self._kpi_scale_fits():
            self.question_type = "scale"
            self.scale_min, self.scale_max = SCALES[self.kpi_metric]
