# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models


class AccountAccount(models.Model):
    _inherit = "account.account"

    def write(self, vals):
        result = super().write(vals)
        if "account_type" in vals:
            # the write dates of the journal items, which the values are computed from, do not change
            source = self.env["crm.kpi.source"]
            for model in ("account.move.line", "crm.kpi.balance.period", "crm.kpi.cost.period"):
                source._mark_changed(model)
        return result
