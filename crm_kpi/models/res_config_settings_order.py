# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"  # pylint: disable=consider-merging-classes-inherited

    kpi_sample_tag_id = fields.Many2one(related="company_id.kpi_sample_tag_id", readonly=False)
    kpi_renewal_tag_id = fields.Many2one(related="company_id.kpi_renewal_tag_id", readonly=False)
