# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""SQL about the cell of a goal: the value that it is a promise about."""

from odoo.tools import SQL


def _same_cell(goal, other, level, kpi=True):
    """Whether a row is about the cell of a goal; written so that the unique index serves."""
    return SQL(
        """%(kpi)s %(o)s.period_id = %(g)s.period_id AND %(o)s.%(level)s = %(g)s.scope
           AND COALESCE(%(o)s.team_id, 0) = COALESCE(%(g)s.team_id, 0)
           AND COALESCE(%(o)s.user_id, 0) = COALESCE(%(g)s.user_id, 0)
           AND COALESCE(%(o)s.segment_id, 0) = COALESCE(%(g)s.segment_id, 0)""",
        kpi=SQL("%s.kpi_id = %s.kpi_id AND", SQL.identifier(other), SQL.identifier(goal))
        if kpi
        else SQL(),
        o=SQL.identifier(other),
        g=SQL.identifier(goal),
        level=SQL.identifier(level),
    )


def _computed(kpi, period):
    """Whether the cell of goal ``g`` was computed, so that no row means no record.

    The crossed levels are computed only for KPIs that ask for them, and for goals from the
    refresh after they were set. Reads the KPI ``k`` and the computation ``c``.
    """
    return SQL(
        """c.id IS NOT NULL AND (
               g.scope NOT IN ('team_segment', 'user_segment') OR k.cross_levels
               OR c.computed_at > g.create_date
               OR EXISTS (SELECT 1 FROM crm_kpi_value x
                           WHERE x.kpi_id = %s AND x.period_id = %s AND x.level = g.scope))""",
        SQL(kpi),
        SQL(period),
    )
