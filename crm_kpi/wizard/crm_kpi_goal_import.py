# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import base64
import io

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

MEGABYTES = 10


class CrmKpiGoalImport(models.TransientModel):
    """Import a sheet of targets: show the changes, then apply all of them or none."""

    _name = "crm.kpi.goal.import"
    _description = "Import Targets"

    file = fields.Binary(required=True, attachment=False)
    file_name = fields.Char()
    state = fields.Selection(
        [("file", "File"), ("preview", "Preview")], default="file", required=True, readonly=True
    )
    line_ids = fields.One2many("crm.kpi.goal.import.line", "import_id", "Changes", readonly=True)
    change_count = fields.Integer("Changed goals", readonly=True)
    apply_text = fields.Char(compute="_compute_apply_text")

    @api.depends("line_ids")
    def _compute_apply_text(self):
        for wizard in self:
            count = len(wizard.line_ids)
            wizard.apply_text = (
                self.env._("Apply 1 change")
                if count == 1
                else self.env._("Apply %s changes", count)
            )

    def _changes(self):
        content = base64.b64decode(self.file or b"")
        if len(content) > MEGABYTES << 20:
            raise UserError(self.env._("File: it is larger than %s MB.", MEGABYTES))
        return self.env["crm.kpi.goal"]._read_targets(io.BytesIO(content))

    def action_preview(self):
        self.ensure_one()
        changes = self._changes()
        self.line_ids.unlink()
        goal_fields = self.env["crm.kpi.goal"]._fields
        self.write(
            {
                "state": "preview",
                "change_count": len(changes),
                "line_ids": [
                    Command.create(
                        {
                            "goal_id": goal.id,
                            "row": row,
                            "field_name": goal_fields[name]._description_string(self.env),
                            "old": self._display(goal, name, goal[name]),
                            "new": self._display(goal, name, value),
                        }
                    )
                    for goal, vals, row in changes
                    for name, value in vals.items()
                ],
            }
        )
        return self._reopen()

    def _display(self, goal, name, value):
        if name == "note":
            return value or ""
        if name == "improve_by":
            return f"{value * 100:g}\u00a0%"
        return goal._in_unit(value, exact=True)

    def action_apply(self):
        self.ensure_one()
        # read again: goals can have changed since the preview
        changes = self._changes()
        if not changes:
            raise UserError(self.env._("File: it contains no changes."))
        self.env["crm.kpi.goal"]._apply_targets(changes, self.file_name or "xlsx")
        goals = [goal.id for goal, _vals, _row in changes]
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Changed goals"),
            "res_model": "crm.kpi.goal",
            "view_mode": "list,form",
            "domain": [("id", "in", goals)],
            "target": "main",
        }

    def action_back(self):
        self.write({"state": "file", "line_ids": [Command.clear()]})
        return self._reopen()

    def _reopen(self):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Import targets"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }


class CrmKpiGoalImportLine(models.TransientModel):
    """A value that the file changes."""

    _name = "crm.kpi.goal.import.line"
    _description = "Changed Target"

    import_id = fields.Many2one("crm.kpi.goal.import", required=True, ondelete="cascade")
    goal_id = fields.Many2one("crm.kpi.goal", required=True, ondelete="cascade")
    row = fields.Integer()
    field_name = fields.Char("Field")
    old = fields.Char("Old value")
    new = fields.Char("New value")
