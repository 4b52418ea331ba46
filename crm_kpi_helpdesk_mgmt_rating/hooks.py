# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Installation on a database with rated tickets."""

from odoo.addons.crm_kpi_helpdesk_mgmt.hooks import pair_counter_metric


def post_init_hook(env):
    env["crm.kpi.backfill"]._begin(["ratings", "rating.rating"])
    # with crm_kpi_helpdesk_mgmt_sla: satisfaction is the better counter-metric of SLAs
    pair_counter_metric(env, "sla_success_rate", "csat_score")
