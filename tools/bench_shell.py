# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""``./run bench`` runs this file in Odoo's shell: one phase, whose figures go to a file."""

from odoo.addons.crm_kpi_demo import bench

bench.run(env, PHASE, FIGURES)  # noqa: F821  (given by Odoo's shell and by the command)
