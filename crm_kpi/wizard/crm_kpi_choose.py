# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..models.kpi.crm_kpi import METRIC_CLASSES

#: What serves an objective: codes of KPIs, the best first. Those that do not exist, because
#: their app is not installed, are left out.
OBJECTIVES = {
    "acquire": """
        new_leads new_customers lead_first_response_hours high_value_acquisition_share cac
        lead_response_in_target_rate outreach_volume lead_qualification_rate
        prospect_response_rate referral_rate new_customers_per_rep campaign_response_rate
        contact_attempts cost_per_lead unresponsive_rate
    """,
    "convert": """
        win_rate sales_cycle_days new_leads deals_won_amount lead_conversion_rate
        pipeline_value deals_won quote_acceptance_rate revenue_ordered pipeline_hygiene
        avg_deal_size lead_qualification_rate sales_velocity abandoned_cart_rate
        pipeline_coverage contact_attempts
    """,
    "grow": """
        revenue_ordered cross_sell_rate upsell_rate discount_rate outreach_volume
        average_order_value pipeline_weighted arpu revenue_growth gross_margin_pct
        net_revenue_retention repeat_revenue_share new_leads orders_count sales_cycle_days
    """,
    "retain": """
        retention_rate at_risk_customers winback_rate contact_coverage_rate
        days_since_last_interaction repeat_purchase_rate churn_rate fcr_rate nps
        profile_completeness ticket_first_response_hours active_customers second_order_rate
        contact_attempts upsell_rate orders_count new_leads
    """,
    "serve": """
        csat_score ticket_first_response_hours fcr_rate tickets_opened tickets_resolved
        ticket_resolution_hours ces nps ticket_reopen_rate ticket_backlog sla_success_rate
        reply_time_hours lead_response_in_target_rate lead_first_response_hours retention_rate
        new_leads orders_count
    """,
    "save": """
        cac expense_to_revenue cost_per_ticket tickets_per_agent new_customers_per_rep
        sales_cycle_days duplicate_rate campaign_roi discount_rate unresponsive_rate
        gross_margin_pct attempts_per_lead fcr_rate leads_per_win cost_savings new_leads
        profile_completeness win_rate revenue_ordered deals_won
    """,
}
#: Which classes a role can do something about, the first first.
ROLES = {
    "rep": ("input", "process", "output", "outcome"),
    "agent": ("process", "output", "input", "outcome"),
    "manager": ("process", "output", "outcome", "input"),
    "executive": ("outcome", "output", "process", "input"),
}
#: What people at the desk have no hand in.
NOT_FOR_STAFF = {
    "cac", "cost_per_lead", "cost_per_ticket", "expense_to_revenue", "cost_savings",
    "campaign_roi", "net_revenue_retention", "revenue_growth", "clv_cac_ratio",
}  # fmt: skip
#: Categories of a service agent; the others' come after them.
SERVICE = ("service", "satisfaction")
LEAST, MOST = 5, 7


