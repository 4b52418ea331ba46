# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The channel on which open boards hear of new values."""

#: Each company has this channel; see the ``ir.websocket`` model for the users who listen.
BUS_CHANNEL = "crm_kpi"


def announce(company):
    """Tell the open boards of a company that there are new values, not which."""
    company.env["bus.bus"]._sendone((company, BUS_CHANNEL), "crm_kpi/refreshed", {})
