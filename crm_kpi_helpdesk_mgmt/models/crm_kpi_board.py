# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, models

from ..tickets.attention import LateTickets


class CrmKpiBoard(models.Model):
    _inherit = "crm.kpi.board"

    @api.model
    def _attention_topics(self):
        return [*super()._attention_topics(), LateTickets()]
