# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Tickets on top of a board."""

from odoo.fields import Datetime, Domain

from odoo.addons.crm_kpi.board.attention import Topic, record_since_text, since_text


class LateTickets(Topic):
    """Open tickets without a first response that are over the response target."""

    key = "late_tickets"
    model = "helpdesk.ticket"
    icon = "fa-life-ring"
    aggregates = ("kpi_response_start:min",)
    next_order = "kpi_response_start, id"
    team_field = "team_id.kpi_team_id"

    def domain(self, context):
        # the first two conditions are derived by the refresh, the others are as of now
        return (
            Domain("kpi_response_waiting", "=", True)
            & Domain("kpi_response_due", "<", Datetime.to_string(context.now))
            & Domain("active", "=", True)
            & Domain("stage_id.closed", "=", False)
        )

    def text(self, env, count):
        if count == 1:
            return env._("1 ticket is over the response target")
        return env._("%s tickets are over the response target", count)

    def detail(self, context, since):
        return since_text(context, since)

    def record_detail(self, context, record):
        return record_since_text(context, record.kpi_response_start)
