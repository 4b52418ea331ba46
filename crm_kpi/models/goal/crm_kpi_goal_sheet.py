# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import hmac

from ...workbook import target_grid
from ...workbook.formulas import is_number, same
from ...workbook.text import clean

#: What of a goal can be changed on the sheet, by its kind.
OPEN = {
    "at_least": ("target", "note"),
    "at_most": ("target", "note"),
    "range": ("target", "target_max", "note"),
    "improve": ("improve_by", "note"),
}
#: What has to be as it was when the sheet was made.
STAMPED = ("kind", "target", "target_max", "improve_by", "note", "active")
ERRORS_SHOWN = 20


class CrmKpiGoal(models.Model):
    """Targets that are edited in Excel.

    Each row carries a key: the goal, a signature of the goal and the names beside it, and one of
    what may be changed. A row of another database, one whose names were shuffled and one that
    was changed here since are told apart and refused.
    """

    _inherit = "crm.kpi.goal"

    # --- OUT ---

    def _write_targets(self, content, number_format, file):
        """Write the sheet of targets of these goals, see ``workbook/target_grid.py``."""
        self.check_access("write")
        names = [
            self.env._("KPI"),
            self.env._("Period"),
            self.env._("Whose"),
            self.env._("Goal"),
            self.env._("Unit"),
        ]
        names += [self._fields[name]._description_string(self.env) for name in target_grid.FIELDS]
        rows = []
        for goal in self:
            labels = goal._sheet_labels()
            rows.append(
                target_grid.GridRow(
                    goal._sheet_key(labels),
                    labels,
                    number_format(goal.kpi_id, goal.currency_id),
                    {name: None if goal[name] is False else goal[name] for name in OPEN[goal.kind]},
                )
            )
        hint = self.env._(
            "Change the yellow cells only, then import the file under KPIs › Goals › Import "
            "targets. Enter numbers in the unit of the KPI."
        )
        target_grid.write_grid(file, content, names, rows, hint)

    def _sheet_labels(self):
        selection = {
            name: dict(self._fields[name]._description_selection(self.env))
            for name in ("kind", "unit")
        }
        return tuple(
            clean(text)
            for text in (
                self.kpi_id.name,
                self.period_id.display_name,
                self.scope_name or self.company_id.name,
                selection["kind"][self.kind],
                selection["unit"][self.unit],
            )
        )

    def _sheet_key(self, labels):
        state = [repr(self[name]) for name in STAMPED]
        return ".".join([str(self.id), self._sign("names", labels), self._sign("state", state)])

    def _sign(self, what, texts):
        # superuser: the secret of the database signs, nobody reads it
        return hmac(self.env(su=True), f"crm_kpi-goal-{what}", (self.id, *texts))[:20]

    # --- IN ---

    @api.model
    def _read_targets(self, file):
        """What a sheet of targets would change.

        :param file: binary file
        :return: list of ``(goal, vals, number of the row)``
        :raise UserError: naming each cell that is wrong; nothing is taken of such a file
        """
        try:
            rows = target_grid.read_grid(file)
        except target_grid.GridError as error:
            raise UserError(self._grid_message(error.args[0])) from error
        ids = {int(key) for row in rows if (key := row.key.split(".")[0]).isdigit()}
        ids = {goal_id for goal_id in ids if goal_id < 2**31}
        goals = self.with_context(active_test=False).search([("id", "in", list(ids))])
        goals = {str(goal.id): goal for goal in goals._filtered_access("write")}
        changes, errors, seen = [], [], set()
        for row in rows:
            goal = goals.get(row.key.split(".")[0])
            problem = self._row_problem(row, goal, seen)
            if problem:
                errors.append(self.env._("A%(row)s: %(why)s", row=row.number, why=problem))
                continue
            seen.add(goal.id)
            vals = goal._sheet_vals(row, errors)
            if vals:
                changes.append((goal, vals, row.number))
        if errors:
            shown = errors[:ERRORS_SHOWN]
            if len(errors) > len(shown):
                shown.append(self.env._("and %s more", len(errors) - len(shown)))
            raise UserError(
                self.env._("Nothing was changed. Mend the file, or export it anew:\n%s",
                           "\n".join(shown))
            )  # fmt: skip
        return changes

    @api.model
    def _grid_message(self, reason):
        return {
            "file": self.env._("File: it cannot be read. Choose a workbook in the format xlsx."),
            "size": self.env._("File: it is too large. Export fewer goals at a time."),
            "rows": self.env._("File: it has too many rows. Export fewer goals at a time."),
            "sheet": self.env._(
                "File: it is no sheet of targets. Choose one that was made by Edit targets in Excel."
            ),
        }[reason]

    def _row_problem(self, row, goal, seen):
        """Why a row cannot be taken, ``None`` where it can."""
        parts = row.key.split(".")
        if not goal or len(parts) != 3:
            return self.env._("this goal is not in this database, or not yours to change.")
        goal_id, signed, state = parts
        if goal_id in {str(known) for known in seen}:
            return self.env._("this goal is on the sheet twice.")
        if signed != goal._sign("names", row.names):
            return self.env._(
                "KPI, period and person are not those of this row. Names must stay as they were "
                "exported, and whole rows be sorted or copied."
            )
        if state != goal._sign("state", [repr(goal[name]) for name in STAMPED]):
            return self.env._(
                "%(goal)s was changed by %(user)s since the export.",
                goal=goal.display_name,
                user=goal.write_uid.name,
            )
        return None

    def _sheet_vals(self, row, errors):
        """The changed fields of one row; what is wrong is added to ``errors``."""
        vals = {}
        for name in target_grid.FIELDS:
            cell, value = row.values[name]
            if name not in OPEN[self.kind]:
                if value not in (None, ""):
                    errors.append(
                        self.env._("%s: leave it empty, this kind of goal has no such value.", cell)
                    )
                continue
            if name == "note":
                text = clean(value or "", 10_000)
                if text != clean(self.note or "", 10_000):
                    vals["note"] = text
                continue
            if not is_number(value) or abs(value) > 1e15:
                errors.append(self.env._("%(cell)s: %(value)s is no number. Enter one.",
                                         cell=cell, value=str(value or "–")[:40]))  # fmt: skip
            elif name == "improve_by" and value <= 0:
                errors.append(self.env._("%s: enter more than 0 %%.", cell))
            elif not same(float(value), self[name] if self[name] is not False else None):
                vals[name] = float(value)
        low = vals.get("target", self.target)
        high = vals.get("target_max", self.target_max)
        if self.kind == "range" and low is not False and high is not False and high < low:
            errors.append(
                self.env._("%s: enter a value that is not below the target.",
                           row.values["target_max"][0])
            )  # fmt: skip
        return vals

    @api.model
    def _apply_targets(self, changes, file_name):
        """Write what :meth:`_read_targets` found, all or nothing, with a word in the chatter."""
        self._write_many([(goal, vals) for goal, vals, _row in changes])
        goals = self.browse([goal.id for goal, _vals, _row in changes])
        goals._message_log_batch(
            {
                goal.id: self.env._(
                    "Changed by the file %(file)s, row %(row)s.", file=file_name, row=row
                )
                for goal, _vals, row in changes
            }
        )
