# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from contextlib import contextmanager

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
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
    _inherit = ["crm.kpi.scope.mixin"]
    _order = "date_first desc, kind, id desc"

    name = fields.Char("Description", help="What was paid for.")
    kind = fields.Selection(COST_KINDS, required=True, index=True)
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
        ondelete="restrict",
        help="Empty: not allocated to a team. It is a cost of the company either way.",
    )
    user_id = fields.Many2one(
        ondelete="restrict",
        help="Empty: not allocated to a person. It is a cost of the company either way.",
    )
    segment_id = fields.Many2one(
        ondelete="restrict",
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

    # --- CRUD ---

    @api.model_create_multi
    def create(self, vals_list):
        costs = super().create(vals_list)
        campaigns = costs.campaign_id
        if campaigns and costs._campaigns_known(campaigns, without=costs) != (
            costs._campaigns_known(campaigns)
        ):
            self._note_campaigns()
        return costs

    def write(self, vals):
        if {"campaign_id", "company_id"}.isdisjoint(vals):
            return super().write(vals)
        with self._campaigns_watched([*self.campaign_id.ids, vals.get("campaign_id")]):
            return super().write(vals)

    def unlink(self):
        with self._campaigns_watched(self.campaign_id.ids):
            return super().unlink()

    @contextmanager
    def _campaigns_watched(self, campaign_ids):
        """Note when the first cost of one of these campaigns is entered, or the last one goes."""
        campaigns = self.env["utm.campaign"].browse(id_ for id_ in campaign_ids if id_)
        before = campaigns and self._campaigns_known(campaigns)
        yield
        if campaigns and self._campaigns_known(campaigns) != before:
            self._note_campaigns()

    @api.model
    def _campaigns_known(self, campaigns=None, without=()):
        """Ids of the campaigns whose cost is known, by the id of the company.

        :param campaigns: only these; default all
        :param without: entries that are not looked at
        """
        domain = Domain("campaign_id", "!=", False)
        if campaigns is not None:
            domain = Domain("campaign_id", "in", campaigns.ids)
        if without:
            domain &= Domain("id", "not in", without.ids)
        # superuser: the return of a campaign does not depend on who asks
        groups = self.sudo()._read_group(domain, ["company_id"], ["campaign_id:array_agg_distinct"])
        return {company.id: set(ids) for company, ids in groups}

    @api.model
    def _note_campaigns(self):
        """Which orders count for the return on campaigns has changed, unseen by them."""
        self.env["crm.kpi.source"]._mark_changed("sale.order")
