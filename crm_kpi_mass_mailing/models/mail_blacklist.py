# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.tools import email_normalize


class MailBlacklist(models.Model):
    _inherit = "mail.blacklist"

    def _kpi_note_block(self):
        now = fields.Datetime.now()
        self.env["crm.kpi.opt.out"]._note(
            [{"date": now, "email": entry.email, "kind": "block"} for entry in self]
        )

    @api.model_create_multi
    def create(self, vals_list):
        emails = [email_normalize(vals.get("email")) for vals in vals_list]
        entries = self.with_context(active_test=False)
        # create() returns the existing entry of an address that is blocked already
        existing = entries.search([("email", "in", [email for email in emails if email])])
        result = super().create(vals_list)
        (result - existing).filtered("active")._kpi_note_block()
        return result

    def write(self, vals):
        returned = self.filtered(lambda entry: not entry.active) if vals.get("active") else self[:0]
        result = super().write(vals)
        returned._kpi_note_block()
        return result
