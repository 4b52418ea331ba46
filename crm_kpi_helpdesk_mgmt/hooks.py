# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Installation on a database with tickets."""


def post_init_hook(env):
    env["helpdesk.ticket.stage"]._kpi_init_stages()
    env["crm.kpi.backfill"]._begin(["tickets", "helpdesk.ticket"])


def pair_counter_metric(env, code, counter):
    """Set the counter-metric of a KPI when both are known.

    For KPIs of two addons that do not depend on each other: each of them calls it when it is
    installed, and the later call has an effect.
    """
    if len(env["crm.kpi"]._by_code([code, counter])) == 2:
        env["crm.kpi"]._pair_counters({code: counter})
