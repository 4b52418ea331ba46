# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from statistics import mean, median, quantiles

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from odoo.addons.crm_kpi.tests.common_interaction import dt

from .common import TicketCommon


@tagged("post_install", "-at_install")
class TestTicketStamps(TicketCommon):
    """Stamps of tickets, see docs/CATALOGUE.md#tickets."""

    def test_closing_and_reopening(self):
        ticket = self._ticket("2026-11-02 08:00")
        self.assertFalse(ticket.kpi_last_closed_date)
        self._move(ticket, "2026-11-02 10:00", stage_id=self.done.id)
        self.assertEqual(ticket.kpi_first_closed_date, dt("2026-11-02 10:00"))
        self.assertEqual(ticket.kpi_last_closed_date, dt("2026-11-02 10:00"))
        self.assertEqual(ticket.kpi_closed_user_id, self.ann)
        self._move(ticket, "2026-11-02 11:00", user_id=self.bob.id)
        self.assertEqual(ticket.kpi_closed_user_id, self.ann, "credit does not move")
        # between closed stages, and the same stage once more: no new closing
        self._move(ticket, "2026-11-02 12:00", stage_id=self.cancelled.id)
        self._move(ticket, "2026-11-02 13:00", stage_id=self.cancelled.id)
        self.assertEqual(ticket.kpi_last_closed_date, dt("2026-11-02 10:00"))
        self.assertGreater(ticket.closed_date, ticket.kpi_last_closed_date)
        self._move(ticket, "2026-11-03 08:00", stage_id=self.progress.id)
        self.assertFalse(ticket.kpi_last_closed_date)
        self.assertFalse(ticket.kpi_closed_user_id)
        self.assertEqual(ticket.kpi_first_closed_date, dt("2026-11-02 10:00"))
        self.assertEqual(ticket.kpi_reopen_count, 1)
        self._move(ticket, "2026-11-03 09:00", stage_id=self.done.id)
        self.assertEqual(ticket.kpi_last_closed_date, dt("2026-11-03 09:00"))
        self.assertEqual(ticket.kpi_closed_user_id, self.bob)
        self.assertEqual(ticket.kpi_first_closed_user_id, self.ann)

    def test_created_closed(self):
        ticket = self._ticket("2026-11-02 08:00", stage_id=self.done.id)
        self.assertFalse(ticket.closed_date)
        self.assertEqual(ticket.kpi_last_closed_date, dt("2026-11-02 08:00"))
        self._derive()
        self.assertTrue(ticket.kpi_is_resolved)
        self.assertEqual(ticket.kpi_resolution_hours, 0.0)

    def test_imported_closing(self):
        """Closed in 2024, imported in 2026: no closing of today, and no duration of 0 hours."""
        imported = {"closed_date": "2024-03-01 10:00:00", "stage_id": self.done.id}
        ticket = self._ticket("2026-11-02 08:00", **imported)
        pending = self._ticket("2026-11-02 08:00", closed_date="2024-03-01 10:00:00")
        for name in ("kpi_first_closed", "kpi_last_closed", "kpi_first_resolved"):
            self.assertEqual(ticket[f"{name}_date"], dt("2024-03-01 10:00"))
            self.assertFalse(pending[f"{name}_date"])
        self.assertEqual(ticket.kpi_closed_user_id, self.ann)
        self._derive()
        self.assertTrue(ticket.kpi_is_resolved)
        self.assertIs(ticket.kpi_resolution_hours, False)
        self.assertIs(ticket.kpi_first_closing_hours, False)
        self._move(ticket, "2026-11-03 08:00", stage_id=self.progress.id)
        self._move(ticket, "2026-11-04 08:00", stage_id=self.done.id)
        self.assertEqual(ticket.kpi_last_closed_date, dt("2026-11-04 08:00"))
        self.assertEqual(ticket.kpi_first_closed_date, dt("2024-03-01 10:00"))

    def test_imported_closing_of_existing_tickets(self):
        """A manager gives the date with the stage; agents do not."""
        imported = {"closed_date": "2026-10-05 10:00:00", "stage_id": self.done.id}
        for role, date in ("manager", "2026-10-05 10:00"), ("user", "2026-11-02 08:00"):
            user = new_test_user(
                self.env, f"kpi_import_{role}", groups=f"helpdesk_mgmt.group_helpdesk_{role}"
            )
            ticket = self._ticket("2026-10-01 08:00")
            self._move(ticket.with_user(user), "2026-11-02 08:00", **imported)
            self.assertEqual(ticket.kpi_last_closed_date, dt(date), role)
            self.assertEqual(ticket.kpi_first_resolved_date, dt(date), role)

    def test_closing_is_corrected(self):
        """The last closing, which is also the first one and the first solution."""
        desk, other = self.env["helpdesk.ticket.team"].create([{"name": "Desk"}, {"name": "Other"}])
        ticket = self._ticket("2026-11-02 08:00", team_id=desk.id)
        self._move(ticket, "2026-11-02 10:00", stage_id=self.done.id)
        again = self._ticket("2026-11-02 08:00")
        self._move(again, "2026-11-02 10:00", stage_id=self.done.id)
        self._move(again, "2026-11-02 11:00", stage_id=self.progress.id)
        self._move(again, "2026-11-02 12:00", stage_id=self.done.id)
        for record in ticket, again:
            with self.at("2026-11-03 08:00"):
                self.env["crm.kpi.correct"].with_context(
                    active_model="helpdesk.ticket", active_ids=record.ids
                ).create(
                    {
                        "change_user": True,
                        "user_id": self.bob.id,
                        "change_team": True,
                        "ticket_team_id": other.id,
                        "change_date": True,
                        "date": "2026-11-02 09:00:00",
                        "reason": "Bob solved it on the phone",
                    }
                ).action_apply()
            self.assertEqual(record.kpi_last_closed_date, dt("2026-11-02 09:00"))
            self.assertEqual(record.kpi_closed_user_id, self.bob)
            self.assertEqual(record.kpi_closed_team_id, other)
            self.assertEqual(record.user_id, self.ann)
            self.assertIn("Bob solved it on the phone", record.message_ids[:1].body)
        for name in ("first_closed", "first_resolved"):
            self.assertEqual(ticket[f"kpi_{name}_date"], dt("2026-11-02 09:00"))
            self.assertEqual(ticket[f"kpi_{name}_user_id"], self.bob)
            self.assertEqual(again[f"kpi_{name}_date"], dt("2026-11-02 10:00"), "an earlier one")
            self.assertEqual(again[f"kpi_{name}_user_id"], self.ann)
        self._derive()
        self.assertEqual(ticket.kpi_resolution_hours, 1.0)

    def test_moved_ticket_keeps_its_credit(self):
        desk, other = self.env["helpdesk.ticket.team"].create([{"name": "Desk"}, {"name": "Other"}])
        ticket = self._ticket("2026-11-02 08:00", team_id=desk.id)
        self._move(ticket, "2026-11-02 10:00", stage_id=self.done.id)
        self._move(
            ticket,
            "2026-11-03 10:00",
            team_id=other.id,
            user_id=self.bob.id,
            stage_id=self.done.id,
            partner_id=self.env["res.partner"].create({"name": "New owner"}).id,
        )
        self.assertEqual(ticket.kpi_last_closed_date, dt("2026-11-02 10:00"))
        self.assertEqual(ticket.kpi_closed_team_id, desk)
        self.assertEqual(ticket.kpi_first_closed_team_id, desk)
        self.assertEqual(ticket.kpi_closed_user_id, self.ann)
        self.assertEqual(ticket.kpi_first_resolved_user_id, self.ann)
        self.assertFalse(ticket.copy().kpi_last_closed_date == ticket.kpi_last_closed_date)

    def test_stage_chosen_by_the_change_of_team(self):
        """A team whose only stage is a closed one: the ORM closes the ticket."""
        only = self.env["helpdesk.ticket.stage"].create(
            {"name": "Archive", "closed": True, "sequence": 0}
        )
        team, other = self.env["helpdesk.ticket.team"].create(
            [{"name": "A", "user_ids": self.ann.ids}, {"name": "B", "user_ids": self.ann.ids}]
        )
        only.team_ids = other
        (self.new | self.progress | self.awaiting).team_ids = team
        (self.done | self.cancelled | self.rejected).team_ids = team
        ticket = self._ticket("2026-11-02 08:00", team_id=team.id)
        self._move(ticket, "2026-11-02 09:00", team_id=other.id)
        self.assertEqual(ticket.stage_id, only)
        self.assertFalse(ticket.closed_date)
        self.assertEqual(ticket.kpi_last_closed_date, dt("2026-11-02 09:00"))
        self.assertEqual(ticket.kpi_closed_team_id, other)
        self.assertEqual(ticket.kpi_team_changes, 1)

    def test_waiting(self):
        ticket = self._ticket("2026-11-02 08:00")
        self._move(ticket, "2026-11-02 09:00", stage_id=self.awaiting.id)
        self.assertEqual(ticket.kpi_waiting_since, dt("2026-11-02 09:00"))
        self._move(ticket, "2026-11-02 12:00", stage_id=self.done.id)
        self._derive()
        self.assertEqual(ticket.kpi_waiting_hours, 3)
        self.assertEqual(ticket.kpi_resolution_hours, 4)
        self.assertEqual(ticket.kpi_resolution_net_hours, 1)
        self.assertFalse(ticket.kpi_waiting_since)

    def test_changes_of_user(self):
        ticket = self._ticket("2026-11-02 08:00", user_id=False)
        self._move(ticket, "2026-11-02 09:00", user_id=self.ann.id)
        self.assertEqual(ticket.kpi_user_changes, 0, "the first assignment is not a change")
        self._move(ticket, "2026-11-02 10:00", user_id=self.bob.id)
        self._move(ticket, "2026-11-02 11:00", user_id=self.bob.id)
        self.assertEqual(ticket.kpi_user_changes, 1)

    def test_tickets_closed_by_the_robot_get_no_credit(self):
        ticket = self._ticket("2026-11-02 08:00", user_id=self.env.ref("base.user_root").id)
        self._move(ticket, "2026-11-02 09:00", stage_id=self.done.id)
        self.assertFalse(ticket.kpi_closed_user_id)

    def test_flags_of_stages(self):
        self.assertTrue(self.done.kpi_is_resolution)
        self.assertFalse(self.cancelled.kpi_is_resolution or self.rejected.kpi_is_resolution)
        self.assertTrue(self.awaiting.kpi_is_waiting)
        stages = self.env["helpdesk.ticket.stage"].create(
            [{"name": "C", "closed": True}, {"name": "O"}]
        )
        self.assertEqual(stages.mapped("kpi_is_resolution"), [True, False])

    def test_stages_are_reconfigured(self):
        """A changed flag applies to the tickets in the stage, without new events."""
        stage = self.env["helpdesk.ticket.stage"].create({"name": "Parked"})
        ticket = self._ticket("2026-11-02 08:00")
        self._move(ticket, "2026-11-02 09:00", stage_id=stage.id)
        with self.at("2026-11-20 09:00"):
            stage.closed = True
        self._derive()
        self.assertTrue(stage.kpi_is_resolution)
        self.assertEqual(ticket.kpi_last_closed_date, dt("2026-11-02 09:00"))
        self.assertEqual(ticket.kpi_closed_user_id, self.ann)
        self.assertTrue(ticket.kpi_is_resolved)
        self.assertEqual(ticket.kpi_resolution_hours, 1)
        with self.at("2026-11-21 09:00"):
            stage.kpi_is_resolution = False
        self._derive()
        self.assertFalse(ticket.kpi_is_resolved)
        self.assertIs(ticket.kpi_resolution_hours, False)
        with self.at("2026-11-22 09:00"):
            stage.closed = False
        self._derive()
        self.assertFalse(ticket.kpi_last_closed_date)
        self.assertEqual(ticket.kpi_reopen_count, 0, "opening a stage does not re-open its tickets")
        # saved again with the same values: the choice for Cancelled stays
        self.cancelled.write({"closed": True, "name": "Cancelled"})
        self.assertFalse(self.cancelled.kpi_is_resolution)

    def test_protected(self):
        manager = new_test_user(self.env, "kpi_hd", groups="helpdesk_mgmt.group_helpdesk_manager")
        ticket = self._ticket("2026-11-02 08:00", by=self.ann)
        names = [
            name
            for name, field in ticket._fields.items()
            if name.startswith("kpi_") and field.store
        ]
        self.assertGreater(len(names), 25)
        for name in names:
            with self.assertRaises(AccessError, msg=name):
                ticket.with_user(manager).write({name: False})
        mine = (
            self.env["helpdesk.ticket"]
            .with_user(manager)
            .with_context(default_kpi_reopen_count=7, default_kpi_fcr="yes")
            .create({"name": "t", "description": "t"})
        )
        self.assertFalse(mine.kpi_fcr)
        self.assertEqual(mine.kpi_reopen_count, 0)
        # writes that the user may do are stamped
        mine.stage_id = self.done
        self.assertTrue(mine.kpi_last_closed_date)

    def test_groups(self):
        for group, kpi in (
            ("user_own", "user"),
            ("user_team", "user_all"),
            ("user", "user_all"),
            ("manager", "manager"),
        ):
            user = new_test_user(
                self.env, f"kpi_{group}", groups=f"helpdesk_mgmt.group_helpdesk_{group}"
            )
            self.assertTrue(user.has_group(f"crm_kpi.group_kpi_{kpi}"), group)
        own = self.env["res.users"].search([("login", "=", "kpi_user_own")])
        self.assertFalse(own.has_group("crm_kpi.group_kpi_user_all"))
        ticket = self._ticket("2026-11-02 08:00", user_id=own.id)
        other = self._ticket("2026-11-02 08:00")
        for one in (ticket, other):
            self._mail_in(one, "2026-11-02 09:00")
        self._derive()
        rows = self.env["crm.kpi.interaction"].search([("ticket_id", "in", (ticket | other).ids)])
        self.assertEqual(len(rows), 2)
        self.assertEqual(
            self.env["crm.kpi.interaction"]
            .with_user(own)
            .search([("id", "in", rows.ids)])
            .ticket_id,
            ticket,
        )


