# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models


class EventEvent(models.Model):
    _inherit = "event.event"

    def write(self, vals):
        result = super().write(vals)
        if "user_id" in vals:
            # the attendees are credited to this user, but their own write dates do not change
            self.env["crm.kpi.source"]._mark_changed("event.registration")
        return result
