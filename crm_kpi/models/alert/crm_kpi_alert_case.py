# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from dateutil.relativedelta import relativedelta
from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...alerts import words
from ...board.context import Cell
from ...fields import NullableFloat
from ..value.crm_kpi_value import LEVELS

#: Months after which cases that are over are deleted.
KEPT_MONTHS = 12


class CrmKpiAlertCase(models.Model):
    """One time that an alert holds for a cell: from the first refresh to the recovery.

    Record rules are those of values: a case tells one. Only :mod:`~odoo.addons.crm_kpi.alerts.run`
    writes it.
    """

    _name = "crm.kpi.alert.case"
    _description = "KPI Alert"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    # users who may read a case may plan activities and post messages on it
    _mail_post_access = "read"

    alert_id = fields.Many2one(
        "crm.kpi.alert", "Rule", required=True, readonly=True, ondelete="cascade", index=True
    )
    kpi_id = fields.Many2one(
        "crm.kpi", "KPI", required=True, readonly=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, ondelete="cascade", index=True
    )
    period_id = fields.Many2one("crm.kpi.period", readonly=True, ondelete="cascade", index=True)
    goal_id = fields.Many2one(
        "crm.kpi.goal", readonly=True, ondelete="cascade", index="btree_not_null"
    )
    level = fields.Selection(LEVELS, required=True, readonly=True)
    team_id = fields.Many2one(
        "crm.team", "Sales Team", readonly=True, ondelete="cascade", index="btree_not_null"
    )
    user_id = fields.Many2one(
        "res.users", "Salesperson", readonly=True, ondelete="cascade", index="btree_not_null"
    )
    segment_id = fields.Many2one(
        "crm.kpi.segment", readonly=True, ondelete="cascade", index="btree_not_null"
    )
    state = fields.Selection(
        [
            ("pending", "Seen, not told yet"),
            ("firing", "Needs attention"),
            ("recovered", "Recovered"),
            ("over", "Over"),
        ],
        required=True,
        readonly=True,
        index=True,
        help="Over: the period of the goal has ended, the rule was changed or switched off, or the "
        "salesperson left.",
    )
    count = fields.Integer(
        "Refreshes in a row", readonly=True, help="Towards the next state.", aggregator=None
    )
    value = NullableFloat(readonly=True, aggregator=None)
    record_count = fields.Integer("Records", readonly=True, aggregator=None)
    reference = NullableFloat(
        readonly=True, aggregator=None, help="Target, limit, or the value of the period before."
    )
    forecast = NullableFloat(readonly=True, aggregator=None)
    signal = fields.Char(readonly=True)
    fired_at = fields.Datetime("Since", readonly=True)
    ended_at = fields.Datetime("Until", readonly=True)
    told_at = fields.Datetime("Last message", readonly=True)
    snooze_until = fields.Date(
        "Snoozed until", readonly=True, help="No messages about this rule for this person or team."
    )
    snooze_reason = fields.Char("Reason", readonly=True)
    snooze_user_id = fields.Many2one("res.users", "Snoozed by", readonly=True)
    message_line_ids = fields.One2many(
        "crm.kpi.alert.message", "case_id", "Messages to recipients", readonly=True
    )

    # --- shown ---
    scope_name = fields.Char("For", compute="_compute_scope_name")
    reason_text = fields.Char("Why", compute="_compute_texts")
    next_step_text = fields.Text("What helps", compute="_compute_texts")
    value_text = fields.Char("Value (text)", compute="_compute_texts")
    may_snooze = fields.Boolean(compute="_compute_may_snooze")

    @api.depends("level", "team_id", "user_id", "segment_id", "company_id")
    def _compute_scope_name(self):
        for case in self:
            parts = (case.level or "company").split("_")
            case.scope_name = " · ".join(case[f"{part}_id"].display_name or "" for part in parts)

    @api.depends("kpi_id", "scope_name", "period_id")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for case in self:
            case.display_name = " · ".join(
                filter(None, [case.kpi_id.name, case.scope_name, case.period_id.display_name])
            )

    @api.depends("value", "record_count", "reference", "forecast", "signal", "kpi_id", "alert_id")
    @api.depends_context("lang", "tz", "uid")
    def _compute_texts(self):
        for case in self:
            case.reason_text = words.reason_text(case)
            case.next_step_text = words.next_step_text(case)
            case.value_text = case.kpi_id._format_value(case.value, case.company_id.currency_id)

    @api.depends("alert_id")
    @api.depends_context("uid")
    def _compute_may_snooze(self):
        writable = self.alert_id._filtered_access("write")
        for case in self:
            case.may_snooze = case.alert_id in writable

    # --- WRITTEN BY alerts/ ---

    def _cell(self):
        return Cell(self.level, self.team_id.id, self.user_id.id, self.segment_id.id)

    def _key(self):
        """The cell of a rule, whatever goal or time the case is about."""
        return self.alert_id.id, self._cell()

    def _end(self, state, now):
        """The case is over: its activities close themselves.

        :param state: ``recovered`` or ``over``
        """
        if not self:
            return
        self.write({"state": state, "ended_at": now})
        activities = self.env["mail.activity"].search([("kpi_alert_case_id", "in", self.ids)])
        if not activities:
            return
        if state == "recovered":
            activities.action_feedback(feedback=self.env._("Recovered"))
        else:
            activities.unlink()

    def _activity_values(self, user):
        """Values of the activity that asks a user to look at the case, in their language."""
        self.ensure_one()
        env = self.env
        record = self.goal_id or self
        lines = [self.reason_text, *(self.next_step_text or "").split("\n")]
        note = Markup().join(Markup("<p>%s</p>") % line for line in lines if line)
        note += Markup('<p><a href="/odoo/crm.kpi.alert.case/%s">%s</a></p>') % (
            self.id,
            env._("Why, and the records behind it"),
        )
        # superuser: every user may know the models of the records and the type of the activity
        models_ = env["ir.model"].sudo()
        kind = env.ref("crm_kpi.mail_activity_type_alert", raise_if_not_found=False)
        return {
            "res_model_id": models_._get_id(record._name),
            "res_id": record.id,
            "user_id": user.id,
            "activity_type_id": kind.id if kind else False,
            "summary": self.display_name,
            "note": note,
            "date_deadline": fields.Date.context_today(self),
            "automated": True,
            "kpi_alert_case_id": self.id,
        }

    @api.autovacuum
    def _gc_cases(self):
        before = fields.Datetime.now() - relativedelta(months=KEPT_MONTHS)
        self.search([("ended_at", "<", before)]).unlink()

    # --- ACTIONS ---

    def action_open_value(self):
        """Open the details of the number on a board."""
        self.ensure_one()
        return {"type": "ir.actions.act_url", "url": self._board_url(), "target": "self"}

    def _board_url(self):
        period = self.period_id
        query = {
            "kpi_id": self.kpi_id.id,
            "period_kind": period.kind,
            "date": fields.Date.to_string(period.date_from),
            "scope": "team" if self.team_id or self.user_id else "company",
            "team_id": self.team_id.id,
            "user_id": self.user_id.id,
            "segment_id": self.segment_id.id,
        }
        parts = "&".join(f"{name}={value}" for name, value in query.items() if value)
        return f"/odoo/kpis?{parts}"

    def action_open_records(self):
        """Open the records behind the number that the reader may see."""
        self.ensure_one()
        if not self.period_id:
            raise UserError(self.env._("This alert is about no period, so it has no records."))
        cell = self._cell()._asdict()
        return self.kpi_id._open_cell_records(self.period_id, cell, self.display_name)

    def action_open_goal(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "crm.kpi.goal",
            "res_id": self.goal_id.id,
            "views": [(False, "form")],
        }

    def action_definition(self):
        self.ensure_one()
        return self.kpi_id.action_definition()

    def action_snooze(self):
        """Ask until when, and why, there are no messages."""
        self.ensure_one()
        self.alert_id.check_access("write")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Snooze"),
            "res_model": "crm.kpi.alert.snooze",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_case_id": self.id},
        }

    def action_wake(self):
        """End the snooze."""
        self.ensure_one()
        self._snooze(False, False)

    def _snooze(self, until, reason):
        """Set or end a snooze; only users who may change the rule can.

        :param until: last day without messages; false ends the snooze
        """
        self.alert_id.check_access("write")
        if until and until < fields.Date.context_today(self):
            raise UserError(self.env._("Until: choose today or a later day."))
        # superuser: users cannot write cases; the right to change the rule was checked above
        cases = self.sudo().search(
            [("alert_id", "=", self.alert_id.id), ("snooze_until", "!=", False)]
        )
        cases.filtered(lambda case: case._key() == self._key()).snooze_until = False
        if not until:
            return
        self.sudo().write(
            {
                "snooze_until": until,
                "snooze_reason": reason,
                "snooze_user_id": self.env.uid,
                "told_at": False,  # when the snooze is over, it is told again
            }
        )
        activities = self.env["mail.activity"].sudo()
        activities.search([("kpi_alert_case_id", "=", self.id)]).unlink()
