# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""SQL about the cell of a goal: the KPI value that the goal is about."""

from odoo.tools import SQL

#: Fields that define the cell. No two active goals have the same cell.
CELL = ("kpi_id", "period_id", "scope", "team_id", "user_id", "segment_id")


def same_cell(goal, other, level, kpi=True):
    """Condition: a row is about the cell of a goal. Written so that the unique index serves.

    :param goal: alias of the goal
    :param other: alias of the row
    :param level: column of the row that holds the level
    :param kpi: whether the KPI must be the same, too
    """
    return SQL(
        """%(kpi)s %(other)s.period_id = %(goal)s.period_id AND %(other)s.%(level)s = %(goal)s.scope
           AND COALESCE(%(other)s.team_id, 0) = COALESCE(%(goal)s.team_id, 0)
           AND COALESCE(%(other)s.user_id, 0) = COALESCE(%(goal)s.user_id, 0)
           AND COALESCE(%(other)s.segment_id, 0) = COALESCE(%(goal)s.segment_id, 0)""",
        kpi=SQL("%s.kpi_id = %s.kpi_id AND", SQL.identifier(other), SQL.identifier(goal))
        if kpi
        else SQL(),
        other=SQL.identifier(other),
        goal=SQL.identifier(goal),
        level=SQL.identifier(level),
    )


def is_computed(kpi, period):
    """Condition: the cell of goal ``goal`` was computed, so that no value means no record.

    The crossed levels are computed only for KPIs that ask for them, and for goals from the
    first refresh after the goal was set. Reads the KPI ``kpi`` and the ``computation``.

    :param kpi: SQL text of the id of the KPI
    :param period: SQL text of the id of the period
    """
    return SQL(
        """computation.id IS NOT NULL AND (
               goal.scope NOT IN ('team_segment', 'user_segment') OR kpi.cross_levels
               OR computation.computed_at > goal.create_date
               OR EXISTS (SELECT 1 FROM crm_kpi_value AS other
                           WHERE other.kpi_id = %s AND other.period_id = %s
                             AND other.level = goal.scope))""",
        SQL(kpi),
        SQL(period),
    )


def find_duplicate(cells):
    """Query of the id of an active goal that has one of the cells already.

    :param cells: list of ``(goal id or 0, *CELL)``; goals of these ids do not count
    """
    own = [goal_id for goal_id, *_cell in cells if goal_id]
    _ids, kpis, periods, scopes, *owners = (list(column) for column in zip(*cells, strict=True))
    return SQL(
        """SELECT other.id FROM crm_kpi_goal AS other
             JOIN unnest(%s::int4[], %s::int4[], %s::text[], %s::int4[], %s::int4[], %s::int4[])
               AS goal(kpi_id, period_id, scope, team_id, user_id, segment_id) ON %s
            WHERE other.active AND other.id <> ALL(%s) LIMIT 1""",
        kpis,
        periods,
        scopes,
        *([value or None for value in column] for column in owners),
        same_cell("goal", "other", "scope"),
        own,
    )
