# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models

from odoo.addons.crm_kpi.refresh.backfill import FillStep


class CrmKpiBackfill(models.Model):
    _inherit = "crm.kpi.backfill"

    @api.model
    def _steps(self, renew=False):
        inputs = self.env["survey.user_input"]
        return super()._steps(renew) | {
            "participations": FillStep(
                self.env._("participations in surveys"),
                "survey_user_input",
                inputs._kpi_backfill_stamps,
            )
        }
