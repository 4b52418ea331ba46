# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Writing many rows: a plan (a temporary table with what differs), then copies of a prototype."""

import logging
import math
import time
from contextlib import contextmanager
from datetime import timedelta

from odoo.tools import SQL

_logger = logging.getLogger(__name__)

#: Days of history.
DAYS = 1065
#: Share of the business of a month, by month.
SEASON = (0.8, 0.9, 1.1, 1.0, 1.0, 1.1, 0.8, 0.7, 1.1, 1.2, 1.3, 1.0)
#: The same by weekday, from Monday.
WEEK = (1.2, 1.1, 1.0, 1.0, 0.9, 0.1, 0.05)
#: Growth in a year.
GROWTH = 0.2


def chance(seed, number="n"):
    """SQL of a number from 0 to below 1 that follows from the number of a record.

    :param int seed: another number for another property
    """
    return SQL(
        "((hashint8extended(%s, %s) & 1048575)::float8 / 1048576)", SQL.identifier(number), seed
    )


def pick(seed, ids, skew=1.0):
    """SQL of one of the ids; with a larger skew, the first ones are picked more often."""
    return SQL("(%s::int[])[1 + floor(%s * power(%s, %s))::int]", ids, len(ids), chance(seed), skew)


def within(seed, first, count, skew=1.0):
    """SQL of an id of a range; see :func:`pick`."""
    return SQL("%s + floor(%s * power(%s, %s))::int", first, count, chance(seed), skew)


def moment(env, seed):
    """SQL of a moment within the history, with season, growth and working days."""
    today = env.cr.now().date()
    weights = []
    for ago in range(DAYS, -1, -1):
        day = today - timedelta(days=ago)
        growth = (1 + GROWTH) ** (-ago / 365)
        weights.append((ago, SEASON[day.month - 1] * WEEK[day.weekday()] * growth))
    total, reached, quantiles = sum(weight for _ago, weight in weights), 0.0, []
    for ago, weight in weights:
        reached += weight / total * 8192
        quantiles += [ago] * (math.floor(reached + 0.5) - len(quantiles))
    quantiles = [*quantiles, 0][:8192]
    return SQL(
        """LEAST(date_trunc('second', now() AT TIME ZONE 'UTC' - interval '1 hour'),
                 date_trunc('day', now() AT TIME ZONE 'UTC')
                 + make_interval(days => -(%s::int[])[1 + floor(8192 * %s)::int],
                                 secs => floor(25200 + 36000 * %s)))""",
        quantiles,
        chance(seed),
        chance(seed + 1),
    )


class Plan:
    """A temporary table with one row per record: ``n`` from 1, ``id``, and what differs.

    :param model: of the records
    :param count: number of records
    :param steps: dicts of column to SQL; those of a later step read those of the steps before
    :param source: SQL that replaces the numbers, with a column ``n``
    """

    def __init__(self, model, count, *steps, source=None):
        self.env, self.model, self.count = model.env, model, count
        self.table = f"scale_{model._table}"
        self.first = next_id(model) + 1
        query = SQL(
            "SELECT numbers.*, %s + n AS id FROM (%s) AS numbers",
            self.first - 1,
            source or SQL("SELECT n::int AS n FROM generate_series(1, %s) AS n", count),
        )
        for step in steps:
            columns = [SQL("%s AS %s", value, SQL.identifier(name)) for name, value in step.items()]
            # OFFSET 0: a column is computed once, although later steps read it several times
            query = SQL("SELECT *, %s FROM (%s OFFSET 0) AS s", SQL(", ").join(columns), query)
        self.env.cr.execute(SQL("DROP TABLE IF EXISTS %s", SQL.identifier(self.table)))
        self.env.cr.execute(
            SQL("CREATE TEMP TABLE %s ON COMMIT DROP AS %s", SQL.identifier(self.table), query)
        )
        self.env.cr.execute(SQL("ANALYZE %s", SQL.identifier(self.table)))

    def insert(self, prototype, **columns):
        """Insert a copy of a record for each row.

        :param columns: SQL over the row ``p`` of what differs from the prototype
        """
        columns["id"] = SQL("p.id")
        insert_copies(prototype, SQL.identifier(self.table), columns)
        set_next_id(prototype, self.first + self.count - 1)


def insert_copies(prototype, rows, columns):
    """Insert a copy of a record for each row.

    :param SQL rows: table of the rows ``p``
    :param columns: SQL of the columns that differ from the prototype
    """
    env, table = prototype.env, SQL.identifier(prototype._table)
    start = time.monotonic()
    env.flush_all()
    env.cr.execute(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = current_schema AND table_name = %s",
        [prototype._table],
    )
    # Without stamps, the copies are read like old records.
    names = [name for (name,) in env.cr.fetchall() if not name.startswith("kpi_")]
    names = [name for name in names if name != "id" or "id" in columns]
    with without_indexes(env, prototype._table):
        env.cr.execute(
            SQL(
                "INSERT INTO %s (%s) SELECT %s FROM %s AS t, %s AS p WHERE t.id = %s",
                table,
                SQL(", ").join(map(SQL.identifier, names)),
                SQL(", ").join(columns.get(name) or SQL.identifier("t", name) for name in names),
                table,
                rows,
                prototype.id,
            )
        )
        count = env.cr.rowcount
    env.cr.execute(SQL("ANALYZE %s", table))
    _logger.info("%s: %s rows in %.0f s", prototype._table, count, time.monotonic() - start)


@contextmanager
def without_indexes(env, *tables):
    """Drop the indexes of tables, except for primary keys and constraints, and make them again.

    Building an index once is several times faster than extending it by each row.
    """
    env.cr.execute(
        """SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
             FROM pg_index i
        LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid
            WHERE i.indrelid::regclass::text = ANY(%s) AND NOT i.indisunique AND c.oid IS NULL""",
        [list(tables)],
    )
    indexes = env.cr.fetchall()
    for name, _definition in indexes:
        env.cr.execute(SQL("DROP INDEX %s", SQL(name)))
    yield
    for _name, definition in indexes:
        env.cr.execute(SQL("%s", SQL(definition.replace("%", "%%"))))


def next_id(model):
    """The largest id of a table; the sequence goes on after it."""
    model.env.flush_all()
    model.env.cr.execute(SQL("SELECT COALESCE(max(id), 0) FROM %s", SQL.identifier(model._table)))
    [[last]] = model.env.cr.fetchall()
    return last


def set_next_id(model, last):
    model.env.cr.execute(SQL("SELECT setval(%s, %s)", f"{model._table}_id_seq", last))
