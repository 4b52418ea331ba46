# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import UserError


class CrmKpiCorrect(models.TransientModel):
    """Corrects when chosen records were won, lost, confirmed or closed, and who gets the credit."""

    _name = "crm.kpi.correct"
    _description = "Correct credit"

    res_model = fields.Char("Model", required=True, readonly=True)
    res_ids = fields.Json("Records", readonly=True)
    records_text = fields.Text("Records (names)", compute="_compute_records_text")
    change_user = fields.Boolean("Change the salesperson")
    user_id = fields.Many2one(
        "res.users",
        "Salesperson",
        domain=[("share", "=", False)],
        context={"active_test": False},
        help="Empty: Unassigned.",
    )
    change_team = fields.Boolean("Change the team")
    team_id = fields.Many2one(
        "crm.team", "Sales Team", context={"active_test": False}, help="Empty: Unassigned."
    )
    change_date = fields.Boolean("Change the date")
    date = fields.Datetime(
        help="When it was won, lost, confirmed or closed. An order gets this order date."
    )
    reason = fields.Text(
        required=True, help="Noted on the records, and with restatements of locked periods."
    )

    @api.model
    def default_get(self, fields_list):
        values = super().default_get(fields_list)
        model, ids = self.env.context.get("active_model"), self.env.context.get("active_ids")
        if not model:
            return values
        values.update(res_model=model, res_ids=ids or [])
        records = self._find(model, ids)
        records.check_access("read")
        stamp = len(records) == 1 and records._kpi_stamp_to_correct()
        if stamp:
            names = records._kpi_correction_fields(stamp)
            values["date"] = records[names["date"]]
            values["user_id"] = records[names["user"]].id
            values[self._team_field(model)] = records[names["team"]].id
        return {name: value for name, value in values.items() if name in fields_list}

    @api.depends("res_model", "res_ids")
    def _compute_records_text(self):
        for wizard in self:
            records = wizard._find(wizard.res_model, wizard.res_ids)
            wizard.records_text = "\n".join(records.mapped("display_name"))

    @api.model
    def _find(self, model, ids):
        """The chosen records, which the user must be able to read."""
        known = model in self.env and getattr(self.env[model], "_kpi_correctable", ())
        chosen = [id_ for id_ in ids or [] if isinstance(id_, int)]
        records = self.env[model].browse(chosen).exists() if known else None
        if not records:
            raise UserError(self.env._("Choose opportunities, orders or tickets to correct."))
        return records

    @api.model
    def _team_field(self, model):
        """Field of the wizard for the team of a model."""
        return "team_id"

    def action_apply(self):
        self.ensure_one()
        changes = {}
        if self.change_user:
            changes["user"] = self.user_id
        if self.change_team:
            changes["team"] = self[self._team_field(self.res_model)]
        if self.change_date:
            changes["date"] = self.date
        if not changes:
            raise UserError(self.env._("Choose what to change: salesperson, team or date."))
        records = self._find(self.res_model, self.res_ids)
        self.env["crm.kpi.correction"]._correct(records, changes, self.reason)
        return {"type": "ir.actions.act_window_close"}
