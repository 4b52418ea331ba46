# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.tools import SQL

# what the next step of a lead looks at
PLANNING = {"active", "date_deadline", "res_id", "res_model", "res_model_id"}


class MailActivityType(models.Model):
    _inherit = "mail.activity.type"

    kpi_touch = fields.Selection(
        [("letter", "Letter"), ("brochure", "Brochure")],
        "Counts in KPIs as",
        help="A done activity of this type is one letter or brochure sent to the customer. "
        "Calls and meetings count by themselves.",
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
        """Mark the records on which activities of these types were done: one INSERT."""
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


class MailActivity(models.Model):
    _inherit = "mail.activity"

    def _kpi_mark_leads(self):
        """The next step of a lead is that of its activities: mark it, nothing is computed."""
        # safe as superuser: only ids go to the queue, nothing is shown
        leads = self.sudo().filtered(lambda activity: activity.res_model == "crm.lead")
        self.env["crm.lead"]._kpi_mark_dirty(set(leads.mapped("res_id")))

    @api.model_create_multi
    def create(self, vals_list):
        activities = super().create(vals_list)
        activities._kpi_mark_leads()
        return activities

    def write(self, vals):
        if PLANNING.isdisjoint(vals):
            return super().write(vals)
        # before and after: a merge moves activities from one lead to another
        self._kpi_mark_leads()
        result = super().write(vals)
        self._kpi_mark_leads()
        return result

    def unlink(self):
        self._kpi_mark_leads()
        return super().unlink()
