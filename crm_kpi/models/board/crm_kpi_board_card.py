# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models

from ...board.layout import OWN_FILTERS

BOARD_KINDS = [
    ("day", "Day"),
    ("week", "Week"),
    ("month", "Month"),
    ("quarter", "Quarter"),
    ("year", "Year"),
]
SCOPES = [("mine", "Mine"), ("team", "Team"), ("company", "Company")]


class CrmKpiBoardCard(models.Model):
    """The place of a KPI on a board, with filters that only this card has."""

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

    section = fields.Char(
        translate=True,
        help="Heading above this card and those after it that have the same section.",
    )
    period_kind = fields.Selection(
        BOARD_KINDS, "Period", help="Leave empty for the period of the board."
    )
    scope = fields.Selection(
        SCOPES, "Values of", help="Leave empty for the team or person chosen on the board."
    )
    team_id = fields.Many2one("crm.team", "Sales Team", ondelete="cascade", index="btree_not_null")
    user_id = fields.Many2one(
        "res.users", "Salesperson", ondelete="cascade", index="btree_not_null"
    )
    segment_id = fields.Many2one("crm.kpi.segment", ondelete="cascade", index="btree_not_null")

    def _own_filters(self):
        """The filters that only this card has, by their names on a board."""
        self.ensure_one()
        values = {name: self[name] for name in OWN_FILTERS}
        return {
            name: value.id if name.endswith("_id") else value
            for name, value in values.items()
            if value
        }

    def write(self, vals):
        if "board_id" in vals:
            # moving a card to another board changes that board
            self.env["crm.kpi.board"].browse(vals["board_id"]).check_access("write")
        return super().write(vals)
