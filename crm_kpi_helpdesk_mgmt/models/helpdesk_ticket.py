# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.tools import SQL


class HelpdeskTicket(models.Model):
    """Names the fields of OCA's ticket for the facts of ``crm.kpi.ticket.mixin``.

    All other names are those the mixin takes by default.
    """

    _name = "helpdesk.ticket"
    _inherit = ["helpdesk.ticket", "crm.kpi.ticket.mixin"]

    _kpi_response_creation_subtypes = ("helpdesk_mgmt.hlp_tck_created",)

    kpi_closed_team_id = fields.Many2one(
        "helpdesk.ticket.team", "Closed by team", readonly=True, copy=False
    )
    kpi_first_closed_team_id = fields.Many2one(
        "helpdesk.ticket.team", "First closed by team", readonly=True, copy=False
    )

    # repetitions of a customer's ticket: by the one date and by the other
    _kpi_customer_created_idx = models.Index("(commercial_partner_id, create_date)")
    _kpi_customer_closed_idx = models.Index(
        "(commercial_partner_id, kpi_last_closed_date) WHERE kpi_last_closed_date IS NOT NULL"
    )
    _kpi_email_created_idx = models.Index(
        "(lower(substring(partner_email from '[^<>[:space:]]+@[^<>[:space:]]+')), create_date)"
    )
    _kpi_email_closed_idx = models.Index(
        "(lower(substring(partner_email from '[^<>[:space:]]+@[^<>[:space:]]+')),"
        " kpi_last_closed_date)"
        " WHERE kpi_last_closed_date IS NOT NULL AND commercial_partner_id IS NULL"
    )

    @api.model
    def _kpi_interaction_values(self):
        return {**super()._kpi_interaction_values(), "ticket_id": SQL("r.id")}
