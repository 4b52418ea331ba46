# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import ast
from datetime import datetime, time, timedelta
from itertools import accumulate

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from ...engine import periods as calendar
from ...engine import scan

#: Values that the engine knows for every fact, beside the fields of the record.
PSEUDO_FIELDS = ("@customer", "@age_days", "@age_hours")

_PATHS = {
    "date_field": ("date", "datetime"),
    "date_end_field": ("date", "datetime"),
    "user_field": "res.users",
    "team_field": "crm.team",
    "company_field": "res.company",
    "partner_field": "res.partner",
    "segment_field": "crm.kpi.segment",
    "country_field": "res.country",
}
#: A change of one of these is a new version of the definition of the source's KPIs.
DEFINING = {
    "model_id", "kind", "domain", "rebuildable", "base_source_ids", "trailing_months",
    "unassigned", *_PATHS,
}  # fmt: skip


class CrmKpiSource(models.Model):
    """How the records of one model become facts that KPIs are computed from.

    An *event* falls into the period of its date. A *snapshot* takes the records that are
    open at the end of the period (now, in a running one). A *cohort* reads a model that
    already yields one row per customer and period.
    """

    _name = "crm.kpi.source"
    _description = "KPI Source"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(required=True, copy=False)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    kind = fields.Selection(
        [
            ("event", "Event: in the period of its date"),
            ("snapshot", "Snapshot: open at the end of the period"),
            ("cohort", "Cohort: one row per customer and period"),
        ],
        required=True,
        default="event",
    )
    model_id = fields.Many2one("ir.model", required=True, ondelete="cascade")
    model = fields.Char(related="model_id.model", string="Model name")
    domain = fields.Char("Filter", default="[]", help="Records that are facts at all.")
    date_field = fields.Char(
        "Date",
        help="Date of the event, or since when a record is open (path of fields). Cohort: day at "
        "which the segment of the customer is looked up, by default the first of the period.",
    )
    date_end_field = fields.Char(
        "End date",
        help="Snapshot: until when a record is open, empty while it is. Event: the record "
        "spans days and counts in the periods that contain all of them.",
    )
    user_field = fields.Char("Salesperson", help="Path to the user who gets the credit.")
    team_field = fields.Char("Sales Team")
    company_field = fields.Char(
        "Company",
        default="company_id",
        help="Path to the company; several, separated by commas: the first that is set.",
    )
    partner_field = fields.Char(
        "Customer", help="Path to a contact; the company it belongs to is the customer."
    )
    segment_field = fields.Char("Segment", help="Path to a segment that replaces the customer's.")
    country_field = fields.Char(
        "Country", help="Path to the country, for records that have no customer yet."
    )
    unassigned = fields.Boolean(
        "Unassigned row",
        default=True,
        help="What names no salesperson or no team has a row of its own, so that the rows add up "
        "to the total. Off: it belongs to the company alone, as overheads do.",
    )
    rebuildable = fields.Boolean(
        help="Snapshot: the past can be computed from the two dates. Otherwise only running "
        "periods are computed and keep their last value."
    )
    trailing_months = fields.Integer(
        help="Event: a record counts in every period that ends within so many months after it, "
        "as in 'revenue of the last twelve months'. 0: only in the period of its date.",
    )
    base_source_ids = fields.Many2many(
        "crm.kpi.source",
        "crm_kpi_source_base_rel",
        "source_id",
        "base_source_id",
        "Events behind it",
        domain="[('kind', '=', 'event')]",
        help="Cohort: the sources whose records make the history; they tell when to recompute.",
    )
    note = fields.Text(translate=True)
    kpi_ids = fields.One2many("crm.kpi", "source_id", "KPIs")

    _code_uniq = models.Constraint("UNIQUE(code)", "A source with this code exists already.")

    # --- CHECKS ---

    @api.constrains("kind", "trailing_months", "date_end_field")
    def _check_trailing_months(self):
        for source in self.filtered("trailing_months"):
            if source.trailing_months < 0:
                raise ValidationError(
                    self.env._("Trailing months: enter 0 or more, not %s.", source.trailing_months)
                )
            if source.kind != "event" or source.date_end_field:
                raise ValidationError(
                    self.env._(
                        "Trailing months: only events at one date can count in later periods, "
                        "too. Enter 0, or choose the kind Event without an end date."
                    )
                )

    @api.constrains("kind", "base_source_ids")
    def _check_base_sources(self):
        for source in self:
            if wrong := source.base_source_ids.filtered(lambda base: base.kind != "event"):
                raise ValidationError(
                    self.env._(
                        "Events behind it: %s is not a source of events. Choose sources of the "
                        "kind Event.",
                        ", ".join(wrong.mapped("name")),
                    )
                )

    @api.constrains("model_id", "kind", "domain", *_PATHS)
    def _check_definition(self):
        labels = {name: self._fields[name]._description_string(self.env) for name in _PATHS}
        for source in self:
            model = self.env.get(source.model)
            if model is None or model._abstract or model._transient:
                raise ValidationError(
                    self.env._("Model: %s has no stored records. Choose another.", source.model)
                )
            if source.kind == "cohort":
                if "period_id" not in model._fields:
                    raise ValidationError(
                        self.env._(
                            "Kind: a cohort needs a model with a period per row; %s has none. "
                            "Choose Event or Snapshot.",
                            source.model,
                        )
                    )
            elif not source.date_field:
                raise ValidationError(
                    self.env._("Date: choose the date field that places a record in time.")
                )
            for name, expected in _PATHS.items():
                for path in source._paths(name):
                    source._check_path(labels[name], path, expected)
                    source._check_readable(path)
            source._check_domain(self.env._("Filter"), source.domain)

    def _check_path(self, label, path, expected):
        """Refuse a path that does not lead to a field of the expected type or model."""
        field = self._path_field(path, label)
        if isinstance(expected, tuple):
            fits = field.type in expected
        else:
            fits = field.type == "many2one" and field.comodel_name == expected
        if not fits:
            raise ValidationError(
                self.env._(
                    "%(label)s: %(path)s is a field of type %(type)s. Choose a field that leads "
                    "to %(expected)s.",
                    label=label,
                    path=path,
                    type=field.type,
                    expected=" / ".join(expected) if isinstance(expected, tuple) else expected,
                )
            )

    def _path_field(self, path, label):
        """The field at the end of a path of many2one fields; all of it must be in the database."""
        model = self.env[self.model]
        names = path.split(".")
        for index, name in enumerate(names):
            field = model._fields.get(name)
            if field is None:
                raise ValidationError(
                    self.env._(
                        "%(label)s: %(model)s has no field %(name)s. Choose an existing field.",
                        label=label,
                        model=model._description,
                        name=name,
                    )
                )
            if not (field.store or field.related) or (not field.column_type and not field.related):
                raise ValidationError(
                    self.env._(
                        "%(label)s: %(name)s is not stored in the database. Choose a stored field.",
                        label=label,
                        name=name,
                    )
                )
            if index < len(names) - 1:
                if field.type != "many2one":
                    raise ValidationError(
                        self.env._(
                            "%(label)s: %(path)s goes through %(name)s, which is not a link to "
                            "one record. Choose another path.",
                            label=label,
                            path=path,
                            name=name,
                        )
                    )
                model = self.env[field.comodel_name]
        return field

    def _check_readable(self, path):
        """Refuse a path through what the user who defines it may not read.

        Values are computed as superuser: a definition must not answer questions that its
        author may not ask. Constraints run as superuser, hence ``sudo(False)``.
        """
        model = self.env[self.model].sudo(False)
        for name in path.split("."):
            model.check_access("read")
            field = model._fields[name]
            model._check_field_access(field, "read")
            if field.comodel_name:
                model = model.env[field.comodel_name]

    def _check_domain(self, label, text):
        """Refuse a filter that cannot be used on the source's model, or not by this user."""
        try:
            # under the user's own rights on models and fields; nothing is queried
            model = self.env[self.model].sudo(False).with_context(active_test=False)
            model._search(self._parse_domain(text))
        except (ValueError, SyntaxError, TypeError, KeyError, AttributeError) as error:
            raise ValidationError(
                self.env._(
                    "%(label)s: %(text)s cannot be used on %(model)s (%(error)s). Build it with "
                    "the filter editor, with plain values or relative dates such as 'today -1m'.",
                    label=label,
                    text=text,
                    model=self.env[self.model]._description,
                    error=error,
                )
            ) from error

    @staticmethod
    def _parse_domain(text):
        return Domain(ast.literal_eval((text or "[]").strip()))

    def _paths(self, name):
        return [path.strip() for path in (self[name] or "").split(",") if path.strip()]

    @property
    def _grows(self):
        """Whether counts of a running period grow from nothing as its days go by."""
        return self.kind == "event" and not self.trailing_months

    # --- CRUD ---

    def write(self, vals):
        names = sorted(DEFINING & vals.keys())
        before = {source: [source[name] for name in names] for source in self}
        result = super().write(vals)
        changed = self.filtered(lambda source: before[source] != [source[n] for n in names])
        changed.with_context(active_test=False).kpi_ids._note_new_version()
        return result

    # --- SQL OF THE FACTS ---

    def _facts_model(self, company, period_ids=()):
        """The source's model as the engine reads it: everything, in the company's days.

        Superuser, because values are computed for everybody and *read* under record rules.
        """
        return (
            self.env[self.model]
            .sudo()
            .with_company(company)
            .with_context(
                active_test=False,
                lang=None,
                tz=company._kpi_tz(),
                crm_kpi_period_ids=list(period_ids),
            )
        )

    @staticmethod
    def _path_sql(model, path, query):
        """SQL of the field at the end of a path, joining what lies on the way."""
        alias = model._table
        *links, last = path.split(".")
        for link in links:
            field = model._fields[link]
            if field.related and not field.store:
                model, field, alias = model._traverse_related_sql(alias, field, query)
            model, alias = field.join(model, alias, query)
        return model._field_to_sql(alias, last, query)

    def _coalesce_sql(self, model, name, query):
        parts = [self._path_sql(model, path, query) for path in self._paths(name)]
        if not parts:
            return SQL("NULL::int4")
        return parts[0] if len(parts) == 1 else SQL("COALESCE(%s)", SQL(", ").join(parts))

    def _search_facts(self, company, period_ids=()):
        """The source's model and the query of its records, of whatever company and time."""
        model = self._facts_model(company, period_ids)
        query = model._search(self._parse_domain(self.domain), bypass_access=True)
        if query.is_empty():
            query = model._search(Domain.TRUE, bypass_access=True)
            query.add_where("FALSE")
        return model, query

    def _query(self, company, periods, now):
        """Query of the facts and the :class:`~..engine.scan.Plan` made of it, without KPIs."""
        self.ensure_one()
        tz = company._kpi_tz()
        model, query = self._search_facts(company, periods.ids)
        owner = self._coalesce_sql(model, "company_field", query)
        if self._paths("company_field"):
            # in a database of one company a record that names none can only be that one's
            # superuser: a number only, of companies the reader may not see as well
            if self.env["res.company"].sudo().search_count([], limit=2) == 1:
                owner = SQL("COALESCE(%s, %s)", owner, company.id)
            query.add_where(SQL("%s = %s", owner, company.id))
        paths = self._paths("partner_field")
        partner = None  # no customers: no rows of segments either
        if paths:
            partner = SQL(
                "COALESCE(%s)",
                SQL(", ").join(
                    self._path_sql(model, self._customer_path(path), query) for path in paths
                ),
            )
        join, day = self._period_join(model, query, periods, now, tz)
        plan = scan.Plan(
            from_clause=SQL(),
            where_clause=SQL(),
            record_id=partner if self._opens_customers() else SQL.identifier(model._table, "id"),
            period_join=join,
            user=self._coalesce_sql(model, "user_field", query),
            team=self._coalesce_sql(model, "team_field", query),
            partner=partner,
            day=day,
            segment=self._coalesce_sql(model, "segment_field", query)
            if self.segment_field
            else None,
            country=self._coalesce_sql(model, "country_field", query)
            if self.country_field
            else None,
            unassigned=self.unassigned,
        )
        return model, query, plan

    def _customer_path(self, path):
        # the rows of a cohort are customers already
        known = self.kind == "cohort" or path.endswith("commercial_partner_id")
        return path if known else f"{path}.commercial_partner_id"

    def _opens_customers(self):
        return self.kind == "cohort" and bool(self.partner_field)

    def _period_join(self, model, query, periods, now, tz):
        """SQL that joins the periods to the records, and the local day for the segment."""
        rows = []
        for period in periods:
            at = min(period.utc_to, now)
            day = calendar.local_day(at - timedelta(microseconds=1), tz)
            rows.append((period.id, period.date_from, period.date_to, at, day))
        if self.kind == "cohort":
            own = SQL.identifier(model._table, "period_id")
            day = SQL("p.date_from")
            if self.date_field:
                day = self._path_sql(model, self.date_field, query)
            return scan.values_join(rows, SQL("%s = p.period_id", own)), day
        start = self._path_sql(model, self.date_field, query)
        dated = self._path_field(self.date_field, "").type == "date"
        end = None
        if self.date_end_field:
            end = self._path_sql(model, self.date_end_field, query)
        if self.kind == "snapshot":
            if not self.rebuildable:
                return scan.values_join(rows, SQL("TRUE")), SQL("p.day")
            point = SQL("p.day + 1") if dated else SQL("p.at")
            condition = SQL("%s < %s", start, point)
            if end:
                condition = SQL("%s AND (%s IS NULL OR %s >= %s)", condition, end, end, point)
            return scan.values_join(rows, condition), SQL("p.day")
        if end:
            condition = SQL("%s >= p.date_from AND %s <= p.date_to", start, end)
            return scan.values_join(rows, condition), SQL("p.date_from")
        windows = self._windows(periods, now, tz, dated)
        tracks = calendar.tracks(windows)
        query.add_where(
            SQL(
                "%(at)s >= %(first)s AND %(at)s < %(last)s",
                at=start,
                first=min(first for first, _last, _id in windows),
                last=max(last for _first, last, _id in windows),
            )
        )
        if dated:
            return scan.instants_join(start, tracks, "date"), start
        day = SQL("((%s AT TIME ZONE 'UTC') AT TIME ZONE %s)::date", start, tz)
        return scan.instants_join(start, tracks, "timestamp"), day

    def _windows(self, periods, now, tz, dated):
        """``(start, end, period id)`` of the time whose events count in each period, half-open."""
        if not self.trailing_months:
            first, last = ("date_from", "date_to") if dated else ("utc_from", "utc_to")
            return [(p[first], p[last], p.id) for p in periods]
        windows = []
        for period in periods:
            end, day = period.utc_to, period.date_to
            if now < end:
                end, day = now, calendar.local_day(now, tz)
            since = calendar.shift("month", day, -self.trailing_months)
            if dated:
                # a record of today has happened, though the day is not over
                last = calendar.local_day(end - timedelta(microseconds=1), tz)
                windows.append((since, last + timedelta(days=1), period.id))
            else:
                windows.append((calendar.utc_midnight(since, tz), end, period.id))
        return windows

    def _plan(self, company, periods, now, kpis, cross_levels=()):
        """Plan of the scan for some KPIs of this source.

        :param cross_levels: ids of KPIs that need the crossed levels
        :return: ``(plan, errors)``; ``errors`` maps KPIs that cannot be compiled to a text
        """
        model, query, plan = self._query(company, periods, now)
        errors = {}
        for kpi in kpis:
            try:
                plan.columns.append(
                    scan.Column(
                        kpi.id,
                        self._condition_sql(model, query, kpi, now),
                        self._value_sql(model, query, plan, kpi, company),
                        kpi.aggregator,
                        cross_levels=kpi.id in cross_levels,
                    )
                )
            except (ValueError, SyntaxError, TypeError, KeyError, AttributeError) as error:
                errors[kpi] = str(error)
        # only now are all joins known
        plan.from_clause = query.from_clause
        plan.where_clause = query.where_clause
        return plan, errors

    def _condition_sql(self, model, query, kpi, now, mature=True):
        """SQL of the KPI's filter; ``mature=False``: of records that are too young, as well."""
        domain = self._parse_domain(kpi.domain)
        if kpi.kind == "manual":
            domain &= Domain("kpi_id", "=", kpi.id)
        domain = domain.optimize_full(model)
        condition = domain._to_sql(model, model._table, query)
        if mature and kpi.maturity_days and self.kind == "event":
            latest = now - timedelta(days=kpi.maturity_days)
            at = self._path_sql(model, self.date_field, query)
            condition = SQL("(%s) AND %s <= %s", condition, at, latest)
        return condition

    def _value_sql(self, model, query, plan, kpi, company):
        path = kpi.value_field
        if kpi.aggregator == "count":
            return None
        if path == "@customer":
            return plan.partner or SQL("NULL::int4")
        if path in ("@age_days", "@age_hours"):
            since = self._path_sql(model, self.date_field, query)
            seconds = 86400.0 if path == "@age_days" else 3600.0
            return SQL("EXTRACT(EPOCH FROM (p.at - %s)) / %s", since, seconds)
        field = self._path_field(path, self.env._("Value"))
        value = self._path_sql(model, path, query)
        if field.type == "monetary":
            return self._in_company_currency(model, query, path, field, value, company)
        if field.type == "boolean":
            return SQL("(%s)::int", value)
        return value

    def _in_company_currency(self, model, query, path, field, value, company):
        """The amount at the rate of the record's own date, as ``res.currency`` has it.

        The rows of a cohort are made for the company, in its currency.
        """
        if self.kind == "cohort":
            return value
        *links, _last = path.split(".")
        owner = model
        for link in links:
            owner = self.env[owner._fields[link].comodel_name]
        currency_name = field.get_currency_field(owner)
        currency_path = ".".join([*links, currency_name])
        try:
            currency = self._path_sql(model, currency_path, query)
        except ValueError:
            return value  # no currency in the database: company currency by construction
        if self.date_field:
            day = SQL("(%s)::date", self._path_sql(model, self.date_field, query))
        else:
            day = SQL("p.date_to")
        rate = """COALESCE(
            (SELECT r.rate FROM res_currency_rate r
              WHERE r.currency_id = %(currency)s AND r.name <= %(day)s
                AND (r.company_id IS NULL OR r.company_id = %(company)s)
              ORDER BY r.company_id, r.name DESC LIMIT 1),
            (SELECT r.rate FROM res_currency_rate r
              WHERE r.currency_id = %(currency)s
                AND (r.company_id IS NULL OR r.company_id = %(company)s)
              ORDER BY r.company_id, r.name LIMIT 1), 1.0)"""
        names = {"day": day, "company": company.root_id.id}
        return SQL(
            """CASE WHEN %(currency)s IS NULL OR %(currency)s = %(own)s THEN %(value)s
                    ELSE %(value)s / %(from_rate)s * %(to_rate)s END""",
            currency=currency,
            own=company.currency_id.id,
            value=value,
            from_rate=SQL(rate, currency=currency, **names),
            to_rate=SQL(rate, currency=SQL("%s", company.currency_id.id), **names),
        )

    # --- WHAT CHANGED ---

    def _fingerprints(self, company, periods, now, counted=None):
        """Count and sum of the write dates of the facts' records, per period.

        :param counted: dict that keeps what was counted for one source for the next ones; what
            is written in the meantime is seen by the next refresh
        :return: dict of period id to a text; a changed, added, moved or deleted record
            changes it. Periods without records are missing.
        """
        self.ensure_one()
        if self.kind == "cohort":
            return self._history_fingerprints(
                company, periods, now, {} if counted is None else counted
            )
        model, query, plan = self._query(company, periods, now)
        if self.kind == "snapshot" and self.rebuildable and self.date_end_field:
            return self._open_fingerprints(model, query, company, periods, now)
        rows = self.env.execute_query(
            SQL(
                "SELECT p.period_id, count(*), sum(%s) FROM %s %s WHERE p.period_id IS NOT NULL"
                " AND %s GROUP BY p.period_id",
                self._stamp_sql(model),
                query.from_clause,
                plan.period_join,
                query.where_clause or SQL("TRUE"),
            )
        )
        return {period_id: f"{count}:{stamp}" for period_id, count, stamp in rows}

    def _open_fingerprints(self, model, query, company, periods, now):
        """Of a snapshot of the past: one look at each record, not one per record and period."""
        start = self._path_sql(model, self.date_field, query)
        end = self._path_sql(model, self.date_end_field, query)
        points = {period.id: min(period.utc_to, now) for period in periods}
        if self._path_field(self.date_field, "").type == "date":
            tz = company._kpi_tz()
            for period_id, at in points.items():
                day = calendar.local_day(at - timedelta(microseconds=1), tz)
                points[period_id] = datetime.combine(day + timedelta(days=1), time.min)
        bounds = sorted(set(points.values()))
        rows = self.env.execute_query(
            SQL(
                """SELECT opened, closed, count(*), sum(stamp)
                     FROM (SELECT width_bucket(%(start)s::timestamp, %(bounds)s) AS opened,
                                  CASE WHEN %(end)s IS NOT NULL THEN width_bucket(
                                       GREATEST(%(start)s, %(end)s)::timestamp, %(bounds)s)
                                  END AS closed,
                                  %(stamp)s AS stamp
                             FROM %(tables)s WHERE %(where)s AND %(start)s IS NOT NULL) AS t
                    GROUP BY opened, closed""",
                start=start,
                end=end,
                bounds=SQL("%s::timestamp[]", bounds),
                stamp=self._stamp_sql(model),
                tables=query.from_clause,
                where=query.where_clause or SQL("TRUE"),
            )
        )
        counts, stamps = [0] * (len(bounds) + 1), [0] * (len(bounds) + 1)
        for opened, closed, count, stamp in rows:
            counts[opened] += count
            stamps[opened] += stamp
            if closed is not None:
                counts[closed] -= count
                stamps[closed] -= stamp
        counts, stamps = list(accumulate(counts)), list(accumulate(stamps))
        index = {at: position for position, at in enumerate(bounds)}
        return {
            period_id: f"{counts[index[at]]}:{stamps[index[at]]}"
            for period_id, at in points.items()
        }

    def _history_fingerprints(self, company, periods, now, counted):
        """Of a cohort: of all events behind it until the end of the period."""
        ends = sorted({min(period.utc_to, now) for period in periods})
        parts = []
        for base in self.base_source_ids.sorted("id"):
            key = (base.id, *ends)
            if key not in counted:
                counted[key] = base._counted_until(company, ends)
            parts.append(counted[key])
        if not parts:
            return {}
        index = {end: position for position, end in enumerate(ends)}
        return {
            period.id: "/".join(part[index[min(period.utc_to, now)]] for part in parts)
            for period in periods
        }

    def _counted_until(self, company, ends):
        """Count and sum of the write dates of all events before each of some instants."""
        model, query = self._search_facts(company)
        if self._paths("company_field"):
            # those of no company too, whomever the cohort counts them for
            owner = self._coalesce_sql(model, "company_field", query)
            query.add_where(SQL("(%s IS NULL OR %s = %s)", owner, owner, company.id))
        at = self._path_sql(model, self.date_field, query)
        if self._path_field(self.date_field, "").type == "date":
            at = SQL("(%s)::timestamp AT TIME ZONE %s AT TIME ZONE 'UTC'", at, company._kpi_tz())
        rows = self.env.execute_query(
            SQL(
                "SELECT width_bucket((%s)::timestamp, %s::timestamp[]) AS bucket, count(*), sum(%s)"
                " FROM %s WHERE %s AND %s IS NOT NULL GROUP BY bucket",
                at,
                ends,
                self._stamp_sql(model),
                query.from_clause,
                query.where_clause or SQL("TRUE"),
                at,
            )
        )
        counts, stamps = [0] * (len(ends) + 1), [0] * (len(ends) + 1)
        for bucket, count, stamp in rows:
            counts[bucket], stamps[bucket] = count, stamp
        return [
            f"{count}:{stamp}"
            for count, stamp in zip(accumulate(counts), accumulate(stamps), strict=True)
        ]

    @staticmethod
    def _stamp_sql(model):
        table = SQL.identifier(model._table)
        if model._log_access and model._auto:
            stamp = SQL.identifier(model._table, "write_date")
            return SQL("(EXTRACT(EPOCH FROM %s) * 1000000)::bigint", stamp)
        return SQL("hashtextextended(%s::text, 0)", table)

    def _first_day(self, company, earliest):
        """Local day of the first event after the day ``earliest``, or ``None``."""
        self.ensure_one()
        if self.kind != "event" or self.model == "crm.kpi.entry" or not self.date_field:
            return None
        model = self._facts_model(company)
        query = model._search(self._parse_domain(self.domain), bypass_access=True)
        if query.is_empty():
            return None
        at = self._path_sql(model, self.date_field, query)
        # one slip of the pen must not hide the history of all others
        query.add_where(SQL("%s > %s", at, earliest))
        [[first]] = self.env.execute_query(query.select(SQL("min(%s)", at)))
        if not first:
            return None
        return calendar.local_day(first, company._kpi_tz()) if hasattr(first, "hour") else first

    @api.model
    def _mark_changed(self, model_name):
        """Have all values of a model's sources checked anew at the next refresh.

        For changes that the records' own write dates do not show, such as a lost reason
        that becomes a disqualification.
        """
        # superuser: sources and the bookkeeping of the refresh are not the changing user's to read
        sources = self.sudo().search([("model_id.model", "=", model_name)])
        computations = self.env["crm.kpi.computation"].sudo()
        computations.search([("kpi_id.source_id", "in", sources.ids)]).write({"fingerprint": False})

    # --- DRILL DOWN ---

    def _record_ids(self, kpi, period, cell, limit=None):
        """Ids of exactly the records that a cell counts.

        :param cell: dict with ``level``, ``team_id``, ``user_id``, ``segment_id`` (ids)
        :return: list of ids of :meth:`_record_model`, newest first
        """
        self.ensure_one()
        company = period.company_id
        plan, errors = self._plan(company, period, fields.Datetime.now(), kpi)
        if errors:
            raise ValidationError(errors[kpi])
        table, where = self._cell_sql(plan, cell, company)
        where.append(SQL("f0"))
        if kpi.aggregator == "sum_known":
            where.append(SQL("v0 <> 0"))
        elif plan.columns[0].value is not None and kpi.aggregator not in ("count", "sum"):
            where.append(SQL("v0 IS NOT NULL"))
        rows = self.env.execute_query(
            SQL(
                "WITH facts AS (%s) SELECT DISTINCT record_id FROM %s WHERE %s"
                " ORDER BY record_id DESC %s",
                plan.facts(),
                table,
                SQL(" AND ").join(where),
                SQL("LIMIT %s", limit) if limit else SQL(),
            )
        )
        return [record_id for (record_id,) in rows if record_id]

    def _reasons(self, kpi, period, cell, now):
        """Count the records that are dated in a period by why they are (not) in a number.

        :return: dict with ``included``, and as far as there are any ``others`` (of other people
            or segments), ``source`` (not of the kind that the source is about), ``filter`` (of
            the KPI), ``young`` (not mature), ``empty`` (no value to aggregate)
        """
        self.ensure_one()
        company = period.company_id
        everything = self.new({"domain": "[]"}, origin=self)
        model, query, plan = everything._query(company, period, now)
        domain = self._parse_domain(self.domain).optimize_full(model)
        value = self._value_sql(model, query, plan, kpi, company)
        if value is None or kpi.aggregator == "sum":
            value = SQL("1")
        plan.columns = [
            scan.Column(0, flag, None, "count")
            for flag in (
                domain._to_sql(model, model._table, query),
                self._condition_sql(model, query, kpi, now, mature=False),
                self._condition_sql(model, query, kpi, now),
                SQL("(%s) IS NOT NULL", value),
            )
        ]
        plan.from_clause, plan.where_clause = query.from_clause, query.where_clause
        table, where = self._cell_sql(plan, cell, company)
        rows = self.env.execute_query(
            SQL(
                """WITH facts AS MATERIALIZED (%s),
                        mine AS (SELECT DISTINCT record_id FROM %s WHERE %s)
                   SELECT CASE WHEN m.record_id IS NULL THEN 'others'
                               WHEN NOT f.f0 THEN 'source' WHEN NOT f.f1 THEN 'filter'
                               WHEN NOT f.f2 THEN 'young' WHEN NOT f.f3 THEN 'empty'
                               ELSE 'included' END, count(*)
                     FROM facts f LEFT JOIN mine m ON m.record_id = f.record_id
                    GROUP BY 1""",
                plan.facts(),
                table,
                SQL(" AND ").join([SQL("TRUE"), *where]),
            )
        )
        return {"included": 0, **dict(rows)}

    def _cell_sql(self, plan, cell, company):
        """``(table of the facts, conditions)`` that select those of a cell."""
        level, where = cell["level"], []
        table = SQL("facts AS f")
        if "segment" in level:
            segment = self.env["crm.kpi.segment"].browse(cell["segment_id"])
            sets = [(segment.set_id.id, segment.set_id.unknown_segment_id.id or None)]
            table = SQL("(%s) AS f", scan.segmented(plan, sets, company.id, SQL("f.record_id")))
            where.append(SQL("segment_id = %s", segment.id))
        where += [
            SQL("%s = %s", SQL.identifier(f"{name}_id"), cell[f"{name}_id"])
            if cell[f"{name}_id"]
            else SQL("%s IS NULL", SQL.identifier(f"{name}_id"))
            for name in ("team", "user")
            if name in level.split("_")
        ]
        return table, where

    def _record_model(self):
        """Name of the model whose records a reader opens behind a number."""
        return "res.partner" if self._opens_customers() else self.model

    @api.model
    def _sets_by_unknown(self, company):
        """``(set, unknown bucket)`` ids of the segment sets that the engine computes.

        Superuser: values are computed for all sets, whoever asks.
        """
        sets = (
            self.env["crm.kpi.segment.set"]
            .sudo()
            .search([("company_id", "in", [False, company.id])])
        )
        return [(s.id, s.unknown_segment_id.id) for s in sets if s.unknown_segment_id]
