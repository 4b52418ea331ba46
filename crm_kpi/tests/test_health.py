# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The page *Health* and the log of the scheduled refresh."""

from types import SimpleNamespace
from unittest.mock import patch

from odoo import sql_db
from odoo.exceptions import AccessError, UserError
from odoo.tests import freeze_time, tagged
from odoo.tools import SQL

from ..refresh import run_log
from ..refresh.refresh import NEXT_STEP, SecondWorker
from . import test_faults
from .common import KpiCommon


@tagged("post_install", "-at_install")
class TestHealth(test_faults.FaultCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.runs = cls.env["crm.kpi.run"]
        cls.runs.search([]).unlink()
        cls.cron = cls.env.ref("crm_kpi.ir_cron_refresh")

    def page(self, user=None):
        health = self.env["crm.kpi.health"].with_user(user or self.ada)
        return health.with_company(self.company).get_health()

    def refresh_until(self, remaining):
        """A scheduled refresh whose time is over after the first commit with ``remaining`` 0."""
        with patch.object(
            self.registry["ir.cron"], "_commit_progress", side_effect=remaining
        ) as commit:
            self.env["crm.kpi"]._cron_refresh()
        self.env.invalidate_all()
        return commit

    def test_a_run_is_logged(self):
        self.make_lead("2026-04-14 11:00:00")
        with patch.object(run_log, "KEPT", 1000):
            self.refresh_scheduled()
        [run] = self.runs.search([])
        self.assertEqual((run.kind, run.state, run.failed_count), ("refresh", "done", 0))
        self.assertEqual(run.done_count, run.step_count)
        self.assertGreater(run.step_count, 5)
        values = self.env["crm.kpi.computation"].search([])
        # each KPI in each period that had this lead, and what is new because time went on
        self.assertGreater(run.computed_count, 0)
        self.assertLessEqual(run.computed_count, len(values))
        self.assertGreater(run.written_count, 0)
        [source] = [
            step
            for step in run.steps
            if (step["title"], step["company_id"]) == ("Test leads", self.company.id)
        ]
        self.assertGreater(source["written"], 0)
        self.assertGreater(source["computed"], 0)
        self.assertEqual(
            run.written_count,
            sum(step["written"] for step in run.steps if not step["part_of"]),
        )
        # nothing is due: a run that writes nothing
        self.refresh_scheduled()
        second = self.runs.search([], limit=1)
        self.assertNotEqual(second, run)
        self.assertEqual((second.computed_count, second.written_count), (0, 0))

    def test_one_insert_and_one_update(self):
        """However many steps there are, the log writes its row twice."""
        statements = []
        execute = sql_db.Cursor.execute

        def noted(cr, query, *args, **kwargs):
            text = query.code if isinstance(query, SQL) else str(query)
            if "crm_kpi_run" in text and text.lstrip().upper().startswith(("INSERT", "UPDATE")):
                statements.append(text.split()[0].upper())
            return execute(cr, query, *args, **kwargs)

        with patch.object(sql_db.Cursor, "execute", noted):
            self.refresh_scheduled()
        self.assertEqual(statements, ["INSERT", "UPDATE"])

    def test_a_run_without_time_is_continued(self):
        self.refresh_until([9, 0] + [9] * 500)
        [first] = self.runs.search([])
        self.assertEqual((first.state, first.done_count), ("stopped", 1))
        self.refresh_scheduled()
        second = self.runs.search([], limit=1)
        self.assertEqual(second.state, "done")
        self.assertEqual(second.step_count, first.step_count - 1)
        self.assertFalse(self.env["ir.config_parameter"].get_param(NEXT_STEP))

    def test_a_killed_run(self):
        """A run that did not end was killed: the next one says so, and the page before it."""
        killed = self.runs.create({"kind": "refresh", "date": "2026-04-15 05:00:00"})
        [shown] = self.page()["runs"]
        self.assertEqual((shown["state"], shown["seconds"]), ("killed", ""))
        self.refresh_scheduled()
        self.assertEqual(killed.state, "killed")

    def test_failures(self):
        self.spoil(self.victim, domain="[('nowhere', '=', 1)]")
        self.make_lead("2026-04-14 11:00:00")
        with self.assertLogs(test_faults.LOGGER, "WARNING"):
            self.refresh_scheduled()
        page = self.page()
        self.assertEqual(page["failure_count"], 2)  # and the formula over it
        [failure] = [one for one in page["failures"] if one["name"] == "Victim"]
        self.assertEqual(
            (failure["kind"], failure["model"], failure["res_id"]),
            ("KPI", "crm.kpi", self.victim.id),
        )
        self.assertIn("nowhere", failure["error"])
        self.assertTrue(failure["since"] and failure["next_try"])
        step = self.registry["crm.kpi.goal"]
        with (
            patch.object(step, "_refresh", side_effect=RuntimeError("broken")),
            self.assertLogs(test_faults.LOGGER, "ERROR"),
        ):
            self.refresh_scheduled()
        run = self.runs.search([], limit=1)
        companies = self.env["res.company"].search_count([])
        self.assertEqual(run.failed_count, companies)
        failed = [step["title"] for step in run.steps if step["failed"]]
        self.assertEqual(failed, ["Goals"] * companies)

    def test_a_line_on_boards_of_administrators(self):
        self.env["res.users"].search([]).kpi_choice_answered = True
        boards = self.boards.with_company(self.company)

        def keys(user):
            lines = boards.with_user(user).get_attention(self.board.id, {})
            return [line["key"] for line in lines if line["key"] == "failures"]

        self.assertEqual(keys(self.ada), [])
        self.spoil(self.victim, last_error="broken", failed_since="2026-04-10 05:00:00")
        self.assertEqual([keys(self.ada), keys(self.mia), keys(self.ann)], [["failures"], [], []])
        [line] = [
            line
            for line in boards.with_user(self.ada).get_attention(self.board.id, {})
            if line["key"] == "failures"
        ]
        self.assertEqual(line["text"], "2 KPIs or parts of the refresh fail")
        self.assertEqual(line["detail"], "the oldest since Apr 10, 2026")
        action = boards.with_user(self.ada).open_attention(self.board.id, "failures", {})
        self.assertEqual(action["tag"], "crm_kpi.health")
        with self.assertRaises(UserError):
            boards.with_user(self.mia).open_attention(self.board.id, "failures", {})

    def test_what_waits(self):
        self.refresh_scheduled()
        self.env["crm.kpi.dirty"].search([]).unlink()
        new = self.make_kpi("new")
        before = self.page()
        self.assertEqual(before["queues"], [])
        self.assertEqual(before["waiting"], 1)
        self.env["crm.kpi.dirty"]._push("crm.lead", self.env["crm.lead"].search([], limit=3).ids)
        self.env["crm.kpi.dirty"]._write_marks()
        page = self.page()
        queues = {queue["name"]: queue["count"] for queue in page["queues"]}
        self.assertEqual(queues[self.env["crm.lead"]._description], 3)
        self.assertEqual(page["published"], before["published"])
        self.refresh_scheduled()
        page = self.page()
        self.assertEqual((page["queues"], page["waiting"]), ([], 0))
        self.assertTrue(new.last_refresh)
        self.assertRegex(page["as_of"], "4/15/26")
        part = self.env["crm.kpi.backfill"].create({"name": "orders", "done": 1, "total": 4})
        self.assertEqual(self.page()["history"], "1 of 4 orders")
        part.unlink()

    def test_while_the_history_is_read(self):
        backfill = self.registry["crm.kpi.backfill"]
        with (
            patch.object(backfill, "_continue", return_value=False),
            patch.object(backfill, "_is_pending", return_value=True),
        ):
            self.refresh_scheduled()
            SecondWorker(self.env).run()
        self.assertEqual(self.runs.search([]).mapped("state"), ["history"])

    def test_warnings_about_data(self):
        health = self.env["crm.kpi.health"].with_user(self.ada).with_company(self.company)
        self.env["res.company"].create({"name": "Another"})
        copied = self.source.copy({"name": "Copied leads", "code": "copied_leads"})
        self.make_kpi("copied", source_id=copied.id)
        lead = self.make_lead("2026-04-14 11:00:00")
        self.backdate(lead, company_id=None, user_id=None, team_id=None)
        [text] = [text for text in health.get_warnings() if "without a company: " in text]
        self.assertRegex(text, "[0-9]+ in “Test leads”")
        self.assertRegex(text, "[0-9]+ in “Copied leads”")

    def test_parts_of_other_companies(self):
        other = self.env["res.company"].create({"name": "Secret company"})
        step = {"part_of": "", "computed": 1, "written": 1, "failed": False, "busy": False}
        self.runs.create(
            {
                "kind": "refresh",
                "date": "2026-04-15 05:00:00",
                "state": "done",
                "steps": [
                    {**step, "title": title, "company_id": company, "seconds": 1}
                    for title, company in (
                        ("All", None), ("Own", self.company.id), ("Theirs", other.id)
                    )
                ],
            }
        )  # fmt: skip
        [run] = self.page()["runs"]
        self.assertEqual(
            [(part["title"], part["company"]) for part in run["parts"]],
            [("All", ""), ("Own", self.company.name)],
        )

    def test_rights(self):
        for user in (self.mia, self.ann):
            health = self.env["crm.kpi.health"].with_user(user)
            for method in ("get_health", "get_warnings", "refresh_now"):
                with self.assertRaises(AccessError):
                    getattr(health, method)()
            with self.assertRaises(AccessError):
                self.runs.with_user(user).search([])

    def test_refresh_now(self):
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", self.cron.id)])
        triggers.unlink()
        health = self.env["crm.kpi.health"].with_user(self.ada)
        self.cron.active = False
        with self.assertRaisesRegex(UserError, "switched off"):
            health.refresh_now()
        self.cron.active = True
        health.refresh_now()
        self.assertTrue(self.env["ir.cron.trigger"].search_count([("cron_id", "=", self.cron.id)]))

    def test_messages_to_administrators(self):
        """At the begin, every few seconds, and at the end; only KPI administrators listen."""
        sent = []

        def noted(_bus, channel, kind, message):
            if kind == "crm_kpi/run":
                sent.append((channel, message))

        with (
            patch.object(self.registry["bus.bus"], "_sendone", noted),
            patch.object(run_log, "MESSAGE_EVERY", -1),
        ):
            self.refresh_scheduled()
        group = self.env.ref("crm_kpi.group_kpi_admin")
        self.assertEqual({channel for channel, _message in sent}, {(group, "crm_kpi")})
        messages = [message for _channel, message in sent]
        self.assertEqual([messages[0]["state"], messages[-1]["state"]], ["running", "done"])
        due = messages[0]["due"]
        self.assertEqual([message["done"] for message in messages], [*range(due + 1), due])
        for user, listens in ((self.ada, True), (self.mia, False), (self.ann, False)):
            session = SimpleNamespace(session=SimpleNamespace(uid=user.id))
            with patch("odoo.addons.bus.models.ir_websocket.request", session):
                channels = self.env["ir.websocket"].with_user(user)._build_bus_channel_list([])
            channels = [channel for channel in channels if isinstance(channel, tuple)]
            self.assertEqual((group, "crm_kpi") in channels, listens, user.name)

    def test_old_runs_are_deleted(self):
        old, new = self.runs.create(
            [
                {"kind": "refresh", "date": date, "state": "done"}
                for date in ("2026-03-10 05:00:00", "2026-04-10 05:00:00")
            ]
        )
        with freeze_time("2026-04-15 06:00:00"):
            self.runs._gc_runs()
        self.assertFalse(old.exists())
        self.assertTrue(new.exists())


@tagged("post_install", "-at_install")
class TestWhileItRuns(KpiCommon):
    """Without a refresh in the test, which would hold the row of the action, too."""

    def test_while_it_runs(self):
        cron = self.env.ref("crm_kpi.ir_cron_refresh")
        self.env["crm.kpi.run"].create(
            {"kind": "refresh", "date": "2026-04-15 05:00:00", "step_count": 4}
        )
        progress = {"cron_id": cron.id, "done": 1, "remaining": 3}
        self.env["ir.cron.progress"].create(progress)
        # the scheduler holds the row of the action
        other = sql_db.db_connect(self.env.cr.dbname).cursor()
        self.addCleanup(other.close)
        other.execute("SET LOCAL lock_timeout = '20s'")
        other.execute(SQL("SELECT 1 FROM ir_cron WHERE id = %s FOR NO KEY UPDATE", cron.id))
        page = self.env["crm.kpi.health"].get_health()
        self.assertEqual((page["is_running"], page["progress"]), (True, 0.25))
        self.assertEqual(page["runs"][0]["state"], "running")
        other.rollback()
        # the page itself does not keep the scheduler from running
        self.assertFalse(self.env["crm.kpi.health"].get_health()["is_running"])
        other.execute(
            SQL("SELECT 1 FROM ir_cron WHERE id = %s FOR NO KEY UPDATE SKIP LOCKED", cron.id)
        )
        self.assertTrue(other.rowcount)
