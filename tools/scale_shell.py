# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""``./run scale`` runs this file in Odoo's shell: it generates the records and queues the back-fill."""

import sys

from odoo.addons.crm_kpi_demo.scale import BusinessDataError, generate, queue_history


def main(env, sizes):
    if "crm.kpi" not in env:
        sys.exit("crm_kpi is not installed here: name a new database, or install it first")
    if sizes["tickets"] and "helpdesk.ticket" not in env:
        sys.exit("crm_kpi_helpdesk_mgmt is not installed here: --tickets 0, or install it first")
    try:
        generate(env, **sizes)
    except BusinessDataError as error:
        sys.exit(f"{error}: name a new database")
    queue_history(env)
    env.cr.commit()


if __name__ == "__main__":
    main(env, SIZES)  # noqa: F821  (given by Odoo's shell and by the command)
