# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from markupsafe import Markup

from odoo import api, fields, models

from ...engine.cells import CELL_KEY
from ...fields import NullableFloat

LEVELS = [
    ("company", "Company"),
    ("team", "Team"),
    ("user", "Salesperson"),
    ("segment", "Segment"),
    ("team_segment", "Team and segment"),
    ("user_segment", "Salesperson and segment"),
]


class CrmKpiValue(models.Model):
    """One number: a KPI in a period at a level.

    ``level`` says which dimensions are told apart; one of these dimensions that is empty
    means *Unassigned*. ``value`` is empty where there is no value, which is not zero;
    percentages are fractions (0.25 for 25 %). ``record_count`` is the number of records behind it.
    The rows are written by the refresh in SQL and by nobody else.
    """

    _name = "crm.kpi.value"
    _description = "KPI Value"
    _order = "period_id desc, kpi_sequence, level, id"
    _log_access = False

    kpi_id = fields.Many2one("crm.kpi", "KPI", required=True, readonly=True, ondelete="cascade")
    period_id = fields.Many2one("crm.kpi.period", required=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, ondelete="cascade", index=True
    )
    level = fields.Selection(LEVELS, required=True, readonly=True)
    team_id = fields.Many2one("crm.team", "Sales Team", readonly=True, ondelete="cascade")
    user_id = fields.Many2one(
        "res.users", "Salesperson", readonly=True, ondelete="cascade", index="btree_not_null"
    )
    segment_id = fields.Many2one(
        "crm.kpi.segment", readonly=True, ondelete="cascade", index="btree_not_null"
    )
    value = NullableFloat(
        readonly=True, aggregator="avg", help="Empty where there is no value; % as fraction."
    )
    record_count = fields.Integer(
        "Records", readonly=True, help="Number of records behind the value."
    )
    version = fields.Integer(
        "Definition version", readonly=True, aggregator=None, help="Version of the definition."
    )
    computed_at = fields.Datetime("As of", readonly=True)
    goal_id = fields.Many2one(
        "crm.kpi.goal", readonly=True, ondelete="set null", index="btree_not_null"
    )

    _cell_uniq = models.UniqueIndex(f"({CELL_KEY})")
    _cell_idx = models.Index("(period_id, kpi_id)")

    kpi_sequence = fields.Integer(related="kpi_id.sequence", store=True, aggregator=None)
    category_id = fields.Many2one(related="kpi_id.category_id", store=True)
    period_kind = fields.Selection(related="period_id.kind")
    period_state = fields.Selection(related="period_id.state", string="Period state")
    date_from = fields.Date(related="period_id.date_from")
    unit = fields.Selection(related="kpi_id.unit")
    direction = fields.Selection(related="kpi_id.direction")
    currency_id = fields.Many2one(related="company_id.currency_id")
    value_text = fields.Char("Value (text)", compute="_compute_value_text")
    scope_name = fields.Char("For", compute="_compute_scope_name")

    @api.depends("value", "record_count", "segment_id", "kpi_id", "currency_id")
    @api.depends_context("lang")
    def _compute_value_text(self):
        for cell in self:
            # superuser: from which number on segments are shown is no secret
            least = cell.kpi_id._least_cell(cell.company_id.sudo()) if cell.segment_id else 0
            if cell.value is False and 0 < cell.record_count < least:
                cell.value_text = self.env._("too few (%s)", cell.record_count)
            else:
                cell.value_text = cell.kpi_id._format_value(cell.value, cell.currency_id)

    @api.depends("level", "team_id", "user_id", "segment_id", "company_id")
    def _compute_scope_name(self):
        for cell in self:
            names = [
                cell[f"{part}_id"].display_name or self.env._("Unassigned")
                for part in cell.level.split("_")
            ]
            cell.scope_name = " · ".join(names)

    @api.depends("kpi_id", "period_id", "level", "team_id", "user_id", "segment_id")
    def _compute_display_name(self):
        for cell in self:
            cell.display_name = (
                f"{cell.kpi_id.name} · {cell.scope_name} · {cell.period_id.display_name}"
            )

    @api.model
    def get_empty_list_help(self, help_message):
        """Why there are no figures yet, while the history is being read."""
        if progress := self.env["crm.kpi.backfill"]._progress_text():
            return Markup("<p>%s</p>") % self.env._(
                "The history is being read: %s. Figures follow right after it.", progress
            )
        return super().get_empty_list_help(help_message)

    def action_open_records(self):
        """Open exactly the records behind the number, as far as the reader may see them."""
        self.ensure_one()
        cell = {
            "level": self.level,
            "team_id": self.team_id.id,
            "user_id": self.user_id.id,
            "segment_id": self.segment_id.id,
        }
        return self.kpi_id._open_cell_records(self.period_id, cell, self.display_name)

    def action_definition(self):
        self.ensure_one()
        return self.kpi_id.action_definition()
