# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The refresh: its steps in order, at once or by the scheduled action."""

import json
import logging
import time

import psycopg2
from psycopg2.extensions import TransactionRollbackError

from odoo import fields
from odoo.exceptions import UserError

from .claim import claim_refresh, limited_wait
from .failures import noted
from .planner import update_statistics
from .run_log import RunLog, Turn
from .steps import (
    ChecksStep,
    CompanyRefresh,
    CustomersStep,
    DefinitionsStep,
    DeriveStep,
    SegmentsStep,
)

_logger = logging.getLogger(__name__)

#: Parameter with the name of the step at which the scheduled refresh resumes.
NEXT_STEP = "crm_kpi.refresh_next_step"
#: How often a run tries to read the history where users write the same records.
TRIES = 100
#: Parameter with the names of the steps, a list in JSON, that have to be waited for.
BUSY_STEPS = "crm_kpi.refresh_busy_steps"
#: Seconds of a run after which it calls the second worker for the sources that are left.
SECONDS_ALONE = 5
#: Seconds that the scheduled refresh waits for a block of the second worker.
SHARED_WAIT = 300


class Written(int):
    """Number of cells that a refresh wrote.

    :ivar skipped: what was not computed, as texts: sources that another transaction computes, or
        the history that has to be read first
    """

    def __new__(cls, count=0, skipped=()):
        written = super().__new__(cls, count)
        written.skipped = list(skipped)
        return written


class Refresh:
    """Computes all values that are due, and stores them.

    Due is a KPI in a period whose records, settings or definition changed since it was last
    computed. Superuser: values are computed for all users and companies, nothing is returned to
    the user, and which values a user may read is decided by record rules.

    :param periods: only these; ``None``: all, and those that the calendar and the history of
        the records need
    :param kpis: only these (and the components of their formulas), also those that wait for a
        retry; ``None``: all published ones
    """

    def __init__(self, env, periods=None, kpis=None):
        self.env = env(su=True)
        self.periods = periods
        self.kpis = kpis

    def run(self):
        """Run all steps now.

        :return: :class:`Written`
        :raise UserError: another refresh is running, or a row is locked for too long
        """
        backfill = self.env["crm.kpi.backfill"]
        if backfill._is_pending():
            text = backfill._progress_text()
            _logger.warning("KPI refresh: not started, because the history is being read: %s", text)
            return Written(0, [text])
        claim_refresh(self.env)
        if self.kpis is not None:
            # superuser: the time of the next try is bookkeeping of the refresh
            self.kpis.sudo().filtered("next_try").write({"next_try": False})
        written, skipped = 0, []
        try:
            with limited_wait(self.env.cr):
                for step in self.steps():
                    written += run_step(step)
                    skipped += step.skipped
        except psycopg2.errors.LockNotAvailable as error:
            _logger.warning("KPI refresh: %s waited too long for a lock", step.name)
            raise UserError(
                self.env._(
                    "Records or values are locked by another transaction. Try again in a minute."
                )
            ) from error
        # a source is skipped once in each company
        return Written(written, dict.fromkeys(skipped))

    def steps(self):
        """Yield the steps in the order in which they must run."""
        now = fields.Datetime.now()
        yield DefinitionsStep(self.env, self.kpis)
        yield DeriveStep(self.env)
        yield CustomersStep(self.env)
        yield SegmentsStep(self.env)
        companies = self.env["res.company"].search([])
        if self.periods is not None:
            companies = self.periods.company_id
        for company in companies:
            in_company = company.with_env(self.env).with_company(company)
            yield from CompanyRefresh(in_company, self.periods, self.kpis, now).steps()
        if self.periods is None and self.kpis is None and self._has_due_checks():
            yield ChecksStep(self.env)

    def _has_due_checks(self):
        return bool(self.env["crm.kpi.check"].search_count([("due", "=", True)], limit=1))


class ScheduledSteps:
    """Runs steps and commits each of them, as long as the scheduled action may run.

    :attr kind: of the log, see ``crm.kpi.run``
    """

    kind = ""

    def __init__(self, env):
        # superuser: bookkeeping of the scheduled action, which runs as superuser
        self.env = env(su=True)
        self.cron = self.env["ir.cron"]
        self.log = RunLog(self.env, self.kind)

    def _run_whole(self, step):
        """Run a step block by block; whether it could be finished."""
        step.in_blocks = True
        self._run_step(step)
        while not step.is_finished:
            self._between_blocks(step)
            # a refresh that is killed loses the last block only
            if not self.cron._commit_progress():
                return False
            self._run_step(step)
        return True

    def _between_blocks(self, step):
        """Called before each further block of a long step."""

    def _run_step(self, step):
        step.is_finished = True  # unless it says otherwise; also when it fails
        step.skipped = ()
        with Turn(self.log, step) as turn:
            try:
                with limited_wait(self.env.cr):
                    turn.written = run_step(step)
            except psycopg2.OperationalError:
                _logger.warning(
                    "KPI refresh: %s is busy elsewhere, left to the next run", step.name
                )


