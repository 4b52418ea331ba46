# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.board.crm_kpi_board import BOARD_KINDS, SCOPES
from ..models.board.crm_kpi_export import CELLS_AT_ONCE, LEVELS_BELOW

LAYOUTS = [
    ("category", "A sheet per category"),
    ("kpi", "A sheet per KPI"),
    ("summary", "Summary only"),
    ("list", "Plain rows"),
    ("goals", "Goals only"),
    ("targets", "Targets to change"),
]


class CrmKpiExportWizard(models.TransientModel):
    """Make a workbook of KPIs for the periods and people that are wanted."""

    _name = "crm.kpi.export.wizard"
    _description = "Export KPIs to Excel"

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    board_id = fields.Many2one(
        "crm.kpi.board",
        default=lambda self: self._default_board(),
        help="The KPIs of the board, in its order. Empty: those chosen below.",
    )
    kpi_ids = fields.Many2many(
        "crm.kpi",
        string="KPIs",
        help="Only these, whatever is on the board. Empty: all of the board.",
        domain="[('state', '=', 'published'), ('company_id', 'in', [False, company_id])]",
    )
    layout = fields.Selection(
        LAYOUTS,
        required=True,
        default="category",
        help="Plain rows: one line per figure, for pivots of your own; the choice for very many "
        "figures.",
    )

    # --- when ---
    period_kind = fields.Selection(BOARD_KINDS, "Every", required=True, default="month")
    period_id = fields.Many2one(
        "crm.kpi.period",
        "Until",
        domain="[('company_id', '=', company_id), ('kind', '=', period_kind)]",
        help="Last period that is shown. Empty: the running one.",
    )
    count = fields.Integer("Periods side by side", required=True, default=12)
    comparison = fields.Selection(
        lambda self: self.env["crm.kpi.board"]._fields["comparison"].selection,
        "Compared with",
        required=True,
        default="previous",
    )

    # --- whose ---
    scope = fields.Selection(SCOPES, "Whose numbers", required=True, default="company")
    team_id = fields.Many2one("crm.team", "Sales Team")
    segment_set_id = fields.Many2one("crm.kpi.segment.set", "Segments")
    by_team = fields.Boolean("Sales teams", default=True)
    by_user = fields.Boolean("Salespeople", default=True)
    by_segment = fields.Boolean("Segments below", default=True)

    # --- what else ---
    with_leaderboard = fields.Boolean("Leaderboard", default=True)
    with_records = fields.Boolean(
        "Records", default=True, help="The records behind the figures, as far as you may see them."
    )
    selection = fields.Json(help="Ids of the rows that were chosen in a list.")

    _count_range = models.Constraint(
        "CHECK (count BETWEEN 1 AND 24)", "Periods side by side: enter 1 to 24."
    )

    @api.model
    def _default_board(self):
        if self.env.context.get("default_kpi_ids"):
            return False
        return self.env["crm.kpi.board"]._visible()._first_for_reader()

    @api.onchange("board_id")
    def _onchange_board_id(self):
        for name in ("period_kind", "comparison", "scope"):
            if self.board_id:
                self[name] = self.board_id[name]

    @api.onchange("period_kind", "company_id")
    def _onchange_period_kind(self):
        if self.period_id.kind != self.period_kind or self.period_id.company_id != self.company_id:
            self.period_id = False

    def _options(self):
        self.ensure_one()
        return {
            "board_id": self.board_id.id,
            "kpi_ids": self.kpi_ids.ids,
            "filters": {
                "company_id": self.company_id.id,
                "period_kind": self.period_kind,
                "date": fields.Date.to_string(self.period_id.date_from) or "now",
                "comparison": self.comparison,
                "scope": self.scope,
                "team_id": self.team_id.id,
                "segment_set_id": self.segment_set_id.id,
            },
            "count": self.count,
            "levels": [level for level in LEVELS_BELOW if self[f"by_{level}"]],
            "layout": self.layout,
            "leaderboard": self.with_leaderboard,
            "records": self.with_records,
            **(self.selection or {}),
        }

    def action_export(self):
        self.ensure_one()
        if not self.board_id and not self.kpi_ids and not self.selection:
            raise UserError(self.env._("KPIs: choose some, or a board."))
        options = self._options()
        cells = self.env["crm.kpi.export"]._estimate(options)
        if cells > CELLS_AT_ONCE:
            return self._make_later(options, cells)
        return self._download()

    def _make_later(self, options, cells):
        """Very many cells: made in the background, plain rows however many they are."""
        if options["layout"] != "list" and cells > 3 * CELLS_AT_ONCE:
            raise UserError(
                self.env._(
                    "Layout: about %s cells are too many for tables and charts. Choose fewer KPIs "
                    "or periods, or plain rows.",
                    cells,
                )
            )
        self.env["crm.kpi.mailing"]._send_later(options, self.env._("KPI sheet"))
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info",
                "message": self.env._(
                    "The workbook is large and is made in the background. You get a message "
                    "with the file."
                ),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def _download(self):
        return {
            "type": "ir.actions.act_url",
            "url": f"/crm_kpi/export/{self.id}",
            "target": "download",
        }

    # --- ROWS CHOSEN IN A LIST ---

    @api.model
    def _export_values(self, values):
        """Exactly these values, as plain rows."""
        values = values.sorted(lambda value: (value.date_from, value.id))
        return self.create(
            {
                "board_id": False,
                "company_id": values[-1:].company_id.id or self.env.company.id,
                "layout": "list",
                "selection": {"value_ids": values.ids, "kpi_ids": values.kpi_id.ids},
            }
        )._download()

    @api.model
    def _export_goals(self, goals, layout="goals"):
        """Exactly these goals: to read, or as ``targets`` to be changed and imported again."""
        goals = goals.sorted("period_date")
        return self.create(
            {
                "board_id": False,
                "company_id": goals[-1:].company_id.id or self.env.company.id,
                "layout": layout,
                "selection": {"goal_ids": goals.ids, "kpi_ids": goals.kpi_id.ids},
            }
        )._download()
