# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo.fields import Command

from ..history.catalog import SELLERS, TEAMS
from .base import Story

#: Action that users start with.
HOME = "crm_kpi.crm_kpi_board_action"
#: Login, name, groups.
ROLES = (
    (
        "rep",
        "Nora Lindqvist",
        ("sales_team.group_sale_salesman",),
    ),
    (
        "manager",
        "Marcus Okafor",
        ("sales_team.group_sale_manager",),
    ),
    (
        "kpiadmin",
        "Ines Ferreira",
        ("sales_team.group_sale_salesman_all_leads", "crm_kpi.group_kpi_admin"),
    ),
)


def create_users(demo, people, groups, **values):
    """Internal users.

    :param people: pairs of login and name
    :param groups: XML ids of their groups
    :param values: values of further fields
    """
    env = demo.env
    company = env.company
    users = env["res.users"].create(
        [
            {
                "login": login,
                "name": name,
                "email": f"{login}@dealer.example.com",
                "group_ids": [Command.link(env.ref(group).id) for group in groups],
                "company_id": company.id,
                "company_ids": [Command.set(company.ids)],
                "tz": company._kpi_tz(),
                **values,
            }
            for login, name in people
        ]
    )
    if "odoobot_state" in users._fields:
        users.odoobot_state = "disabled"  # no greeting by OdooBot
    return users


def add_groups(demo, user, *groups):
    """Put a user into further groups, named by XML ids."""
    user.group_ids = [Command.link(demo.env.ref(group).id) for group in groups]


def create_role(demo, login, name, groups):
    """A user to log in with, who starts on the board; the password is the login."""
    user = create_users(
        demo,
        [(login, name)],
        groups,
        password=login,
        email=f"{name.lower().replace(' ', '.')}@dealer.example.com",
        action_id=demo.env.ref(HOME).id,
        signature=f"<span>{name}</span>",
    )
    demo.name_user(user)
    return user


def restore_role(demo, login, _name, groups):
    """Give the user of a role again what goes when the KPIs are uninstalled."""
    user = demo.user(login)
    user.action_id = user.action_id or demo.env.ref(HOME).id
    add_groups(demo, user, *groups)
    demo.name_user(user)


class PeopleStory(Story):
    """The users of the three roles, the salespeople and their teams."""

    name = "people"

    def create_records(self):
        for role in ROLES:
            create_role(self.demo, *role)
        # Leads are qualified before they become opportunities.
        self.env.ref("base.group_user").implied_ids = [
            Command.link(self.env.ref("crm.group_use_lead").id)
        ]
        self._create_sellers()
        self._create_teams()

    def create_kpi_records(self):
        for role in ROLES:
            restore_role(self.demo, *role)

    def _create_sellers(self):
        """Users for the salespeople, in the order of the catalog."""
        rep = self.demo.user("rep")
        others = create_users(
            self.demo,
            [(seller.login, seller.name) for seller in SELLERS if seller.login != rep.login],
            ["sales_team.group_sale_salesman"],
        )
        by_login = {user.login: user for user in rep + others}
        sellers = rep.concat(*(by_login[seller.login] for seller in SELLERS[1:]))
        self.demo.name_records("seller", sellers)

    def _create_teams(self):
        teams = self.env["crm.team"].create(
            [
                {
                    "name": name,
                    "user_id": self.demo.user("manager").id,
                    "company_id": self.env.company.id,
                    "use_leads": True,
                    "sequence": 20 + number,
                    "member_ids": [Command.set(self._member_ids(number))],
                }
                for number, name in enumerate(TEAMS)
            ]
        )
        self.demo.name_records("team", teams)

    def _member_ids(self, team):
        return [
            user.id
            for user, seller in zip(self.demo.sellers, SELLERS, strict=True)
            if seller.team == team and not seller.left
        ]


class DepartureStory(Story):
    """Archives the salespeople who left, once their history is written."""

    name = "departure"

    def create_records(self):
        gone = {seller.login for seller in SELLERS if seller.left}
        self.demo.sellers.filtered(lambda user: user.login in gone).active = False
