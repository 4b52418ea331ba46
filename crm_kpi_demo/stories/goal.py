# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from ..goals import big_segments, create_goals
from .base import Story

#: Rows of :class:`~..goals.GoalPlan`.
GOALS = (
    ("user", "month", 2, "revenue_ordered", "at_least", {"target": 0.85}),
    ("user", "month", 2, "deals_won", "at_least", {"target": 0.9}),
    ("user", "month", 2, "win_rate", "at_least", (0.35,)),
    ("user", "month", 1, "lead_first_response_hours", "at_most", (4.0,)),
    ("user", "month", 1, "contact_attempts", "range", {"target": 0.8, "target_max": 1.3}),
    ("user", "quarter", 1, "revenue_ordered", "at_least", {"target": 0.95}),
    ("team", "month", 2, "revenue_ordered", "at_least", {"target": 0.9}),
    ("team", "month", 1, "win_rate", "at_least", (0.38,)),
    ("team", "quarter", 1, "revenue_ordered", "at_least", {"target": 1.1}),
    ("team", "quarter", 1, "sales_cycle_days", "at_most", (35.0,)),
    ("segment", "month", 2, "revenue_ordered", "at_least", {"target": 0.85}),
    ("segment", "quarter", 1, "win_rate", "at_least", (0.4,)),
    ("segment", "quarter", 1, "churn_rate", "at_most", (0.05,)),
    ("team_segment", "quarter", 0, "revenue_ordered", "at_least", {"target": 1.0}),
    ("user_segment", "quarter", 0, "revenue_ordered", "at_least", {"target": 0.9}),
    ("company", "month", 2, "revenue_ordered", "at_least", {"target": 0.95}),
    ("company", "month", 2, "deals_won_amount", "at_least", {"target": 1.1}),
    ("company", "quarter", 1, "deals_won_amount", "at_least", {"target": 1.3}),
    ("company", "month", 2, "new_customers", "improve", 0.25),
    ("company", "month", 2, "deals_won", "improve", 0.1),
    ("company", "month", 2, "lead_response_in_target_rate", "at_least", (0.4,)),
    ("company", "month", 1, "average_order_value", "range", {"target": 0.85, "target_max": 1.2}),
    ("company", "month", 1, "churn_rate", "at_most", (0.025,)),
    ("company", "month", 0, "unresponsive_prospects", "at_most", (12,)),
    ("company", "quarter", 0, "sales_cycle_days", "improve", 0.1),
    ("company", "quarter", 0, "contract_renewal_rate", "at_least", (0.9,)),
    ("company", "year", 0, "revenue_ordered", "at_least", {"target": 1.02}),
    ("company", "year", 0, "new_customers", "at_least", {"target": 0.95}),
)


class GoalStory(Story):
    """Goals of all types and scopes, somewhat above the usual values."""

    name = "goal"

    def create_records(self):
        """Nothing: goals need the values of the first refresh."""

    def create_goals(self):
        teams, industries = self.demo.teams, big_segments(self.env, 4)
        active = self.demo.sellers.filtered("active")
        owners = {
            "company": [{}],
            "team": [{"team_id": team.id} for team in teams],
            "user": [{"user_id": user.id} for user in active],
            "segment": [{"segment_id": segment.id} for segment in industries],
            "team_segment": [
                {"team_id": team.id, "segment_id": segment.id}
                for team in teams[:2]
                for segment in industries[:2]
            ],
            "user_segment": [
                {"user_id": active[0].id, "segment_id": segment.id} for segment in industries[:2]
            ],
        }
        return create_goals(self.env, GOALS, owners)
