# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, models

from odoo.addons.crm_kpi.refresh.backfill import FillStep


class CrmKpiBackfill(models.Model):
    _inherit = "crm.kpi.backfill"

    @api.model
    def _steps(self, renew=False):
        slas = self.env["helpdesk.ticket.sla"]
        return super()._steps(renew) | {
            "slas": FillStep(
                self.env._("SLAs of tickets"), "helpdesk_ticket_sla", slas._kpi_backfill_stamps
            )
        }
