# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How long a customer may be silent before the silence means something."""

from odoo import api, models
from odoo.tools import SQL

#: One gap in ten between orders may be longer than the inactivity that ends a customer.
LATE_SHARE = 0.9
#: Fewer gaps say nothing about what is usual.
LEAST_GAPS = 20


class CrmKpi(models.Model):
    _inherit = "crm.kpi"  # pylint: disable=consider-merging-classes-inherited

    def _compute_data_warning(self):
        result = super()._compute_data_warning()
        for kpi in self:
            # who is active or lost is a matter of the days of inactivity
            judges = any(
                part.source_model == "crm.kpi.customer.period" for part in kpi._aggregates_behind()
            )
            if judges and not kpi.data_warning:
                kpi.data_warning = self._inactivity_data_warning()
        return result

    @api.model
    def _inactivity_data_warning(self):
        """Warning when customers count as lost who are only late."""
        orders = self.env["sale.order"]
        orders.flush_model(["company_id", "kpi_gap_days", "kpi_is_qualifying"])
        # past the access rights on orders: one number of days tells nothing about any of them
        [[count, late]] = self.env.execute_query(
            SQL(
                """
                SELECT count(*), percentile_cont(%s) WITHIN GROUP (ORDER BY kpi_gap_days)
                  FROM sale_order
                 WHERE company_id = %s AND kpi_is_qualifying AND kpi_gap_days > 0
                """,
                LATE_SHARE,
                self.env.company.id,
            )
        )
        # superuser: a setting that every salesperson may know
        inactivity = self.env.company.sudo().kpi_inactivity_days
        if count < LEAST_GAPS or late <= inactivity:
            return False
        return self.env._(
            "One in ten orders comes more than %(late)s days after the order before, but customers "
            "count as lost after %(days)s days: many of them are only late. Set more days of "
            "inactivity in the settings.",
            late=round(late),
            days=inactivity,
        )
