# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Random answers: which of them count in a period, against a plain implementation.

The plain one follows KPI 46 of docs/CATALOGUE.md and shares no code with the addon.
"""

from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.tests import freeze_time, tagged

from .common import SurveyCase

BEGIN = datetime(2026, 6, 1)
NOW = datetime(2026, 11, 10, 12, 0)
#: The months of Brussels in UTC.
BOUNDS = [datetime(2026, month, 1) - timedelta(hours=2) for month in range(6, 11)]
BOUNDS.append(datetime(2026, 10, 31, 23))

ANSWERS = st.fixed_dictionaries(
    {
        # few times, so that answers share a second or lie around midnight
        "date": st.one_of(
            st.integers(0, 150 * 24).map(lambda hours: BEGIN + timedelta(hours=hours)),
            st.sampled_from(
                [bound + timedelta(seconds=s) for bound in BOUNDS[1:5] for s in (-1, 0)]
            ),
        ),
        "who": st.sampled_from(["one", "two", "mail", "MAIL", "nobody"]),
        "survey": st.sampled_from([0, 1]),
        "value": st.sampled_from([None, 0, 6, 7, 8, 9, 10]),
        "state": st.sampled_from(["done", "done", "done", "in_progress"]),
        "test": st.sampled_from([False, False, False, True]),
    }
)


@tagged("post_install", "-at_install")
class TestAnswerRandom(SurveyCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.surveys = [cls.nps, cls._survey("nps")]
        cls.people = {name: cls._person(cls.anns, name) for name in ("one", "two")}
        cls.mails = {"mail": "who@example.com", "MAIL": "Who <WHO@example.com>"}
        cls.env["crm.kpi"]._by_code(["nps"])

    @given(st.lists(ANSWERS, max_size=14))
    @settings(
        max_examples=40, deadline=None, suppress_health_check=[HealthCheck.differing_executors]
    )
    def test_last_answer_of_each_period(self, answers):
        with self.env.cr.savepoint() as savepoint, freeze_time(NOW):
            self._make(answers)
            periods = self._periods()
            got = self._counted(periods)
            for period in periods:
                expected = self._plain(answers, period.utc_from, period.utc_to)
                self.assertEqual(got.get(period.id, []), expected, period.name)
            savepoint.close(rollback=True)
        self.env.invalidate_all()

    def _make(self, answers):
        inputs = self.env["survey.user_input"].create(
            [
                {
                    "survey_id": self.surveys[answer["survey"]].id,
                    "partner_id": self.people[answer["who"]].id
                    if answer["who"] in self.people
                    else False,
                    "email": self.mails.get(answer["who"]),
                    "state": answer["state"],
                    "end_datetime": answer["date"],
                    "test_entry": answer["test"],
                }
                for answer in answers
            ]
        )
        self.env["survey.user_input.line"].create(
            [
                {
                    "user_input_id": input_.id,
                    "question_id": self.surveys[answer["survey"]].question_ids.id,
                    "skipped": answer["value"] is None,
                    "answer_type": None if answer["value"] is None else "scale",
                    "value_scale": answer["value"] or 0,
                }
                for input_, answer in zip(inputs, answers, strict=True)
            ]
        )

    def _periods(self):
        model = self.env["crm.kpi.period"]
        model._ensure(BEGIN.date(), NOW.date(), ("month", "quarter", "year", "week"))
        return model.search([("company_id", "=", self.company.id)])

    def _counted(self, periods):
        """Sorted answers per period that the engine counts."""
        source = self.env.ref("crm_kpi_survey.crm_kpi_source_survey_answer")
        kpi = self.env["crm.kpi"]._by_code(["nps_answers"])
        plan = source._plan(self.company, periods, NOW, kpi)
        self.env.flush_all()
        rows = self.env.execute_query(plan.facts())
        answers = self.env["crm.kpi.survey.answer"]
        result = {}
        for record_id, period_id, *_rest in rows:
            result.setdefault(period_id, []).append(answers.browse(record_id).value)
        return {period_id: sorted(values) for period_id, values in result.items()}

    @staticmethod
    def _plain(answers, start, end):
        """By the definition: the latest answer per respondent, survey and period."""
        latest = {}
        for number, answer in enumerate(answers):
            valid = answer["state"] == "done" and not answer["test"] and answer["value"] is not None
            if not valid or not start <= answer["date"] < end:
                continue
            respondent = answer["who"].lower() if answer["who"] != "nobody" else number
            key = respondent, answer["survey"]
            if key not in latest or answer["date"] >= latest[key]["date"]:
                latest[key] = answer
        return sorted(float(answer["value"]) for answer in latest.values())
