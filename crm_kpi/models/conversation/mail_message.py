# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from collections import defaultdict

from odoo import api, models
from odoo.tools import SQL

from ...conversations import interactions

#: Fields that decide whether and how a message is an interaction.
CLASSIFYING = {
    "author_guest_id",
    "author_id",
    "date",
    "is_internal",
    "mail_activity_type_id",
    "message_type",
    "model",
    "res_id",
    "subject",
    "subtype_id",
}


class MailMessage(models.Model):
    _inherit = "mail.message"

    def _kpi_mark_records(self, known=None):
        """Mark the records that the messages are on.

        :param known: dict of message id to the id of its record
        """
        ids_by_model = defaultdict(set)
        # superuser: only ids go to the queue
        for message in self.sudo():
            model = self.env.get(message.model) if message.model else None
            if model is None or not getattr(model, "_kpi_has_interactions", False):
                continue
            if interactions.may_count(message.message_type, bool(message.mail_activity_type_id)):
                res_id = (known or {}).get(message.id) or message.res_id
                ids_by_model[message.model].add(res_id)
        for name, ids in ids_by_model.items():
            self.env[name]._kpi_mark_dirty(ids)

    @api.model_create_multi
    def create(self, vals_list):
        messages = super().create(vals_list)
        # the ORM does not keep the id of a new message's record: reading it costs a query
        messages._kpi_mark_records(
            {
                message.id: vals.get("res_id")
                for message, vals in zip(messages, vals_list, strict=True)
            }
        )
        return messages

    def write(self, vals):
        if CLASSIFYING.isdisjoint(vals):
            return super().write(vals)
        # before and after: a merge moves messages from one lead to another
        self._kpi_mark_records()
        result = super().write(vals)
        self._kpi_mark_records()
        return result

    def unlink(self):
        self._kpi_mark_records()
        # the rows are deleted with the messages: afterwards their customers are unknown
        self.env["crm.kpi.interaction"]._kpi_mark_customers(SQL("message_id = ANY(%s)", self.ids))
        return super().unlink()
