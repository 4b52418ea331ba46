# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Leads on their way through the stages, with their messages."""

from odoo.tools import SQL

from .messages import Change, Message, insert_messages
from .rows import Plan, chance, moment, pick

NOW = SQL("now() AT TIME ZONE 'UTC'")


class Leads:
    """Of a hundred leads 28 are won, 42 lost and 30 stay open, besides the young ones."""

    def __init__(self, env, company, people, customers):
        self.env, self.company = env, company
        self.people, self.customers = people, customers
        stages = env["crm.stage"].search([("is_won", "=", False)])
        self.stages = [*stages[:3], env["crm.stage"].search([("is_won", "=", True)], limit=1)]

    def insert(self, count):
        """Insert the leads.

        :return: table of the won ones: ``n``, ``id``, ``partner_id``, ``rep``, ``won_at``
        """
        env = self.env
        prototype = env["crm.lead"].create(
            {"name": "Opportunity", "type": "opportunity", "company_id": self.company.id}
        )
        plan = self._plan(count)
        self._copy(plan, prototype)
        new, qualified, proposition, won = (stage.id for stage in self.stages)
        insert_messages(
            plan,
            Message("created", "log"),
            Message("called_at", "call"),
            Message("sent_at", "sent"),
            Message("received_at", "received"),
            Change("qualified_at", "stage_id", new, qualified),
            Change("proposition_at", "stage_id", qualified, proposition),
            Change("won_at", "stage_id", proposition, won),
        )
        return SQL(
            "(SELECT n, id, partner_id, rep, won_at FROM %s WHERE won_at IS NOT NULL)",
            SQL.identifier(plan.table),
        )

    def _plan(self, count):
        days = SQL("(1 - 25 * ln(1 - %s)) * interval '1 day'", chance(1))
        end = SQL(
            "CASE WHEN ending <> 'open' AND created + duration < %s THEN created + duration END",
            NOW,
        )
        return Plan(
            self.env["crm.lead"],
            count,
            {
                "created": moment(self.env, 2),
                "duration": SQL("date_trunc('second', %s)", days),
                "rep": self.people.number(4),
                "ending": SQL(
                    "CASE WHEN %(u)s < 0.28 THEN 'won' WHEN %(u)s < 0.7 THEN 'lost' ELSE 'open' END",
                    u=chance(5),
                ),
            },
            {
                **self.people.columns,
                "closed": end,
                # a quarter of the prospects is no contact yet; won deals have one
                "partner_id": SQL(
                    "CASE WHEN ending = 'won' OR %s < 0.7 THEN %s END",
                    chance(6),
                    self.customers.pick(7),
                ),
                "qualified_at": SQL(
                    "CASE WHEN %s < 0.8 OR ending = 'won' THEN created + 0.2 * duration END",
                    chance(8),
                ),
                "sent_at": SQL(
                    "CASE WHEN %s < 0.8 THEN created + %s * interval '2 days' END",
                    chance(9),
                    chance(10),
                ),
                "called_at": SQL(
                    "CASE WHEN %s < 0.4 THEN created + %s * interval '5 days' END",
                    chance(11),
                    chance(12),
                ),
            },
            {
                "won_at": SQL("CASE WHEN ending = 'won' THEN closed END"),
                "lost_at": SQL("CASE WHEN ending = 'lost' THEN closed END"),
                "email": SQL("'lead' || n || '@example.com'"),
                "proposition_at": SQL(
                    "CASE WHEN %s < 0.6 OR ending = 'won' THEN qualified_at + 0.4 * duration END",
                    chance(13),
                ),
                "received_at": SQL(
                    "CASE WHEN %s < 0.5 THEN sent_at + %s * interval '3 days' END",
                    chance(14),
                    chance(15),
                ),
            },
        )

    def _copy(self, plan, prototype):
        env = self.env
        new, qualified, proposition, won = (stage.id for stage in self.stages)
        reached = SQL("LEAST(p.proposition_at, p.qualified_at)")
        status = SQL(
            "CASE WHEN p.won_at IS NOT NULL THEN 'won' WHEN p.lost_at IS NOT NULL THEN 'lost' ELSE 'pending' END"
        )
        amount = SQL("round((200 * exp(4.5 * %s))::numeric, 2)", chance(21))
        probability = SQL(
            "CASE WHEN p.won_at IS NOT NULL THEN 100 WHEN p.lost_at IS NOT NULL THEN 0 ELSE 30 END"
        )
        plan.insert(
            prototype,
            name=SQL("'Opportunity ' || p.n"),
            partner_id=SQL("p.partner_id"),
            email_from=SQL("p.email"),
            email_normalized=SQL("p.email"),
            user_id=SQL("p.user_id"),
            team_id=SQL("p.team_id"),
            source_id=pick(22, env["utm.source"].search([], limit=10).ids, 2),
            stage_id=SQL(
                """CASE WHEN p.won_at IS NOT NULL THEN %s WHEN p.proposition_at < %s THEN %s
                        WHEN p.qualified_at < %s THEN %s ELSE %s END""",
                won,
                NOW,
                proposition,
                NOW,
                qualified,
                new,
            ),
            active=SQL("p.lost_at IS NULL"),
            lost_reason_id=SQL(
                "CASE WHEN p.lost_at IS NOT NULL THEN %s END",
                pick(23, env["crm.lost.reason"].search([]).ids),
            ),
            won_status=status,
            probability=probability,
            automated_probability=probability,
            expected_revenue=amount,
            prorated_revenue=amount,
            # a fifth came as a lead and was converted
            date_conversion=SQL(
                "CASE WHEN %s < 0.2 THEN p.created + 0.1 * p.duration END", chance(24)
            ),
            date_open=SQL("p.created"),
            date_closed=SQL("p.closed"),
            date_last_stage_update=SQL(
                "LEAST(%s, COALESCE(p.closed, p.proposition_at, p.qualified_at, p.created))", NOW
            ),
            create_date=SQL("p.created"),
            write_date=SQL("LEAST(%s, COALESCE(p.closed, %s, p.created))", NOW, reached),
        )
