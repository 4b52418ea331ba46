# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import os
import socket
import threading
import time
from contextlib import suppress
from unittest.mock import patch

import psycopg2

from odoo import fields, sql_db
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from ..engine.periods import local_day
from ..refresh import aggregates, claim, refresh, steps
from ..refresh.refresh import NEXT_STEP, Refresh
from ..refresh.steps import CompanyRefresh, SourceStep, Step
from .common import KpiCommon


class NotedStep(Step):
    """A step that only records its runs."""

    def __init__(self, env, name, done):
        super().__init__(env)
        self.name = name
        self.done = done

    def run(self):
        self.done.append(self.name)
        return 0


class LongStep(NotedStep):
    """A step that is finished after three runs."""

    def run(self):
        written = super().run()
        self.is_finished = len(self.done) % 3 == 0
        return written


@tagged("post_install", "-at_install")
class TestCron(KpiCommon):
    def _run(self):
        """Run the action until it needs no further run, as the scheduler does."""
        self.env.flush_all()
        for _turn in range(100):
            with self.enter_registry_test_mode():
                self.env.ref("crm_kpi.ir_cron_refresh").method_direct_trigger()
            self.env.invalidate_all()
            if not self.env["ir.config_parameter"].get_param(NEXT_STEP):
                break

    def test_continues_where_it_stopped(self):
        """When time is short, each run does one step, and no step is left out."""
        done = []

        def three_steps(run):
            return [NotedStep(run.env, name, done) for name in "abc"]

        with (
            patch.object(Refresh, "steps", three_steps),
            patch.object(self.registry["ir.cron"], "_commit_progress", return_value=0),
        ):
            for _run in range(4):
                self.env["crm.kpi"]._cron_refresh()
        self.assertEqual(done, ["a", "b", "c", "a"])

    def test_a_long_step_is_committed_in_blocks(self):
        """A source is computed some periods at a time: what is killed then is the last block."""
        kpi = self.make_kpi("leads")
        for day in ("2026-01-10", "2026-02-10", "2026-03-10", "2026-03-11"):
            self.make_lead(f"{day} 12:00:00")
        company = self.company.with_env(self.env(su=True))
        run = CompanyRefresh(company, None, kpi, fields.Datetime.now())
        next(run.steps()).run()
        step = SourceStep(run, self.source)
        step.in_blocks = True
        months = [self.period("month", f"2026-{month}-10") for month in ("03", "02", "01")]
        done = []
        with patch.object(steps, "BLOCK_RECORDS", 2):
            for _block in range(50):
                step.run()
                done.append([self.value(kpi, month) for month in months])
                if step.is_finished:
                    break
        self.assertTrue(step.is_finished)
        self.assertEqual(done[-1], [2, 1, 1])
        # the latest periods come first
        self.assertIn([2, None, None], done)
        self.assertGreater(len(done), 2)
        # nothing is left for a run of all at once
        self.assertEqual(SourceStep(run, self.source).run(), 0)

    def test_an_unfinished_step_is_continued(self):
        """In the same run after a commit, or in the next run when the time is over."""
        done = []

        def two_steps(run):
            return [LongStep(run.env, "long", done), NotedStep(run.env, "last", done)]

        cron = self.registry["ir.cron"]
        with patch.object(Refresh, "steps", two_steps):
            with patch.object(cron, "_commit_progress", return_value=9) as commit:
                self.env["crm.kpi"]._cron_refresh()
            self.assertEqual(done, ["long", "long", "long", "last"])
            self.assertEqual(commit.call_count, 5)
            done.clear()
            with patch.object(cron, "_commit_progress", return_value=0):
                self.env["crm.kpi"]._cron_refresh()
                self.assertEqual(done, ["long"])
                for _run in range(3):
                    self.env["crm.kpi"]._cron_refresh()
        self.assertEqual(done, ["long", "long", "long", "last"])

    def test_a_long_refresh_calls_the_second_worker(self):
        """Once in a run, and only for steps that it may do."""
        second = self.env.ref("crm_kpi.ir_cron_second")
        triggers = self.env["ir.cron.trigger"]

        def steps_of(*shared):
            def steps(run):
                steps = [LongStep(run.env, name, []) for name in "abc"]
                for step in steps:
                    step.is_shared = step.name in shared
                return steps

            return steps

        for shared, seconds, calls in (("bc", 5, 0), ("", -1, 0), ("bc", -1, 1)):
            triggers.search([("cron_id", "=", second.id)]).unlink()
            with (
                patch.object(Refresh, "steps", steps_of(*shared)),
                patch.object(refresh, "SECONDS_ALONE", seconds),
                patch.object(self.registry["ir.cron"], "_commit_progress", return_value=9),
            ):
                self.env["crm.kpi"]._cron_refresh()
            self.assertEqual(triggers.search_count([("cron_id", "=", second.id)]), calls)

    def test_second_worker(self):
        """It computes the sources from the last one, and nothing else."""
        kpi = self.make_kpi("leads")
        double = self.make_kpi("double", kind="formula", formula="test_leads * 2")
        self.make_lead("2026-01-10 12:00:00")
        self.kpis.with_company(self.company)._refresh_periods(fields.Datetime.now())
        done = []
        run = SourceStep._run

        def noted(step):
            done.append(step.source.id)
            return run(step)

        self.env.flush_all()
        with patch.object(SourceStep, "_run", noted), self.enter_registry_test_mode():
            self.env.ref("crm_kpi.ir_cron_second").method_direct_trigger()
        self.env.invalidate_all()
        january = self.period("month", "2026-01-10")
        self.assertEqual(self.value(kpi, january), 1)
        self.assertIsNone(self.value(double, january))
        first = done[: len(set(done))]  # of the first company
        self.assertEqual(first, self.env["crm.kpi.source"].browse(first).sorted().ids[::-1])
        self.assertIn(self.source.id, first)

    def test_scheduled_refresh_does_all(self):
        kpi = self.make_kpi("leads")
        double = self.make_kpi("double", kind="formula", formula="test_leads * 2")
        self.make_lead("2026-01-10 12:00:00")
        self._run()
        january = self.period("month", "2026-01-10")
        self.assertEqual(self.value(kpi, january), 1)
        self.assertEqual(self.value(double, january), 2)
        self.assertTrue(kpi.last_refresh)

    def test_failing_step_does_not_stop_the_others(self):
        """A broken derivation is noted on the KPIs that depend on it; the others are computed."""
        kpi = self.make_kpi("leads")
        self.make_lead("2026-01-10 12:00:00")
        broken = self.registry["sale.order"]
        logger = "odoo.addons.crm_kpi.refresh"
        with (
            patch.object(broken, "_kpi_derive", side_effect=ValueError("broken")),
            self.assertLogs(logger, "WARNING"),
        ):
            self._run()
        self.assertEqual(self.value(kpi, self.period("month", "2026-01-10")), 1)
        revenue = self.env["crm.kpi"]._by_code(["revenue_ordered"])
        self.assertIn("broken", revenue.last_error)
        self.assertFalse(kpi.last_error)
        with (
            patch.object(
                self.registry["crm.kpi.segment.set"], "_update_members", side_effect=RuntimeError
            ),
            self.assertLogs(logger, "ERROR"),
        ):
            now = fields.Datetime.now()
            self.make_lead(now)
            self._run()
        today = local_day(now, "Europe/Brussels")
        self.assertEqual(self.value(kpi, self.period("day", today)), 1)

    def test_source_claimed_by_another_run_is_skipped(self):
        kpi = self.make_kpi("leads")
        self.make_lead("2026-01-10 12:00:00")
        self.env.flush_all()
        logger = "odoo.addons.crm_kpi.refresh.steps"
        with (
            patch.object(aggregates, "claim", lambda source: source != self.source),
            self.assertLogs(logger, "WARNING") as logs,
        ):
            written = self.kpis._refresh(kpis=kpi)
        self.assertEqual((written, written.skipped), (0, [self.source.name]))
        self.assertIn(self.source.name, logs.output[0])
        self.assertIsNone(self.value(kpi, self.period("month", "2026-01-10")))
        self.kpis._refresh(kpis=kpi)
        self.assertEqual(self.value(kpi, self.period("month", "2026-01-10")), 1)

    # --- TWO AT A TIME: the other one is a second connection to the database ---

    def _other(self):
        cr = sql_db.db_connect(self.env.cr.dbname).cursor()
        self.addCleanup(cr.close)
        # a test that waits for it fails instead of hanging
        self.env.cr.execute("SET LOCAL lock_timeout = '20s'")
        return cr

    def _begin_scheduled(self, other):
        """What the scheduler holds while the action runs."""
        other.execute(
            SQL(
                "SELECT 1 FROM ir_cron WHERE id = %s FOR NO KEY UPDATE",
                self.env.ref("crm_kpi.ir_cron_refresh").id,
            )
        )

    def test_manual_refresh_beside_the_scheduled_one(self):
        kpi = self.make_kpi("leads")
        self.make_lead("2026-01-10 12:00:00")
        cron = self.env.ref("crm_kpi.ir_cron_refresh")
        other = self._other()
        self._begin_scheduled(other)
        self.env.user.tz = "Europe/Brussels"
        run = self.env["ir.cron.progress"].create({"cron_id": cron.id})
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ir_cron_progress SET create_date = '2099-03-01 06:05' WHERE id = %s", [run.id]
        )
        self.env.invalidate_all()
        with (
            patch.object(claim, "CLAIM_WAIT", 0.2),
            self.assertLogs(claim.__name__, "WARNING"),
            self.assertRaisesRegex(UserError, "running since 3/1/99, 7:05"),
        ):
            kpi.action_refresh()
        other.rollback()
        kpi.action_refresh()
        self.assertEqual(self.value(kpi, self.period("month", "2026-01-10")), 1)

    def test_two_manual_refreshes(self):
        """The second user waits; when it takes too long, the message says why."""
        kpi = self.make_kpi("leads")
        other = self._other()
        self._begin_scheduled(other)
        self.env["ir.cron.progress"].search([]).unlink()
        with (
            patch.object(claim, "CLAIM_WAIT", 0.2),
            self.assertLogs(claim.__name__, "WARNING"),
            self.assertRaisesRegex(UserError, "Another refresh is running"),
        ):
            kpi.action_refresh()
        begin = threading.Timer(0.5, other.rollback)
        begin.start()
        self.addCleanup(begin.join)
        self.make_lead("2026-01-10 12:00:00")
        kpi.action_refresh()  # waits for half a second
        self.assertEqual(self.value(kpi, self.period("month", "2026-01-10")), 1)

    def test_definition_change_beside_a_refresh(self):
        """The dialog says that a refresh is running; the change is made when it has ended."""
        kpi = self.env.ref("crm_kpi.crm_kpi_new_leads")
        before = (kpi.domain, kpi.version)
        self.make_lead("2026-01-10 12:00:00")
        self.kpis.with_company(self.company)._refresh_periods(fields.Datetime.now())
        january = self.period("month", "2026-01-10")
        # without a refresh, which would hold what the other one needs
        self.env["crm.kpi.value"].sudo().create(
            {
                "kpi_id": kpi.id,
                "period_id": january.id,
                "level": "company",
                "value": 1,
                "company_id": self.company.id,
            }
        )
        changes = {"domain": "[('expected_revenue', '>', 5)]"}
        wizards = self.env["crm.kpi.definition.change"]
        wizard = wizards.browse(wizards.propose("crm.kpi", kpi.id, changes)["res_id"])
        self.env["ir.cron.progress"].search([]).unlink()
        other = self._other()
        for applies_to in ("open", "history"):
            wizard.applies_to = applies_to
            self._begin_scheduled(other)
            # the other refresh has written this KPI, and has not committed yet
            other.execute(SQL("SELECT 1 FROM crm_kpi WHERE id = %s FOR NO KEY UPDATE", kpi.id))
            with (
                patch.object(claim, "CLAIM_WAIT", 0.2),
                self.assertLogs(claim.__name__, "WARNING"),
                self.assertRaisesRegex(UserError, "Another refresh is running"),
            ):
                wizard.action_apply()
            self.assertEqual((kpi.domain, kpi.version), before)
            self.assertEqual(wizard.changes, changes)
            if applies_to == "open":
                with (
                    patch.object(claim, "CLAIM_WAIT", 0.2),
                    self.assertLogs(claim.__name__, "WARNING"),
                    self.assertRaisesRegex(UserError, "Another refresh is running"),
                ):
                    kpi.action_recompute_history()
                other.rollback()
        # the same dialog again, which waits for the end of the other refresh
        begin = threading.Timer(0.5, other.rollback)
        begin.start()
        self.addCleanup(begin.join)
        self.assertTrue(wizard.action_apply()["infos"]["applied"])
        self.assertEqual((kpi.domain, kpi.version), (changes["domain"], before[1] + 1))
        self.assertEqual(self.value(kpi, january), 0)

    def test_sources_of_the_second_worker_are_waited_for(self):
        """Formulas are computed after the sources that the second worker has taken over."""
        kpi = self.make_kpi("leads")
        double = self.make_kpi("double", kind="formula", formula="test_leads * 2")
        self.make_lead("2026-01-10 12:00:00")
        other = self._other()
        # of a source that is committed: the other connection does not see that of the test
        kpi.source_id = self.env.ref("crm_kpi.crm_kpi_source_lead_created")
        self.env.flush_all()
        lock = SQL("SELECT 1 FROM crm_kpi_source WHERE id = %s FOR NO KEY UPDATE", kpi.source_id.id)
        january = self.period("month", "2026-01-10")
        wait = steps.SharedStep.wait

        def wait_and_release(step):
            release = threading.Timer(0.5, other.rollback)
            release.start()
            self.addCleanup(release.join)
            wait(step)

        for waiting, expected in ((wait, (None, None)), (wait_and_release, (1, 2))):
            other.execute(lock)
            with (
                patch.object(refresh, "SHARED_WAIT", 0.2 if waiting is wait else 20),
                patch.object(steps.SharedStep, "wait", waiting),
                self.assertLogs("odoo.addons.crm_kpi.refresh", "WARNING") as logs,
            ):
                self._run()
            self.assertIn("busy elsewhere", str(logs.output))
            values = self.value(kpi, january), self.value(double, january)
            self.assertEqual(values, expected)
            other.rollback()

    def test_wait_for_a_locked_row_is_limited(self):
        """A transaction that holds a row of the refresh does not stop it without a word."""
        kpi = self.env.ref("crm_kpi.crm_kpi_new_leads")
        other = self._other()
        other.execute(SQL("LOCK TABLE crm_kpi_computation IN ACCESS EXCLUSIVE MODE"))
        with (
            patch.object(refresh, "limited_wait", lambda cr: claim.limited_wait(cr, 0.2)),
            self.assertLogs(refresh.__name__, "WARNING"),
            self.assertRaisesRegex(UserError, "locked by another transaction"),
        ):
            self.env["crm.kpi"]._refresh(kpis=kpi)
        # the scheduled refresh leaves the step to its next run
        with (
            patch.object(refresh, "limited_wait", lambda cr: claim.limited_wait(cr, 0.2)),
            self.assertLogs(refresh.__name__, "WARNING") as logs,
        ):
            self._run()
        self.assertIn("left to the next run", str(logs.output))
        [[timeout]] = self.env.execute_query(SQL("SHOW lock_timeout"))
        self.assertEqual(timeout, "0", "other statements of the transaction wait as before")

    def test_a_statement_ends_with_its_client(self):
        """A killed refresh does not leave a statement that runs on and holds its locks."""
        other = self._other()
        is_ended = False
        with (
            mute_logger("odoo.sql_db"),
            suppress(psycopg2.Error),  # of the lost connection
            patch.object(claim, "CLIENT_CHECK", 1),
            claim.limited_wait(other),
        ):
            other.execute("SELECT pg_backend_pid()")
            [[process]] = other.fetchall()
            sent = threading.Thread(target=self._sleep, args=(other,))
            sent.start()
            state = SQL("SELECT state FROM pg_stat_activity WHERE pid = %s", process)
            self._wait_until(lambda: self._activity(state) == [("active",)])
            with socket.socket(fileno=os.dup(other.connection.fileno())) as connection:
                connection.shutdown(socket.SHUT_RDWR)
            sent.join()
            self._wait_until(lambda: not self._activity(state))
            is_ended = True
        self.assertTrue(is_ended)

    def test_a_refresh_has_the_setting(self):
        seen = []

        class AskingStep(NotedStep):
            def run(self):
                self.env.cr.execute("SHOW client_connection_check_interval")
                seen.extend(self.env.cr.fetchone())
                return 0

        with patch.object(Refresh, "steps", lambda run: [AskingStep(run.env, "a", [])]):
            self.env["crm.kpi"]._refresh()
            self._run()
        self.assertEqual(seen, ["10s", "10s"])

    def _sleep(self, cr):
        with suppress(psycopg2.Error):
            cr.execute("SELECT pg_sleep(30)", log_exceptions=False)

    def _activity(self, query):
        # the statistics of a transaction are those of its first look
        self.env.cr.execute("SELECT pg_stat_clear_snapshot()")
        return self.env.execute_query(query)

    def _wait_until(self, condition):
        deadline = time.monotonic() + 15
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)

    def test_busy_segment_sets_are_named(self):
        segment_set = self.env.ref("crm_kpi.segment_set_country")
        other = self._other()
        other.execute(
            SQL("SELECT 1 FROM crm_kpi_segment_set WHERE id = %s FOR UPDATE", segment_set.id)
        )
        kpi = self.make_kpi("leads")
        with self.assertLogs("odoo.addons.crm_kpi.refresh.steps", "WARNING"):
            action = kpi.action_refresh()
        self.assertIn(segment_set.name, action["params"]["message"])
        other.rollback()
        self.assertFalse(kpi.action_refresh())
