# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""In which KPIs and periods one record counts, and why it does not count in others."""

from dataclasses import dataclass, field
from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.misc import format_date

from ..engine import periods as calendar
from ..refresh.fact_query import FactQuery
from ..refresh.records import reasons_of_record
from .condition_words import condition_words
from .explain import INCLUDED
from .filters import read_id


@dataclass
class KpiName:
    """A KPI, and the rates and other formulas that use it."""

    id: int
    name: str
    used_by: str = ""


@dataclass
class Group:
    """KPIs in which a record counts in the same period, or does not count for the same reason."""

    text: str
    kpis: list[KpiName] = field(default_factory=list)


@dataclass
class CountsIn:
    """All KPIs of the model of a record."""

    included: list[Group]
    excluded: list[Group]


def record_to_explain(env, model, record_id):
    """The record that a browser names.

    :param model: name of the model of a source
    :param record_id: id of the record
    :raise UserError: no KPI counts such records, or there is no such record
    """
    # superuser: whether there is a source of the model
    sources = env["crm.kpi.source"].sudo()
    if not isinstance(model, str) or not sources.search_count([("model_id.model", "=", model)]):
        raise UserError(env._("No KPI counts records of this kind."))
    record = env[model].browse(read_id(record_id) or ()).exists()
    if not record:
        raise UserError(env._("The record does not exist any more."))
    return record


def counts_in(record):
    """:class:`CountsIn` of a record, for the KPIs that its reader may read.

    A record is counted as the refresh counts it, in months; their quarters and years follow.
    """
    record.ensure_one()
    record.check_access("read")
    kpis = record.env["crm.kpi"].search(
        [
            ("state", "=", "published"),
            ("kind", "=", "aggregate"),
            # superuser: the sources of a model, whose records the reader may read
            ("source_id", "in", _sources(record).ids),
        ]
    )
    kpis = kpis.filtered(lambda kpi: kpi._has_figures())
    return _Record(record, kpis).counts_in()


def _sources(record):
    # superuser: users who read a record need no access to sources
    sources = record.env["crm.kpi.source"].sudo()
    return sources.search(
        [
            ("model_id.model", "=", record._name),
            ("kind", "!=", "cohort"),
            ("needs_approval", "=", False),
        ]
    )


class _Record:
    """One record, and the KPIs of its model."""

    def __init__(self, record, kpis):
        self.record = record
        self.env = record.env
        self.kpis = kpis
        self.now = fields.Datetime.now()
        self.included, self.excluded = {}, {}
        self.users = {}
        self.known = {}

    def counts_in(self):
        formulas = self.env["crm.kpi"].search(
            [("state", "=", "published"), ("kind", "=", "formula")]
        )
        for formula in formulas.filtered(lambda kpi: kpi._has_figures()):
            # superuser: components by id only
            for part in formula.sudo().component_ids.ids:
                self.users.setdefault(part, []).append(formula.name)
        # superuser: whether a record is counted does not depend on the reader, who may read both
        # the record and the KPIs
        for source, kpis in self.kpis.sudo().grouped("source_id").items():
            try:
                self._of_source(source, kpis)
            except UserError as error:
                self._add(self.excluded, str(error), kpis)
        return CountsIn([*self.included.values()], [*self.excluded.values()])

    def _add(self, groups, text, kpis):
        group = groups.setdefault(text, Group(text))
        for kpi in kpis:
            used_by = ", ".join(self.users.get(kpi.id, ()))
            group.kpis.append(KpiName(kpi.id, kpi.with_env(self.env).name, used_by))

    def _of_source(self, source, kpis):
        date, company = self._dated(source)
        kpis = kpis.filtered(lambda kpi: kpi.company_id.id in (False, company.id))
        if words := self._failing(source, source.domain, company):
            self._add(self.excluded, words, kpis)
            return
        at_present = source.kind == "snapshot" or bool(source.trailing_months)
        if not date:
            label = source._path_field(source.date_field, "")._description_string(self.env)
            self._add(self.excluded, self.env._("%s is empty", label), kpis)
            return
        day = calendar.local_day(self.now, company._kpi_tz()) if at_present else date
        # superuser: as the refresh finds the period of the record
        period = self.env["crm.kpi.period"].sudo().search(
            [
                ("company_id", "=", company.id),
                ("kind", "=", "month"),
                ("date_from", "<=", day),
                ("date_to", ">", day),
            ],
            limit=1,
        )  # fmt: skip
        if not period:
            text = self.env._(
                "No KPIs are computed for %s", format_date(self.env, day, date_format="medium")
            )
            self._add(self.excluded, text, kpis)
            return
        reasons = reasons_of_record(source, kpis, period, self.now, self.record.id)
        for kpi in kpis:
            reason = reasons.get(kpi.id)
            if reason in INCLUDED:
                self._add(self.included, self._period_text(source, period, reason), kpi)
            else:
                self._add(self.excluded, self._excluded_text(kpi, reason, date, company), kpi)

    def _dated(self, source):
        """Local day of the record, and the company in which it counts."""
        facts = FactQuery(source, self.env.company, domain=Domain("id", "=", self.record.id))
        owner = facts.owning_company()
        query = SQL(
            "SELECT %s, %s FROM %s WHERE %s",
            facts.path(source.date_field),
            owner or SQL("NULL::int4"),
            facts.query.from_clause,
            facts.query.where_clause,
        )
        [(date, company_id)] = self.env.execute_query(query)
        # superuser: only the settings by which the record is counted
        company = self.env["res.company"].sudo().browse(company_id) or self.env.company
        if date and not facts.is_date("date_field"):
            date = calendar.local_day(date, company._kpi_tz())
        return date, company

    def _period_text(self, source, period, reason):
        if source.trailing_months:
            text = self.env._("now, for the last %s months", source.trailing_months)
        elif source.kind == "snapshot":
            text = self.env._("now")
        else:
            text = period.with_env(self.env).display_name
        if reason == "cancelled":
            text = self.env._("%s, with 0, because all orders were cancelled", text)
        return text

    def _excluded_text(self, kpi, reason, date, company):
        env, source = self.env, kpi.source_id
        match reason:
            case "filter":
                return self._failing(source, kpi.domain, company) or env._("Outside of the filter")
            case "young":
                day = date + timedelta(days=kpi.maturity_days)
                return env._(
                    "It is not mature before %s", format_date(env, day, date_format="medium")
                )
            case "empty":
                return env._("It has no value to compute from")
            case "no_company":
                return env._("It belongs to no company, team or salesperson of a company")
        if source.trailing_months:
            return env._("Its date is not within the last %s months", source.trailing_months)
        return env._("It is not open now")

    def _failing(self, source, text, company):
        """The conditions of a filter that the record does not satisfy, in words."""
        domain = source._usable_domain(text, "")
        children = domain.children if getattr(domain, "OPERATOR", "") == "&" else (domain,)
        texts = []
        for child in children:
            key = repr(child)
            if key not in self.known:
                self.known[key] = self._condition_text(source, child, company)
            if self.known[key]:
                texts.append(self.known[key])
        return "; ".join(texts)

    def _condition_text(self, source, condition, company):
        """A condition in words; empty where the record satisfies it."""
        # superuser, as when values are computed
        model = self.record.sudo().with_company(company).with_context(
            active_test=False, lang=None, tz=company._kpi_tz()
        )  # fmt: skip
        if model.search_count(Domain("id", "=", self.record.id) & condition, limit=1):
            return ""
        return condition_words(self.record, condition)
