# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Installation on a database with history, and removal."""

from odoo.tools import SQL

from .fields import drop_followers
from .models.facts.account_move_line import AccountMoveLine
from .models.facts.crm_lead import CrmLead
from .models.facts.sale_order import SaleOrder
from .models.facts.sale_order_line import SaleOrderLine
from .stamps import create_columns

#: Extensions of tables with history. Their stored computed fields are filled in sets by
#: crm.kpi.backfill instead of being computed record by record.
WITH_HISTORY = (AccountMoveLine, CrmLead, SaleOrder, SaleOrderLine)


def pre_init_hook(env):
    create_columns(env.cr, *WITH_HISTORY)


def post_init_hook(env):
    env["crm.kpi.backfill"]._begin(
        [
            "orders",
            "leads",
            "invoice_lines",
            # after the stamps: the conversations of a lead depend on when it was won or lost
            "sale.order",
            "crm.lead",
            "res.partner",
            "account.move",
            "crm.kpi.customer",
        ]
    )


def uninstall_hook(env):
    """Delete what users entered and defined, before Odoo deletes the shipped records.

    Odoo deletes the shipped categories, sources and KPIs in groups. It logs an error for each
    group that holds a record to which others still refer.
    """
    # in SQL: the checks of a deletion protect formulas and values, which all go
    for table in ("crm_kpi_entry", "crm_kpi_cost", "crm_kpi"):
        env.cr.execute(SQL("DELETE FROM %s", SQL.identifier(table)))
    # they would fail in tables of other addons when the tables of this one are gone
    drop_followers(env.cr)
    env.invalidate_all()
