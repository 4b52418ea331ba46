# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Brings the values of cohorts up to date by the rows that changed.

Behind a row of a cohort are all events of a customer so far. One old order that is cancelled
changes rows of this customer in all later periods, and none of another customer. So a refresh
keeps the histories that the rows are made from. With their difference it makes the rows that
changed, as they were and as they are: nothing to do where the KPI reads them equal, and where
values add up, the difference is added. Other values are computed from all rows.

The column ``content`` of ``crm.kpi.computation`` is set while a value of a closed period is that
of the kept histories.
"""

import functools
import re
from typing import NamedTuple

from odoo.tools import SQL

from ..engine.cells import ADDITIVE
from ..sql import unnest
from .aggregates import Aggregates
from .cohort_rows import ROWS, ChangedRows
from .due import RELATIVE_DATE, DueValues
from .fact_plan import FactPlan
from .failures import skipped
from .fingerprints import fingerprints
from .scope import crossed_levels, kpis_to_refresh

#: Types of values whose sums are exact to the millionth.
_EXACT = ("boolean", "integer", "monetary")


class ContentRow(NamedTuple):
    """What a value was computed from; its fields name the columns."""

    kpi_id: int
    period_id: int
    fingerprint: str
    content: str


class CohortChanges:
    """Brings the values of all sources that read a model up to date.

    :param model: an empty record set of a model that inherits ``crm.kpi.period.rows``
    :param sources: all sources of the model
    :param now: naive UTC
    """

    def __init__(self, model, sources, company, now):
        self.model = model
        self.sources = sources
        self.company = company
        self.now = now
        self.env = company.env

    def apply(self, periods, kpis, counted):
        """If values are due, keep the histories anew, and bring values up to date by what changed.

        :param periods: those that the refresh is about
        :param kpis: only these; ``None``: all that do not wait for a retry
        :param counted: as in :func:`~.fingerprints.fingerprints`
        :return: number of cells written
        """
        if not self.model._kpi_is_kept:
            return 0
        due = {source: self._due(source, periods, kpis, counted) for source in self.sources}
        if not any(due.values()):
            return 0
        can_change = self.model._kpi_keep(self.company, self.now)
        based = self._based()
        if not can_change:
            self._lose(based)
            return 0
        if not based:
            return 0
        rows = ChangedRows(self.model, self.now)
        rows.add({period.id for _kpi, period in based})
        written = 0
        for source in self.sources:
            own = {key: text for key, text in based.items() if key[0].source_id == source}
            written += self._apply(source.with_context(**{ROWS: rows}), own, due[source])
        rows.drop()
        return written

    def note(self, aggregates):
        """Note that values of closed periods were computed from what is kept.

        :param aggregates: :class:`~.aggregates.Aggregates` that have computed them
        """
        if self.model._kpi_is_kept:
            self._update(
                ContentRow(kpi.id, period.id, None, self._content(kpi, period))
                for kpi, period in aggregates.computed
                if period.utc_to <= self.now
            )

    # --- WHAT CHANGED ---

    def _due(self, source, periods, kpis, counted):
        """As :meth:`~.due.DueValues.find`; nothing where it fails: the next step finds why."""
        own = kpis_to_refresh(self.company, kpis)
        own = own.filtered(lambda kpi: kpi.source_id == source)
        if not own or not periods or source.needs_approval:
            return {}
        with skipped(self.env, f"{source.code} is not compared"):
            records = fingerprints(source, self.company, periods, self.now, counted)
            crossed = crossed_levels(self.company, self.now)
            return DueValues(own, crossed, self.now).find(periods, records)
        return {}

    def _based(self):
        """Dict of ``(kpi, period)`` to the content, of the values of the kept histories."""
        computed = (
            self.env["crm.kpi.computation"]
            .sudo()
            .search(
                [
                    ("kpi_id.source_id", "in", self.sources.ids),
                    ("period_id.company_id", "=", self.company.id),
                    ("content", "!=", False),
                ]
            )
        )
        return {(one.kpi_id, one.period_id): one.content for one in computed}

    def _apply(self, source, based, due):
        """Bring the values of a source up to date.

        :param based: as :meth:`_based`
        :param due: as :meth:`_due`
        """
        if not based:
            return 0
        changed = self._changed(source, based)
        same, moved, lost = [], {}, []
        for (kpi, period), content in based.items():
            found = due.get((kpi, period))
            by_records = found is not None and found.only_records
            if changed is None or content != self._content(kpi, period):
                lost.append((kpi, period))
            elif (kpi.id, period.id) not in changed:
                if by_records:
                    same.append(ContentRow(kpi.id, period.id, found.cache_key.encode(), content))
            elif by_records and kpi._is_reliable(period) and self._adds_up(source, kpi):
                moved[kpi, period] = found
            else:
                lost.append((kpi, period))
        self._update(same)
        written = 0
        if moved:
            lost_before, lost = lost, [*lost, *moved]
            with skipped(self.env, f"changes of {source.code} are not added"):
                aggregates = Aggregates(source, self.company, self.now)
                written = aggregates.add_changes(moved)
                self.note(aggregates)
                lost = lost_before
        self._lose(lost)
        return written

    def _changed(self, source, based):
        """Set of ``(kpi id, period id)`` of the values whose rows changed; ``None``: unknown."""
        kpis = self.env["crm.kpi"].union(*{kpi for kpi, _period in based})
        periods = self.env["crm.kpi.period"].union(*{period for _kpi, period in based})
        if any(kpi.state != "published" for kpi in kpis) or source.needs_approval:
            return None
        with skipped(self.env, f"rows of {source.code} are not compared"):
            plan = FactPlan(source, self.company, periods, self.now, changes=True)
            for kpi in kpis:
                plan.add(kpi)
            rows = self.env.execute_query(changed_facts(plan.plan()))
            return self._ranked(source.env.context[ROWS], kpis, periods).union(
                (kpi.id, period_id)
                for period_id, *flags in rows
                for kpi, flag in zip(kpis, flags, strict=True)
                if flag
            )
        return None

    def _ranked(self, changed, kpis, periods):
        """As :meth:`_changed`: the values that depend on all rows of the period, where a changed
        row is placed differently among them."""
        found = set()
        for name, columns in self.model._kpi_ranks.items():
            reading = [kpi for kpi in kpis if _reads(kpi, name)]
            if reading:
                rows = self.env.execute_query(
                    SQL(
                        """SELECT period_id FROM %s WHERE period_id = ANY(%s) GROUP BY period_id
                           HAVING sum(change * hashtextextended(ROW(id, %s)::text, 0)::numeric) <> 0""",
                        changed.table,
                        periods.ids,
                        SQL(", ").join(map(SQL.identifier, columns)),
                    )
                )
                found.update((kpi.id, period_id) for kpi in reading for (period_id,) in rows)
        return found

    def _adds_up(self, source, kpi):
        """Whether the value is that before and the difference of the rows that changed.

        Not where a condition can have become another one without a change of the row.
        """
        if kpi.aggregator not in ADDITIVE or any(
            _reads(kpi, name) for name in self.model._kpi_ranks
        ):
            return False
        paths = [kpi.value_field, source.user_field, source.team_field, source.partner_field]
        if (
            source.segment_field
            or source.country_field
            or any("." in (path or "") for path in paths)
        ):
            return False
        if RELATIVE_DATE.search(f"{kpi.domain} {source.domain}"):
            return False
        for text in (kpi.domain, source.domain):
            for condition in source._usable_domain(text, "").iter_conditions():
                field = self.model._fields.get(condition.field_expr)
                if field is None or field.relational:
                    return False
        return kpi.aggregator == "count" or source._path_field(kpi.value_field, "").type in _EXACT

    # --- WHAT VALUES WERE COMPUTED FROM ---

    @functools.cached_property
    def _shared(self):
        # superuser: periods of all users
        periods = (
            self.env["crm.kpi.period"]
            .sudo()
            .search([("company_id", "=", self.company.id), ("utc_to", "<=", self.now)])
        )
        return self.model._kpi_shared(periods, self.now)

    def _content(self, kpi, period):
        texts = [
            found.get(period.id, "") for name, found in self._shared.items() if _reads(kpi, name)
        ]
        return " ".join(["kept", *texts])

    def _update(self, rows):
        rows = list(rows)
        if not rows:
            return
        self.env.execute_query(
            SQL(
                """UPDATE crm_kpi_computation AS computation
                      SET content = found.content,
                          fingerprint = COALESCE(found.fingerprint, computation.fingerprint)
                     FROM %s
                    WHERE computation.kpi_id = found.kpi_id
                      AND computation.period_id = found.period_id
                RETURNING 1""",
                unnest(ContentRow, rows, "found"),
            )
        )
        self.env["crm.kpi.computation"].invalidate_model()

    def _lose(self, keys):
        """Have values computed from all rows when they are due."""
        self._update(ContentRow(kpi.id, period.id, None, None) for kpi, period in keys)


def _reads(kpi, name):
    """Whether a KPI may read a column."""
    texts = (kpi.domain, kpi.value_field, kpi.source_id.domain)
    return any(re.search(rf"\b{name}\b", text or "") for text in texts)


def changed_facts(plan):
    """Whether the facts of each KPI of a plan changed, per period.

    :param plan: with ``change``
    :return: SQL (period_id, a column for each KPI)
    """
    columns = [SQL("period_id")]
    for index, column in enumerate(plan.columns):
        fact = SQL("fact")
        if column.value is not None:
            value = SQL.identifier(f"v{index}")
            fact = SQL("hashtextextended(COALESCE(%s::text, ''), fact)", value)
        columns.append(
            SQL(
                "COALESCE(sum(change * (%s)::numeric) FILTER (WHERE %s), 0) <> 0",
                fact,
                SQL.identifier(f"f{index}"),
            )
        )
    who = SQL("day - date '2000-01-01'")
    for name in ("user_id", "team_id", "partner_id", "segment_id", "country_id"):
        who = SQL("hashint4extended(COALESCE(%s, 0), %s)", SQL.identifier(name), who)
    return SQL(
        """SELECT %(columns)s
             FROM (SELECT *, hashint8extended(record_id, %(who)s) AS fact
                     FROM (%(facts)s) AS facts) AS hashed
            GROUP BY period_id""",
        columns=SQL(", ").join(columns),
        who=who,
        facts=plan.facts(),
    )
