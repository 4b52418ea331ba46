# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Counts beside a filter that is edited: exact up to a limit, because they are read while one waits."""

from odoo.tools import SQL
from odoo.tools.misc import formatLang

#: More rows than these are not counted.
MOST = 10_000


def count_rows(env, rows):
    """Number of rows of a query; one more than :data:`MOST` where there are more.

    :param SQL rows: the query
    """
    [[count]] = env.execute_query(
        SQL("SELECT count(*) FROM (%s LIMIT %s) AS counted", rows, MOST + 1)
    )
    return count


def count_text(env, count):
    """A number of rows for users: *1,204*, or *10,000+* where there are more."""
    if count > MOST:
        return f"{formatLang(env, MOST, digits=0)}+"
    return formatLang(env, count, digits=0)
