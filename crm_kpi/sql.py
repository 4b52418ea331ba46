# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Statements put together from named queries (CTEs), and rows of Python data in SQL."""

from datetime import date, datetime
from typing import NamedTuple

from odoo.tools import SQL

#: PostgreSQL type of a field of a ``NamedTuple``, by its annotation.
COLUMN_TYPES = {
    bool: "bool",
    int: "int4",
    float: "float8",
    str: "text",
    date: "date",
    datetime: "timestamp",
}


def unnest(row_type, rows, alias):
    """``unnest(…) AS alias(…)``: a row set whose columns are the fields of a ``NamedTuple``.

    :param row_type: the ``NamedTuple`` class; its annotations give the types of the columns
    :param rows: rows of this class, possibly none
    """
    columns = list(zip(*rows, strict=True)) or [()] * len(row_type._fields)
    arrays = [
        SQL("%s::%s[]", list(values), SQL(COLUMN_TYPES[row_type.__annotations__[name]]))
        for name, values in zip(row_type._fields, columns, strict=True)
    ]
    return SQL(
        "unnest(%s) AS %s(%s)",
        SQL(", ").join(arrays),
        SQL.identifier(alias),
        SQL(", ").join(SQL.identifier(name) for name in row_type._fields),
    )


class Derived(NamedTuple):
    """A query of stored fields."""

    #: names of the fields
    columns: list | tuple
    #: query with a column ``id`` and one column per name
    query: SQL


class Cte(NamedTuple):
    """A common table expression: its name, its query, and whether it is computed only once."""

    name: str
    query: SQL
    materialized: bool = False


def with_ctes(ctes, statement):
    """``WITH name AS (query), … statement`` of a list of :class:`Cte`."""
    return with_queries(
        {cte.name: cte.query for cte in ctes},
        statement,
        {cte.name for cte in ctes if cte.materialized},
    )


def with_queries(queries, statement, materialized=()):
    """``WITH name AS (query), … statement``.

    PostgreSQL merges a query that is read once into its reader and leaves out columns that are
    not read. A query that is read several times is computed once, with all its columns.

    :param dict queries: name to query, in the order in which they refer to each other;
        ``None``: left out
    :param SQL statement: the statement that reads them
    :param materialized: names of the queries that are computed once, although only one other
        reads them
    """
    parts = [
        SQL(
            "%s AS %s (%s)",
            SQL.identifier(name),
            SQL("MATERIALIZED") if name in materialized else SQL(),
            query,
        )
        for name, query in queries.items()
        if query is not None
    ]
    return SQL("WITH %s %s", SQL(", ").join(parts), statement) if parts else statement


def select_list(values):
    """The select list ``expression AS name, …`` of a dict of name to expression."""
    return SQL(", ").join(
        SQL("%s AS %s", value, SQL.identifier(name)) for name, value in values.items()
    )
