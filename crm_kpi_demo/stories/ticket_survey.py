# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from random import Random

from odoo.tools import SQL

from ..goals import create_goals
from .base import Story
from .survey import Request, answer_date, create_inputs
from .ticket import stage_entries

#: Rows of :class:`~..goals.GoalPlan`.
TICKET_SURVEY_GOALS = (("company", "month", 2, "ces", "at_least", (0.7,)),)


class TicketSurveyStory(Story):
    """Surveys after solved tickets: the more often the customer wrote, the more effort."""

    name = "ticket_survey"
    requires = ("crm_kpi_helpdesk_mgmt_survey",)
    needs = "ticket"

    def create_records(self):
        """Nothing: the survey is one of the KPIs."""

    def create_kpi_records(self):
        survey = self.env.ref("crm_kpi_survey.survey_ces")
        asked = [("survey_id", "=", survey.id), ("kpi_res_model", "=", "helpdesk.ticket")]
        if not self.env["survey.user_input"].search_count(asked, limit=1):
            create_inputs(self.env, list(self._requests()))
        done = self.env.ref("helpdesk_mgmt.helpdesk_ticket_stage_done")
        done.kpi_survey_id = done.kpi_survey_id or survey

    def create_goals(self):
        return create_goals(self.env, TICKET_SURVEY_GOALS, {"company": [{}]})

    def _requests(self):
        random = Random(49)  # noqa: S311
        survey = self.env.ref("crm_kpi_survey.survey_ces")
        done = self.env.ref("helpdesk_mgmt.helpdesk_ticket_stage_done")
        tickets = self.demo.named("ticket").filtered("partner_id")
        entries, touches = stage_entries(self.env, tickets), self._customer_messages(tickets)
        for ticket in tickets:
            solved = [date for date, stage_id in entries.get(ticket.id, ()) if stage_id == done.id]
            if not solved or random.random() > 0.5:
                continue
            effort = touches.get(ticket.id, 0) + len(solved) - 1
            answer = max(1, min(7, round(random.gauss(6.1 - 0.9 * effort, 1.1))))
            answered = answer_date(random, 0.4, solved[0], self.demo.now)
            yield Request(survey, ticket.partner_id, ticket, solved[0], answered, answer)

    def _customer_messages(self, tickets):
        """Ticket id to number of messages of the customer, without the request."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                SELECT res_id, count(*)
                  FROM mail_message
                 WHERE model = 'helpdesk.ticket' AND res_id = ANY(%s)
                   AND message_type = 'email' AND subtype_id = %s
              GROUP BY 1
                """,
                tickets.ids,
                self.env.ref("mail.mt_comment").id,
            )
        )
        return dict(self.env.cr.fetchall())
