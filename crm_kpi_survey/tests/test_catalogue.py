# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The KPIs of surveys, from the answers to the stored value, on worked examples.

The numbers in the names and the expected values are those of docs/CATALOGUE.md.
"""

from odoo import Command
from odoo.tests import new_test_user, tagged

from odoo.addons.crm_kpi.tests.common_reader import ReaderCase
from odoo.addons.crm_kpi.tests.test_catalogue import CatalogueCase

from .common import SurveyCase

OCTOBER = "2026-10-01"


@tagged("post_install", "-at_install")
class TestCatalogueSurvey(ReaderCase, CatalogueCase, SurveyCase):
    def _refresh_at(self, when, *codes):
        with self.at(when):
            self._refresh(*codes)

    def _level(self, code, day=OCTOBER, kind="month", **dimension):
        [name] = dimension
        return self._read(code, day, kind, level=name.removesuffix("_id"), **dimension)

    def test_46_nps(self):
        """Tests and skipped answers are not detractors; passives count in the denominator.

        The score of the company is not the mean of the scores of its teams.
        """
        for customer, answers in ((self.anns, (10, 9, 9, 10)), (self.bobs, (9, 7, 8, 8, 6, 0))):
            for answer in answers:
                self._answer(self.nps, answer, partner=self._person(customer))
        self._answer(self.nps, None, partner=self._person(self.anns))
        self._answer(self.nps, 0, partner=self._person(self.anns), test_entry=True)
        unfinished = self._ask(self.nps, "2026-10-15 12:00", self._person(self.anns))
        unfinished._save_lines(self.nps.question_ids, "1")
        self._refresh_at("2026-11-10 12:00", "nps")
        self.assertEqual(self._read("nps", OCTOBER), 30)
        self.assertEqual(self._level("nps", team_id=self.north), 100)
        self.assertAlmostEqual(self._level("nps", team_id=self.south), -100 / 6)
        self.assertEqual(self._level("nps", user_id=self.ann), 100)
        self.assertIsNone(self._read("nps", "2026-09-01"), "no answer, no value")
        [cell] = self.env["crm.kpi.value"].search(
            [
                ("kpi_id.code", "=", "nps"),
                ("company_id", "=", self.company.id),
                ("period_id.name", "=", "2026-10"),
                ("level", "=", "company"),
            ]
        )
        self.assertEqual(cell.record_count, 10)

    def test_46_last_answer_of_each_period(self):
        """A respondent with two answers counts once in the quarter, and once in each month."""
        person = self._person(self.anns)
        self._answer(self.nps, 0, "2026-07-10 12:00", person)
        self._answer(self.nps, 3, "2026-08-05 12:00", person)
        self._answer(self.nps, 10, "2026-08-20 12:00", person)
        self._answer(self.nps, 8, "2026-10-02 12:00", person)
        # in Brussels this is October already
        self._answer(self.nps, 10, "2026-09-30 22:30", self._person(self.anns))
        self._refresh_at("2026-11-10 12:00", "nps", "nps_answers")
        for day, kind, score, count in (
            ("2026-07-01", "month", -100, 1),
            ("2026-08-01", "month", 100, 1),
            ("2026-09-01", "month", None, 0),
            ("2026-10-01", "month", 50, 2),
            ("2026-07-01", "quarter", 100, 1),
            ("2026-10-01", "quarter", 50, 2),
            ("2026-01-01", "year", 50, 2),
        ):
            self.assertEqual(self._read("nps", day, kind), score, (day, kind))
            self.assertEqual(self._read("nps_answers", day, kind), count, (day, kind))

    def test_46_respondents(self):
        """A respondent is a contact, else a mail address, else a single answer; per survey."""
        one, other = self._person(self.anns), self._person(self.anns)
        again = self._survey("nps")
        for survey, value, who in (
            (self.nps, 0, {"partner": one}),
            (self.nps, 10, {"partner": one}),
            (self.nps, 10, {"partner": other}),
            (again, 10, {"partner": one}),
            (self.nps, 0, {"email": "Jo@Example.com"}),
            (self.nps, 10, {"email": '"Jo" <jo@example.com>'}),
            (self.nps, 10, {}),
            (self.nps, 10, {}),
        ):
            self._answer(survey, value, **who)
        self._refresh_at("2026-11-10 12:00", "nps", "nps_answers")
        self.assertEqual(self._read("nps_answers", OCTOBER), 6)
        self.assertEqual(self._read("nps", OCTOBER), 100)
        unassigned = self.env["crm.team"]
        self.assertEqual(self._level("nps_answers", team_id=unassigned), 3, "Unassigned is kept")

    def test_46_no_employees(self):
        """Answers of employees do not count."""
        self._answer(self.nps, 10, partner=self.bob.partner_id)
        self._answer(self.nps, 10, partner=self._person(self.company.partner_id))
        self._answer(self.nps, 0, partner=self._person(self.anns))
        self._refresh_at("2026-11-10 12:00", "nps")
        self.assertEqual(self._read("nps", OCTOBER), -100)

    def test_46_credit_stays(self):
        """The salesperson of the record, else of the customer; it does not change later."""
        order = self._order(self.anns, "2026-10-01 10:00", user=self.bob, team_id=self.south.id)
        sent_for = self._answer(self.nps, 10, partner=self._person(self.anns), record=order)
        about_us = self._answer(self.nps, 0, partner=self._person(self.anns))
        self.assertEqual(sent_for.kpi_user_id, self.bob)
        self.assertEqual(sent_for.kpi_team_id, self.south)
        self.assertEqual(sent_for.kpi_company_id, self.company)
        self.assertEqual(sent_for.kpi_partner_id, self.anns)
        self.assertEqual(about_us.kpi_user_id, self.ann)
        self.assertEqual(about_us.kpi_team_id, self.north)
        with self.at("2026-11-01 12:00"):
            order.user_id = self.ann
            self.anns.user_id = self.bob
        self._refresh_at("2026-11-10 12:00", "nps")
        self.assertEqual(self._level("nps", user_id=self.bob), 100)
        self.assertEqual(self._level("nps", user_id=self.ann), -100)

    def test_46_reseller(self):
        """The partner a lead is assigned to, where an app has such a field."""
        reseller = self._customer("Reseller")
        lead = self._lead(partner_id=self.anns.id)
        if "partner_assigned_id" in lead._fields:
            lead.partner_assigned_id = reseller
            answer = self._answer(self.nps, 10, partner=self.anns, record=lead)
            self.assertEqual(answer.kpi_reseller_id, reseller)
        else:
            answer = self._answer(self.nps, 10, partner=self.anns, record=lead)
            self.assertFalse(answer.kpi_reseller_id)
        self.assertEqual(answer.kpi_user_id, self.ann)

    def test_46_segment(self):
        """By the segment at the answer."""
        segments = self.env.ref("crm_kpi.segment_set_industry")
        ore, zinc = self.env["res.partner.industry"].create([{"name": "Ore"}, {"name": "Zinc"}])
        with self.at("2026-10-01 12:00"):
            self.anns.industry_id, self.bobs.industry_id = ore, zinc
            segments._update_members()
        for value in (10, 9, 9, 10, 9):
            self._answer(self.nps, value, partner=self._person(self.anns))
        for value in (7, 8, 8, 6, 0):
            self._answer(self.nps, value, partner=self._person(self.bobs))
        with self.at("2026-11-05 12:00"):
            self.bobs.industry_id = ore
        self._refresh_at("2026-11-10 12:00", "nps")
        by_industry = {s.industry_id: s for s in segments.segment_ids}
        self.assertEqual(self._level("nps", segment_id=by_industry[ore]), 100)
        self.assertAlmostEqual(self._level("nps", segment_id=by_industry[zinc]), -40)

    def test_46_second_company(self):
        """An answer belongs to the company of the record it was sent for."""
        other = self.env["res.company"].create({"name": "Other", "kpi_tz": "Europe/Brussels"})
        order = self._order(self.anns, "2026-10-01 10:00", user=self.ann)
        self.env.cr.execute(
            "UPDATE sale_order SET company_id = %s WHERE id = %s", [other.id, order.id]
        )
        order.invalidate_recordset()
        answer = self._answer(self.nps, 0, partner=self.anns, record=order)
        self.assertEqual(answer.kpi_company_id, other)
        self._answer(self.nps, 10, partner=self.anns)
        self._refresh_at("2026-11-10 12:00", "nps")
        self.assertEqual(self._read("nps", OCTOBER), 100)

    def test_46_flag_and_changes_are_seen(self):
        """A new flag on a question and an answer marked as test change the value."""
        question = self.nps.question_ids
        first = self._answer(self.nps, 10, partner=self._person(self.anns))
        self._answer(self.nps, 0, partner=self._person(self.anns))
        self._refresh_at("2026-11-10 12:00", "nps")
        self.assertEqual(self._read("nps", OCTOBER), 0)
        first.test_entry = True
        self._refresh_at("2026-11-10 13:00", "nps")
        self.assertEqual(self._read("nps", OCTOBER), -100)
        question.kpi_metric = False
        self._refresh_at("2026-11-10 14:00", "nps")
        self.assertIsNone(self._read("nps", OCTOBER))

    def test_46_number_outside_the_scale(self):
        """Without validation a number may be outside 0 to 10: it does not count as an answer."""
        question = self.nps.question_ids
        question.question_type = "numerical_box"
        for value in (9, 0, 95, -1):
            self._answer(self.nps, value, partner=self._person(self.anns))
        self._refresh_at("2026-11-10 12:00", "nps", "nps_answers")
        self.assertEqual(self._read("nps_answers", OCTOBER), 2)
        self.assertEqual(self._read("nps", OCTOBER), 0)

    def test_47_ces(self):
        for answer in (7, 6, 5, 4, 2):
            self._answer(self.ces, answer, partner=self._person(self.anns))
        self._refresh_at("2026-11-10 12:00", "ces", "ces_mean")
        self.assertAlmostEqual(self._read("ces", OCTOBER), 0.6)
        self.assertAlmostEqual(self._read("ces_mean", OCTOBER), 4.8)
        self.assertIsNone(self._read("ces", "2026-09-01"))
        self.assertIsNone(self._read("ces_mean", "2026-09-01"))

    def test_45_csat_survey_variant(self):
        person = self._person(self.anns)
        self._answer(self.csat, 1, "2026-10-10 12:00", person)
        for answer, who in ((5, person), (5, None), (4, None), (3, None), (1, None)):
            self._answer(self.csat, answer, partner=who or self._person(self.anns))
        self._refresh_at("2026-11-10 12:00", "csat_survey_score", "csat_survey_mean")
        self.assertAlmostEqual(self._read("csat_survey_score", OCTOBER), 0.6)
        self.assertAlmostEqual(self._read("csat_survey_mean", OCTOBER), 3.6)

    def test_48_survey_response_rate(self):
        asked = [
            self._ask(self.nps, "2026-10-05 12:00", self._person(customer))
            for customer in (self.anns,) * 4 + (self.bobs,) * 6
        ]
        for participation, when in zip(
            (asked[0], asked[1], asked[2], asked[9]), ("06", "07", "08", "09"), strict=True
        ):
            self._finish(participation, f"2026-10-{when} 12:00", 9)
        # an unfinished answer does not count
        asked[3]._mark_in_progress()
        # participants of the public link were not invited: a visitor, a customer with a login
        self._answer(self.nps.with_user(self.env.ref("base.public_user")).sudo(), 9)
        portal = new_test_user(self.env, login="survey_portal", groups="base.group_portal")
        own = self.nps.with_user(portal).sudo()._create_answer(user=portal, check_attempts=False)
        self.assertFalse(own.kpi_invited)
        # tests and employees
        self._ask(self.nps, "2026-10-05 12:00", self._person(self.anns), test_entry=True)
        self._ask(self.nps, "2026-10-05 12:00", self.bob.partner_id)
        self._refresh_at("2026-10-12 12:00", "survey_response_rate")
        self.assertIsNone(self._read("survey_response_rate", OCTOBER), "immature")
        self._refresh_at("2026-11-10 12:00", "survey_response_rate")
        self.assertAlmostEqual(self._read("survey_response_rate", OCTOBER), 0.4)
        self.assertAlmostEqual(self._level("survey_response_rate", user_id=self.ann), 0.75)
        self.assertAlmostEqual(self._level("survey_response_rate", team_id=self.south), 1 / 6)

    def test_48_counts_in_the_period_of_the_request(self):
        asked = self._ask(self.nps, "2026-09-28 12:00", self._person(self.anns))
        self._finish(asked, "2026-10-03 12:00", 9)
        self._refresh_at("2026-11-10 12:00", "survey_response_rate", "nps_answers")
        self.assertEqual(self._read("survey_response_rate", "2026-09-01"), 1)
        self.assertIsNone(self._read("survey_response_rate", OCTOBER))
        self.assertEqual(self._read("nps_answers", OCTOBER), 1)

    def test_counter_metrics(self):
        kpis = {k.code: k for k in self.env["crm.kpi"]._by_code(["nps", "survey_response_rate"])}
        self.assertEqual(kpis["nps"].counter_kpi_id, kpis["survey_response_rate"])

    def test_records_behind_a_number(self):
        """A reader of the number opens only the answers that count in its period."""
        person = self._person(self.anns)
        self._answer(self.nps, 3, "2026-10-05 12:00", person)
        last = self._answer(self.nps, 9, "2026-10-20 12:00", person)
        self._refresh_at("2026-11-10 12:00", "nps")
        kpi = self.env["crm.kpi"]._by_code(["nps"])
        period = self.env["crm.kpi.period"].search(
            [("name", "=", "2026-10"), ("company_id", "=", self.company.id)]
        )
        self.ann.group_ids = [Command.set(self.env.ref("crm_kpi.group_kpi_user").ids)]
        action = kpi.with_user(self.ann)._open_cell_records(
            period, {"level": "user", "user_id": self.ann.id, "team_id": False, "segment_id": False}
        )
        self.assertEqual(action["res_model"], "crm.kpi.survey.answer")
        answers = self.env["crm.kpi.survey.answer"].search(action["domain"])
        self.assertEqual(answers.user_input_id, last)

    def test_invitations_behind_a_number(self):
        """Users of surveys can open participations; others see which role may open them."""
        person = self._person(self.anns)
        answered = self._answer(self.nps, 9, "2026-10-05 12:00", person)
        asked = self._ask(self.nps, "2026-10-06 12:00", self._person(self.anns))
        self._refresh_at("2026-11-10 12:00", "survey_response_rate", "nps")
        maker = self._employee("survey_maker", "survey.group_survey_user,crm_kpi.group_kpi_user")
        seen = self._opened(maker, "survey_response_rate", "2026-10")
        self.assertEqual(seen, answered + asked)
        every = self._employee("survey_all", "crm_kpi.group_kpi_user_all")
        self.assertEqual(self._opened(every, "nps", "2026-10").user_input_id, answered)
        self._refused(every, "survey_response_rate", "2026-10", "Surveys/")
