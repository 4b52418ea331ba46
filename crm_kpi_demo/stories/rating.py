# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta
from random import Random

from ..bulk import set_columns
from ..goals import create_goals
from .base import Story
from .ticket import stage_entries

#: Rows of :class:`~..goals.GoalPlan`.
RATING_GOALS = (
    ("company", "month", 2, "csat_score", "at_least", (0.8,)),
    ("user", "month", 1, "csat_score", "at_least", (0.75,)),
)


class RatingStory(Story):
    """Ratings of solved tickets: the longer a ticket took, the lower."""

    name = "rating"
    requires = ("crm_kpi_helpdesk_mgmt_rating",)
    needs = "ticket"

    def create_records(self):
        tickets = self.demo.named("ticket")
        values, asked_on, rated_on = self._rating_values(tickets)
        ratings = self.env["rating.rating"].create(values)
        set_columns(
            ratings,
            {"create_date": ("timestamp", asked_on), "rated_on": ("timestamp", rated_on)},
        )

    def create_goals(self):
        agents = self.demo.named("ticket").user_id.sorted("login")
        owners = {"company": [{}], "user": [{"user_id": agent.id} for agent in agents]}
        return create_goals(self.env, RATING_GOALS, owners)

    def _rating_values(self, tickets):
        """
        :return: values of the ratings, when they were asked for, when they were given
        """
        random = Random(45)  # noqa: S311
        now = self.demo.now
        done = self.env.ref("helpdesk_mgmt.helpdesk_ticket_stage_done")
        entries = stage_entries(self.env, tickets)
        model_id = self.env["ir.model"]._get_id("helpdesk.ticket")
        values, asked_on, rated_on = [], [], []
        for ticket in tickets:
            solved = [date for date, stage_id in entries.get(ticket.id, ()) if stage_id == done.id]
            if not solved or random.random() > 0.75:
                continue
            asked = solved[0]
            rated = asked + timedelta(days=min(13, random.lognormvariate(-0.5, 1)))
            vals = {
                "res_model_id": model_id,
                "res_id": ticket.id,
                "partner_id": ticket.partner_id.id,
                "rated_partner_id": ticket.user_id.partner_id.id,
            }
            if random.random() < 0.48 and rated < now:
                patience = timedelta(hours=random.lognormvariate(5.1, 0.9))
                happy = solved[-1] - ticket.create_date < patience
                mood = random.random()
                vals["rating"] = (5 if mood < 0.93 else 3) if happy else (3 if mood < 0.5 else 1)
                vals["consumed"] = True
            else:
                rated = None
            values.append(vals)
            asked_on.append(asked)
            rated_on.append(rated)
        return values, asked_on, rated_on
