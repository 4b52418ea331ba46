# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Backlogs of the past: what happens to a ticket later does not change them."""

import random
from datetime import date, datetime, timedelta

from odoo.tests import tagged

from odoo.addons.crm_kpi.tests.common_interaction import dt
from odoo.addons.crm_kpi.tests.test_catalogue import CatalogueCase

from .common import TicketCommon

CODES = ("ticket_backlog", "tickets_waiting", "unassigned_tickets")


class BacklogCase(CatalogueCase, TicketCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.kpi_tz = "UTC"
        cls.env["helpdesk.ticket"].search([]).unlink()

    def _backlogs(self, *months):
        return [[self._read(code, month) for code in CODES] for month in months]

    def _rows(self, month):
        """``{user: backlog}``, without rows of zero."""
        period = self.env["crm.kpi.period"]._current(
            "month", self.company, date.fromisoformat(month)
        )
        cells = self.env["crm.kpi.value"].search(
            [
                ("kpi_id.code", "=", "ticket_backlog"),
                ("period_id", "=", period.id),
                ("level", "=", "user"),
                ("value", "!=", 0),
            ]
        )
        return {cell.user_id: cell.value for cell in cells}


@tagged("post_install", "-at_install")
class TestBacklog(BacklogCase):
    def test_reopened_ticket_leaves_earlier_backlogs(self):
        """Closed in January, re-opened in March: January and February stay at 0."""
        ticket = self._ticket("2026-01-10 09:00")
        self._move(ticket, "2026-01-20 09:00", stage_id=self.done.id)
        with self.at("2026-03-01 12:00"):
            self._refresh(*CODES)
            self.assertEqual(self._backlogs("2026-01-01", "2026-02-01"), [[0, 0, 0]] * 2)
        self._move(ticket, "2026-03-05 09:00", stage_id=self.progress.id)
        with self.at("2026-04-02 12:00"):
            self._refresh(*CODES)
            self.assertEqual(
                self._backlogs("2026-01-01", "2026-02-01", "2026-03-01"),
                [[0, 0, 0], [0, 0, 0], [1, 0, 0]],
            )
        self._move(ticket, "2026-04-10 09:00", stage_id=self.done.id)
        with self.at("2026-06-20 12:00"):
            self._refresh(*CODES)
            self.assertEqual(
                self._backlogs("2026-02-01", "2026-03-01", "2026-04-01"),
                [[0, 0, 0], [1, 0, 0], [0, 0, 0]],
            )
            self.assertFalse(self.env["crm.kpi.restatement"].search([("kpi_id.code", "in", CODES)]))

    def test_what_a_ticket_was_then(self):
        """Waiting, unassigned, archived and reassigned later: counted as they were."""
        nobody = self.env["res.users"]
        waited = self._ticket("2026-01-10 09:00")
        self._move(waited, "2026-01-15 09:00", stage_id=self.awaiting.id)
        self._move(waited, "2026-02-15 09:00", stage_id=self.done.id)
        late = self._ticket("2026-01-10 09:00", user_id=False)
        self._move(late, "2026-02-15 09:00", user_id=self.bob.id)
        spam = self._ticket("2026-01-10 09:00")
        self._move(spam, "2026-02-15 09:00", active=False)
        robot = self._ticket("2026-01-10 09:00", user_id=self.env.ref("base.user_root").id)
        self._move(robot, "2026-03-15 09:00", user_id=self.ann.id)
        with self.at("2026-04-02 12:00"):
            self._refresh(*CODES)
            self.assertEqual(
                self._backlogs("2026-01-01", "2026-02-01", "2026-03-01"),
                [[4, 1, 2], [2, 0, 1], [2, 0, 0]],
            )
            self.assertEqual(self._rows("2026-01-01"), {self.ann: 2, nobody: 2})
            self.assertEqual(self._rows("2026-02-01"), {self.bob: 1, nobody: 1})
            self.assertEqual(self._rows("2026-03-01"), {self.bob: 1, self.ann: 1})

    def test_records_behind_the_past(self):
        """The tickets of a past value are opened, not their states."""
        ticket = self._ticket("2026-01-10 09:00")
        self._move(ticket, "2026-02-10 09:00", stage_id=self.done.id)
        kpi = self.env["crm.kpi"]._by_code(["ticket_backlog"])
        with self.at("2026-03-02 12:00"):
            self._refresh("ticket_backlog")
            january = self.env["crm.kpi.period"]._current("month", self.company, date(2026, 1, 1))
            cell = {"level": "company", "team_id": False, "user_id": False, "segment_id": False}
            self.assertEqual(kpi.source_id._record_ids(kpi, january, cell), ticket.ids)
            reasons = kpi.source_id._reasons(kpi, january, cell, dt("2026-03-02 12:00"))
            self.assertEqual(reasons["included"].count, 1)

    def test_filter_without_history_has_no_past(self):
        """The priority of a ticket changes, and its history is not kept: no value."""
        kpi = (
            self.env["crm.kpi"]
            ._by_code(["ticket_backlog"])
            .copy(
                {"code": "test_urgent", "domain": "[('priority', '=', '3')]", "state": "published"}
            )
        )
        dated = kpi.copy(
            {"code": "test_old", "domain": "[('create_date', '<', '-30d')]", "state": "published"}
        )
        declared = kpi.copy({"code": "test_declared", "state": "published"})
        declared.source_id = declared.source_id.copy({"code": "test_declared"})
        declared.source_id.stable_fields = "priority"
        ticket = self._ticket("2026-01-10 09:00", priority="3")
        with self.at("2026-02-20 12:00"):
            self._refresh("test_urgent", "test_old", "test_declared")
            self.assertIsNone(self._read("test_urgent", "2026-01-01"))
            self.assertIsNone(self._read("test_old", "2026-01-01"))
            self.assertEqual(self._read("test_declared", "2026-01-01"), 1)
            self.assertEqual(self._read("test_urgent", "2026-02-01"), 1)
        self._move(ticket, "2026-03-01 09:00", priority="0")
        with self.at("2026-03-10 12:00"):
            self._refresh("test_urgent")
            self.assertEqual(self._read("test_urgent", "2026-02-01"), 1, "as it was counted")
            self.assertEqual(self._read("test_urgent", "2026-03-01"), 0)
        self.assertTrue(kpi._is_stock() and dated._is_stock())
        self.assertFalse(declared._is_stock())

    def test_corrected_closing(self):
        """A closing whose date is corrected leaves the backlog on that date."""
        earlier, later = (self._ticket("2026-01-10 09:00") for _n in range(2))
        for ticket in (earlier, later):
            self._move(ticket, "2026-01-25 09:00", stage_id=self.progress.id)
            self._move(ticket, "2026-02-10 09:00", stage_id=self.done.id)
        with self.at("2026-04-02 12:00"):
            correction = self.env["crm.kpi.correction"]
            correction._correct(earlier, {"date": dt("2026-01-20 09:00")}, "Closed by phone")
            correction._correct(later, {"date": dt("2026-03-10 09:00")}, "Closed by mistake")
            self._refresh(*CODES)
            self.assertEqual(
                self._backlogs("2026-01-01", "2026-02-01", "2026-03-01"),
                [[1, 0, 0], [1, 0, 0], [0, 0, 0]],
            )

    def test_deleted_stage(self):
        """A stage that is deleted does not open the tickets that were closed in it."""
        stage = self.env["helpdesk.ticket.stage"].create({"name": "Old", "closed": True})
        ticket = self._ticket("2026-01-10 09:00")
        self._move(ticket, "2026-01-20 09:00", stage_id=stage.id)
        self._move(ticket, "2026-03-05 09:00", stage_id=self.done.id)
        stage.unlink()
        with self.at("2026-04-02 12:00"):
            self._refresh("ticket_backlog")
            self.assertEqual(self._read("ticket_backlog", "2026-01-01"), 0)


@tagged("post_install", "-at_install")
class TestRandomBacklogs(BacklogCase):
    """Lived through and filled in from the tracking, compared with a list of states."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context=dict(cls.env.context, tracking_disable=False, mail_notrack=False))

    def _move(self, ticket, when, **vals):
        with self.at(when):
            ticket.with_env(self.env).write(vals)
            self.env.cr.flush()  # tracking values are written before the commit

    def _ticket(self, created, by=None, **vals):
        ticket = super()._ticket(created, by, **vals)
        with self.at(created):
            self.env.cr.flush()
        return ticket

    def test_random_histories(self):
        rng = random.Random(11)
        stages = [self.new, self.progress, self.awaiting, self.done, self.cancelled]
        users = [self.ann, self.bob, self.env["res.users"]]
        histories = []
        for _n in range(40):
            at = datetime(2026, 1, 1) + timedelta(hours=rng.randrange(0, 3000))
            stage, user = rng.choice(stages), rng.choice(users)
            ticket = self._ticket(f"{at}", stage_id=stage.id, user_id=user.id)
            states = [(at, stage, user)]
            for _m in range(rng.randrange(6)):
                at += timedelta(hours=rng.randrange(1, 900))
                stage = rng.choice([s for s in stages if s != stage])
                if rng.random() < 0.5:
                    user = rng.choice(users)
                self._move(ticket, f"{at}", stage_id=stage.id, user_id=user.id)
                states.append((at, stage, user))
            histories.append((ticket, states))
        with self.at("2026-11-10 12:00"):
            for filled in (False, True):
                if filled:
                    self.env["crm.kpi.value"].search([]).unlink()
                    self.env["crm.kpi.computation"].search([]).unlink()
                    backfill = self.env["crm.kpi.backfill"]
                    backfill._forget(self.env["helpdesk.ticket"].search([]))
                    self.assertFalse(self.env["crm.kpi.ticket.state"].search([]))
                    backfill._run()
                    self.env["helpdesk.ticket"]._kpi_mark_all_dirty()
                self._refresh(*CODES)
                for month in range(1, 11):
                    self._compare(histories, month, filled)

    def _compare(self, histories, month, filled):
        end = datetime(2026, month + 1, 1)
        backlog, waiting, by_user = 0, 0, {}
        for _ticket, states in histories:
            before = [state for state in states if state[0] < end]
            if not before or before[-1][1] in (self.done, self.cancelled):
                continue
            _at, stage, user = before[-1]
            backlog += 1
            waiting += stage == self.awaiting
            by_user[user] = by_user.get(user, 0) + 1
        unassigned = by_user.get(self.env["res.users"], 0)
        day = f"2026-{month:02}-01"
        self.assertEqual(self._backlogs(day), [[backlog, waiting, unassigned]], (day, filled))
        self.assertEqual(self._rows(day), by_user, (day, filled))

    def test_history_without_tracking(self):
        """Imported as closed: open until the closing date of the help desk."""
        ticket = self._ticket("2026-01-10 09:00", stage_id=self.done.id)
        self._dates(ticket, closed_date=dt("2026-02-10 09:00"))
        with self.at("2026-03-10 12:00"):
            self.env["crm.kpi.backfill"]._forget(ticket)
            self.env["crm.kpi.backfill"]._run()
            self._refresh("ticket_backlog")
            self.assertEqual(self._read("ticket_backlog", "2026-01-01"), 1)
            self.assertEqual(self._read("ticket_backlog", "2026-02-01"), 0)

    def test_fill_again_keeps_what_was_lived_through(self):
        ticket = self._ticket("2026-01-10 09:00")
        self._move(ticket, "2026-01-20 09:00", stage_id=self.done.id, active=False)
        self._move(ticket, "2026-03-05 09:00", stage_id=self.progress.id, active=True)

        def states():
            rows = self.env["crm.kpi.ticket.state"].with_context(active_test=False)
            return rows.search([("ticket_id", "=", ticket.id)]).mapped(
                lambda row: (row.date_from, row.date_to, row.stage_id, row.active)
            )

        lived = states()
        self.assertEqual(len(lived), 3)
        self.env["crm.kpi.backfill"]._run()
        self.env.invalidate_all()
        self.assertEqual(states(), lived)
