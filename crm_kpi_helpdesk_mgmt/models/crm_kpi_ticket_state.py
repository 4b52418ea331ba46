# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models


class CrmKpiTicketState(models.Model):
    """A time in which a ticket had the same stage, user and team: for the backlogs of the past.

    Written by :mod:`..tickets.states` only.
    """

    _name = "crm.kpi.ticket.state"
    _description = "KPI: earlier state of a ticket"
    _order = "ticket_id, date_from, id"
    _rec_name = "ticket_id"

    #: read by :mod:`odoo.addons.crm_kpi.refresh.past`
    _kpi_history_record = "ticket_id"

    ticket_id = fields.Many2one(
        "helpdesk.ticket", required=True, readonly=True, index=True, ondelete="cascade"
    )
    date_from = fields.Datetime("From", readonly=True, help="Empty: since the creation.")
    date_to = fields.Datetime("Until", readonly=True, help="Empty: now.")
    stage_id = fields.Many2one(
        "helpdesk.ticket.stage",
        readonly=True,
        index=True,
        help="Empty: open, in a stage that is not known any more.",
    )
    user_id = fields.Many2one("res.users", "Assigned user", readonly=True)
    team_id = fields.Many2one("helpdesk.ticket.team", readonly=True)
    active = fields.Boolean(readonly=True)
