# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from itertools import pairwise

from odoo import api, fields, models
from odoo.tools import SQL

from ...fields import KeptMany2one, NullableFloat, UncheckedMany2one
from ...pipeline import history, states, words
from ...refresh.values import delete_orphans

#: Leads of this transaction whose states are not written yet: key of ``cr.precommit.data``.
WAITING = "crm_kpi.lead_states"
#: Leads changed by SQL that the daily clean-up follows at once.
MISSED = 10_000


class CrmKpiLeadState(models.Model):
    """A time in which a lead or opportunity was the same in all that is remembered of it.

    From one change to the next: ``date_from`` belongs to it, ``date_to`` does not. Rows are only
    added, and ended. The leads that a transaction changes are collected, and their states are
    written by one statement before the commit (:mod:`~odoo.addons.crm_kpi.pipeline.states`).
    """

    _name = "crm.kpi.lead.state"
    _description = "State of a lead"
    _log_access = False
    _order = "date_from desc, id desc"
    _rec_name = "date_from"

    #: read by :mod:`odoo.addons.crm_kpi.refresh.past`
    _kpi_history_record = "lead_id"

    #: what follows has no foreign keys: checking them takes longer than inserting a row
    lead_id = KeptMany2one("crm.lead", "Opportunity", required=True, readonly=True)
    date_from = fields.Datetime("Since", required=True, readonly=True)
    date_to = fields.Datetime("Until", readonly=True, help="Empty: now.")
    changed_by_id = UncheckedMany2one("res.users", "Changed by", readonly=True)
    unknown = fields.Char(
        "Not known",
        readonly=True,
        help="Fields whose value is not known, because Odoo does not track them, or they were "
        "changed without tracking. Only before the installation.",
    )
    ending = fields.Selection(
        [("deleted", "Deleted"), ("merged", "Merged")],
        "How it ended",
        readonly=True,
        help="Of the last state of a lead that does not exist any more.",
    )
    merged_into_id = KeptMany2one("crm.lead", readonly=True)
    lead_name = fields.Char("Name", readonly=True, help="Of a lead that does not exist any more.")

    # --- what is remembered, by the names that the fields have on the lead ---
    type = fields.Selection([("lead", "Lead"), ("opportunity", "Opportunity")], readonly=True)
    active = fields.Boolean(readonly=True)
    won_status = fields.Selection(
        [("won", "Won"), ("lost", "Lost"), ("pending", "Pending")], "Won/Lost", readonly=True
    )
    stage_id = UncheckedMany2one("crm.stage", "Stage", readonly=True)
    user_id = UncheckedMany2one("res.users", "Salesperson", readonly=True)
    team_id = UncheckedMany2one("crm.team", "Sales Team", readonly=True)
    company_id = UncheckedMany2one("res.company", "Company", readonly=True)
    partner_id = fields.Many2one(
        "res.partner", "Customer", readonly=True, index="btree_not_null", ondelete="set null"
    )
    company_currency = fields.Many2one("res.currency", compute="_compute_company_currency")
    expected_revenue = fields.Monetary(currency_field="company_currency", readonly=True)
    prorated_revenue = fields.Monetary(
        "Weighted revenue", currency_field="company_currency", readonly=True
    )
    recurring_revenue_monthly = fields.Monetary(
        "Expected MRR", currency_field="company_currency", readonly=True
    )
    probability = NullableFloat(readonly=True, aggregator="avg")
    date_deadline = fields.Date("Expected Closing", readonly=True)

    # --- shown on the opportunity ---
    days = fields.Float(compute="_compute_days", digits=(16, 1))
    change = fields.Char("What changed", compute="_compute_change")

    _lead_idx = models.Index("(lead_id, date_from)")
    #: to read what was open at a moment; as the ORM writes these conditions
    _open_idx = models.Index("(date_to) WHERE active IS TRUE AND won_status = 'pending'")
    _merged_idx = models.Index("(merged_into_id) WHERE merged_into_id IS NOT NULL")

    @api.depends("company_id")
    @api.depends_context("company")
    def _compute_company_currency(self):
        for state in self:
            state.company_currency = (state.company_id or self.env.company).currency_id

    @api.depends("date_from", "date_to")
    def _compute_days(self):
        now = fields.Datetime.now()
        for state in self:
            seconds = ((state.date_to or now) - state.date_from).total_seconds()
            state.days = max(seconds, 0.0) / 86400

    @api.depends_context("lang")
    @api.depends("date_from", "date_to", "unknown", "ending", "merged_into_id", *states.REMEMBERED)
    def _compute_change(self):
        # superuser: the state before belongs to the same lead, maybe to another company
        all_states = self.sudo().with_context(active_test=False)
        ordered = all_states.search(
            [("lead_id", "in", self.lead_id.ids)], order="lead_id, date_from, id"
        )
        before = {
            after.id: earlier
            for earlier, after in pairwise(ordered)
            if earlier.lead_id == after.lead_id
        }
        for state in self:
            state.change = words.change_text(before.get(state.id, all_states.browse()), state)

    @api.autovacuum
    def _gc_orphans(self):
        """Empty what was written while another transaction deleted the stage, user or team."""
        return delete_orphans(self.env, self), 0

    @api.autovacuum
    def _gc_missed(self):
        """Follow the leads that other programs have changed by SQL: they change now."""
        if self.env["crm.kpi.backfill"]._is_pending():
            return 0, 0
        ids = [id_ for (id_,) in self.env.execute_query(states.missed_changes(MISSED))]
        if ids:
            self._execute(states.note_states(ids, self.env.cr.now(), by_user=False))
        return len(ids), int(len(ids) == MISSED)

    # ------------------------------------------------------------------
    # writing
    # ------------------------------------------------------------------
    @api.model
    def _note(self, ids):
        """Write the states of these leads at the end of the transaction, where they differ."""
        precommit = self.env.cr.precommit
        if WAITING not in precommit.data:
            precommit.data[WAITING] = set()
            precommit.add(self._write_states)
        precommit.data[WAITING].update(ids)

    @api.model
    def _write_states(self):
        """Write the states of the leads that this transaction has changed: one statement."""
        self.env.flush_all()
        ids = self.env.cr.precommit.data.pop(WAITING, None)
        if ids:
            self._execute(states.note_states(sorted(ids), self.env.cr.now()))

    @api.model
    def _end(self, ids):
        """End the last states of leads that are about to be deleted."""
        self.env.flush_all()
        self.env.cr.precommit.data.get(WAITING, set()).difference_update(ids)
        self._execute(states.end_states(ids, self.env.cr.now()))

    @api.model
    def _note_merge(self, ids, lead):
        """Say of leads that were just deleted that they were merged into another lead."""
        self._execute(states.note_merge(ids, lead.id, self.env.cr.now()))

    @api.model
    def _follow_probabilities(self):
        """Take over the probabilities that Odoo has computed by SQL."""
        self._execute(states.follow_probabilities())

    @api.model
    def _forget(self, leads):
        """Delete the states of leads whose dates were set by SQL: they are filled in again."""
        self._write_states()
        self._execute(SQL("DELETE FROM crm_kpi_lead_state WHERE lead_id = ANY(%s)", leads.ids))

    @api.model
    def _execute(self, statement):
        self.env.cr.execute(statement)
        self.invalidate_model(flush=False)

    # ------------------------------------------------------------------
    # reading
    # ------------------------------------------------------------------
    @api.model
    def _note_unknown(self, first, last):
        """Note for the companies until when fields of open leads are not known.

        :param first, last: range of ids of leads whose states were filled in
        """
        # superuser: the installation writes it for all companies
        companies = self.env["res.company"].sudo().with_context(active_test=False).search([])
        until = {company: dict(company.kpi_states_unknown_until or {}) for company in companies}
        for company_id, name, moment in self.env.execute_query(history.unknown_fields(first, last)):
            text = fields.Datetime.to_string(moment)
            # a lead without a company may count in any
            for company in companies.browse(company_id or companies.ids):
                until[company][name] = max(until[company].get(name, text), text)
        for company, moments in until.items():
            if moments != (company.kpi_states_unknown_until or {}):
                company.kpi_states_unknown_until = moments

    @api.model
    def _unknown_until(self, company, names):
        """Until when one of these fields is not known of an open lead; ``None``: all are known."""
        # superuser: every user may know since when values are known
        moments = company.sudo().kpi_states_unknown_until or {}
        found = [moments[name] for name in names if name in moments]
        return fields.Datetime.to_datetime(max(found)) if found else None

    @api.model
    def _of(self, leads):
        """The states of leads by lead id, each in order; with what this transaction changed."""
        self._write_states()
        found = self.with_context(active_test=False).search(
            [("lead_id", "in", leads.ids)], order="lead_id, date_from, id"
        )
        return found.grouped(lambda state: state.lead_id.id)
