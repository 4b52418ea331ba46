# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a service agent does in the browser."""

from datetime import timedelta

from odoo import fields
from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from .common import TicketCommon


@tagged("post_install", "-at_install", "browser")
class TestAgent(TicketCommon, HttpCase):
    def test_agent(self):
        """From the first screen to the ticket that waits, and to its answer."""
        self.env["helpdesk.ticket"].search([]).active = False
        self.company.kpi_first_response_target_hours = 8
        self.ann.group_ids = [
            Command.set(self.env.ref("helpdesk_mgmt.group_helpdesk_user_own").ids)
        ]
        # nine hours ago: both wait for longer than eight hours
        begin = fields.Datetime.to_string(fields.Datetime.now() - timedelta(hours=9))
        waiting = self._ticket(begin, name="Printer")
        self._ticket(begin, name="Ticket of Bob", user_id=self.bob.id)
        self._derive()
        month = self.env["crm.kpi.period"]._current("month", self.company)
        board = self.env.ref("crm_kpi_helpdesk_mgmt.crm_kpi_board_service")
        self.env["crm.kpi"]._refresh(periods=month, kpis=board.card_ids.kpi_id)
        self.env.flush_all()
        self.assertTrue(waiting.kpi_response_waiting)
        self.start_tour("/odoo", "crm_kpi_agent", login=self.ann.login)
        self._derive()
        self.assertFalse(waiting.kpi_response_waiting)
        self.assertEqual(waiting.kpi_first_response_user_id, self.ann)
