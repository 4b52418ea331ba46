# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models

from odoo.addons.crm_kpi.refresh.backfill import FillStep


class CrmKpiBackfill(models.Model):
    _inherit = "crm.kpi.backfill"

    @api.model
    def _steps(self, renew=False):
        letters = self.env["snailmail.letter"]
        return super()._steps(renew) | {
            "letters": FillStep(
                self.env._("letters"), "snailmail_letter", letters._kpi_backfill_stamps
            )
        }
