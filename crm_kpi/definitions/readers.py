# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Who may read the values of a KPI: the members of its groups, if it has some."""

from odoo.exceptions import AccessError


def has_figures(kpi):
    """Whether a reader of the definition may also read the values."""
    groups = kpi.sudo().group_ids  # superuser: the groups are compared, not shown
    return not groups or bool(groups & kpi.env.user.all_group_ids)


def check_figures(kpis):
    """Refuse users who are in none of the groups that may read the values."""
    for kpi in kpis:
        if not has_figures(kpi):
            # superuser: names of groups only, so that users know whom to ask
            raise AccessError(
                kpi.env._(
                    "%(kpi)s: only members of %(groups)s can read its values.",
                    kpi=kpi.name,
                    groups=", ".join(kpi.sudo().group_ids.mapped("full_name")),
                )
            )


def closed_to_user(kpis):
    """Those of the KPIs whose values the user may not read.

    The record rules say the same. This is for code that reads values as superuser.
    """
    if kpis.env.su:
        return kpis.browse()
    return kpis.filtered(lambda kpi: not has_figures(kpi))
