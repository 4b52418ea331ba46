# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Installation on a database with history."""

from odoo.tools import sql

# Stored computed fields on tables with history. A column that exists is not computed record by
# record when the module is installed: crm.kpi.backfill fills it in sets.
COLUMNS = {
    "account_move_line": {
        "kpi_units": "float8",
    },
    "crm_lead": {
        "kpi_won_date": "timestamp",
        "kpi_won_user_id": "int4",
        "kpi_won_team_id": "int4",
        "kpi_lost_date": "timestamp",
        "kpi_lost_user_id": "int4",
        "kpi_lost_team_id": "int4",
        "kpi_was_lead": "bool",
        "kpi_opportunity_date": "timestamp",
        "kpi_days_to_opportunity": "float8",
        "kpi_days_to_win": "float8",
        "kpi_sales_cycle_days": "float8",
        "kpi_deal_amount": "numeric",
    },
    "sale_order": {
        "kpi_amount": "numeric",
        "kpi_is_qualifying": "bool",
    },
    "sale_order_line": {
        "kpi_categ_id": "int4",
    },
}


def pre_init_hook(env):
    for table, columns in COLUMNS.items():
        existing = sql.table_columns(env.cr, table)
        for name, column_type in columns.items():
            if name not in existing:
                sql.create_column(env.cr, table, name, column_type)


def post_init_hook(env):
    env["crm.kpi.backfill"]._begin(
        [
            "leads",
            "orders",
            "customers",
            "invoice_lines",
            # after the stamps: a lead's conversations look at when it was won or lost
            "sale.order",
            "crm.lead",
            "res.partner",
            "account.move",
            "crm.kpi.customer",
        ]
    )
