# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import models


class HelpdeskTicketStage(models.Model):
    _name = "helpdesk.ticket.stage"
    _inherit = ["helpdesk.ticket.stage", "crm.kpi.ticket.stage.mixin"]

    _kpi_ticket_model = "helpdesk.ticket"
    _kpi_unresolved_stages = (
        "helpdesk_mgmt.helpdesk_ticket_stage_cancelled",
        "helpdesk_mgmt.helpdesk_ticket_stage_rejected",
    )
    _kpi_waiting_stages = ("helpdesk_mgmt.helpdesk_ticket_stage_awaiting",)
