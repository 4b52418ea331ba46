# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo.fields import Command

from ..history.catalog import PRODUCTS
from .base import Story


class ProductStory(Story):
    """The products, by name."""

    name = "product"

    def create_records(self):
        categories = self.env["product.category"].create([{"name": name} for name in PRODUCTS])
        products = self.env["product.product"].create(
            [
                {
                    "name": name,
                    "list_price": price,
                    "categ_id": category.id,
                    "type": "service" if category.name == "Services" else "consu",
                    "taxes_id": [Command.clear()],
                }
                for category in categories
                for name, price in PRODUCTS[category.name]
            ]
        )
        self.demo.products = {product.name: product for product in products}
