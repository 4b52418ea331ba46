# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.tools import SQL


class CrmKpiInteraction(models.Model):
    _inherit = "crm.kpi.interaction"

    @api.model
    def _kpi_message_sql(self):
        # the message is posted when the letter is created; the letter has its state and date
        parts = super()._kpi_message_sql()
        letter = SQL(
            "FROM snailmail_letter letter"
            " WHERE m.message_type = 'snailmail' AND letter.message_id = m.id"
        )
        return {
            "ignored": SQL(
                "(%s OR EXISTS (SELECT %s AND letter.state <> 'sent'))", parts["ignored"], letter
            ),
            "date": SQL(
                "COALESCE((SELECT min(letter.kpi_sent_date) %s), %s)", letter, parts["date"]
            ),
        }
