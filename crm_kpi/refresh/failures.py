# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A failure is noted on the KPI, or on the step of the refresh, which is tried again later."""

import logging
import re
from contextlib import contextmanager
from datetime import timedelta

import psycopg2

from odoo import fields
from odoo.exceptions import UserError
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

#: Time until the first retry after a failure; doubled with each further one.
FIRST_RETRY = timedelta(minutes=5)
LAST_RETRY = timedelta(days=1)
#: Errors of a definition or of the data: an administrator can correct them.
DEFINITION_ERRORS = (UserError, ValueError, SyntaxError, psycopg2.Error)


@contextmanager
def confined(kpis, describe=str, everywhere=False):
    """Run the block in a savepoint; a failure in it is noted on the KPIs and goes no further.

    Any exception is confined on purpose, a programming error too: one broken KPI, source or
    derivation must not keep the values of all others from being computed. The log has the
    traceback. Only a database that is busy elsewhere ends the whole step: it is tried again.

    :param kpis: KPIs that cannot be computed when the block fails; they may be none
    :param describe: makes the text for the KPI from the text of the exception
    :param everywhere: whether it fails for all companies, not only for the current one
    """
    try:
        with kpis.env.cr.savepoint():
            yield
    except psycopg2.OperationalError:
        raise
    except Exception as error:
        note_failure(kpis, describe(error_text(error)), everywhere, error)


@contextmanager
def skipped(env, what):
    """Run the block in a savepoint; a failure in it only costs time, and the log has the traceback.

    For a shorter way to values that can be computed in a longer one, which finds what is wrong.

    :param what: what is skipped then, for the log
    """
    try:
        with env.cr.savepoint():
            yield
    except psycopg2.OperationalError:
        raise
    except Exception:
        # any exception, for the reason given in confined()
        _logger.info("KPI refresh: %s", what, exc_info=True)


@contextmanager
def told_to_reader(env):
    """Run the block in a savepoint; a failure becomes an error message for the reader.

    For what counts records while a reader waits: the traceback belongs into the log.

    :raise UserError: with the text of the exception
    """
    try:
        with env.cr.savepoint(flush=False):
            yield
    except (UserError, psycopg2.OperationalError):
        raise  # in words already, or busy elsewhere
    except Exception as error:
        _logger.warning("KPI records could not be counted", exc_info=True)
        raise UserError(_first_line(error_text(error))) from error


@contextmanager
def noted(env, name, title, company=None):
    """Run the block in a savepoint; a failure in it is noted for the administrator.

    For what concerns no single KPI. A run without a failure deletes the note.

    :param name: unique key of the part of the refresh
    :param title: what an administrator reads
    :param company: the company that the part is for; empty: all
    """
    # superuser: bookkeeping of the refresh
    failures = env["crm.kpi.failure"].sudo()
    try:
        with env.cr.savepoint():
            yield
    except psycopg2.OperationalError:
        raise
    except Exception as error:
        # any exception, for the reason given in confined()
        _logger.exception("KPI refresh: %s failed", name)
        failures._note(name, title, _first_line(error_text(error)), company)
    else:
        failures._forget(name)


def error_text(error):
    """An exception in words; with its type where the words alone say nothing."""
    if isinstance(error, DEFINITION_ERRORS) and str(error):
        return str(error)
    return f"{type(error).__name__}: {error}"


def _first_line(message):
    # PostgreSQL repeats the statement after the message
    return re.sub(r"\s*\n(LINE|\s*\^).*", "", message, flags=re.DOTALL).strip()


def note_failure(kpis, message, everywhere=False, error=None):
    """Keep the reason on the KPIs. Each retry comes after twice the time of the one before.

    :param everywhere: whether it fails for all companies, not only for the current one
    :param error: the exception, whose traceback is logged
    """
    now = fields.Datetime.now()
    message = _first_line(message)
    expected = error is None or isinstance(error, DEFINITION_ERRORS)
    _logger.log(
        logging.WARNING if expected else logging.ERROR,
        "KPI refresh: %s could not be computed: %s",
        ", ".join(kpis.mapped("code")) or "derived records",
        message,
        exc_info=error,
    )
    for kpi in kpis:
        # a refresh of several companies counts as one failure
        waiting = kpi.next_try and kpi.next_try > now
        count = kpi.failure_count + (0 if waiting else 1)
        kpi.write(
            {
                "failure_count": count,
                "failed_since": kpi.failed_since or now,
                "failed_company_id": not everywhere and kpi.env.company.id,
                "last_error": message,
                "next_try": now + min(FIRST_RETRY * 2 ** min(count - 1, 9), LAST_RETRY),
            }
        )


def note_success(kpis, now):
    """The KPIs were computed in the current company.

    A KPI that failed in this refresh waits for its retry. One that failed in another company
    keeps its failure: otherwise it would be tried again there without a longer wait.
    """
    here = kpis.env.company
    kpis.filtered(
        lambda kpi: (
            kpi.last_error
            and not (kpi.next_try and kpi.next_try > now)
            and (kpi.failed_company_id == here or not kpi.failed_company_id.active)
        )
    ).write(
        {
            "failure_count": 0,
            "failed_since": False,
            "failed_company_id": False,
            "last_error": False,
            "next_try": False,
        }
    )
    # by SQL: the date of the refresh is not a change of the definition
    kpis.env.execute_query(
        SQL("UPDATE crm_kpi SET last_refresh = %s WHERE id = ANY(%s) RETURNING 1", now, kpis.ids)
    )
    kpis.invalidate_recordset(["last_refresh"])
