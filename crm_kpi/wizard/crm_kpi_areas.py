# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..definitions import switching


class CrmKpiAreas(models.TransientModel):
    """Switches the KPIs of sales, service and marketing on or off.

    Which KPIs belong to an area is data of their category; see ``switching.areas_of()``.
    """

    _name = "crm.kpi.areas"
    _description = "Switch Areas of KPIs"

    sales = fields.Boolean(default=True)
    service = fields.Boolean("Customer service", default=True)
    marketing = fields.Boolean(default=True)
    on_ids = fields.Many2many("crm.kpi", string="Switched on", compute="_compute_kpis")
    off_ids = fields.Many2many("crm.kpi", string="Switched off", compute="_compute_kpis")
    on_count = fields.Integer("KPIs to switch on", compute="_compute_kpis")
    off_count = fields.Integer("KPIs to switch off", compute="_compute_kpis")

    def _compute_display_name(self):
        self.display_name = self.env._("Switch areas")

    @api.depends(*switching.AREAS)
    def _compute_kpis(self):
        for wizard in self:
            wizard.on_ids, wizard.off_ids = switching.for_areas(self.env, wizard._chosen())
            wizard.on_count, wizard.off_count = len(wizard.on_ids), len(wizard.off_ids)

    def _chosen(self):
        return {area for area in switching.AREAS if self[area]}

    def action_apply(self):
        """Switch the KPIs, and tell which of them were refused."""
        self.ensure_one()
        if not self._chosen():
            raise UserError(self.env._("Choose at least one area."))
        return switching.notification(self.env, switching.switch(self.on_ids, self.off_ids))
