# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Installation on a database with mailings."""


def post_init_hook(env):
    env["crm.kpi.opt.out"]._kpi_backfill()
    env["mailing.trace"]._kpi_mark_all_dirty()
    # derives the mailings first
    env["crm.kpi.opt.out"]._kpi_derive()
