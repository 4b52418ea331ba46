# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from ..engine.periods import local_day
from ..refresh import aggregates
from ..refresh.refresh import NEXT_STEP, Refresh
from ..refresh.steps import Step
from .common import KpiCommon


class NotedStep(Step):
    """A step that only records its runs."""

    def __init__(self, name, done):
        self.name = name
        self.done = done

    def run(self):
        self.done.append(self.name)
        return 0


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

        def steps(_refresh):
            return [NotedStep(name, done) for name in "abc"]

        with (
            patch.object(Refresh, "steps", steps),
            patch.object(self.registry["ir.cron"], "_commit_progress", return_value=0),
        ):
            for _run in range(4):
                self.env["crm.kpi"]._cron_refresh()
        self.assertEqual(done, ["a", "b", "c", "a"])

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
        with patch.object(aggregates, "claim", lambda source: source != self.source):
            self.kpis._refresh(kpis=kpi)
        self.assertIsNone(self.value(kpi, self.period("month", "2026-01-10")))
        self.kpis._refresh(kpis=kpi)
        self.assertEqual(self.value(kpi, self.period("month", "2026-01-10")), 1)
