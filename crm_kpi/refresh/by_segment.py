# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Facts once per segment that they belong to."""

from typing import NamedTuple

from odoo.tools import SQL

from ..engine.cells import Owners
from ..sql import Cte, unnest, with_ctes


class SetRow(NamedTuple):
    """A segment set, and its segment of customers that are in no other one."""

    set_id: int
    unknown_id: int


def segment_sets(company):
    """List of :class:`SetRow` of the segment sets that are computed in a company."""
    # superuser: values are computed for all sets
    sets = (
        company.env["crm.kpi.segment.set"]
        .sudo()
        .search([("company_id", "in", [False, company.id])])
    )
    return [SetRow(s.id, s.unknown_segment_id.id) for s in sets if s.unknown_segment_id]


def facts_by_segment(plan, sets, company_id, *extra):
    """Facts once per segment: the customer's on the day, else the set's unknown one.

    :param sets: list of :class:`SetRow`
    :param extra: further columns of the facts ``f``
    :return: ``SELECT`` of ``period_id`` (or ``piece_id``), ``team_id, user_id, segment_id``, the
        columns of the plan's KPIs and the extra ones; ``None`` where facts belong to no segments
    """
    if not sets or not plan.has_segments:
        return None
    names = SQL(", ").join(
        [*(SQL("f.%s", SQL.identifier(name)) for name in plan.column_names), *extra]
    )
    if plan.segment is not None:
        return SQL(
            """SELECT f.%s, f.team_id, f.user_id, f.segment_id, %s
                 FROM facts f WHERE f.segment_id IS NOT NULL""",
            plan.time,
            names,
        )
    by_country = plan.country is not None
    return SQL(
        """SELECT f.%(time)s, f.team_id, f.user_id,
                  COALESCE(member.segment_id, %(of_country)s s.unknown_id) AS segment_id, %(names)s
             FROM facts f
            CROSS JOIN %(sets)s
             LEFT JOIN crm_kpi_segment_member member
                    ON member.partner_id = f.partner_id AND member.set_id = s.set_id
                   AND (member.date_from IS NULL OR member.date_from <= f.day)
                   AND (member.date_to IS NULL OR member.date_to > f.day)
                   AND (member.company_id IS NULL OR member.company_id = %(company)s)
            %(country)s""",
        time=plan.time,
        of_country=SQL("country.id,") if by_country else SQL(),
        names=names,
        sets=unnest(SetRow, sets, "s"),
        company=company_id,
        country=_country_join() if by_country else SQL(),
    )


def owners_of(env, facts, by_segment):
    """The :class:`~..engine.cells.Owners` of some facts.

    :param SQL facts: query of the facts, with ``team_id, user_id``
    :param by_segment: their :func:`facts_by_segment`
    """
    segments = SQL("ARRAY[]::int4[]")
    if by_segment is not None:
        segments = SQL("ARRAY(SELECT DISTINCT segment_id FROM (%s) AS fact)", by_segment)
    [owners] = env.execute_query(
        with_ctes(
            [Cte("facts", facts, materialized=True)],
            SQL(
                """SELECT ARRAY(SELECT DISTINCT COALESCE(team_id, 0) FROM facts),
                          ARRAY(SELECT DISTINCT COALESCE(user_id, 0) FROM facts), %s""",
                segments,
            ),
        )
    )
    return Owners(*map(sorted, owners))


def _country_join():
    """The segment of the country, for records that have no customer yet."""
    return SQL(
        """LEFT JOIN crm_kpi_segment country
                  ON f.partner_id IS NULL AND country.set_id = s.set_id
                 AND country.country_id = f.country_id AND country.active"""
    )
