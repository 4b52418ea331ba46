# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.crm_kpi.sql import select_list

from ..tickets import stamps

#: Closed stages of helpdesk_mgmt that do not mean solved, and stages that wait for others.
UNRESOLVED = (
    "helpdesk_mgmt.helpdesk_ticket_stage_cancelled",
    "helpdesk_mgmt.helpdesk_ticket_stage_rejected",
)
WAITING = ("helpdesk_mgmt.helpdesk_ticket_stage_awaiting",)
#: Settings that decide the stamps of the tickets in a stage.
SETTINGS = ("closed", "kpi_is_resolution", "kpi_is_waiting")


class HelpdeskTicketStage(models.Model):
    _inherit = "helpdesk.ticket.stage"

    kpi_is_resolution = fields.Boolean(
        "Means solved",
        help="Tickets closed in this stage count as solved. Off for stages such as cancelled or "
        "rejected, which close a ticket without solving it.",
    )
    kpi_is_waiting = fields.Boolean(
        "Waits for others",
        help="Tickets in this stage wait for the customer or a third party. The time in it can "
        "be left out of the hours to solution.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        return super().create(
            [{"kpi_is_resolution": vals.get("closed", False), **vals} for vals in vals_list]
        )

    def write(self, vals):
        changed = {
            name: self.filtered(lambda stage, name=name: stage[name] != bool(vals[name]))
            for name in SETTINGS
            if name in vals
        }
        result = super().write(vals)
        for name, stages in changed.items():
            stages._kpi_setting_changed(name, bool(vals[name]))
            if name == "closed" and "kpi_is_resolution" not in vals:
                stages.write({"kpi_is_resolution": vals[name]})
        return result

    def unlink(self):
        # tickets were closed in them: without a stage, they would seem to have been open
        closed = self.filtered("closed")
        # superuser: no user may delete them
        states = self.env["crm.kpi.ticket.state"].sudo().with_context(active_test=False)
        states.search([("stage_id", "in", closed.ids)]).unlink()
        return super().unlink()

    @api.model
    def _kpi_init_stages(self):
        """Set the fields of the stages that exist at the installation."""
        found = self.with_context(active_test=False).search([])

        def known(xmlids):
            refs = (self.env.ref(xmlid, raise_if_not_found=False) for xmlid in xmlids)
            return self.browse([ref.id for ref in refs if ref])

        (found.filtered("closed") - known(UNRESOLVED)).kpi_is_resolution = True
        known(WAITING).kpi_is_waiting = True

    def _kpi_setting_changed(self, setting, value):
        """Adjust the stamps of the tickets in these stages, and mark them."""
        if not self:
            return
        tickets = self.env["helpdesk.ticket"]
        self.env.flush_all()
        if values := stamps.changed_setting(setting, value):
            tickets._kpi_update(
                list(values),
                SQL(
                    "SELECT r.id, %s FROM helpdesk_ticket r WHERE r.stage_id = ANY(%s)",
                    select_list(values),
                    self.ids,
                ),
            )
            tickets.invalidate_model(list(values))
        # tickets that were in these stages earlier are not written
        self.env["crm.kpi.source"]._mark_changed("helpdesk.ticket")
        self.env.cr.execute(
            SQL(
                "INSERT INTO crm_kpi_dirty (res_model, res_id)"
                " SELECT 'helpdesk.ticket', id FROM helpdesk_ticket WHERE stage_id = ANY(%s)",
                self.ids,
            )
        )
