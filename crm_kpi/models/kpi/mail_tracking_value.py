# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models

from ...definitions.definition_words import changed_text, source_at


class MailTrackingValue(models.Model):
    _inherit = "mail.tracking.value"

    def _tracking_value_format_model(self, model):
        """As in Odoo; filters, fields and formulas of KPIs and sources are shown in words."""
        formatted = super()._tracking_value_format_model(model)
        if model not in ("crm.kpi", "crm.kpi.source"):
            return formatted
        tracked = {value.id: value for value in self}
        for entry in formatted:
            value = tracked[entry["id"]]
            entry["oldValue"] = value._kpi_words(model, entry["oldValue"], is_new=False)
            entry["newValue"] = value._kpi_words(model, entry["newValue"], is_new=True)
            if model == "crm.kpi.source":
                info = entry["fieldInfo"]
                info["changedField"] = self.env._("Source › %s", info["changedField"])
        return formatted

    def _kpi_words(self, model, value, is_new):
        kpi = self.env["crm.kpi"].browse(self.mail_message_id.res_id).exists()
        source = source_at(kpi, self.mail_message_id, is_new)
        return changed_text(kpi, f"{model}.{self.field_id.name}", value, source)
