# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Helps PostgreSQL plan the statements of a refresh.

A first refresh reads tables that the same transaction, or one a minute ago, has filled. No other
session has analyzed them yet, and the planner takes them for empty: it then compares each record
with each customer.
"""

from contextlib import contextmanager

from odoo.tools import SQL

#: Number of records from which a statement is planned for many.
MANY = 10_000
#: Settings of a statement over many records, until it has ended. Nested loops are quicker for a
#: few records only, and estimates of filters and joins are often a thousand times too low.
FOR_MANY = {"enable_nestloop": "off", "jit": "off", "work_mem": "64MB"}


@contextmanager
def planned_for(cr, record_count, **settings):
    """Plan the statements of the block for a number of records.

    :param settings: further settings of a statement over many records
    """
    if record_count < MANY:
        yield
        return
    settings = FOR_MANY | settings
    before = _execute(cr, "current_setting(%s)", ((name,) for name in settings))
    _execute(cr, "set_config(%s, %s, TRUE)", settings.items())
    yield
    # an error ends the savepoint of the block, or the transaction: both restore the settings
    _execute(cr, "set_config(%s, %s, TRUE)", zip(settings, before, strict=True))


def _execute(cr, function, arguments):
    calls = [SQL(function, *values) for values in arguments]
    cr.execute(SQL("SELECT %s", SQL(", ").join(calls)))
    return cr.fetchone()


def update_statistics(cr, table=None):
    """Analyze the tables that have at least doubled since they were analyzed.

    :param table: name of the only table to look at; ``None``: all
    """
    cr.execute(
        SQL(
            """SELECT oid::regclass::text FROM pg_class
                WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND %s
                  AND pg_relation_size(oid) / current_setting('block_size')::int
                      > 2 * relpages + 50""",
            SQL("relname = %s", table) if table else SQL("TRUE"),
        )
    )
    for (grown,) in cr.fetchall():
        cr.execute(SQL("ANALYZE %s", SQL.identifier(grown)))
