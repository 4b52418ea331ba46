# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Targets that are edited in Excel.

Each row of the sheet carries a key: the id of the goal, a signature of the goal and of the names
next to it, and a signature of the values that may be changed. On import the key shows whether the
row belongs to this database, whether its names were moved to another row, and whether the goal
was changed here since the export. Such rows are refused.
"""

from odoo import fields
from odoo.exceptions import UserError
from odoo.tools import hmac

from ..goals import labels as goal_labels
from ..goals.earlier import last_of
from . import target_grid
from .formulas import is_number, same
from .marked_sheet import SheetError, errors_text, not_a_number
from .text import clean

#: Fields that can be changed on the sheet, by kind of goal.
OPEN_FIELDS = {
    "at_least": ("target", "note"),
    "at_most": ("target", "note"),
    "range": ("target", "target_max", "note"),
    "improve": ("improve_by", "note"),
}
#: Fields that must have the same value at export and import.
SIGNED_FIELDS = ("kind", "target", "target_max", "improve_by", "note", "active")
LARGEST_NUMBER = 1e15


def write_targets(goals, content, number_format, file):
    """Write the sheet of targets of these goals, see :mod:`~.target_grid`."""
    goals.check_access("write")
    env = goals.env
    names = [env._("KPI"), env._("Period"), env._("For"), env._("Goal"), env._("Unit")]
    names += [env._("Last period"), env._("Last value"), env._("Last target")]
    names += [goals._fields[name]._description_string(env) for name in target_grid.FIELDS]
    rows, last = [], last_of(goals, fields.Datetime.now())
    for goal in goals:
        labels = _labels(goal)
        values = {
            name: None if goal[name] is False else goal[name] for name in OPEN_FIELDS[goal.kind]
        }
        rows.append(
            target_grid.GridRow(
                _key(goal, labels),
                labels,
                number_format(goal.kpi_id, goal.currency_id),
                _help(last.get(goal)),
                values,
            )
        )
    hint = env._(
        "Change the yellow cells only. Then import the file with KPIs › Goals › Import targets. "
        "Enter numbers in the unit of the KPI."
    )
    target_grid.write_grid(file, content, names, rows, hint)


def read_targets(model, file):
    """The changes that a sheet of targets asks for.

    :param model: ``crm.kpi.goal`` in the environment of the user who imports
    :param file: binary file
    :return: list of ``(goal, vals, number of the row)``
    :raise UserError: names each cell that is wrong; such a file changes nothing
    """
    try:
        rows = target_grid.read_grid(file)
    except SheetError as error:
        raise UserError(_file_message(model.env, error.args[0])) from error
    ids = {int(key) for row in rows if (key := row.key.split(".")[0]).isdigit()}
    ids = {goal_id for goal_id in ids if goal_id < 2**31}
    goals = model.with_context(active_test=False).search([("id", "in", list(ids))])
    goals = {str(goal.id): goal for goal in goals._filtered_access("write")}
    changes, errors, seen = [], [], set()
    for row in rows:
        goal = goals.get(row.key.split(".")[0])
        if problem := _row_problem(model.env, row, goal, seen):
            errors.append(model.env._("A%(row)s: %(reason)s", row=row.number, reason=problem))
            continue
        seen.add(str(goal.id))
        if vals := _changed_values(goal, row, errors):
            changes.append((goal, vals, row.number))
    if errors:
        raise UserError(errors_text(model.env, errors))
    return changes


def apply_targets(model, changes, file_name):
    """Write the changes that :func:`read_targets` found, all or nothing, and log their source."""
    model._write_many([(goal, vals) for goal, vals, _row in changes])
    goals = model.browse([goal.id for goal, _vals, _row in changes])
    goals._message_log_batch(
        {
            goal.id: model.env._(
                "Changed by the file %(file)s, row %(row)s.", file=file_name, row=row
            )
            for goal, _vals, row in changes
        }
    )


def _help(earlier):
    """Name of the last period, its value and its target: a number, or a text of two."""
    if not earlier:
        return "", None, None
    goal = earlier.goal
    if not goal:
        target = None
    elif goal.kind == "range" or goal.target is False:
        target = goal_labels.target_text(goal)
    else:
        target = goal.target
    return earlier.period.display_name, earlier.value, target


# --- KEYS ---


def _labels(goal):
    selection = {
        name: dict(goal._fields[name]._description_selection(goal.env)) for name in ("kind", "unit")
    }
    return tuple(
        clean(text)
        for text in (
            goal.kpi_id.name,
            goal.period_id.display_name,
            goal.scope_name or goal.company_id.name,
            selection["kind"][goal.kind],
            selection["unit"][goal.unit],
        )
    )


def _key(goal, labels):
    return ".".join(
        [str(goal.id), _sign(goal, "names", labels), _sign(goal, "state", _state(goal))]
    )


def _state(goal):
    return [repr(goal[name]) for name in SIGNED_FIELDS]


def _sign(goal, scope, texts):
    # superuser: the secret of the database signs; it is not returned
    return hmac(goal.env(su=True), f"crm_kpi-goal-{scope}", (goal.id, *texts))[:20]


# --- CHECKS ---


def _file_message(env, reason):
    return {
        "file": env._("File: it cannot be read. Choose a workbook in xlsx format."),
        "size": env._("File: it is too large. Export fewer goals at a time."),
        "rows": env._("File: it has too many rows. Export fewer goals at a time."),
        "sheet": env._(
            "File: it is not a sheet of targets. Choose one made by Edit targets in Excel."
        ),
        "sheets": env._("File: it holds several sheets of targets. Delete all but one of them."),
    }[reason]


def _row_problem(env, row, goal, seen):
    """Why a row is refused, ``None`` where it is accepted."""
    parts = row.key.split(".")
    if not goal or len(parts) != 3:
        return env._("this goal is not in this database, or you may not change it.")
    goal_id, signed_names, signed_state = parts
    if goal_id in seen:
        return env._("this goal is on the sheet twice.")
    if signed_names != _sign(goal, "names", row.names):
        return env._(
            "KPI, period and person do not belong to this row. Leave names as they were "
            "exported, and sort or copy whole rows only."
        )
    if signed_state != _sign(goal, "state", _state(goal)):
        return env._(
            "%(user)s changed %(goal)s after the export.",
            goal=goal.display_name,
            user=goal.write_uid.name,
        )
    return None


def _changed_values(goal, row, errors):
    """The changed fields of one row; adds a message to ``errors`` for each wrong cell."""
    env, vals = goal.env, {}
    for name in target_grid.FIELDS:
        cell, value = row.values[name]
        if name not in OPEN_FIELDS[goal.kind]:
            if value not in (None, ""):
                errors.append(
                    env._("%s: leave it empty, this kind of goal has no such value.", cell)
                )
        elif name == "note":
            text = clean(value or "", 10_000)
            if text != clean(goal.note or "", 10_000):
                vals["note"] = text
        elif not is_number(value) or abs(value) > LARGEST_NUMBER:
            errors.append(not_a_number(env, cell, value))
        elif name == "improve_by" and value <= 0:
            errors.append(env._("%s: enter more than 0 %%.", cell))
        elif not same(float(value), goal[name] if goal[name] is not False else None):
            vals[name] = float(value)
    low = vals.get("target", goal.target)
    high = vals.get("target_max", goal.target_max)
    if goal.kind == "range" and low is not False and high is not False and high < low:
        cell, _value = row.values["target_max"]
        errors.append(env._("%s: enter a value that is not below the target.", cell))
    return vals
