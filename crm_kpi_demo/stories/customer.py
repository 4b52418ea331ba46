# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo.fields import Command

from ..bulk import set_columns
from ..history.catalog import SUCCESSOR
from .base import Story


def country_of(env, code):
    """The country with a code of the catalog."""
    return env.ref(f"base.{'uk' if code == 'gb' else code}")


class CustomerStory(Story):
    """The customers and one contact person of each, in the order of the history."""

    name = "customer"
    derived = ("res.partner",)

    def create_records(self):
        plan, sellers = self.demo.history, self.demo.sellers
        partners = self._create_partners(plan.customers, sellers)
        companies = [
            (customer, partner)
            for customer, partner in zip(plan.customers, partners, strict=True)
            if customer.is_company
        ]
        persons = self.env["res.partner"].create(
            [
                {"name": customer.contact, "email": customer.email, "parent_id": partner.id}
                for customer, partner in companies
            ]
        )
        person_of = dict(zip([customer.index for customer, _p in companies], persons, strict=True))
        since = [min(customer.since, plan.now) for customer in plan.customers]
        set_columns(
            partners,
            {
                "create_date": ("timestamp", since),
                "create_uid": ("int4", [sellers[c.seller].id for c in plan.customers]),
            },
        )
        set_columns(
            persons, {"create_date": ("timestamp", [since[c.index] for c, _p in companies])}
        )
        self.demo.name_records("customer", partners)
        self.demo.contacts = [
            person_of.get(customer.index, partner)
            for customer, partner in zip(plan.customers, partners, strict=True)
        ]

    def _create_partners(self, customers, sellers):
        tags = {
            name: self.env["res.partner.category"].create({"name": name})
            for name in ("VIP", "Reseller")
        }
        return self.env["res.partner"].create(
            [
                {
                    "name": customer.name,
                    "is_company": customer.is_company,
                    "email": f"office@{customer.email.split('@')[1]}"
                    if customer.is_company
                    else customer.email,
                    "city": customer.city,
                    "country_id": country_of(self.env, customer.country).id,
                    "industry_id": customer.industry
                    and self.env.ref(f"base.res_partner_industry_{customer.industry}").id,
                    "user_id": sellers[SUCCESSOR.get(customer.seller, customer.seller)].id,
                    "category_id": [Command.link(tags[tag].id) for tag in customer.tags],
                    "company_id": False,
                }
                for customer in customers
            ]
        )
