# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The back-fill of stamps: what the live write would have stamped, from what Odoo keeps."""

from odoo.tools import SQL

from ..sql import with_queries


def stamp_query(model, stamps, relations, where, known=None, spells=None):
    """Query of the stamps of past events.

    :param model: empty recordset
    :param stamps: the :class:`Stamp` objects
    :param relations: ``{name: query with a column id}``, which ``tracked`` and ``dated`` of the
        stamps name. A query may read those before it. Relations with several rows per id must
        not be joined: their name begins with ``_``.
    :param SQL where: condition on the row ``r`` of the model's table
    :param known: ``{column: SQL over r and the relations}`` to select with the stamps
    :param spells: name of a relation ``(id, at, until, user_id)`` with the users of the record
        over time, to find the owner at the event; by default it is the present one
    :return: SQL with the columns ``id``, the fields of the stamps, and ``known``
    """
    columns, dates, owners = [], [], []
    for stamp in stamps:
        date = SQL.identifier("event", stamp.date)
        dates.append(SQL("%s AS %s", stamp.date_sql(model), SQL.identifier(stamp.date)))
        columns.append(SQL("%s AS %s", date, SQL.identifier(stamp.date)))
        user = None
        if spells and stamp.user:
            alias = f"{stamp.name}_owner"
            user = SQL.identifier(alias, "user_id")
            owners.append(_join_owner(spells, alias, date))
        for name, value in stamp.owner_sql(date, user=user).items():
            columns.append(SQL("%s AS %s", value, SQL.identifier(name)))
    for name, value in (known or {}).items():
        columns.append(SQL("%s AS %s", value, SQL.identifier(name)))
    return with_queries(
        relations,
        SQL(
            "SELECT r.id, %(columns)s FROM %(table)s AS r %(joins)s"
            " CROSS JOIN LATERAL (SELECT %(dates)s) AS event %(owners)s WHERE %(where)s",
            columns=SQL(", ").join(columns),
            table=SQL.identifier(model._table),
            joins=SQL(" ").join(
                SQL("LEFT JOIN %(name)s ON %(name)s.id = r.id", name=SQL.identifier(name))
                for name in relations
                if not name.startswith("_") and name != spells
            ),
            dates=SQL(", ").join(dates),
            owners=SQL(" ").join(owners),
            where=where,
        ),
        materialized=relations,
    )


def fill_stamps(model, stamps, query, known=(), derived=None, read="id"):
    """Write the stamps of past events where they differ, without a new write date.

    :param SQL query: from :func:`stamp_query`
    :param known: names of further columns of the query to write
    :param derived: ``{column: SQL over r, the row before, and s, the row of the query}``
    :param read: column of the query to return
    :return: values of this column of the records of the query, by default their ids
    """
    names = [name for stamp in stamps for name in stamp.fields] + list(known)
    values = {name: SQL("s.%s", SQL.identifier(name)) for name in names} | (derived or {})
    rows = model.env.execute_query(
        SQL(
            """
            WITH s AS MATERIALIZED (%(query)s),
            changed AS (
                UPDATE %(table)s AS r SET %(sets)s
                  FROM s
                 WHERE s.id = r.id AND (%(old)s) IS DISTINCT FROM (%(new)s)
            )
            SELECT %(read)s FROM s
            """,
            read=SQL.identifier(read),
            query=query,
            table=SQL.identifier(model._table),
            sets=SQL(", ").join(
                SQL("%s = %s", SQL.identifier(name), value) for name, value in values.items()
            ),
            old=SQL(", ").join(SQL("r.%s", SQL.identifier(name)) for name in values),
            new=SQL(", ").join(values.values()),
        )
    )
    return [value for (value,) in rows]


def _join_owner(spells, alias, date):
    """Join the spell of the user at a date."""
    return SQL(
        "LEFT JOIN %(spells)s AS %(alias)s ON %(id)s = r.id AND %(at)s <= %(date)s"
        " AND (%(date)s < %(until)s OR %(until)s IS NULL)",
        spells=SQL.identifier(spells),
        alias=SQL.identifier(alias),
        id=SQL.identifier(alias, "id"),
        at=SQL.identifier(alias, "at"),
        until=SQL.identifier(alias, "until"),
        date=date,
    )
