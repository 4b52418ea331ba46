# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The line on top of a board that reminds of manual values."""

from odoo.fields import Date
from odoo.tools.misc import format_date

from ..board.attention import Topic
from ..engine.periods import local_day
from .due import due_entries


class EntriesDue(Topic):
    """Manual values that are missing for the latest complete periods."""

    key = "entries_due"
    model = "crm.kpi.entry"
    icon = "fa-pencil-square-o"
    groups = "crm_kpi.group_kpi_manager"

    def line(self, context):
        if not (due := self._due(context)):
            return None
        count = sum(len(one.keys) for one in due)
        first = format_date(context.env, min(one.date_from for one in due), date_format="medium")
        detail = context.env._("for the period from %s", first)
        return self.make_line(context, count, detail)

    def text(self, env, count):
        if count == 1:
            return env._("1 value is to be entered")
        return env._("%s values are to be entered", count)

    def action(self, context):
        """The table, on the kind of period with the oldest value that is due."""
        due = sorted(self._due(context), key=lambda one: one.date_from)[:1]
        rows = ""
        for key in due[0].keys if due else ():
            rows = "user" if key.user_id else "team" if key.team_id else "company"
        return {
            "type": "ir.actions.client",
            "name": context.env._("Enter values"),
            "tag": "crm_kpi.entry_grid",
            "params": {
                "period_kind": due[0].period_kind if due else "month",
                "date": Date.to_string(due[0].date_from) if due else False,
                "rows": rows or "company",
            },
        }

    def _due(self, context):
        """The values that are due and that the table shows."""
        today = local_day(context.now, context.company._kpi_tz())
        result = []
        for one in due_entries(context.company.with_env(context.env), today):
            # the table has no lines of segments
            keys = {key for key in one.keys if not key.segment_id}
            if keys:
                result.append(one._replace(keys=keys))
        return result
