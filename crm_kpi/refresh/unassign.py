# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Values of a team or salesperson that is deleted become values of *Unassigned*.

The records behind them become unassigned, too. Values that are still computed follow with the
next refresh; locked ones would be lost, and the rows would not add up to the total any more.
"""

from odoo.tools import SQL

from ..engine.cells import CELL_COLUMNS


def unassign_statements(column, ids):
    """Statements to run in this order, before the rows of the owners are deleted.

    Counts and sums are added up. Another value of several owners cannot be computed from their
    values; it becomes the value of *Unassigned* only where it is the only one.

    :param column: ``team_id`` or ``user_id``
    :param ids: ids of the teams or users that will be deleted
    """
    moved = _moved(column, ids)
    unassigned = SQL(
        "unassigned.%s IS NULL AND %s",
        SQL.identifier(column),
        SQL(" AND ").join(
            SQL(
                "unassigned.%(name)s IS NOT DISTINCT FROM moved.%(name)s",
                name=SQL.identifier(name),
            )
            for name in CELL_COLUMNS
            if name != column
        ),
    )
    return (
        # to a value of Unassigned that exists
        SQL(
            """UPDATE crm_kpi_value AS unassigned
                  SET value = COALESCE(unassigned.value, 0) + moved.value,
                      record_count = unassigned.record_count + moved.record_count,
                      ahead = NULLIF(COALESCE(unassigned.ahead, 0) + moved.ahead, 0)
                 FROM (%s) AS moved WHERE moved.is_sum AND %s""",
            moved,
            unassigned,
        ),
        # where there is none, one row becomes the row of Unassigned
        SQL(
            """UPDATE crm_kpi_value AS own
                  SET %(column)s = NULL, value = moved.value, record_count = moved.record_count,
                      ahead = NULLIF(moved.ahead, 0)
                 FROM (%(moved)s) AS moved
                WHERE own.id = moved.id AND (moved.is_sum OR moved.owners = 1)
                  AND NOT EXISTS (SELECT 1 FROM crm_kpi_value AS unassigned
                                   WHERE %(unassigned)s)""",
            column=SQL.identifier(column),
            moved=moved,
            unassigned=unassigned,
        ),
    )


def _moved(column, ids):
    """Sums over the owners: the columns of a cell, and ``value, record_count, ahead, id, owners,
    is_sum``."""
    others = SQL(", ").join(SQL.identifier("cell", name) for name in CELL_COLUMNS if name != column)
    return SQL(
        """SELECT %(others)s, kpi.kind <> 'formula' AND kpi.aggregator IN ('count', 'sum') AS is_sum,
                  -- a withheld value stays withheld
                  CASE WHEN count(cell.value) = count(*) THEN sum(cell.value) END AS value,
                  sum(cell.record_count)::int AS record_count,
                  sum(COALESCE(cell.ahead, 0)) AS ahead, min(cell.id) AS id,
                  count(*) AS owners
             FROM crm_kpi_value AS cell
             JOIN crm_kpi AS kpi ON kpi.id = cell.kpi_id
             LEFT JOIN crm_kpi_source AS source ON source.id = kpi.source_id
            WHERE cell.%(column)s = ANY(%(ids)s) AND source.unassigned IS NOT FALSE
              AND (cell.record_count <> 0 OR cell.value <> 0)
            GROUP BY %(others)s, kpi.id""",
        others=others,
        column=SQL.identifier(column),
        ids=list(ids),
    )
