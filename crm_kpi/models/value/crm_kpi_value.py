# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from typing import NamedTuple

from markupsafe import Markup

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.misc import format_date, format_time

from ...board.change import change, sign, trend_text
from ...board.explain import records_action
from ...board.header import backfill_text, elapsed_text
from ...board.missing import missing_texts
from ...board.signals import record_texts
from ...board.snapshots import early_snapshots, early_text
from ...board.versions import older_text
from ...engine.cells import CELL_KEY
from ...engine.withholding import is_undecided
from ...fields import NullableFloat, UncheckedMany2one
from ...refresh.unassign import unassign_statements
from ...refresh.values import delete_orphans

LEVELS = [
    ("company", "Company"),
    ("team", "Team"),
    ("user", "Salesperson"),
    ("segment", "Segment"),
    ("team_segment", "Team and segment"),
    ("user_segment", "Salesperson and segment"),
]
#: Fields that identify a value among those of a KPI in a period.
CELL_FIELDS = ("company_id", "level", "team_id", "user_id", "segment_id")


class PreviousCell(NamedTuple):
    """The value that a cell is compared with, and its period; ``cell`` may be empty."""

    cell: models.Model
    period: models.Model


class CrmKpiValue(models.Model):
    """The value of a KPI in a period at a level.

    ``level`` names the dimensions of the value; a dimension of the level that is empty means
    *Unassigned*. ``value`` is empty where there is no value, which is not zero; percentages are
    fractions (0.25 for 25 %). ``record_count`` is the number of included records. Only the
    refresh writes the rows, in SQL.
    """

    _name = "crm.kpi.value"
    _description = "KPI Value"
    _order = "period_id desc, kpi_sequence, level, id"
    _log_access = False

    kpi_id = UncheckedMany2one("crm.kpi", "KPI", required=True, readonly=True, ondelete="cascade")
    period_id = UncheckedMany2one(
        "crm.kpi.period", required=True, readonly=True, ondelete="cascade"
    )
    company_id = UncheckedMany2one("res.company", required=True, readonly=True, ondelete="cascade")
    level = fields.Selection(LEVELS, required=True, readonly=True)
    team_id = UncheckedMany2one("crm.team", "Sales Team", readonly=True, ondelete="cascade")
    user_id = UncheckedMany2one(
        "res.users", "Salesperson", readonly=True, ondelete="cascade", index="btree_not_null"
    )
    segment_id = UncheckedMany2one("crm.kpi.segment", readonly=True, ondelete="cascade")
    value = NullableFloat(
        readonly=True,
        aggregator="avg",
        help="Empty where there is no value. Percentages are fractions: 0.25 is 25 %.",
    )
    record_count = fields.Integer(
        "Records", readonly=True, help="Number of records that the value includes."
    )
    ahead = NullableFloat(
        "Dated ahead",
        readonly=True,
        aggregator=None,
        help="The part of a count or a sum that is dated in the rest of the current period. It is "
        "known; a forecast extrapolates only the part before it.",
    )
    version = fields.Integer(
        "Definition version", readonly=True, aggregator=None, help="Version of the definition."
    )
    computed_at = fields.Datetime("As of", readonly=True)
    goal_id = UncheckedMany2one(
        "crm.kpi.goal", readonly=True, ondelete="set null", index="btree_not_null"
    )

    withheld = fields.Boolean(
        readonly=True,
        aggregator=None,
        help="Of a small segment, or it would reveal the value of one. No user can read it.",
    )
    is_hidden = fields.Boolean(
        compute="_compute_is_hidden",
        search="_search_is_hidden",
        help="It is withheld, or the refresh has not decided yet whether it is.",
    )

    _cell_uniq = models.UniqueIndex(f"({CELL_KEY})")
    _cell_idx = models.Index("(period_id, kpi_id)")

    kpi_sequence = fields.Integer(related="kpi_id.sequence", store=True, aggregator=None)
    category_id = UncheckedMany2one(related="kpi_id.category_id", store=True, ondelete="set null")
    period_kind = fields.Selection(related="period_id.kind")
    period_state = fields.Selection(related="period_id.state", string="Period state")
    date_from = fields.Date(related="period_id.date_from")
    unit = fields.Selection(related="kpi_id.unit")
    direction = fields.Selection(related="kpi_id.direction")
    currency_id = fields.Many2one(related="company_id.currency_id")
    value_text = fields.Char("Value (text)", compute="_compute_value_text")
    missing_text = fields.Char(
        "Reason", compute="_compute_missing_text", help="Why there is no value."
    )
    signal_text = fields.Char(
        "Signal",
        compute="_compute_signal_text",
        help="Why the value is unlikely to be random. In a running period: that of the latest "
        "complete one.",
    )
    scope_name = fields.Char("For", compute="_compute_scope_name")

    # --- shown with the value ---
    period_timing = fields.Selection(related="period_id.timing")
    is_component = fields.Boolean(related="kpi_id.is_component")
    previous_value = NullableFloat(
        compute="_compute_previous",
        aggregator=None,
        help="Value of the previous period; of the same working days of it while the period runs. "
        "Empty where there is none.",
    )
    change_text = fields.Char(
        "Change",
        compute="_compute_previous",
        help="Change against the previous period: in points for percentages, otherwise in %. A "
        "current period is compared with the same working days of the previous one, and a value "
        "not with one of another definition.",
    )
    change_signs = fields.Json(
        compute="_compute_previous", help="The change in parts, as a card of a board shows it."
    )
    goal_status = fields.Selection(related="goal_id.status", string="Goal status")
    goal_status_text = fields.Char(related="goal_id.status_text", string="Status")
    goal_target_text = fields.Char(related="goal_id.target_text", string="Target")
    goal_attainment = NullableFloat(
        related="goal_id.attainment", string="Attainment", aggregator=None
    )
    goal_attainment_text = fields.Char(related="goal_id.attainment_text", string="Against target")
    goal_expected = NullableFloat(
        related="goal_id.expected", string="Expected by now", aggregator=None
    )
    goal_counter_missed = fields.Boolean(related="goal_id.counter_missed")
    goal_signs = fields.Json(related="goal_id.signs", string="Progress")
    elapsed_text = fields.Char(
        "Working days", compute="_compute_elapsed_text", help="Elapsed part of the period."
    )
    as_of_text = fields.Char("As of (text)", compute="_compute_as_of_text")
    early_text = fields.Char(
        "Not of the end of the period",
        compute="_compute_early_text",
        help="The pipeline and other snapshots cannot be rebuilt: without a refresh on the last "
        "day of the period, their value is that of an earlier day.",
    )

    definition_text = fields.Char(
        "Definition changed",
        compute="_compute_definition_text",
        help="A locked value keeps the definition that it was reported with.",
    )

    # --- WITHHELD ---

    @api.depends("withheld", "segment_id", "kpi_id", "period_id")
    def _compute_is_hidden(self):
        # superuser: also where no rule lets the reader see the value
        hidden = self.sudo().search([("id", "in", self.ids), ("is_hidden", "=", True)])
        for cell in self:
            cell.is_hidden = cell.id in hidden._ids

    def _search_is_hidden(self, operator, value):
        if operator != "in":
            return NotImplemented
        undecided = Domain.custom(to_sql=lambda _model, alias, _query: is_undecided(alias))
        hidden = Domain("withheld", "=", True) | undecided
        return Domain.OR(hidden if one else ~hidden for one in value)

    # --- TEXTS ---

    @api.depends("value", "kpi_id", "currency_id")
    @api.depends_context("lang")
    def _compute_value_text(self):
        for cell in self:
            cell.value_text = cell.kpi_id._format_value(cell.value, cell.currency_id)

    @api.depends("value", "kpi_id", "period_id", "level", "team_id", "user_id", "segment_id")
    @api.depends_context("lang", "uid")
    def _compute_missing_text(self):
        texts = missing_texts(self, "level")
        for cell in self:
            cell.missing_text = texts.get(cell, False)

    @api.depends("value", "kpi_id", "period_id", "level", "team_id", "user_id", "segment_id")
    @api.depends_context("lang", "uid", "tz")
    def _compute_signal_text(self):
        texts = record_texts(self, "level")
        for cell in self:
            cell.signal_text = texts.get(cell, False)

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
        """Explain an empty list while the history is being read."""
        if text := backfill_text(self.env):
            return Markup("<p>%s</p>") % text
        return super().get_empty_list_help(help_message)

    # --- GROUPS ---

    def _read_group_select(self, aggregate_spec, query):
        """Show a value in a pivot or graph only where the group is one cell.

        Ratios have no mean, and different KPIs have no total.
        """
        select = super()._read_group_select(aggregate_spec, query)
        if aggregate_spec == "value:avg":
            select = SQL("CASE WHEN COUNT(*) = 1 THEN %s END", select)
        return select

    # --- CHANGE ---

    @api.depends("value", "kpi_id", "period_id", "level", "team_id", "user_id", "segment_id")
    @api.depends_context("lang", "uid", "allowed_company_ids")
    def _compute_previous(self):
        previous = self._previous_cells()
        for cell in self:
            found, period = previous.get(cell, (None, None))
            cell.previous_value = found.value if found else False
            # of another definition: the difference is no change
            before = found if found and found.version == cell.version else None
            result = change(cell, before, period)
            cell.change_text = f"{sign(result)}{result.text}"
            cell.change_signs = bool(result.text) and {
                "text": result.text,
                "trend": result.trend,
                "trend_text": trend_text(self.env, result.trend),
                "up": result.up,
            }

    def _previous_cells(self):
        """The cells that a board compares these with, of those that the reader may see.

        :return: dict of value to :class:`PreviousCell`
        """
        whole = self.period_id._previous()
        same_part = self._same_parts(whole)
        earlier = {
            cell: whole[cell.period_id] if cell.kpi_id._is_stock() else same_part[cell.period_id]
            for cell in self
            if cell.period_id in whole
        }
        periods = self.env["crm.kpi.period"].union(*earlier.values())
        if not periods:
            return {}
        domain = [
            ("kpi_id", "in", self.kpi_id.ids),
            ("period_id", "in", periods.ids),
            ("level", "in", list(set(self.mapped("level")))),
        ]
        domain.extend(
            (name, "in", list({cell[name].id for cell in self}))
            for name in ("team_id", "user_id", "segment_id")
        )
        names = ["kpi_id", "period_id", "value", "record_count", "version", *CELL_FIELDS]
        rows = self.search_fetch(domain, names, order="id")
        found = {(row.kpi_id.id, row.period_id.id, *row._cell_key()): row for row in rows}
        return {
            cell: PreviousCell(
                found.get((cell.kpi_id.id, period.id, *cell._cell_key()), self.browse()), period
            )
            for cell, period in earlier.items()
        }

    def _same_parts(self, previous):
        """The part of each previous period that has as many working days as have elapsed.

        :param previous: dict of period to the one before it
        :return: dict of period to a period, which is empty where there is no part
        """
        elapsed = self.period_id._elapsed()
        return {
            period: before if elapsed[period].over else before._same_part(elapsed[period])
            for period, before in previous.items()
        }

    def _cell_key(self):
        return tuple(
            self[name].id if self._fields[name].type == "many2one" else self[name]
            for name in CELL_FIELDS
        )

    # --- ORDER ---

    def _order_field_to_sql(self, alias, field_name, direction, nulls, query):
        """The order by goal is that of its urgency; values without a goal come last."""
        if field_name == "goal_id":
            goal = query.left_join(alias, "goal_id", "crm_kpi_goal", "id", "goal_id")
            # superuser: readers of a value may also see the status of its goal
            goals = self.env["crm.kpi.goal"].sudo()
            return goals._order_field_to_sql(goal, "status", direction, nulls, query)
        return super()._order_field_to_sql(alias, field_name, direction, nulls, query)

    # --- TIME ---

    @api.depends("period_id")
    @api.depends_context("lang")
    def _compute_elapsed_text(self):
        elapsed = self.period_id._elapsed()
        for cell in self:
            part = elapsed.get(cell.period_id)
            cell.elapsed_text = part and elapsed_text(self.env, part)

    @api.depends("computed_at", "period_id", "kpi_id")
    @api.depends_context("lang", "tz")
    def _compute_as_of_text(self):
        """When the value was computed or, in a running period, last checked."""
        today = fields.Date.context_today(self)
        for cell, at in self._checked_at().items():
            if not at:
                cell.as_of_text = False
            elif fields.Datetime.context_timestamp(self, at).date() == today:
                cell.as_of_text = format_time(
                    self.env, at, tz=str(self.env.tz), time_format="short"
                )
            else:
                cell.as_of_text = format_date(self.env, fields.Datetime.context_timestamp(self, at))

    def _checked_at(self):
        """Time at which each value was computed or, in a running period, last checked.

        :return: dict of value to naive UTC, or false
        """
        # superuser: reads only the time of the last refresh, which is not confidential
        cron = self.env.ref("crm_kpi.ir_cron_refresh", raise_if_not_found=False)
        checked = cron and cron.sudo().lastcall
        result = {}
        for cell in self:
            at = cell.computed_at
            # a refresh that finds no change does not write the row, but the value is current
            current = cell.period_timing == "running" and not cell.kpi_id.last_error
            result[cell] = max(at, checked) if at and checked and current else at
        return result

    @api.depends("computed_at", "period_id", "kpi_id")
    @api.depends_context("lang")
    def _compute_early_text(self):
        early = early_snapshots(self.kpi_id, self.period_id)
        for cell in self:
            day = early.get((cell.kpi_id.id, cell.period_id.id))
            cell.early_text = day and early_text(self.env, day)

    @api.depends("version", "kpi_id")
    @api.depends_context("lang")
    def _compute_definition_text(self):
        for cell in self:
            older = cell.version != cell.kpi_id.version
            cell.definition_text = older and older_text(self.env)

    # --- DELETED OWNERS ---

    @api.model
    def _unassign(self, field_name, ids):
        """Give the values of teams or users that are about to be deleted to *Unassigned*.

        :param field_name: ``team_id`` or ``user_id``
        """
        if not ids:
            return
        self.env.flush_all()
        for statement in unassign_statements(field_name, ids):
            self.env.cr.execute(statement)
        self.invalidate_model()
        # the records become unassigned without a write
        path = {"team_id": "team_field", "user_id": "user_field"}[field_name]
        self.env["crm.kpi.source"]._mark_sources([(path, "!=", False)])

    @api.autovacuum
    def _gc_orphans(self):
        """Delete what a refresh wrote while another transaction deleted its team or segment."""
        return delete_orphans(self.env, self, self.env["crm.kpi.restatement"]), 0

    # --- READERS ---

    @api.model
    def _may_read(self, kpi, period, cell):
        """Whether the user may read the value of a cell, also one that is not stored.

        The record rules decide, on a row that is never saved.

        :param cell: dict with ``level`` and, as ids, ``team_id``, ``user_id``, ``segment_id``
        """
        if self.env.su:
            return True
        rules = self.env["ir.rule"]._compute_domain(self._name, "read")
        # superuser: reads what the rules compare, such as the groups of the KPI and team members
        row = self.sudo().new(
            {"kpi_id": kpi.id, "period_id": period.id, "company_id": period.company_id.id, **cell}
        )
        return self.has_access("read") and bool(row.filtered_domain(rules))

    # --- ACTIONS ---

    def action_open_records(self):
        """Open the included records that the reader may see."""
        self.ensure_one()
        cell = {
            "level": self.level,
            "team_id": self.team_id.id,
            "user_id": self.user_id.id,
            "segment_id": self.segment_id.id,
        }
        return records_action(self.kpi_id, self.period_id, cell, self.display_name)

    def action_definition(self):
        self.ensure_one()
        return self.kpi_id.action_definition()
