# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Installation on a database with surveys."""


def post_init_hook(env):
    env["crm.kpi.backfill"]._begin(["participations"])
