# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools.misc import format_date

from ...fields import UncheckedMany2one
from ...refresh.values import delete_orphans


class CrmKpiSegmentMember(models.Model):
    """Membership of a customer in a segment, with its dates.

    Days are half-open: ``date_from <= day < date_to``. The rows are written by SQL only
    (:meth:`crm.kpi.segment.set._update_members`); no group may write them. A customer
    without a row on a day is in the segment *Unknown* of the set.
    """

    _name = "crm.kpi.segment.member"
    _description = "Customer in a Segment"
    _log_access = False
    _order = "set_id, partner_id, date_from DESC NULLS LAST, id"
    _rec_name = "segment_id"

    set_id = UncheckedMany2one(
        "crm.kpi.segment.set", required=True, readonly=True, ondelete="cascade"
    )
    segment_id = UncheckedMany2one(
        "crm.kpi.segment", required=True, readonly=True, index=True, ondelete="cascade"
    )
    partner_id = UncheckedMany2one(
        "res.partner",
        string="Customer",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = UncheckedMany2one(
        "res.company",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
        help="Only for order sizes and RFM classes, which differ by company.",
    )
    slot = fields.Integer(
        readonly=True,
        help="0 in a set with one segment per customer, else the segment. There is one present "
        "row per slot.",
    )
    date_from = fields.Date(
        string="Since",
        readonly=True,
        help="Empty: no beginning is known.",
    )
    date_to = fields.Date(
        string="Day after the last",
        readonly=True,
        help="The day after the last one of the membership. Empty: still a member.",
    )
    date_last = fields.Date("Last day", compute="_compute_date_last", help="Empty: still a member.")
    since_text = fields.Char("Member since", compute="_compute_texts")
    until_text = fields.Char("Member until", compute="_compute_texts")
    date_recorded = fields.Date(
        string="Recorded on",
        required=True,
        readonly=True,
        help="In a row without a beginning, the days before this day are an estimate.",
    )

    # The two indexes also protect against the raw SQL of other addons. The second one serves
    # the engine's join by set, customer and day.
    _open_uniq = models.UniqueIndex(
        "(set_id, partner_id, slot, COALESCE(company_id, 0)) WHERE date_to IS NULL"
    )
    _history_uniq = models.UniqueIndex(
        "(set_id, partner_id, slot, COALESCE(company_id, 0),"
        " COALESCE(date_from, '-infinity'::date))"
    )
    _not_empty = models.Constraint("CHECK (date_to > date_from)")

    @api.depends("date_to")
    def _compute_date_last(self):
        for member in self:
            member.date_last = member.date_to and member.date_to - timedelta(days=1)

    @api.depends("date_from", "date_to", "date_recorded")
    @api.depends_context("lang")
    def _compute_texts(self):
        """The days of the membership; where none is known, what is known instead."""
        for member in self:
            member.since_text = (
                format_date(self.env, member.date_from)
                if member.date_from
                else self.env._("Before %s", format_date(self.env, member.date_recorded))
            )
            member.until_text = (
                format_date(self.env, member.date_last) if member.date_to else self.env._("Today")
            )

    @api.autovacuum
    def _gc_orphans(self):
        """Delete what a refresh wrote while another transaction deleted the customer."""
        return delete_orphans(self.env, self), 0
