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
    """Cost of sales, marketing or service in a range of days.

    The amount is spread evenly over its days: each month has its part of the cost of a year.
    An entry with a team, a salesperson or a segment is a cost of theirs. Every entry is a cost
    of the company.
    """

    _name = "crm.kpi.cost"
    _description = "KPI Cost"
    _kpi_measurable = True
    _inherit = ["crm.kpi.scope.mixin"]
    _order = "date_first desc, kind, id desc"

    name = fields.Char("Description", help="The goods or services that were paid for.")
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
        help="Empty: not allocated to a team. It is a cost of the company in any case.",
    )
    user_id = fields.Many2one(
        ondelete="restrict",
        help="Empty: not allocated to a person. It is a cost of the company in any case.",
    )
    segment_id = fields.Many2one(
        ondelete="restrict",
        help="Empty: not allocated to customers. It is a cost of the company in any case.",
    )
    is_counted = fields.Boolean(
        "In the totals",
        compute="_compute_is_counted",
        help="Off if the company takes the costs of this kind from its accounts. The entry then "
        "counts only for its campaign.",
    )

    _days_ordered = models.Constraint(
        "CHECK (date_first <= date_last)", "Last day: it must not be before the first day."
    )
    _span_idx = models.Index("(company_id, date_first, date_last)")

    # --- COMPUTES ---

    @api.depends("kind", "company_id")
    def _compute_is_counted(self):
        for cost in self:
            # superuser: reads a setting of the company, which its managers may not read
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
                        "Amount: enter the cost. Do not create an entry if nothing was paid or "
                        "the cost is not known."
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
            result = super().write(vals)
        else:
            with self._campaigns_watched([*self.campaign_id.ids, vals.get("campaign_id")]):
                result = super().write(vals)
        # Odoo checks the entry before the change only: marketing cannot make it one of sales
        self.check_access("write")
        return result

    def unlink(self):
        with self._campaigns_watched(self.campaign_id.ids):
            return super().unlink()

    @contextmanager
    def _campaigns_watched(self, campaign_ids):
        """Mark the orders when one of these campaigns gets its first cost or loses its last."""
        campaigns = self.env["utm.campaign"].browse(id_ for id_ in campaign_ids if id_)
        before = campaigns and self._campaigns_known(campaigns)
        yield
        if campaigns and self._campaigns_known(campaigns) != before:
            self._note_campaigns()

    @api.model
    def _campaigns_known(self, campaigns=None, without=()):
        """Ids of the campaigns whose cost is known, by the id of the company.

        :param campaigns: only these campaigns; all by default
        :param without: entries that are ignored
        """
        domain = Domain("campaign_id", "!=", False)
        if campaigns is not None:
            domain = Domain("campaign_id", "in", campaigns.ids)
        if without:
            domain &= Domain("id", "not in", without.ids)
        # superuser: the return of a campaign is the same for all users
        groups = self.sudo()._read_group(domain, ["company_id"], ["campaign_id:array_agg_distinct"])
        return {company.id: set(ids) for company, ids in groups}

    @api.model
    def _note_campaigns(self):
        """The orders that count for the return on campaigns changed, without a write on them."""
        self.env["crm.kpi.source"]._mark_changed("sale.order")
