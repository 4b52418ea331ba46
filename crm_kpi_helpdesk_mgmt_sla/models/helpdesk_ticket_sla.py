# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.crm_kpi_helpdesk_mgmt.tickets.credit import responsible_team, responsible_user


class HelpdeskTicketSla(models.Model):
    """User, team and customer of the ticket, stored on its SLAs.

    A change on the ticket writes the SLAs, so that the refresh sees it.
    """

    _name = "helpdesk.ticket.sla"
    _inherit = ["helpdesk.ticket.sla", "crm.kpi.fact.mixin"]

    kpi_born_met = fields.Boolean(
        "Met from the start",
        readonly=True,
        copy=False,
        help="The ticket was in the target stage, or a later one, when the SLA began. Such an SLA "
        "counts in no KPI.",
    )
    kpi_user_id = fields.Many2one(
        "res.users",
        "Agent",
        compute="_compute_kpi_user_id",
        store=True,
        help="User of the ticket at the closing; while it is open, its present user.",
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
            sla.kpi_user_id, _team = sla.ticket_id._kpi_responsible()

    @api.depends(
        "ticket_id.kpi_last_closed_date", "ticket_id.kpi_closed_team_id", "ticket_id.team_id"
    )
    def _compute_kpi_team_id(self):
        for sla in self:
            _user, sla.kpi_team_id = sla.ticket_id._kpi_responsible()

    @api.model_create_multi
    def create(self, vals_list):
        slas = super().create(vals_list)
        slas.filtered(lambda sla: sla.state == "accomplished")._kpi_stamp({"kpi_born_met": True})
        return slas

    @api.model
    def _kpi_backfill_stamps(self, first, last):
        """Fields of the SLAs from before the installation, for a range of ids.

        The first stage of a ticket is the old value of its first tracked change of stage.

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
                           %(user)s AS user_id, %(team)s AS team_id,
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
                user=responsible_user("t"),
                team=responsible_team("t"),
                first=first,
                last=last,
                field=self.env["ir.model.fields"]._get("helpdesk.ticket", "stage_id").id,
            )
        )
        return len(rows)
