# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What happened to a lead, noted at the moment it happened.

Odoo overwrites these facts later: ``date_closed`` moves when a won lead is archived, the
owner of a won deal changes with the next re-assignment, ``date_conversion`` is set again by
every conversion. The stamps below are set once per event and kept.
"""

from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models

from ...fields import NullableFloat

# create_date has microseconds, the other clocks have whole seconds: a difference of less than
# that is the truncation, not an error in the data
CLOCK_TOLERANCE = timedelta(seconds=1)


def elapsed_days(start, stop):
    """Days (fractional) from ``start`` to ``stop``; no value when one is missing or they are
    in the wrong order."""
    if not start or not stop or stop - start < -CLOCK_TOLERANCE:
        return False
    return max((stop - start).total_seconds(), 0.0) / 86400


class CrmLead(models.Model):
    # crm.kpi.fact.mixin comes with crm_lead_interaction
    _inherit = "crm.lead"

    kpi_won_date = fields.Datetime(
        "Won on",
        compute="_compute_kpi_won",
        store=True,
        copy=False,
        help="When the opportunity became won. Kept when it is archived or moves between won "
        "stages, cleared when it is no longer won.",
    )
    kpi_won_user_id = fields.Many2one(
        "res.users",
        "Won by",
        compute="_compute_kpi_won",
        store=True,
        copy=False,
        help="Salesperson at the moment of winning; a later re-assignment does not move it.",
    )
    kpi_won_team_id = fields.Many2one(
        "crm.team",
        "Won by team",
        compute="_compute_kpi_won",
        store=True,
        copy=False,
        help="Sales team at the moment of winning.",
    )
    kpi_lost_date = fields.Datetime(
        "Lost on",
        compute="_compute_kpi_lost",
        store=True,
        copy=False,
        help="When the lead became lost; cleared when it is restored.",
    )
    kpi_lost_user_id = fields.Many2one(
        "res.users",
        "Lost by",
        compute="_compute_kpi_lost",
        store=True,
        copy=False,
        help="Salesperson at the moment of losing.",
    )
    kpi_lost_team_id = fields.Many2one(
        "crm.team",
        "Lost by team",
        compute="_compute_kpi_lost",
        store=True,
        copy=False,
        help="Sales team at the moment of losing.",
    )
    kpi_was_lead = fields.Boolean(
        "Began as lead",
        compute="_compute_kpi_opportunity",
        store=True,
        copy=False,
        help="Created as a lead, not directly as an opportunity.",
    )
    kpi_opportunity_date = fields.Datetime(
        "Opportunity since",
        compute="_compute_kpi_opportunity",
        store=True,
        copy=False,
        help="First moment as an opportunity: its creation, or the conversion of the lead. "
        "Later conversions do not move it.",
    )
    kpi_merged_count = fields.Integer(
        "Merged leads",
        readonly=True,
        copy=False,
        help="Number of other leads that were merged into this one.",
    )
    kpi_days_to_opportunity = NullableFloat(
        "Days to opportunity",
        compute="_compute_kpi_days",
        store=True,
        copy=False,
        aggregator="avg",
        help="Days from creation to opportunity, of what began as a lead.",
    )
    kpi_days_to_win = NullableFloat(
        "Days from creation to winning",
        compute="_compute_kpi_days",
        store=True,
        copy=False,
        aggregator="avg",
        help="Days from creation to winning.",
    )
    kpi_sales_cycle_days = NullableFloat(
        "Sales cycle (days)",
        compute="_compute_kpi_days",
        store=True,
        copy=False,
        aggregator="avg",
        help="Days from becoming an opportunity to winning. No value where the dates "
        "contradict each other.",
    )
    kpi_deal_amount = fields.Monetary(
        "Deal amount",
        currency_field="company_currency",
        compute="_compute_kpi_deal_amount",
        store=True,
        copy=False,
        help="Of a won opportunity: untaxed amount of its confirmed orders in the company's "
        "currency, or the expected revenue where it has none.",
    )
    kpi_referrer_id = fields.Many2one(
        "res.partner",
        "Referrer",
        copy=False,
        index="btree_not_null",
        help="The customer or partner who referred this prospect to us.",
    )

    _kpi_won_idx = models.Index("(kpi_won_date) WHERE kpi_won_date IS NOT NULL")
    _kpi_lost_idx = models.Index("(kpi_lost_date) WHERE kpi_lost_date IS NOT NULL")

    # ------------------------------------------------------------------
    # stamps
    # ------------------------------------------------------------------
    @api.depends("won_status")
    def _compute_kpi_won(self):
        self._kpi_stamp_outcome("won")

    @api.depends("won_status")
    def _compute_kpi_lost(self):
        self._kpi_stamp_outcome("lost")

    def _kpi_stamp_outcome(self, outcome):
        """Stamp the change of ``won_status`` to ``outcome``, clear the stamp of leads that
        have another status, keep it otherwise."""
        date, user, team = (f"kpi_{outcome}_{part}" for part in ("date", "user_id", "team_id"))
        now = fields.Datetime.now()
        for lead in self:
            if lead.won_status != outcome:
                lead[date] = lead[user] = lead[team] = False
            elif lead[date]:
                lead[date], lead[user], lead[team] = lead[date], lead[user], lead[team]
            else:
                lead[date] = now
                # what the system itself owns is nobody's success
                lead[user] = lead.user_id.filtered(lambda user: user.id != SUPERUSER_ID)
                lead[team] = lead.team_id

    @api.depends("type")
    def _compute_kpi_opportunity(self):
        now = fields.Datetime.now()
        for lead in self:
            was_lead, date = lead.kpi_was_lead, lead.kpi_opportunity_date
            if lead.type == "lead":
                was_lead = was_lead or not date
            elif not date:
                begin = lead.date_conversion if was_lead else lead.create_date
                date = begin or now
            lead.kpi_was_lead = was_lead
            lead.kpi_opportunity_date = date

    @api.depends("create_date", "kpi_was_lead", "kpi_opportunity_date", "kpi_won_date")
    def _compute_kpi_days(self):
        for lead in self:
            lead.kpi_days_to_opportunity = lead.kpi_was_lead and elapsed_days(
                lead.create_date, lead.kpi_opportunity_date
            )
            lead.kpi_days_to_win = elapsed_days(lead.create_date, lead.kpi_won_date)
            lead.kpi_sales_cycle_days = elapsed_days(lead.kpi_opportunity_date, lead.kpi_won_date)

    @api.depends(
        "won_status",
        "expected_revenue",
        "company_id",
        "order_ids.state",
        "order_ids.kpi_amount",
    )
    def _compute_kpi_deal_amount(self):
        for lead in self:
            if lead.won_status != "won":
                lead.kpi_deal_amount = 0.0
                continue
            orders = lead.order_ids.filtered(lambda order: order.state == "sale")
            currency = (lead.company_id or orders.company_id[:1]).currency_id
            lead.kpi_deal_amount = (
                sum(
                    order.kpi_currency_id._convert(
                        order.kpi_amount, currency, order.company_id, order.date_order
                    )
                    for order in orders
                )
                if orders
                else lead.expected_revenue
            )

    def _kpi_note_events(self):
        """Set the stamps now, not at the next flush: what is stamped is the owner at the event,
        even when the same transaction re-assigns the lead afterwards."""
        self._recompute_recordset(("kpi_opportunity_date", "kpi_won_date", "kpi_lost_date"))

    @api.model_create_multi
    def create(self, vals_list):
        leads = super().create(vals_list)
        leads._kpi_note_events()
        return leads

    def write(self, vals):
        result = super().write(vals)
        self._kpi_note_events()
        return result

    def _merge_opportunity(self, user_id=False, team_id=False, auto_unlink=True, max_length=5):
        merged = len(self) - 1 + sum(self.mapped("kpi_merged_count"))
        head = super()._merge_opportunity(
            user_id=user_id, team_id=team_id, auto_unlink=auto_unlink, max_length=max_length
        )
        head._kpi_stamp({"kpi_merged_count": merged})
        return head

    # ------------------------------------------------------------------
    # protection
    # ------------------------------------------------------------------
    @api.model
    def _kpi_protected_fields(self):
        return super()._kpi_protected_fields() | {
            name
            for name, field in self._fields.items()
            if name.startswith("kpi_") and field.readonly
        }
