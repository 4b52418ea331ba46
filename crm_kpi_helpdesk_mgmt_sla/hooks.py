# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Installation on a database with SLAs."""

from odoo.tools import sql

# A column that exists is not computed record by record when the module is installed.
COLUMNS = {
    "kpi_user_id": "int4",
    "kpi_team_id": "int4",
    "kpi_partner_id": "int4",
}


def pre_init_hook(env):
    existing = sql.table_columns(env.cr, "helpdesk_ticket_sla")
    for name, column_type in COLUMNS.items():
        if name not in existing:
            sql.create_column(env.cr, "helpdesk_ticket_sla", name, column_type)


def post_init_hook(env):
    env["crm.kpi.backfill"]._begin(["slas"])
    # satisfaction is the better counter-metric, where crm_kpi_helpdesk_mgmt_rating brings it
    pair = {"sla_success_rate": "csat_score"}
    if len(env["crm.kpi"]._by_code(["sla_success_rate", "csat_score"])) == 2:
        env["crm.kpi"]._pair_counters(pair)
