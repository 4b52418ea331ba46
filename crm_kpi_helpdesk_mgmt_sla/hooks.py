# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Installation on a database with SLAs."""

from odoo.addons.crm_kpi.stamps import create_columns
from odoo.addons.crm_kpi_helpdesk_mgmt.hooks import pair_counter_metric

from .models.helpdesk_ticket_sla import HelpdeskTicketSla


def pre_init_hook(env):
    create_columns(env.cr, HelpdeskTicketSla)


def post_init_hook(env):
    env["crm.kpi.backfill"]._begin(["slas"])
    # with crm_kpi_helpdesk_mgmt_rating: satisfaction is the better counter-metric of SLAs
    pair_counter_metric(env, "sla_success_rate", "csat_score")
