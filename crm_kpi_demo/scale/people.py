# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Salespeople in teams."""

from odoo.tools import SQL

from .rows import chance

#: Salespeople of a team.
PER_TEAM = 25
#: Exponent: the first of 500 salespeople has 4.5 % of the records.
SKEW = 2


class People:
    """Salespeople and their teams, created as an administrator does.

    :ivar users: the salespeople
    """

    def __init__(self, env, company, count):
        salesman = env.ref("sales_team.group_sale_salesman")
        creating = env["res.users"].with_context(no_reset_password=True, tracking_disable=True)
        self.users = creating.create(
            [
                {
                    "name": f"Salesperson {number}",
                    "login": f"scale{number}",
                    "email": f"scale{number}@example.com",
                    "company_id": company.id,
                    "company_ids": [(6, 0, company.ids)],
                    "group_ids": [(4, salesman.id)],
                }
                for number in range(count)
            ]
        )
        teams = max(1, count // PER_TEAM)
        # every team has large and small salespeople
        env["crm.team"].create(
            [
                {
                    "name": f"Team {number}",
                    "company_id": company.id,
                    "member_ids": [(6, 0, self.users[number::teams].ids)],
                }
                for number in range(teams)
            ]
        )
        env.flush_all()
        self.columns = {
            "user_id": self._of(self.users.ids),
            "team_id": self._of([user.sale_team_id.id for user in self.users]),
            "author_id": self._of(self.users.partner_id.ids),
        }

    def number(self, seed):
        """SQL of the number of a salesperson."""
        return SQL("floor(%s * power(%s, %s))::int", len(self.users), chance(seed), SKEW)

    def _of(self, ids):
        return SQL("(%s::int[])[1 + rep]", ids)
