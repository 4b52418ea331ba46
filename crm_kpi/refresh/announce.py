# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The channels on which open boards hear of new values, and *Health* of the scheduled refresh."""

#: Each company has this channel, and so has the group of KPI administrators; see the
#: ``ir.websocket`` model for the users who listen.
BUS_CHANNEL = "crm_kpi"


def announce(company):
    """Tell the open boards of a company that there are new values, not which."""
    company.env["bus.bus"]._sendone((company, BUS_CHANNEL), "crm_kpi/refreshed", {})


def announce_run(env, message):
    """Tell KPI administrators how far a run of the scheduled refresh is."""
    group = env.ref("crm_kpi.group_kpi_admin")
    env["bus.bus"]._sendone((group, BUS_CHANNEL), "crm_kpi/run", message)
