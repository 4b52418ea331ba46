# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import date

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...customers import definitions
from ...engine.periods import local_day
from ...refresh.failures import noted
from ...segments import (
    COMPANY_KINDS,
    changed_customers,
    difference,
    history,
    overlap,
    values,
)


class CrmKpiSegmentSet(models.Model):
    """A division of customers into segments, with dated membership.

    Customers are commercial partners, so that all contacts of a company are one customer. The
    statements that compare and write the members are in ``segments/``.
    """

    _name = "crm.kpi.segment.set"
    _description = "Customer Segment Set"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(
        default=True,
        help="An archived set keeps its history, but is no longer updated or shown.",
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
        "Industry, Country, Contact tag: one segment per value in use, created automatically. A "
        "tag also counts for the tags above it; tags of single contacts of a company are "
        "ignored.\n"
        "Order size: untaxed orders of the last twelve months, in the company's currency.\n"
        "RFM class: recency, frequency and value of the orders of the last 24 months.\n"
        "Filter: one filter on contacts per segment.",
    )
    first_match = fields.Boolean(
        string="First match wins",
        default=True,
        help="A customer belongs to the first segment whose filter matches, in the order of "
        "the list. Off: to every segment whose filter matches; the segments then overlap and do "
        "not add up to the total.",
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
    note = fields.Text(translate=True, help="What the set is for. Shown to users.")
    segment_ids = fields.One2many("crm.kpi.segment", "set_id", string="Segments")
    unknown_segment_id = fields.Many2one(
        "crm.kpi.segment",
        string="Unknown",
        readonly=True,
        copy=False,
        ondelete="restrict",
        help="Segment of the customers that match no other segment and of the records without a "
        "customer, so that the rows add up to the total.",
    )
    date_start = fields.Date(
        string="History since",
        readonly=True,
        copy=False,
        help="Changes of segment are recorded since this day. Before it, customers count in the "
        "segment they had on this day, which is an estimate. Order sizes and RFM classes of the "
        "past are computed from the orders, month by month.",
    )
    date_updated = fields.Date(
        string="Last updated on",
        readonly=True,
        copy=False,
        help="Day of the last comparison of all customers with the segments.",
    )
    date_previous = fields.Date(
        readonly=True,
        copy=False,
        help="Day of the update before the one of “Last updated on”.",
    )
    date_changed = fields.Date(
        readonly=True,
        copy=False,
        help="Earliest day on which segments changed since the last refresh of the KPIs.",
    )
    error_count = fields.Integer(string="Segments with errors", compute="_compute_error_count")
    customer_count = fields.Integer(
        string="Customers",
        compute="_compute_customers",
        groups="crm_kpi.group_kpi_manager",
        help="Customers in one or more segments of the set at present.",
    )
    overlap_text = fields.Char(
        string="Overlap",
        compute="_compute_customers",
        groups="crm_kpi.group_kpi_manager",
        help="Customers in several segments of the set.",
    )

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

    @api.depends("segment_ids")
    @api.depends_context("lang", "allowed_company_ids")
    def _compute_customers(self):
        self.env["crm.kpi.segment.member"].flush_model()
        companies = self.env.companies
        for segment_set in self:
            stored = segment_set._origin
            counts = overlap.customer_count(stored, companies) if stored else (0, 0)
            segment_set.customer_count, several = counts
            segment_set.overlap_text = (
                stored._overlap_text(several, companies) if several else False
            )

    def _overlap_text(self, count, companies):
        """How many customers are in several segments, and in which ones most of them are."""
        segments = self.env["crm.kpi.segment"].with_context(active_test=False)
        pairs = [
            self.env._(
                "%(first)s and %(second)s: %(count)s",
                first=segments.browse(found.first_id).name,
                second=segments.browse(found.second_id).name,
                count=found.count,
            )
            for found in overlap.overlaps(self, companies)
        ]
        return self.env._(
            "Customers in several segments: %(count)s (%(pairs)s)",
            count=count,
            pairs=", ".join(pairs),
        )

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
                            "%(field)s: the segment set “%(set)s” already has customers, and past "
                            "values depend on it. Create a new set, or press “Delete history” "
                            "first.",
                            field=field._description_string(self.env),
                            set=segment_set.name,
                        )
                    )
        if "active" in vals:
            # values of the whole past gain or lose these segments
            vals = {**vals, "date_changed": date.min}
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_with_members(self):
        segments = self.with_context(active_test=False).segment_ids
        self.env["crm.kpi.goal"]._refuse_deletion(segments, "segment_id")
        for segment_set in self:
            if segment_set._has_members():
                raise UserError(
                    self.env._(
                        "The segment set “%s” holds the history of customers. Archive it "
                        "instead, or press “Delete history” first.",
                        segment_set.name,
                    )
                )

    def _invalidate_members(self):
        """Members were written by SQL: forget them, and the numbers of them."""
        self.env["crm.kpi.segment.member"].invalidate_model()
        self.env["crm.kpi.segment"].invalidate_model(["member_count"])
        self.invalidate_model(["customer_count", "overlap_text"])

    def _has_members(self):
        self.ensure_one()
        # superuser: only whether there is a row
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
            # superuser: read-only field, and the user may write the set (checked above). The
            # next refresh of the KPIs marks the periods, not this button.
            self.sudo().write({"date_changed": earliest})
        # superuser: only the failures of these sets, which the user may write
        failures = self.env["crm.kpi.failure"].sudo()
        messages = failures.search([("name", "in", [f"segment set {id_}" for id_ in self.ids])])
        if not messages:
            return True
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "danger",
                "sticky": True,
                "message": "\n".join(f"{note.title}: {note.error}" for note in messages),
            },
        }

    def action_delete_history(self):
        """Delete dated changes: today's segments hold for the whole past again."""
        self.check_access("write")
        self.env.flush_all()
        for segment_set in self:
            # members are written by SQL only, no group may write them
            self.env.cr.execute(
                SQL("DELETE FROM crm_kpi_segment_member WHERE set_id = %s", segment_set.id)
            )
        self._invalidate_members()
        # superuser: read-only fields, and the user may write the sets (checked above)
        self.sudo().write({"date_start": False, "date_updated": False, "date_previous": False})
        return True

    def action_open_members(self):
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "crm_kpi.crm_kpi_segment_member_action"
        )
        action["display_name"] = self.env._("Customers of %s", self.name)
        action["domain"] = [("set_id", "=", self.id)]
        return action

    # --- UPDATE OF THE MEMBERS ---

    @api.model
    def _update_members(self, day=None):
        """Bring the dated membership of these sets (default: all active ones) up to date.

        The database compares each set once (order sizes and RFM: once per company), and nothing
        is written where nothing changed. A change gets the local date of today: the old row
        ends, the new one begins. A second change on the same day replaces the first.

        :param day: local date to use instead of today's (tests, imports)
        :return: earliest local date on which segments changed, ``None`` without a change;
            ``date.min`` when a set is new or was archived, because values of the whole past
            gain or lose its segments
        """
        # superuser: membership is the same for all users. Callers are the refresh, and an
        # action that checks for the right to write the set.
        sets = (self or self.sudo().search([])).sudo()
        # a second updater would find the same changes: leave out the sets that are locked
        sets = sets.try_lock_for_update(allow_referencing=True)
        if not sets:
            return None
        self.env.flush_all()
        dates = [found for found in (sets._pop_moved_facts(), *self._pop_changed()) if found]
        for segment_set in sets:
            # a set that cannot be updated keeps its members; the other sets go on
            with segment_set._failure_noted():
                dates += segment_set._update_set(day)
        self.env.flush_all()
        return min(dates, default=None)

    @api.model
    def _busy(self):
        """The active sets that another transaction updates right now."""
        sets = self.search([])
        return sets - sets.try_lock_for_update(allow_referencing=True)

    def _update_set(self, day):
        """Update one set; list of the earliest dates that changed."""
        self.ensure_one()
        # of a new set: from now on all records have a segment of it
        dates = [] if self.date_start else [date.min]
        self._create_missing_segments()
        self._note_update(day or self._today())
        for company, today in self._scopes(day):
            if changed := self._update_scope(company, today):
                dates.append(changed)
        return dates

    def _failure_noted(self):
        title = self.env._("Segments: %s", self.name)
        return noted(self.env, f"segment set {self.id}", title, self.company_id)

    def _note_update(self, today):
        """Note the day of this update: one small write a day, not one per refresh."""
        self.ensure_one()
        if self.date_updated != today:
            self.write(
                {
                    "date_start": self.date_start or today,
                    "date_previous": self.date_updated,
                    "date_updated": today,
                }
            )

    def _pop_changed(self):
        """Dates of changes outside of a refresh. They are forgotten once they are returned."""
        # superuser: as in _update_members
        sets = self.sudo().with_context(active_test=False)
        domain = [("date_changed", "!=", False)]
        changed = sets.search(domain + ([("id", "in", self.ids)] if self else []))
        dates = changed.mapped("date_changed")
        if changed:
            changed.write({"date_changed": False})
        return dates

    def _reference_company(self):
        """The company whose calendar dates the changes of sets for all companies."""
        return self[:1].company_id or self.env["res.company"].search([], order="id", limit=1)

    def _today(self, company=None):
        tz = (company or self._reference_company())._kpi_tz()
        return local_day(fields.Datetime.now(), tz)

    def _scopes(self, day):
        """Pairs of company (empty: membership is the same in all) and local date."""
        self.ensure_one()
        if self.kind not in COMPANY_KINDS:
            return [(self.env["res.company"], day or self._today())]
        rows = self.env.execute_query(
            SQL(
                """
                SELECT company.id
                  FROM res_company company
                 WHERE %s
                   AND EXISTS (SELECT 1 FROM sale_order sale
                                WHERE sale.company_id = company.id AND %s)
              ORDER BY company.id
                """,
                SQL("company.id = %s", self.company_id.id) if self.company_id else SQL("TRUE"),
                definitions.is_qualifying("sale"),
            )
        )
        companies = self.env["res.company"].browse(id_ for (id_,) in rows)
        return [(company, day or self._today(company)) for company in companies]

    def _update_scope(self, company, today):
        """Compare and write; returns the earliest local date that changed, or ``None``."""
        self.ensure_one()
        try:
            is_different = self._has_difference(company, today)
        except (psycopg2.DataError, psycopg2.ProgrammingError):
            # a filter that PostgreSQL refuses: find it and continue without it
            if self.kind != "domain" or "crm_kpi_broken_segments" in self.env.context:
                raise
            broken = self.segment_ids._find_broken()
            self = self.with_context(crm_kpi_broken_segments=tuple(broken.ids))
            return self._update_scope(company, today)
        has_past = self.kind in COMPANY_KINDS
        if not is_different and not (has_past and history.is_missing(self, company)):
            return None
        difference.write_table(self, company, today)
        earliest = min(
            changed_customers.first_fact_day(self, changed_customers.new_members()) or today, today
        )
        if has_past:
            difference.delete_rows_of_today(self, today)
            is_first = history.is_missing(self, company)
            write_past = history.write_sizes if self.kind == "size" else history.write_classes
            if write_past(self, company, today):
                earliest = date.min if is_first else earliest
                difference.write_table(self, company, today)
            elif not is_different:
                earliest = None
        difference.write_members(self, company, today)
        difference.drop_table(self)
        self._invalidate_members()
        return earliest

    def _has_difference(self, company, today):
        probe = SQL(
            "SELECT 1 FROM (%s) AS difference LIMIT 1",
            difference.difference(self, company, today),
        )
        if self.kind != "domain":
            return bool(self.env.execute_query(probe))
        # a filter may make PostgreSQL fail, and the transaction has to go on
        with self.env.cr.savepoint(flush=False):
            return bool(self.env.execute_query(probe))

    def _create_missing_segments(self):
        """One segment per industry, country or tag in use by a customer."""
        self.ensure_one()
        if self.kind not in values.VALUE_COLUMNS:
            return
        rows = self.env.execute_query(values.missing_values(self))
        if rows:
            values.create_segments(self, [id_ for (id_,) in rows])

    # --- RECORDS WHOSE CUSTOMER CHANGED ---

    def _pop_moved_facts(self):
        """Earliest day of the records of partners whose commercial partner changed.

        Merging contacts and moving one to another company gives old records another customer
        without writing these records, so the engine cannot see it by itself.
        """
        ids = self.env["crm.kpi.dirty"]._pop("crm.kpi.segment.member", None)
        if not ids:
            return None
        partners = SQL("SELECT id FROM res_partner WHERE id = ANY(%s)", ids)
        return changed_customers.first_fact_day(self, partners)

    @api.model
    def _mark_moved_facts(self, partner_ids):
        """Note that the records of these partners belong to another customer from now on.

        The note goes to the queue of dirty records. It is only appended to, so that a user who
        edits a contact never waits for a running refresh.
        """
        self.env["crm.kpi.dirty"]._push("crm.kpi.segment.member", partner_ids)
