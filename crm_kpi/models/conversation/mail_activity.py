# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models

#: Fields that change the next step of a lead.
PLANNING = {"active", "date_deadline", "res_id", "res_model", "res_model_id"}


class MailActivity(models.Model):
    _inherit = "mail.activity"

    kpi_alert_case_id = fields.Many2one(
        "crm.kpi.alert.case", "KPI alert", readonly=True, ondelete="cascade", index="btree_not_null"
    )

    def _kpi_mark_leads(self):
        """Mark the leads of the activities: their next step may change."""
        # superuser: only ids go to the queue
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
