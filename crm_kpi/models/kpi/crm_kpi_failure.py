# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models


class CrmKpiFailure(models.Model):
    """A part of the refresh that failed and concerns no single KPI.

    A failure of a KPI is noted on the KPI. :mod:`~odoo.addons.crm_kpi.refresh.failures` writes
    both; *Health* lists all.
    """

    _name = "crm.kpi.failure"
    _description = "KPI: failed part of the refresh"
    _log_access = False
    _rec_name = "title"

    name = fields.Char("Key", required=True)
    title = fields.Char("What failed", required=True)
    company_id = fields.Many2one("res.company", ondelete="cascade", index="btree_not_null")
    error = fields.Text(required=True)
    date = fields.Datetime("Since", required=True)

    _name_uniq = models.Constraint("UNIQUE(name)", "A part of the refresh has one failure.")

    @api.model
    def _note(self, name, title, error, company=None):
        """Note a failure; the one of an earlier run keeps its date."""
        values = {"title": title, "error": error, "company_id": company.id if company else False}
        if failure := self.search([("name", "=", name)]):
            failure.write(values)
        else:
            self.create({"name": name, "date": fields.Datetime.now(), **values})

    @api.model
    def _forget(self, name):
        """The part was run without a failure."""
        self.search([("name", "=", name)]).unlink()
