# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models
from odoo.tools import SQL

from ..traces import DEFAULT_CLICK_SECONDS


class ResCompany(models.Model):
    _inherit = "res.company"

    kpi_click_seconds = fields.Integer(
        string="Ignore early clicks (seconds)",
        default=DEFAULT_CLICK_SECONDS,
        help="Virus scanners click the links of a mail as soon as it arrives. A click within this "
        "number of seconds after the sending does not count as a response. "
        "0: every click is a response.",
    )
    kpi_marketing_board_id = fields.Many2one(
        "crm.kpi.board",
        string="Marketing starts on",
        domain=[("user_id", "=", False)],
        ondelete="set null",
        help="The board that KPIs opens for users of email marketing who do not sell. Empty: the "
        "first board on which they have values. A favorite of the user comes first.",
    )

    _kpi_click_positive = models.Constraint(
        "CHECK (kpi_click_seconds >= 0)", "Ignore early clicks: enter 0 or more seconds."
    )

    def write(self, vals):
        result = super().write(vals)
        if "kpi_click_seconds" in vals:
            traces = self.env["mailing.trace"]
            traces.flush_model()
            # only traces with a click can change
            rows = self.env.execute_query(
                SQL("SELECT id FROM mailing_trace WHERE links_click_datetime IS NOT NULL")
            )
            traces._kpi_mark_dirty([id_ for (id_,) in rows])
            self.env["crm.kpi.source"]._mark_changed("mailing.trace")
        return result
