# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Installation on a database with tickets."""


def post_init_hook(env):
    env["helpdesk.ticket.stage"]._kpi_init_stages()
    env["crm.kpi.backfill"]._begin(["tickets", "helpdesk.ticket"])
