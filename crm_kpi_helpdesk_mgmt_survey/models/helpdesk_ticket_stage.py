# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models


class HelpdeskTicketStage(models.Model):
    _inherit = "helpdesk.ticket.stage"

    kpi_survey_id = fields.Many2one(
        "survey.survey",
        "Send survey",
        ondelete="set null",
        help="The customer gets this survey by mail when a ticket enters the stage. Who has not "
        "answered the last request for the ticket is not asked again, and duplicates of other "
        "tickets are left out. The answer counts for the ticket's agent and team.",
    )
