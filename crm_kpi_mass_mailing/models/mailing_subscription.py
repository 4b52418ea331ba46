# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models


class MailingSubscription(models.Model):
    _inherit = "mailing.subscription"

    def _kpi_note_opt_out(self):
        self.env["crm.kpi.opt.out"]._note(
            [
                {
                    "date": subscription.opt_out_datetime,
                    "email": subscription.contact_id.email_normalized,
                    "kind": "list",
                    "list_id": subscription.list_id.id,
                }
                for subscription in self
            ]
        )

    @api.model_create_multi
    def create(self, vals_list):
        subscriptions = super().create(vals_list)
        subscriptions.filtered("opt_out")._kpi_note_opt_out()
        return subscriptions

    def write(self, vals):
        before = self.filtered(lambda subscription: not subscription.opt_out)
        result = super().write(vals)
        before.filtered("opt_out")._kpi_note_opt_out()
        return result
