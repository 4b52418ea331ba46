# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import random
from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.crm_kpi.models.derived import crm_kpi_fact_mixin
from odoo.addons.crm_kpi.refresh import backfill
from odoo.addons.crm_kpi.tests.common_interaction import dt

from .common import TicketCommon

STAMPS = [
    "kpi_first_closed_date",
    "kpi_first_closed_user_id",
    "kpi_first_closed_team_id",
    "kpi_last_closed_date",
    "kpi_closed_user_id",
    "kpi_closed_team_id",
    "kpi_first_resolved_date",
    "kpi_first_resolved_user_id",
    "kpi_reopen_count",
    "kpi_first_reopen_date",
    "kpi_user_changes",
    "kpi_waiting_since",
    "kpi_waiting_hours",
]
DERIVED = [
    "kpi_origin",
    "kpi_first_response_date",
    "kpi_first_response_hours",
    "kpi_response_in_target",
    "kpi_is_resolved",
    "kpi_resolution_hours",
    "kpi_resolution_net_hours",
    "kpi_fcr",
    "kpi_effort_touches",
]


@tagged("post_install", "-at_install")
class TestBackfill(TicketCommon):
    """Live stamps equal the stamps that the back-fill reads from the tracking."""

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

    def _facts(self, tickets, names):
        self.env.invalidate_all()
        return [{name: ticket[name] for name in names} for ticket in tickets]

    def _forget(self, tickets):
        """Empty the facts, as if the module had not been installed."""
        self.env.flush_all()
        names = [n for n, field in tickets._fields.items() if n.startswith("kpi_") and field.store]
        self.env.cr.execute(
            "UPDATE helpdesk_ticket SET {} WHERE id = ANY(%s)".format(
                ", ".join(f"{name} = NULL" for name in names)
            ),
            (tickets.ids,),
        )
        self.env.cr.execute(
            "DELETE FROM crm_kpi_interaction WHERE ticket_id = ANY(%s)", (tickets.ids,)
        )
        self.env.cr.execute("DELETE FROM crm_kpi_ticket_state")
        self.env["crm.kpi.dirty"]._write_marks()
        self.env.cr.execute("DELETE FROM crm_kpi_dirty")
        self.env.invalidate_all()

    def _check(self, tickets):
        Ticket = self.env["helpdesk.ticket"]
        Ticket._kpi_derive()
        lived = self._facts(tickets, STAMPS), self._facts(tickets, DERIVED)
        self._forget(tickets)
        self.env["crm.kpi.backfill"]._run()
        Ticket._kpi_mark_all_dirty()
        Ticket._kpi_derive()
        filled = self._facts(tickets, STAMPS), self._facts(tickets, DERIVED)
        for kind in (0, 1):
            for ticket, a, b in zip(tickets, lived[kind], filled[kind], strict=True):
                for name in a:
                    if isinstance(a[name], float) and isinstance(b[name], float):
                        self.assertAlmostEqual(a[name], b[name], msg=(ticket, name))
                    else:
                        self.assertEqual(a[name], b[name], (ticket, name))
        return lived[0]

    def test_plain_histories(self):
        a = self._ticket("2026-11-02 08:00")
        self._move(a, "2026-11-02 09:00", stage_id=self.progress.id, user_id=self.bob.id)
        self._move(a, "2026-11-02 10:00", stage_id=self.awaiting.id)
        self._move(a, "2026-11-02 13:00", stage_id=self.done.id)
        self._move(a, "2026-11-03 08:00", stage_id=self.cancelled.id)
        b = self._ticket("2026-11-02 08:00", stage_id=self.done.id)
        c = self._ticket("2026-11-02 08:00", user_id=False)
        self._move(c, "2026-11-02 09:00", stage_id=self.done.id)
        self._move(c, "2026-11-03 09:00", user_id=self.ann.id)
        self._move(c, "2026-11-04 09:00", stage_id=self.awaiting.id)
        d = self._ticket("2026-11-02 08:00")
        self._move(d, "2026-11-02 09:00", stage_id=self.done.id, user_id=self.bob.id)
        self._move(d, "2026-11-03 09:00", user_id=self.ann.id)
        lived = self._check(a | b | c | d)
        self.assertEqual(lived[3]["kpi_closed_user_id"], self.bob, "reassigned and closed")
        self.assertEqual(lived[0]["kpi_last_closed_date"], dt("2026-11-02 13:00"))
        self.assertEqual(lived[0]["kpi_closed_user_id"], self.bob)
        self.assertEqual(lived[0]["kpi_waiting_hours"], 3)
        self.assertEqual(lived[1]["kpi_first_closed_date"], dt("2026-11-02 08:00"))
        self.assertFalse(lived[2]["kpi_first_closed_user_id"])
        self.assertEqual(lived[2]["kpi_waiting_since"], dt("2026-11-04 09:00"))

    def test_in_sets(self):
        """A long history of tickets is read in sets, with the same result."""
        tickets = self.env["helpdesk.ticket"]
        for day in range(2, 9):
            ticket = self._ticket(f"2026-11-0{day} 08:00")
            self._move(ticket, f"2026-11-0{day} 11:00", stage_id=self.done.id)
            tickets |= ticket
        tickets._kpi_derive()
        lived = self._facts(tickets, [*STAMPS, *DERIVED])
        self._forget(tickets)
        work = self.env["crm.kpi.backfill"]
        with (
            patch.object(backfill, "BATCH", 3),
            patch.object(backfill, "AT_ONCE", 0),
            patch.object(crm_kpi_fact_mixin, "BATCH", 3),
        ):
            work._begin(["tickets", "helpdesk.ticket"])
            self.assertIn(" tickets; then ", work._progress_text())
            while not work._continue(between=lambda: False):
                self.env.invalidate_all()
        self.assertEqual(self._facts(tickets, [*STAMPS, *DERIVED]), lived)

    def test_random_histories(self):
        rng = random.Random(42)
        supplier = self.env["helpdesk.ticket.stage"].create(
            {"name": "Supplier", "kpi_is_waiting": True}
        )
        stages = [*self.stages, self.rejected, supplier]
        users = [self.ann.id, self.bob.id, False]
        tickets = self.env["helpdesk.ticket"]
        for _n in range(60):
            ticket = self._ticket(
                "2026-11-02 08:00",
                stage_id=rng.choice(stages).id,
                user_id=rng.choice(users),
                category_id=rng.choice([False, self.category.id]),
                by=rng.choice([None, self.ann]),
            )
            hour = 9
            for _m in range(rng.randrange(7)):
                hour += rng.randrange(1, 60)
                when = f"2026-11-{2 + hour // 24:02} {hour % 24:02}:{rng.randrange(60):02}"
                what = rng.randrange(4)
                if what == 0:
                    self._message(ticket, when, self.ann)
                elif what == 1:
                    self._mail_in(ticket, when)
                else:
                    # writing the same stage again changes only last_stage_update
                    others = [stage for stage in stages if stage != ticket.stage_id]
                    vals = {"stage_id": rng.choice(others).id}
                    if rng.random() < 0.6:
                        vals["user_id"] = rng.choice(users)
                    self._move(ticket, when, **vals)
            tickets |= ticket
        self._check(tickets)

    def test_without_tracking(self):
        """Imported tickets have no tracking: the dates of the help desk are used."""
        ticket = self._ticket("2026-11-02 08:00", stage_id=self.done.id)
        self._dates(
            ticket, closed_date=dt("2026-11-05 08:00"), last_stage_update=dt("2026-11-06 08:00")
        )
        moved = self._ticket("2026-11-02 08:00", stage_id=self.cancelled.id)
        self._dates(moved, last_stage_update=dt("2026-11-06 08:00"))
        waits = self._ticket("2026-11-02 08:00", stage_id=self.awaiting.id)
        self._dates(waits, last_stage_update=dt("2026-11-04 08:00"))
        self._forget(ticket | moved | waits)
        self.env["crm.kpi.backfill"]._run()
        self.assertEqual(ticket.kpi_last_closed_date, dt("2026-11-05 08:00"))
        self.assertEqual(ticket.kpi_first_resolved_date, dt("2026-11-05 08:00"))
        self.assertEqual(moved.kpi_last_closed_date, dt("2026-11-06 08:00"))
        self.assertFalse(moved.kpi_first_resolved_date)
        self.assertEqual(waits.kpi_waiting_since, dt("2026-11-04 08:00"))
        self.assertFalse(waits.kpi_last_closed_date)
