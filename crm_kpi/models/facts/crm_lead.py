# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.tools import SQL, email_normalize

from ...conversations import attempts
from ...facts import leads, prospecting
from ...fields import NullableFloat
from ...pipeline import history, states, words
from ...sql import Derived
from ...stamps import elapsed_days


class CrmLead(models.Model):
    """Stamps of a lead, its deal amount, the attempts to reach its prospect, and duplicates."""

    _name = "crm.lead"
    _inherit = ["crm.lead", "crm.kpi.response.mixin"]

    _kpi_stamps = (leads.OPPORTUNITY, leads.WON, leads.LOST)
    _kpi_correctable = (leads.WON, leads.LOST)
    _kpi_history = "crm.kpi.lead.state"
    _kpi_response_lead_field = "id"
    _kpi_response_email_field = "email_from"
    _kpi_response_creation_subtypes = ("crm.mt_lead_create",)
    _kpi_response_mass_mail_is_out = True
    _kpi_response_closed_fields = ("kpi_won_date", "kpi_lost_date")
    _kpi_response_target_field = "kpi_lead_response_target_hours"

    # --- stamps ---
    kpi_won_date = fields.Datetime(
        "Won on",
        compute="_compute_kpi_won",
        store=True,
        copy=False,
        help="When the opportunity was won. Kept when it is archived or moves between won "
        "stages, cleared when it is no longer won.",
    )
    kpi_won_user_id = fields.Many2one(
        "res.users",
        "Won by",
        compute="_compute_kpi_won",
        store=True,
        copy=False,
        help="Salesperson when it was won. Later assignments do not change it.",
    )
    kpi_won_team_id = fields.Many2one(
        "crm.team",
        "Won by team",
        compute="_compute_kpi_won",
        store=True,
        copy=False,
        help="Sales team when it was won.",
    )
    kpi_lost_date = fields.Datetime(
        "Lost on",
        compute="_compute_kpi_lost",
        store=True,
        copy=False,
        help="When the lead was lost. Cleared when it is restored.",
    )
    kpi_lost_user_id = fields.Many2one(
        "res.users",
        "Lost by",
        compute="_compute_kpi_lost",
        store=True,
        copy=False,
        help="Salesperson when it was lost.",
    )
    kpi_lost_team_id = fields.Many2one(
        "crm.team",
        "Lost by team",
        compute="_compute_kpi_lost",
        store=True,
        copy=False,
        help="Sales team when it was lost.",
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
        "Later conversions do not change it.",
    )
    kpi_merged_count = fields.Integer(
        "Merged leads",
        readonly=True,
        copy=False,
        help="Number of other leads that were merged into this lead.",
    )
    kpi_days_to_opportunity = NullableFloat(
        "Days to opportunity",
        compute="_compute_kpi_days",
        store=True,
        copy=False,
        aggregator="avg",
        help="Days from creation to opportunity. Empty if it did not begin as a lead.",
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
        help="Days from opportunity to winning. Empty if the dates contradict each other.",
    )
    kpi_deal_amount = fields.Monetary(
        "Deal amount",
        currency_field="company_currency",
        compute="_compute_kpi_deal_amount",
        store=True,
        copy=False,
        help="For a won opportunity: untaxed amount of its confirmed orders in the company's "
        "currency, or the expected revenue if no order was ever confirmed.",
    )
    kpi_orders_cancelled = fields.Boolean(
        "All orders cancelled",
        compute="_compute_kpi_deal_amount",
        store=True,
        copy=False,
        help="For a won opportunity: it had confirmed orders and has none now. Its amount is 0.",
    )

    # --- attempts and replies ---
    kpi_first_attempt_date = fields.Datetime(
        "First attempt",
        readonly=True,
        copy=False,
        help="The first email, call, meeting, text message or letter to the prospect.",
    )
    kpi_first_attempt_user_id = fields.Many2one(
        "res.users", "First attempt by", readonly=True, copy=False
    )
    kpi_last_attempt_date = fields.Datetime("Last attempt", readonly=True, copy=False)
    kpi_first_reply_date = fields.Datetime(
        "First reply",
        readonly=True,
        copy=False,
        help="The first reply of the prospect: a message, a meeting, a signed quotation.",
    )
    kpi_last_reply_date = fields.Datetime("Last reply", readonly=True, copy=False)
    kpi_last_interaction_date = fields.Datetime(
        "Last interaction",
        readonly=True,
        copy=False,
        help="The last interaction on the lead and its quotations and orders.",
    )
    kpi_attempt_count = fields.Integer(
        "Attempts",
        readonly=True,
        copy=False,
        help="Number of combinations of day and channel with an outgoing message: three emails "
        "on one day are one attempt, an email and a call are two.",
    )
    kpi_attempts_since_reply = fields.Integer(
        "Attempts since the last reply", readonly=True, copy=False
    )
    kpi_unresponsive = fields.Boolean(
        "Unresponsive",
        readonly=True,
        copy=False,
        help="Open, with at least the number of unanswered attempts in the company's settings, "
        "and the days in the settings have passed since the last attempt.",
    )
    kpi_first_action_date = fields.Datetime(
        "First action",
        readonly=True,
        copy=False,
        help="The first action of the prospect after the first attempt: a reply, a meeting, "
        "a quotation, the conversion, the deal.",
    )

    # --- prospecting ---
    kpi_days_to_action = NullableFloat(
        "Days to first action",
        readonly=True,
        copy=False,
        aggregator="avg",
        help="Days from the first attempt to the first action of the prospect.",
    )
    kpi_days_to_reply = NullableFloat(
        "Days to reply",
        readonly=True,
        copy=False,
        aggregator="avg",
        help="Days from the first attempt to the next message of the prospect or the next meeting.",
    )
    kpi_days_to_meeting = NullableFloat(
        "Days to meeting",
        readonly=True,
        copy=False,
        aggregator="avg",
        help="Days from the first attempt to the first meeting that was held or is in the "
        "calendar.",
    )
    kpi_stall_date = fields.Datetime(
        "Stalls on",
        readonly=True,
        copy=False,
        help="While open: the opportunity is stalled if it is still in the same stage on this "
        "date. The stage defines the number of days, by default 30.",
    )
    kpi_next_step_date = fields.Date(
        "Last planned step",
        readonly=True,
        copy=False,
        help="The latest due date of its planned activities. A date in the past does not count "
        "as a next step.",
    )
    kpi_duplicate_of_id = fields.Many2one(
        "crm.lead",
        "Duplicate of",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="An earlier lead, at most 180 days older, with the same email address or phone "
        "number. Won leads do not count: their customer came back.",
    )
    kpi_referrer_id = fields.Many2one(
        "res.partner",
        "Referrer",
        copy=False,
        index="btree_not_null",
        help="The customer or partner who referred this prospect to us.",
    )
    kpi_referrer_match_id = fields.Many2one(
        "res.partner",
        "Referrer by name",
        compute="_compute_kpi_referrer_match_id",
        help="The only contact whose name or email address equals the text in Referred By.",
    )

    # --- pipeline ---
    kpi_life = fields.Char(
        "Life of the deal",
        compute="_compute_kpi_life",
        help="Days in each stage while it was open, how often the expected closing was moved to a "
        "later day, and the first and the last expected revenue.",
    )

    _kpi_won_idx = models.Index("(kpi_won_date) WHERE kpi_won_date IS NOT NULL")
    _kpi_lost_idx = models.Index("(kpi_lost_date) WHERE kpi_lost_date IS NOT NULL")
    _kpi_unresponsive_idx = models.Index("(id) WHERE kpi_unresponsive")
    _kpi_attempts_idx = models.Index(
        "(kpi_attempts_since_reply, kpi_last_attempt_date) WHERE active AND won_status = 'pending'"
    )
    # as the ORM writes these conditions
    _kpi_deadline_idx = models.Index(
        "(date_deadline) WHERE active IS TRUE AND won_status = 'pending'"
    )
    _kpi_email_idx = models.Index(
        "(email_normalized, create_date, id) WHERE email_normalized IS NOT NULL"
    )
    _kpi_phone_idx = models.Index(
        "(phone_sanitized, create_date, id) WHERE phone_sanitized IS NOT NULL"
    )

    # ------------------------------------------------------------------
    # stamps
    # ------------------------------------------------------------------
    @api.depends(*leads.WON.depends)
    def _compute_kpi_won(self):
        leads.WON.compute(self)

    @api.depends(*leads.LOST.depends)
    def _compute_kpi_lost(self):
        leads.LOST.compute(self)

    @api.depends(*leads.OPPORTUNITY.depends)
    def _compute_kpi_opportunity(self):
        for lead in self:
            began_now = lead.type == "lead" and not lead.kpi_opportunity_date
            lead.kpi_was_lead = lead.kpi_was_lead or began_now
        leads.OPPORTUNITY.compute(self)

    @api.depends("create_date", "kpi_was_lead", "kpi_opportunity_date", "kpi_won_date")
    def _compute_kpi_days(self):
        for lead in self:
            lead.kpi_days_to_opportunity = lead.kpi_was_lead and elapsed_days(
                lead.create_date, lead.kpi_opportunity_date
            )
            lead.kpi_days_to_win = elapsed_days(lead.create_date, lead.kpi_won_date)
            lead.kpi_sales_cycle_days = leads.sales_cycle_days(lead)

    @api.depends(
        "won_status",
        "expected_revenue",
        "company_id",
        "order_ids.state",
        "order_ids.kpi_amount",
        "order_ids.kpi_first_confirm_date",
    )
    def _compute_kpi_deal_amount(self):
        for lead in self:
            lead.kpi_orders_cancelled = False
            if lead.won_status != "won":
                lead.kpi_deal_amount = 0.0
                continue
            orders = lead.order_ids.filtered(lambda order: order.state == "sale")
            if not orders and any(order.kpi_first_confirm_date for order in lead.order_ids):
                lead.kpi_orders_cancelled = True
                lead.kpi_deal_amount = 0.0
                continue
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

    @api.model
    def _kpi_backfill_stamps(self, first, last, renew=False):
        """Stamps and deal amounts of the time before the installation, for a range of ids.

        :param renew: also of leads that have stamps
        :return: number of these leads
        """
        foreign_ids = leads.fill_leads(self, first, last, renew=renew)
        self._kpi_fill_states(first, last)
        # orders in another currency need the rate of their day, which only the ORM knows.
        # Superuser: the installation computes all leads
        foreign = self.sudo().browse([id_ for id_ in foreign_ids if id_])
        if foreign:
            foreign.invalidate_recordset()
            foreign._compute_kpi_deal_amount()
            foreign.flush_recordset(["kpi_deal_amount", "kpi_orders_cancelled"])
        return len(foreign_ids)

    @api.model
    def _kpi_fill_states(self, first, last):
        """States of the time before the installation, after the stamps: for a range of ids.

        What Odoo does not track is known from now on: open leads get a further state.
        """
        self.env["crm.kpi.lead.state"]._write_states()
        rows = self.env.execute_query(history.fill_states(self, first, last))
        if rows:
            ids = [id_ for (id_,) in rows]
            self.env.cr.execute(states.note_states(ids, self.env.cr.now(), by_user=False))
        self.env["crm.kpi.lead.state"]._note_unknown(first, last)

    # ------------------------------------------------------------------
    # events
    # ------------------------------------------------------------------
    @api.model
    def _kpi_trigger_fields(self):
        return super()._kpi_trigger_fields() | {
            "active",
            "date_conversion",
            "date_last_stage_update",
            "probability",
            "stage_id",
            "type",
        }

    def _kpi_note_events(self):
        """Stamp now, not at the next flush: the stamp keeps the owner at the event, even if the
        same transaction assigns the lead to another user afterwards."""
        self._recompute_recordset([stamp.date for stamp in self._kpi_stamps])

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        records._kpi_note_events()
        # superuser: as in _write_multi()
        self.env["crm.kpi.lead.state"].sudo()._note(records.ids)
        return records

    def _write_multi(self, vals_list):
        # All changes come here when they are flushed, also those of computed fields. superuser:
        # users cannot write states; only ids are noted
        changed = [
            id_
            for id_, vals in zip(self._ids, vals_list, strict=True)
            if not states.REMEMBERED.keys().isdisjoint(vals)
        ]
        if changed:
            self.env["crm.kpi.lead.state"].sudo()._note(changed)
        return super()._write_multi(vals_list)

    def write(self, vals):
        # crm replaces the date; an import of existing leads gives it with the new state
        closed = vals.get("date_closed") and self._kpi_may_correct() and vals["date_closed"]
        names = (leads.WON.date, leads.LOST.date) if closed else ()
        before = {name: self.filtered(name) for name in names}
        result = super().write(vals)
        self._kpi_note_events()
        for name, already in before.items():
            date = min(fields.Datetime.to_datetime(closed), fields.Datetime.now())
            (self.filtered(name) - already)._kpi_stamp({name: date})
        return result

    def _kpi_stage_became_won(self, closings):
        """Date leads that are won because their stage is a won stage now.

        Nothing has happened to them: they were won when they entered the stage.

        :param closings: ``{lead: imported closing date}``, from before the change
        """
        won = self.filtered("kpi_won_date")
        if not won:
            return
        self.env.flush_all()
        entered = dict(
            self.env.execute_query(leads.entered_won_stage(won, min(won.ids), max(won.ids)))
        )
        for date, dated in won.grouped(
            lambda lead: (
                closings.get(lead)
                or entered.get(lead.id)
                or lead.date_last_stage_update
                or lead.create_date
            )
        ).items():
            dated._kpi_stamp({leads.WON.date: date})

    def unlink(self):
        # superuser: duplicates and orders change, even if the user may not read them
        records = self.sudo().with_context(active_test=False)
        duplicates = records.search([("kpi_duplicate_of_id", "in", self.ids)]) - records
        duplicates._kpi_stamp({"kpi_duplicate_of_id": False})
        # a quotation without its opportunity is a deal of its own
        orders = self.sudo().order_ids
        # superuser: as in _write_multi()
        self.env["crm.kpi.lead.state"].sudo()._end(self.ids)
        result = super().unlink()
        orders._kpi_mark_dirty(orders.ids)
        return result

    def _merge_opportunity(self, user_id=False, team_id=False, auto_unlink=True, max_length=5):
        merged = len(self) - 1 + sum(self.mapped("kpi_merged_count"))
        head = super()._merge_opportunity(
            user_id=user_id, team_id=team_id, auto_unlink=auto_unlink, max_length=max_length
        )
        head._kpi_stamp({"kpi_merged_count": merged})
        # superuser: as in _write_multi()
        self.env["crm.kpi.lead.state"].sudo()._note_merge((self - head).ids, head)
        return head

    def _update_automated_probabilities(self):
        result = super()._update_automated_probabilities()
        # superuser: as in _write_multi()
        self.env["crm.kpi.lead.state"].sudo()._follow_probabilities()
        return result

    def _compute_email_normalized(self):
        result = super()._compute_email_normalized()
        # the address follows the contact's, without a write on the lead
        self._kpi_mark_dirty(self._ids)
        return result

    def _compute_phone_sanitized(self):
        result = super()._compute_phone_sanitized()
        self._kpi_mark_dirty(self._ids)
        return result

    # ------------------------------------------------------------------
    # derived fields
    # ------------------------------------------------------------------
    @api.model
    def _kpi_derive(self):
        # snapshots of the pipeline read the states. superuser: as in _write_multi()
        self.env["crm.kpi.lead.state"].sudo()._write_states()
        return super()._kpi_derive()

    @api.model
    def _kpi_open_sql(self):
        return prospecting.OPEN_LEAD

    @api.model
    def _kpi_stale_ids(self):
        [[fewest]] = self.env.execute_query(prospecting.fewest_attempts())
        rows = self.env.execute_query(
            prospecting.changed_unresponsive_leads(
                self._kpi_company_sql(), fields.Datetime.now(), fewest
            )
        )
        return sorted({*super()._kpi_stale_ids(), *(id_ for (id_,) in rows)})

    @api.model
    def _kpi_derive_changed(self, ids):
        # messages on orders count for the last interaction, and the orders may not be derived yet
        orders = self.env.execute_query(
            SQL("SELECT id FROM sale_order WHERE opportunity_id = ANY(%s)", list(ids))
        )
        self.env["sale.order"]._kpi_refresh_interactions([id_ for (id_,) in orders])
        return super()._kpi_derive_changed(ids)

    @api.model
    def _kpi_derived(self, ids):
        company, now = self._kpi_company_sql(), fields.Datetime.now()
        return {
            **super()._kpi_derived(ids),
            "attempt": Derived(attempts.COLUMNS, attempts.attempts(ids)),
            "unresponsive": Derived(
                ["kpi_unresponsive"], prospecting.unresponsive_leads(ids, company, now)
            ),
            "prospecting": Derived(prospecting.PROSPECTING_FIELDS, prospecting.prospecting(ids)),
            "duplicate": Derived(["kpi_duplicate_of_id"], prospecting.duplicates(ids)),
        }

    # ------------------------------------------------------------------
    # pipeline
    # ------------------------------------------------------------------
    @api.depends_context("lang")
    def _compute_kpi_life(self):
        # superuser: the past of leads that the user reads, also under another salesperson
        by_lead = self.env["crm.kpi.lead.state"].sudo()._of(self)
        now = fields.Datetime.now()
        for lead in self:
            found = by_lead.get(lead._origin.id)
            lead.kpi_life = found and words.life_text(found, now)

    def action_kpi_life(self):
        """Open the states of the opportunity, and the last ones of those merged into it."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("crm_kpi.crm_kpi_lead_state_action")
        return {
            **action,
            "domain": [
                "|",
                ("lead_id", "=", self.id),
                ("merged_into_id", "=", self.id),
            ],
        }

    # ------------------------------------------------------------------
    # referrer
    # ------------------------------------------------------------------
    @api.depends("referred", "kpi_referrer_id")
    def _compute_kpi_referrer_match_id(self):
        for lead in self:
            lead.kpi_referrer_match_id = (
                not lead.kpi_referrer_id and lead.referred and lead._kpi_match_referrer()
            )

    def _kpi_match_referrer(self):
        """The contact that Referred By names, if there is exactly one."""
        text = self.referred.strip()
        email = email_normalize(text)
        matches = self.env["res.partner"].search(
            [("email_normalized", "=", email)] if email else [("name", "=ilike", text)], limit=2
        )
        return matches if len(matches) == 1 else matches.browse()

    def action_kpi_use_referrer_match(self):
        for lead in self:
            lead.kpi_referrer_id = lead.kpi_referrer_match_id
