# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import date_utils

COST_KINDS = [
    ("sales", "Sales"),
    ("marketing", "Marketing"),
    ("service", "Service"),
]


class CrmKpiCost(models.Model):
    """What sales, marketing or service cost in a span of days.

    The amount is spread evenly over its days: of a cost of the whole year, every month has
    the share of its days. What names a team, a salesperson or a segment is a cost of theirs;
    everything is a cost of the company.
    """

    _name = "crm.kpi.cost"
    _description = "KPI Cost"
    _order = "date_first desc, kind, id desc"
    _check_company_auto = True

    name = fields.Char("Description", help="What was paid for.")
    kind = fields.Selection(COST_KINDS, required=True, index=True)
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        ondelete="cascade",
        default=lambda self: self.env.company,
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    date_first = fields.Date(
        "First day",
        required=True,
        default=lambda self: date_utils.start_of(fields.Date.context_today(self), "month"),
    )
    date_last = fields.Date(
        "Last day",
        required=True,
        default=lambda self: date_utils.end_of(fields.Date.context_today(self), "month"),
        help="The amount is spread evenly over the days from the first to the last, both included.",
    )
    amount = fields.Monetary(
        required=True,
        help="Without taxes that are recovered, in the company's currency. A credit is negative.",
    )
    campaign_id = fields.Many2one(
        "utm.campaign",
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
        help="Cost of this campaign, for its return on investment.",
    )
    team_id = fields.Many2one(
        "crm.team",
        "Sales Team",
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
        compute="_compute_team_id",
        store=True,
        readonly=False,
        precompute=True,
        help="Empty: not allocated to a team. It is a cost of the company either way.",
    )
    user_id = fields.Many2one(
        "res.users",
        "Salesperson",
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
        domain="[('share', '=', False), ('company_ids', 'in', company_id)]",
        help="Empty: not allocated to a person. It is a cost of the company either way.",
    )
    segment_id = fields.Many2one(
        "crm.kpi.segment",
        index="btree_not_null",
        ondelete="restrict",
        domain="[('set_id.company_id', 'in', [False, company_id])]",
        help="Empty: not allocated to customers. It is a cost of the company either way.",
    )
    is_counted = fields.Boolean(
        "In the totals",
        compute="_compute_is_counted",
        help="No, where the company takes the costs of this kind from its accounts: the entry "
        "then counts for its campaign only.",
    )

    _days_ordered = models.Constraint(
        "CHECK (date_first <= date_last)", "Last day: it must not lie before the first day."
    )
    _span_idx = models.Index("(company_id, date_first, date_last)")

    # --- COMPUTES ---

    @api.depends("user_id")
    def _compute_team_id(self):
        for cost in self:
            team = cost.user_id.sale_team_id
            # a proposal that must not meet the check of companies
            if team and team.company_id in (cost.company_id, self.env["res.company"]):
                cost.team_id = team
            else:
                cost.team_id = cost.team_id

    @api.depends("kind", "company_id")
    def _compute_is_counted(self):
        for cost in self:
            # superuser: a setting of the company, which its managers need not administer
            company = cost.company_id.sudo()
            cost.is_counted = bool(cost.kind) and company._kpi_cost_basis(cost.kind) == "entries"

    @api.depends("name", "kind", "date_first", "date_last")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for cost in self:
            days = f"{cost.date_first} – {cost.date_last}"
            cost.display_name = cost.name or f"{kinds.get(cost.kind, '')} {days}".strip()

    # --- CHECKS ---

    @api.constrains("amount")
    def _check_amount(self):
        for cost in self:
            if not cost.amount:
                raise ValidationError(
                    self.env._(
                        "Amount: enter what it cost. Where nothing was paid, or nothing is "
                        "known, make no entry."
                    )
                )

    @api.constrains("segment_id", "company_id")
    def _check_segment_company(self):
        for cost in self:
            owner = cost.segment_id.set_id.company_id
            if owner and owner != cost.company_id:
                raise ValidationError(
                    self.env._(
                        "Segment: “%(segment)s” belongs to %(owner)s. Choose one of "
                        "%(company)s, or change the company.",
                        segment=cost.segment_id.name,
                        owner=owner.name,
                        company=cost.company_id.name,
                    )
                )

    # --- CRUD ---

    @api.model_create_multi
    def create(self, vals_list):
        before = self._campaigns_known()
        costs = super().create(vals_list)
        costs._note_campaigns(before)
        return costs

    def write(self, vals):
        before = self._campaigns_known()
        result = super().write(vals)
        self._note_campaigns(before)
        return result

    def unlink(self):
        before = self._campaigns_known()
        result = super().unlink()
        self._note_campaigns(before)
        return result

    @api.model
    def _campaigns_known(self):
        """Ids of the campaigns whose cost is known, by the id of the company."""
        # superuser: the return of a campaign does not depend on who asks
        groups = self.sudo()._read_group(
            [("campaign_id", "!=", False)], ["company_id"], ["campaign_id:array_agg_distinct"]
        )
        return {company.id: set(ids) for company, ids in groups}

    @api.model
    def _note_campaigns(self, before):
        """Which orders count for the return on campaigns may have changed, unseen by them."""
        if self._campaigns_known() != before:
            self.env["crm.kpi.source"]._mark_changed("sale.order")
