# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The service KPIs, from the tickets to the stored value, on worked examples.

The numbers in the names and the expected values are those of docs/CATALOGUE.md.
"""

from datetime import date

from odoo.tests import tagged

from odoo.addons.crm_kpi.tests.test_catalogue import CatalogueCase

from .common import TicketCommon


@tagged("post_install", "-at_install")
class TestCatalogueService(CatalogueCase, TicketCommon):
    def _rep(self, code, day="2026-10-01", kind="month"):
        """Value of Ann, the only user with tickets of the test."""
        return self._read(code, day, kind, level="user", user_id=self.ann)

    def test_37_tickets_resolved(self):
        with self.at("2026-10-01 09:00"):
            team = self.env["crm.team"].create({"name": "Service", "company_id": False})
            desk = self.env["helpdesk.ticket.team"].create(
                {"name": "Desk", "kpi_team_id": team.id, "user_ids": [(4, self.ann.id)]}
            )
        tickets = [self._ticket("2026-10-05 09:00", team_id=desk.id) for _i in range(5)]
        for ticket in tickets[:3]:
            self._move(ticket, "2026-10-06 09:00", stage_id=self.done.id)
        self._move(tickets[2], "2026-10-07 09:00", stage_id=self.progress.id)
        self._move(tickets[3], "2026-10-06 09:00", stage_id=self.cancelled.id)
        self._move(
            tickets[4], "2026-10-06 09:00", stage_id=self.done.id, duplicate_id=tickets[0].id
        )
        # credit stays with the user who closed it
        self._move(tickets[0], "2026-10-08 09:00", user_id=self.bob.id)
        with self.at("2026-11-10 12:00"):
            self._refresh("tickets_resolved", "tickets_opened", "tickets_per_agent")
            self.assertEqual(self._rep("tickets_resolved"), 2)
            self.assertEqual(self._rep("tickets_per_agent"), 2)
            by_team = self._read("tickets_resolved", "2026-10-01", level="team", team_id=team)
            self.assertEqual(by_team, 2)
            opened = self._read("tickets_opened", "2026-10-01", level="team", team_id=team)
            self.assertEqual(opened, 4, "without the duplicate")

    def test_deleted_help_desk_team(self):
        """Its solved tickets are unassigned; the rows add up to the 2 of the company."""
        nobody = self.env["crm.team"]
        with self.at("2026-10-01 09:00"):
            service, field = self.env["crm.team"].create(
                [{"name": "Service", "company_id": False}, {"name": "Field", "company_id": False}]
            )
            desk, other = self.env["helpdesk.ticket.team"].create(
                [
                    {"name": "Desk", "kpi_team_id": service.id, "user_ids": [(4, self.ann.id)]},
                    {"name": "Other", "kpi_team_id": field.id, "user_ids": [(4, self.ann.id)]},
                ]
            )
        for team in desk, other:
            ticket = self._ticket("2026-10-05 09:00", team_id=team.id)
            self._move(ticket, "2026-10-06 09:00", stage_id=self.done.id)
        with self.at("2026-10-20 12:00"):
            for deleted, unassigned in (False, None), (desk, 1), (field, 2):
                if deleted:
                    deleted.unlink()
                self._refresh("tickets_resolved")
                self.assertEqual(self._read("tickets_resolved", "2026-10-01"), 2)
                self.assertEqual(
                    self._read("tickets_resolved", "2026-10-01", level="team", team_id=nobody),
                    unassigned,
                )

    def test_38_ticket_backlog(self):
        robot = self.env.ref("base.user_root")
        for day, owner in (("30", self.ann), ("28", self.ann), ("21", self.ann)):
            self._ticket(f"2026-11-{day} 12:00", user_id=owner.id)
        by_robot = self._ticket("2026-10-22 12:00", user_id=robot.id)
        self._ticket("2026-11-20 12:00").active = False
        closed = self._ticket("2026-10-22 12:00")
        self._move(closed, "2026-11-20 12:00", stage_id=self.done.id)
        with self.at("2026-12-01 12:00"):
            self._refresh(
                "ticket_backlog", "backlog_age_days", "backlog_age_days_max", "unassigned_tickets"
            )
            self.assertEqual(self._rep("ticket_backlog", "2026-12-01"), 3)
            self.assertAlmostEqual(self._rep("backlog_age_days", "2026-12-01"), 3)
            self.assertAlmostEqual(self._rep("backlog_age_days_max", "2026-12-01"), 10)
            # past snapshots are computed later: at the end of October these two were open
            self.assertEqual(self._rep("ticket_backlog", "2026-10-01"), 1)
            by_robot.user_id = self.bob
            self._refresh("backlog_age_days_max", "unassigned_tickets")
            late = self._read("backlog_age_days_max", "2026-12-01", level="user", user_id=self.bob)
            self.assertAlmostEqual(late, 40)

    def test_38c_unassigned_tickets(self):
        before_after = []
        for owner in (False, self.env.ref("base.user_root").id, self.ann.id):
            self._ticket("2026-11-20 12:00", user_id=owner)
        with self.at("2026-12-01 12:00"):
            self._refresh("unassigned_tickets")
            before_after.append(self._read("unassigned_tickets", "2026-12-01"))
            unassigned = self._read(
                "unassigned_tickets", "2026-12-01", level="user", user_id=self.env["res.users"]
            )
        self.assertEqual(unassigned, before_after[0])
        self.assertGreaterEqual(unassigned, 2)
        self.assertEqual(self._rep("unassigned_tickets", "2026-12-01") or 0, 0)

    def test_39_ticket_first_response(self):
        for answer in ("08:30", "10:00", "12:00", "next", None):
            ticket = self._ticket("2026-10-05 08:00")
            if answer == "next":
                self._message(ticket, "2026-10-06 14:00", self.ann)
            elif answer:
                self._message(ticket, f"2026-10-05 {answer}", self.ann)
        typed = self._ticket("2026-10-05 08:00", by=self.ann)
        self._message(typed, "2026-10-05 08:00", self.ann)
        with self.at("2026-10-09 12:00"):
            self._refresh(
                "ticket_first_response_hours",
                "ticket_first_response_hours_p90",
                "ticket_first_response_hours_mean",
                "ticket_response_in_target_rate",
                "tickets_unanswered",
            )
            for code, expected in (
                ("ticket_first_response_hours", 3.0),
                ("ticket_first_response_hours_p90", 22.2),
                ("ticket_first_response_hours_mean", 9.125),
                ("ticket_response_in_target_rate", 0.6),
                ("tickets_unanswered", 1),
            ):
                self.assertAlmostEqual(self._rep(code), expected, 6, code)

    def test_39c_reply_time(self):
        """Every turn of the customer counts; consecutive mails are one turn."""
        ticket = self._ticket("2026-10-05 08:00", description="the request itself")
        self._mail_in(ticket, "2026-10-05 08:00")
        self._message(ticket, "2026-10-05 10:00", self.ann)  # 2 h
        self._mail_in(ticket, "2026-10-06 08:00")
        self._mail_in(ticket, "2026-10-06 09:00")
        self._message(ticket, "2026-10-06 14:00", self.ann)  # 6 h
        self._message(ticket, "2026-10-06 15:00", self.ann)
        self._mail_in(ticket, "2026-10-07 08:00")
        self._message(ticket, "2026-10-07 09:00", self.ann)  # 1 h
        self._mail_in(ticket, "2026-10-08 08:00")  # still waiting
        with self.at("2026-11-10 12:00"):
            self._refresh("reply_time_hours")
            self.assertAlmostEqual(self._rep("reply_time_hours"), 2)

    def test_39_solved_by_no_user(self):
        """Solved while unassigned, and assigned weeks later: the response is nobody's credit."""
        solved = self._ticket("2026-10-05 08:00", user_id=False)
        self._move(solved, "2026-10-05 11:00", stage_id=self.done.id)
        self._move(solved, "2026-10-26 08:00", user_id=self.ann.id)
        robot = self._ticket("2026-10-05 08:00", user_id=self.env.ref("base.user_root").id)
        self._move(robot, "2026-10-05 11:00", stage_id=self.done.id)
        self._move(robot, "2026-10-26 08:00", user_id=self.ann.id)
        waiting = self._ticket("2026-10-05 08:00", user_id=False)
        self._move(waiting, "2026-10-26 08:00", user_id=self.ann.id)
        code = "ticket_first_response_hours_mean"
        with self.at("2026-10-27 12:00"):
            self._refresh(code, "tickets_unanswered")
            self.assertIsNone(self._rep(code))
            self.assertEqual(self._rep("tickets_unanswered"), 1)
            period = self.env["crm.kpi.period"]._current("month", self.company, date(2026, 10, 1))
            cell = self.env["crm.kpi.value"].search(
                [
                    ("kpi_id.code", "=", code),
                    ("period_id", "=", period.id),
                    ("level", "=", "user"),
                    ("user_id", "=", False),
                ]
            )
            self.assertEqual(cell.record_count, 2)
            self.assertEqual(cell.value, 3)

    def test_40_ticket_resolution(self):
        for hours in ("10:00", "13:00", "fifty"):
            ticket = self._ticket("2026-10-05 08:00")
            when = "2026-10-07 10:00" if hours == "fifty" else f"2026-10-05 {hours}"
            self._move(ticket, when, stage_id=self.done.id)
        again = self._ticket("2026-10-05 08:00")
        self._move(again, "2026-10-05 11:00", stage_id=self.done.id)
        self._move(again, "2026-10-06 11:00", stage_id=self.progress.id)
        with self.at("2026-11-10 12:00"):
            self._refresh("ticket_resolution_hours")
            self.assertAlmostEqual(self._rep("ticket_resolution_hours"), 5)

    def test_41_first_contact_resolution(self):
        def solved(category, created="2026-10-05 08:00", closed="2026-10-05 12:00"):
            ticket = self._ticket(created, category_id=category.id)
            self._move(ticket, closed, stage_id=self.done.id)
            return ticket

        topics = self.env["helpdesk.ticket.category"].create(
            [{"name": f"Topic {i}"} for i in range(7)]
        )
        solved(topics[0])
        question = self._ticket("2026-10-05 08:00", category_id=topics[1].id)
        self._mail_in(question, "2026-10-05 10:00")
        self._move(question, "2026-10-05 12:00", stage_id=self.done.id)
        reopened = solved(topics[2])
        self._move(reopened, "2026-10-06 12:00", stage_id=self.progress.id)
        self._move(reopened, "2026-10-07 12:00", stage_id=self.done.id)
        cancelled = self._ticket("2026-10-05 08:00", category_id=topics[3].id)
        self._move(cancelled, "2026-10-05 12:00", stage_id=self.cancelled.id)
        duplicate = self._ticket("2026-10-05 08:00", category_id=topics[4].id)
        self._move(duplicate, "2026-10-05 12:00", stage_id=self.done.id, duplicate_id=question.id)
        solved(topics[5])
        self._ticket("2026-10-08 12:00", category_id=topics[5].id)
        solved(topics[6], "2026-10-27 08:00", "2026-10-27 12:00")
        with self.at("2026-10-30 12:00"):
            self._refresh("fcr_rate")
            self.assertAlmostEqual(self._rep("fcr_rate"), 0.25)

    def test_42_reopen_rate(self):
        tickets = [self._ticket("2026-09-05 08:00") for _i in range(10)]
        for ticket in tickets:
            self._move(ticket, "2026-09-06 08:00", stage_id=self.done.id)
        for ticket, day in ((tickets[0], "09"), (tickets[1], "09"), (tickets[2], "26")):
            self._move(ticket, f"2026-09-{day} 08:00", stage_id=self.progress.id)
        self._move(tickets[0], "2026-09-10 08:00", stage_id=self.done.id)
        self._move(tickets[0], "2026-09-11 08:00", stage_id=self.progress.id)
        with self.at("2026-09-15 12:00"):
            self._refresh("ticket_reopen_rate")
            self.assertIsNone(self._rep("ticket_reopen_rate", "2026-09-01"), "immature")
        with self.at("2026-11-10 12:00"):
            self._refresh("ticket_reopen_rate")
            self.assertAlmostEqual(self._rep("ticket_reopen_rate", "2026-09-01"), 0.2)


