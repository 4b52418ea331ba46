# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.board.crm_kpi_board_card import BOARD_KINDS, SCOPES
from ..models.workbook.crm_kpi_export import MAX_CELLS_AT_ONCE
from ..workbook.request import DEFAULT_PERIODS, DIMENSIONS, WorkbookRequest

LAYOUTS = [
    ("category", "A sheet per category"),
    ("kpi", "A sheet per KPI"),
    ("summary", "Summary only"),
    ("list", "Plain rows"),
    ("goals", "Goals only"),
    ("targets", "Targets to edit"),
]


class CrmKpiExportWizard(models.TransientModel):
    """Export KPIs to Excel for chosen periods and people."""

    _name = "crm.kpi.export.wizard"
    _description = "Export KPIs to Excel"

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    board_id = fields.Many2one(
        "crm.kpi.board",
        default=lambda self: self._default_board(),
        help="The KPIs of this board in its order. Empty: the KPIs chosen below.",
    )
    kpi_ids = fields.Many2many(
        "crm.kpi",
        string="KPIs",
        help="Only these KPIs. Empty: all KPIs of the board.",
        domain="[('state', '=', 'published'), ('company_id', 'in', [False, company_id])]",
    )
    layout = fields.Selection(
        LAYOUTS,
        required=True,
        default="category",
        help="Plain rows: one row for each value, for your own pivot tables. Choose it for very "
        "large exports.",
    )

    # --- when ---
    period_kind = fields.Selection(BOARD_KINDS, "Every", required=True, default="month")
    period_id = fields.Many2one(
        "crm.kpi.period",
        "Until",
        domain="[('company_id', '=', company_id), ('kind', '=', period_kind)]",
        help="The last period shown. Empty: the current period.",
    )
    count = fields.Integer("Periods side by side", required=True, default=DEFAULT_PERIODS)
    comparison = fields.Selection(
        lambda self: self.env["crm.kpi.board"]._fields["comparison"].selection,
        "Compared with",
        required=True,
        default="previous",
    )

    # --- for whom ---
    scope = fields.Selection(SCOPES, "Values of", required=True, default="company")
    team_id = fields.Many2one("crm.team", "Sales Team")
    segment_set_id = fields.Many2one("crm.kpi.segment.set", "Segments")
    by_team = fields.Boolean("Sales teams", default=True)
    by_user = fields.Boolean("Salespeople", default=True)
    by_segment = fields.Boolean("Segments below", default=True)

    # --- further sheets ---
    with_leaderboard = fields.Boolean("Leaderboard", default=True)
    with_records = fields.Boolean(
        "Records", default=True, help="The records behind the values that you may see."
    )
    selection = fields.Json(help="Ids of the rows that the user selected in a list.")

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

    def _request(self):
        """The :class:`~..workbook.request.WorkbookRequest` of the wizard."""
        self.ensure_one()
        filters = {
            "company_id": self.company_id.id,
            "period_kind": self.period_kind,
            "date": fields.Date.to_string(self.period_id.date_from) or "now",
            "comparison": self.comparison,
            "scope": self.scope,
            "team_id": self.team_id.id,
            "segment_set_id": self.segment_set_id.id,
        }
        return WorkbookRequest.parse(
            {
                "board_id": self.board_id.id,
                "kpi_ids": self.kpi_ids.ids,
                "filters": filters,
                "period_count": self.count,
                "dimensions": [name for name in DIMENSIONS if self[f"by_{name}"]],
                "layout": self.layout,
                "leaderboard": self.with_leaderboard,
                "records": self.with_records,
                **(self.selection or {}),
            }
        )

    def action_export(self):
        self.ensure_one()
        if not self.board_id and not self.kpi_ids and not self.selection:
            raise UserError(self.env._("KPIs: choose KPIs or a board."))
        request = self._request()
        cells = self.env["crm.kpi.export"]._estimate(request)
        if cells > MAX_CELLS_AT_ONCE:
            return self._make_in_background(request, cells)
        return self._download()

    def _make_in_background(self, request, cells):
        """Have a large workbook made by the scheduled action; plain rows have no upper limit."""
        if request.layout != "list" and cells > 3 * MAX_CELLS_AT_ONCE:
            raise UserError(
                self.env._(
                    "Layout: about %s cells are too many for tables and charts. Choose fewer KPIs "
                    "or periods, or the layout Plain rows.",
                    cells,
                )
            )
        self.env["crm.kpi.mailing"]._send_later(request, self.env._("KPI sheet"))
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info",
                "message": self.env._(
                    "The workbook is large and is made in the background. You receive a message "
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

    # --- ROWS SELECTED IN A LIST ---

    @api.model
    def _export_values(self, values):
        """Export exactly these values, as plain rows."""
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
        """Export exactly these goals; with the layout ``targets``, to edit and import again."""
        goals = goals.sorted("period_date")
        return self.create(
            {
                "board_id": False,
                "company_id": goals[-1:].company_id.id or self.env.company.id,
                "layout": layout,
                "selection": {"goal_ids": goals.ids, "kpi_ids": goals.kpi_id.ids},
            }
        )._download()
