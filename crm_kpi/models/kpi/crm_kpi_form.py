# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the form of a KPI needs beside the definition itself."""

from odoo import api, fields, models

from .crm_kpi_source import PSEUDO_FIELDS


class CrmKpi(models.Model):
    _inherit = "crm.kpi"  # pylint: disable=consider-merging-classes-inherited

    value_choice = fields.Selection(
        [
            ("field", "Field of the record"),
            ("@customer", "Customer"),
            ("@age_days", "Age in days (snapshot)"),
            ("@age_hours", "Age in hours (snapshot)"),
        ],
        string="Value of",
        compute="_compute_value_choice",
        inverse="_inverse_value_choice",
        help="What is summed, averaged or counted: a field of the record, its customer, or "
        "how long it has been open.",
    )

    @api.depends("value_field")
    def _compute_value_choice(self):
        for kpi in self:
            path = kpi.value_field
            kpi.value_choice = path if path in PSEUDO_FIELDS else "field"

    def _inverse_value_choice(self):
        for kpi in self:
            kpi._take_value_choice()

    @api.onchange("value_choice")
    def _onchange_value_choice(self):
        self._take_value_choice()

    def _take_value_choice(self):
        if self.value_choice != "field":
            self.value_field = self.value_choice
        elif self.value_field in PSEUDO_FIELDS:
            self.value_field = False

    @api.onchange("source_id")
    def _onchange_source_id(self):
        """A filter or field of another model means nothing any more."""
        if not self.source_id or self.source_id._origin == self._origin.source_id:
            return
        if self.source_id.model != self._origin.source_id.model:
            self.domain = "[]"
            if self.value_field not in PSEUDO_FIELDS:
                self.value_field = False

    def action_open_values(self):
        """The months of this KPI, most recent first."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_kpi.action_crm_kpi_value")
        return {
            **action,
            "name": self.env._("Values of %s", self.name),
            "domain": [("kpi_id", "=", self.id)],
            "views": [(False, "list"), (False, "graph"), (False, "pivot"), (False, "form")],
            "search_view_id": [self.env.ref("crm_kpi.crm_kpi_value_view_search").id, "search"],
            "context": {
                "search_default_kind_month": 1,
                "search_default_last_12_months": 1,
                "search_default_level_company": 1,
            },
        }
