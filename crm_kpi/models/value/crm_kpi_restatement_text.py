# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models


class CrmKpiRestatement(models.Model):
    _inherit = "crm.kpi.restatement"

    locked_text = fields.Char("Reported value", compute="_compute_texts")
    now_text = fields.Char("Value now", compute="_compute_texts")

    @api.depends("value_locked", "value_now", "kpi_id")
    @api.depends_context("lang")
    def _compute_texts(self):
        for line in self:
            currency = line.company_id.currency_id
            line.locked_text = line.kpi_id._format_value(line.value_locked, currency)
            line.now_text = line.kpi_id._format_value(line.value_now, currency)
