# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models


class CalendarEvent(models.Model):
    _inherit = "calendar.event"

    def _kpi_mark_leads(self):
        """A meeting with a prospect changes facts of its lead: mark it, nothing is computed."""
        # safe as superuser: only ids go to the queue, nothing is shown
        self.env["crm.lead"]._kpi_mark_dirty(self.sudo().opportunity_id.ids)

    @api.model_create_multi
    def create(self, vals_list):
        events = super().create(vals_list)
        events._kpi_mark_leads()
        return events

    def write(self, vals):
        if {"active", "opportunity_id", "start", "start_date"}.isdisjoint(vals):
            return super().write(vals)
        # before and after: a merge moves meetings from one lead to another
        self._kpi_mark_leads()
        result = super().write(vals)
        # a recurrence may have deleted some of them
        self.exists()._kpi_mark_leads()
        return result

    def unlink(self):
        self._kpi_mark_leads()
        return super().unlink()
