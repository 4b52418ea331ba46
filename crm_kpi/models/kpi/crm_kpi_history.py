# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""KPIs that say who is new: no value while old customers still look new.

A history that begins on a day, because older orders were not brought along, knows each customer
from the first order after it on. Nobody can be told to be new before those who bought earlier
have come again: for twelve months there is no value, which is not the same as a zero.
"""

from odoo import api, fields, models
from odoo.tools.misc import format_date

from ...engine import periods as calendar


class CrmKpi(models.Model):
    _inherit = "crm.kpi"  # pylint: disable=consider-merging-classes-inherited

    needs_history = fields.Boolean(
        "Needs known customers",
        help="Says who is new, who came back, or what a customer never bought before. No value in "
        "periods that begin less than twelve months after the day on which KPI history starts "
        "(see the settings): older orders are missing, and old customers would look new.",
    )

    def _is_reliable(self, period):
        """Whether enough is known of the customers for the KPI to have a value in the period."""
        known_from = self.needs_history and period.company_id._kpi_customers_known_from()
        return not known_from or period.date_from >= known_from

    def _zero_in(self, period):
        """Whether no record at all is a true zero in the period, rather than no value."""
        return self._zero_when_empty and self._is_reliable(period)

    @api.depends("needs_history")
    def _compute_data_warning(self):
        result = super()._compute_data_warning()
        for kpi in self.filtered(lambda kpi: not kpi.data_warning):
            if any(kpi._aggregates_behind().mapped("needs_history")):
                kpi.data_warning = self._history_data_warning()
        return result

    @api.model
    def _history_data_warning(self):
        """Warning while the running month has no value."""
        company = self.env.company
        known_from = company._kpi_customers_known_from()
        today = calendar.local_day(fields.Datetime.now(), company._kpi_tz())
        if not known_from or calendar.start_of("month", today) >= known_from:
            return False
        return self.env._(
            "KPI history starts on %(start)s, and what customers ordered earlier is not known: no "
            "value in periods that begin before %(known_from)s.",
            start=format_date(self.env, company.kpi_history_start),
            known_from=format_date(self.env, known_from),
        )
