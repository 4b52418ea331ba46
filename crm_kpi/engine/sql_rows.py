# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Rows of Python data in SQL, and common table expressions (CTEs)."""

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


class Cte(NamedTuple):
    """A common table expression: its name, its query, and whether it is computed only once."""

    name: str
    query: SQL
    materialized: bool = False


def with_ctes(ctes, query):
    """``WITH … query``."""
    return SQL(
        "WITH %s %s",
        SQL(", ").join(
            SQL(
                "%s AS %s (%s)",
                SQL.identifier(cte.name),
                SQL("MATERIALIZED") if cte.materialized else SQL(),
                cte.query,
            )
            for cte in ctes
        ),
        query,
    )
