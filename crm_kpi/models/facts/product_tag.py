# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from contextlib import contextmanager

from odoo import api, models


class ProductTag(models.Model):
    """A tag of the settings says which products are samples: changing the products of the tag
    changes the facts of the orders that contain them."""

    _inherit = "product.tag"

    @api.model
    @contextmanager
    def _kpi_watch_samples(self):
        """Mark the orders of the products that become samples inside, or stop being samples."""
        before = self._kpi_samples()
        yield
        after = self._kpi_samples()
        if changed := (before - after) | (after - before):
            self.env["sale.order"]._kpi_mark_products(changed)

    @api.model
    def _kpi_samples(self):
        # superuser: only decides which orders are marked, in all companies
        companies = self.env["res.company"].sudo().with_context(active_test=False)
        tags = companies.search([("kpi_sample_tag_id", "!=", False)]).kpi_sample_tag_id
        templates = tags.product_template_ids.product_variant_ids
        return templates | tags.product_product_ids

    def write(self, vals):
        if not vals.keys() & {"product_template_ids", "product_product_ids"}:
            return super().write(vals)
        with self._kpi_watch_samples():
            return super().write(vals)

    def unlink(self):
        with self._kpi_watch_samples():
            return super().unlink()
