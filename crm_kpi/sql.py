# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Putting a statement together from named queries."""

from odoo.tools import SQL


def with_queries(queries, statement, materialized=()):
    """``WITH name AS (query), … statement``.

    :param dict queries: name to query, in the order in which they refer to each other
    :param SQL statement: the statement that reads them
    :param materialized: names of the queries that are computed once, although PostgreSQL would
        merge them into the only query that reads them
    """
    if not queries:
        return statement
    parts = [
        SQL(
            "%s AS %s (%s)",
            SQL.identifier(name),
            SQL("MATERIALIZED") if name in materialized else SQL(),
            query,
        )
        for name, query in queries.items()
    ]
    return SQL("WITH %s %s", SQL(", ").join(parts), statement)


def select_list(values):
    """The select list ``expression AS name, …`` of a dict of name to expression."""
    return SQL(", ").join(
        SQL("%s AS %s", value, SQL.identifier(name)) for name, value in values.items()
    )
