# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Installation on a database with rated tickets."""


def post_init_hook(env):
    env["crm.kpi.backfill"]._begin(["ratings", "rating.rating"])
    # this is the better counter-metric, where crm_kpi_helpdesk_mgmt_sla is there already
    pair = {"sla_success_rate": "csat_score"}
    if len(env["crm.kpi"]._by_code(["sla_success_rate", "csat_score"])) == 2:
        env["crm.kpi"]._pair_counters(pair)
