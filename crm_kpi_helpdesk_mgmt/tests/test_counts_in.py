# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""In which KPIs a ticket counts, on its form."""

from odoo.tests import tagged

from odoo.addons.crm_kpi.tests.test_catalogue import CatalogueCase
from odoo.addons.crm_kpi.tests.test_counts_in import CountsInMixin

from .common import TicketCommon


@tagged("post_install", "-at_install")
class TestTicketCountsIn(CountsInMixin, CatalogueCase, TicketCommon):
    def test_tickets(self):
        """Open, closed and reopened tickets, and one that was closed as a duplicate."""
        self.company.kpi_tz = "UTC"
        waiting = self._ticket("2026-10-10 09:00")
        solved = self._ticket("2026-10-10 09:00")
        self._move(solved, "2026-10-12 09:00", stage_id=self.done.id)
        reopened = self._ticket("2026-10-10 09:00")
        self._move(reopened, "2026-10-12 09:00", stage_id=self.done.id)
        self._move(reopened, "2026-10-13 09:00", stage_id=self.progress.id)
        with self.at("2026-11-20 12:00"):
            self._refresh("ticket_backlog", "tickets_resolved")
            for ticket in waiting | solved | reopened:
                self.check(ticket)
            included, _excluded = self.counts(waiting)
            self.assertEqual(included["Ticket backlog"], "now")
            included, excluded = self.counts(solved)
            self.assertEqual(included["Tickets resolved"], "October 2026")
            self.assertIn("Ticket backlog", excluded)

    def test_form(self):
        arch = self.env["helpdesk.ticket"].get_view(view_type="form")["arch"]
        self.assertIn("crm_kpi_counts_in", arch)
