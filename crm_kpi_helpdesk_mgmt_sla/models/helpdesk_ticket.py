# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models


class HelpdeskTicket(models.Model):
    _inherit = "helpdesk.ticket"

    kpi_sla_state = fields.Selection(
        [
            ("missed", "Missed"),
            ("running", "Running"),
            ("hold", "On hold"),
            ("met", "Met"),
        ],
        "SLA",
        compute="_compute_kpi_sla_state",
        help="Missed when one of its SLAs is missed, also when the deadline has passed and the "
        "ticket is still open. Empty without an SLA that counts.",
    )

    @api.depends(
        "ticket_sla_ids.state",
        "ticket_sla_ids.deadline",
        "ticket_sla_ids.kpi_born_met",
        "ticket_sla_ids.expected_stage_id",
    )
    def _compute_kpi_sla_state(self):
        for ticket in self:
            slas = ticket.ticket_sla_ids.filtered(
                lambda sla: sla.expected_stage_id and not sla.kpi_born_met
            )
            states = set(slas.mapped("state"))
            if slas.filtered("expired"):
                ticket.kpi_sla_state = "missed"
            elif "in_progress" in states:
                ticket.kpi_sla_state = "running"
            elif "on_hold" in states:
                ticket.kpi_sla_state = "hold"
            else:
                ticket.kpi_sla_state = "met" if states else False
