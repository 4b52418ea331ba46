# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, models

from odoo.addons.crm_kpi.refresh.backfill import FillStep


class CrmKpiBackfill(models.Model):
    _inherit = "crm.kpi.backfill"

    @api.model
    def _forget(self, records):
        if records._name == "helpdesk.ticket":
            # superuser: no user may delete them, and they are filled in again
            self.env["crm.kpi.ticket.state"].sudo().with_context(active_test=False).search(
                [("ticket_id", "in", records.ids)]
            ).unlink()
        return super()._forget(records)

    @api.model
    def _steps(self, renew=False):
        tickets = self.env["helpdesk.ticket"]
        return super()._steps(renew) | {
            "tickets": FillStep(
                self.env._("tickets"), "helpdesk_ticket", tickets._kpi_backfill_stamps
            )
        }
