# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from contextlib import contextmanager
from unittest.mock import patch

from freezegun import freeze_time

from odoo.addons.crm_kpi.tests.common_interaction import InteractionCommon, dt


class TicketCommon(InteractionCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        Stage = cls.env["helpdesk.ticket.stage"]
        ref = cls.env.ref
        cls.new = ref("helpdesk_mgmt.helpdesk_ticket_stage_new")
        cls.progress = ref("helpdesk_mgmt.helpdesk_ticket_stage_in_progress")
        cls.awaiting = ref("helpdesk_mgmt.helpdesk_ticket_stage_awaiting")
        cls.done = ref("helpdesk_mgmt.helpdesk_ticket_stage_done")
        cls.cancelled = ref("helpdesk_mgmt.helpdesk_ticket_stage_cancelled")
        cls.rejected = ref("helpdesk_mgmt.helpdesk_ticket_stage_rejected")
        cls.stages = Stage.browse(
            [s.id for s in (cls.new, cls.progress, cls.awaiting, cls.done, cls.cancelled)]
        )
        cls.stages.mail_template_id = False
        cls.category = cls.env["helpdesk.ticket.category"].create({"name": "Printers"})
        cls.company.resource_calendar_id = False
        cls.created = ref("helpdesk_mgmt.hlp_tck_created")

    @contextmanager
    def at(self, when):
        """Set all clocks: Python's and the transaction's."""
        with freeze_time(when), patch.object(self.env.cr, "now", lambda: dt(when)):
            yield
            self.env.flush_all()

    def _ticket(self, created, by=None, **vals):
        """A ticket created at a given time by a user; ``by`` None is the robot (a mail, a form)."""
        with self.at(created):
            ticket = self.env["helpdesk.ticket"].create(
                {
                    "name": "Ticket",
                    "description": "text",
                    "partner_id": self.contact.id,
                    "category_id": self.category.id,
                    "user_id": self.ann.id,
                    "stage_id": self.new.id,
                    **vals,
                }
            )
        return self._dates(ticket, create_date=dt(created), create_uid=by.id if by else 1)

    def _move(self, ticket, when, **vals):
        with self.at(when):
            ticket.write(vals)

    def _derive(self):
        self.env["helpdesk.ticket"]._kpi_derive()
