# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from ..bulk import set_columns
from ..goals import create_goals
from .base import Story

MONTHS = 18
#: Rows of :class:`~..goals.GoalPlan`.
SURVEY_GOALS = (
    ("company", "month", 2, "nps", "at_least", (30.0,)),
    ("company", "quarter", 1, "csat_survey_score", "at_least", (0.8,)),
    ("company", "quarter", 1, "survey_response_rate", "at_least", (0.4,)),
    ("team", "quarter", 1, "nps", "at_least", (30.0,)),
)
REASONS = (
    "Friendly people and short ways.",
    "The delivery came a week late.",
    "Good quality for the price.",
    "I had to ask three times for the invoice.",
    "Always reachable.",
)


class Request(NamedTuple):
    """A request to take part in a survey."""

    survey: object
    partner: object  # None: the public link
    record: object  # the order or ticket it is about, or None
    asked: datetime
    answered: datetime | None
    answer: int


def answer_date(random, share, asked, now):
    """When a request is answered; None for a share of the requests, and in the future."""
    answered = asked + timedelta(days=min(13, random.lognormvariate(0.3, 1)))
    return answered if random.random() < share and answered < now else None


def create_inputs(env, requests):
    """Create participations with their answers.

    :param requests: list of :class:`Request`
    """
    random = Random(48)  # noqa: S311
    # Visitors of the public link are known by their answers only.
    requests = [request for request in requests if request.partner or request.answered]
    requests.sort(key=lambda request: request.asked)
    inputs = env["survey.user_input"].create([_input_values(request) for request in requests])
    env["survey.user_input.line"].create(
        [
            values
            for input_, request in zip(inputs, requests, strict=True)
            if request.answered
            for values in _line_values(input_, request, random)
        ]
    )
    asked_on = [request.asked if request.partner else request.answered for request in requests]
    set_columns(inputs, {"create_date": ("timestamp", asked_on)})


def _input_values(request):
    partner, record, answered = request.partner, request.record, request.answered
    return {
        "survey_id": request.survey.id,
        "partner_id": partner and partner.id,
        "email": partner and partner.email,
        "kpi_res_model": record and record._name,
        "kpi_res_id": record and record.id,
        "state": "done" if answered else "new",
        "start_datetime": answered and answered - timedelta(minutes=2),
        "end_datetime": answered,
        "predefined_question_ids": request.survey.question_ids.ids,
    }


def _line_values(input_, request, random):
    scale, text = request.survey.question_ids.sorted("sequence")
    reason = random.choice(REASONS) if random.random() < 0.3 else None
    yield {
        "user_input_id": input_.id,
        "question_id": scale.id,
        "answer_type": "scale",
        "value_scale": request.answer,
    }
    yield {
        "user_input_id": input_.id,
        "question_id": text.id,
        "answer_type": reason and "text_box",
        "value_text_box": reason,
        "skipped": not reason,
    }


class SurveyStory(Story):
    """Surveys of customers: recommendation twice a year, satisfaction and effort after orders."""

    name = "survey"
    requires = ("crm_kpi_survey",)

    def create_records(self):
        """Nothing: the surveys are those of the KPIs."""

    def create_kpi_records(self):
        surveys = [self._survey(name).id for name in ("nps", "ces", "csat")]
        asked = [("survey_id", "in", surveys), ("kpi_res_model", "in", [False, "sale.order"])]
        if self.env["survey.user_input"].search_count(asked, limit=1):
            return
        random = Random(47)  # noqa: S311
        customers = self.demo.named("customer")
        create_inputs(
            self.env,
            [*self._nps_requests(customers, random), *self._order_requests(customers, random)],
        )

    def _survey(self, name):
        return self.env.ref(f"crm_kpi_survey.survey_{name}")

    def create_goals(self):
        teams = self.demo.named("team")
        owners = {"company": [{}], "team": [{"team_id": team.id} for team in teams]}
        return create_goals(self.env, SURVEY_GOALS, owners)

    def _nps_requests(self, customers, random):
        """Twice a year each customer is asked whether they recommend the dealer.

        Some answers come by the public link.
        """
        now = self.demo.now
        begin = now - timedelta(days=30.4 * MONTHS)
        survey = self._survey("nps")
        for customer in customers:
            mood = random.gauss(0, 1)
            asked = max(begin, customer.create_date) + timedelta(days=random.uniform(10, 180))
            while asked < now:
                contact = (customer.child_ids[:1] or customer) if random.random() < 0.96 else None
                # the dealer improves over time
                grade = 8.0 + mood + (asked - begin).days / 600
                answer = round(max(0, min(10, random.gauss(grade, 1.6))))
                answered = answer_date(random, 0.5, asked, now)
                yield Request(survey, contact, None, asked, answered, answer)
                asked += timedelta(days=random.uniform(150, 210))

    def _order_requests(self, customers, random):
        """After half of the orders: effort or satisfaction."""
        now = self.demo.now
        orders = self.env["sale.order"].search(
            [
                ("partner_id", "child_of", customers.ids),
                ("state", "=", "sale"),
                ("date_order", ">=", now - timedelta(days=30.4 * MONTHS)),
                ("date_order", "<", now - timedelta(days=4)),
            ],
            order="date_order, id",
        )
        skill = {user: random.gauss(0, 0.35) for user in orders.user_id.sorted("login")}
        ces, csat = self._survey("ces"), self._survey("csat")
        for order in orders:
            if random.random() > 0.5:
                continue
            asked = order.date_order + timedelta(days=random.uniform(2, 4))
            grade = random.gauss(0, 1) + skill.get(order.user_id, 0)
            if random.random() < 0.5:
                survey, answer = ces, max(1, min(7, round(5.4 + 1.3 * grade)))
            else:
                survey, answer = csat, max(1, min(5, round(4.2 + 0.8 * grade)))
            answered = answer_date(random, 0.45, asked, now)
            yield Request(survey, order.partner_id, order, asked, answered, answer)
