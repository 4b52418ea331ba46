# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.fields import Command

from ...demo import history


class CrmKpiDemo(models.AbstractModel):
    """Who the story is about, and what is sold: sellers, teams, products, customers."""

    _inherit = "crm.kpi.demo"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _make_users(self, people, groups, **values):
        """Internal users without password: ``people`` are pairs of login and name."""
        users = self.env["res.users"].create(
            [
                {
                    "login": login,
                    "name": name,
                    "email": f"{login}@dealer.example.com",
                    "group_ids": [Command.link(self.env.ref(group).id) for group in groups],
                    "company_id": self.env.company.id,
                    "company_ids": [Command.set(self.env.company.ids)],
                    "tz": self.env.company._kpi_tz(),
                    **values,
                }
                for login, name in people
            ]
        )
        self._quiet(users)
        return users

    @api.model
    def _quiet(self, users):
        """No greeting by OdooBot."""
        if "odoobot_state" in users._fields:
            users.odoobot_state = "disabled"

    @api.model
    def _people(self):
        """Sellers (in the order of the plan) and their teams."""
        rep = self.env.ref("crm_kpi.demo_user_rep")
        manager = self.env.ref("crm_kpi.demo_user_manager")
        self._quiet(rep + manager + self.env.ref("crm_kpi.demo_user_admin"))
        others = self._make_users(
            [(seller.login, seller.name) for seller in history.SELLERS if seller.login != "rep"],
            ["sales_team.group_sale_salesman"],
        )
        by_login = {user.login: user for user in rep + others}
        sellers = self.env["res.users"].concat(*(by_login[s.login] for s in history.SELLERS))
        teams = self.env["crm.team"].create(
            [
                {
                    "name": name,
                    "user_id": manager.id,
                    "company_id": self.env.company.id,
                    "use_leads": True,
                    "sequence": 20 + number,
                    "member_ids": [
                        Command.set(
                            [
                                user.id
                                for user, seller in zip(sellers, history.SELLERS, strict=True)
                                if seller.team == number and not seller.left
                            ]
                        )
                    ],
                }
                for number, name in enumerate(history.TEAMS)
            ]
        )
        self._name_records("seller", sellers)
        self._name_records("team", teams)
        return sellers, teams

    @api.model
    def _products(self):
        """Variants by name."""
        categories = self.env["product.category"].create(
            [{"name": name} for name in history.PRODUCTS]
        )
        values = [
            {
                "name": name,
                "list_price": price,
                "categ_id": category.id,
                "type": "service" if category.name == "Services" else "consu",
                "taxes_id": [Command.clear()],
            }
            for category in categories
            for name, price in history.PRODUCTS[category.name]
        ]
        products = self.env["product.product"].create(values)
        return {product.name: product for product in products}

    @api.model
    def _customers(self, plan, sellers):
        """Customers and the persons one talks to there, both in the order of the plan."""
        tags = {
            name: self.env["res.partner.category"].create({"name": name})
            for name in ("VIP", "Reseller")
        }
        partners = self.env["res.partner"].create(
            [
                {
                    "name": customer.name,
                    "is_company": customer.is_company,
                    "email": f"office@{customer.email.split('@')[1]}"
                    if customer.is_company
                    else customer.email,
                    "city": customer.city,
                    "country_id": self._country_of(customer.country).id,
                    "industry_id": customer.industry
                    and self.env.ref(f"base.res_partner_industry_{customer.industry}").id,
                    "user_id": sellers[history.SUCCESSOR.get(customer.seller, customer.seller)].id,
                    "category_id": [Command.link(tags[tag].id) for tag in customer.tags],
                    "company_id": False,
                }
                for customer in plan.customers
            ]
        )
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
        contacts = [
            person_of.get(customer.index, partner)
            for customer, partner in zip(plan.customers, partners, strict=True)
        ]
        since = [min(customer.since, plan.now) for customer in plan.customers]
        self._set_columns(
            partners,
            {
                "create_date": ("timestamp", since),
                "create_uid": ("int4", [sellers[c.seller].id for c in plan.customers]),
            },
        )
        self._set_columns(
            persons, {"create_date": ("timestamp", [since[c.index] for c, _p in companies])}
        )
        self._name_records("customer", partners)
        return partners, contacts

    @api.model
    def _country_of(self, code):
        return self.env.ref(f"base.{'uk' if code == 'gb' else code}")
