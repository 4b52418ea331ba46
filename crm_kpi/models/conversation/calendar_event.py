# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models

#: Fields that change the facts of leads and customers.
TRIGGERS = {"active", "opportunity_id", "partner_ids", "start", "start_date", "stop", "user_id"}


class CalendarEvent(models.Model):
    _inherit = "calendar.event"

    def _kpi_mark_leads(self):
        """Mark the leads of the meetings."""
        # superuser: only ids go to the queue
        self.env["crm.lead"]._kpi_mark_dirty(self.sudo().opportunity_id.ids)

    def _kpi_mark_customers(self):
        """Mark the attendees of meetings that took place: they are contacts with customers.

        A future meeting counts by itself once it is over.
        """
        now = fields.Datetime.now()
        # superuser: only ids go to the queue
        held = self.sudo().filtered(lambda event: event.stop and event.stop <= now)
        self.env["crm.kpi.customer"]._kpi_mark_dirty(held.partner_ids.ids)

    def _kpi_mark(self):
        self._kpi_mark_leads()
        self._kpi_mark_customers()

    @api.model_create_multi
    def create(self, vals_list):
        events = super().create(vals_list)
        events._kpi_mark()
        return events

    def write(self, vals):
        if TRIGGERS.isdisjoint(vals):
            return super().write(vals)
        # before and after: a merge moves meetings from one lead to another
        self._kpi_mark()
        result = super().write(vals)
        # a change of a recurrence may delete some of them
        self.exists()._kpi_mark()
        return result

    def unlink(self):
        self._kpi_mark()
        return super().unlink()
