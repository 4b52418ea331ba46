# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models

from ...refresh.announce import BUS_CHANNEL


class IrWebsocket(models.AbstractModel):
    _inherit = "ir.websocket"

    def _build_bus_channel_list(self, channels):
        """Subscribe KPI users to the refreshes of their companies, KPI administrators to its runs.

        A client cannot ask for a channel that names a record, so no other user can subscribe.
        """
        channels = super()._build_bus_channel_list(channels)
        if self.env.user.has_group("crm_kpi.group_kpi_user"):
            channels.extend((company, BUS_CHANNEL) for company in self.env.user.company_ids)
        if self.env.user.has_group("crm_kpi.group_kpi_admin"):
            channels.append((self.env.ref("crm_kpi.group_kpi_admin"), BUS_CHANNEL))
        return channels
