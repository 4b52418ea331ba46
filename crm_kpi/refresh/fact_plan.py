# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The plan of the scan of a source: its facts, and the filters and values of KPIs in SQL."""

from datetime import timedelta

from odoo.fields import Domain
from odoo.tools import SQL

from ..engine.cells import Column
from ..engine.values import days_between
from .fact_periods import join_periods
from .fact_query import FactQuery
from .failures import told_to_reader


class FactPlan:
    """Compiles KPIs of a source for some periods of a company.

    :param domain: filter instead of the source's
    :param or_no_company: also the records that belong to no company
    :param in_pieces: facts in pieces of time instead of periods, where the source allows it
    :param changes: the source is a cohort that reads the rows of
        :class:`~.cohort_rows.ChangedRows`
    :param crossed: the :class:`~.scope.CrossedLevels` of the company; ``None``: no crossed levels
    """

    def __init__(
        self,
        source,
        company,
        periods,
        now,
        domain=None,
        or_no_company=False,
        in_pieces=False,
        changes=False,
        crossed=None,
    ):
        self.source = source
        self.company = company
        self.now = now
        self.crossed = crossed
        is_rebuilt = source.kind == "snapshot" and source.rebuildable
        self.facts = FactQuery(source, company, periods.ids, domain, with_history=is_rebuilt)
        self.facts.restrict_to_company(or_none=or_no_company)
        period_join = join_periods(self.facts, periods, now, in_pieces)
        source._restrict_facts(self.facts)
        self._plan = self.facts.plan(period_join)
        if crossed:
            self._plan.crossed_period_ids = crossed.period_ids
        if changes:
            self._plan.change = SQL.identifier(self.facts.table, "change")

    def add(self, kpi):
        """Compile a KPI, also one that is not saved.

        :raise Exception: where its filter or value cannot be used
        """
        column = Column(
            kpi._origin.id or 0,
            self.condition(kpi),
            self.value(kpi),
            kpi.aggregator,
            cross_levels=self.crossed is not None and kpi.id in self.crossed.kpi_ids,
        )
        self._plan.columns.append(column)

    def plan(self):
        """The :class:`~..engine.cells.Plan`, once all KPIs are added: all joins are known then."""
        self._plan.from_clause = self.facts.query.from_clause
        self._plan.where_clause = self.facts.query.where_clause
        return self._plan

    def condition(self, kpi, mature=True):
        """SQL of the KPI's filter; ``mature=False``: of records that are too young, as well."""
        label = self.source.env._("Filter of the KPI “%s”", kpi.name)
        domain = self.source._usable_domain(kpi.domain, label)
        if kpi.kind == "manual":
            domain &= Domain("kpi_id", "=", kpi._origin.id)
        condition = self.facts.condition(domain)
        if mature and kpi.maturity_days and self.source.kind == "event":
            latest = self.now - timedelta(days=kpi.maturity_days)
            at = self.facts.path(self.source.date_field)
            condition = SQL("(%s) AND %s <= %s", condition, at, latest)
        return condition

    def value(self, kpi):
        """SQL of the value that is aggregated; ``None`` where records are only counted."""
        path = kpi.value_field
        if kpi.aggregator == "count":
            return None
        if path == "@customer":
            return self._plan.partner or SQL("NULL::int4")
        if path in ("@age_days", "@age_hours"):
            since = self.facts.path(self.source.date_field)
            seconds = 86400.0 if path == "@age_days" else 3600.0
            return SQL("EXTRACT(EPOCH FROM (p.at - %s)) / %s", since, seconds)
        if dates := days_between(path):
            return self._days_between(*dates)
        field = self.source._path_field(path, self.source.env._("Value"))
        value = self.facts.path(path)
        if field.type == "monetary":
            return self._in_company_currency(path, field, value)
        if field.type == "boolean":
            return SQL("(%s)::int", value)
        return value

    def _days_between(self, start, end):
        """Days from one date to another: parts of days between two times, else local days."""
        label = self.source.env._("Value")
        kinds = [self.source._path_field(path, label).type for path in (start, end)]
        times = [self.facts.path(path) for path in (start, end)]
        if kinds == ["datetime", "datetime"]:
            return SQL("EXTRACT(EPOCH FROM (%s - %s)) / 86400.0", times[1], times[0])
        days = [
            SQL("((%s AT TIME ZONE 'UTC') AT TIME ZONE %s)::date", time, self.facts.timezone)
            if kind == "datetime"
            else time
            for kind, time in zip(kinds, times, strict=True)
        ]
        return SQL("(%s - %s)", days[1], days[0])

    def _in_company_currency(self, path, field, value):
        """The amount at the rate of the record's own date, as ``res.currency`` computes it.

        The rows of a cohort are made for the company, in its currency.
        """
        if self.source.kind == "cohort":
            return value
        *links, _last = path.split(".")
        owner = self.facts.model
        for link in links:
            owner = owner.env[owner._fields[link].comodel_name]
        currency_name = field.get_currency_field(owner)
        try:
            currency = self.facts.path(".".join([*links, currency_name]))
        except ValueError:
            return value  # the currency is not stored: it is the company's
        if self.source.date_field:
            day = SQL("(%s)::date", self.facts.path(self.source.date_field))
        else:
            day = SQL("p.date_to")
        own = SQL("%s", self.company.currency_id.id)
        return SQL(
            """CASE WHEN %(currency)s IS NULL OR %(currency)s = %(own)s THEN %(value)s
                    ELSE %(value)s / %(from_rate)s * %(to_rate)s END""",
            currency=currency,
            own=own,
            value=value,
            from_rate=self._rate(currency, day),
            to_rate=self._rate(own, day),
        )

    def _rate(self, currency, day):
        """Rate of a currency on a day: the last one before it, else the first one after it."""
        return SQL(
            """COALESCE(
            (SELECT r.rate FROM res_currency_rate r
              WHERE r.currency_id = %(currency)s AND r.name <= %(day)s
                AND (r.company_id IS NULL OR r.company_id = %(company)s)
              ORDER BY r.company_id, r.name DESC LIMIT 1),
            (SELECT r.rate FROM res_currency_rate r
              WHERE r.currency_id = %(currency)s
                AND (r.company_id IS NULL OR r.company_id = %(company)s)
              ORDER BY r.company_id, r.name LIMIT 1), 1.0)""",
            currency=currency,
            day=day,
            company=self.company.root_id.id,
        )


def plan_for_reader(source, company, periods, now, kpi, reader=None):
    """The :class:`~..engine.cells.Plan` of one KPI, to show what it counts.

    :param reader: environment; only of the records that its user may read
    :raise UserError: where its filter or value cannot be used
    """
    with told_to_reader(source.env):
        builder = FactPlan(source, company, periods, now)
        if reader is not None:
            builder.facts.restrict_to_reader(reader)
        builder.add(kpi)
    return builder.plan()
