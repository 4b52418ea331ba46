# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from ast import literal_eval

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL, mute_logger

from ...bounded import count_rows, count_text
from ...customers import churn, definitions, rfm
from ...definitions.filter_words import filter_words

#: Field that says what a segment stands for, by kind of its set.
REFERENCES = {
    "industry": "industry_id",
    "country": "country_id",
    "tag": "category_id",
    "rfm": "rfm_class",
    "domain": "domain",
}


class CrmKpiSegment(models.Model):
    """A group of customers: of one industry, of one order size, …"""

    _name = "crm.kpi.segment"
    _description = "Customer Segment"
    _order = "set_id, is_unknown, sequence, id"
    _rec_names_search = ["name", "set_id.name"]

    set_id = fields.Many2one("crm.kpi.segment.set", required=True, index=True, ondelete="cascade")
    kind = fields.Selection(related="set_id.kind", string="Kind of set")
    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(
        default=10,
        help="Order in lists. In a set of filters with “First match wins”, also the order in which "
        "the filters are tried.",
    )
    color = fields.Integer()
    active = fields.Boolean(
        default=True,
        help="An archived segment gets no more customers. Its history stays.",
    )
    industry_id = fields.Many2one("res.partner.industry", ondelete="set null")
    country_id = fields.Many2one("res.country", ondelete="set null")
    category_id = fields.Many2one("res.partner.category", string="Tag", ondelete="set null")
    is_company = fields.Boolean(
        string="Companies", help="Segment of companies. Off: of individuals."
    )
    rfm_class = fields.Selection(rfm.CLASSES, string="RFM class")
    amount_min = fields.Float(
        string="From",
        digits=(16, 2),
        help="Customers whose untaxed orders of the last twelve months reach this amount, in the "
        "currency of each company. Enter 0.01 for any order, 0 for no order.",
    )
    amount_max = fields.Float(
        string="To below",
        digits=(16, 2),
        compute="_compute_amount_max",
        help="Amount at which the next band begins. 0 for the highest band, which has no end.",
    )
    domain = fields.Char(
        string="Filter",
        help="Customers (companies and independent individuals) that match the filter are in the "
        "segment.",
    )
    filter_text = fields.Char(
        string="Filter in words", compute="_compute_filter_text", help="The filter as a sentence."
    )
    is_unknown = fields.Boolean(
        string="Unknown",
        readonly=True,
        copy=False,
        help="Segment of the customers that match no other segment and of the records without a "
        "customer.",
    )
    last_error = fields.Text(
        string="Error",
        readonly=True,
        copy=False,
        help="Why the filter cannot be used. Until it is corrected, the segment keeps the "
        "customers it had. Other segments are not affected.",
    )
    inactivity_days = fields.Integer(
        "Churned after (days)",
        help="Customers of this segment count as churned after this number of days without an "
        "order. 0: as in the settings of the company. If a customer is in several segments with "
        "a value, the first set decides, as of the first day of the period.",
    )
    at_risk_factor = fields.Float(
        "At risk after (times the usual time between orders)",
        help="Customers of this segment are at risk after this multiple of the usual number of "
        "days between two orders. 0: as in the settings of the company.",
    )
    member_count = fields.Integer(
        string="Customers",
        compute="_compute_member_count",
        help="Customers in the segment since the last update. Contacts of a company are one customer.",
    )
    matching_text = fields.Char(
        string="Customers that match",
        compute="_compute_matching_text",
        help="Number of customers that match the filter now. In a set where the first match wins, those that an "
        "earlier segment has are not in this one.",
    )

    _unknown_uniq = models.UniqueIndex(
        "(set_id) WHERE is_unknown", "A set has one segment for unknown customers."
    )
    _industry_uniq = models.UniqueIndex(
        "(set_id, industry_id) WHERE industry_id IS NOT NULL",
        "The set already has a segment for this industry (perhaps an archived one): use that.",
    )
    _country_uniq = models.UniqueIndex(
        "(set_id, country_id) WHERE country_id IS NOT NULL",
        "The set already has a segment for this country (perhaps an archived one): use that.",
    )
    _category_uniq = models.UniqueIndex(
        "(set_id, category_id) WHERE category_id IS NOT NULL",
        "The set already has a segment for this tag (perhaps an archived one): use that.",
    )
    _rfm_class_uniq = models.UniqueIndex(
        "(set_id, rfm_class) WHERE rfm_class IS NOT NULL",
        "The set already has a segment for this class (perhaps an archived one): use that.",
    )
    _amount_min_positive = models.Constraint("CHECK (amount_min >= 0)", "From: enter 0 or more.")
    _churn_threshold_positive = models.Constraint(
        "CHECK (inactivity_days >= 0 AND at_risk_factor >= 0)",
        "Churned after, At risk after: enter 0 (as the company) or more.",
    )

    @api.depends("name", "is_unknown", "set_id.name")
    def _compute_display_name(self):
        for segment in self:
            # every set has a segment named Unknown
            segment.display_name = (
                f"{segment.set_id.name}: {segment.name}" if segment.is_unknown else segment.name
            )

    @api.depends("amount_min", "set_id.segment_ids.amount_min", "set_id.segment_ids.active")
    def _compute_amount_max(self):
        for segment in self:
            higher = [
                other.amount_min
                for other in segment.set_id.segment_ids
                if not other.is_unknown and other.amount_min > segment.amount_min
            ]
            segment.amount_max = min(higher, default=0.0)

    @api.depends_context("allowed_company_ids")
    def _compute_member_count(self):
        # superuser: only a number, of customers of the reader's companies
        counts = dict(
            self.env["crm.kpi.segment.member"]
            .sudo()
            ._read_group(
                [
                    ("segment_id", "in", self.ids),
                    ("date_to", "=", False),
                    ("company_id", "in", [*self.env.companies.ids, False]),
                ],
                ["segment_id"],
                ["partner_id:count_distinct"],
            )
        )
        for segment in self:
            segment.member_count = counts.get(segment._origin, 0)

    @api.depends("domain")
    @api.depends_context("lang", "uid")
    def _compute_filter_text(self):
        for segment in self:
            try:
                words = filter_words(self.env["res.partner"], segment._parse_domain())
            except ValueError as error:
                words = str(error)
            segment.filter_text = segment.domain and (words or self.env._("All customers"))

    @api.depends("domain", "set_id.company_id")
    @api.depends_context("uid", "lang", "allowed_company_ids")
    def _compute_matching_text(self):
        for segment in self:
            count = segment._count_matching() if segment.domain else 0
            segment.matching_text = count_text(self.env, count)

    def _count_matching(self):
        """Number of customers that match the filter, under the rights of the user.

        It ends at a limit, see :mod:`~odoo.addons.crm_kpi.bounded`.
        """
        query, _reason = self._check_query(self.env["res.partner"], execute=True)
        if query is None:
            return 0  # saving it says why
        self.env["res.partner"].flush_model()
        customers = definitions.all_customers(self.env, self.set_id.company_id)
        return count_rows(
            self.env,
            SQL("SELECT 1 FROM (%s) AS customer JOIN (%s) AS found USING (id)", customers, query),
        )

    # --- CONSTRAINTS ---

    @api.constrains("name", "set_id")
    def _check_name(self):
        everything = self.with_context(active_test=False)
        for segment in everything:
            if everything.search_count(
                [
                    ("set_id", "=", segment.set_id.id),
                    ("name", "=", segment.name),
                    ("id", "!=", segment.id),
                ],
                limit=1,
            ):
                raise ValidationError(
                    self.env._(
                        "Name: the set “%(set)s” already has a segment “%(name)s” (perhaps an "
                        "archived one). Choose another name.",
                        set=segment.set_id.name,
                        name=segment.name,
                    )
                )

    @api.constrains(
        "set_id", "is_unknown", "active", *REFERENCES.values(), "is_company", "amount_min"
    )
    def _check_reference(self):
        for segment in self:
            kind = segment.set_id.kind
            needed = REFERENCES.get(kind)
            if segment.is_unknown:
                if not segment.active:
                    raise ValidationError(
                        self.env._(
                            "“%s” holds the customers that match no other segment and cannot "
                            "be archived. Archive the whole set instead.",
                            segment.display_name,
                        )
                    )
            elif needed and not segment[needed]:
                raise ValidationError(
                    self.env._(
                        "%(field)s: enter a value for the segment “%(segment)s”.",
                        field=self._fields[needed]._description_string(self.env),
                        segment=segment.name,
                    )
                )
            elif kind in ("company_type", "size"):
                field = "is_company" if kind == "company_type" else "amount_min"
                twin = segment.set_id.segment_ids.filtered(
                    lambda other, this=segment, field=field: (
                        other != this and not other.is_unknown and other[field] == this[field]
                    )
                )
                if segment.active and twin:
                    raise ValidationError(
                        self.env._(
                            "%(field)s: “%(segment)s” and “%(twin)s” are the same. Change or "
                            "archive one of them.",
                            field=self._fields[field]._description_string(self.env),
                            segment=segment.name,
                            twin=twin[0].name,
                        )
                    )

    @api.constrains("domain")
    def _check_domain(self):
        for segment in self.filtered("domain"):
            # With the rights of the user who enters the filter, although constraints run as
            # superuser: the size of a segment must not reveal what the user may not read.
            partner = self.env["res.partner"].sudo(False)
            _query, reason = segment._check_query(partner, execute=True)
            if reason:
                raise ValidationError(segment._domain_message(reason))

    # --- CRUD ---

    @api.model_create_multi
    def create(self, vals_list):
        segments = super().create(vals_list)
        segments._note_churn_threshold()
        return segments

    def write(self, vals):
        overrides = self._has_churn_threshold()
        if "set_id" in vals and any(s.set_id.id != vals["set_id"] for s in self):
            raise UserError(
                self.env._("A segment cannot move to another set. Create a new segment there.")
            )
        result = super().write(vals)
        if "domain" in vals:
            # the new filter has just been checked
            broken = self.filtered("last_error")
            if broken:
                super(CrmKpiSegment, broken).write({"last_error": False})
        if {*churn.OVERRIDES, "active", "sequence"}.intersection(vals):
            self._note_churn_threshold(overrides)
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        self.env["crm.kpi.goal"]._refuse_deletion(self, "segment_id")
        for segment in self:
            if segment.is_unknown:
                raise UserError(
                    self.env._(
                        "“%s” holds the customers that match no other segment and cannot be "
                        "deleted. Delete or archive the whole set instead.",
                        segment.display_name,
                    )
                )
            # superuser: only whether there is a row
            if (
                self.env["crm.kpi.segment.member"]
                .sudo()
                .search_count([("segment_id", "=", segment.id)], limit=1)
            ):
                raise UserError(
                    self.env._(
                        "The segment “%s” holds the history of customers. Archive it instead.",
                        segment.display_name,
                    )
                )

    def action_open_members(self):
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "crm_kpi.crm_kpi_segment_member_action"
        )
        action["display_name"] = self.env._("Customers of %s", self.display_name)
        action["domain"] = [("segment_id", "=", self.id)]
        return action

    # --- CHURN THRESHOLD, see customers/churn.py ---

    def _has_churn_threshold(self):
        return any(segment[name] for segment in self for name in churn.OVERRIDES)

    def _note_churn_threshold(self, before=False):
        """Have customers judged again where these segments override settings.

        :param bool before: whether they did so before a change
        """
        if before or self._has_churn_threshold():
            self.env["crm.kpi.source"]._mark_changed("crm.kpi.customer.period")
            # superuser: the ids of all companies, for the queue
            companies = self.env["res.company"].sudo().with_context(active_test=False).search([])
            self.env["crm.kpi.customer"]._kpi_mark_companies(companies.ids)

    @api.model
    def _overriding(self):
        """The segments that override settings of a company."""
        # superuser: settings only, to compute for all companies
        return self.sudo().search(
            ["|", *((name, ">", 0) for name in churn.OVERRIDES), ("set_id.active", "=", True)]
        )

    # --- FILTER ---

    def _parse_domain(self):
        """The filter as a Domain. Raises ValueError with a reason for the user."""
        self.ensure_one()
        try:
            items = literal_eval(self.domain or "[]")
        except (ValueError, SyntaxError) as error:
            raise ValueError(
                self.env._(
                    "it may contain plain values only; write dates as “today -1m” or “=month_start”"
                )
            ) from error
        domain = Domain(items)
        Partner = self.env["res.partner"]
        for condition in domain.iter_conditions():
            name = str(condition.field_expr).split(".")[0]
            if name not in Partner._fields:
                raise ValueError(self.env._("contacts have no field “%s” (any more)", name))
        return domain

    def _query(self, partner):
        """SQL of the ids of all contacts that match, under the rights of ``partner``'s env."""
        set_company = self.set_id.company_id
        if set_company:
            partner = partner.with_company(set_company)
        company = set_company or self.set_id._reference_company()
        # “today” of a filter is the day of the KPIs, not of the user who starts the refresh
        # superuser: the time zone of the company is not confidential
        partner = partner.with_context(active_test=False, tz=company.sudo()._kpi_tz())
        # not subselect(): that of a filter without matches has no column "id"
        return partner._search(self._parse_domain(), active_test=False).select()

    def _check_query(self, partner, execute):
        """The filter's SQL (None when broken) and the reason why it is broken (else empty)."""
        self.ensure_one()
        try:
            with mute_logger("odoo.sql_db"), self.env.cr.savepoint(flush=False):
                query = self._query(partner)
                if execute:
                    self.env.execute_query(SQL("SELECT count(*) FROM (%s) AS m", query))
        except psycopg2.OperationalError:
            # a problem of the database, not of the filter
            raise
        except Exception as error:  # a search method of any addon may raise anything
            return None, str(error).strip() or type(error).__name__
        return query, ""

    def _domain_message(self, reason):
        return self.env._(
            "The filter of the segment “%(segment)s” cannot be used: %(reason)s. Open the "
            "segment and correct its field “Filter”.",
            segment=self.name,
            reason=reason.rstrip("."),
        )

    def _partner_query(self):
        """SQL of the ids of matching contacts, or ``None`` when the filter is broken.

        A broken filter stops its own segment only; the message is stored there.
        """
        self.ensure_one()
        # superuser: membership must not depend on the user who starts the refresh. Only ids go
        # to the member table, and the filter was checked with its author's rights when saved.
        query, reason = self._check_query(
            self.env["res.partner"].sudo(), execute=bool(self.last_error)
        )
        if reason:
            self._mark_broken(reason)
        elif self.id in self.env.context.get("crm_kpi_broken_segments", ()):
            return None
        elif self.last_error:
            self.last_error = False
        return query

    def _mark_broken(self, reason):
        message = self._domain_message(reason)
        if self.last_error != message:
            self.last_error = message

    def _present_members(self):
        """SQL of the ids of the customers in the segment now."""
        return SQL(
            "SELECT partner_id AS id FROM crm_kpi_segment_member"
            " WHERE segment_id = %s AND date_to IS NULL",
            self.id,
        )

    def _find_broken(self):
        """Run each filter by itself, mark those that fail, and return their segments."""
        broken = self.browse()
        for segment in self.filtered(lambda s: not s.is_unknown):
            # superuser: as in _partner_query
            _query, reason = segment._check_query(self.env["res.partner"].sudo(), execute=True)
            if reason:
                segment._mark_broken(reason)
                broken |= segment
        return broken
