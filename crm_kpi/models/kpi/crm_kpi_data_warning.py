# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import re
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

#: More lines than this share in one product category: crossing categories tells nothing.
ONE_CATEGORY = 0.8
#: Facts that compare product categories.
CATEGORY_FACTS = re.compile(r"cross_sell|cross_sold|upsell|upsold|expansion|expanded")


class CrmKpi(models.Model):
    _inherit = "crm.kpi"  # pylint: disable=consider-merging-classes-inherited

    data_warning = fields.Text(
        compute="_compute_data_warning",
        help="Why the number says little in this company at present.",
    )

    @api.depends("domain", "value_field", "component_ids")
    @api.depends_context("lang", "allowed_company_ids")
    def _compute_data_warning(self):
        for kpi in self:
            behind = kpi._aggregates_behind()
            compares = any(
                CATEGORY_FACTS.search(f"{part.domain} {part.value_field}") for part in behind
            )
            kpi.data_warning = compares and self._category_data_warning()

    @api.model
    def _category_data_warning(self):
        """Warning when nearly all that is sold is in one product category."""
        name, share = self._main_category()
        if share <= ONE_CATEGORY:
            return False
        names = {"share": f"{round(share * 100)}\u00a0%", "category": name}
        if not name:
            return self.env._(
                "%(share)s of the lines sold in the last twelve months have no product category. "
                "Cross-sell and upsell compare categories: give products categories first.",
                **names,
            )
        return self.env._(
            "%(share)s of the lines sold in the last twelve months are in the product category "
            "%(category)s. Cross-sell and upsell compare categories: with finer ones they would "
            "tell more.",
            **names,
        )

    @api.model
    def _main_category(self):
        """Name of the product category with most lines sold in a year, and its share."""
        lines = self.env["sale.order.line"]
        lines.flush_model()
        self.env["sale.order"].flush_model()
        # past the access rights on orders: one share tells nothing about any of them
        rows = self.env.execute_query(
            SQL(
                """
                SELECT l.kpi_categ_id, count(*)
                  FROM sale_order o
                  JOIN res_company co ON co.id = o.company_id
                  JOIN sale_order_line l ON l.order_id = o.id
                  JOIN product_product pp ON pp.id = l.product_id
                  JOIN product_template t ON t.id = pp.product_tmpl_id
                 WHERE o.company_id = %s AND o.state = 'sale' AND o.kpi_is_qualifying
                   AND o.date_order >= %s AND %s
              GROUP BY l.kpi_categ_id
              ORDER BY count(*) DESC, l.kpi_categ_id
                """,
                self.env.company.id,
                fields.Datetime.now() - timedelta(days=365),
                self.env["sale.order"]._kpi_goods_condition(),
            )
        )
        if not rows:
            return False, 0.0
        category, count = rows[0]
        # superuser: the name of a product category is no secret
        name = self.env["product.category"].sudo().browse(category or []).display_name
        return name, count / sum(lines for _category, lines in rows)
