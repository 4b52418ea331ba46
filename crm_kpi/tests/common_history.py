# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A company with salespeople, customers and products, and a clock that the tests set."""

from contextlib import contextmanager
from datetime import datetime
from unittest.mock import patch

from odoo import Command
from odoo.tests import TransactionCase, freeze_time, new_test_user

from ..models.facts.sale_order import SaleOrder


def utc(text):
    """Naive UTC datetime of ``YYYY-MM-DD[ HH:MM[:SS]]``."""
    return datetime.fromisoformat(text)


class HistoryCase(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context=dict(cls.env.context, tracking_disable=True))
        euro = cls.env.ref("base.EUR")
        euro.active = True
        cls.company = cls.env["res.company"].create(
            {
                "name": "History Ltd",
                "currency_id": euro.id,
                "kpi_tz": "Europe/Brussels",
                "kpi_week_start": "1",
                "kpi_min_cell": 0,  # examples are small
            }
        )
        for user in cls.env.user + cls.env.ref("base.user_admin"):
            user.company_ids |= cls.company
        cls.env = cls.env(
            context=dict(cls.env.context, allowed_company_ids=cls.company.ids),
        )
        cls.company = cls.env["res.company"].browse(cls.company.id)
        cls.ann, cls.bob = (
            new_test_user(
                cls.env,
                login=f"history_{name}",
                name=name,
                groups="sales_team.group_sale_salesman_all_leads",
                company_id=cls.company.id,
                company_ids=[Command.set(cls.company.ids)],
            )
            for name in ("Ann", "Bob")
        )
        cls.north, cls.south = cls.env["crm.team"].create(
            [
                {"name": "North", "company_id": cls.company.id, "user_id": False},
                {"name": "South", "company_id": cls.company.id, "user_id": False},
            ]
        )
        cls.env["crm.team.member"].create(
            [
                {"crm_team_id": cls.north.id, "user_id": cls.ann.id},
                {"crm_team_id": cls.south.id, "user_id": cls.bob.id},
            ]
        )
        cls.stage_new, cls.stage_won, cls.stage_paid = cls.env["crm.stage"].create(
            [
                {"name": "History new", "sequence": 1},
                {"name": "History won", "sequence": 50, "is_won": True},
                {"name": "History paid", "sequence": 60, "is_won": True},
            ]
        )
        cls.chairs, cls.desks, cls.lamps = cls.env["product.category"].create(
            [{"name": "Chairs"}, {"name": "Desks"}, {"name": "Lamps"}]
        )
        cls.goods = cls._product("Goods")

    @contextmanager
    def at(self, when):
        """Set all clocks that Odoo reads to ``when`` (UTC) during the block."""
        moment = utc(when) if isinstance(when, str) else when
        with freeze_time(moment), patch.object(self.env.cr, "now", lambda: moment):
            yield
            self.env.flush_all()
            # states of leads are written before a commit
            self.env["crm.kpi.lead.state"].sudo()._write_states()

    def _margins_by_rate(self):
        """Compute margins by the company's margin rate, also when crm_kpi_sale_margin is
        installed."""
        orders = self.env.registry["sale.order"]
        self.patch(orders, "_kpi_margin_sql", SaleOrder._kpi_margin_sql)

    @classmethod
    def _product(cls, name, categ=None, price=1.0):
        return cls.env["product.product"].create(
            {
                "name": name,
                "type": "service",
                "categ_id": categ.id if categ else False,
                "list_price": price,
                "taxes_id": [Command.clear()],
            }
        )

    @classmethod
    def _customer(cls, name="Customer", **values):
        return cls.env["res.partner"].create({"name": name, "is_company": True, **values})

    @classmethod
    def _order(cls, partner, date, amount=100.0, lines=None, state="sale", user=None, **values):
        """An order in the past, as an import creates it.

        :param lines: list of ``(product, quantity, price)`` instead of one line of ``amount``
        """
        if lines is None:
            lines = [(cls.goods, 1.0, amount)]
        return cls.env["sale.order"].create(
            {
                "partner_id": partner.id,
                "date_order": date,
                "state": state,
                "user_id": user.id if user else False,
                "company_id": cls.company.id,
                "order_line": [
                    Command.create(
                        {
                            "product_id": product.id,
                            "product_uom_qty": quantity,
                            "price_unit": price,
                            "tax_ids": [Command.clear()],
                        }
                    )
                    for product, quantity, price in lines
                ],
                **values,
            }
        )

    @classmethod
    def _lead(cls, **values):
        return cls.env["crm.lead"].create(
            {
                "name": "Deal",
                "type": "opportunity",
                "company_id": cls.company.id,
                "user_id": cls.ann.id,
                "stage_id": cls.stage_new.id,
                **values,
            }
        )

    def _derive_orders(self):
        self.env["sale.order"]._kpi_derive()
