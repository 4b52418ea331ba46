# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The SLA success rate on the worked example of docs/CATALOGUE.md."""

from odoo import Command
from odoo.tests import tagged

from odoo.addons.crm_kpi.tests.test_catalogue import CatalogueCase
from odoo.addons.crm_kpi_helpdesk_mgmt.tests.common import TicketCommon


class SlaCommon(TicketCommon):
    """A team that works around the clock, with an SLA of eight hours to solve a ticket."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        calendar = cls.env["resource.calendar"].create(
            {
                "name": "Around the clock",
                "tz": "UTC",
                "hours_per_day": 24,
                "attendance_ids": [
                    Command.clear(),
                    *(
                        Command.create(
                            {"name": "Day", "dayofweek": str(day), "hour_from": 0, "hour_to": 24}
                        )
                        for day in range(7)
                    ),
                ],
            }
        )
        cls.team = cls.env["crm.team"].create({"name": "Service", "company_id": False})
        cls.desk, cls.other_desk = cls.env["helpdesk.ticket.team"].create(
            [
                {
                    "name": name,
                    "use_sla": True,
                    "resource_calendar_id": calendar.id,
                    "kpi_team_id": team and team.id,
                    "user_ids": [Command.set((cls.ann + cls.bob).ids)],
                }
                for name, team in (("Desk", cls.team), ("Other desk", None))
            ]
        )
        cls.env["helpdesk.sla"].search([]).active = False
        cls.sla = cls._sla("Solved", cls.done, ignore_stage_ids=[Command.set(cls.awaiting.ids)])

    @classmethod
    def _sla(cls, name, stage, hours=8, **values):
        return cls.env["helpdesk.sla"].create(
            {"name": name, "hours": hours, "stage_id": stage and stage.id, **values}
        )

    def _ticket(self, created, by=None, **vals):
        return super()._ticket(created, by, team_id=self.desk.id, **vals)


@tagged("post_install", "-at_install")
class TestSla(CatalogueCase, SlaCommon):
    def _rate_at(self, when, day="2026-10-01", level="user", **dimensions):
        with self.at(when):
            self._refresh("sla_success_rate")
        dimensions = dimensions or {"user_id": self.ann}
        return self._read("sla_success_rate", day, level=level, **dimensions)

    def _history(self):
        """6 met, 2 missed, 1 overdue, 1 running on October 6 at noon, 1 on hold."""
        for _i in range(6):
            ticket = self._ticket("2026-10-05 08:00")
            self._move(ticket, "2026-10-05 12:00", stage_id=self.done.id)
        for stage in (self.done, self.progress):
            ticket = self._ticket("2026-10-05 08:00")
            self._move(ticket, "2026-10-05 18:00", stage_id=stage.id)
        self._ticket("2026-10-05 08:00")
        running = self._ticket("2026-10-06 10:00")
        held = self._ticket("2026-10-05 08:00")
        self._move(held, "2026-10-05 10:00", stage_id=self.awaiting.id)
        return running, held

    def test_43_sla_success_rate(self):
        """An overdue SLA is missed although its ticket did not change."""
        running, held = self._history()
        self.assertEqual(running.ticket_sla_ids.state, "in_progress")
        self.assertEqual(held.ticket_sla_ids.state, "on_hold")
        self.assertAlmostEqual(self._rate_at("2026-10-06 12:00"), 6 / 9)
        by_team = self._read("sla_success_rate", "2026-10-01", level="team", team_id=self.team)
        self.assertAlmostEqual(by_team, 6 / 9)
        # with time, the running SLA becomes overdue
        self.assertAlmostEqual(self._rate_at("2026-10-06 19:00"), 6 / 10)
        self.assertIsNone(self._rate_at("2026-10-06 19:00", day="2026-09-01"))

    def test_43_born_accomplished(self):
        """An SLA without a target stage, or whose ticket began in or beyond it, does not count."""
        self._sla("No target", None)
        self._sla("Registered", self.new)
        for _i in range(2):
            ticket = self._ticket("2026-10-05 08:00")
            self._move(ticket, "2026-10-05 20:00", stage_id=self.done.id)
        # entered after the work was done
        self._ticket("2026-10-05 08:00", stage_id=self.done.id)
        self.assertEqual(self._rate_at("2026-10-06 12:00"), 0)
        born = ticket.ticket_sla_ids.filtered("kpi_born_met")
        self.assertEqual(set(born.mapped("name")), {"No target", "Registered"})

    def test_43_duplicates_are_out(self):
        first = self._ticket("2026-10-05 08:00")
        self._move(first, "2026-10-05 12:00", stage_id=self.done.id)
        second = self._ticket("2026-10-05 08:00")
        self.assertEqual(self._rate_at("2026-10-06 12:00"), 0.5)
        self._move(second, "2026-10-06 12:30", duplicate_id=first.id)
        self.assertEqual(self._rate_at("2026-10-06 13:00"), 1)

    def test_43_owner(self):
        """The current user of an open ticket; after the closing it does not change."""
        met, missed = (self._ticket("2026-10-05 08:00") for _i in range(2))
        self._move(met, "2026-10-05 12:00", stage_id=self.done.id)
        self.assertEqual(self._rate_at("2026-10-06 12:00"), 0.5)
        self._move(met, "2026-10-06 12:30", user_id=self.bob.id)
        self._move(missed, "2026-10-06 12:30", user_id=self.bob.id)
        self.assertEqual(self._rate_at("2026-10-06 13:00"), 1)
        self.assertEqual(self._rate_at("2026-10-06 13:00", user_id=self.bob), 0)

    def test_43_team_in_kpis(self):
        """A changed sales team of a help desk team changes the values, without a write on tickets."""
        self._ticket("2026-10-05 08:00")
        by_team = {"level": "team", "team_id": self.team}
        self.assertEqual(self._rate_at("2026-10-06 12:00", **by_team), 0)
        self.desk.kpi_team_id = False
        self.assertIsNone(self._rate_at("2026-10-06 12:00", **by_team))

    def test_43_segment(self):
        segments = self.env.ref("crm_kpi.segment_set_industry")
        self.customer.industry_id = self.env["res.partner.industry"].create({"name": "Ore"})
        self._history()
        self._rate_at("2026-10-06 12:00")
        segment = segments.segment_ids.filtered(
            lambda s: s.industry_id == self.customer.industry_id
        )
        rate = self._read("sla_success_rate", "2026-10-01", level="segment", segment_id=segment)
        self.assertAlmostEqual(rate, 6 / 9)

    def test_state_on_the_ticket(self):
        running, held = self._history()
        with self.at("2026-10-06 12:00"):
            self.assertEqual(running.kpi_sla_state, "running")
            self.assertEqual(held.kpi_sla_state, "hold")
        running.invalidate_recordset()
        running.ticket_sla_ids.invalidate_recordset()
        with self.at("2026-10-06 19:00"):
            self.assertEqual(running.kpi_sla_state, "missed")
        met = self._ticket("2026-10-05 08:00")
        self._move(met, "2026-10-05 09:00", stage_id=self.done.id)
        self.assertEqual(met.kpi_sla_state, "met")
        self.assertFalse(self._ticket("2026-10-05 08:00", stage_id=self.done.id).kpi_sla_state)

    def test_counter_metric(self):
        rate = self.env["crm.kpi"]._by_code(["sla_success_rate"])
        rating = self.env["crm.kpi"]._by_code(["csat_score"])
        expected = "csat_score" if rating else "ticket_reopen_rate"
        self.assertEqual(rate.counter_kpi_id.code, expected)


@tagged("post_install", "-at_install")
class TestSlaBackfill(SlaCommon):
    def test_same_facts_as_stamped(self):
        """SLAs from before the installation get the same facts as live SLAs."""
        env = self.env(context=dict(self.env.context, tracking_disable=False, mail_notrack=False))
        self._sla("No target", None)
        self._sla("Taken up", self.progress)
        tickets = self.env["helpdesk.ticket"]
        for stage, moves in (
            (self.new, (self.progress, self.done)),
            (self.new, ()),
            (self.progress, (self.new, self.progress)),
            (self.done, ()),
        ):
            ticket = self._ticket("2026-10-05 08:00", stage_id=stage.id).with_env(env)
            self.env.cr.flush()  # the creation and each change are separate transactions
            for hour, move in enumerate(moves, start=9):
                with self.at(f"2026-10-05 {hour:02}:00"):
                    ticket.stage_id = move
                    self.env.cr.flush()
            tickets += ticket
        names = ("kpi_born_met", "kpi_user_id", "kpi_team_id", "kpi_partner_id")
        slas = tickets.ticket_sla_ids
        stamped = [{name: sla[name] for name in names} for sla in slas]
        self.assertEqual(len({facts["kpi_born_met"] for facts in stamped}), 2)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE helpdesk_ticket_sla SET kpi_born_met = NULL, kpi_user_id = NULL,"
            " kpi_team_id = NULL, kpi_partner_id = NULL WHERE id = ANY(%s)",
            [slas.ids],
        )
        self.env.invalidate_all()
        self.env["crm.kpi.backfill"]._run()
        self.assertEqual([{name: sla[name] for name in names} for sla in slas], stamped)
