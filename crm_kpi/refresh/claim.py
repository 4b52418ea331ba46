# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One refresh at a time: a second one waits shortly, then says who is running."""

import logging
from contextlib import contextmanager

import psycopg2

from odoo.exceptions import UserError
from odoo.tools import SQL
from odoo.tools.misc import format_datetime

_logger = logging.getLogger(__name__)

#: Seconds that a refresh waits for another refresh, and for any other lock.
CLAIM_WAIT, LOCK_WAIT = 5, 30
#: Seconds after which PostgreSQL notices that a refresh was killed. Without a check, a statement
#: of minutes runs on, and holds its locks.
CLIENT_CHECK = 10


def claim_refresh(env):
    """Wait until no other refresh runs. None starts until the end of this transaction.

    Two refreshes would write the same rows, and one of them would fail. A transaction that had to
    wait for the scheduled refresh cannot go on with its view of the data: PostgreSQL raises
    ``SerializationFailure``, and Odoo repeats the call.

    :raise UserError: another refresh still runs
    """
    # superuser: the scheduler holds this row while the action runs
    cron = env.ref("crm_kpi.ir_cron_refresh").sudo()
    try:
        with limited_wait(env.cr, CLAIM_WAIT):
            env.cr.execute(
                SQL("SELECT 1 FROM ir_cron WHERE id = %s FOR NO KEY UPDATE", cron.id),
                log_exceptions=False,
            )
    except psycopg2.errors.LockNotAvailable as error:
        _logger.warning("KPI refresh: not started, because another one is running")
        raise UserError(_running_text(cron)) from error


def _running_text(cron):
    env = cron.env
    # the runs since the end of the last call: a call has several
    runs = env["ir.cron.progress"].search(
        [("cron_id", "=", cron.id), ("create_date", ">", cron.lastcall or "1970-01-01")]
    )
    if not runs:
        return env._("Another refresh is running. Try again in a minute.")
    return env._(
        "The scheduled refresh has been running since %s. It also computes these values; try "
        "again when it has ended.",
        format_datetime(env, min(runs.mapped("create_date")), dt_format="short"),
    )


@contextmanager
def limited_wait(cr, seconds=LOCK_WAIT):
    """Run the block in a savepoint, in which a wait for a lock of another transaction ends with
    ``LockNotAvailable`` after a time. Its statements end with the process that sent them."""
    with cr.savepoint():
        cr.execute(SQL("SELECT set_config('lock_timeout', %s, TRUE)", f"{seconds}s"))
        # PostgreSQL 13 has no such setting, and a server on another system may refuse it
        cr.execute(
            SQL(
                """SELECT set_config(name, %s, TRUE) FROM pg_settings
                    WHERE name = 'client_connection_check_interval' AND version() ~ 'linux'""",
                f"{CLIENT_CHECK}s",
            )
        )
        yield
        cr.execute("SET LOCAL lock_timeout TO DEFAULT")
