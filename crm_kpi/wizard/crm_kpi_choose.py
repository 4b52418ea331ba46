# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..definitions.choices import METRIC_CLASSES
from ..models.kpi.crm_kpi_recommendation import OBJECTIVES

ROLES = [
    ("rep", "Salesperson"),
    ("manager", "Sales manager"),
    ("executive", "Executive"),
    ("agent", "Service agent"),
]
#: Classes of KPIs by role, those that the role can influence most first.
CLASSES = {
    "rep": ("input", "process", "output", "outcome"),
    "agent": ("process", "output", "input", "outcome"),
    "manager": ("process", "output", "outcome", "input"),
    "executive": ("outcome", "output", "process", "input"),
}
#: Number of KPIs in a proposal.
LEAST, MOST = 5, 7


class CrmKpiChoose(models.TransientModel):
    """Proposes a small balanced set of KPIs for an objective and a role, with reasons.

    Which KPIs serve an objective, for whom, and why, is data of the KPIs: their recommendations,
    *Only for managers*, *Reason* and the category's *Customer service*.
    """

    _name = "crm.kpi.choose"
    _description = "Choose My KPIs"

    objective = fields.Selection(OBJECTIVES, required=True, default="convert")
    role = fields.Selection(ROLES, string="Your role", required=True, default="rep")
    line_ids = fields.One2many(
        "crm.kpi.choose.line",
        "choose_id",
        "Proposal",
        compute="_compute_line_ids",
        compute_sudo=False,  # proposes only what the user may read
        store=True,
        readonly=False,
    )

    def _compute_display_name(self):
        self.display_name = self.env._("Choose my KPIs")

    @api.depends("objective", "role")
    def _compute_line_ids(self):
        for wizard in self:
            lines = [Command.clear()]
            if wizard.objective and wizard.role:
                lines += [Command.create(vals) for vals in wizard._proposal()]
            wizard.line_ids = lines

    # --- PROPOSAL ---

    @api.model
    def _candidates(self):
        """The KPIs that the user can choose."""
        domain = [("is_component", "=", False)]
        if not self.env.user.has_group("crm_kpi.group_kpi_admin"):
            # administrators can also choose drafts: choosing publishes them
            domain.append(("state", "=", "published"))
        kpis = self.env["crm.kpi"].search(domain)
        return kpis - kpis._closed_to_user()

    def _recommended(self, candidates):
        """The candidates that serve the objective, the best first for the role."""
        kpis = (
            self.env["crm.kpi.recommendation"]
            .search([("objective", "=", self.objective), ("kpi_id", "in", candidates.ids)])
            .kpi_id
        )
        if self.role in ("rep", "agent"):
            kpis = kpis.filtered(lambda kpi: not kpi.for_managers_only)
        if self.role == "agent":
            kpis = kpis.sorted(lambda kpi: not kpi.category_id.is_service)
        return kpis

    def _proposal(self):
        """Values of the lines: the best KPI of each class, their counter-metrics, and more
        recommended KPIs until there are enough."""
        candidates = self._candidates()
        ranked = self._recommended(candidates)
        classes = CLASSES[self.role]
        best = [
            ranked.filtered(lambda kpi, name=name: kpi.metric_class == name)[:1] for name in classes
        ]
        reasons = {kpi: self._reason(kpi) for kpi in best if kpi}
        for kpi in list(reasons):
            counter = kpi.counter_kpi_id
            if len(reasons) < MOST and counter in candidates:
                reasons.setdefault(counter, self._counter_reason(kpi))
        for kpi in ranked.sorted(lambda kpi: classes.index(kpi.metric_class)):
            if len(reasons) >= LEAST:
                break
            reasons.setdefault(kpi, self._reason(kpi))
        order = [name for name, _label in METRIC_CLASSES]
        chosen = sorted(reasons, key=lambda kpi: order.index(kpi.metric_class))
        return [
            {"kpi_id": kpi.id, "sequence": index, "reason": reasons[kpi]}
            for index, kpi in enumerate(chosen)
        ]

    def _counter_reason(self, kpi):
        return self.env._("Balances %s: gets worse first if that is pushed too hard.", kpi.name)

    def _reason(self, kpi):
        """One sentence: why this KPI is in the proposal."""
        return (
            kpi.recommendation_reason
            or {
                "input": self.env._("Measures your effort. All results depend on it."),
                "process": self.env._(
                    "Shows how the work is done, early enough to change something."
                ),
                "output": self.env._("Shows the direct result of the work, week by week."),
                "outcome": self.env._("Shows the effect on the business."),
            }[kpi.metric_class]
        )

    # --- ACTIONS ---

    def action_choose(self):
        """Show these KPIs first. An administrator also publishes the drafts among them."""
        self.ensure_one()
        kpis = self.line_ids.filtered("keep").kpi_id
        if not kpis:
            raise UserError(self.env._("Choose at least one KPI, or show all KPIs."))
        drafts = kpis.filtered(lambda kpi: kpi.state == "draft")
        if drafts:
            drafts.action_publish()
        # superuser: writes only the user's own choice; users may not write users
        self.env.user.sudo().write(
            {"kpi_ids": [Command.set(kpis.ids)], "kpi_choice_answered": True}
        )
        return self._show()

    def action_show_all(self):
        # superuser: the user's own choice, as above
        self.env.user.sudo().write({"kpi_ids": [Command.clear()], "kpi_choice_answered": True})
        return self._show()

    def _show(self):
        compares = self.role in ("manager", "executive")
        name = "crm_kpi_scorecard_action" if compares else "crm_kpi_value_mine_action"
        action = self.env["ir.actions.actions"]._for_xml_id(f"crm_kpi.{name}")
        return {**action, "target": "main"}


class CrmKpiChooseLine(models.TransientModel):
    _name = "crm.kpi.choose.line"
    _description = "Proposed KPI"
    _order = "sequence, id"

    choose_id = fields.Many2one("crm.kpi.choose", required=True, ondelete="cascade")
    sequence = fields.Integer()
    keep = fields.Boolean(default=True)
    kpi_id = fields.Many2one("crm.kpi", "KPI", required=True, readonly=True, ondelete="cascade")
    metric_class = fields.Selection(related="kpi_id.metric_class", string="Class")
    counter_kpi_id = fields.Many2one(related="kpi_id.counter_kpi_id")
    state = fields.Selection(related="kpi_id.state")
    reason = fields.Char(readonly=True)