@tagged("post_install", "-at_install")
class TestTicketExamples(TicketCommon):
    """The worked examples 37 to 42 of docs/CATALOGUE.md."""

    def test_example_37(self):
        solved = [self._ticket(f"2026-11-0{n} 08:00") for n in (2, 3, 4)]
        for ticket in solved:
            self._move(ticket, "2026-11-10 08:00", stage_id=self.done.id)
        self._move(solved[0], "2026-11-11 08:00", stage_id=self.progress.id)
        cancelled = self._ticket("2026-11-02 08:00")
        self._move(cancelled, "2026-11-10 08:00", stage_id=self.cancelled.id)
        double = self._ticket("2026-11-02 08:00", duplicate_id=solved[1].id)
        self._move(double, "2026-11-10 08:00", stage_id=self.done.id)
        self._derive()
        tickets = self.env["helpdesk.ticket"].search(
            [
                ("id", "in", [t.id for t in (*solved, cancelled, double)]),
                ("kpi_is_resolved", "=", True),
                ("duplicate_id", "=", False),
                ("kpi_last_closed_date", ">=", "2026-11-01"),
                ("kpi_last_closed_date", "<", "2026-12-01"),
            ]
        )
        self.assertEqual(len(tickets), 2)

    def test_example_39(self):
        tickets = self.env["helpdesk.ticket"]
        for minutes in (30, 120, 240, 1800):
            ticket = self._ticket("2026-11-02 00:00", by=None)
            self._mail_in(ticket, "2026-11-02 00:00", subtype_id=self.created.id)
            day, minute = divmod(minutes, 1440)
            when = f"2026-11-0{2 + day} {minute // 60:02}:{minute % 60:02}"
            self._message(ticket, when, self.bob)
            tickets |= ticket
        unanswered = self._ticket("2026-11-02 00:00")
        typed = self._ticket("2026-11-02 00:00", by=self.ann)
        self._message(typed, "2026-11-02 00:01", self.ann)
        tickets |= unanswered | typed
        self._derive()
        inbound = tickets.filtered(lambda t: t.kpi_origin == "inbound")
        self.assertEqual(len(inbound), 5, "a ticket entered by an agent has no response time")
        hours = [
            t.kpi_first_response_hours for t in inbound if t.kpi_first_response_hours is not False
        ]
        self.assertEqual(hours, [0.5, 2, 4, 30])
        self.assertEqual(median(hours), 3.0)
        self.assertAlmostEqual(quantiles(hours, n=10, method="inclusive")[8], 22.2)
        self.assertEqual(mean(hours), 9.125)
        in_time = inbound.filtered("kpi_response_in_target")
        self.assertEqual(len(in_time) / len(inbound), 0.6)
        self.assertEqual(inbound[0].kpi_first_response_user_id, self.bob)
        self.assertTrue(unanswered.kpi_response_waiting)

    def test_no_response(self):
        """Templates, notes, robots and assignments are not a response; solving is one."""
        ticket = self._ticket("2026-11-02 08:00")
        self._message(ticket, "2026-11-02 08:10", self.ann, message_type="email_outgoing")
        self._message(ticket, "2026-11-02 08:20", self.ann, subtype_id=self.note.id)
        self._message(ticket, "2026-11-02 08:25", self.ann, subtype_id=self.created.id)
        self._message(ticket, "2026-11-02 08:30", self.env.ref("base.partner_root"))
        self._move(ticket, "2026-11-02 08:40", user_id=self.bob.id)
        self._derive()
        self.assertFalse(ticket.kpi_first_response_date)
        self._move(ticket, "2026-11-02 08:50", stage_id=self.cancelled.id)
        self._derive()
        self.assertFalse(ticket.kpi_first_response_date, "cancelled is not solved")
        self.assertFalse(ticket.kpi_response_waiting)
        self._move(ticket, "2026-11-02 10:00", stage_id=self.done.id)
        self._derive()
        self.assertEqual(ticket.kpi_first_response_hours, 2)
        self.assertEqual(ticket.kpi_first_response_user_id, self.bob)

    def test_ticket_of_an_agent_begins_with_the_customer(self):
        """Filed on Monday after a call; the customer first writes on Wednesday."""
        filed = self._ticket("2026-11-02 09:00", by=self.bob)
        self._mail_in(filed, "2026-11-04 10:00")
        self._message(filed, "2026-11-04 10:30", self.ann)
        silent = self._ticket("2026-11-02 09:00", by=self.bob)
        self._move(silent, "2026-11-02 09:30", stage_id=self.done.id)
        # solved during the call: the thanks of the customer are no request
        thanked = self._ticket("2026-11-02 09:00", by=self.bob)
        self._move(thanked, "2026-11-02 09:30", stage_id=self.done.id)
        self._mail_in(thanked, "2026-11-04 10:00")
        self._derive()
        self.assertEqual(filed.kpi_first_response_hours, 0.5)
        self.assertEqual(filed.kpi_response_due, dt("2026-11-04 18:00"))
        self.assertTrue(filed.kpi_response_in_target)
        for ticket in (silent, thanked):
            self.assertEqual(ticket.kpi_origin, "outbound")
            self.assertIs(ticket.kpi_first_response_hours, False)

    def test_requester_with_a_login(self):
        """Internal help desk: the requester sends a mail, asks again and is answered."""
        ticket = self._ticket("2026-11-02 09:00", by=self.bob, partner_id=self.bob.partner_id.id)
        self._message(
            ticket, "2026-11-02 09:00", self.bob, message_type="email", subtype_id=self.created.id
        )
        self._message(ticket, "2026-11-02 09:10", self.bob)
        self._message(ticket, "2026-11-02 11:00", self.ann)
        by_address = self._ticket(
            "2026-11-02 09:00", by=self.ann, partner_id=False, partner_email="kpi_bob@example.com"
        )
        self._message(by_address, "2026-11-02 09:10", self.bob)
        self._message(by_address, "2026-11-02 09:40", self.ann)
        portal = self._ticket("2026-11-02 09:00", by=self.bob, partner_id=self.bob.partner_id.id)
        self._derive()
        self.assertEqual(self._rows(ticket).mapped("direction"), ["in", "in", "out"])
        self.assertEqual(ticket.kpi_first_response_hours, 2)
        self.assertEqual(ticket.kpi_first_response_user_id, self.ann)
        self.assertEqual(ticket.kpi_customer_msg_count, 1)
        self.assertEqual(ticket.kpi_agent_msg_count, 1)
        self.assertEqual(by_address.kpi_first_response_hours, 0.5)
        self.assertEqual(portal.kpi_origin, "inbound")
        self.assertTrue(portal.kpi_response_waiting)

    def test_example_40(self):
        tickets = self.env["helpdesk.ticket"]
        for day, hour in ((2, 2), (2, 5), (4, 2)):
            ticket = self._ticket("2026-11-02 00:00")
            self._move(ticket, f"2026-11-0{day} {hour:02}:00", stage_id=self.done.id)
            tickets |= ticket
        open_again = self._ticket("2026-11-02 00:00")
        self._move(open_again, "2026-11-02 03:00", stage_id=self.done.id)
        self._move(open_again, "2026-11-02 04:00", stage_id=self.progress.id)
        self._derive()
        hours = [
            t.kpi_resolution_hours
            for t in tickets | open_again
            if t.kpi_resolution_hours is not False
        ]
        self.assertEqual(hours, [2, 5, 50])
        self.assertEqual(median(hours), 5)
        self.assertEqual(open_again.kpi_first_closing_hours, 3)

    def test_working_hours(self):
        """A night and a weekend between opening and solution."""
        self.company.resource_calendar_id = self.env["resource.calendar"].create(
            {
                "name": "9-17",
                "tz": "Europe/Brussels",
                "company_id": self.company.id,
                "attendance_ids": [(5, 0, 0)]
                + [
                    (
                        0,
                        0,
                        {
                            "name": "w",
                            "dayofweek": str(day),
                            "hour_from": 9,
                            "hour_to": 17,
                            "day_period": "full_day",
                        },
                    )
                    for day in range(5)
                ],
            }
        )
        ticket = self._ticket("2026-11-20 15:00")  # Friday, 16:00 in Brussels
        self._move(ticket, "2026-11-23 09:00", stage_id=self.done.id)  # Monday, 10:00
        self._derive()
        self.assertEqual(ticket.kpi_resolution_hours, 66)
        self.assertAlmostEqual(ticket.kpi_resolution_hours_bh, 2)

    def _solved(self, customer=None, closed="2026-11-03 08:00", stage=None, **vals):
        customer = customer or self.env["res.partner"].create({"name": "Someone"})
        ticket = self._ticket("2026-11-02 08:00", partner_id=customer.id, **vals)
        self._mail_in(ticket, "2026-11-02 08:00", customer, subtype_id=self.created.id)
        self._message(ticket, "2026-11-02 09:00", self.ann)
        self._message(ticket, "2026-11-02 10:00", self.ann)
        self._move(ticket, closed, stage_id=(stage or self.done).id)
        return ticket

    def test_example_41(self):
        clean = self._solved()
        asked = self._solved()
        self._mail_in(asked, "2026-11-02 12:00", asked.partner_id)
        again = self._solved()
        self._move(again, "2026-11-04 08:00", stage_id=self.progress.id)
        self._move(again, "2026-11-05 08:00", stage_id=self.done.id)
        cancelled = self._solved(stage=self.cancelled)
        duplicate = self._solved(duplicate_id=clean.id)
        repeated = self._solved()
        self._ticket("2026-11-06 08:00", partner_id=repeated.partner_id.id)
        young = self._solved(closed="2026-11-18 08:00")
        self._derive()
        tickets = clean | asked | again | cancelled | duplicate | repeated | young
        self.assertEqual(tickets.mapped("kpi_fcr"), ["yes", "no", "no", False, False, "no", "yes"])
        now = dt("2026-11-21 08:00")
        mature = tickets.filtered(
            lambda t: (
                t.kpi_is_resolved
                and not t.duplicate_id
                and (now - t.kpi_last_closed_date).days >= 7
            )
        )
        first = mature.filtered(lambda t: t.kpi_fcr == "yes")
        self.assertEqual(len(first) / len(mature), 0.25)
        self.assertEqual(asked.kpi_customer_msg_count, 1)
        self.assertEqual(clean.kpi_customer_msg_count, 0, "the request is not counted")
        self.assertEqual(clean.kpi_agent_msg_count, 2, "irrelevant for the first contact")
        self.assertEqual(again.kpi_effort_touches, 1)

    def test_first_contact_edges(self):
        clean = self._solved()
        # after the seven days, in another category, of another company, a duplicate
        self._mail_in(clean, "2026-11-10 08:00", clean.partner_id)
        other = self.env["helpdesk.ticket.category"].create({"name": "Other"})
        self._ticket("2026-11-06 08:00", partner_id=clean.partner_id.id, category_id=other.id)
        late = self._ticket("2026-11-10 08:00", partner_id=clean.partner_id.id)
        self._ticket("2026-11-06 08:00", partner_id=clean.partner_id.id, duplicate_id=late.id)
        self._derive()
        self.assertEqual(clean.kpi_fcr, "yes")
        self.assertEqual(clean.kpi_customer_msg_count, 1)
        # a message within the seven days counts, even after the closing
        self._mail_in(clean, "2026-11-10 07:59", clean.partner_id)
        self._derive()
        self.assertEqual(clean.kpi_fcr, "no")

    def test_repetition_by_another_contact(self):
        clean = self._solved(self.contact)
        sister = self.env["res.partner"].create(
            {"name": "Colleague", "parent_id": self.customer.id}
        )
        repeat = self._ticket("2026-11-04 08:00", partner_id=sister.id)
        self._derive()
        self.assertEqual(clean.kpi_fcr, "no")
        # the category is corrected: the earlier ticket is updated
        repeat.category_id = False
        self._derive()
        self.assertEqual(clean.kpi_fcr, "yes")
        repeat.category_id = self.category
        self._derive()
        self.assertEqual(clean.kpi_fcr, "no")
        repeat.unlink()
        self._derive()
        self.assertEqual(clean.kpi_fcr, "yes")

    def test_repetition_by_mail_address(self):
        vals = {"partner_id": False, "category_id": False}
        clean = self._ticket("2026-11-02 08:00", partner_email="Jo <Jo@Example.com>", **vals)
        self._move(clean, "2026-11-03 08:00", stage_id=self.done.id)
        stranger = self._ticket("2026-11-02 08:00", partner_email="al@example.com", **vals)
        self._move(stranger, "2026-11-03 08:00", stage_id=self.done.id)
        anonymous = self._ticket("2026-11-02 08:00", **vals)
        self._move(anonymous, "2026-11-03 08:00", stage_id=self.done.id)
        self._ticket("2026-11-04 08:00", partner_email="jo@example.com", **vals)
        self._ticket("2026-11-04 08:00", **vals)
        self._derive()
        self.assertEqual((clean | stranger | anonymous).mapped("kpi_fcr"), ["no", "yes", "yes"])

    def test_request_of_a_form(self):
        """The text of a web form is not a message, so the first mail is a further contact."""
        ticket = self._ticket("2026-11-02 08:00")
        self._mail_in(ticket, "2026-11-02 09:00")
        self._move(ticket, "2026-11-03 08:00", stage_id=self.done.id)
        self._derive()
        self.assertEqual(ticket.kpi_customer_msg_count, 1)
        self.assertEqual(ticket.kpi_fcr, "no")

    def test_example_42(self):
        tickets = self.env["helpdesk.ticket"]
        for _n in range(10):
            ticket = self._ticket("2026-11-02 08:00")
            self._move(ticket, "2026-11-03 08:00", stage_id=self.done.id)
            tickets |= ticket
        for ticket in tickets[:2]:
            self._move(ticket, "2026-11-06 08:00", stage_id=self.progress.id)
        self._move(tickets[0], "2026-11-07 08:00", stage_id=self.done.id)
        self._move(tickets[0], "2026-11-08 08:00", stage_id=self.progress.id)
        self._move(tickets[2], "2026-11-23 08:00", stage_id=self.progress.id)
        self._derive()
        self.assertEqual(tickets.mapped("kpi_reopen_count")[:4], [2, 1, 1, 0])
        self.assertEqual(len(tickets.filtered("kpi_reopened_14d")) / len(tickets), 0.2)
        self.assertTrue(all(tickets.mapped("kpi_first_closed_date")))
