# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Customers in industries, countries and tags."""

from odoo.tools import SQL

from .rows import DAYS, Plan, chance, pick, within

#: Exponent: of 50,000 customers, the first has 1.3 % of the records, the first fifth 53 %.
SKEW = 2.5
TAGS = 12


class Customers:
    """The customers. Companies and private persons, two of three with tags."""

    def __init__(self, env, count):
        self.env, self.count = env, count

    def insert(self):
        env = self.env
        prototype = env["res.partner"].create({"name": "Customer", "is_company": True})
        tags = env["res.partner.category"].create([{"name": f"Tag {n}"} for n in range(TAGS)])
        industries = env["res.partner.industry"].search([], limit=20).ids
        countries = env["res.country"].search([], limit=40).ids
        plan = Plan(
            env["res.partner"], self.count, {"email": SQL("'customer' || n || '@example.com'")}
        )
        self.first = plan.first
        plan.insert(
            prototype,
            name=SQL("'Customer ' || n"),
            complete_name=SQL("'Customer ' || n"),
            commercial_partner_id=SQL("p.id"),
            is_company=SQL("%s < 0.8", chance(101)),
            industry_id=SQL(
                "CASE WHEN %s < 0.9 THEN %s END", chance(102), pick(103, industries, 2)
            ),
            country_id=SQL("CASE WHEN %s < 0.95 THEN %s END", chance(104), pick(105, countries, 2)),
            email=SQL("p.email"),
            email_normalized=SQL("p.email"),
            create_date=SQL("now() AT TIME ZONE 'UTC' - make_interval(days => %s)", DAYS + 5),
        )
        for seed, share in ((106, 0.6), (108, 0.2)):
            env.cr.execute(
                SQL(
                    "INSERT INTO res_partner_res_partner_category_rel (partner_id, category_id)"
                    " SELECT id, %s FROM %s WHERE %s < %s ON CONFLICT DO NOTHING",
                    pick(seed, tags.ids, 2),
                    SQL.identifier(plan.table),
                    chance(seed + 1),
                    share,
                )
            )
        return self

    def pick(self, seed):
        """SQL of the id of a customer; few of them buy much."""
        return within(seed, self.first, self.count, SKEW)