@tagged("post_install", "-at_install")
class TestServiceTeam(TicketCommon):
    def test_role_of_a_team(self):
        """Tickets make a service team; with a pipeline or leads it sells, too."""
        care, sales, desk = self.env["crm.team"].create(
            [
                {"name": "Care", "use_opportunities": False},
                {"name": "Sales", "use_opportunities": False},
                {"name": "Desk", "use_opportunities": True},
            ]
        )
        self.assertEqual((care + sales + desk).mapped("kpi_role"), ["sales"] * 3)
        helpdesk = self.env["helpdesk.ticket.team"].create(
            [{"name": team.name, "kpi_team_id": team.id} for team in (care, desk)]
        )
        self.assertEqual((care + sales + desk).mapped("kpi_role"), ["service", "sales", "both"])
        care.use_leads = True
        self.assertEqual(care.kpi_role, "both")
        helpdesk.kpi_team_id = False
        self.assertEqual((care + desk).mapped("kpi_role"), ["sales"] * 2)
        # a choice by hand stays
        sales.kpi_role = "service"
        sales.name = "Second level"
        self.assertEqual(sales.kpi_role, "service")

    def test_people_compared_by_ticket_kpis(self):
        ref = self.env.ref
        for name, expected in (
            ("crm_kpi_helpdesk_mgmt.crm_kpi_tickets_resolved", "service"),
            ("crm_kpi_helpdesk_mgmt.crm_kpi_fcr_rate", "service"),
            ("crm_kpi.crm_kpi_revenue_ordered", "sales"),
            ("crm_kpi.crm_kpi_win_rate", "sales"),
        ):
            self.assertEqual(ref(name).compared_people, expected)
