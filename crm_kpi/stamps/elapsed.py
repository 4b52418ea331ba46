# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Days between two events: in Python at the event, in SQL for the back-fill."""

from datetime import timedelta

from odoo.tools import SQL

#: ``create_date`` has microseconds, other dates have whole seconds: a shorter difference is
#: not a contradiction
TOLERANCE = timedelta(seconds=1)


def elapsed_days(start, stop):
    """Days (fractional) from ``start`` to ``stop``; False when a date is missing or they are
    in the wrong order."""
    if not start or not stop or stop - start < -TOLERANCE:
        return False
    return max((stop - start).total_seconds(), 0.0) / 86400


def elapsed_days_sql(start, stop):
    """The same in SQL, NULL instead of False.

    :param SQL start, stop: timestamps
    """
    return SQL(
        """
        CASE WHEN %(stop)s - %(start)s >= -%(tolerance)s
             THEN GREATEST(EXTRACT(EPOCH FROM %(stop)s - %(start)s), 0)::float8 / 86400 END
        """,
        start=start,
        stop=stop,
        tolerance=TOLERANCE,
    )
