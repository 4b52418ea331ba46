# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models

from .crm_kpi import METRIC_CLASSES


class CrmKpiOffer(models.Model):
    """A KPI that a glue addon brings once its app is installed.

    Written by ``tools/kpi_offers.py`` from the data files of the glue addons; until one is
    installed nothing else in the database knows what it has to offer.
    """

    _name = "crm.kpi.offer"
    _description = "KPI of an App"
    _order = "sequence, id"

    module = fields.Char(required=True, help="The addon that defines the KPI.")
    apps = fields.Char(required=True, help="Technical names of the apps it needs.")
    code = fields.Char(required=True)
    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer()
    category_id = fields.Many2one("crm.kpi.category", required=True, ondelete="cascade")
    metric_class = fields.Selection(METRIC_CLASSES, required=True)
    description = fields.Text(translate=True)

    _code_uniq = models.Constraint("UNIQUE(code)", "An app offers this KPI already.")

    def _modules(self, names):
        """The module records of some names; reading their titles is nobody's secret."""
        # superuser: names and states of apps, shown beside the KPIs they bring
        return self.env["ir.module.module"].sudo().search([("name", "in", list(names))])

    def _app_names(self):
        """What the apps of each offer are called: dict of offer to a text."""
        wanted = {offer: offer.apps.split(",") for offer in self}
        titles = {
            module.name: module.shortdesc
            for module in self._modules({name for names in wanted.values() for name in names})
        }
        return {
            offer: ", ".join(titles.get(name) or name for name in names)
            for offer, names in wanted.items()
        }
