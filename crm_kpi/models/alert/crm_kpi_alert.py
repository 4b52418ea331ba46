# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError

from ...alerts import words
from ...alerts.deliver import send_to
from ...alerts.rehearsal import rehearsal_html
from ...alerts.run import AlertRun
from ...fields import NullableFloat

CONDITIONS = [
    ("status", "Goal is off track"),
    ("value", "Value passes a limit"),
    ("forecast", "Forecast passes a limit"),
    ("change", "Value changes by more than"),
    ("signal", "Value is unusual"),
    ("milestone", "Share of the target is reached"),
    ("no_data", "Nothing new for some days"),
    ("stale", "Figures are out of date"),
    ("records", "Too few records"),
]
#: After a change of one of these fields, open cases are over: they are about another rule.
JUDGING = {
    "active", "kpi_id", "company_id", "period_kind", "scope", "team_id", "segment_set_id", "user_id",
    "condition", "status", "operator", "threshold", "share", "count", "milestone",
}  # fmt: skip
#: Fields that the scheduled action writes; users cannot.
GUARDED = {"last_error", "failed_since", "unreadable_text"}
#: Recipients that users without the rights of a manager cannot choose.
OTHERS = ("to_leader", "to_salesperson", "to_followers", "user_ids")


class CrmKpiAlert(models.Model):
    """A rule: who is told when a KPI or a goal needs them, and how.

    :mod:`~odoo.addons.crm_kpi.alerts.run` judges all rules after each refresh. What holds for a
    person, a team or a segment is a ``crm.kpi.alert.case``.
    """

    _name = "crm.kpi.alert"
    _description = "KPI Alert Rule"
    _order = "kpi_id, id"

    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, ondelete="cascade", default=lambda self: self.env.company
    )
    user_id = fields.Many2one(
        "res.users",
        "Owner",
        required=True,
        ondelete="cascade",
        index=True,
        default=lambda self: self.env.user,
        domain="[('share', '=', False), ('company_ids', 'in', company_id)]",
    )

    # --- what is watched ---
    kpi_id = fields.Many2one(
        "crm.kpi",
        "KPI",
        required=True,
        ondelete="cascade",
        index=True,
        domain="[('state', '=', 'published'), ('company_id', 'in', [False, company_id])]",
    )
    period_kind = fields.Selection(
        [
            ("day", "Day"),
            ("week", "Week"),
            ("month", "Month"),
            ("quarter", "Quarter"),
            ("year", "Year"),
        ],
        "Period",
        required=True,
        default="month",
    )
    scope = fields.Selection(
        [
            ("mine", "Me"),
            ("team", "A team"),
            ("users", "Each salesperson of a team"),
            ("all_users", "Each salesperson"),
            ("segments", "Each segment of a set"),
            ("company", "The company"),
        ],
        "Watch",
        required=True,
        default=lambda self: self._default_scope(),
    )
    team_id = fields.Many2one(
        "crm.team",
        "Sales Team",
        ondelete="set null",
        index="btree_not_null",
        domain="[('company_id', 'in', [False, company_id])]",
        default=lambda self: self._default_team(),
    )
    segment_set_id = fields.Many2one(
        "crm.kpi.segment.set", "Segment set", ondelete="set null", index="btree_not_null"
    )

    # --- when ---
    condition = fields.Selection(CONDITIONS, "When", required=True, default="status")
    status = fields.Selection(
        [("off_track", "Off track"), ("at_risk", "At risk or off track")],
        required=True,
        default="off_track",
    )
    operator = fields.Selection(
        [("below", "Below"), ("above", "Above")],
        "Direction",
        required=True,
        compute="_compute_operator",
        store=True,
        readonly=False,
        precompute=True,
    )
    threshold = NullableFloat("Limit", aggregator=None, help="In the unit of the KPI.")
    share = fields.Float(
        "Change by",
        default=0.2,
        aggregator=None,
        help="Against the same part of the period before. For percentages in points.",
    )
    count = fields.Integer(
        "Number",
        default=7,
        aggregator=None,
        help="Number of days, hours or records of the condition.",
    )
    milestone = fields.Selection(
        [("50", "50 %"), ("90", "90 %"), ("100", "100 %")], required=True, default="100"
    )
    wait = fields.Integer(
        "Refreshes in a row",
        default=1,
        aggregator=None,
        help="The alert is told when the condition holds at this number of refreshes in a row.",
    )
    margin = fields.Float(
        default=0.05,
        aggregator=None,
        help="Share of the limit by which a value must be back before the alert has recovered. So a "
        "value that goes to and fro around the limit is told once.",
    )

    # --- who and how ---
    to_owner = fields.Boolean("Me, the owner", default=True)
    to_salesperson = fields.Boolean("The salesperson concerned")
    to_leader = fields.Boolean("The team leader")
    to_followers = fields.Boolean("Followers of the goal")
    user_ids = fields.Many2many(
        "res.users", string="Other recipients", domain="[('share', '=', False)]"
    )
    by_activity = fields.Boolean("Activity", default=True, help="It closes itself on recovery.")
    by_mail = fields.Boolean("Mail", default=True)
    on_screen = fields.Boolean("On the screen", help="Shown at once to recipients who are online.")
    action_id = fields.Many2one(
        "ir.actions.server",
        "Server action",
        ondelete="set null",
        domain="[('model_id.model', '=', 'crm.kpi.alert.case')]",
        groups="base.group_system",
        help="Runs for each message, for a webhook or a chat. Context: kpi_alert is fired, reminder or "
        "recovered.",
    )
    remind_days = fields.Integer(
        "Remind after days",
        aggregator=None,
        help="While the condition holds, tell it again after this number of days. 0: never.",
    )
    is_quiet = fields.Boolean(
        "Only in working time",
        default=True,
        help="Messages wait until the quiet hours and the free days of the recipient are over, in the "
        "time zone and by the working hours of the recipient.",
    )
    quiet_from = fields.Float("Quiet from", default=19.0, aggregator=None)
    quiet_to = fields.Float("Quiet until", default=7.0, aggregator=None)

    # --- state ---
    last_error = fields.Text(readonly=True, copy=False)
    failed_since = fields.Datetime(readonly=True, copy=False)
    unreadable_text = fields.Char(
        "Not told",
        readonly=True,
        copy=False,
        help="Recipients who may not read the value hear nothing.",
    )
    case_ids = fields.One2many("crm.kpi.alert.case", "alert_id", "Alerts", readonly=True)
    open_count = fields.Integer("Need attention", compute="_compute_open_count")

    # --- shown ---
    sentence = fields.Char("In words", compute="_compute_sentence")
    condition_text = fields.Char("Condition", compute="_compute_sentence")
    unit = fields.Selection(related="kpi_id.unit")
    currency_id = fields.Many2one(related="company_id.currency_id")
    rehearse = fields.Boolean(
        store=False, help="Shows what the rule would have told over the last twelve months."
    )
    rehearsal = fields.Html(compute="_compute_rehearsal", sanitize=False)

    _wait_positive = models.Constraint("CHECK (wait >= 1)", "Refreshes in a row: enter 1 or more.")
    _count_positive = models.Constraint("CHECK (count >= 1)", "Number: enter 1 or more.")
    _remind_positive = models.Constraint(
        "CHECK (remind_days >= 0)", "Remind after days: enter 0 or more."
    )
    _margin_range = models.Constraint(
        "CHECK (margin >= 0 AND margin <= 1)", "Margin: enter 0 to 100 %."
    )
    _share_positive = models.Constraint("CHECK (share >= 0)", "Change by: enter 0 % or more.")
    _quiet_range = models.Constraint(
        "CHECK (quiet_from BETWEEN 0 AND 24 AND quiet_to BETWEEN 0 AND 24)",
        "Quiet from, Quiet until: enter times of the day.",
    )

    # --- DEFAULTS AND COMPUTES ---

    @api.model
    def _default_team(self):
        """The team that the user leads, or else belongs to."""
        teams = self.env["crm.team"].search(
            [
                ("user_id", "=", self.env.uid),
                ("company_id", "in", [False, self.env.company.id]),
            ],
            limit=1,
        )
        return teams or self.env.user.sale_team_id

    @api.model
    def _default_scope(self):
        is_manager = self.env.user.has_group("crm_kpi.group_kpi_manager")
        return "users" if is_manager and self._default_team() else "mine"

    @api.depends("kpi_id")
    def _compute_operator(self):
        """The direction that is bad for the KPI."""
        for alert in self:
            alert.operator = "above" if alert.kpi_id.direction == "decrease" else "below"

    @api.depends(
        "kpi_id", "company_id", "user_id", "scope", "team_id", "segment_set_id", "period_kind",
        "condition", "status", "operator", "threshold", "share", "count", "milestone", "to_owner",
        "to_salesperson", "to_leader", "to_followers", "user_ids", "by_activity", "by_mail",
        "on_screen",
    )  # fmt: skip
    @api.depends_context("lang")
    def _compute_sentence(self):
        for alert in self:
            alert.sentence = words.sentence(alert)
            alert.condition_text = words.condition_text(alert)

    @api.depends("sentence")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for alert in self:
            alert.display_name = words.title(alert)

    @api.depends("case_ids.state")
    def _compute_open_count(self):
        counts = dict(
            self.env["crm.kpi.alert.case"]._read_group(
                [("alert_id", "in", self.ids), ("state", "=", "firing")], ["alert_id"], ["__count"]
            )
        )
        for alert in self:
            alert.open_count = counts.get(alert._origin, 0)

    @api.depends("sentence", "margin", "rehearse")
    @api.depends_context("lang", "uid")
    def _compute_rehearsal(self):
        for alert in self:
            alert.rehearsal = alert.rehearse and rehearsal_html(alert)

    # --- CHECKS ---

    @api.constrains("scope", "team_id", "segment_set_id", "user_id", "company_id", "kpi_id")
    def _check_scope(self):
        for alert in self:
            if problem := alert._problem():
                raise ValidationError(problem)

    @api.constrains("condition", "threshold")
    def _check_limit(self):
        for alert in self:
            if alert.condition in ("value", "forecast") and alert.threshold is False:
                raise ValidationError(self.env._("Limit: enter a value in the unit of the KPI."))

    @api.constrains("to_owner", "to_salesperson", "to_leader", "to_followers", "user_ids")
    def _check_recipients(self):
        is_manager = self.env.user.has_group("crm_kpi.group_kpi_manager")
        for alert in self:
            if not alert.to_owner and not any(alert[name] for name in OTHERS):
                raise ValidationError(self.env._("Tell: choose at least one recipient."))
            if not is_manager and any(alert[name] for name in OTHERS):
                raise ValidationError(
                    self.env._(
                        "Tell: only KPI managers can send alerts to others. Choose yourself only."
                    )
                )

    def _problem(self):
        """Why the rule cannot be judged, in words; empty where it can."""
        self.ensure_one()
        env, kpi, company = self.env, self.kpi_id, self.company_id
        if not kpi.active or kpi.state != "published":
            return env._(
                "KPI: %s is not published any more. Publish it, or choose another.", kpi.name
            )
        if kpi.company_id not in (company, company.browse()):
            return env._("KPI: %s is not computed in this company. Choose another.", kpi.name)
        if not self.user_id.active:
            return env._("Owner: %s is archived. Choose another owner.", self.user_id.name)
        if company not in self.user_id.company_ids:
            return env._("Owner: %s may not work in this company.", self.user_id.name)
        if self.scope in ("team", "users"):
            if not self.team_id:
                return env._("Sales Team: choose the team to watch.")
            if not self.team_id.active:
                return env._("Sales Team: %s is archived. Choose another.", self.team_id.name)
            if self.team_id.company_id not in (company, company.browse()):
                return env._("Sales Team: %s belongs to another company.", self.team_id.name)
        if self.scope == "segments":
            if not self.segment_set_id:
                return env._("Segment set: choose the set to watch.")
            if not self.segment_set_id.active:
                return env._(
                    "Segment set: %s is archived. Choose another.", self.segment_set_id.name
                )
        return ""

    # --- CRUD ---

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._refuse_guarded(vals)
        return super().create(vals_list)

    def write(self, vals):
        self._refuse_guarded(vals)
        if vals.get("active"):
            vals = {**vals, "last_error": False, "failed_since": False}
        if {"user_id", "to_owner", *OTHERS} & vals.keys():
            vals = {**vals, "unreadable_text": False}
        result = super().write(vals)
        if vals.get("active"):
            for alert in self:
                if problem := alert.sudo()._problem():  # superuser: whether what it needs exists
                    raise ValidationError(problem)
        if JUDGING & vals.keys():
            # superuser: users cannot write cases; they just changed the rule
            self.sudo().case_ids.filtered(lambda case: case.state in ("pending", "firing"))._end(
                "over", fields.Datetime.now()
            )
        return result

    def _refuse_guarded(self, vals):
        if not self.env.su and GUARDED & vals.keys():
            raise AccessError(
                self.env._(
                    "Errors of alerts cannot be set. Change the rule, or switch it on again."
                )
            )

    # --- RUN ---

    @api.model
    def _cron_alerts(self):
        """Judge all rules and deliver messages, see :class:`~...alerts.run.AlertRun`."""
        AlertRun(self.env).run()

    def _switch_off_invalid(self):
        """Switch off the rules that cannot be judged any more, and tell their owners why.

        :return: these rules
        """
        invalid = self.browse()
        for alert in self:
            if problem := alert._problem():
                alert.active = False
                alert._note_error(problem)
                own = alert._for_owner()
                own._tell_owner(own.env._("A KPI alert was switched off"), own._problem())
                invalid |= alert
        return invalid

    def _note_error(self, message):
        """Note why the rule fails, for its form and for *Health*; false: it does not any more."""
        self.write(
            {
                "last_error": message,
                "failed_since": message and (self.failed_since or fields.Datetime.now()),
            }
        )

    def _note_unreadable(self, users):
        """Note who heard nothing because they may not read the value, and tell the owner once."""
        names = ", ".join(sorted(users.mapped("name")))
        if names == self.unreadable_text:
            return
        self.unreadable_text = names
        own = self._for_owner()
        own._tell_owner(
            own.env._("Recipients of a KPI alert may not read the value"),
            own.env._(
                "%s may not read what this alert tells, and heard nothing. Choose other recipients, or "
                "let the KPI be seen by them.",
                names,
            ),
        )

    def _for_owner(self):
        """The rule in the language of its owner."""
        return self.with_context(lang=self.user_id.lang)

    def _tell_owner(self, subject, text):
        if self.user_id.active:
            send_to(self.user_id, subject, f"{self.display_name}: {text}", self)

    # --- ACTIONS ---

    def action_open_cases(self):
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id("crm_kpi.crm_kpi_alert_case_action")
        return {
            **action,
            "domain": [("alert_id", "=", self.id)],
            "context": {"search_default_alert_id": self.id},
        }
