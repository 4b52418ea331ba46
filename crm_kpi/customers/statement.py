# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Statements put together from named common table expressions (CTEs)."""

from odoo.tools import SQL


def statement(ctes, select, materialized=()):
    """``WITH … SELECT``: a statement of named CTEs.

    PostgreSQL merges a CTE that is used once into its user and leaves out the columns that
    are not read. A CTE that is used several times is computed once, with all its columns.

    :param dict ctes: query by name, in the order of their use; ``None``: left out
    :param SQL select: query that reads them
    :param materialized: names of CTEs that are computed at most once, although one other reads
        them
    """
    return SQL(
        "WITH %s %s",
        SQL(", ").join(
            SQL(
                "%s AS %s (%s)",
                SQL.identifier(name),
                SQL("MATERIALIZED") if name in materialized else SQL(),
                query,
            )
            for name, query in ctes.items()
            if query is not None
        ),
        select,
    )