class ScheduledRefresh(ScheduledSteps):
    """The scheduled refresh.

    The next run resumes at the step before which this one had to stop. If it started again from
    the beginning, it would never reach the last steps of a large database.
    """

    kind = "refresh"

    def __init__(self, env):
        super().__init__(env)
        self.parameters = self.env["ir.config_parameter"]
        self.begin = time.monotonic()
        self.has_help = False

    def run(self):
        if not self._read_history():
            self.log.begin(0)
            self.log.finish("history")
            return
        steps = list(Refresh(self.env).steps())
        names = [step.name for step in steps]
        resume_at = self.parameters.get_param(NEXT_STEP)
        # whose sources the second worker computes
        busy = [step for step in steps if step.name in self._saved_busy()]
        steps = steps[names.index(resume_at) if resume_at in names else 0 :]
        self.log.begin(len(steps))
        self.cron._commit_progress(remaining=len(steps))
        for index, step in enumerate(steps, start=1):
            while busy and not step.is_shared:
                self._wait_for(busy.pop(0))
            is_whole = self._run_whole(step)
            if is_whole:
                self.log.step_done(step)
            if step.is_shared:
                self._call_second()
                if step.skipped:
                    busy.append(step)
            if not is_whole or (not self.cron._commit_progress(1) and index < len(steps)):
                self._save(step if not is_whole else steps[index], busy)
                self.log.finish("stopped")
                return
        if resume_at:
            self._save(None)
        self.log.finish("done")
        # alerts judge values of a finished refresh only
        if alerts := self.env.ref("crm_kpi.ir_cron_alert", raise_if_not_found=False):
            alerts._trigger()

    def _saved_busy(self):
        return json.loads(self.parameters.get_param(BUSY_STEPS) or "[]")

    def _save(self, following, busy=()):
        """Note where the next run resumes."""
        names = [step.name for step in busy]
        self.parameters.set_param(NEXT_STEP, following and following.name)
        self.parameters.set_param(BUSY_STEPS, json.dumps(names) if names else False)

    def _read_history(self):
        """Continue the back-fill; whether values may be computed."""
        backfill = self.env["crm.kpi.backfill"]
        contended = False
        for _try in range(TRIES):
            try:
                backfill._continue(between=self._commit_set, contended=contended)
                return not backfill._is_pending()
            except TransactionRollbackError:
                # a user wrote a record of the set: it is not seen before a new transaction
                self.env.cr.rollback()
                contended = True
            except psycopg2.OperationalError:
                break
        _logger.info("KPI history: busy elsewhere, left to the next run")
        return False

    def _commit_set(self):
        return self.cron._commit_progress(1, remaining=1)

    def _between_blocks(self, step):
        if step.is_shared:
            self._call_second()

    def _call_second(self):
        """Call the second worker, once in a run, when there is work for two."""
        if not self.has_help and time.monotonic() - self.begin > SECONDS_ALONE:
            self.has_help = True
            if second := self.env.ref("crm_kpi.ir_cron_second", raise_if_not_found=False):
                second._trigger()

    def _wait_for(self, step):
        """Wait until the second worker has committed the sources of a step; compute the rest."""
        try:
            with limited_wait(self.env.cr, SHARED_WAIT):
                step.wait()
        except psycopg2.errors.LockNotAvailable:
            _logger.warning("KPI refresh: %s is busy elsewhere, left to the next run", step.name)
            return
        # what was committed meanwhile is seen by a new transaction only
        self.cron._commit_progress()
        self._run_whole(step)


class SecondWorker(ScheduledSteps):
    """A second scheduled action, which takes over sources of a long refresh.

    It begins with the last source. The row of a source is locked while its values are computed,
    so that none is computed twice at the same time.
    """

    kind = "second"

    def run(self):
        if self.env["crm.kpi.backfill"]._is_pending():
            return
        steps = [step for step in Refresh(self.env).steps() if step.is_shared]
        self.log.begin(len(steps))
        self.cron._commit_progress(remaining=len(steps))
        for step in reversed(steps):
            is_whole = self._run_whole(step)
            if is_whole:
                self.log.step_done(step)
            if not is_whole or not self.cron._commit_progress(1):
                self.log.finish("stopped")
                return
        self.log.finish("done")


def run_step(step):
    """Run a step; a failure is noted and does not stop the steps of other sources and companies.

    :return: number of cells written
    """
    with noted(step.env, step.name, step.title, step.company):
        if step.company is None:
            # the steps before those of companies fill tables that the later ones read
            update_statistics(step.env.cr)
        step.has_failed = False
        return step.run()
    step.has_failed = True
    return 0
