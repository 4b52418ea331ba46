# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whose values the rules watch, and who hears of a value."""

from collections import defaultdict

from odoo.fields import Domain

from ..board.context import Cell
from .conditions import ABOUT_GOALS

COMPANY = Cell("company", False, False, False)


def user_cell(user_id):
    return Cell("user", False, user_id, False)


def team_cell(team_id):
    return Cell("team", team_id, False, False)


def segment_cell(segment_id):
    return Cell("segment", False, False, segment_id)


class Members:
    """Active members of active teams.

    :param env: superuser: the rules of all users are worked on; record rules decide what each
        recipient hears
    """

    def __init__(self, env):
        self.by_team = defaultdict(list)
        self.teams_of = defaultdict(list)
        rows = env["crm.team.member"].search_fetch(
            [("user_id.active", "=", True), ("crm_team_id.active", "=", True)],
            ["user_id", "crm_team_id"],
        )
        for row in rows:
            self.by_team[row.crm_team_id].append(row.user_id.id)
            self.teams_of[row.user_id.id].append(row.crm_team_id)

    def of_company(self, company_id):
        """Ids of the members of all teams of a company, and of those of all companies."""
        return list(
            dict.fromkeys(
                user_id
                for team, users in self.by_team.items()
                if team.company_id.id in (False, company_id)
                for user_id in users
            )
        )


def watched_cells(alert, members):
    """The cells of a rule: list of :class:`~..board.context.Cell`.

    :param alert: a ``crm.kpi.alert``, may be unsaved
    """
    company_id, team = alert.company_id._origin.id, alert.team_id._origin
    if alert.condition == "stale" and alert.scope not in ("mine", "team"):
        return [COMPANY]  # it is about the KPI, not about people
    match alert.scope:
        case "mine":
            return [user_cell(alert.user_id._origin.id)]
        case "team":
            return [team_cell(team.id)]
        case "users":
            return [user_cell(user_id) for user_id in members.by_team.get(team, ())]
        case "all_users":
            return [user_cell(user_id) for user_id in members.of_company(company_id)]
        case "segments":
            return [
                segment_cell(segment.id) for segment in alert.segment_set_id._origin.segment_ids
            ]
    return [COMPANY]


class Recipients:
    """Who hears of the cells of rules, whether or not they may read them.

    :param env: superuser: who leads teams and follows goals; no value is read
    :param goals: those whose followers may be asked for
    """

    def __init__(self, env, goals, members):
        self.env = env
        self.members = members
        self.followers = self._followers(goals)

    def of(self, alert, cell, goal):
        """The active recipients of a rule about a cell.

        :param goal: ``crm.kpi.goal``, may be empty
        """
        users = self.env["res.users"]
        # an unsaved rule stands for the stored records
        if alert.to_owner:
            users |= alert.user_id._origin
        if alert.to_salesperson and cell.user_id:
            users |= users.browse(cell.user_id)
        if alert.to_leader:
            users |= self._leaders(alert, cell)
        if alert.to_followers and alert.condition in ABOUT_GOALS:
            users |= self.followers.get(goal.id, users.browse())
        return (users | alert.user_ids._origin).filtered(
            lambda user: user.active and not user.share
        )

    def _leaders(self, alert, cell):
        teams = self.env["crm.team"].browse(cell.team_id or ())
        if cell.user_id:
            teams = teams.union(
                *(
                    team
                    for team in self.members.teams_of.get(cell.user_id, ())
                    if team.company_id.id in (False, alert.company_id._origin.id)
                )
            )
        return teams.user_id

    def _followers(self, goals):
        """Users who follow goals: dict of the id of a goal to them."""
        found = defaultdict(self.env["res.users"].browse)
        if goals:
            rows = self.env["mail.followers"].search_fetch(
                Domain("res_model", "=", goals._name) & Domain("res_id", "in", goals.ids),
                ["res_id", "partner_id"],
            )
            for row in rows:
                found[row.res_id] |= row.partner_id.user_ids
        return found
