# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.fields import Command


class SurveyInvite(models.TransientModel):
    _inherit = "survey.invite"

    kpi_res_model = fields.Char("Model it is sent for", readonly=True)
    kpi_res_id = fields.Many2oneReference("Sent for", model_field="kpi_res_model", readonly=True)

    @api.model
    def default_get(self, fields):
        values = super().default_get(fields)
        model = self.env.get(values.get("kpi_res_model") or "")
        if model is None:
            return values
        if "partner_ids" in fields and not values.get("partner_ids"):
            record = model.browse(values.get("kpi_res_id"))
            values["partner_ids"] = [Command.set(record.partner_id.ids)]
        if "template_id" in fields and not values.get("template_id"):
            template = self.env.ref("survey.mail_template_user_input_invite", False)
            values["template_id"] = template and template.id
        return values

    def _get_answers_values(self):
        values = super()._get_answers_values()
        if self.kpi_res_model:
            values.update(kpi_res_model=self.kpi_res_model, kpi_res_id=self.kpi_res_id)
        return values
