# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models

from ...board.signals import RULES, signal_text
from ..value.crm_kpi_value import LEVELS


class CrmKpiDismissal(models.Model):
    """A warning sign that needs no more attention, and why.

    It is of one rule, one period and one cell: the next unusual value is a warning sign again.
    """

    _name = "crm.kpi.dismissal"
    _description = "Dismissed KPI Signal"
    _order = "id desc"

    name = fields.Char("Reason", required=True, help="Why it needs no more attention.")
    kpi_id = fields.Many2one("crm.kpi", "KPI", required=True, ondelete="cascade", index=True)
    period_id = fields.Many2one("crm.kpi.period", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="period_id.company_id", store=True)
    level = fields.Selection(LEVELS, "For", required=True, default="company")
    team_id = fields.Many2one("crm.team", "Sales Team", ondelete="cascade", index="btree_not_null")
    user_id = fields.Many2one(
        "res.users", "Salesperson", ondelete="cascade", index="btree_not_null"
    )
    segment_id = fields.Many2one("crm.kpi.segment", ondelete="cascade", index="btree_not_null")
    rule = fields.Selection(selection="_rules", string="Signal", required=True)

    _signal_uniq = models.UniqueIndex(
        """(kpi_id, period_id, rule, level, COALESCE(team_id, 0), COALESCE(user_id, 0),
            COALESCE(segment_id, 0))""",
        "This signal is dismissed already. Reload the page.",
    )

    @api.model
    def _rules(self):
        return [(rule, signal_text(self.env, rule)) for rule in RULES]
