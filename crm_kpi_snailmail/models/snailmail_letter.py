# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.tools import SQL


class SnailmailLetter(models.Model):
    _inherit = "snailmail.letter"

    kpi_sent_date = fields.Datetime(
        "Sent on",
        readonly=True,
        copy=False,
        help="When the letter was sent. It counts from then on.",
    )

    def write(self, vals):
        if "state" not in vals:
            return super().write(vals)
        if vals["state"] == "sent":
            vals = {"kpi_sent_date": fields.Datetime.now(), **vals}
        result = super().write(vals)
        # superuser: only marks the records of the letters
        self.sudo().message_id._kpi_mark_records()
        return result

    @api.model
    def _kpi_backfill_stamps(self, first, last):
        """Dates of letters from before the installation, for a range of ids.

        The last change of a sent letter is taken as its sending. The records of the letters are
        marked.

        :return: number of letters that changed
        """
        rows = self.env.execute_query(
            SQL(
                "UPDATE snailmail_letter SET kpi_sent_date = write_date"
                " WHERE state = 'sent' AND kpi_sent_date IS NULL AND id BETWEEN %s AND %s"
                " RETURNING id",
                first,
                last,
            )
        )
        self.env.execute_query(
            SQL(
                """
                INSERT INTO crm_kpi_dirty (res_model, res_id)
                     SELECT DISTINCT m.model, m.res_id
                       FROM snailmail_letter letter
                       JOIN mail_message m ON m.id = letter.message_id
                      WHERE m.model = ANY(%s) AND m.res_id > 0
                        AND letter.id BETWEEN %s AND %s
                  RETURNING id
                """,
                [model._name for model in self.env["crm.kpi.interaction"]._kpi_models()],
                first,
                last,
            )
        )
        return len(rows)
