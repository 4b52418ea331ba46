# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The records of a source as a query: tables, joins, filter, company."""

from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.query import Query

from ..engine.cells import Plan
from .cohort_rows import ROWS
from .past import history_model, states


class FactQuery:
    """The query of a source's records in a company, before KPIs and periods are added.

    Superuser: values are computed from all records, and *read* under record rules.

    :param company: days are those of its time zone
    :param period_ids: periods for which a model without table makes its rows
    :param domain: filter instead of the source's
    :param with_history: where the model keeps its history, each record once per state that it had
    :raise ValidationError: where a field of the source does not exist (any more)
    """

    def __init__(self, source, company, period_ids=(), domain=None, with_history=False):
        source._check_usable()
        if ROWS in source.env.context:
            source.env.context[ROWS].add(period_ids)
        self.source = source
        self.company = company
        self.timezone = company._kpi_tz()
        # superuser: values are computed for all users and read under record rules
        self.model = (
            source.env[source.model]
            .sudo()
            .with_company(company)
            .with_context(
                active_test=False,
                lang=None,
                tz=self.timezone,
                crm_kpi_period_ids=list(period_ids),
            )
        )
        domain = source._parse_domain(source.domain) if domain is None else domain
        self.has_history = with_history and history_model(self.model) is not None
        if self.has_history:
            self.query = Query(self.model.env, self.table, states(self.model))
            self.query.add_where(self.condition(domain))
        else:
            self.query = self.model._search(domain, bypass_access=True)
        self.is_empty = self.query.is_empty()
        if self.is_empty:
            # such a query has no tables that could be joined
            self.query = self.model._search(Domain.TRUE, bypass_access=True)
            self.query.add_where("FALSE")

    @property
    def where(self):
        return self.query.where_clause or SQL("TRUE")

    @property
    def table(self):
        return self.model._table

    def path(self, path):
        """SQL of the field at the end of a path, joining the models on the way."""
        model, alias = self.model, self.model._table
        *links, last = path.split(".")
        for link in links:
            field = model._fields[link]
            if field.related and not field.store:
                model, field, alias = model._traverse_related_sql(alias, field, self.query)
            model, alias = field.join(model, alias, self.query)
        return model._field_to_sql(alias, last, self.query)

    def first_of(self, name):
        """SQL of the first path of a field of the source that has a value."""
        parts = [self.path(path) for path in self.source._paths(name)]
        if not parts:
            return SQL("NULL::int4")
        return parts[0] if len(parts) == 1 else SQL("COALESCE(%s)", SQL(", ").join(parts))

    def is_date(self, name):
        """Whether a date field of the source holds days rather than instants."""
        return self.source._path_field(self.source[name], "").type == "date"

    def condition(self, domain):
        """SQL of a domain over the records.

        :raise ValueError: where a condition does not fit its field
        """
        try:
            return domain.optimize_full(self.model)._to_sql(self.model, self.table, self.query)
        except (TypeError, NotImplementedError) as error:
            raise ValueError(str(error)) from error

    def partner(self):
        """SQL of the customer: the company that a contact belongs to; ``None`` if there is none."""
        paths = self.source._paths("partner_field")
        if not paths:
            return None
        return SQL(
            "COALESCE(%s)", SQL(", ").join(self.path(self._customer_path(path)) for path in paths)
        )

    def _customer_path(self, path):
        # the rows of a cohort are customers already
        known = self.source.kind == "cohort" or path.endswith("commercial_partner_id")
        return path if known else f"{path}.commercial_partner_id"

    def owning_company(self):
        """SQL of the company that a record belongs to; ``None`` where the source has none.

        In a database with one company, records without a company are those of that company.
        """
        if not self.source._paths("company_field"):
            return None
        owner = self.first_of("company_field")
        # superuser: only the number of companies, which the reader may not all see
        if self.source.env["res.company"].sudo().search_count([], limit=2) == 1:
            owner = SQL("COALESCE(%s, %s)", owner, self.company.id)
        return owner

    def restrict_to_company(self, or_none=False):
        """Only records of the company.

        :param or_none: also those that belong to no company
        """
        owner = self.owning_company()
        if owner is None:
            return
        condition = SQL("%s = %s", owner, self.company.id)
        if or_none:
            condition = SQL("(%s OR %s IS NULL)", condition, owner)
        self.query.add_where(condition)

    def restrict_to_reader(self, env):
        """Only records that the user of an environment may read."""
        model = env[self.source.model].with_context(
            active_test=False, crm_kpi_period_ids=self.model.env.context["crm_kpi_period_ids"]
        )
        readable = model._search(Domain.TRUE)
        self.query.add_where(
            SQL("%s IN %s", SQL.identifier(self.table, "id"), readable.subselect())
        )

    def write_stamp(self):
        """SQL of a number that changes when a record is written."""
        if self.model._log_access and self.model._auto:
            write_date = SQL.identifier(self.table, "write_date")
            return SQL("(EXTRACT(EPOCH FROM %s) * 1000000)::bigint", write_date)
        return SQL("hashtextextended(%s::text, 0)", SQL.identifier(self.table))

    def plan(self, period_join):
        """The :class:`~..engine.cells.Plan` without KPIs; its tables are not complete yet."""
        source, partner = self.source, self.partner()
        opens_customers = source._opens_customers()
        return Plan(
            from_clause=SQL(),
            where_clause=SQL(),
            record_id=partner if opens_customers else SQL.identifier(self.table, "id"),
            period_join=period_join.join,
            user=self.first_of("user_field"),
            team=self.first_of("team_field"),
            partner=partner,
            day=period_join.day,
            ahead=period_join.ahead,
            pieces=period_join.pieces,
            segment=self.first_of("segment_field") if source.segment_field else None,
            country=self.first_of("country_field") if source.country_field else None,
            unassigned=source.unassigned,
        )
