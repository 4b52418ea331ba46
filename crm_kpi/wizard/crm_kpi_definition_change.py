# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..definitions import changes
from ..definitions.changes import DEFINING as KPI_FIELDS
from ..models.kpi.crm_kpi_source import DEFINING as SOURCE_FIELDS
from ..refresh.claim import claim_refresh

FIELDS = {"crm.kpi": KPI_FIELDS, "crm.kpi.source": SOURCE_FIELDS}


class CrmKpiDefinitionChange(models.TransientModel):
    """The question, from when a changed definition applies, and what the change concerns."""

    _name = "crm.kpi.definition.change"
    _description = "Change of a KPI Definition"

    kpi_id = fields.Many2one("crm.kpi", "KPI", readonly=True, ondelete="cascade")
    source_id = fields.Many2one("crm.kpi.source", readonly=True, ondelete="cascade")
    changes = fields.Json(required=True, readonly=True)
    applies_to = fields.Selection(
        [
            ("open", "Open periods only"),
            ("history", "All history"),
            ("copy", "A new KPI"),
        ],
        "Applies to",
        required=True,
        default="open",
    )
    month_count = fields.Integer("Months", compute="_compute_impact")
    locked_count = fields.Integer("Locked months", compute="_compute_impact")
    board_count = fields.Integer("Boards", compute="_compute_impact")
    goal_count = fields.Integer("Goals", compute="_compute_impact")
    formula_count = fields.Integer("Formulas", compute="_compute_impact")
    kpi_names = fields.Char("KPIs", compute="_compute_impact")

    @api.model
    def propose(self, model, record_id, values):
        """Action that asks from when a changed definition applies.

        :param values: as they would be written
        :return: the action; false where the definition does not change, or has no values yet
        """
        record = self.env[model].browse(record_id) if model in FIELDS else None
        if not record:
            raise UserError(self.env._("Only KPIs and sources have definitions."))
        record.check_access("write")
        names = FIELDS[model] & values.keys()
        changed = record.new({name: values[name] for name in names}, origin=record)
        if changes.definition_of(changed, names) == changes.definition_of(record, names):
            return False
        of_record = {"kpi_id" if model == "crm.kpi" else "source_id": record.id}
        wizard = self.create({**of_record, "changes": values})
        return wizard._open() if wizard.month_count else False

    def _open(self):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("The definition changes"),
            "res_model": self._name,
            "res_id": self.id,
            "views": [(False, "form")],
            "target": "new",
        }

    def _kpis(self):
        sources = self.source_id | self.source_id.other_date_ids
        return self.kpi_id or sources.with_context(active_test=False).kpi_ids

    @api.depends("kpi_id", "source_id")
    def _compute_impact(self):
        for wizard in self:
            kpis = wizard._kpis()
            found = changes.impact(kpis)
            wizard.month_count = found.months
            wizard.locked_count = found.locked_months
            wizard.board_count = found.boards
            wizard.goal_count = found.goals
            followers = found.kpis - kpis
            wizard.formula_count = len(followers)
            wizard.kpi_names = ", ".join(found.kpis.mapped("name"))

    def action_apply(self):
        """Write the changes as chosen, and compute what they concern.

        While another refresh runs, nothing is written: the dialog stays open and says so.

        :return: closes the dialog; ``infos`` tell the form that it was answered, and which KPI to
            open
        """
        self.ensure_one()
        if self.applies_to == "copy":
            if not self.kpi_id:
                raise UserError(self.env._("Applies to: a source cannot become a new KPI."))
            new = self.kpi_id.copy()
            new.write(self.changes)
            return self._close(kpi_id=new.id)
        # before the first change: it would wait for the rows that another refresh writes
        claim_refresh(self.env)
        (self.kpi_id or self.source_id).write(self.changes)
        kpis = self._kpis()
        if self.applies_to == "history":
            kpis._recompute_history()
        # superuser: values are computed for all readers, as in every refresh
        kpis.sudo()._refresh(kpis=kpis.sudo()._with_formula_users())
        return self._close()

    def _close(self, **infos):
        return {"type": "ir.actions.act_window_close", "infos": {"applied": True, **infos}}
