# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models

from ...definitions.choices import METRIC_CLASSES


class CrmKpiOptional(models.Model):
    """A KPI that becomes available when an app is installed.

    The KPI library shows these KPIs while their app is missing. ``./run kpi-table`` generates the
    rows from the data files of the glue addons.
    """

    _name = "crm.kpi.optional"
    _description = "Optional KPI"
    _order = "sequence, id"

    module = fields.Char(required=True, help="The addon that defines the KPI.")
    apps = fields.Char(required=True, help="Technical names of the apps that the KPI needs.")
    code = fields.Char(required=True)
    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer()
    category_id = fields.Many2one("crm.kpi.category", required=True, ondelete="cascade")
    metric_class = fields.Selection(METRIC_CLASSES, required=True)
    description = fields.Text(translate=True)

    _code_uniq = models.Constraint("UNIQUE(code)", "Another addon defines this code already.")

    def _modules(self, names):
        """The module records with these technical names."""
        # superuser: only names and states of apps
        return self.env["ir.module.module"].sudo().search([("name", "in", list(names))])

    def _app_names(self):
        """Dict of each optional KPI to the titles of the apps it needs."""
        needed = {kpi: kpi.apps.split(",") for kpi in self}
        titles = {
            module.name: module.shortdesc
            for module in self._modules({name for names in needed.values() for name in names})
        }
        return {
            kpi: ", ".join(titles.get(name) or name for name in names)
            for kpi, names in needed.items()
        }
