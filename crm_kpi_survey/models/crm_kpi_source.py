# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models
from odoo.tools import SQL


class CrmKpiSource(models.Model):
    _inherit = "crm.kpi.source"

    def _has_pieces(self):
        # which answer is the last one depends on the period
        return self.model != "crm.kpi.survey.answer" and super()._has_pieces()

    def _restrict_facts(self, facts):
        result = super()._restrict_facts(facts)
        if self.model == "crm.kpi.survey.answer":
            # Only the last answer of a participant in the period counts. An answer that is
            # replaced in the same quarter may be the last one of its month.
            replaced = facts.path("replaced_date")
            facts.query.add_where(
                SQL(
                    "(%(replaced)s IS NULL OR %(replaced)s >= "
                    "(SELECT k.utc_to FROM crm_kpi_period k WHERE k.id = p.period_id))",
                    replaced=replaced,
                )
            )
        return result
