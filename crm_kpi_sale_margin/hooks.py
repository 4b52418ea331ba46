# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""With costs on the lines, the margin of every order is derived again."""


def post_init_hook(env):
    env["sale.order"]._kpi_mark_all_dirty()


def uninstall_hook(env):
    env["sale.order"]._kpi_mark_all_dirty()
