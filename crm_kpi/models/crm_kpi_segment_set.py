# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import date

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..engine.periods import local_day, utc_midnight
from .crm_kpi_customer_facts import RFM_MONTHS

#: Kinds whose first known value also holds for the past: not knowing a customer's industry
#: is no industry of its own, so learning it changes nothing. A tag or a filter that matches
#: for the first time is a change and begins on its day.
BACKDATED_KINDS = ("industry", "country", "company_type", "size")

#: Kinds that tell customers apart by their orders, hence in each company by itself.
COMPANY_KINDS = ("size", "rfm")

#: Column of the partner that decides, by kind of set with one segment per value.
VALUE_COLUMNS = {"industry": "industry_id", "country": "country_id", "tag": "category_id"}


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

    # --- MEMBERSHIP ---

    @api.model
    def _update_members(self, day=None):
        """Bring the dated membership of these sets (default: all active ones) up to date.

        One comparison per set (and company, for order sizes and RFM) in the database; nothing is
        written where nothing changed. What changed gets the local date of today: the old
        row ends, the new one begins; a second change on the same day replaces the first.

        :param day: local date to use instead of today's (tests, imports)
        :return: earliest local date whose segments changed, None if none did; ``date.min``
            when a set is new or was archived, so that the whole past is told apart anew
        """
        # sudo: membership is the same for all users; callers are the refresh and an action
        # that checks for the right to write the set
        sets = (self or self.sudo().search([])).sudo()
        # A second updater would find the same changes; skip what it has in hand.
        sets = sets.try_lock_for_update(allow_referencing=True)
        if not sets:
            return None
        self.env.flush_all()
        dates = [found for found in (sets._pop_moved_facts(), *self._pop_changed()) if found]
        for segment_set in sets:
            if not segment_set.date_start:
                # from now on all records are told apart by it, if only as Unknown
                dates.append(date.min)
            segment_set._create_missing_segments()
            today = day or segment_set._today()
            if segment_set.date_updated != today:
                # one small write a day, not one per refresh
                segment_set.write(
                    {
                        "date_start": segment_set.date_start or today,
                        "date_previous": segment_set.date_updated,
                        "date_updated": today,
                    }
                )
            for company, local_today in segment_set._scopes(day):
                changed = segment_set._update_scope(company, local_today)
                if changed:
                    dates.append(changed)
        self.env.flush_all()
        return min(dates, default=None)

    def _pop_changed(self):
        """Dates left by changes outside of a refresh; forgotten once they are returned."""
        # sudo: as in _update_members
        sets = self.sudo().with_context(active_test=False)
        domain = [("date_changed", "!=", False)]
        changed = sets.search(domain + ([("id", "in", self.ids)] if self else []))
        dates = changed.mapped("date_changed")
        if changed:
            changed.write({"date_changed": False})
        return dates

    def _pop_moved_facts(self):
        """Earliest day of the records of partners that changed their commercial partner.

        Merging contacts and moving one to another company gives old records another
        customer without writing these records, so the engine cannot see it by itself.
        """
        ids = self.env["crm.kpi.dirty"]._pop("crm.kpi.segment.member", None)
        if not ids:
            return None
        return self._first_fact_day(SQL("SELECT id FROM res_partner WHERE id = ANY(%s)", ids))

    @api.model
    def _mark_moved_facts(self, partner_ids):
        """Note that these partners' records belong to another customer from now on.

        The note goes to the queue of dirty records, which is only appended to: a user who
        edits a contact never waits for a running refresh.
        """
        self.env["crm.kpi.dirty"]._push("crm.kpi.segment.member", partner_ids)

    @api.model
    def _fact_columns(self):
        """Tables whose records count by customer: ``(table, partner column, date columns)``.

        Those of the KPI sources that name partner and date directly; what a source reaches
        over another record (order lines) has the dates of that record.
        """
        found = {
            ("crm_lead", "partner_id"): {"create_date", "date_closed"},
            ("sale_order", "partner_id"): {"create_date", "date_order"},
        }
        # sudo: names of tables and columns only
        for source in self.env["crm.kpi.source"].sudo().search([("kind", "!=", "cohort")]):
            model = self.env.get(source.model)
            if model is None or not model._auto:
                continue
            for path in (source.partner_field or "").split(","):
                stored = [
                    model._fields.get(name)
                    for name in (path.strip(), source.date_field, "create_date")
                ]
                if all(field is not None and field.store for field in stored[:2]):
                    dates = {field.name for field in stored[1:] if field and field.store}
                    found.setdefault((model._table, stored[0].name), set()).update(dates)
        return [(table, partner, sorted(dates)) for (table, partner), dates in found.items()]

    def _first_fact_day(self, partners):
        """Earliest day of the given partners and their records, None without partners.

        :param SQL partners: a query that yields partner ids
        """
        parts = [
            SQL("SELECT MIN(create_date) AS moment FROM res_partner WHERE id IN (%s)", partners)
        ] + [
            SQL(
                "SELECT MIN(LEAST(%s)) AS moment FROM %s t WHERE t.%s IN (%s)",
                SQL(", ").join(
                    SQL("t.%s::timestamp", SQL.identifier(column)) for column in columns
                ),
                SQL.identifier(table),
                SQL.identifier(partner),
                partners,
            )
            for table, partner, columns in self._fact_columns()
        ]
        [(moment,)] = self.env.execute_query(
            SQL("SELECT MIN(moment) FROM (%s) AS facts", SQL(" UNION ALL ").join(parts))
        )
        return moment and local_day(moment, self._reference_company()._kpi_tz())

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
                """SELECT c.id FROM res_company c
                    WHERE %s AND EXISTS (
                          SELECT 1 FROM sale_order o WHERE o.company_id = c.id AND %s)
                    ORDER BY c.id""",
                SQL("c.id = %s", self.company_id.id) if self.company_id else SQL("TRUE"),
                self._qualifying("o"),
            )
        )
        companies = self.env["res.company"].browse(row[0] for row in rows)
        return [(company, day or self._today(company)) for company in companies]

    def _create_missing_segments(self):
        """One segment per industry, country or tag in use by a customer."""
        self.ensure_one()
        column = VALUE_COLUMNS.get(self.kind)
        if not column:
            return
        if self.kind == "tag":
            # a customer of a tag is one of the tags above it, too
            used = SQL(
                """SELECT DISTINCT up.id
                     FROM (%s) p
                     JOIN res_partner_res_partner_category_rel r ON r.partner_id = p.id
                     JOIN res_partner_category c ON c.id = r.category_id AND c.active
                     JOIN res_partner_category up
                       ON starts_with(c.parent_path, up.parent_path)""",
                self._customers(),
            )
        else:
            used = SQL(
                "SELECT DISTINCT p.%(column)s AS id FROM (%(customers)s) p"
                " WHERE p.%(column)s IS NOT NULL",
                column=SQL.identifier(column),
                customers=self._customers(),
            )
        if self.kind == "country":
            # a lead without customer counts in the country it names itself
            used = SQL(
                "%s UNION SELECT DISTINCT country_id FROM crm_lead"
                " WHERE country_id IS NOT NULL AND partner_id IS NULL",
                used,
            )
        rows = self.env.execute_query(
            SQL(
                """SELECT v.id FROM (%s) v
                    WHERE NOT EXISTS (
                          SELECT 1 FROM crm_kpi_segment s WHERE s.set_id = %s AND s.%s = v.id)
                    ORDER BY v.id""",
                used,
                self.id,
                SQL.identifier(column),
            )
        )
        if rows:
            self._create_value_segments(column, [row[0] for row in rows])

    def _create_value_segments(self, column, ids):
        Segment = self.env["crm.kpi.segment"].with_context(active_test=False, lang=None)
        values = self.env[Segment._fields[column].comodel_name].browse(ids).with_context(lang=None)
        taken = set(Segment.search([("set_id", "=", self.id)]).mapped("name"))
        names = {}
        for value in values.sorted("display_name"):
            # industries and tags may share a name, segments of a set may not
            name, number = value.display_name, 1
            while name in taken:
                number += 1
                name = f"{value.display_name} ({number})"
            taken.add(name)
            names[value] = name
        segments = Segment.create(
            [{"set_id": self.id, column: value.id, "name": name} for value, name in names.items()]
        )
        for lang, _name in self.env["res.lang"].get_installed():
            if lang == "en_US":
                continue
            translated = segments.with_context(lang=lang)
            for segment, (value, name) in zip(translated, names.items(), strict=True):
                segment.name = (
                    value.with_context(lang=lang).display_name + name[len(value.display_name) :]
                )

    # --- SQL ---

    @api.model
    def _qualifying(self, alias):
        """Orders that make somebody a customer: confirmed and above zero."""
        alias = SQL.identifier(alias)
        return SQL("%s.state = 'sale' AND %s.amount_untaxed > 0", alias, alias)

    @api.model
    def _company_amount(self, alias):
        """Untaxed amount of an order in its company's currency, at the order's own rate."""
        alias = SQL.identifier(alias)
        return SQL(
            "%s.amount_untaxed::numeric / COALESCE(NULLIF(%s.currency_rate::numeric, 0), 1)",
            alias,
            alias,
        )

    def _customers(self):
        """All customers: commercial partners but our own companies and internal users.

        Archived ones stay: their history counts.
        """
        # CASE: PostgreSQL takes "column = other column" for a rare thing (1 in 200) and would
        # plan nested loops over all customers; of a CASE it expects one half.
        return SQL(
            """SELECT p.id, p.company_id, p.industry_id, p.country_id,
                      COALESCE(p.is_company, FALSE) AS is_company
                 FROM res_partner p
                WHERE CASE WHEN p.commercial_partner_id = p.id THEN TRUE ELSE FALSE END
                  AND %s
                  AND NOT EXISTS (SELECT 1 FROM res_company c WHERE c.partner_id = p.id)
                  AND NOT EXISTS (SELECT 1 FROM res_users u
                                   WHERE u.partner_id = p.id AND u.share IS NOT TRUE)""",
            SQL("(p.company_id IS NULL OR p.company_id = %s)", self.company_id.id)
            if self.company_id
            else SQL("TRUE"),
        )

    def _bands(self):
        """Size segments with their lower (inclusive) and upper (exclusive) amount."""
        return SQL(
            """SELECT s.id, s.amount_min AS lower,
                      LEAD(s.amount_min) OVER (ORDER BY s.amount_min, s.id) AS upper
                 FROM crm_kpi_segment s
                WHERE s.set_id = %s AND s.active AND s.is_unknown IS NOT TRUE""",
            self.id,
        )

    def _wanted(self, company, today):
        """SQL of the membership as it should be today: segment_id, partner_id, slot.

        The slot is 0 in exclusive sets, else the segment: one open row per slot.
        """
        self.ensure_one()
        if self.kind == "domain":
            return self._wanted_by_domain()
        if self.kind == "size":
            return self._wanted_by_size(company, today)
        if self.kind == "rfm":
            return SQL(
                """SELECT s.id AS segment_id, k.partner_id, 0 AS slot
                     FROM crm_kpi_customer k
                     JOIN crm_kpi_segment s ON s.rfm_class = k.rfm_class
                      AND s.set_id = %s AND s.active AND s.is_unknown IS NOT TRUE
                    WHERE k.company_id = %s""",
                self.id,
                company.id,
            )
        if self.kind == "tag":
            return SQL(
                """SELECT DISTINCT s.id AS segment_id, p.id AS partner_id, s.id AS slot
                     FROM (%s) p
                     JOIN res_partner_res_partner_category_rel r ON r.partner_id = p.id
                     JOIN res_partner_category c ON c.id = r.category_id AND c.active
                     JOIN res_partner_category up
                       ON starts_with(c.parent_path, up.parent_path)
                     JOIN crm_kpi_segment s ON s.category_id = up.id
                      AND s.set_id = %s AND s.active AND s.is_unknown IS NOT TRUE""",
                self._customers(),
                self.id,
            )
        if self.kind == "company_type":
            same = SQL("COALESCE(s.is_company, FALSE) = p.is_company")
        else:
            column = SQL.identifier(VALUE_COLUMNS[self.kind])
            same = SQL("s.%s = p.%s", column, column)
        return SQL(
            """SELECT s.id AS segment_id, p.id AS partner_id, 0 AS slot
                 FROM (%s) p
                 JOIN crm_kpi_segment s ON %s
                  AND s.set_id = %s AND s.active AND s.is_unknown IS NOT TRUE""",
            self._customers(),
            same,
            self.id,
        )

    def _wanted_by_size(self, company, today):
        tz = company._kpi_tz()
        return SQL(
            """SELECT b.id AS segment_id, p.id AS partner_id, 0 AS slot
                 FROM (%(customers)s) p
            LEFT JOIN (SELECT c.commercial_partner_id AS partner_id,
                              ROUND(SUM(%(amount)s), 6) AS amount
                         FROM sale_order o
                         JOIN res_partner c ON c.id = o.partner_id
                        WHERE %(qualifying)s AND o.company_id = %(company)s
                          AND o.date_order >= %(since)s AND o.date_order < %(until)s
                        GROUP BY c.commercial_partner_id) q ON q.partner_id = p.id
                 JOIN (%(bands)s) b ON COALESCE(q.amount, 0) >= b.lower
                  AND (b.upper IS NULL OR COALESCE(q.amount, 0) < b.upper)
                WHERE p.company_id IS NULL OR p.company_id = %(company)s
                   OR q.partner_id IS NOT NULL""",
            customers=self._customers(),
            amount=self._company_amount("o"),
            qualifying=self._qualifying("o"),
            company=company.id,
            since=utc_midnight(fields.Date.subtract(today, months=12), tz),
            until=utc_midnight(today, tz),
            bands=self._bands(),
        )

    def _wanted_by_domain(self):
        parts = []
        segments = self.segment_ids.filtered(lambda s: not s.is_unknown)
        for rank, segment in enumerate(segments.sorted(lambda s: (s.sequence, s.id))):
            parts.append(
                SQL(
                    "SELECT %s AS segment_id, %s AS rank, m.id FROM (%s) AS m",
                    segment.id,
                    rank,
                    segment._partner_query() or segment._present_members(),
                )
            )
        if not parts:
            return SQL("SELECT 0 AS segment_id, 0 AS partner_id, 0 AS slot WHERE FALSE")
        matches = SQL(
            """SELECT f.segment_id, f.rank, p.id AS partner_id
                 FROM (%s) f JOIN (%s) p ON p.id = f.id""",
            SQL(" UNION ALL ").join(parts),
            self._customers(),
        )
        if not self.exclusive:
            return SQL("SELECT segment_id, partner_id, segment_id AS slot FROM (%s) AS f", matches)
        return SQL(
            """SELECT DISTINCT ON (partner_id) segment_id, partner_id, 0 AS slot
                 FROM (%s) AS f ORDER BY partner_id, rank""",
            matches,
        )

    def _difference(self, company, wanted):
        """Open rows that should not be and rows that should: one line per partner and slot."""
        return SQL(
            """SELECT o.id AS member_id, o.date_from, o.date_recorded,
                      d.segment_id AS segment_id,
                      COALESCE(d.partner_id, o.partner_id) AS partner_id,
                      COALESCE(d.slot, o.slot) AS slot
                 FROM (%(wanted)s) d
                 FULL JOIN (SELECT m.id, m.date_from, m.date_recorded, m.segment_id,
                                   m.partner_id, m.slot
                              FROM crm_kpi_segment_member m
                             WHERE m.set_id = %(set)s AND m.date_to IS NULL
                               AND m.company_id %(company)s) o
                   ON o.partner_id = d.partner_id AND o.slot = d.slot
                WHERE o.segment_id IS DISTINCT FROM d.segment_id""",
            wanted=wanted,
            set=self.id,
            company=SQL("= %s", company.id) if company else SQL("IS NULL"),
        )

    def _update_scope(self, company, today):
        """Compare and write; the earliest local date that changed, or None."""
        self.ensure_one()
        difference = self._difference(company, self._wanted(company, today))
        probe = SQL("SELECT 1 FROM (%s) AS difference LIMIT 1", difference)
        if self.kind != "domain":
            if not self.env.execute_query(probe):
                return None
        else:
            try:
                with self.env.cr.savepoint(flush=False):
                    if not self.env.execute_query(probe):
                        return None
            except (psycopg2.DataError, psycopg2.ProgrammingError):
                # a filter that PostgreSQL refuses: find it and go on without it
                if "crm_kpi_broken_segments" in self.env.context:
                    raise
                broken = self.segment_ids._find_broken()
                return self.with_context(crm_kpi_broken_segments=tuple(broken.ids))._update_scope(
                    company, today
                )
        self._materialize(difference, company, today)
        earliest = min(self._first_classified_day() or today, today)
        if self.kind in COMPANY_KINDS:
            self._delete_rows_of_today(today)
            reconstruct = self._reconstruct_sizes if self.kind == "size" else self._reconstruct_rfm
            if reconstruct(company, today):
                earliest = date.min if self.kind == "rfm" else earliest
                self._materialize(
                    self._difference(company, self._wanted(company, today)), company, today
                )
        self._apply_difference(company, today)
        self.env.cr.execute("DROP TABLE crm_kpi_segment_difference")
        self.env["crm.kpi.segment.member"].invalidate_model()
        return earliest

    def _materialize(self, difference, company, today):
        """Put the difference into a temporary table, with who is new to the set.

        New is who had no row before today; what was recorded today does not count, for it
        is being replaced.
        """
        if self.kind == "rfm":
            # today's class says how it ended; for the past see _reconstruct_rfm()
            newcomer = SQL("FALSE")
        elif self.kind in BACKDATED_KINDS or not self.date_previous:
            newcomer = SQL("TRUE")
        else:
            # A customer that an earlier update has seen was in no segment then.
            newcomer = SQL(
                "EXISTS (SELECT 1 FROM res_partner n WHERE n.id = x.partner_id"
                " AND n.create_date >= %s)",
                utc_midnight(self.date_previous, self._reference_company()._kpi_tz()),
            )
        self.env.cr.execute("DROP TABLE IF EXISTS crm_kpi_segment_difference")
        self.env.cr.execute(
            SQL(
                """CREATE TEMPORARY TABLE crm_kpi_segment_difference ON COMMIT DROP AS
                   SELECT x.*, e.partner_id IS NULL AND %s AS is_first
                     FROM (%s) x
                LEFT JOIN (SELECT DISTINCT partner_id FROM crm_kpi_segment_member
                            WHERE set_id = %s AND company_id %s AND date_recorded < %s) e
                       ON e.partner_id = x.partner_id""",
                newcomer,
                difference,
                self.id,
                SQL("= %s", company.id) if company else SQL("IS NULL"),
                today,
            )
        )
        self.env.cr.execute("ANALYZE crm_kpi_segment_difference")

    def _first_classified_day(self):
        """Earliest record of customers whose past gets a segment by this update."""
        return self._first_fact_day(
            SQL(
                """SELECT c.id FROM crm_kpi_segment_difference x
                     JOIN res_partner c ON c.commercial_partner_id = x.partner_id
                    WHERE x.segment_id IS NOT NULL AND x.is_first"""
            )
        )

    def _reconstruct_sizes(self, company, today):
        """Sizes of the past from the orders, month by month, for customers not yet recorded.

        :return: number of rows made
        """
        tz = company._kpi_tz()
        month = today.replace(day=1)
        self.env.cr.execute(
            SQL(
                """
                WITH monthly AS (
                    SELECT c.commercial_partner_id AS partner_id,
                           date_trunc('month', o.date_order AT TIME ZONE 'UTC'
                                               AT TIME ZONE %(tz)s)::date AS month,
                           SUM(%(amount)s) AS amount
                      FROM sale_order o
                      JOIN res_partner c ON c.id = o.partner_id
                      JOIN crm_kpi_segment_difference x
                        ON x.partner_id = c.commercial_partner_id
                       AND x.segment_id IS NOT NULL AND x.is_first
                     WHERE %(qualifying)s AND o.company_id = %(company)s
                       AND o.date_order < %(until)s
                     GROUP BY 1, 2),
                grid AS (
                    SELECT f.partner_id, g.month::date AS month
                      FROM (SELECT partner_id, MIN(month) AS first
                              FROM monthly GROUP BY partner_id) f
                CROSS JOIN generate_series(f.first::timestamp, %(month)s::timestamp,
                                           interval '1 month') AS g(month)),
                size AS (
                    SELECT g.partner_id, g.month,
                           COALESCE(ROUND(SUM(m.amount) OVER (
                               PARTITION BY g.partner_id ORDER BY g.month
                               ROWS BETWEEN 12 PRECEDING AND 1 PRECEDING), 6), 0) AS amount
                      FROM grid g LEFT JOIN monthly m USING (partner_id, month)),
                banded AS (
                    SELECT z.partner_id, z.month, b.id AS segment_id,
                           LAG(b.id) OVER w AS previous, ROW_NUMBER() OVER w AS number
                      FROM size z
                 LEFT JOIN (%(bands)s) b ON z.amount >= b.lower
                       AND (b.upper IS NULL OR z.amount < b.upper)
                    WINDOW w AS (PARTITION BY z.partner_id ORDER BY z.month)),
                steps AS (
                    SELECT segment_id, partner_id,
                           CASE WHEN number > 1 THEN month END AS date_from,
                           LEAD(month) OVER (PARTITION BY partner_id ORDER BY month) AS date_to
                      FROM banded
                     WHERE number = 1 OR segment_id IS DISTINCT FROM previous)
                INSERT INTO crm_kpi_segment_member
                       (set_id, segment_id, partner_id, company_id, slot,
                        date_from, date_to, date_recorded)
                SELECT %(set)s, segment_id, partner_id, %(company)s, 0,
                       date_from, date_to, COALESCE(date_from, %(yesterday)s)
                  FROM steps WHERE segment_id IS NOT NULL
                """,
                tz=tz,
                amount=self._company_amount("o"),
                qualifying=self._qualifying("o"),
                company=company.id,
                until=utc_midnight(month, tz),
                set=self.id,
                month=month,
                bands=self._bands(),
                yesterday=fields.Date.subtract(today, days=1),
            )
        )
        return self.env.cr.rowcount

    def _reconstruct_rfm(self, company, today):
        """Classes of the past from the orders, month by month, when a company is new to the set.

        What a customer is today says how it ended, so it must not hold for the past.

        :return: number of rows made
        """
        if self.env.execute_query(
            SQL(
                "SELECT 1 FROM crm_kpi_segment_member WHERE set_id = %s AND company_id = %s LIMIT 1",
                self.id,
                company.id,
            )
        ):
            return 0
        tz = company._kpi_tz()
        month = today.replace(day=1)
        months = SQL("ROWS BETWEEN %s PRECEDING AND 1 PRECEDING", RFM_MONTHS)
        facts = SQL(
            """
            WITH monthly AS (
                SELECT c.commercial_partner_id AS partner_id,
                       date_trunc('month', d.at)::date AS month,
                       MAX(d.at::date) AS last_day, COUNT(DISTINCT d.at::date) AS days,
                       SUM(%(amount)s) AS amount, COUNT(*) AS orders,
                       MAX(o.date_order) AS last_order
                  FROM sale_order o
                  JOIN res_partner c ON c.id = o.partner_id
            CROSS JOIN LATERAL (SELECT o.date_order AT TIME ZONE 'UTC'
                                       AT TIME ZONE %(tz)s AS at) d
                 WHERE %(qualifying)s AND o.company_id = %(company)s
                   AND o.date_order < %(until)s
                   AND c.commercial_partner_id IN (SELECT id FROM (%(customers)s) AS customer)
                 GROUP BY 1, 2),
            grid AS (
                SELECT f.partner_id, g.month::date AS month
                  FROM (SELECT partner_id, MIN(month) AS first
                          FROM monthly GROUP BY partner_id) f
            CROSS JOIN generate_series(f.first::timestamp, %(month)s::timestamp,
                                       interval '1 month') AS g(month))
            SELECT g.month AS moment, g.partner_id,
                   MAX(m.last_day) OVER lately AS last_day,
                   SUM(m.days) OVER lately AS days,
                   SUM(m.amount) OVER lately AS amount,
                   SUM(m.orders) OVER ever AS orders,
                   MAX(m.last_order) OVER ever + make_interval(days => %(window)s)
                       < g.month::timestamp AT TIME ZONE %(tz)s AT TIME ZONE 'UTC' AS churned
              FROM grid g LEFT JOIN monthly m USING (partner_id, month)
            WINDOW lately AS (PARTITION BY g.partner_id ORDER BY g.month %(months)s),
                   ever AS (PARTITION BY g.partner_id ORDER BY g.month
                            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
            """,
            tz=tz,
            amount=self._company_amount("o"),
            qualifying=self._qualifying("o"),
            company=company.id,
            until=utc_midnight(month, tz),
            customers=self._customers(),
            month=month,
            months=months,
            window=company.kpi_inactivity_days,
        )
        self.env.cr.execute(
            SQL(
                """
                WITH classed AS (
                    SELECT r.moment, r.partner_id, s.id AS segment_id,
                           LAG(s.id) OVER w AS previous, ROW_NUMBER() OVER w AS number
                      FROM (%(rfm)s) AS r
                 LEFT JOIN crm_kpi_segment s ON s.rfm_class = r.rfm_class
                       AND s.set_id = %(set)s AND s.active AND s.is_unknown IS NOT TRUE
                    WINDOW w AS (PARTITION BY r.partner_id ORDER BY r.moment)),
                steps AS (
                    SELECT segment_id, partner_id, moment AS date_from,
                           LEAD(moment) OVER (PARTITION BY partner_id ORDER BY moment) AS date_to
                      FROM classed
                     WHERE number = 1 OR segment_id IS DISTINCT FROM previous)
                INSERT INTO crm_kpi_segment_member
                       (set_id, segment_id, partner_id, company_id, slot,
                        date_from, date_to, date_recorded)
                SELECT %(set)s, segment_id, partner_id, %(company)s, 0,
                       date_from, date_to, date_from
                  FROM steps WHERE segment_id IS NOT NULL AND date_from < %(today)s
                """,
                rfm=self.env["crm.kpi.customer"]._kpi_rfm_sql(facts),
                set=self.id,
                company=company.id,
                today=today,
            )
        )
        return self.env.cr.rowcount

    def _delete_rows_of_today(self, today):
        """What began today ends without a trace: it would have lasted no day."""
        self.env.cr.execute(
            SQL(
                """DELETE FROM crm_kpi_segment_member m
                    USING crm_kpi_segment_difference x
                    WHERE m.id = x.member_id AND x.date_recorded >= %(today)s
                      AND (x.date_from IS NULL OR x.date_from >= %(today)s)""",
                today=today,
            )
        )

    def _apply_difference(self, company, today):
        cr = self.env.cr
        self._delete_rows_of_today(today)
        # Older rows end today.
        cr.execute(
            SQL(
                """UPDATE crm_kpi_segment_member m SET date_to = %s
                     FROM crm_kpi_segment_difference x WHERE m.id = x.member_id""",
                today,
            )
        )
        # Back to what it was this morning: the row that ended today goes on.
        cr.execute(
            SQL(
                """WITH reopened AS (
                       UPDATE crm_kpi_segment_member m SET date_to = NULL
                         FROM crm_kpi_segment_difference x
                        WHERE m.set_id = %s AND m.partner_id = x.partner_id AND m.slot = x.slot
                          AND m.segment_id = x.segment_id AND m.company_id %s
                          AND m.date_to = %s AND m.id IS DISTINCT FROM x.member_id
                    RETURNING m.partner_id, m.slot)
                   DELETE FROM crm_kpi_segment_difference x USING reopened r
                    WHERE x.partner_id = r.partner_id AND x.slot = r.slot""",
                self.id,
                SQL("= %s", company.id) if company else SQL("IS NULL"),
                today,
            )
        )
        # The rest begins today, or held ever since for those new to the set.
        cr.execute(
            SQL(
                """INSERT INTO crm_kpi_segment_member
                          (set_id, segment_id, partner_id, company_id, slot,
                           date_from, date_recorded)
                   SELECT %(set)s, x.segment_id, x.partner_id, %(company)s, x.slot,
                          CASE WHEN NOT x.is_first THEN %(today)s::date END, %(today)s
                     FROM crm_kpi_segment_difference x
                    WHERE x.segment_id IS NOT NULL
                ON CONFLICT DO NOTHING""",
                set=self.id,
                company=company.id or None,
                today=today,
            )
        )
