# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, models
from odoo.fields import Domain


class CrmKpi(models.Model):
    _inherit = "crm.kpi"

    @api.model
    def _openable(self, records):
        """Ratings of the tickets that the user may read. Odoo lets employees read all ratings."""
        domain = super()._openable(records)
        if records._name == "rating.rating":
            domain &= Domain("kpi_ticket_id", "in", self.env["helpdesk.ticket"]._search([]))
        return domain
