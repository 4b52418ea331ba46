# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models
from odoo.tools import SQL


class CrmKpiSource(models.Model):
    _inherit = "crm.kpi.source"

    def _period_join(self, model, query, periods, now, tz):
        join, day = super()._period_join(model, query, periods, now, tz)
        if self.model == "crm.kpi.survey.answer":
            # only the last answer of a participant in the period counts; an answer that was
            # replaced later in the quarter can be the last one of its month
            replaced = self._path_sql(model, "replaced_date", query)
            query.add_where(
                SQL(
                    "(%(replaced)s IS NULL OR %(replaced)s >= "
                    "(SELECT k.utc_to FROM crm_kpi_period k WHERE k.id = p.period_id))",
                    replaced=replaced,
                )
            )
        return join, day
