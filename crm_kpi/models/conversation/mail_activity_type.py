# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models
from odoo.tools import SQL


class MailActivityType(models.Model):
    _inherit = "mail.activity.type"

    kpi_touch = fields.Selection(
        [("letter", "Letter"), ("brochure", "Brochure")],
        "Counts in KPIs as",
        help="A done activity of this type counts as one letter or brochure sent to the "
        "customer. Calls and meetings need no setting.",
    )

    def write(self, vals):
        changed = self.filtered(
            lambda kind: any(
                name in vals and kind[name] != vals[name] for name in ("kpi_touch", "category")
            )
        )
        result = super().write(vals)
        if changed:
            changed._kpi_mark_records()
        return result

    def _kpi_mark_records(self):
        """Mark the records on which activities of these types were done."""
        models = self.env["crm.kpi.interaction"]._kpi_models()
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO crm_kpi_dirty (res_model, res_id)
                     SELECT DISTINCT model, res_id
                       FROM mail_message
                      WHERE mail_activity_type_id = ANY(%s) AND model = ANY(%s) AND res_id > 0
                """,
                self.ids,
                [model._name for model in models],
            )
        )
