# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Compares the rows of cohorts with those that the values were computed from.

Behind a row of a cohort are all events of a customer so far. One old order that is cancelled can
change the rows of all later periods, but in most of them it changes no value. So a closed period
whose events changed is computed again only for the KPIs whose rows changed. The column
``content`` of ``crm.kpi.computation`` condenses the rows that a value was computed from.
"""

import logging
from typing import NamedTuple

import psycopg2

from odoo.tools import SQL

from ..sql import unnest
from .cohort_rows import ROWS
from .fact_plan import FactPlan
from .fingerprints import fingerprints

_logger = logging.getLogger(__name__)


class ContentRow(NamedTuple):
    """What the value of a KPI in a period is made of."""

    kpi_id: int
    period_id: int
    records: str
    content: str


class Comparison:
    """Compares the rows behind the KPIs of a cohort source with those that they were computed from.

    :param source: with :data:`ROWS` in its context
    :param kpis: KPIs of the source
    """

    def __init__(self, source, company, kpis, now):
        self.source = source
        self.company = company
        self.kpis = kpis
        self.now = now
        self.env = company.env
        self.found = []

    def keep_equal(self, periods, counted):
        """Note that values are up to date whose events changed, but not their rows.

        :param counted: as in :func:`~.fingerprints.fingerprints`
        """
        records = fingerprints(self.source, self.company, periods, self.now, counted)
        # a running period changes with time, too
        closed = periods.filtered(lambda period: period.utc_to <= self.now)
        closed = self._changed(closed, records)
        if not closed:
            return
        running = periods.filtered(lambda period: period.utc_to > self.now)
        self.source.env.context[ROWS].add((closed | running).ids)
        self.found = [
            ContentRow(kpi_id, period_id, records.get(period_id, "0"), content)
            for (kpi_id, period_id), content in self._contents(closed).items()
        ]
        self._update(
            SQL("fingerprint = found.records || substr(fingerprint, strpos(fingerprint, '|'))"),
            SQL("computation.content = found.content AND computation.fingerprint IS NOT NULL"),
        )

    def note(self):
        """Keep what the values were computed from that are up to date now."""
        self._update(
            SQL("content = found.content"),
            SQL("split_part(computation.fingerprint, '|', 1) = found.records"),
        )

    def _changed(self, periods, records):
        """Periods with other events than those that a KPI was computed from."""
        rows = self.env.execute_query(
            SQL(
                """SELECT period_id, split_part(fingerprint, '|', 1), count(*)
                     FROM crm_kpi_computation
                    WHERE kpi_id = ANY(%s) AND period_id = ANY(%s) GROUP BY 1, 2""",
                self.kpis.ids,
                periods.ids,
            )
        )
        same = {
            period_id
            for period_id, before, count in rows
            if before == records.get(period_id, "0") and count == len(self.kpis)
        }
        return periods.filtered(lambda period: period.id not in same)

    def _contents(self, periods):
        """Dict of ``(kpi id, period id)`` to a text that changes with the rows behind the value.

        Empty where they cannot be read: what fails is found when the KPIs are computed.
        """
        if not periods:
            return {}
        try:
            with self.env.cr.savepoint():
                plan = FactPlan(self.source, self.company, periods, self.now)
                for kpi in self.kpis:
                    plan.add(kpi)
                rows = self.env.execute_query(contents(plan.plan()))
        except psycopg2.OperationalError:
            raise
        except Exception:
            _logger.info("KPI refresh: %s: rows not compared", self.source.code, exc_info=True)
            return {}
        found = {(kpi.id, period.id): "0" for kpi in self.kpis for period in periods}
        for period_id, *texts in rows:
            found.update(
                ((kpi.id, period_id), text) for kpi, text in zip(self.kpis, texts, strict=True)
            )
        return found

    def _update(self, change, condition):
        if not self.found:
            return
        self.env.execute_query(
            SQL(
                """UPDATE crm_kpi_computation AS computation SET %s FROM %s
                    WHERE computation.kpi_id = found.kpi_id
                      AND computation.period_id = found.period_id AND %s
                RETURNING 1""",
                change,
                unnest(ContentRow, self.found, "found"),
                condition,
            )
        )
        self.env["crm.kpi.computation"].invalidate_model()


def contents(plan):
    """Per period and KPI of a plan a text that changes with its facts.

    :return: SQL (period_id, a column for each KPI)
    """
    columns = [SQL("period_id")]
    for index, column in enumerate(plan.columns):
        fact = SQL("fact")
        if column.value is not None:
            value = SQL.identifier(f"v{index}")
            fact = SQL("hashtextextended(COALESCE(%s::text, ''), fact)", value)
        columns.append(
            SQL("COALESCE(sum(%s) FILTER (WHERE %s), 0)::text", fact, SQL.identifier(f"f{index}"))
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
