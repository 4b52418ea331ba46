# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A refresh of some KPIs that a manager starts by hand."""

from odoo.exceptions import AccessError, UserError


def refresh_now(kpis):
    """Compute now what is due of some KPIs.

    :return: action that names the KPIs that another refresh computes; ``None`` without such KPIs
    """
    env = kpis.env
    if not env.user.has_group("crm_kpi.group_kpi_manager"):
        raise AccessError(env._("Only KPI managers can start a refresh."))
    history = env["crm.kpi.backfill"]
    if history._is_pending():
        raise UserError(
            env._(
                "The history is still being read: %s. The values are computed when it is complete.",
                history._progress_text(),
            )
        )
    # superuser: values are computed for all readers; record rules apply when they are read
    written = kpis.sudo()._refresh(kpis=kpis.sudo())
    if not written.skipped:
        return None
    return {
        "type": "ir.actions.client",
        "tag": "display_notification",
        "params": {
            "type": "warning",
            "message": env._(
                "Another refresh computes the values of: %s.", ", ".join(written.skipped)
            ),
            "next": {"type": "ir.actions.client", "tag": "soft_reload"},
        },
    }
