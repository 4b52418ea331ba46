# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which KPIs and periods a refresh is about, and at which levels."""

from typing import NamedTuple

from dateutil.relativedelta import relativedelta

from odoo import fields


class CrossedLevels(NamedTuple):
    """The KPIs and periods that are computed for teams and salespeople within segments, too."""

    kpi_ids: frozenset
    period_ids: frozenset

    def has(self, kpi_id, period_id):
        return kpi_id in self.kpi_ids and period_id in self.period_ids


def kpis_to_refresh(company, kpis=None):
    """The published KPIs of a company, with the components of their formulas.

    :param company: in the environment of the refresh
    :param kpis: only these, also those that wait for a retry; ``None``: all that do not wait
    """
    return published_kpis(company.env, kpis, [("company_id", "in", [False, company.id])])


def published_kpis(env, kpis=None, domain=()):
    """As :func:`kpis_to_refresh`, of the companies of a domain; by default of all."""
    # superuser, here and below: values are computed for all users and all their goals
    model = env["crm.kpi"].sudo()
    domain = [("state", "=", "published"), *domain]
    if kpis is not None:
        return kpis.with_env(model.env).filtered_domain(domain)._with_components()
    now = fields.Datetime.now()
    # components too: their formulas keep the last value meanwhile
    return (
        model.search(domain)
        ._with_components()
        .filtered(lambda kpi: not kpi.next_try or kpi.next_try <= now)
    )


def crossed_levels(company, now):
    """What a company computes at the crossed levels, as :class:`CrossedLevels`.

    KPIs by choice, for goals and for formulas; in the periods of the last months, as many as the
    company chose, and in those with goals at these levels. They have more values than all other
    levels together. Those of older periods that are locked stay stored.

    :param now: naive UTC
    """
    # superuser: values are computed for the KPIs and goals of all users
    model = company.env["crm.kpi"].sudo()
    goals = model.env["crm.kpi.goal"]._read_group(
        [("company_id", "=", company.id), ("scope", "in", ["team_segment", "user_segment"])],
        ["kpi_id", "period_id"],
    )
    # of all KPIs, not only those that are refreshed: components belong to several sources
    chosen = model.search(
        [
            ("cross_levels", "=", True),
            ("state", "=", "published"),
            ("company_id", "in", [False, company.id]),
        ]
    )
    wanted = chosen.union(*(kpi for kpi, _period in goals))
    first_day = now.date() - relativedelta(months=company.kpi_crossed_months)
    recent = model.env["crm.kpi.period"].search(
        [("company_id", "=", company.id), ("date_to", ">", first_day)]
    )
    periods = recent.union(*(period for _kpi, period in goals))
    return CrossedLevels(frozenset(wanted._with_components().ids), frozenset(periods.ids))


def periods_to_refresh(company, periods=None):
    """Periods of a company that have begun; with ``periods`` only these, with their new state."""
    domain = [("company_id", "=", company.id), ("state", "!=", "future")]
    if periods is not None:
        periods = periods.exists()  # the parts that are compared with may be deleted meanwhile
        domain.append(("id", "in", periods.ids))
        periods.filtered(lambda period: period.state != "locked")._update_states()
    # superuser: as above
    return company.env["crm.kpi.period"].sudo().search(domain)


def active_people(source, company):
    """Ids of the active salespeople and teams: they have a 0 in a running period, not nothing.

    :return: ``(user ids, team ids)``
    """
    if not source.user_field:
        return (), ()
    # superuser: as above
    members = (
        company.env["crm.team.member"]
        .sudo()
        .search(["|", ("company_id", "=", False), ("company_id", "=", company.id)])
    )
    # an import or a script archives a user or team without the membership
    members = members.filtered(
        lambda member: (
            member.user_id.active
            and member.crm_team_id.active
            and company in member.user_id.company_ids
        )
    )
    teams = members.crm_team_id if source.team_field else members.crm_team_id.browse()
    return tuple(members.user_id.ids), tuple(teams.ids)
