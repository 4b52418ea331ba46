# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, models

from odoo.addons.crm_kpi.refresh.backfill import FillStep


class CrmKpiBackfill(models.Model):
    _inherit = "crm.kpi.backfill"

    @api.model
    def _steps(self, renew=False):
        ratings = self.env["rating.rating"]
        return super()._steps(renew) | {
            "ratings": FillStep(
                self.env._("ratings"), "rating_rating", ratings._kpi_backfill_stamps
            )
        }
