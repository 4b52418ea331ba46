# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Tickets on top of a board."""

from odoo.fields import Command
from odoo.tests import freeze_time, tagged

from .common import TicketCommon


@tagged("post_install", "-at_install")
class TestAttention(TicketCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        clock = freeze_time("2026-11-10 12:00")
        clock.start()
        cls.addClassCleanup(clock.stop)
        cls.env["helpdesk.ticket"].search([]).active = False
        cls.company.kpi_first_response_target_hours = 8
        cls.env["crm.kpi"]._refresh_periods(cls.env.cr.now())
        own = cls.env.ref("helpdesk_mgmt.group_helpdesk_user_own")
        every = cls.env.ref("helpdesk_mgmt.group_helpdesk_user")
        cls.ann.group_ids = [Command.set(own.ids)]
        cls.bob.group_ids = [Command.set(every.ids)]
        cls.sales_team = cls.env["crm.team"].create({"name": "Service"})
        cls.team = cls.env["helpdesk.ticket.team"].create(
            {"name": "Desk", "kpi_team_id": cls.sales_team.id}
        )

    def line(self, user, **filters):
        """The line of tickets that a user sees, and the records that it opens."""
        boards = self.env["crm.kpi.board"].with_user(user)
        self.env.flush_all()
        shown = boards.get_board(filters=filters)
        chosen = shown["board"]["id"], shown["filters"]
        lines = [line for line in boards.get_attention(*chosen) if line["key"] == "late_tickets"]
        action = boards.open_attention(chosen[0], "late_tickets", chosen[1])
        opened = boards.env[action["res_model"]].search(action["domain"])
        return [(line["text"], line["detail"]) for line in lines], opened.sudo()

    def test_tickets_over_target(self):
        """Of five tickets, two wait for longer than eight hours."""
        late = self._ticket("2026-11-10 03:00", team_id=self.team.id)  # nine hours
        other = self._ticket("2026-11-08 23:30", user_id=self.bob.id)  # 9 November, local
        self._ticket("2026-11-10 05:00")  # seven hours
        closed = self._ticket("2026-11-09 05:00")
        archived = self._ticket("2026-11-09 05:00")
        self._derive()
        closed.stage_id = self.cancelled  # after the last refresh
        archived.active = False
        own = [("1 ticket is over the response target", "the oldest since Nov 10, 2026")]
        every = [("2 tickets are over the response target", "the oldest since Nov 9, 2026")]
        self.assertEqual(self.line(self.ann, scope="mine"), (own, late))
        self.assertEqual(self.line(self.bob, scope="company"), (every, late | other))
        # under the rights of the agent, also on a board of the company
        self.assertEqual(self.line(self.ann, scope="company"), (own, late))
        by_team = self.line(self.bob, scope="team", team_id=self.sales_team.id)
        self.assertEqual(by_team, (own, late))
        late.stage_id = other.stage_id = self.cancelled
        self.assertEqual(self.line(self.bob, scope="company")[0], [])
