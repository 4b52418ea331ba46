# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class CrmKpiBoardCard(models.Model):
    """The place of a KPI on a board."""

    _name = "crm.kpi.board.card"
    _description = "KPI Board Card"
    _order = "sequence, id"
    _rec_name = "kpi_id"

    board_id = fields.Many2one("crm.kpi.board", required=True, index=True, ondelete="cascade")
    kpi_id = fields.Many2one("crm.kpi", "KPI", required=True, index=True, ondelete="cascade")
    sequence = fields.Integer(default=10)
    size = fields.Selection(
        [("1", "One column"), ("2", "Two columns")],
        "Width",
        required=True,
        default="1",
    )
    display = fields.Selection(
        [
            ("number", "Number"),
            ("trend", "Trend"),
            ("reps", "Salespeople"),
            ("segments", "Segments"),
        ],
        "Shows",
        required=True,
        default="number",
    )

    _kpi_uniq = models.Constraint("UNIQUE(board_id, kpi_id)", "This KPI is already on the board.")

    def write(self, vals):
        if "board_id" in vals:
            # moving a card to another board changes that board
            self.env["crm.kpi.board"].browse(vals["board_id"]).check_access("write")
        return super().write(vals)
