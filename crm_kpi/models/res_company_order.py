# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.tools import SQL

# settings that the facts of every order depend on, see sale.order._kpi_facts_query()
FACT_SETTINGS = {
    "kpi_margin_rate",
    "kpi_renewal_tag_id",
    "kpi_sample_tag_id",
    "sale_discount_product_id",
}


class ResCompany(models.Model):
    _inherit = "res.company"  # pylint: disable=consider-merging-classes-inherited

    kpi_sample_tag_id = fields.Many2one(
        "product.tag",
        string="Sample tag",
        default=lambda self: self._kpi_default_tag("kpi_sample_tag_id"),
        ondelete="set null",
        help="Products with this tag count as samples sent when an order with them is confirmed.",
    )
    kpi_renewal_tag_id = fields.Many2one(
        "crm.tag",
        string="Renewal tag",
        default=lambda self: self._kpi_default_tag("kpi_renewal_tag_id"),
        ondelete="set null",
        help="Orders with this tag renew a contract or subscription.",
    )

    def write(self, vals):
        result = super().write(vals)
        if FACT_SETTINGS.intersection(vals):
            self.env["sale.order"]._kpi_mark_orders(SQL("company_id = ANY(%s)", self.ids))
        return result

    @api.model
    def _kpi_default_tag(self, name):
        """A new company takes the tag that the others have."""
        # superuser: the others need not be visible to whoever creates the company
        return self.sudo().search([(name, "!=", False)], order="id", limit=1)[name]

    @api.model
    def _kpi_provide_tags(self):
        """The tags that the settings begin with. A name can only be given once: one that
        exists already is taken; and what users have tagged stays when the KPIs go."""
        for name, model_name, label in (
            ("kpi_sample_tag_id", "product.tag", "Sample"),
            ("kpi_renewal_tag_id", "crm.tag", "Renewal"),
        ):
            tags = self.env[model_name].with_context(lang=None)
            tag = tags.search([("name", "=", label)], limit=1) or tags.create({"name": label})
            companies = self.with_context(active_test=False).search([(name, "=", False)])
            companies.write({name: tag.id})
