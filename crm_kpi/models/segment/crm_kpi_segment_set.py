# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import date

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL


class CrmKpiSegmentSet(models.Model):
    """A way of dividing customers into segments, with dated membership.

    Customers are commercial partners, so that all contacts of a company are one customer.
    """

    _name = "crm.kpi.segment.set"
    _description = "Customer Segment Set"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(
        default=True,
        help="An archived set keeps its history, but is neither updated nor shown any more.",
    )
    kind = fields.Selection(
        [
            ("industry", "Industry"),
            ("country", "Country"),
            ("tag", "Contact tag"),
            ("company_type", "Company or individual"),
            ("size", "Order size"),
            ("rfm", "RFM class"),
            ("domain", "Filter"),
        ],
        required=True,
        default="domain",
        help="What divides the customers.\n"
        "Industry, Country, Contact tag: one segment per value in use, made by itself. A tag "
        "also counts for the tags above it; tags of single contacts of a company are ignored.\n"
        "Order size: untaxed orders of the last twelve months, in the company's currency.\n"
        "RFM class: recency, frequency and value of the orders of the last 24 months.\n"
        "Filter: one filter on contacts per segment.",
    )
    first_match = fields.Boolean(
        string="First match wins",
        default=True,
        help="A customer belongs to the first segment whose filter matches, in the order of "
        "the list. Off: to every segment that matches; the segments then overlap and do not "
        "add up to the total.",
    )
    exclusive = fields.Boolean(
        compute="_compute_exclusive",
        store=True,
        help="Each customer is in one segment only, so that the segments add up to the total.",
    )
    company_id = fields.Many2one(
        "res.company",
        index="btree_not_null",
        help="Only for KPIs of this company. Empty: for all companies.",
    )
    note = fields.Text(translate=True, help="What the set is for; shown to readers.")
    segment_ids = fields.One2many("crm.kpi.segment", "set_id", string="Segments")
    unknown_segment_id = fields.Many2one(
        "crm.kpi.segment",
        string="Unknown",
        readonly=True,
        copy=False,
        ondelete="restrict",
        help="Customers that match no segment, and records without customer, so that the "
        "rows add up to the total.",
    )
    date_start = fields.Date(
        string="History since",
        readonly=True,
        copy=False,
        help="Since this day changes of segment are recorded. Before it, customers count in "
        "the segment they had on this day: an estimate (order sizes and RFM classes are "
        "computed from the orders, month by month).",
    )
    date_updated = fields.Date(
        string="Last updated on",
        readonly=True,
        copy=False,
        help="The day of the last comparison of all customers with the segments.",
    )
    date_previous = fields.Date(
        readonly=True,
        copy=False,
        help="Day of the last update before the day of “Last updated on”.",
    )
    date_changed = fields.Date(
        readonly=True,
        copy=False,
        help="Earliest day whose segments changed since the last refresh of the KPIs.",
    )
    error_count = fields.Integer(string="Segments with errors", compute="_compute_error_count")

    @api.depends("kind", "first_match")
    def _compute_exclusive(self):
        for segment_set in self:
            segment_set.exclusive = segment_set.kind != "tag" and (
                segment_set.kind != "domain" or segment_set.first_match
            )

    @api.depends("segment_ids.last_error")
    def _compute_error_count(self):
        for segment_set in self:
            segment_set.error_count = len(segment_set.segment_ids.filtered("last_error"))

    # --- CRUD ---

    @api.model_create_multi
    def create(self, vals_list):
        sets = super().create(vals_list)
        for segment_set in sets:
            segment_set.unknown_segment_id = self.env["crm.kpi.segment"].create(
                {
                    "set_id": segment_set.id,
                    "name": self.env._("Unknown"),
                    "is_unknown": True,
                    "sequence": 10000,
                }
            )
        return sets

    def write(self, vals):
        frozen = [name for name in ("kind", "first_match", "company_id") if name in vals]
        for segment_set in self if frozen else ():
            for name in frozen:
                field = self._fields[name]
                old = field.convert_to_write(segment_set[name], segment_set)
                if (old or False) != (vals[name] or False) and segment_set._has_members():
                    raise UserError(
                        self.env._(
                            "%(field)s of the segment set “%(set)s” cannot change any more, "
                            "since customers have been assigned and past figures rest on it. "
                            "Make a new set, or press “Forget history” first.",
                            field=field._description_string(self.env),
                            set=segment_set.name,
                        )
                    )
        if "active" in vals:
            # the figures of the whole past gain or lose a division
            vals = {**vals, "date_changed": date.min}
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_with_members(self):
        for segment_set in self:
            if segment_set._has_members():
                raise UserError(
                    self.env._(
                        "The segment set “%s” holds the history of customers. Archive it "
                        "instead, or press “Forget history” first.",
                        segment_set.name,
                    )
                )

    def _has_members(self):
        self.ensure_one()
        # sudo: only whether there is a row at all; nothing of it is shown
        return bool(
            self.env["crm.kpi.segment.member"]
            .sudo()
            .search_count([("set_id", "=", self.id)], limit=1)
        )

    # --- ACTIONS ---

    def action_update_members(self):
        """Compare all customers with the segments of these sets now."""
        self.check_access("write")
        earliest = self._update_members()
        if earliest:
            # sudo: the engine's note to itself; the user may write the set (checked above).
            # The periods are marked by the next refresh of the KPIs, not by this button.
            self.sudo().write({"date_changed": earliest})
        return True

    def action_forget_history(self):
        """Explicit restatement: today's segments shall hold for the whole past again."""
        self.check_access("write")
        self.env.flush_all()
        for segment_set in self:
            # rows of members are written by SQL only
            self.env.cr.execute(
                SQL("DELETE FROM crm_kpi_segment_member WHERE set_id = %s", segment_set.id)
            )
        self.env["crm.kpi.segment.member"].invalidate_model()
        # sudo: as above
        self.sudo().write({"date_start": False, "date_updated": False, "date_previous": False})
        return True

    def action_open_members(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "crm_kpi.action_crm_kpi_segment_member"
        )
        action["domain"] = [("set_id", "=", self.id)]
        return action
