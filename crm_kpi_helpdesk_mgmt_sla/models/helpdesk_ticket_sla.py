# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.tools import SQL


class HelpdeskTicketSla(models.Model):
    """Whose SLA it is, as fields of its own: a change on the ticket is a change of the SLA,
    which is how the refresh sees it."""

    _name = "helpdesk.ticket.sla"
    _inherit = ["helpdesk.ticket.sla", "crm.kpi.fact.mixin"]

    kpi_born_met = fields.Boolean(
        "Met from the start",
        readonly=True,
        copy=False,
        help="The ticket was in the target stage, or beyond, when the SLA began: nothing was "
        "achieved, so it counts in no KPI.",
    )
    kpi_user_id = fields.Many2one(
        "res.users",
        "Agent",
        compute="_compute_kpi_user_id",
        store=True,
        help="Who had the ticket at the closing; while it is open, who has it.",
    )
    kpi_team_id = fields.Many2one(
        "helpdesk.ticket.team", "Team", compute="_compute_kpi_team_id", store=True
    )
    kpi_partner_id = fields.Many2one(
        "res.partner", "Customer", related="ticket_id.commercial_partner_id", store=True
    )

    @api.depends(
        "ticket_id.kpi_last_closed_date", "ticket_id.kpi_closed_user_id", "ticket_id.user_id"
    )
    def _compute_kpi_user_id(self):
        for sla in self:
            ticket = sla.ticket_id
            closed = ticket.kpi_last_closed_date
            sla.kpi_user_id = ticket.kpi_closed_user_id if closed else ticket.user_id

    @api.depends(
        "ticket_id.kpi_last_closed_date", "ticket_id.kpi_closed_team_id", "ticket_id.team_id"
    )
    def _compute_kpi_team_id(self):
        for sla in self:
            ticket = sla.ticket_id
            closed = ticket.kpi_last_closed_date
            sla.kpi_team_id = ticket.kpi_closed_team_id if closed else ticket.team_id

    @api.model_create_multi
    def create(self, vals_list):
        slas = super().create(vals_list)
        slas.filtered(lambda sla: sla.state == "accomplished")._kpi_stamp({"kpi_born_met": True})
        return slas

    @api.model
    def _kpi_backfill_stamps(self, first, last):
        """Fields of the SLAs that are older than this module, for a range of ids.

        The stage that a ticket began in is the old value of its first change of stage.

        :return: number of SLAs that changed
        """
        rows = self.env.execute_query(
            SQL(
                """
                WITH began AS (
                    SELECT DISTINCT ON (m.res_id) m.res_id AS ticket_id,
                           v.old_value_integer AS stage_id
                      FROM mail_tracking_value v
                      JOIN mail_message m ON m.id = v.mail_message_id
                       AND m.model = 'helpdesk.ticket'
                     WHERE v.field_id = %(field)s
                       AND m.res_id IN (SELECT ticket_id FROM helpdesk_ticket_sla
                                         WHERE id BETWEEN %(first)s AND %(last)s)
                  ORDER BY m.res_id, v.create_date, v.id
                ),
                fact AS (
                    SELECT s.id, t.commercial_partner_id AS partner_id,
                           CASE WHEN t.kpi_last_closed_date IS NULL THEN t.user_id
                                ELSE t.kpi_closed_user_id END AS user_id,
                           CASE WHEN t.kpi_last_closed_date IS NULL THEN t.team_id
                                ELSE t.kpi_closed_team_id END AS team_id,
                           COALESCE(first.sequence, 0) >= COALESCE(target.sequence, 0) AS born_met
                      FROM helpdesk_ticket_sla s
                      JOIN helpdesk_ticket t ON t.id = s.ticket_id
                 LEFT JOIN began b ON b.ticket_id = t.id
                 LEFT JOIN helpdesk_ticket_stage first
                        ON first.id = COALESCE(b.stage_id, t.stage_id)
                 LEFT JOIN helpdesk_ticket_stage target ON target.id = s.expected_stage_id
                     WHERE s.kpi_born_met IS NULL AND s.id BETWEEN %(first)s AND %(last)s
                )
                UPDATE helpdesk_ticket_sla s
                   SET kpi_partner_id = f.partner_id, kpi_user_id = f.user_id,
                       kpi_team_id = f.team_id, kpi_born_met = f.born_met
                  FROM fact f
                 WHERE f.id = s.id
             RETURNING s.id
                """,
                first=first,
                last=last,
                field=self.env["ir.model.fields"]._get("helpdesk.ticket", "stage_id").id,
            )
        )
        return len(rows)