class CrmKpiChoose(models.TransientModel):
    """Proposes a balanced handful of KPIs for an objective and a role, and says why."""

    _name = "crm.kpi.choose"
    _description = "Choose My KPIs"

    objective = fields.Selection(
        [
            ("acquire", "Win new customers"),
            ("convert", "Turn leads into deals"),
            ("grow", "Sell more to customers"),
            ("retain", "Keep customers"),
            ("serve", "Serve customers well"),
            ("save", "Save cost"),
        ],
        required=True,
        default="convert",
    )
    role = fields.Selection(
        [
            ("rep", "Salesperson"),
            ("manager", "Sales manager"),
            ("executive", "Executive"),
            ("agent", "Service agent"),
        ],
        string="Your role",
        required=True,
        default="rep",
    )
    line_ids = fields.One2many(
        "crm.kpi.choose.line",
        "choose_id",
        "Proposal",
        compute="_compute_line_ids",
        compute_sudo=False,  # proposes what the user may read
        store=True,
        readonly=False,
    )
    has_choice = fields.Boolean(compute="_compute_has_choice")

    def _compute_display_name(self):
        self.display_name = self.env._("Choose my KPIs")

    def _compute_has_choice(self):
        # superuser: users need not read users; it is one's own choice
        self.has_choice = bool(self.env.user.sudo().kpi_ids)

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
        """The KPIs that there are for this user, by code."""
        domain = [("is_component", "=", False)]
        if not self.env.user.has_group("crm_kpi.group_kpi_admin"):
            # drafts are published by whoever administers KPIs
            domain.append(("state", "=", "published"))
        kpis = self.env["crm.kpi"].search(domain)
        return {kpi.code: kpi for kpi in kpis - kpis._closed_to_user()}

    def _proposal(self):
        """Values of the lines: the best KPI of each class, their counter-metrics, and more
        of what the role can do something about."""
        known = self._candidates()
        codes = [code for code in OBJECTIVES[self.objective].split() if code in known]
        if self.role in ("rep", "agent"):
            codes = [code for code in codes if code not in NOT_FOR_STAFF]
        ranked = [known[code] for code in codes]
        if self.role == "agent":
            service = self.env["crm.kpi.category"].union(
                *(self.env.ref(f"crm_kpi.crm_kpi_category_{name}") for name in SERVICE)
            )
            ranked.sort(key=lambda kpi: kpi.category_id not in service)
        classes = ROLES[self.role]
        best = {
            name: next((kpi for kpi in ranked if kpi.metric_class == name), None)
            for name in classes
        }
        chosen = {kpi: "class" for kpi in best.values() if kpi}
        for kpi in list(chosen):
            counter = kpi.counter_kpi_id
            if len(chosen) < MOST and counter.code in known:
                chosen.setdefault(counter, kpi)
        for kpi in sorted(ranked, key=lambda kpi: classes.index(kpi.metric_class)):
            if len(chosen) >= LEAST:
                break
            chosen.setdefault(kpi, "more")
        order = [name for name, _label in METRIC_CLASSES]
        return [
            {
                "kpi_id": kpi.id,
                "sequence": index,
                "reason": self._reason(kpi, why),
            }
            for index, (kpi, why) in enumerate(
                sorted(chosen.items(), key=lambda item: order.index(item[0].metric_class))
            )
        ]

    def _reason(self, kpi, why):
        """One sentence: why this KPI is in the set.

        :param why: the KPI it is the counter-metric of, or how else it came in
        """
        if isinstance(why, models.BaseModel):
            return self.env._(
                "Keeps %s honest: it suffers first when that is improved at any price.", why.name
            )
        own = self._reasons().get(kpi.code)
        if own:
            return own
        return {
            "input": self.env._("Shows what you put in; everything else follows from it."),
            "process": self.env._("Shows how the work is done, where you can still act in time."),
            "output": self.env._("Shows what the work yields, week by week."),
            "outcome": self.env._("Shows what it means for the business in the end."),
        }[kpi.metric_class]

    def _reasons(self):
        """What to say of a KPI, by its code."""
        return {
            "new_leads": self.env._("What does not come in at the top cannot be won further down."),
            "outreach_volume": self.env._(
                "What you reach out for is the one thing you decide yourself."
            ),
            "contact_attempts": self.env._("Most answers come after more than one attempt."),
            "profile_completeness": self.env._("Customers you know little about are hard to keep."),
            "duplicate_rate": self.env._("Every duplicate is worked on twice."),
            "pipeline_hygiene": self.env._("A forecast is as good as the opportunities behind it."),
            "tickets_opened": self.env._("How much comes in tells what the team has to carry."),
            "lead_first_response_hours": self.env._(
                "Leads answered within the hour are won far more often than those of a day later."
            ),
            "lead_response_in_target_rate": self.env._(
                "A promise of a quick answer has to be kept."
            ),
            "lead_qualification_rate": self.env._(
                "Shows early whether the leads are the right ones."
            ),
            "sales_cycle_days": self.env._(
                "The sooner a deal is decided, the more deals fit in a year."
            ),
            "pipeline_value": self.env._("What is open now is what can be won next."),
            "pipeline_weighted": self.env._(
                "What is likely to come in if things go on as they do."
            ),
            "discount_rate": self.env._("Growth that was bought by discounts is none."),
            "at_risk_customers": self.env._("These customers are late, and can still be called."),
            "contact_coverage_rate": self.env._("Customers nobody talks to leave quietly."),
            "days_since_last_interaction": self.env._("Customers nobody talks to leave quietly."),
            "ticket_first_response_hours": self.env._(
                "Waiting for the first answer annoys most of all."
            ),
            "ticket_resolution_hours": self.env._(
                "What counts for the customer is when it works again."
            ),
            "ticket_backlog": self.env._("What piles up today makes tomorrow's customers wait."),
            "unresponsive_rate": self.env._("Time spent on those who never answer is lost."),
            "new_customers": self.env._("The number all acquisition is for."),
            "new_customers_per_rep": self.env._(
                "Shows whether more people or better work made the growth."
            ),
            "win_rate": self.env._("Of what was decided, how much was decided for you."),
            "deals_won": self.env._("The number all selling is for."),
            "quote_acceptance_rate": self.env._("Shows whether offers meet what customers want."),
            "cross_sell_rate": self.env._(
                "Customers who buy a second kind of product stay longer."
            ),
            "upsell_rate": self.env._("Customers who move up found what they bought worth it."),
            "winback_rate": self.env._(
                "Lost customers know you; winning them back is cheaper than new ones."
            ),
            "fcr_rate": self.env._("Solved at once pleases the customer and costs least."),
            "tickets_resolved": self.env._("The number all service is for."),
            "tickets_per_agent": self.env._(
                "Shows whether more people or better work made the difference."
            ),
            "high_value_acquisition_share": self.env._(
                "A few good customers are worth more than many small."
            ),
            "cac": self.env._("What a new customer costs decides how many you can afford."),
            "referral_rate": self.env._("Those who recommend you are your cheapest salespeople."),
            "deals_won_amount": self.env._("Deals differ in size; this is what they add up to."),
            "revenue_ordered": self.env._("What customers really ordered, in money."),
            "arpu": self.env._("Growth per customer needs no new customers."),
            "retention_rate": self.env._("Keeping a customer costs a fraction of winning one."),
            "repeat_purchase_rate": self.env._("Who orders again was content the first time."),
            "churn_rate": self.env._("Shows how much has to be won merely to stand still."),
            "csat_score": self.env._("Asks those who know: the customers."),
            "nps": self.env._("Who would recommend you will come back."),
            "ces": self.env._(
                "Customers leave because it is hard, not because it is not delightful."
            ),
            "cost_per_ticket": self.env._("Tells what a better answer the first time would save."),
            "expense_to_revenue": self.env._("Sets what is spent against what it brings."),
            "gross_margin_pct": self.env._("Revenue without margin only makes work."),
        }

    # --- ACTIONS ---

    def action_choose(self):
        """Make these the KPIs that are shown first; who administers KPIs publishes drafts."""
        self.ensure_one()
        kpis = self.line_ids.filtered("keep").kpi_id
        if not kpis:
            raise UserError(self.env._("Choose at least one KPI, or show all of them."))
        drafts = kpis.filtered(lambda kpi: kpi.state == "draft")
        if drafts:
            drafts.action_publish()
        # superuser: one's own choice and nothing else; users do not write users
        self.env.user.sudo().kpi_ids = kpis
        return self._show()

    def action_show_all(self):
        self.env.user.sudo().kpi_ids = False  # one's own choice, as above
        return self._show()

    def _show(self):
        name = "team" if self.role in ("manager", "executive") else "mine"
        return {
            **self.env["ir.actions.act_window"]._for_xml_id(f"crm_kpi.action_crm_kpi_value_{name}"),
            "target": "main",
        }


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
    reason = fields.Char("Why", readonly=True)
