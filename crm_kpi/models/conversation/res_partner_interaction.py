# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.tools import SQL


class ResPartner(models.Model):
    """Messages on contacts are interactions of the company they belong to."""

    _name = "res.partner"
    _inherit = ["res.partner", "crm.kpi.correspondence.mixin"]

    # a contact that all companies share is nobody's: the author's company has to do
    _kpi_response_user_field = ""
    _kpi_response_team_field = ""
    _kpi_response_partner_field = "id"

    @api.model
    def _kpi_interaction_record_sql(self):
        # what colleagues tell each other is no contact with a customer
        return SQL(
            "%s AND %s",
            super()._kpi_interaction_record_sql(),
            self.env["sale.order"]._kpi_external_condition(SQL("r.commercial_partner_id")),
        )
