# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models


class HelpdeskTicketStage(models.Model):
    _inherit = "helpdesk.ticket.stage"

    kpi_survey_id = fields.Many2one(
        "survey.survey",
        "Send survey",
        ondelete="set null",
        help="The customer gets this survey by mail when a ticket enters the stage. There is no "
        "second request for a ticket while the first is not answered, and none for duplicates of "
        "other tickets. The answer counts for the agent and team of the ticket.",
    )
