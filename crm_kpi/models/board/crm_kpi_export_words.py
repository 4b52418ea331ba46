# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models


class CrmKpiExport(models.AbstractModel):
    _inherit = "crm.kpi.export"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _words(self):
        """The fixed texts of a workbook, in the language of the reader."""
        return {
            "summary": self.env._("Summary"),
            "goals": self.env._("Goals"),
            "leaderboard": self.env._("Leaderboard"),
            "records_page": self.env._("Records"),
            "definitions": self.env._("Definitions"),
            "audit": self.env._("Audit"),
            "values": self.env._("Values"),
            "period": self.env._("Period"),
            "whole": self.env._("Figure"),
            "team": self.env._("Sales team"),
            "user": self.env._("Salesperson"),
            "segment": self.env._("Segment"),
            "heat": self.env._("Salesperson by segment"),
            "category": self.env._("Category"),
            "kpi": self.env._("KPI"),
            "value": self.env._("Value"),
            "trend": self.env._("Trend"),
            "target": self.env._("Target"),
            "forecast": self.env._("Forecast"),
            "records": self.env._("Records"),
            "attainment": self.env._("Attained"),
            "icon": self.env._("Sign"),
            "status": self.env._("Status"),
            "projected": self.env._("At the end"),
            "change": self.env._("Change"),
            "basis": self.env._("Compared with"),
            "counter": self.env._("Counter-metric"),
            "remark": self.env._("Remark"),
            "total": self.env._("Total"),
            "not_summable": self.env._("Total (the rows do not add up to it)"),
            "partial": self.env._("Total (holds more than the rows shown)"),
            "only_numbers": self.env._("A number is needed"),
            "chart_note": self.env._("the table below the chart holds the same numbers"),
        }

    @api.model
    def _unit_words(self):
        return {
            "hours": self.env._("h"),
            "days": self.env._("days"),
            "months": self.env._("months"),
        }
